//! Generated trace requests, and their OTLP/JSON as the reference library would write it.

use crate::decode::text::{hex, write_base64};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

pub(crate) fn traces() -> impl Strategy<Value = ExportTraceServiceRequest> {
    prop::collection::vec(resource_spans(), 0..3)
        .prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

/// As `traces`, but nothing of it is refused or clamped; names number the spans.
pub(crate) fn valid_traces() -> impl Strategy<Value = ExportTraceServiceRequest> {
    prop::collection::vec(resource_spans(), 1..3).prop_map(|mut resource_spans| {
        let scopes = resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans);
        for (number, span) in (1_u64..).zip(scopes.flat_map(|scope| &mut scope.spans)) {
            span.name = format!("{number:05}");
            span.trace_id = [[7; 8], number.to_be_bytes()].concat();
            span.span_id = number.to_be_bytes().to_vec();
            span.start_time_unix_nano &= i64::MAX as u64;
            span.end_time_unix_nano &= i64::MAX as u64;
        }
        ExportTraceServiceRequest { resource_spans }
    })
}

fn resource_spans() -> impl Strategy<Value = ResourceSpans> {
    (prop::option::of(attributes()), prop::collection::vec(scope_spans(), 0..3), any::<u32>(), ".{0,8}")
        .prop_map(|(attributes, scope_spans, dropped_attributes_count, schema_url)| ResourceSpans {
            resource: attributes.map(|attributes| Resource {
                attributes,
                dropped_attributes_count,
                entity_refs: Vec::new(),
            }),
            scope_spans,
            schema_url,
        })
}

fn scope_spans() -> impl Strategy<Value = ScopeSpans> {
    let scope = (".{0,8}", ".{0,4}", attributes()).prop_map(|(name, version, attributes)| {
        InstrumentationScope { name, version, attributes, dropped_attributes_count: 0 }
    });
    (prop::option::of(scope), prop::collection::vec(span(), 0..4)).prop_map(|(scope, spans)| ScopeSpans {
        scope,
        spans,
        schema_url: String::new(),
    })
}

/// Mostly of the right length, sometimes zero, empty or cut.
fn id(n_bytes: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::collection::vec(any::<u8>(), n_bytes),
        1 => Just(vec![0; n_bytes]),
        1 => prop::collection::vec(any::<u8>(), 0..n_bytes),
    ]
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (id(16), id(8), id(8));
    let numbers = (any::<u32>(), -1..8i32, any::<u64>(), any::<u64>(), 0..4i32);
    let children = (prop::collection::vec(event(), 0..3), prop::collection::vec(link(), 0..2));
    (ids, numbers, ".{0,12}", attributes(), children).prop_map(
        |(ids, numbers, name, attributes, children)| Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id: ids.2,
            trace_state: "ot=th:8".to_owned(),
            flags: numbers.0,
            name: name.clone(),
            kind: numbers.1,
            start_time_unix_nano: numbers.2,
            end_time_unix_nano: numbers.3,
            attributes,
            dropped_attributes_count: 1,
            events: children.0,
            dropped_events_count: 2,
            links: children.1,
            dropped_links_count: 3,
            status: (numbers.4 > 0).then_some(Status { message: name, code: numbers.4 - 1 }),
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u64>(), ".{0,8}", attributes()).prop_map(|(time_unix_nano, name, attributes)| Event {
        time_unix_nano,
        name,
        attributes,
        dropped_attributes_count: 4,
    })
}

fn link() -> impl Strategy<Value = Link> {
    (id(16), id(8), attributes(), any::<u32>()).prop_map(|(trace_id, span_id, attributes, flags)| Link {
        trace_id,
        span_id,
        trace_state: String::new(),
        attributes,
        dropped_attributes_count: 5,
        flags,
    })
}

pub(crate) fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let key = prop_oneof![
        3 => "[a-z.]{0,3}",
        1 => prop::sample::select(vec!["service.name", "http.method", "http.status_code", "net.peer.name", "rpc.method"])
            .prop_map(str::to_owned),
    ];
    let attribute = (key, prop::option::of(any_value())).prop_map(|(key, value)| KeyValue {
        key,
        value,
        key_strindex: 0,
    });
    prop::collection::vec(attribute, 0..30)
}

pub(crate) fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        ".{0,8}".prop_map(|text| Some(Value::StringValue(text))),
        any::<bool>().prop_map(|flag| Some(Value::BoolValue(flag))),
        any::<i64>().prop_map(|int| Some(Value::IntValue(int))),
        prop::num::f64::ANY.prop_map(|double| Some(Value::DoubleValue(double))),
        any::<Vec<u8>>().prop_map(|bytes| Some(Value::BytesValue(bytes))),
    ];
    let leaf = leaf.prop_map(|value| AnyValue { value });
    leaf.prop_recursive(4, 16, 4, |inner| {
        let values = prop::collection::vec(inner, 0..4);
        values.prop_flat_map(|values| {
            let entries = values.iter().enumerate().map(|(place, value)| KeyValue {
                key: format!("k{place}"),
                value: Some(value.clone()),
                key_strindex: 0,
            });
            let map = Value::KvlistValue(KeyValueList { values: entries.collect() });
            let array = Value::ArrayValue(ArrayValue { values });
            prop::sample::select(vec![array, map]).prop_map(|value| AnyValue { value: Some(value) })
        })
    })
}

/// The request as OTLP/JSON.
pub(super) fn to_json(request: &ExportTraceServiceRequest) -> Json {
    json!({ "resourceSpans": request.resource_spans.iter().map(resource_json).collect::<Vec<_>>() })
}

fn resource_json(resource: &ResourceSpans) -> Json {
    json!({
        "resource": resource.resource.as_ref().map(|resource| json!({
            "attributes": attributes_json(&resource.attributes),
            "droppedAttributesCount": resource.dropped_attributes_count,
        })),
        "scopeSpans": resource.scope_spans.iter().map(scope_json).collect::<Vec<_>>(),
        "schemaUrl": resource.schema_url,
    })
}

fn scope_json(scope: &ScopeSpans) -> Json {
    json!({
        "scope": scope.scope.as_ref().map(|scope| json!({
            "name": scope.name,
            "version": scope.version,
            "attributes": attributes_json(&scope.attributes),
        })),
        "spans": scope.spans.iter().map(span_json).collect::<Vec<_>>(),
    })
}

fn span_json(span: &Span) -> Json {
    json!({
        "traceId": hex(&span.trace_id),
        "spanId": hex(&span.span_id),
        "parentSpanId": hex(&span.parent_span_id),
        "traceState": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": span.start_time_unix_nano.to_string(),
        "endTimeUnixNano": span.end_time_unix_nano,
        "attributes": attributes_json(&span.attributes),
        "droppedAttributesCount": span.dropped_attributes_count,
        "events": span.events.iter().map(event_json).collect::<Vec<_>>(),
        "droppedEventsCount": span.dropped_events_count,
        "links": span.links.iter().map(link_json).collect::<Vec<_>>(),
        "droppedLinksCount": span.dropped_links_count,
        "status": span.status.as_ref().map(|status| json!({ "message": status.message, "code": status.code })),
    })
}

fn event_json(event: &Event) -> Json {
    json!({
        "timeUnixNano": event.time_unix_nano.to_string(),
        "name": event.name,
        "attributes": attributes_json(&event.attributes),
        "droppedAttributesCount": event.dropped_attributes_count,
    })
}

fn link_json(link: &Link) -> Json {
    json!({
        "traceId": hex(&link.trace_id),
        "spanId": hex(&link.span_id),
        "attributes": attributes_json(&link.attributes),
        "droppedAttributesCount": link.dropped_attributes_count,
        "flags": link.flags,
    })
}

fn attributes_json(attributes: &[KeyValue]) -> Json {
    attributes
        .iter()
        .map(|attribute| json!({ "key": attribute.key, "value": attribute.value.as_ref().map(value_json) }))
        .collect()
}

fn value_json(value: &AnyValue) -> Json {
    match &value.value {
        None => json!({}),
        Some(Value::StringValue(text)) => json!({ "stringValue": text }),
        Some(Value::BoolValue(flag)) => json!({ "boolValue": flag }),
        Some(Value::IntValue(int)) => json!({ "intValue": int.to_string() }),
        Some(Value::DoubleValue(double)) => json!({ "doubleValue": double_json(*double) }),
        Some(Value::BytesValue(bytes)) => {
            let mut text = String::new();
            write_base64(bytes, &mut text).unwrap();
            json!({ "bytesValue": text })
        }
        Some(Value::ArrayValue(array)) => {
            json!({ "arrayValue": { "values": array.values.iter().map(value_json).collect::<Vec<_>>() } })
        }
        Some(Value::KvlistValue(list)) => {
            json!({ "kvlistValue": { "values": attributes_json(&list.values) } })
        }
        Some(Value::StringValueStrindex(index)) => json!({ "stringValueStrindex": index }),
    }
}

fn double_json(double: f64) -> Json {
    match double {
        _ if double.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        _ => json!(double),
    }
}
