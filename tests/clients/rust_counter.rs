//! Counts through the Rust SDK, as `python/counter.py` does: numbered spans, log records and points, with a memory of
//! what the exporters said became of each.

use super::case::Case;
use super::counter::{Account, Outcome};
use super::rust_sdk::{Providers, Tries, exporters, providers};
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter, SdkLogRecord};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PER_REQUEST: i64 = 5;

/// An exporter that remembers what became of each item.
#[derive(Debug)]
struct Recorded<E> {
    exporter: E,
    outcome: Arc<Mutex<Outcome>>,
    tries: Arc<Tries>,
}

impl<E> Recorded<E> {
    fn new(exporter: E, tries: &Arc<Tries>) -> (Self, Arc<Mutex<Outcome>>) {
        let outcome = Arc::new(Mutex::new(Outcome::default()));
        let recorded = Self { exporter, outcome: Arc::clone(&outcome), tries: Arc::clone(tries) };
        (recorded, outcome)
    }

    fn ended(&self, numbers: Vec<i64>, result: OTelSdkResult) -> OTelSdkResult {
        let mut outcome = self.outcome.lock().expect("lock");
        match result {
            Ok(()) => outcome.delivered.extend(numbers),
            Err(_) => outcome.failed.extend(numbers),
        }
        result
    }
}

impl<E: SpanExporter> SpanExporter for Recorded<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.tries.begin();
        let numbers = batch.iter().filter_map(|span| number_of_span(&span.attributes)).collect();
        let result = self.exporter.export(batch).await;
        self.ended(numbers, result)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: LogExporter> LogExporter for Recorded<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        self.tries.begin();
        let numbers = batch.iter().filter_map(|(record, _)| number_of_log(record)).collect();
        let result = self.exporter.export(batch).await;
        self.ended(numbers, result)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Recorded<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.tries.begin();
        let result = self.exporter.export(metrics).await;
        self.ended(numbers_of_points(metrics), result)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}

fn number_of_span(attributes: &[KeyValue]) -> Option<i64> {
    let number = attributes.iter().find(|attribute| attribute.key.as_str() == "number")?;
    if let Value::I64(number) = number.value { Some(number) } else { None }
}

fn number_of_log(record: &SdkLogRecord) -> Option<i64> {
    let (_, number) = record.attributes_iter().find(|(key, _)| key.as_str() == "number")?;
    if let AnyValue::Int(number) = number { Some(*number) } else { None }
}

fn numbers_of_points(metrics: &ResourceMetrics) -> Vec<i64> {
    let metrics = metrics.scope_metrics().flat_map(|scope| scope.metrics());
    let mut numbers = Vec::new();
    for metric in metrics {
        if let AggregatedMetrics::I64(MetricData::Gauge(gauge)) = metric.data() {
            numbers.extend(gauge.data_points().map(|point| point.value()));
        }
    }
    numbers
}

/// Counts from when it is told to go, until it is told to stop. Blocks.
pub(crate) fn count(
    case: Case,
    endpoint: &str,
    go: &Receiver<()>,
    is_stopped: &AtomicBool,
    tries: &Arc<Tries>,
) -> Account {
    let exporters = exporters(case, endpoint, tries);
    let (spans, of_spans) = Recorded::new(exporters.spans, tries);
    let (logs, of_logs) = Recorded::new(exporters.logs, tries);
    let (metrics, of_metrics) = Recorded::new(exporters.metrics, tries);
    let providers = providers(case, spans, logs, metrics);
    // Without anybody to tell it, there is nothing to do.
    let counted = if go.recv().is_ok() { count_through(&providers, is_stopped) } else { 0 };
    // What they think of it was recorded.
    providers.tracers.shutdown().ok();
    providers.loggers.shutdown().ok();
    providers.meters.shutdown().ok();
    let taken = |outcome: Arc<Mutex<Outcome>>| std::mem::take(&mut *outcome.lock().expect("lock"));
    Account { counted, spans: taken(of_spans), logs: taken(of_logs), metrics: taken(of_metrics) }
}

/// One request at a time, each sent when the one before was answered or given up.
fn count_through(providers: &Providers, is_stopped: &AtomicBool) -> i64 {
    let tracer = providers.tracers.tracer("counter");
    let logger = providers.loggers.logger("counter");
    let gauge = providers.meters.meter("counter").i64_gauge("counter.number").build();
    let mut counted = 0;
    while !is_stopped.load(Ordering::SeqCst) {
        for number in counted..counted + PER_REQUEST {
            let attributes = [KeyValue::new("number", number)];
            let builder = tracer.span_builder("counted").with_attributes(attributes);
            builder.start_with_context(&tracer, &Context::new()).end();
            let mut record = logger.create_log_record();
            record.set_body("counted".into());
            record.add_attribute("number", number);
            logger.emit(record);
            gauge.record(number, &[KeyValue::new("slot", number % PER_REQUEST)]);
        }
        counted += PER_REQUEST;
        // A flush gives up after some seconds, the exporter does not: the next flush waits on.
        providers.tracers.force_flush().ok();
        providers.loggers.force_flush().ok();
        providers.meters.force_flush().ok();
    }
    counted
}
