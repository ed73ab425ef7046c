//! Messages of the traces signal.

use super::{FieldValue, Message};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use serde::de::MapAccess;

impl Message for ExportTraceServiceRequest {
    const NAME: &'static str = "ExportTraceServiceRequest";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "resourceSpans" => value.list(&mut self.resource_spans)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for ResourceSpans {
    const NAME: &'static str = "ResourceSpans";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "resource" => value.object(&mut self.resource)?,
            "scopeSpans" => value.list(&mut self.scope_spans)?,
            "schemaUrl" => value.text(&mut self.schema_url)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for ScopeSpans {
    const NAME: &'static str = "ScopeSpans";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "scope" => value.object(&mut self.scope)?,
            "spans" => value.list(&mut self.spans)?,
            "schemaUrl" => value.text(&mut self.schema_url)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for Span {
    const NAME: &'static str = "Span";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "traceId" => value.id(&mut self.trace_id)?,
            "spanId" => value.id(&mut self.span_id)?,
            "traceState" => value.text(&mut self.trace_state)?,
            "parentSpanId" => value.id(&mut self.parent_span_id)?,
            "flags" => value.u32(&mut self.flags)?,
            "name" => value.text(&mut self.name)?,
            "kind" => value.enumeration(&mut self.kind)?,
            "startTimeUnixNano" => value.u64(&mut self.start_time_unix_nano)?,
            "endTimeUnixNano" => value.u64(&mut self.end_time_unix_nano)?,
            "attributes" => value.attributes(&mut self.attributes)?,
            "droppedAttributesCount" => value.u32(&mut self.dropped_attributes_count)?,
            "events" => value.list(&mut self.events)?,
            "droppedEventsCount" => value.u32(&mut self.dropped_events_count)?,
            "links" => value.list(&mut self.links)?,
            "droppedLinksCount" => value.u32(&mut self.dropped_links_count)?,
            "status" => value.object(&mut self.status)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for Event {
    const NAME: &'static str = "Span.Event";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "timeUnixNano" => value.u64(&mut self.time_unix_nano)?,
            "name" => value.text(&mut self.name)?,
            "attributes" => value.attributes(&mut self.attributes)?,
            "droppedAttributesCount" => value.u32(&mut self.dropped_attributes_count)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for Link {
    const NAME: &'static str = "Span.Link";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "traceId" => value.id(&mut self.trace_id)?,
            "spanId" => value.id(&mut self.span_id)?,
            "traceState" => value.text(&mut self.trace_state)?,
            "attributes" => value.attributes(&mut self.attributes)?,
            "droppedAttributesCount" => value.u32(&mut self.dropped_attributes_count)?,
            "flags" => value.u32(&mut self.flags)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for Status {
    const NAME: &'static str = "Status";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "message" => value.text(&mut self.message)?,
            "code" => value.enumeration(&mut self.code)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
