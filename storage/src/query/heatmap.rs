//! How many spans by time and duration, with a trace for each cell.
//!
//! Where the filter allows, the counts come from the read model, otherwise from one statement over the spans. Either
//! way that is a histogram for each column, made of the same slots, and from there on the way is the same: both give
//! equal counts.

mod bins;
mod exemplars;
mod filter;
mod grid;

use super::literals::{interval, within};
use super::parts::Parts;
use super::range::{TimeRange, ceil_to, step_nanos};
use super::session::Session;
use crate::engine::Engine;
use crate::error::Error;
use crate::read_models::Resolution;
use exemplars::Exemplars;
use grid::{Columns, Counts, Grid, Place};
use std::fmt::Write as _;
use std::time::Duration;

pub use filter::SpanFilter;

/// What the finest read model counts together, and the heatmap of spans likewise.
const BUCKET_NS: i64 = Resolution::TenSeconds.bucket_ns();

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeatmapQuery {
    /// Buckets of ten seconds that start in it, by the end of spans; `from` counts from the start of its own bucket.
    pub range: TimeRange,
    /// Width of the columns, in whole buckets of ten seconds; where only wider buckets are left, columns are as wide.
    pub step: Duration,
    pub filter: SpanFilter,
    /// Rows are as narrow as so many allow; six are always allowed.
    pub rows_max: usize,
    /// How long traces are looked for.
    pub exemplars_within: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heatmap {
    /// Width of the columns: that asked for, or more where only wider buckets are left.
    pub step: Duration,
    /// Start of each column, counted from 1970.
    pub columns: Vec<i64>,
    /// In ascending order, without gaps; none without spans.
    pub rows: Vec<HeatmapRow>,
    /// By column, then by row; only those that have spans.
    pub cells: Vec<HeatmapCell>,
    pub is_from_read_model: bool,
    /// The read model's narrowest buckets are no longer kept: the ends of the range, and the columns, are those of wider
    /// ones.
    pub is_coarser: bool,
    /// Cells without a trace may have one all the same: not all spans were looked at.
    pub exemplars_partial: bool,
    /// A statement that gives the same counts.
    pub sql: String,
}

/// Durations from here to below there; the longest row has all that are longer, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeatmapRow {
    pub from_ns: i64,
    pub to_ns: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeatmapCell {
    pub column: u32,
    pub row: u32,
    pub n: u64,
    /// Of the newest span that was looked at; none where none of the cell's spans is stored any more.
    pub trace_id: Option<[u8; 16]>,
}

/// Where the counts come from.
enum Source {
    ReadModel(Parts),
    Spans,
}

impl Engine {
    pub async fn heatmap(&self, query: &HeatmapQuery) -> Result<Heatmap, Error> {
        query.check_step()?;
        let (step, source) = match query.filter.is_of_read_model() {
            true => {
                let (parts, step_ns) = Parts::widening(self, query.filter.model(), query.range, query.step);
                (Duration::from_nanos(step_ns.unsigned_abs()), Source::ReadModel(parts))
            }
            false => (query.step, Source::Spans),
        };
        let query = HeatmapQuery { step, ..query.clone() };
        self.read(move |session| async move { draw(&session, &query, &source).await }).await
    }
}

async fn draw(session: &Session, query: &HeatmapQuery, source: &Source) -> Result<Heatmap, Error> {
    let mut counts = Counts::of(query.columns(source)?);
    session.for_each(&query.histograms_sql(source), |batch| counts.add(batch)).await?;
    let grid = counts.grid(query.rows_max);
    let exemplars = exemplars::find(session, query, &grid).await?;
    Ok(heatmap(query, source, &grid, &exemplars))
}

fn heatmap(query: &HeatmapQuery, source: &Source, grid: &Grid, exemplars: &Exemplars) -> Heatmap {
    let cell = |(&place, &n): (&Place, &u64)| HeatmapCell {
        column: place.0,
        row: place.1,
        n,
        trace_id: exemplars.traces.get(&place).copied(),
    };
    Heatmap {
        step: query.step,
        columns: grid.columns.starts().collect(),
        rows: grid.rows().map(|(from_ns, to_ns)| HeatmapRow { from_ns, to_ns }).collect(),
        cells: grid.cells.iter().map(cell).collect(),
        is_from_read_model: matches!(source, Source::ReadModel(_)),
        is_coarser: matches!(source, Source::ReadModel(parts) if parts.is_coarser()),
        exemplars_partial: exemplars.is_partial,
        sql: query.cells_sql(source, grid),
    }
}

impl HeatmapQuery {
    /// Steps that are no whole buckets would count a bucket in one column which is partly in another.
    fn check_step(&self) -> Result<(), Error> {
        if step_nanos(self.step) % BUCKET_NS == 0 {
            return Ok(());
        }
        let message = format!("columns of {:?} are no whole buckets of ten seconds", self.step);
        Err(Error::BadQuery { message })
    }

    fn columns(&self, source: &Source) -> Result<Columns, Error> {
        let counted = match source {
            Source::ReadModel(parts) => parts.counted(),
            Source::Spans => self.in_buckets(),
        };
        Columns::of(counted, step_nanos(self.step))
    }

    /// The range in whole buckets: those that start in it.
    fn in_buckets(&self) -> TimeRange {
        let TimeRange { from, to } = self.range.whole_buckets();
        TimeRange { from, to: ceil_to(to, BUCKET_NS) }
    }

    /// A row of `at` and `duration_hdr` for each column that has spans.
    fn histograms_sql(&self, source: &Source) -> String {
        let (time, histogram, rows) = match source {
            Source::ReadModel(parts) => {
                let conditions = self.filter.in_read_model();
                let rows = parts.rows(self.filter.model(), "bucket, duration_hdr", &conditions);
                ("bucket", "hdr_merge(duration_hdr)", rows)
            }
            Source::Spans => {
                let rows = format!("spans WHERE {}", self.conditions_on_spans().join(" AND "));
                ("end_time", "hdr_of(duration_ns)", rows)
            }
        };
        let step = interval(self.step);
        format!("SELECT date_bin({step}, {time}) AS at, {histogram} AS duration_hdr FROM {rows} GROUP BY at")
    }

    /// What spans must be, their time included.
    fn conditions_on_spans(&self) -> Vec<String> {
        let mut conditions = vec![within("end_time", self.in_buckets())];
        conditions.extend(self.filter.in_spans());
        conditions
    }

    /// A statement for people: a row for each cell.
    fn cells_sql(&self, source: &Source, grid: &Grid) -> String {
        let mut rows = String::new();
        for (from_ns, to_ns) in grid.rows() {
            let comma = if rows.is_empty() { "" } else { ", " };
            write!(rows, "{comma}({from_ns}, {to_ns})").expect("writing to a string cannot fail");
        }
        let histograms = self.histograms_sql(source);
        if rows.is_empty() {
            return histograms;
        }
        format!(
            "SELECT at, from_ns, to_ns, n\nFROM (SELECT at, from_ns, to_ns, \
             hdr_n_at_most(duration_hdr, to_ns - 1) - hdr_n_at_most(duration_hdr, from_ns - 1) AS n\n\
             FROM ({histograms})\nCROSS JOIN (VALUES {rows}) AS bins(from_ns, to_ns))\n\
             WHERE n > 0\nORDER BY at, from_ns"
        )
    }
}
