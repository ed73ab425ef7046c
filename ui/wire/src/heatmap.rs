//! `GET /api/v1/heatmap`: how many spans by time and by duration.

use crate::UnixNanos;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Heatmap {
    pub from: UnixNanos,
    pub to: UnixNanos,
    /// Width of each column in seconds: as narrow as so many columns allow, or as the buckets that are left.
    pub step_s: u32,
    /// Start of each column; a span is in the column that it ends in.
    pub columns: Vec<UnixNanos>,
    /// From short to long, without gaps; none where nothing matched.
    pub rows: Vec<HeatmapRow>,
    /// Cells with spans, by column, then by row.
    pub cells: Vec<HeatmapCell>,
    /// Spans in all cells.
    pub n_spans: u64,
    /// The largest number of a cell.
    pub n_cell_max: u64,
    pub source: HeatmapSource,
    /// True when the narrowest buckets are no longer kept: the ends of the range, and the columns, are those of wider ones.
    pub is_coarser: bool,
    /// True when traces were looked for in a part of the spans only, so that cells without one may have some.
    pub exemplars_partial: bool,
    /// The SQL that gives the same numbers.
    pub sql: String,
}

/// Durations from `from_ns` to below `to_ns`; the longest row also has all that is longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HeatmapRow {
    pub from_ns: i64,
    pub to_ns: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HeatmapCell {
    /// Places in `columns` and `rows`.
    pub column: u32,
    pub row: u32,
    pub n: u64,
    /// A trace with a span of this cell, while such a span is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// Where the numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeatmapSource {
    /// From the read model, which is kept longer than spans.
    #[default]
    ReadModel,
    /// From the spans, because the filter asks for more than the read model knows.
    Spans,
}
