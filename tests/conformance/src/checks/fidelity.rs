//! One request of each signal with a mark in every field: all of them have to come back.

use super::marked::Marks;
use super::post_protobuf;
use crate::messages;
use crate::outcome::{Checked, Stop, demand};
use crate::query;
use crate::target::Target;
use crate::wire::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, EntityRef, InstrumentationScope, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

/// 43
pub(crate) async fn every_field_comes_back(target: &Target) -> Checked {
    let service = target.service(43);
    let mut marks = Marks::new();
    let request = traces(&mut marks, &service);
    post_protobuf(target, Signal::Traces, &request).await?.whole()?;
    let n_spans = found(target, "spans", &service, 1, &marks).await?;
    let mut marks = Marks::new();
    let request = logs(&mut marks, &service);
    post_protobuf(target, Signal::Logs, &request).await?.whole()?;
    let n_logs = found(target, "logs", &service, 1, &marks).await?;
    let mut marks = Marks::new();
    let request = metrics(&mut marks, &service);
    post_protobuf(target, Signal::Metrics, &request).await?.whole()?;
    let n_points = found(target, "metric_points", &service, 5, &marks).await?;
    Ok(format!(
        "{n_spans} values of a span, {n_logs} of a log record and {n_points} of five metrics read back"
    ))
}

/// How many marks there are; fails on one that is not among the rows of the service.
async fn found(
    target: &Target,
    table: &str,
    service: &str,
    n_rows: usize,
    marks: &Marks,
) -> Result<usize, Stop> {
    let sql = format!("SELECT * FROM {table} WHERE service = '{service}'");
    let missing = marks.missing(&query::shown(target, &sql, n_rows).await?);
    demand(missing.is_empty(), || format!("sent and not found in {table}: {}", missing.join(", ")))?;
    Ok(marks.n_sent())
}

fn resource(marks: &mut Marks, service: &str) -> Resource {
    let mut resource = messages::resource(service);
    resource.attributes.push(marks.attribute("resource.attributes"));
    resource.dropped_attributes_count = marks.number("resource.dropped_attributes_count");
    resource.entity_refs = vec![EntityRef {
        schema_url: marks.text("entity_refs.schema_url"),
        r#type: marks.text("entity_refs.type"),
        id_keys: vec!["service.name".to_owned()],
        ..EntityRef::default()
    }];
    resource
}

fn scope(marks: &mut Marks) -> InstrumentationScope {
    InstrumentationScope {
        name: marks.text("scope.name"),
        version: marks.text("scope.version"),
        attributes: vec![marks.attribute("scope.attributes")],
        dropped_attributes_count: marks.number("scope.dropped_attributes_count"),
    }
}

fn traces(marks: &mut Marks, service: &str) -> ExportTraceServiceRequest {
    let scope_spans = ScopeSpans {
        scope: Some(scope(marks)),
        spans: vec![span(marks)],
        schema_url: marks.text("scope_spans.schema_url"),
    };
    let resource_spans = ResourceSpans {
        resource: Some(resource(marks, service)),
        scope_spans: vec![scope_spans],
        schema_url: marks.text("resource_spans.schema_url"),
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }
}

fn span(marks: &mut Marks) -> Span {
    marks.named("kind", "consumer");
    marks.named("status.code", "error");
    Span {
        trace_id: marks.id::<16>("trace_id"),
        span_id: marks.id::<8>("span_id"),
        trace_state: marks.text("trace_state"),
        parent_span_id: marks.id::<8>("parent_span_id"),
        flags: marks.number("flags"),
        name: marks.text("name"),
        kind: SpanKind::Consumer.into(),
        start_time_unix_nano: marks.time("start_time_unix_nano"),
        end_time_unix_nano: marks.time("end_time_unix_nano"),
        attributes: vec![marks.attribute("attributes")],
        dropped_attributes_count: marks.number("dropped_attributes_count"),
        events: vec![event(marks)],
        dropped_events_count: marks.number("dropped_events_count"),
        links: vec![link(marks)],
        dropped_links_count: marks.number("dropped_links_count"),
        status: Some(Status { message: marks.text("status.message"), code: StatusCode::Error.into() }),
    }
}

fn event(marks: &mut Marks) -> Event {
    Event {
        time_unix_nano: marks.time("events.time_unix_nano"),
        name: marks.text("events.name"),
        attributes: vec![marks.attribute("events.attributes")],
        dropped_attributes_count: marks.number("events.dropped_attributes_count"),
    }
}

fn link(marks: &mut Marks) -> Link {
    Link {
        trace_id: marks.id::<16>("links.trace_id"),
        span_id: marks.id::<8>("links.span_id"),
        trace_state: marks.text("links.trace_state"),
        attributes: vec![marks.attribute("links.attributes")],
        dropped_attributes_count: marks.number("links.dropped_attributes_count"),
        flags: marks.number("links.flags"),
    }
}

fn logs(marks: &mut Marks, service: &str) -> ExportLogsServiceRequest {
    let scope_logs = ScopeLogs {
        scope: Some(scope(marks)),
        log_records: vec![log(marks)],
        schema_url: marks.text("scope_logs.schema_url"),
    };
    let resource_logs = ResourceLogs {
        resource: Some(resource(marks, service)),
        scope_logs: vec![scope_logs],
        schema_url: marks.text("resource_logs.schema_url"),
    };
    ExportLogsServiceRequest { resource_logs: vec![resource_logs] }
}

fn log(marks: &mut Marks) -> LogRecord {
    let map = KeyValueList { values: vec![marks.attribute("body")] };
    marks.named("severity_number", "fatal");
    LogRecord {
        time_unix_nano: marks.time("time_unix_nano"),
        observed_time_unix_nano: marks.time("observed_time_unix_nano"),
        severity_number: 21,
        severity_text: marks.text("severity_text"),
        body: Some(AnyValue { value: Some(any_value::Value::KvlistValue(map)) }),
        attributes: vec![marks.attribute("attributes")],
        dropped_attributes_count: marks.number("dropped_attributes_count"),
        flags: marks.number("flags"),
        trace_id: marks.id::<16>("trace_id"),
        span_id: marks.id::<8>("span_id"),
        event_name: marks.text("event_name"),
    }
}

fn metrics(marks: &mut Marks, service: &str) -> ExportMetricsServiceRequest {
    let data = [gauge(marks), sum(marks), histogram(marks), exponential(marks), summary(marks)];
    let metric = |data| Metric {
        name: marks.text("name"),
        description: marks.text("description"),
        unit: marks.text("unit"),
        metadata: vec![marks.attribute("metadata")],
        data: Some(data),
    };
    let metrics = Vec::from(data.map(metric));
    let scope_metrics = ScopeMetrics {
        scope: Some(scope(marks)),
        metrics,
        schema_url: marks.text("scope_metrics.schema_url"),
    };
    let resource_metrics = ResourceMetrics {
        resource: Some(resource(marks, service)),
        scope_metrics: vec![scope_metrics],
        schema_url: marks.text("resource_metrics.schema_url"),
    };
    ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] }
}

fn exemplar(marks: &mut Marks, field: &'static str) -> Exemplar {
    Exemplar {
        filtered_attributes: vec![marks.attribute(field)],
        time_unix_nano: marks.time(field),
        span_id: marks.id::<8>(field),
        trace_id: marks.id::<16>(field),
        value: Some(exemplar::Value::AsDouble(marks.double(field))),
    }
}

fn gauge(marks: &mut Marks) -> Data {
    let value = i64::from(marks.number("gauge.as_int"));
    let point = NumberDataPoint {
        attributes: vec![marks.attribute("gauge.attributes")],
        start_time_unix_nano: marks.time("gauge.start_time_unix_nano"),
        time_unix_nano: marks.time("gauge.time_unix_nano"),
        exemplars: vec![exemplar(marks, "gauge.exemplars")],
        flags: marks.number("gauge.flags"),
        value: Some(number_data_point::Value::AsInt(value)),
    };
    Data::Gauge(Gauge { data_points: vec![point] })
}

fn sum(marks: &mut Marks) -> Data {
    let value = marks.double("sum.as_double");
    let point = NumberDataPoint {
        attributes: vec![marks.attribute("sum.attributes")],
        start_time_unix_nano: marks.time("sum.start_time_unix_nano"),
        time_unix_nano: marks.time("sum.time_unix_nano"),
        exemplars: vec![exemplar(marks, "sum.exemplars")],
        flags: marks.number("sum.flags"),
        value: Some(number_data_point::Value::AsDouble(value)),
    };
    marks.named("sum.aggregation_temporality", "delta");
    Data::Sum(Sum {
        data_points: vec![point],
        aggregation_temporality: AggregationTemporality::Delta.into(),
        is_monotonic: true,
    })
}

fn histogram(marks: &mut Marks) -> Data {
    let bucket_counts = vec![marks.count("histogram.bucket_counts"), marks.count("histogram.bucket_counts")];
    let point = HistogramDataPoint {
        attributes: vec![marks.attribute("histogram.attributes")],
        start_time_unix_nano: marks.time("histogram.start_time_unix_nano"),
        time_unix_nano: marks.time("histogram.time_unix_nano"),
        count: bucket_counts.iter().sum(),
        sum: Some(marks.double("histogram.sum")),
        bucket_counts,
        explicit_bounds: vec![marks.double("histogram.explicit_bounds")],
        exemplars: vec![exemplar(marks, "histogram.exemplars")],
        flags: marks.number("histogram.flags"),
        min: Some(marks.double("histogram.min")),
        max: Some(marks.double("histogram.max")),
    };
    marks.named("histogram.aggregation_temporality", "cumulative");
    Data::Histogram(Histogram {
        data_points: vec![point],
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
    })
}

fn exponential(marks: &mut Marks) -> Data {
    /// At this scale indexes of six digits are within the range of doubles.
    const SCALE: i32 = 12;
    let (zeros, up, down) = (
        marks.count("exponential.zero_count"),
        marks.count("exponential.positive.bucket_counts"),
        marks.count("exponential.negative.bucket_counts"),
    );
    let point = ExponentialHistogramDataPoint {
        attributes: vec![marks.attribute("exponential.attributes")],
        start_time_unix_nano: marks.time("exponential.start_time_unix_nano"),
        time_unix_nano: marks.time("exponential.time_unix_nano"),
        count: zeros + up + down,
        sum: Some(marks.double("exponential.sum")),
        scale: SCALE,
        zero_count: zeros,
        positive: Some(buckets(marks, "exponential.positive.offset", up)),
        negative: Some(buckets(marks, "exponential.negative.offset", down)),
        flags: marks.number("exponential.flags"),
        exemplars: vec![exemplar(marks, "exponential.exemplars")],
        min: Some(marks.double("exponential.min")),
        max: Some(marks.double("exponential.max")),
        zero_threshold: marks.double("exponential.zero_threshold"),
    };
    Data::ExponentialHistogram(ExponentialHistogram {
        data_points: vec![point],
        aggregation_temporality: AggregationTemporality::Delta.into(),
    })
}

fn buckets(marks: &mut Marks, field: &'static str, count: u64) -> Buckets {
    let offset = i32::try_from(marks.number(field)).unwrap_or(i32::MAX);
    Buckets { offset, bucket_counts: vec![count] }
}

fn summary(marks: &mut Marks) -> Data {
    let point = SummaryDataPoint {
        attributes: vec![marks.attribute("summary.attributes")],
        start_time_unix_nano: marks.time("summary.start_time_unix_nano"),
        time_unix_nano: marks.time("summary.time_unix_nano"),
        count: marks.count("summary.count"),
        sum: marks.double("summary.sum"),
        quantile_values: vec![ValueAtQuantile {
            quantile: 0.5,
            value: marks.double("summary.quantile_values"),
        }],
        flags: marks.number("summary.flags"),
    };
    Data::Summary(Summary { data_points: vec![point] })
}
