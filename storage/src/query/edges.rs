//! Who calls whom: the calls of the view `edges`, counted by caller and callee.

use super::literals::{text, within};
use super::range::TimeRange;
use super::rows::column;
use super::tally::{RedTotals, Tally};
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::{BooleanArray, Int64Array, RecordBatch, StringArray};
use std::collections::HashMap;

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
            session.for_each(&calls_sql(range, service.as_deref()), |batch| tallies.calls(batch)).await?;
            Ok(tallies.edges())
        })
        .await
    }
}

/// Calls of the range; to a peer that sends no spans, only the caller's own.
fn calls_sql(range: TimeRange, service: Option<&str>) -> String {
    let of_service = service
        .map(text)
        .map(|name| format!(" AND (caller = {name} OR (callee = {name} AND callee_kind = 'service'))"));
    format!(
        "SELECT caller, callee, callee_kind, duration_ns, is_error FROM edges WHERE {}{}",
        within("time", range),
        of_service.unwrap_or_default(),
    )
}

#[derive(Default)]
struct Tallies {
    edges: HashMap<(String, String, PeerKind), Tally>,
}

impl Tallies {
    fn calls(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let calls = Calls::of(batch)?;
        for row in 0..batch.num_rows() {
            self.add(&calls, row)?;
        }
        Ok(())
    }

    fn add(&mut self, calls: &Calls<'_>, row: usize) -> Result<(), Error> {
        let (caller, callee) = (calls.callers.value(row), calls.callees.value(row));
        let mut key = (caller.to_owned(), callee.to_owned(), peer_kind(calls.kinds.value(row))?);
        if self.edges.len() >= EDGES_MAX && !self.edges.contains_key(&key) {
            key.1 = OTHERS.to_owned();
        }
        if self.edges.len() >= 2 * EDGES_MAX && !self.edges.contains_key(&key) {
            key.0 = OTHERS.to_owned();
        }
        self.edges.entry(key).or_default().span(calls.durations.value(row), calls.errors.value(row));
        Ok(())
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

fn peer_kind(word: &str) -> Result<PeerKind, Error> {
    match word {
        "service" => Ok(PeerKind::Service),
        "database" => Ok(PeerKind::Database),
        "messaging" => Ok(PeerKind::Messaging),
        "external" => Ok(PeerKind::External),
        other => Err(Error::QueryFailed { source: format!("a call's peer is of kind {other:?}").into() }),
    }
}

struct Calls<'a> {
    callers: &'a StringArray,
    callees: &'a StringArray,
    kinds: &'a StringArray,
    durations: &'a Int64Array,
    errors: &'a BooleanArray,
}

impl<'a> Calls<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, Error> {
        Ok(Self {
            callers: column(batch, "caller")?,
            callees: column(batch, "callee")?,
            kinds: column(batch, "callee_kind")?,
            durations: column(batch, "duration_ns")?,
            errors: column(batch, "is_error")?,
        })
    }
}
