//! Who calls whom, from the read model of calls: one edge for each pair of peers, with what both sides saw.
//!
//! Rows name peers as callers do; `peers` finds out which of these are one, `sums` adds up what rows count.

mod peers;
mod sums;

use super::literals::text;
use super::parts::Parts;
use super::range::TimeRange;
use super::tally::RedTotals;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::Table;
use crate::read_models::OTHERS;
use peers::Peers;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use sums::{Counted, Line, Lines, Sums};

/// Edges kept apart, the busiest first. Beyond, a caller's further peers of a kind count as one, and with twice as
/// many also further callers: hosts named by address would otherwise have no bound.
const EDGES_MAX: usize = 2_000;
/// Buckets of every width fit: there is one step.
const STEP: Duration = Duration::from_secs(86_400);

/// All calls from one peer to another, or all messages that a queue handed to a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub caller: Peer,
    pub callee: Peer,
    pub direction: EdgeDirection,
    /// As the caller saw the calls; messages as the service saw them that handled them.
    pub totals: RedTotals,
    /// As the callee saw those calls that its own spans tell of, if there are any.
    pub callee_totals: Option<RedTotals>,
    /// What the callee does not account for of a call's time, or how long messages lay in the queue: of those of which
    /// both sides are known, if there are any.
    pub gap_totals: Option<RedTotals>,
    /// Failed calls by type of error, most frequent first.
    pub errors: Vec<(String, u64)>,
    /// Bytes of the requests that told their size, and how many did.
    pub n_bytes_request: u64,
    pub n_sized: u64,
}

/// One end of an edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    pub kind: PeerKind,
    /// Of a database its system, of a queue its destination, of a host its address.
    pub name: String,
    /// Of a database its namespace, of a queue its system; else empty.
    pub detail: String,
    /// Of a database its server, if callers name it; else empty.
    pub address: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerKind {
    Service,
    Database,
    Messaging,
    External,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeDirection {
    /// The caller asked the callee.
    Call,
    /// The caller is a queue, and handed a message to the callee.
    Deliver,
}

/// All edges, and how they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgesAnswer {
    /// By number of calls, largest first.
    pub edges: Vec<Edge>,
    /// All calls to each peer whose own side no span tells of, whoever made them; by peer.
    pub callees: Vec<(Peer, RedTotals)>,
    /// The time whose buckets are counted.
    pub counted: TimeRange,
    /// Buckets as fine as asked for are gone: ends of the range are those of coarser ones.
    pub is_coarser: bool,
    /// A statement that gives the same calls, by what callers call their peers.
    pub sql: String,
}

impl Peer {
    pub fn service(name: impl Into<String>) -> Self {
        Self::named(PeerKind::Service, name)
    }

    fn named(kind: PeerKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), detail: String::new(), address: String::new() }
    }

    /// What it is called where there is one line for it, as in the view `edges`.
    pub fn label(&self) -> String {
        let words = match self.kind {
            PeerKind::Service | PeerKind::External => [self.name.as_str(), ""],
            PeerKind::Messaging if self.name == self.detail => [self.name.as_str(), ""],
            PeerKind::Messaging => [self.detail.as_str(), self.name.as_str()],
            PeerKind::Database if self.detail.is_empty() => [self.name.as_str(), self.address.as_str()],
            PeerKind::Database => [self.name.as_str(), self.detail.as_str()],
        };
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

impl Engine {
    /// Edges of a range; of one service's both directions, where one is named.
    pub async fn edges(&self, range: TimeRange, service: Option<&str>) -> Result<EdgesAnswer, Error> {
        let parts = Parts::of(self, Table::EdgeRed, range, STEP);
        let rows = format!("SELECT {0} FROM {1}", Counted::NAMES, rows_of(&parts, &[]));
        let service = service.map(str::to_owned);
        let sql = shown_sql(&parts, service.as_deref());
        let edges = self.read(move |session| async move {
            let mut lines = Lines::of(service.clone());
            session.for_each(&rows, |batch| lines.add(batch)).await?;
            edges(lines.finish()?, service.as_deref())
        });
        let (edges, callees) = edges.await?;
        Ok(EdgesAnswer { edges, callees, counted: parts.counted(), is_coarser: parts.is_coarser(), sql })
    }
}

fn rows_of(parts: &Parts, conditions: &[String]) -> String {
    parts.rows(Table::EdgeRed, Counted::NAMES, conditions)
}

fn shown_sql(parts: &Parts, service: Option<&str>) -> String {
    let of_service = |name: &str| {
        let name = text(name);
        format!("(caller = {name} AND direction = 'call' OR callee = {name} AND callee_kind = 'service')")
    };
    let conditions: Vec<String> = service.map(of_service).into_iter().collect();
    let rows = rows_of(parts, &conditions);
    let ends = "caller, callee, callee_kind, callee_detail, address, direction";
    format!(
        "SELECT {ends}, sum(n_calls) AS n_calls, sum(n_errors) AS n_errors, sum(sum_ns) AS sum_ns, \
         hdr_quantile(duration_hdr, 0.5) AS p50_ns, hdr_quantile(duration_hdr, 0.95) AS p95_ns, \
         hdr_quantile(callee_duration_hdr, 0.95) AS callee_p95_ns, hdr_quantile(gap_hdr, 0.95) AS gap_p95_ns\n\
         FROM {rows}\nGROUP BY {ends}\nORDER BY n_calls DESC, {ends}"
    )
}

/// What calls came to, by their ends.
type Merged = HashMap<(Peer, Peer, EdgeDirection), Sums>;

/// A peer and what all calls to it came to.
type Callee = (Peer, RedTotals);

/// Lines whose ends are the same peers become one edge; beside them, what callees come to.
fn edges(mut lines: Vec<(Line, Sums)>, service: Option<&str>) -> Result<(Vec<Edge>, Vec<Callee>), Error> {
    lines.sort_by(|(a, a_sums), (b, b_sums)| {
        (Reverse(a_sums.n_calls()), a).cmp(&(Reverse(b_sums.n_calls()), b))
    });
    let ends: Vec<(Peer, Peer)> = {
        let peers = Peers::of(lines.iter().map(|(line, sums)| (line, sums.has_both_sides())));
        lines.iter().map(|(line, _)| peers.ends(line)).collect()
    };
    let is_wanted = |(caller, callee): &(Peer, Peer)| {
        let is_it = |peer: &Peer| peer.kind == PeerKind::Service && Some(peer.name.as_str()) == service;
        service.is_none() || is_it(caller) || is_it(callee)
    };
    let mut merged = Merged::new();
    for ((line, sums), ends) in lines.into_iter().zip(ends) {
        if is_wanted(&ends) {
            let key = bounded(&merged, ends, line.direction);
            merged.entry(key).or_default().pour(sums)?;
        }
    }
    let callees = callees(&merged)?;
    let edge = |((caller, callee, direction), sums): ((Peer, Peer, EdgeDirection), Sums)| {
        sums.edge(caller, callee, direction)
    };
    let mut edges = merged.into_iter().map(edge).collect::<Result<Vec<Edge>, Error>>()?;
    edges.sort_by(|a, b| {
        let order = |edge: &Edge| Reverse(edge.totals.n);
        let ends = |edge: &Edge| (edge.caller.clone(), edge.callee.clone(), edge.direction);
        order(a).cmp(&order(b)).then_with(|| ends(a).cmp(&ends(b)))
    });
    Ok((edges, callees))
}

fn callees(merged: &Merged) -> Result<Vec<Callee>, Error> {
    let mut callees: BTreeMap<&Peer, Sums> = BTreeMap::new();
    for ((_, callee, direction), sums) in merged {
        if *direction == EdgeDirection::Call && !sums.has_both_sides() {
            callees.entry(callee).or_default().pour(sums.clone())?;
        }
    }
    callees.into_iter().map(|(peer, sums)| Ok((peer.clone(), sums.totals()?))).collect()
}

/// The ends of an edge, or those it shares when there are too many edges.
fn bounded(
    merged: &Merged,
    (caller, callee): (Peer, Peer),
    direction: EdgeDirection,
) -> (Peer, Peer, EdgeDirection) {
    let mut key = (caller, callee, direction);
    if merged.len() >= EDGES_MAX && !merged.contains_key(&key) {
        key.1 = Peer::named(key.1.kind, OTHERS);
    }
    if merged.len() >= 2 * EDGES_MAX && !merged.contains_key(&key) {
        key.0 = Peer::named(key.0.kind, OTHERS);
    }
    key
}

fn wrong_word(what: &str, word: &str) -> Error {
    Error::QueryFailed { source: format!("a call's {what} is {word:?}").into() }
}

impl PeerKind {
    fn from_word(word: &str) -> Result<Self, Error> {
        match word {
            "service" => Ok(Self::Service),
            "database" => Ok(Self::Database),
            "messaging" => Ok(Self::Messaging),
            "external" => Ok(Self::External),
            other => Err(wrong_word("kind of peer", other)),
        }
    }
}

impl EdgeDirection {
    fn from_word(word: &str) -> Result<Self, Error> {
        match word {
            "call" => Ok(Self::Call),
            "deliver" => Ok(Self::Deliver),
            other => Err(wrong_word("direction", other)),
        }
    }
}
