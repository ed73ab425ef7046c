//! Spans of calls for tests: few numbers that say which of few services, traces and peers.

use crate::Signal;
use crate::query::tests::rows::{columns, hex};
use crate::test_rows::{SECOND, T0};
use arrow::array::RecordBatch;
use proptest::prelude::*;
use serde_json::{Value, json};

const MILLI: i64 = SECOND / 1_000;

/// A span of the tests. Ids are small numbers; 0 is the id that is none.
#[derive(Debug, Clone)]
pub(crate) struct CallSpan {
    pub(crate) trace: u8,
    pub(crate) id: u8,
    pub(crate) parent: Option<u8>,
    pub(crate) link: Option<(u8, u8)>,
    pub(crate) kind: &'static str,
    pub(crate) service: u8,
    /// Columns and attributes that name the peer.
    pub(crate) peer: u8,
    pub(crate) start_ms: i64,
    pub(crate) duration_ms: i64,
    pub(crate) failure: u8,
    /// Seconds since [`T0`].
    pub(crate) received_s: i64,
}

pub(crate) fn spans(spans: &[CallSpan]) -> RecordBatch {
    let rows: Vec<Value> = spans.iter().map(CallSpan::row).collect();
    columns(Signal::Traces, &rows).batch().clone()
}

/// One client, server, producer or consumer that names nobody.
pub(crate) fn span(trace: u8, id: u8, parent: Option<u8>, kind: &'static str, service: u8) -> CallSpan {
    let (link, peer, failure) = (None, 0, 0);
    CallSpan {
        trace,
        id,
        parent,
        link,
        kind,
        service,
        peer,
        start_ms: 0,
        duration_ms: 10,
        failure,
        received_s: 0,
    }
}

impl CallSpan {
    /// As the JSON of a row.
    pub(crate) fn row(&self) -> Value {
        let trace_id = |trace: u8| hex(&[0, 0, 0, 0, 0, 0, 0, trace, 0, 0, 0, 0, 0, 0, 0, trace]);
        let span_id = |id: u8| hex(&[0, 0, 0, 0, 0, 0, id, 0]);
        let start = T0 + self.received_s / 100 * 100 * SECOND + self.start_ms * MILLI;
        let link = |(trace, id)| json!({ "trace_id": trace_id(trace), "span_id": span_id(id) });
        let mut row = json!({
            "trace_id": trace_id(self.trace),
            "span_id": span_id(self.id),
            "parent_span_id": self.parent.map(span_id),
            "links": self.link.map(link).into_iter().collect::<Vec<_>>(),
            "kind": self.kind,
            "name": "call",
            "service": format!("service-{}", self.service),
            "start_time": start,
            "end_time": start + self.duration_ms * MILLI,
            "duration_ns": self.duration_ms * MILLI,
            "is_error": self.failure > 0,
            "is_entry": matches!(self.kind, "server" | "consumer"),
            "received_at": T0 + self.received_s * SECOND,
        });
        let object = row.as_object_mut().expect("it is one");
        for more in [self.peer_columns(), self.failure_columns()] {
            let Value::Object(more) = more else { panic!("columns are an object") };
            object.extend(more);
        }
        row
    }

    fn peer_columns(&self) -> Value {
        match self.peer {
            1 => json!({ "server_address": "host-1", "attributes_types": "ii",
                "attributes": { "server.port": "80", "http.request.body.size": "7" } }),
            2 => json!({ "server_address": "host-2:81", "attributes_types": "i",
                "attributes": { "net.peer.port": "81" } }),
            3 => json!({ "peer_service": "service-1", "server_address": "host-1" }),
            4 => json!({ "db_system_name": "postgresql", "db_namespace": "orders", "server_address": "db" }),
            5 => {
                json!({ "messaging_system": "kafka", "messaging_destination_name": "mail", "server_address": "kafka" })
            }
            6 => json!({ "messaging_system": "kafka", "messaging_destination_name": "mail",
                "attributes_types": "si",
                "attributes": { "messaging.operation.type": "receive", "messaging.message.body.size": "1" } }),
            7 => json!({ "messaging_system": "sqs" }),
            _ => json!({}),
        }
    }

    fn failure_columns(&self) -> Value {
        match self.failure {
            1 => json!({ "error_type": "timeout", "http_response_status_code": 500 }),
            2 => json!({ "http_response_status_code": 503 }),
            3 => json!({ "rpc_response_status_code": "UNAVAILABLE", "http_response_status_code": 200 }),
            _ => json!({}),
        }
    }
}

/// Some spans of three times of 200 s, whose parents and links are among those of the same time.
pub(crate) fn any_spans() -> impl Strategy<Value = Vec<CallSpan>> {
    let ids =
        (0..3_u8, 0..2_u8, prop::option::weighted(0.8, 0..20_u8), prop::option::weighted(0.2, 0..20_u8));
    let kind = prop::sample::select(vec![
        "client", "server", "producer", "consumer", "client", "server", "internal",
    ]);
    let names = (kind, 0..3_u8, 0..9_u8, 0..7_u8);
    let times = (0..20_000_i64, 0..20_000_i64, 0..60_i64);
    let spans = prop::collection::vec((ids, names, times, prop::bool::weighted(0.05)), 1..60);
    spans.prop_map(|drawn| {
        let mut spans: Vec<CallSpan> = Vec::new();
        for (idx, (ids, (kind, service, peer, failure), times, is_again)) in drawn.into_iter().enumerate() {
            if let (true, Some(last)) = (is_again, spans.last().cloned()) {
                spans.push(last);
                continue;
            }
            let (time, second_trace, parent, link) = ids;
            let id = idx as u8 / 3;
            let trace = 2 * time + second_trace;
            let (start_ms, duration_ms, received_s) = times;
            spans.push(CallSpan {
                trace,
                // Unique within a trace, as far as spans of one that ask are concerned; 0 is no id.
                id: if matches!(kind, "client" | "producer") { idx as u8 } else { id },
                parent,
                link: link.map(|id| (2 * time + 1 - second_trace, id)),
                kind,
                service,
                peer,
                start_ms,
                duration_ms,
                failure,
                received_s: i64::from(time) * 200 + received_s,
            });
        }
        spans
    })
}
