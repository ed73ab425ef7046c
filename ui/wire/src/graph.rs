//! `GET /api/v1/graph`: who calls whom.

use crate::{Figures, PeerKind, UnixNanos};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Graph {
    pub from: UnixNanos,
    pub to: UnixNanos,
    /// By id.
    pub nodes: Vec<GraphNode>,
    /// By their ends; both of each are among the nodes.
    pub edges: Vec<GraphEdge>,
    /// Nodes there are, or within the depth, those left out included.
    pub n_nodes: u32,
    /// True when there are more nodes than the limit lets through.
    pub truncated: bool,
    /// True when the narrowest buckets are no longer kept: the ends of the range are those of wider ones.
    pub is_coarser: bool,
    /// The SQL that gives the same calls, by what callers call their peers.
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GraphNode {
    /// The same for the same peer in every answer.
    pub id: String,
    pub kind: PeerKind,
    /// Of a service or an external host its name, of a database its system, of a queue its destination.
    pub name: String,
    /// Of a database its namespace, of a queue its system; else empty.
    pub detail: String,
    /// Of a database its server, where callers name it; else empty.
    pub address: String,
    /// True for a service whose own spans are stored, false for what only its callers tell of.
    pub is_instrumented: bool,
    /// Of a service whose it is, where that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Of an instrumented service the requests that it served, of all others the calls to them.
    pub red: Figures,
    /// Steps from the service that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<u32>,
}

/// All calls from one node to another, or all that a queue handed to a consumer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GraphEdge {
    /// Ids of nodes.
    pub caller: String,
    pub callee: String,
    pub direction: EdgeDirection,
    /// As the caller saw the calls; what a queue handed over, as the consumer saw it.
    pub red: Figures,
    /// As the callee saw those calls that its own spans tell of; absent without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callee_red: Option<Figures>,
    /// What the callee does not account for of the caller's time: network and queues. From a queue: the time that
    /// messages lay there. Never negative, whatever the clocks say; absent where no call has both sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
    /// Failed calls by type of error, most frequent first.
    pub errors: Vec<ErrorCount>,
    /// Mean size of the requests that told theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_bytes_mean: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeDirection {
    /// The caller asked the callee.
    #[default]
    Call,
    /// A queue handed messages to a consumer.
    Deliver,
}

/// Times between both sides of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gap {
    /// Calls of which both sides are known.
    pub n: u64,
    pub mean_ns: Option<i64>,
    pub p50_ns: Option<i64>,
    pub p95_ns: Option<i64>,
    pub p99_ns: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorCount {
    /// `error.type`, empty where calls failed without one.
    pub error_type: String,
    pub n: u64,
}
