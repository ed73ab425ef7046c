//! The story of the client matrix, as `python/story.py` tells it.

use super::case::Case;
use super::rust_sdk::{Providers, exporters, providers};
use super::story::{N_ORDERS, NOTE, SCHEMA_URL};
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, MeterProvider as _, UpDownCounter};
use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Array, Context, InstrumentationScope, Key, KeyValue, Value};
use opentelemetry_sdk::logs::SdkLogger;
use opentelemetry_sdk::trace::SdkTracer;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const KINDS: [SpanKind; 4] = [SpanKind::Internal, SpanKind::Client, SpanKind::Producer, SpanKind::Consumer];

/// Exports once, and gives the ids of its traces. Blocks.
pub(crate) fn tell(case: Case, endpoint: &str, start: u64) -> serde_json::Value {
    let exporters = exporters(case, endpoint, &Arc::default());
    let providers = providers(case, exporters.spans, exporters.logs, exporters.metrics);
    let shop = Shop::new(&providers, start);
    let mut trace_ids = Vec::new();
    let mut previous = None;
    for number in 1..=N_ORDERS {
        let context = shop.order(number, previous);
        trace_ids.push(context.trace_id().to_string());
        previous = Some(context);
    }
    shop.close();
    providers.tracers.force_flush().expect("spans are exported");
    providers.loggers.force_flush().expect("log records are exported");
    // A flush before it would export every point twice.
    providers.meters.shutdown().expect("points are exported");
    providers.tracers.shutdown().expect("tracers end");
    providers.loggers.shutdown().expect("loggers end");
    json!({ "trace_ids": trace_ids })
}

struct Shop {
    start: u64,
    tracer: SdkTracer,
    logger: SdkLogger,
    orders: Counter<u64>,
    revenue: Counter<f64>,
    stock: UpDownCounter<i64>,
    temperature: Gauge<f64>,
    value: Histogram<f64>,
    latency: Histogram<f64>,
}

impl Shop {
    fn new(providers: &Providers, start: u64) -> Self {
        let scope =
            InstrumentationScope::builder("shop").with_version("1.2.3").with_schema_url(SCHEMA_URL).build();
        let tracer = providers.tracers.tracer_with_scope(scope.clone());
        let logger = providers.loggers.logger_with_scope(scope.clone());
        let meter: Meter = providers.meters.meter_with_scope(scope);
        let open = meter.i64_observable_gauge("shop.open");
        open.with_callback(|observer| observer.observe(3, &[KeyValue::new("door", "north")])).build();
        let orders = meter.u64_counter("shop.orders").with_unit("{order}").with_description("Orders taken");
        let value = meter.f64_histogram("shop.value").with_unit("EUR");
        Self {
            start,
            tracer,
            logger,
            orders: orders.build(),
            revenue: meter.f64_counter("shop.revenue").with_unit("EUR").build(),
            stock: meter.i64_up_down_counter("shop.stock").with_unit("{item}").build(),
            temperature: meter.f64_gauge("shop.temperature").with_unit("Cel").build(),
            value: value.with_boundaries(vec![10.0, 50.0, 100.0]).build(),
            latency: meter.f64_histogram("shop.latency").with_unit("s").build(),
        }
    }

    /// So many nanoseconds after the start.
    fn at(&self, nanos: i64) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.start + nanos.unsigned_abs())
    }

    /// One order: a request, a step of it that names the order before, a log record, and measurements.
    fn order(&self, number: i64, previous: Option<SpanContext>) -> SpanContext {
        let began = number * 1_000_000;
        let context = Context::new().with_span(self.request(number, began));
        self.step(number, began, &context, previous);
        {
            let _active = context.clone().attach();
            self.log(number, began + 700);
            self.measure(number);
        }
        let span = context.span();
        span.end_with_timestamp(self.at(began + 1_000 + number));
        span.span_context().clone()
    }

    fn request(&self, number: i64, began: i64) -> opentelemetry_sdk::trace::Span {
        let builder = self.tracer.span_builder("POST /orders").with_kind(SpanKind::Server);
        let builder = builder.with_start_time(self.at(began)).with_attributes(attributes(number));
        let mut span = builder.start_with_context(&self.tracer, &Context::new());
        let priced = vec![KeyValue::new("price.cents", 100 * number)];
        span.add_event_with_timestamp("priced", self.at(began + 500), priced);
        if number % 5 == 0 {
            let thrown =
                vec![KeyValue::new("exception.type", "NoPrice"), KeyValue::new("exception.message", "none")];
            span.add_event_with_timestamp("exception", self.at(began + 600), thrown);
            span.set_status(Status::error("no price"));
        } else if number % 5 == 1 {
            span.set_status(Status::Ok);
        }
        span
    }

    fn step(&self, number: i64, began: i64, context: &Context, previous: Option<SpanContext>) {
        let link = |previous| Link::new(previous, vec![KeyValue::new("link.reason", "after")], 0);
        let builder = self.tracer.span_builder(format!("step {number}"));
        let builder = builder.with_kind(KINDS[number as usize % KINDS.len()].clone());
        let builder = builder.with_attributes([KeyValue::new("order.number", number)]);
        let builder = builder.with_links(previous.map(link).into_iter().collect());
        let builder = builder.with_start_time(self.at(began + 100));
        let mut span = builder.start_with_context(&self.tracer, context);
        span.end_with_timestamp(self.at(began + 200 + number));
    }

    /// Belongs to the active span.
    fn log(&self, number: i64, at: i64) {
        let (what, severity, severity_text) = match number % 5 {
            0 => ("failed", Severity::Error, "ERROR"),
            _ => ("accepted", Severity::Info, "INFO"),
        };
        let mut record = self.logger.create_log_record();
        record.set_timestamp(self.at(at));
        record.set_observed_timestamp(self.at(at + 50));
        record.set_severity_number(severity);
        record.set_severity_text(severity_text);
        record.set_body(format!("order {number} {what}").into());
        record.add_attribute("order.number", number);
        record.add_attribute("order.weight", number as f64 + 0.5);
        record.add_attribute("order.express", number % 2 == 0);
        self.logger.emit(record);
    }

    fn measure(&self, number: i64) {
        let web = [KeyValue::new("channel", "web")];
        self.orders.add(1, &web);
        self.revenue.add(number as f64 + 0.5, &web);
        self.stock.add(-2, &[KeyValue::new("shelf", "a")]);
        self.temperature.record(20.0 + number as f64 / 2.0, &[KeyValue::new("room", "cellar")]);
        let express = [KeyValue::new("channel", "web"), KeyValue::new("express", true)];
        self.value.record(10.0 * number as f64, &express);
        self.latency.record(number as f64, &web);
    }

    /// An event that belongs to no span, with a body that is a map and an attribute that is bytes.
    fn close(&self) {
        let doors = vec![AnyValue::from("a"), AnyValue::from(2), AnyValue::from(true)];
        let doors = AnyValue::ListAny(Box::new(doors));
        let mut record = self.logger.create_log_record();
        record.set_timestamp(self.at(0));
        record.set_observed_timestamp(self.at(50));
        record.set_severity_number(Severity::Warn);
        record.set_severity_text("WARN");
        record.set_event_name("shop.closed");
        record.set_body(AnyValue::Map(Box::new(HashMap::from([(Key::from("doors"), doors)]))));
        record.add_attribute("raw", AnyValue::from(&[0_u8, 1, 254, 255][..]));
        self.logger.emit(record);
    }
}

fn attributes(number: i64) -> Vec<KeyValue> {
    vec![
        KeyValue::new("order.number", number),
        KeyValue::new("order.big", 9_007_199_254_740_991_i64),
        KeyValue::new("order.weight", number as f64 + 0.5),
        KeyValue::new("order.express", number % 2 == 0),
        KeyValue::new("order.note", NOTE),
        KeyValue::new("order.tags", Value::Array(Array::String(vec!["blue".into(), "fragile".into()]))),
        KeyValue::new("order.sizes", Value::Array(Array::I64(vec![1, 2]))),
        KeyValue::new("http.request.method", "POST"),
        KeyValue::new("http.route", "/orders"),
        KeyValue::new("http.response.status_code", if number % 5 == 0 { 500_i64 } else { 201 }),
    ]
}
