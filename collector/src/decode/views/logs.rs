//! Messages of the logs signal.

use super::{AnyValue, Fields, KeyValues, List, Resource, Scope, Text, View};
use opentelemetry_proto::tonic::logs::v1 as message;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResourceLogs<'a> {
    pub(crate) resource: Option<Resource<'a>>,
    pub(crate) scope_logs: List<'a, ScopeLogs<'a>>,
    pub(crate) schema_url: Text<'a>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ScopeLogs<'a> {
    pub(crate) scope: Option<Scope<'a>>,
    pub(crate) log_records: List<'a, LogRecord<'a>>,
    pub(crate) schema_url: Text<'a>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogRecord<'a> {
    pub(crate) time_unix_nano: u64,
    pub(crate) observed_time_unix_nano: u64,
    pub(crate) severity_number: i32,
    pub(crate) severity_text: Text<'a>,
    pub(crate) body: Option<AnyValue<'a>>,
    pub(crate) attributes: KeyValues<'a>,
    pub(crate) dropped_attributes_count: u32,
    pub(crate) flags: u32,
    pub(crate) trace_id: &'a [u8],
    pub(crate) span_id: &'a [u8],
    pub(crate) event_name: Text<'a>,
}

impl<'a> View<'a> for ResourceLogs<'a> {
    type Message = message::ResourceLogs;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            resource: message.resource.as_ref().map(Resource::of_message),
            scope_logs: List::Messages(&message.scope_logs),
            schema_url: Text::of(&message.schema_url),
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut logs = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => logs.resource = Some(Resource::of_wire(field.bytes)),
                2 => logs.scope_logs.add(field),
                3 => logs.schema_url = Text::of_wire(field.bytes),
                _ => {}
            }
        }
        logs
    }
}

impl<'a> View<'a> for ScopeLogs<'a> {
    type Message = message::ScopeLogs;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            scope: message.scope.as_ref().map(Scope::of_message),
            log_records: List::Messages(&message.log_records),
            schema_url: Text::of(&message.schema_url),
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut logs = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => logs.scope = Some(Scope::of_wire(field.bytes)),
                2 => logs.log_records.add(field),
                3 => logs.schema_url = Text::of_wire(field.bytes),
                _ => {}
            }
        }
        logs
    }
}

impl<'a> View<'a> for LogRecord<'a> {
    type Message = message::LogRecord;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            time_unix_nano: message.time_unix_nano,
            observed_time_unix_nano: message.observed_time_unix_nano,
            severity_number: message.severity_number,
            severity_text: Text::of(&message.severity_text),
            body: message.body.as_ref().map(AnyValue::of_message),
            attributes: List::Messages(&message.attributes),
            dropped_attributes_count: message.dropped_attributes_count,
            flags: message.flags,
            trace_id: &message.trace_id,
            span_id: &message.span_id,
            event_name: Text::of(&message.event_name),
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut log = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => log.time_unix_nano = field.u64(),
                2 => log.severity_number = field.i32(),
                3 => log.severity_text = Text::of_wire(field.bytes),
                5 => log.body = Some(AnyValue::of_wire(field.bytes)),
                6 => log.attributes.add(field),
                7 => log.dropped_attributes_count = field.u32(),
                8 => log.flags = field.u32(),
                9 => log.trace_id = field.bytes,
                10 => log.span_id = field.bytes,
                11 => log.observed_time_unix_nano = field.u64(),
                12 => log.event_name = Text::of_wire(field.bytes),
                _ => {}
            }
        }
        log
    }
}
