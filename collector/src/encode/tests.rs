//! Requests become rows, rows become OTLP/JSON, and that becomes equal rows.

use crate::columns;
use crate::decode::tests::generated::{any_value, attributes, valid_traces};
use crate::decode::{Encoding, Report, decode};
use crate::encode::encode;
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take_record_batch;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::prelude::*;
use prost::Message;
use std::sync::Arc;
use storage::Signal;

const RECEIVED_AT: i64 = 1_700_000_000_000_000_000;

fn rows(signal: Signal, encoding: Encoding, body: Vec<u8>) -> RecordBatch {
    let mut report = Report::default();
    let validated = decode(signal, encoding, &Bytes::from(body), &mut report).expect("decodes");
    columns::build(&validated, RECEIVED_AT, &mut report).expect("rows").batch().clone()
}

/// Groups may change the order of items; `column` has a name for each.
fn sorted(batch: &RecordBatch, column: &str) -> RecordBatch {
    let names: &StringArray = batch.column_by_name(column).expect("there").as_string();
    let mut order: Vec<u32> = (0..batch.num_rows() as u32).collect();
    order.sort_by_key(|row| names.value(*row as usize));
    take_record_batch(batch, &UInt32Array::from(order)).expect("in order")
}

fn check(signal: Signal, request: &impl Message, column: &str) {
    let sent = rows(signal, Encoding::Protobuf, request.encode_to_vec());
    let json = encode(signal, &sent).expect("encodes").to_string();
    let back = rows(signal, Encoding::Json, json.into_bytes());
    let (sent, back) = (sorted(&sent, column), sorted(&back, column));
    for (field, (sent, back)) in sent.schema().fields().iter().zip(sent.columns().iter().zip(back.columns()))
    {
        let (sent, back): (&ArrayRef, &ArrayRef) = (sent, back);
        assert_eq!(sent, back, "{field}");
    }
    assert_eq!(sent.num_rows(), back.num_rows());
}

/// Times that Arrow holds.
fn time() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0..=i64::MAX as u64, 1 => Just(0)]
}

fn id(n_bytes: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => prop::collection::vec(any::<u8>(), n_bytes),
        1 => Just(Vec::new()),
        1 => prop::collection::vec(any::<u8>(), 0..n_bytes),
    ]
}

fn scope() -> impl Strategy<Value = Option<InstrumentationScope>> {
    let scope =
        (".{0,3}", ".{0,2}", attributes(), 0..2_u32).prop_map(|(name, version, attributes, n_dropped)| {
            InstrumentationScope { name, version, attributes, dropped_attributes_count: n_dropped }
        });
    prop_oneof![scope.prop_map(Some), Just(Some(InstrumentationScope::default())), Just(None)]
}

fn resource() -> impl Strategy<Value = Option<Resource>> {
    let resource = (attributes(), 0..2_u32).prop_map(|(attributes, dropped_attributes_count)| Resource {
        attributes,
        dropped_attributes_count,
        entity_refs: Vec::new(),
    });
    prop::option::of(resource)
}

fn log_record() -> impl Strategy<Value = LogRecord> {
    // Without a time a record gets that of its receipt, which is not sent back as such.
    let times = (time(), time()).prop_map(|(time, observed)| (time.max(1), observed));
    let severity = (-1..30_i32, prop::sample::select(vec!["", "Error", "warning", "what"]));
    let tail = (id(16), id(8), any::<u32>(), attributes(), 0..3_u32);
    (times, severity, prop::option::of(any_value()), tail).prop_map(|(times, severity, body, tail)| {
        LogRecord {
            time_unix_nano: times.0,
            observed_time_unix_nano: times.1,
            severity_number: severity.0,
            severity_text: severity.1.to_owned(),
            body,
            attributes: tail.3,
            dropped_attributes_count: tail.4,
            flags: tail.2,
            trace_id: tail.0,
            span_id: tail.1,
            event_name: String::new(),
        }
    })
}

/// JSON knows one NaN only.
fn double() -> impl Strategy<Value = f64> {
    prop::num::f64::ANY.prop_map(|double| if double.is_nan() { f64::NAN } else { double })
}

fn exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let value = prop_oneof![
        double().prop_map(exemplar::Value::AsDouble),
        any::<i64>().prop_map(exemplar::Value::AsInt)
    ];
    let exemplar = (time(), prop::option::of(value), id(16), id(8), attributes());
    let exemplar = exemplar.prop_map(|(time_unix_nano, value, trace_id, span_id, filtered_attributes)| {
        Exemplar { filtered_attributes, time_unix_nano, span_id, trace_id, value }
    });
    prop::collection::vec(exemplar, 0..3)
}

fn number() -> impl Strategy<Value = NumberDataPoint> {
    let value = prop_oneof![
        double().prop_map(number_data_point::Value::AsDouble),
        any::<i64>().prop_map(number_data_point::Value::AsInt)
    ];
    (attributes(), time(), time(), prop::option::of(value), exemplars(), 0..2_u32).prop_map(
        |(attributes, start_time_unix_nano, time_unix_nano, value, exemplars, flags)| NumberDataPoint {
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            exemplars,
            flags,
            value,
        },
    )
}

fn statistics() -> impl Strategy<Value = [Option<f64>; 3]> {
    prop::array::uniform3(prop::option::of(double()))
}

fn histogram() -> impl Strategy<Value = HistogramDataPoint> {
    let buckets = prop_oneof![
        Just((vec![], vec![])),
        Just((vec![7], vec![])),
        prop::collection::vec(0..u64::MAX / 8, 4).prop_map(|counts| (counts, vec![-1.5, 0.1, f64::INFINITY])),
    ];
    (attributes(), time(), time(), buckets, statistics(), exemplars(), 0..2_u32).prop_map(
        |(attributes, start_time_unix_nano, time_unix_nano, buckets, [sum, min, max], exemplars, flags)| {
            let (bucket_counts, explicit_bounds) = buckets;
            HistogramDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                count: bucket_counts.iter().sum(),
                sum,
                bucket_counts,
                explicit_bounds,
                exemplars,
                flags,
                min,
                max,
            }
        },
    )
}

fn exponential() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let buckets = || {
        let buckets = (-20..20_i32, prop::collection::vec(0..1_000_000_u64, 0..4));
        prop::option::of(buckets.prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts }))
    };
    let shape = (-2..5_i32, any::<u32>(), 0.0..1.0, buckets(), buckets());
    (attributes(), time(), time(), shape, statistics(), exemplars(), 0..2_u32).prop_map(
        |(attributes, start_time_unix_nano, time_unix_nano, shape, [sum, min, max], exemplars, flags)| {
            let (scale, zero_count, zero_threshold, positive, negative) = shape;
            let counts = [&positive, &negative].into_iter().flatten().flat_map(|side| &side.bucket_counts);
            ExponentialHistogramDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                count: u64::from(zero_count) + counts.sum::<u64>(),
                sum,
                scale,
                zero_count: zero_count.into(),
                positive,
                negative,
                flags,
                exemplars,
                min,
                max,
                zero_threshold,
            }
        },
    )
}

fn summary() -> impl Strategy<Value = SummaryDataPoint> {
    let quantile = (double(), double()).prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    let values = (any::<u64>(), double(), prop::collection::vec(quantile, 0..3));
    (attributes(), time(), time(), values, 0..2_u32).prop_map(
        |(attributes, start_time_unix_nano, time_unix_nano, (count, sum, quantile_values), flags)| {
            SummaryDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                count,
                sum,
                quantile_values,
                flags,
            }
        },
    )
}

fn metric() -> impl Strategy<Value = Metric> {
    let data = prop_oneof![
        prop::collection::vec(number(), 0..3).prop_map(|data_points| Data::Gauge(Gauge { data_points })),
        (prop::collection::vec(number(), 0..3), 0..3_i32, any::<bool>()).prop_map(
            |(data_points, aggregation_temporality, is_monotonic)| {
                Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic })
            }
        ),
        (prop::collection::vec(histogram(), 0..3), 1..3_i32).prop_map(
            |(data_points, aggregation_temporality)| {
                Data::Histogram(Histogram { data_points, aggregation_temporality })
            }
        ),
        (prop::collection::vec(exponential(), 0..3), 1..3_i32).prop_map(
            |(data_points, aggregation_temporality)| {
                Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality })
            }
        ),
        prop::collection::vec(summary(), 0..3).prop_map(|data_points| Data::Summary(Summary { data_points })),
    ];
    (".{0,4}", ".{0,4}", attributes(), prop::option::of(data)).prop_map(
        |(description, unit, metadata, data)| Metric {
            name: String::new(),
            description,
            unit,
            metadata,
            data,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Scenario: generated trace requests, with everything that the messages can hold.
    /// Guarantees: rows that were exported and sent again are equal.
    #[test]
    fn spans_come_back(request in valid_traces()) {
        check(Signal::Traces, &request, "name");
    }

    /// Scenario and guarantees: as above, for log records.
    #[test]
    fn logs_come_back(
        owners in prop::collection::vec((resource(), scope(), ".{0,3}"), 1..4),
        records in prop::collection::vec(log_record(), 0..8),
    ) {
        let n_owners = owners.len();
        let of_owner = |idx: usize| {
            let own = records.iter().enumerate().filter(move |(place, _)| place % n_owners == idx);
            own.map(|(place, record)| LogRecord { event_name: format!("{place:05}"), ..record.clone() }).collect()
        };
        let resource_logs = owners.into_iter().enumerate().map(|(idx, (resource, scope, schema_url))| {
            let scope_logs = vec![ScopeLogs { scope, log_records: of_owner(idx), schema_url: schema_url.clone() }];
            ResourceLogs { resource, scope_logs, schema_url }
        });
        check(Signal::Logs, &ExportLogsServiceRequest { resource_logs: resource_logs.collect() }, "event_name");
    }

    /// Scenario and guarantees: as above, for data points of all five types.
    #[test]
    fn metrics_come_back(
        owners in prop::collection::vec((resource(), scope(), ".{0,3}"), 1..3),
        metrics in prop::collection::vec(metric(), 0..6),
    ) {
        let n_owners = owners.len();
        let of_owner = |idx: usize| {
            let own = metrics.iter().enumerate().filter(move |(place, _)| place % n_owners == idx);
            own.map(|(place, metric)| Metric { name: format!("{place:05}"), ..metric.clone() }).collect()
        };
        let resource_metrics = owners.into_iter().enumerate().map(|(idx, (resource, scope, schema_url))| {
            let scope_metrics = vec![ScopeMetrics { scope, metrics: of_owner(idx), schema_url: schema_url.clone() }];
            ResourceMetrics { resource, scope_metrics, schema_url }
        });
        let request = ExportMetricsServiceRequest { resource_metrics: resource_metrics.collect() };
        check(Signal::Metrics, &request, "name");
    }
}

/// Scenario: a log record without any time of its own.
/// Guarantees: sent back it keeps the time that it was given, as the time when it was observed.
#[test]
fn a_time_of_receipt_is_kept() {
    let body = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}"#;
    let sent = rows(Signal::Logs, Encoding::Json, body.to_vec());
    let json = encode(Signal::Logs, &sent).expect("encodes").to_string();
    let back = rows(Signal::Logs, Encoding::Json, json.into_bytes());
    assert_eq!(back.column_by_name("time"), sent.column_by_name("time"));
    assert_eq!(back["time_source"].as_string::<i32>().value(0), "observed");
}

/// Scenario: rows that lack a column, and have one of another type.
/// Guarantees: the error names the column.
#[test]
fn strange_rows_are_refused() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let batch = RecordBatch::try_from_iter([("trace_id", texts)]).expect("a batch");
    let error = encode(Signal::Traces, &batch).expect_err("refused").to_string();
    assert_eq!(error, "column trace_id is not what the table has under that name (Utf8)");
}
