//! Good and total events of a service-level indicator, from the read model.

use super::literals::{interval, text, within};
use super::range::{TimeRange, floor_to, step_nanos};
use super::rows::column;
use super::tally::{RedColumns, Tally};
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::{RecordBatch, TimestampNanosecondArray, UInt64Array};
use std::time::Duration;

/// Events are the entry spans of a service: those of requests served and of work taken up by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliQuery {
    /// Buckets of ten seconds that start in it; `from` counts from the start of its own bucket.
    pub range: TimeRange,
    pub service: String,
    pub operation: Option<String>,
    /// With it, good is a duration at or below (within 1 %); without, good is no error.
    pub threshold_ns: Option<i64>,
    pub step: Duration,
}

/// One step that has events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SliBucket {
    pub at: i64,
    pub n_good: u64,
    pub n_total: u64,
}

impl SliQuery {
    /// A statement that gives the same numbers.
    pub fn sql(&self) -> String {
        let good = match self.threshold_ns {
            Some(threshold_ns) => format!("sum(hdr_n_at_most(duration_hdr, {threshold_ns}))"),
            None => "sum(n_spans) - sum(n_errors)".to_owned(),
        };
        format!(
            "SELECT date_bin({}, bucket) AS at, {good} AS n_good, sum(n_spans) AS n_total\nFROM red\n\
             WHERE {}\nGROUP BY at\nORDER BY at",
            interval(self.step),
            self.matching()
        )
    }

    /// Rows with their histograms, which are large: only latency needs them.
    fn rows_sql(&self) -> String {
        format!("SELECT bucket, {} FROM red WHERE {} ORDER BY bucket", RedColumns::NAMES, self.matching())
    }

    fn matching(&self) -> String {
        let mut conditions = vec![within("bucket", self.range.whole_buckets()), "is_entry".to_owned()];
        conditions.push(format!("service = {}", text(&self.service)));
        conditions.extend(self.operation.iter().map(|name| format!("operation = {}", text(name))));
        conditions.join(" AND ")
    }
}

impl Engine {
    /// Steps with data only, in order; steps are counted from 1970.
    pub async fn sli(&self, query: &SliQuery) -> Result<Vec<SliBucket>, Error> {
        let query = query.clone();
        self.read(move |session| async move {
            let Some(threshold_ns) = query.threshold_ns else {
                let mut buckets = Vec::new();
                session.for_each(&query.sql(), |batch| summed(batch, &mut buckets)).await?;
                return Ok(buckets);
            };
            let mut fold = Fold::new(&query, threshold_ns);
            session.for_each(&query.rows_sql(), |batch| fold.batch(batch)).await?;
            fold.close();
            Ok(fold.finished)
        })
        .await
    }
}

/// Reads what `SliQuery::sql` answers.
fn summed(batch: &RecordBatch, buckets: &mut Vec<SliBucket>) -> Result<(), Error> {
    let starts = column::<TimestampNanosecondArray>(batch, "at")?;
    let good = column::<UInt64Array>(batch, "n_good")?;
    let total = column::<UInt64Array>(batch, "n_total")?;
    let rows = (0..batch.num_rows()).filter(|row| total.value(*row) > 0);
    buckets.extend(rows.map(|row| SliBucket {
        at: starts.value(row),
        n_good: good.value(row),
        n_total: total.value(row),
    }));
    Ok(())
}

struct Fold {
    step_ns: i64,
    threshold_ns: i64,
    at: i64,
    tally: Tally,
    finished: Vec<SliBucket>,
}

impl Fold {
    fn new(query: &SliQuery, threshold_ns: i64) -> Self {
        Self {
            step_ns: step_nanos(query.step),
            threshold_ns,
            at: i64::MIN,
            tally: Tally::default(),
            finished: Vec::new(),
        }
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let buckets = column::<TimestampNanosecondArray>(batch, "bucket")?;
        let numbers = RedColumns::of(batch)?;
        for row in 0..batch.num_rows() {
            let at = floor_to(buckets.value(row), self.step_ns);
            if at != self.at {
                self.close();
                self.at = at;
            }
            self.tally.row(&numbers, row)?;
        }
        Ok(())
    }

    fn close(&mut self) {
        let tally = std::mem::take(&mut self.tally);
        if tally.n() == 0 {
            return;
        }
        let n_good = tally.n_at_most(self.threshold_ns).min(tally.n());
        self.finished.push(SliBucket { at: self.at, n_good, n_total: tally.n() });
    }
}
