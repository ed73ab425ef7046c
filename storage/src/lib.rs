//! The engine: Arrow in, Arrow out.
//!
//! Requests become durable here (`wal`), then visible (`hot`), then columns on disk (`segment`, under
//! the `manifest`), and are read back through DataFusion (`query`). The read models, rate, errors and
//! duration among them, are kept beside the rows they are derived from (`read_models`). No sockets, no OTLP and no
//! wall clock: payloads are opaque, rows arrive as record batches, and `now` is always passed in.

mod attributes;
mod columns;
mod condensed;
mod disk;
mod engine;
mod error;
mod faults;
mod fs;
mod hot;
mod ids;
mod manifest;
mod merge_choice;
mod options;
mod query;
mod read_models;
mod receipts;
mod retention;
mod runtime;
pub mod schema;
mod segment;
mod stats;
#[cfg(test)]
mod test_rows;
mod upkeep;
mod wal;
mod words;

/// What benchmarks need of the engine.
#[doc(hidden)]
pub mod bench {
    pub use crate::read_models::bench::{Kept, Part};
}

/// What fuzzing needs of the engine.
#[doc(hidden)]
pub mod fuzz {
    pub use crate::wal::fuzz::wal_frame;
}

pub use columns::{Columns, Logged, WalRecord};
pub use engine::{DamagedLog, Engine, Rebuilt, Recovery, rebuild_read_models};
pub use error::Error;
pub use ids::{Signal, Table};
pub use options::{
    BytesMax, Compaction, HotOptions, Options, QueryLimits, ReadModelAges, Retention, WalOptions, WalSync,
};
pub use query::{
    Edge, EdgeDirection, EdgesAnswer, Evidence, EvidenceCounts, EvidenceQuery, EvidenceRows, Figure,
    GrowthAnswer, GrowthQuery, Heatmap, HeatmapCell, HeatmapQuery, HeatmapRow, LogHits, LogSearch,
    MetricData, MetricInfo, MetricQuery, MetricSeries, MetricStream, MetricStreams, MetricView, Peer,
    PeerKind, RedAnswer, RedBy, RedGroup, RedQuery, RedTotals, SeenInstance, SeenService, SeenVersion,
    Selection, ServiceSpans, ServiceStreams, SliAnswer, SliBucket, SliQuery, SpanFilter, SqlStream,
    StreamsQuery, TimeRange, TraceHits, TraceOrder, TraceSearch, TraceSummary, array_bytes, array_values,
};
pub use query::{RequestCounts, RequestRows, RequestsQuery};
pub use read_models::{KeptServices, OTHERS, Resolution, SERVICES_APART_MAX};
pub use stats::{EdgeStats, RowsEver, Stats};
pub use upkeep::{
    BackedUp, Inventory, LevelInventory, ParquetReader, ParquetWriter, Progress, Segments, TableInventory,
    Verified, backup, expect_data, inventory, restore, verify,
};
