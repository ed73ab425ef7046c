//! Messages of the logs signal.

use super::messages;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};

messages! {
    ExportLogsServiceRequest { "resourceLogs": list(resource_logs) }
    ResourceLogs {
        "resource": object(resource), "scopeLogs": list(scope_logs), "schemaUrl": text(schema_url)
    }
    ScopeLogs { "scope": object(scope), "logRecords": list(log_records), "schemaUrl": text(schema_url) }
    LogRecord {
        "timeUnixNano": u64(time_unix_nano), "observedTimeUnixNano": u64(observed_time_unix_nano),
        "severityNumber": enumeration(severity_number), "severityText": text(severity_text),
        "body": any_value(body), "attributes": attributes(attributes),
        "droppedAttributesCount": u32(dropped_attributes_count), "flags": u32(flags),
        "traceId": id(trace_id), "spanId": id(span_id), "eventName": text(event_name)
    }
}
