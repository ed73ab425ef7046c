//! Generated requests of all signals, with everything that their messages can hold.

pub(crate) mod json;
pub(crate) mod logs;
pub(crate) mod metrics;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::prelude::*;
use prost::Message;
use storage::Signal;

/// A request of any signal, some of whose items are invalid, in protobuf.
pub(crate) fn bodies() -> impl Strategy<Value = (Signal, Vec<u8>)> {
    prop_oneof![
        traces().prop_map(|request| (Signal::Traces, request.encode_to_vec())),
        logs::requests().prop_map(|request| (Signal::Logs, request.encode_to_vec())),
        metrics::requests().prop_map(|request| (Signal::Metrics, request.encode_to_vec())),
    ]
}

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
            span.events.iter_mut().for_each(|event| event.time_unix_nano &= i64::MAX as u64);
        }
        ExportTraceServiceRequest { resource_spans }
    })
}

fn resource_spans() -> impl Strategy<Value = ResourceSpans> {
    (resource(), prop::collection::vec(scope_spans(), 0..3), ".{0,8}")
        .prop_map(|(resource, scope_spans, schema_url)| ResourceSpans { resource, scope_spans, schema_url })
}

fn scope_spans() -> impl Strategy<Value = ScopeSpans> {
    (scope(), prop::collection::vec(span(), 0..4), ".{0,3}")
        .prop_map(|(scope, spans, schema_url)| ScopeSpans { scope, spans, schema_url })
}

pub(crate) fn resource() -> impl Strategy<Value = Option<Resource>> {
    let resource = (attributes(), 0..2_u32, prop::collection::vec(entity_ref(), 0..3)).prop_map(
        |(attributes, dropped_attributes_count, entity_refs)| Resource {
            attributes,
            dropped_attributes_count,
            entity_refs,
        },
    );
    prop::option::of(resource)
}

fn entity_ref() -> impl Strategy<Value = EntityRef> {
    let keys = || prop::collection::vec("[a-z.\"]{0,4}", 0..3);
    (".{0,3}", "[a-z]{0,5}", keys(), keys()).prop_map(|(schema_url, r#type, id_keys, description_keys)| {
        EntityRef { schema_url, r#type, id_keys, description_keys }
    })
}

pub(crate) fn scope() -> impl Strategy<Value = Option<InstrumentationScope>> {
    let scope =
        (".{0,8}", ".{0,4}", attributes(), 0..2_u32).prop_map(|(name, version, attributes, n_dropped)| {
            InstrumentationScope { name, version, attributes, dropped_attributes_count: n_dropped }
        });
    prop_oneof![3 => scope.prop_map(Some), 1 => Just(Some(InstrumentationScope::default())), 1 => Just(None)]
}

/// Mostly of the right length, sometimes zero, empty or cut.
pub(crate) fn id(n_bytes: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::collection::vec(any::<u8>(), n_bytes),
        1 => Just(vec![0; n_bytes]),
        1 => prop::collection::vec(any::<u8>(), 0..n_bytes),
    ]
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (id(16), id(8), id(8), prop::sample::select(vec!["", "ot=th:8"]));
    let numbers = (any::<u32>(), -1..8i32, any::<u64>(), any::<u64>(), 0..6i32);
    let children = (prop::collection::vec(event(), 0..3), prop::collection::vec(link(), 0..2));
    let n_dropped = prop::array::uniform3(0..3u32);
    (ids, numbers, ".{0,12}", attributes(), children, n_dropped).prop_map(
        |(ids, numbers, name, attributes, children, n_dropped)| Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id: ids.2,
            trace_state: ids.3.to_owned(),
            flags: numbers.0,
            name: name.clone(),
            kind: numbers.1,
            start_time_unix_nano: numbers.2,
            end_time_unix_nano: numbers.3,
            attributes,
            dropped_attributes_count: n_dropped[0],
            events: children.0,
            dropped_events_count: n_dropped[1],
            links: children.1,
            dropped_links_count: n_dropped[2],
            status: (numbers.4 > 0).then_some(Status { message: name, code: numbers.4 - 2 }),
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u64>(), ".{0,8}", attributes(), 0..5u32).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    (id(16), id(8), ".{0,3}", attributes(), 0..5u32, any::<u32>()).prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
        },
    )
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
