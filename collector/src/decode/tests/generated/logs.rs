//! Generated log requests.

use super::{any_value, attributes, id, resource, scope};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use proptest::prelude::*;

pub(crate) fn requests() -> impl Strategy<Value = ExportLogsServiceRequest> {
    prop::collection::vec(resource_logs(), 0..3)
        .prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
}

/// As `requests`, but with times that are kept as they are; event names number the records.
pub(crate) fn valid_requests() -> impl Strategy<Value = ExportLogsServiceRequest> {
    prop::collection::vec(resource_logs(), 1..4).prop_map(|mut resource_logs| {
        let scopes = resource_logs.iter_mut().flat_map(|resource| &mut resource.scope_logs);
        for (number, log) in (1..).zip(scopes.flat_map(|scope| &mut scope.log_records)) {
            log.event_name = format!("{number:05}");
            log.time_unix_nano &= i64::MAX as u64;
            log.observed_time_unix_nano &= i64::MAX as u64;
            // Without any time a record gets that of its receipt.
            if log.observed_time_unix_nano == 0 {
                log.time_unix_nano = log.time_unix_nano.max(1);
            }
        }
        ExportLogsServiceRequest { resource_logs }
    })
}

fn resource_logs() -> impl Strategy<Value = ResourceLogs> {
    (resource(), prop::collection::vec(scope_logs(), 0..3), ".{0,8}")
        .prop_map(|(resource, scope_logs, schema_url)| ResourceLogs { resource, scope_logs, schema_url })
}

fn scope_logs() -> impl Strategy<Value = ScopeLogs> {
    (scope(), prop::collection::vec(log_record(), 0..4), ".{0,3}")
        .prop_map(|(scope, log_records, schema_url)| ScopeLogs { scope, log_records, schema_url })
}

fn log_record() -> impl Strategy<Value = LogRecord> {
    let time = || prop_oneof![3 => any::<u64>(), 1 => Just(0)];
    let severity = (-1..30_i32, prop::sample::select(vec!["", "Error", "warning", "what"]));
    let tail = (id(16), id(8), any::<u32>(), attributes(), 0..3_u32, ".{0,5}");
    ((time(), time()), severity, prop::option::of(any_value()), tail).prop_map(
        |(times, severity, body, tail)| LogRecord {
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
            event_name: tail.5,
        },
    )
}
