//! Messages of the logs signal.

use super::{FieldValue, Message};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use serde::de::MapAccess;

impl Message for ExportLogsServiceRequest {
    const NAME: &'static str = "ExportLogsServiceRequest";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "resourceLogs" => value.list(&mut self.resource_logs)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for ResourceLogs {
    const NAME: &'static str = "ResourceLogs";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "resource" => value.object(&mut self.resource)?,
            "scopeLogs" => value.list(&mut self.scope_logs)?,
            "schemaUrl" => value.text(&mut self.schema_url)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for ScopeLogs {
    const NAME: &'static str = "ScopeLogs";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "scope" => value.object(&mut self.scope)?,
            "logRecords" => value.list(&mut self.log_records)?,
            "schemaUrl" => value.text(&mut self.schema_url)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for LogRecord {
    const NAME: &'static str = "LogRecord";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "timeUnixNano" => value.u64(&mut self.time_unix_nano)?,
            "observedTimeUnixNano" => value.u64(&mut self.observed_time_unix_nano)?,
            "severityNumber" => value.enumeration(&mut self.severity_number)?,
            "severityText" => value.text(&mut self.severity_text)?,
            "body" => value.any_value(&mut self.body)?,
            "attributes" => value.attributes(&mut self.attributes)?,
            "droppedAttributesCount" => value.u32(&mut self.dropped_attributes_count)?,
            "flags" => value.u32(&mut self.flags)?,
            "traceId" => value.id(&mut self.trace_id)?,
            "spanId" => value.id(&mut self.span_id)?,
            "eventName" => value.text(&mut self.event_name)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
