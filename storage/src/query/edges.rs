//! Who calls whom, from parent and child spans.
//!
//! A service edge is an entry span (server or consumer) whose parent span is another service's; it has
//! the caller's latency and outcome. A client or producer span that no other service answered, but
//! that names a database, a queue or a host, is an edge to a virtual node.

use super::literals::{text, within};
use super::range::TimeRange;
use super::rows::{self, column};
use super::tally::{RedTotals, Tally};
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::{BooleanArray, Int64Array, RecordBatch, StringArray};
use std::collections::HashMap;
use std::time::Duration;

/// How far outside the range the other side of a call is looked for.
const CALL_SLACK: Duration = Duration::from_secs(15 * 60);
/// Edges kept apart, 54 MB of histograms. Beyond, a caller's further peers of a kind count as one, and
/// with twice as many also further callers: hosts named by address would otherwise have no bound.
const EDGES_MAX: usize = 2_000;
/// The name that stands for those beyond [`EDGES_MAX`].
const OTHERS: &str = "(other)";

/// Calls from one service to one peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub caller: String,
    pub callee: String,
    pub callee_kind: PeerKind,
    /// As the caller saw them.
    pub totals: RedTotals,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerKind {
    Service,
    Database,
    Messaging,
    External,
}

impl Engine {
    /// Edges by number of calls, largest first; of one service's both directions, where one is named.
    pub async fn edges(&self, range: TimeRange, service: Option<&str>) -> Result<Vec<Edge>, Error> {
        let service = service.map(str::to_owned);
        self.read(move |session| async move {
            let mut tallies = Tallies::default();
            let service = service.as_deref();
            session
                .for_each(&service_calls_sql(range, service), |batch| tallies.service_calls(batch))
                .await?;
            session.for_each(&peer_calls_sql(range, service), |batch| tallies.peer_calls(batch)).await?;
            Ok(tallies.edges())
        })
        .await
    }
}

/// Calls that another service answered, by the answer's start.
fn service_calls_sql(range: TimeRange, service: Option<&str>) -> String {
    let of_service =
        service.map(text).map(|name| format!(" AND (caller.service = {name} OR answer.service = {name})"));
    format!(
        "SELECT caller.service AS caller, answer.service AS callee, caller.duration_ns AS duration_ns, \
         caller.is_error AS is_error\n\
         FROM (SELECT trace_id, parent_span_id, service FROM spans WHERE {} AND kind IN ('server', 'consumer') \
         AND parent_span_id IS NOT NULL) answer\n\
         JOIN (SELECT trace_id, span_id, service, duration_ns, is_error FROM spans WHERE {}) caller\n\
         ON caller.trace_id = answer.trace_id AND caller.span_id = answer.parent_span_id\n\
         WHERE caller.service <> answer.service{}",
        within("start_time", range),
        within("start_time", range.widened(CALL_SLACK)),
        of_service.unwrap_or_default(),
    )
}

/// Calls that no other service answered, by the call's start.
fn peer_calls_sql(range: TimeRange, service: Option<&str>) -> String {
    let of_service = service.map(text).map(|name| format!(" AND service = {name}"));
    format!(
        "SELECT call.service AS caller, call.duration_ns, call.is_error, call.db_system_name, call.db_namespace, \
         call.messaging_system, call.messaging_destination_name, call.peer_service, call.server_address\n\
         FROM (SELECT trace_id, span_id, service, duration_ns, is_error, db_system_name, db_namespace, \
         messaging_system, messaging_destination_name, peer_service, server_address FROM spans \
         WHERE {} AND kind IN ('client', 'producer') AND coalesce(db_system_name, messaging_system, peer_service, \
         server_address) IS NOT NULL{}) call\n\
         LEFT ANTI JOIN (SELECT trace_id, parent_span_id, service FROM spans WHERE {} \
         AND parent_span_id IS NOT NULL) child\n\
         ON child.trace_id = call.trace_id AND child.parent_span_id = call.span_id AND child.service <> call.service",
        within("start_time", range),
        of_service.unwrap_or_default(),
        within("start_time", range.widened(CALL_SLACK)),
    )
}

#[derive(Default)]
struct Tallies {
    edges: HashMap<(String, String, PeerKind), Tally>,
}

impl Tallies {
    fn service_calls(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let calls = Calls::of(batch)?;
        let callees = column::<StringArray>(batch, "callee")?;
        for row in 0..batch.num_rows() {
            self.add(&calls, row, callees.value(row), PeerKind::Service);
        }
        Ok(())
    }

    fn peer_calls(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let calls = Calls::of(batch)?;
        let peers = Peers::of(batch)?;
        for row in 0..batch.num_rows() {
            if let Some((name, kind)) = peers.peer(row) {
                self.add(&calls, row, &name, kind);
            }
        }
        Ok(())
    }

    fn add(&mut self, calls: &Calls<'_>, row: usize, callee: &str, kind: PeerKind) {
        let mut key = (calls.callers.value(row).to_owned(), callee.to_owned(), kind);
        if self.edges.len() >= EDGES_MAX && !self.edges.contains_key(&key) {
            key.1 = OTHERS.to_owned();
        }
        if self.edges.len() >= 2 * EDGES_MAX && !self.edges.contains_key(&key) {
            key.0 = OTHERS.to_owned();
        }
        self.edges.entry(key).or_default().span(calls.durations.value(row), calls.errors.value(row));
    }

    fn edges(self) -> Vec<Edge> {
        let edges = self.edges.into_iter().map(|((caller, callee, callee_kind), tally)| Edge {
            caller,
            callee,
            callee_kind,
            totals: tally.totals(),
        });
        let mut edges: Vec<Edge> = edges.collect();
        edges.sort_by(|a, b| {
            let names = |edge: &Edge| (edge.caller.clone(), edge.callee.clone(), edge.callee_kind);
            b.totals.n.cmp(&a.totals.n).then_with(|| names(a).cmp(&names(b)))
        });
        edges
    }
}

/// The columns that every call has.
struct Calls<'a> {
    callers: &'a StringArray,
    durations: &'a Int64Array,
    errors: &'a BooleanArray,
}

impl<'a> Calls<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, Error> {
        Ok(Self {
            callers: column(batch, "caller")?,
            durations: column(batch, "duration_ns")?,
            errors: column(batch, "is_error")?,
        })
    }
}

/// The columns that name an uninstrumented peer.
struct Peers<'a> {
    db_system: &'a StringArray,
    db_namespace: &'a StringArray,
    messaging_system: &'a StringArray,
    destination: &'a StringArray,
    peer_service: &'a StringArray,
    server_address: &'a StringArray,
}

impl<'a> Peers<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, Error> {
        Ok(Self {
            db_system: column(batch, "db_system_name")?,
            db_namespace: column(batch, "db_namespace")?,
            messaging_system: column(batch, "messaging_system")?,
            destination: column(batch, "messaging_destination_name")?,
            peer_service: column(batch, "peer_service")?,
            server_address: column(batch, "server_address")?,
        })
    }

    fn peer(&self, row: usize) -> Option<(String, PeerKind)> {
        let cell = |column| rows::text(column, row);
        let (database, queue) = (cell(self.db_system), cell(self.messaging_system));
        if !database.is_empty() {
            let which = first_of([cell(self.db_namespace), cell(self.server_address)]);
            return Some((joined(database, which), PeerKind::Database));
        }
        if !queue.is_empty() {
            return Some((joined(queue, cell(self.destination)), PeerKind::Messaging));
        }
        let host = first_of([cell(self.peer_service), cell(self.server_address)]);
        (!host.is_empty()).then(|| (host.to_owned(), PeerKind::External))
    }
}

fn first_of(names: [&str; 2]) -> &str {
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
}

fn joined(system: &str, which: &str) -> String {
    if which.is_empty() { system.to_owned() } else { format!("{system} {which}") }
}
