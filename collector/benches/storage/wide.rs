//! A workload of wide rows: sixty attributes each, of all types, of few, some and many values.

use collector::bench::Request;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use storage::Signal;

const N_ATTRIBUTES: usize = 60;
/// Items of a request, as SDKs send them.
const N_ITEMS: usize = 512;
/// Different values that the attributes take turns in having: from a flag to one of its own per row.
const N_VALUES: [u64; 6] = [2, 5, 20, 200, 5_000, u64::MAX];
/// Sets of attributes that points share: series.
const N_SERIES: u64 = 500;
/// Spans of a trace.
const N_SPANS_OF_TRACE: u64 = 10;
const SERVICES: [&str; 4] = ["wide-front", "wide-orders", "wide-stock", "wide-billing"];

/// Rows without an end; the same seed gives the same ones.
#[derive(Debug)]
pub(crate) struct Wide {
    rng: StdRng,
    n_spans: u64,
}

impl Wide {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), n_spans: 0 }
    }

    /// A request of each signal, of items that end at `now` (unix nanos).
    pub(crate) fn requests(&mut self, now: i64) -> [Request; 3] {
        let service = SERVICES[self.rng.random_range(0..SERVICES.len())];
        let (now, resource) = (now.unsigned_abs(), resource(service));
        let spans = (0..N_ITEMS).map(|_| self.span(now)).collect();
        let log_records = (0..N_ITEMS).map(|_| self.log(now)).collect();
        let data_points = (0..N_ITEMS).map(|_| self.point(now)).collect();
        [traces(resource.clone(), spans), logs(resource.clone(), log_records), metrics(resource, data_points)]
    }

    fn span(&mut self, now: u64) -> Span {
        let duration = self.rng.random_range(100_000..500_000_000);
        let trace = self.n_spans / N_SPANS_OF_TRACE;
        self.n_spans += 1;
        Span {
            trace_id: (u128::from(trace + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
                .to_be_bytes()
                .to_vec(),
            span_id: self.rng.random_range(1..u64::MAX).to_be_bytes().to_vec(),
            name: format!("operation-{}", self.rng.random_range(0..30)),
            kind: self.rng.random_range(1..=3),
            start_time_unix_nano: now - duration,
            end_time_unix_nano: now,
            attributes: attributes(&mut self.rng),
            ..Span::default()
        }
    }

    fn log(&mut self, now: u64) -> LogRecord {
        let body = format!("request {} took {} ms", self.rng.random::<u32>(), self.rng.random_range(1..900));
        LogRecord {
            time_unix_nano: now,
            severity_number: 9,
            body: Some(text(body)),
            attributes: attributes(&mut self.rng),
            ..LogRecord::default()
        }
    }

    fn point(&mut self, now: u64) -> NumberDataPoint {
        let series = self.rng.random_range(0..N_SERIES);
        NumberDataPoint {
            time_unix_nano: now,
            attributes: attributes(&mut StdRng::seed_from_u64(series)),
            value: Some(number_data_point::Value::AsDouble(self.rng.random_range(0.0..1_000.0))),
            ..NumberDataPoint::default()
        }
    }
}

fn attributes(rng: &mut StdRng) -> Vec<KeyValue> {
    let attribute = |idx: usize| {
        let value = rng.random_range(0..N_VALUES[idx % N_VALUES.len()]);
        let value = match idx % 4 {
            0 | 1 => text(format!("value-{value}")),
            2 => AnyValue { value: Some(Value::IntValue((value >> 1) as i64)) },
            _ if value < 2 => AnyValue { value: Some(Value::BoolValue(value == 1)) },
            _ => AnyValue { value: Some(Value::DoubleValue(value as f64 / 8.0)) },
        };
        KeyValue { key: format!("wide.attribute.{idx:02}"), value: Some(value), ..KeyValue::default() }
    };
    (0..N_ATTRIBUTES).map(attribute).collect()
}

pub(crate) fn text(value: impl Into<String>) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(value.into())) }
}

fn resource(service: &str) -> Option<Resource> {
    let key = "service.name".to_owned();
    let name = KeyValue { key, value: Some(text(service)), ..KeyValue::default() };
    Some(Resource { attributes: vec![name], ..Resource::default() })
}

fn request(signal: Signal, n_items: usize, message: &impl Message, trace_id: Option<[u8; 16]>) -> Request {
    Request { signal, n_items, payload: message.encode_to_vec().into(), trace_id }
}

pub(crate) fn traces(resource: Option<Resource>, spans: Vec<Span>) -> Request {
    let trace_id = spans.first().and_then(|span| span.trace_id.as_slice().try_into().ok());
    let n_items = spans.len();
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
    request(Signal::Traces, n_items, &ExportTraceServiceRequest { resource_spans }, trace_id)
}

fn logs(resource: Option<Resource>, log_records: Vec<LogRecord>) -> Request {
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }];
    request(Signal::Logs, N_ITEMS, &ExportLogsServiceRequest { resource_logs }, None)
}

fn metrics(resource: Option<Resource>, data_points: Vec<NumberDataPoint>) -> Request {
    let data = Some(Data::Gauge(Gauge { data_points }));
    let metrics = vec![Metric { name: "wide.gauge".to_owned(), data, ..Metric::default() }];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
    request(Signal::Metrics, N_ITEMS, &ExportMetricsServiceRequest { resource_metrics }, None)
}
