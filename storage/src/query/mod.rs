//! Reading: SQL from outside, and the questions that the API asks, over one set of tables.
//!
//! Hot batches and segments become DataFusion tables (`table`, `prune`), with views over them (`views`), inside a
//! session that holds nothing else (`session`). Every question is a statement that users could send themselves; what SQL
//! says badly is folded from its rows here. All work runs in a lane of the query threads (`lane`), within
//! the limits, and stops when its caller goes. Nothing here writes, and no text from outside becomes SQL except
//! through `literals`.

mod adapter;
mod attributes;
mod catalog;
mod condensed;
mod edges;
mod edges_view;
mod evidence;
mod failure;
mod heard;
mod heatmap;
mod instances;
mod interruptible;
mod kept;
mod lane;
mod last_seen;
mod literals;
mod logs;
mod memory;
mod metrics;
mod narrowed;
mod packed;
mod parts;
mod passing;
mod prune;
mod pruned;
mod range;
mod red;
mod refused;
mod requests;
mod row_bytes;
mod rows;
mod search;
mod selection;
mod session;
mod sli;
mod spill;
mod sql;
mod statement;
mod stoppable;
mod table;
mod tally;
mod trace;
mod trace_ids;
mod udf;
mod views;
mod wanted;
mod words;

#[cfg(test)]
pub(crate) mod tests;

pub use edges::{Edge, EdgeDirection, EdgesAnswer, Peer, PeerKind};
pub use evidence::{Evidence, EvidenceCounts, EvidenceQuery, EvidenceRows};
pub use heatmap::{Heatmap, HeatmapCell, HeatmapQuery, HeatmapRow, SpanFilter};
pub use instances::{SeenInstance, SeenService, SeenVersion};
pub(crate) use lane::QueryContext;
pub use logs::{LogHits, LogSearch};
pub use metrics::{
    Figure, GrowthAnswer, GrowthQuery, MetricStream, MetricStreams, ServiceStreams, StreamsQuery,
};
pub use metrics::{MetricData, MetricInfo, MetricQuery, MetricSeries, MetricView};
pub use range::TimeRange;
pub use red::{RedAnswer, RedBy, RedGroup, RedQuery};
pub use requests::{RequestCounts, RequestRows, RequestsQuery};
pub use row_bytes::{array_bytes, array_values};
pub use search::{ServiceSpans, TraceHits, TraceOrder, TraceSearch, TraceSummary};
pub use selection::Selection;
pub use sli::{SliAnswer, SliBucket, SliQuery};
pub use sql::SqlStream;
pub use tally::RedTotals;
