//! The columns of spans that say who called whom, row by row.

use super::halves::PairKey;
use super::party::{ErrorRef, Named, PartyRef};
use crate::columns::column;
use arrow::array::{
    Array, AsArray, BooleanArray, FixedSizeBinaryArray, Int64Array, ListArray, MapArray, RecordBatch,
    StringArray, TimestampNanosecondArray,
};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};

/// The columns of spans that are read.
pub(crate) const SPAN_COLUMNS: [&str; 21] = [
    "trace_id",
    "span_id",
    "parent_span_id",
    "kind",
    "start_time",
    "end_time",
    "duration_ns",
    "is_error",
    "http_response_status_code",
    "db_system_name",
    "db_namespace",
    "rpc_response_status_code",
    "messaging_system",
    "messaging_destination_name",
    "server_address",
    "peer_service",
    "error_type",
    "links",
    "service",
    "attributes",
    "received_at",
];

/// No request is larger, 1 TiB: a size beyond is a mistake, and would drown all others.
const REQUEST_BYTES_MAX: u64 = 1 << 40;

pub(super) struct SpanColumns<'a> {
    trace_id: &'a FixedSizeBinaryArray,
    span_id: &'a FixedSizeBinaryArray,
    parent_span_id: &'a FixedSizeBinaryArray,
    kind: &'a StringArray,
    start_time: &'a TimestampNanosecondArray,
    end_time: &'a TimestampNanosecondArray,
    received_at: &'a TimestampNanosecondArray,
    duration_ns: &'a Int64Array,
    is_error: &'a BooleanArray,
    service: &'a StringArray,
    texts: Texts<'a>,
    http_status: &'a Int64Array,
    links: Links<'a>,
    attributes: Attributes<'a>,
}

/// Columns that may be null, which counts as empty.
struct Texts<'a> {
    db_system: &'a StringArray,
    db_namespace: &'a StringArray,
    messaging_system: &'a StringArray,
    messaging_destination: &'a StringArray,
    server_address: &'a StringArray,
    peer_service: &'a StringArray,
    error_type: &'a StringArray,
    rpc_status: &'a StringArray,
}

struct Links<'a> {
    lists: &'a ListArray,
    trace_id: &'a FixedSizeBinaryArray,
    span_id: &'a FixedSizeBinaryArray,
}

struct Attributes<'a> {
    maps: &'a MapArray,
    keys: &'a StringArray,
    values: &'a StringArray,
}

/// What attributes say that have no columns of their own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts<'a> {
    pub(super) port: &'a str,
    pub(super) n_bytes_request: Option<u64>,
    /// Does the span fetch or settle messages, rather than send or handle one?
    pub(super) is_fetch: bool,
}

impl<'a> SpanColumns<'a> {
    pub(super) fn of(spans: &'a RecordBatch) -> Self {
        let ids = |name| column(spans, name).as_fixed_size_binary();
        let times = |name| column(spans, name).as_primitive::<TimestampNanosecondType>();
        let integers = |name| column(spans, name).as_primitive::<Int64Type>();
        Self {
            trace_id: ids("trace_id"),
            span_id: ids("span_id"),
            parent_span_id: ids("parent_span_id"),
            kind: column(spans, "kind").as_string::<i32>(),
            start_time: times("start_time"),
            end_time: times("end_time"),
            received_at: times("received_at"),
            duration_ns: integers("duration_ns"),
            is_error: column(spans, "is_error").as_boolean(),
            service: column(spans, "service").as_string::<i32>(),
            texts: Texts::of(spans),
            http_status: integers("http_response_status_code"),
            links: Links::of(column(spans, "links").as_list::<i32>()),
            attributes: Attributes::of(column(spans, "attributes").as_map()),
        }
    }

    pub(super) fn kind(&self, row: usize) -> &'a str {
        self.kind.value(row)
    }

    pub(super) fn start_time(&self, row: usize) -> i64 {
        self.start_time.value(row)
    }

    pub(super) fn end_time(&self, row: usize) -> i64 {
        self.end_time.value(row)
    }

    pub(super) fn received_at(&self, row: usize) -> i64 {
        self.received_at.value(row)
    }

    pub(super) fn duration_ns(&self, row: usize) -> i64 {
        self.duration_ns.value(row).max(0)
    }

    pub(super) fn own_key(&self, row: usize) -> Option<PairKey> {
        PairKey::of(self.trace_id.value(row), self.span_id.value(row))
    }

    /// None for a root, and for a span that calls itself its parent.
    pub(super) fn parent_key(&self, row: usize) -> Option<PairKey> {
        if self.parent_span_id.is_null(row) || self.parent_span_id.value(row) == self.span_id.value(row) {
            return None;
        }
        PairKey::of(self.trace_id.value(row), self.parent_span_id.value(row))
    }

    pub(super) fn first_link_key(&self, row: usize) -> Option<PairKey> {
        self.links.first(row)
    }

    pub(super) fn facts(&self, row: usize) -> Facts<'a> {
        self.attributes.facts(row)
    }

    /// A client or producer, and whom it asks.
    pub(super) fn asker(&self, row: usize, facts: &Facts<'a>) -> PartyRef<'a> {
        let texts = &self.texts;
        let text = |column| text(column, row);
        let (database, queue) = (text(texts.db_system), text(texts.messaging_system));
        let (peer_service, host) = (text(texts.peer_service), text(texts.server_address));
        let (named, name, detail) = if !database.is_empty() {
            (Named::Database, database, text(texts.db_namespace))
        } else if !queue.is_empty() {
            (Named::Queue, self.destination(row, queue), queue)
        } else if !peer_service.is_empty() {
            (Named::Service, peer_service, "")
        } else if !host.is_empty() {
            (Named::Host, "", "")
        } else {
            (Named::Nobody, "", "")
        };
        let port = if host.is_empty() { "" } else { facts.port };
        PartyRef { named, name, detail, host, port, ..self.nobodys(row) }
    }

    pub(super) fn server(&self, row: usize) -> PartyRef<'a> {
        self.nobodys(row)
    }

    /// A consumer, and the queue it was handed its message by.
    pub(super) fn consumer(&self, row: usize) -> PartyRef<'a> {
        let queue = text(self.texts.messaging_system, row);
        if queue.is_empty() {
            return self.nobodys(row);
        }
        let name = self.destination(row, queue);
        PartyRef { named: Named::Queue, name, detail: queue, ..self.nobodys(row) }
    }

    /// A party that names no other.
    fn nobodys(&self, row: usize) -> PartyRef<'a> {
        let (service, error) = (self.service.value(row), self.error(row));
        PartyRef { service, named: Named::Nobody, name: "", detail: "", host: "", port: "", error }
    }

    /// A queue without a name is known by its system.
    fn destination(&self, row: usize, system: &'a str) -> &'a str {
        let destination = text(self.texts.messaging_destination, row);
        if destination.is_empty() { system } else { destination }
    }

    fn error(&self, row: usize) -> ErrorRef<'a> {
        if !self.is_error.value(row) {
            return ErrorRef::None;
        }
        let (error_type, rpc_status) = (text(self.texts.error_type, row), text(self.texts.rpc_status, row));
        let http_status = self.http_status.is_valid(row).then(|| self.http_status.value(row));
        match http_status.filter(|&status| status >= 400) {
            _ if !error_type.is_empty() => ErrorRef::Type(error_type),
            Some(status) => ErrorRef::HttpStatus(status),
            None if !rpc_status.is_empty() => ErrorRef::Type(rpc_status),
            None => ErrorRef::Other,
        }
    }
}

impl<'a> Texts<'a> {
    fn of(spans: &'a RecordBatch) -> Self {
        let texts = |name| column(spans, name).as_string::<i32>();
        Self {
            db_system: texts("db_system_name"),
            db_namespace: texts("db_namespace"),
            messaging_system: texts("messaging_system"),
            messaging_destination: texts("messaging_destination_name"),
            server_address: texts("server_address"),
            peer_service: texts("peer_service"),
            error_type: texts("error_type"),
            rpc_status: texts("rpc_response_status_code"),
        }
    }
}

impl<'a> Links<'a> {
    fn of(lists: &'a ListArray) -> Self {
        let items = lists.values().as_struct();
        let ids = |name| {
            let column = items.column_by_name(name).expect("the schema of every batch was checked");
            column.as_fixed_size_binary()
        };
        Self { lists, trace_id: ids("trace_id"), span_id: ids("span_id") }
    }

    /// The first that leads to a span.
    fn first(&self, row: usize) -> Option<PairKey> {
        let offsets = self.lists.value_offsets();
        let mut items = offsets[row] as usize..offsets[row + 1] as usize;
        items.find_map(|item| PairKey::of(self.trace_id.value(item), self.span_id.value(item)))
    }
}

impl<'a> Attributes<'a> {
    fn of(maps: &'a MapArray) -> Self {
        Self { maps, keys: maps.keys().as_string::<i32>(), values: maps.values().as_string::<i32>() }
    }

    /// Of both generations of conventions; the newer wins.
    fn facts(&self, row: usize) -> Facts<'a> {
        let offsets = self.maps.value_offsets();
        let mut facts = Facts::default();
        let (mut old_port, mut old_n_bytes) = ("", None);
        for entry in offsets[row] as usize..offsets[row + 1] as usize {
            let key = self.keys.value(entry);
            // Most keys have other beginnings.
            if !(key.starts_with("server.") || key.starts_with("net.") || is_sized(key)) {
                continue;
            }
            let value = text(self.values, entry);
            match key {
                "server.port" => facts.port = value,
                "net.peer.port" => old_port = value,
                "http.request.body.size" | "messaging.message.body.size" => {
                    facts.n_bytes_request = n_bytes(value)
                }
                "http.request_content_length"
                | "messaging.message.payload_size_bytes"
                | "messaging.message_payload_size_bytes" => old_n_bytes = n_bytes(value),
                "messaging.operation.type" | "messaging.operation" => {
                    facts.is_fetch |= matches!(value, "receive" | "settle")
                }
                _ => {}
            }
        }
        if facts.port.is_empty() {
            facts.port = old_port;
        }
        facts.n_bytes_request = facts.n_bytes_request.or(old_n_bytes);
        facts
    }
}

/// May an attribute of this name say how large a request is, or what is done with a message?
fn is_sized(key: &str) -> bool {
    key.starts_with("http.request") || key.starts_with("messaging.")
}

fn n_bytes(value: &str) -> Option<u64> {
    value.parse().ok().filter(|&n_bytes| n_bytes <= REQUEST_BYTES_MAX)
}

fn text(column: &StringArray, row: usize) -> &str {
    if column.is_null(row) { "" } else { column.value(row) }
}
