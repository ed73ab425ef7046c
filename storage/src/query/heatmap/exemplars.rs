//! A trace for each cell of a heatmap, from the spans that are stored.
//!
//! One statement, which ends after some time and some rows, however many spans there are. Of rows of the heatmap with
//! few spans all are read, for these are what somebody looks for; of the others those that ended at the beginning of
//! a column.

use super::HeatmapQuery;
use super::grid::{Grid, Place};
use crate::error::Error;
use crate::query::rows::{self, column};
use crate::query::session::Session;
use arrow::array::{FixedSizeBinaryArray, Int64Array, RecordBatch, TimestampNanosecondArray};
use std::collections::HashMap;
use tokio::time::timeout;

/// Spans that the statement gives: enough for some in each of thousands of cells, and read within milliseconds.
const SPANS_MAX: u64 = 100_000;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Exemplars {
    /// The trace of the newest span that was met, for each cell of which any was.
    pub(super) traces: HashMap<Place, [u8; 16]>,
    /// Not all spans were looked at.
    pub(super) is_partial: bool,
}

pub(super) async fn find(session: &Session, query: &HeatmapQuery, grid: &Grid) -> Result<Exemplars, Error> {
    if grid.cells.is_empty() {
        return Ok(Exemplars::default());
    }
    let sample = sample(grid);
    let mut conditions = query.conditions_on_spans();
    conditions.extend(sample.clone());
    let sql = format!(
        "SELECT trace_id, end_time, duration_ns FROM spans WHERE {} LIMIT {SPANS_MAX}",
        conditions.join(" AND "),
    );
    let mut newest = Newest { grid, n_spans: 0, spans: HashMap::new() };
    let looked = timeout(query.exemplars_within, session.for_each(&sql, |batch| newest.batch(batch))).await;
    let is_cut = match looked {
        Ok(done) => done.map(|()| newest.n_spans >= SPANS_MAX)?,
        Err(_) => true,
    };
    let traces = newest.spans.into_iter().map(|(place, (_, trace_id))| (place, trace_id));
    Ok(Exemplars { traces: traces.collect(), is_partial: is_cut || sample.is_some() })
}

/// The newest span of each cell, of those met so far. Which one does not depend on the order they come in.
struct Newest<'a> {
    grid: &'a Grid,
    n_spans: u64,
    spans: HashMap<Place, (i64, [u8; 16])>,
}

impl Newest<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let ids = column::<FixedSizeBinaryArray>(batch, "trace_id")?;
        let ends = column::<TimestampNanosecondArray>(batch, "end_time")?;
        let durations = column::<Int64Array>(batch, "duration_ns")?;
        self.n_spans += batch.num_rows() as u64;
        for row in 0..batch.num_rows() {
            if let Some(place) = self.grid.place_of(ends.value(row), durations.value(row)) {
                let span = (ends.value(row), rows::trace_id(ids, row)?);
                let newest = self.spans.entry(place).or_insert(span);
                *newest = span.max(*newest);
            }
        }
        Ok(())
    }
}

/// A condition on spans that lets about [`SPANS_MAX`] of those of the grid through; none where all may pass.
fn sample(grid: &Grid) -> Option<String> {
    let totals = grid.row_totals();
    let total: u64 = totals.iter().sum();
    if total <= SPANS_MAX {
        return None;
    }
    let few = SPANS_MAX / 2 / totals.len() as u64;
    let (rare, common): (Vec<usize>, Vec<usize>) = (0..totals.len()).partition(|&row| totals[row] <= few);
    let n_common: u64 = common.iter().map(|&row| totals[row]).sum();
    let step_ns = grid.columns.step_ns;
    // Of a column's time, the part that has its share of the other half.
    let slice_ns = i128::from(step_ns) * i128::from(SPANS_MAX / 2) / i128::from(n_common.max(1));
    let in_slice = format!("end_time::bigint % {step_ns} < {}", slice_ns.max(1));
    let in_rare_rows = joined(rare.iter().map(|&row| grid.durations(row as u32)));
    let conditions: Vec<String> = in_rare_rows.into_iter().map(within).chain([in_slice]).collect();
    Some(format!("({})", conditions.join(" OR ")))
}

type Durations = (i64, Option<i64>);

/// Neighbours as one.
fn joined(rows: impl Iterator<Item = Durations>) -> Vec<Durations> {
    let mut all: Vec<Durations> = Vec::new();
    for (from_ns, to_ns) in rows {
        match all.last_mut() {
            Some(last) if last.1 == Some(from_ns) => last.1 = to_ns,
            _ => all.push((from_ns, to_ns)),
        }
    }
    all
}

fn within((from_ns, to_ns): Durations) -> String {
    match to_ns {
        Some(to_ns) => format!("duration_ns >= {from_ns} AND duration_ns < {to_ns}"),
        None => format!("duration_ns >= {from_ns}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::grid::{Columns, Counts};
    use super::*;
    use crate::query::range::TimeRange;
    use crate::read_models::SparseHistogram;
    use arrow::array::{ArrayRef, BinaryArray};
    use std::sync::Arc;

    const STEP_NS: i64 = 60_000_000_000;

    /// A column in which most spans took 10 ms, 2 to the power of some number of them, and three took 5 s.
    fn grid(power: u32) -> Grid {
        let mut durations = SparseHistogram::default();
        durations.record(10_000_000);
        (0..power).for_each(|_| durations.add(&durations.clone()));
        (0..3).for_each(|_| durations.record(5_000_000_000));
        let at: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![0]));
        let encoded: ArrayRef = Arc::new(BinaryArray::from_iter_values([durations.encode()]));
        let batch = RecordBatch::try_from_iter([("at", at), ("duration_hdr", encoded)]).expect("two columns");
        let columns = Columns::of(TimeRange { from: 0, to: STEP_NS }, STEP_NS).expect("one column");
        let mut counts = Counts::of(columns);
        counts.add(&batch).expect("reads");
        counts.grid(40)
    }

    /// Scenario: as many spans as may be read, and far more of one duration than that.
    /// Guarantees: few are all read; of many, those of rows with few spans, and of the others those of a part of each
    /// column that has about as many as may be read.
    #[test]
    fn rare_durations_are_looked_for_first() {
        assert_eq!(sample(&grid(10)), None);
        let many = grid(18);
        let (first, last) = (many.durations(0), many.durations(many.row_totals().len() as u32 - 1));
        let (from_ns, to_ns) = (first.1.expect("an end"), last.1.expect("an end"));
        let share_ns = STEP_NS * 50_000 / (1 << 18);
        let wanted = format!(
            "(duration_ns >= {from_ns} AND duration_ns < {to_ns} OR end_time::bigint % {STEP_NS} < {share_ns})"
        );
        assert_eq!(sample(&many), Some(wanted));
    }
}
