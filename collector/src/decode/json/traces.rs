//! Messages of the traces signal.

use super::messages;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

messages! {
    ExportTraceServiceRequest { "resourceSpans": list(resource_spans) }
    ResourceSpans {
        "resource": object(resource), "scopeSpans": list(scope_spans), "schemaUrl": text(schema_url)
    }
    ScopeSpans { "scope": object(scope), "spans": list(spans), "schemaUrl": text(schema_url) }
    Span {
        "traceId": id(trace_id), "spanId": id(span_id), "traceState": text(trace_state),
        "parentSpanId": id(parent_span_id), "flags": u32(flags), "name": text(name),
        "kind": enumeration(kind), "startTimeUnixNano": u64(start_time_unix_nano),
        "endTimeUnixNano": u64(end_time_unix_nano), "attributes": attributes(attributes),
        "droppedAttributesCount": u32(dropped_attributes_count), "events": list(events),
        "droppedEventsCount": u32(dropped_events_count), "links": list(links),
        "droppedLinksCount": u32(dropped_links_count), "status": object(status)
    }
    Event as "Span.Event" {
        "timeUnixNano": u64(time_unix_nano), "name": text(name), "attributes": attributes(attributes),
        "droppedAttributesCount": u32(dropped_attributes_count)
    }
    Link as "Span.Link" {
        "traceId": id(trace_id), "spanId": id(span_id), "traceState": text(trace_state),
        "attributes": attributes(attributes), "droppedAttributesCount": u32(dropped_attributes_count),
        "flags": u32(flags)
    }
    Status { "message": text(message), "code": enumeration(code) }
}
