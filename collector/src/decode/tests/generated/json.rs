//! Requests as OTLP/JSON, the way the reference library would write them, every member of every message there.

use crate::decode::text::{hex, write_base64};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, EntityRef, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
    exemplar, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use serde_json::{Value as Json, json};

pub(crate) fn traces(request: &ExportTraceServiceRequest) -> Json {
    let resources = request.resource_spans.iter().map(|resource| {
        let scopes = resource.scope_spans.iter().map(|scope| {
            json!({ "scope": scope_json(scope.scope.as_ref()), "schemaUrl": scope.schema_url,
                    "spans": list(&scope.spans, span) })
        });
        json!({ "resource": resource_json(resource.resource.as_ref()), "schemaUrl": resource.schema_url,
                "scopeSpans": scopes.collect::<Json>() })
    });
    json!({ "resourceSpans": resources.collect::<Json>() })
}

pub(crate) fn logs(request: &ExportLogsServiceRequest) -> Json {
    let resources = request.resource_logs.iter().map(|resource| {
        let scopes = resource.scope_logs.iter().map(|scope| {
            json!({ "scope": scope_json(scope.scope.as_ref()), "schemaUrl": scope.schema_url,
                    "logRecords": list(&scope.log_records, log_record) })
        });
        json!({ "resource": resource_json(resource.resource.as_ref()), "schemaUrl": resource.schema_url,
                "scopeLogs": scopes.collect::<Json>() })
    });
    json!({ "resourceLogs": resources.collect::<Json>() })
}

pub(crate) fn metrics(request: &ExportMetricsServiceRequest) -> Json {
    let resources = request.resource_metrics.iter().map(|resource| {
        let scopes = resource.scope_metrics.iter().map(|scope| {
            json!({ "scope": scope_json(scope.scope.as_ref()), "schemaUrl": scope.schema_url,
                    "metrics": list(&scope.metrics, metric) })
        });
        json!({ "resource": resource_json(resource.resource.as_ref()), "schemaUrl": resource.schema_url,
                "scopeMetrics": scopes.collect::<Json>() })
    });
    json!({ "resourceMetrics": resources.collect::<Json>() })
}

fn list<T>(items: &[T], of: fn(&T) -> Json) -> Json {
    items.iter().map(of).collect()
}

fn resource_json(resource: Option<&Resource>) -> Json {
    resource.map_or(Json::Null, |resource| {
        json!({
            "attributes": attributes(&resource.attributes),
            "droppedAttributesCount": resource.dropped_attributes_count,
            "entityRefs": list(&resource.entity_refs, entity_ref),
        })
    })
}

fn entity_ref(reference: &EntityRef) -> Json {
    json!({
        "schemaUrl": reference.schema_url,
        "type": reference.r#type,
        "idKeys": reference.id_keys,
        "descriptionKeys": reference.description_keys,
    })
}

fn scope_json(scope: Option<&InstrumentationScope>) -> Json {
    scope.map_or(Json::Null, |scope| {
        json!({
            "name": scope.name,
            "version": scope.version,
            "attributes": attributes(&scope.attributes),
            "droppedAttributesCount": scope.dropped_attributes_count,
        })
    })
}

fn span(span: &Span) -> Json {
    json!({
        "traceId": hex(&span.trace_id),
        "spanId": hex(&span.span_id),
        "parentSpanId": hex(&span.parent_span_id),
        "traceState": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": span.start_time_unix_nano.to_string(),
        "endTimeUnixNano": span.end_time_unix_nano.to_string(),
        "attributes": attributes(&span.attributes),
        "droppedAttributesCount": span.dropped_attributes_count,
        "events": list(&span.events, event),
        "droppedEventsCount": span.dropped_events_count,
        "links": list(&span.links, link),
        "droppedLinksCount": span.dropped_links_count,
        "status": span.status.as_ref().map(|status| json!({ "message": status.message, "code": status.code })),
    })
}

fn event(event: &Event) -> Json {
    json!({
        "timeUnixNano": event.time_unix_nano.to_string(),
        "name": event.name,
        "attributes": attributes(&event.attributes),
        "droppedAttributesCount": event.dropped_attributes_count,
    })
}

fn link(link: &Link) -> Json {
    json!({
        "traceId": hex(&link.trace_id),
        "spanId": hex(&link.span_id),
        "traceState": link.trace_state,
        "attributes": attributes(&link.attributes),
        "droppedAttributesCount": link.dropped_attributes_count,
        "flags": link.flags,
    })
}

fn log_record(log: &LogRecord) -> Json {
    json!({
        "timeUnixNano": log.time_unix_nano.to_string(),
        "observedTimeUnixNano": log.observed_time_unix_nano.to_string(),
        "severityNumber": log.severity_number,
        "severityText": log.severity_text,
        "body": log.body.as_ref().map(any_value),
        "attributes": attributes(&log.attributes),
        "droppedAttributesCount": log.dropped_attributes_count,
        "flags": log.flags,
        "traceId": hex(&log.trace_id),
        "spanId": hex(&log.span_id),
        "eventName": log.event_name,
    })
}

fn metric(metric: &Metric) -> Json {
    let mut json = json!({
        "name": metric.name,
        "description": metric.description,
        "unit": metric.unit,
        "metadata": attributes(&metric.metadata),
    });
    let (name, data) = match &metric.data {
        None => return json,
        Some(Data::Gauge(gauge)) => ("gauge", json!({ "dataPoints": list(&gauge.data_points, number) })),
        Some(Data::Sum(sum)) => (
            "sum",
            json!({
                "dataPoints": list(&sum.data_points, number),
                "aggregationTemporality": sum.aggregation_temporality,
                "isMonotonic": sum.is_monotonic,
            }),
        ),
        Some(Data::Histogram(histogram)) => (
            "histogram",
            json!({
                "dataPoints": list(&histogram.data_points, explicit),
                "aggregationTemporality": histogram.aggregation_temporality,
            }),
        ),
        Some(Data::ExponentialHistogram(histogram)) => (
            "exponentialHistogram",
            json!({
                "dataPoints": list(&histogram.data_points, exponential),
                "aggregationTemporality": histogram.aggregation_temporality,
            }),
        ),
        Some(Data::Summary(points)) => {
            ("summary", json!({ "dataPoints": list(&points.data_points, summary) }))
        }
    };
    json[name] = data;
    json
}

fn number(point: &NumberDataPoint) -> Json {
    let mut json = json!({
        "attributes": attributes(&point.attributes),
        "startTimeUnixNano": point.start_time_unix_nano.to_string(),
        "timeUnixNano": point.time_unix_nano.to_string(),
        "exemplars": list(&point.exemplars, exemplar_json),
        "flags": point.flags,
    });
    match point.value {
        Some(number_data_point::Value::AsDouble(value)) => json["asDouble"] = double(value),
        Some(number_data_point::Value::AsInt(value)) => json["asInt"] = json!(value.to_string()),
        None => {}
    }
    json
}

fn exemplar_json(exemplar: &Exemplar) -> Json {
    let mut json = json!({
        "filteredAttributes": attributes(&exemplar.filtered_attributes),
        "timeUnixNano": exemplar.time_unix_nano.to_string(),
        "spanId": hex(&exemplar.span_id),
        "traceId": hex(&exemplar.trace_id),
    });
    match exemplar.value {
        Some(exemplar::Value::AsDouble(value)) => json["asDouble"] = double(value),
        Some(exemplar::Value::AsInt(value)) => json["asInt"] = json!(value.to_string()),
        None => {}
    }
    json
}

fn explicit(point: &HistogramDataPoint) -> Json {
    json!({
        "attributes": attributes(&point.attributes),
        "startTimeUnixNano": point.start_time_unix_nano.to_string(),
        "timeUnixNano": point.time_unix_nano.to_string(),
        "count": point.count.to_string(),
        "sum": point.sum.map(double),
        "bucketCounts": longs(&point.bucket_counts),
        "explicitBounds": point.explicit_bounds.iter().map(|bound| double(*bound)).collect::<Json>(),
        "exemplars": list(&point.exemplars, exemplar_json),
        "flags": point.flags,
        "min": point.min.map(double),
        "max": point.max.map(double),
    })
}

fn exponential(point: &ExponentialHistogramDataPoint) -> Json {
    json!({
        "attributes": attributes(&point.attributes),
        "startTimeUnixNano": point.start_time_unix_nano.to_string(),
        "timeUnixNano": point.time_unix_nano.to_string(),
        "count": point.count.to_string(),
        "sum": point.sum.map(double),
        "scale": point.scale,
        "zeroCount": point.zero_count.to_string(),
        "positive": point.positive.as_ref().map(buckets),
        "negative": point.negative.as_ref().map(buckets),
        "flags": point.flags,
        "exemplars": list(&point.exemplars, exemplar_json),
        "min": point.min.map(double),
        "max": point.max.map(double),
        "zeroThreshold": double(point.zero_threshold),
    })
}

fn buckets(buckets: &Buckets) -> Json {
    json!({ "offset": buckets.offset, "bucketCounts": longs(&buckets.bucket_counts) })
}

fn summary(point: &SummaryDataPoint) -> Json {
    let quantiles = point
        .quantile_values
        .iter()
        .map(|value| json!({ "quantile": double(value.quantile), "value": double(value.value) }));
    json!({
        "attributes": attributes(&point.attributes),
        "startTimeUnixNano": point.start_time_unix_nano.to_string(),
        "timeUnixNano": point.time_unix_nano.to_string(),
        "count": point.count.to_string(),
        "sum": double(point.sum),
        "quantileValues": quantiles.collect::<Json>(),
        "flags": point.flags,
    })
}

fn longs(counts: &[u64]) -> Json {
    counts.iter().map(u64::to_string).collect()
}

fn attributes(attributes: &[KeyValue]) -> Json {
    attributes
        .iter()
        .map(|attribute| json!({ "key": attribute.key, "value": attribute.value.as_ref().map(any_value) }))
        .collect()
}

fn any_value(value: &AnyValue) -> Json {
    match &value.value {
        None => json!({}),
        Some(Value::StringValue(text)) => json!({ "stringValue": text }),
        Some(Value::BoolValue(flag)) => json!({ "boolValue": flag }),
        Some(Value::IntValue(int)) => json!({ "intValue": int.to_string() }),
        Some(Value::DoubleValue(value)) => json!({ "doubleValue": double(*value) }),
        Some(Value::BytesValue(bytes)) => {
            let mut text = String::new();
            write_base64(bytes, &mut text).unwrap();
            json!({ "bytesValue": text })
        }
        Some(Value::ArrayValue(array)) => {
            json!({ "arrayValue": { "values": list(&array.values, any_value) } })
        }
        Some(Value::KvlistValue(list)) => {
            json!({ "kvlistValue": { "values": attributes(&list.values) } })
        }
        Some(Value::StringValueStrindex(index)) => json!({ "stringValueStrindex": index }),
    }
}

fn double(double: f64) -> Json {
    match double {
        _ if double.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        _ => json!(double),
    }
}
