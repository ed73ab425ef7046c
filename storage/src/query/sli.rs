//! Good and total events of a service-level indicator, from the read models; from spans, where attributes choose
//! among them.

use super::literals::{interval, text, within};
use super::parts::Parts;
use super::range::{TimeRange, floor_to, step_nanos};
use super::rows::column;
use super::search::attribute_in;
use super::session::Session;
use super::tally::{RedColumns, Tally};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::Table;
use crate::read_models::{OTHERS, Resolution};
use arrow::array::{Int64Array, RecordBatch, TimestampNanosecondArray, UInt64Array};
use std::time::Duration;

/// Events are the entry spans of a service: those of requests served and of work taken up by itself. Each counts once,
/// whatever its client left out: what was sampled does not judge better for being multiplied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliQuery {
    /// Buckets of ten seconds that start in it; `from` counts from the start of its own bucket.
    pub range: TimeRange,
    pub service: String,
    pub operation: Option<String>,
    /// Only spans that have each of them, themselves or by their resource. Read models do not know these, so that
    /// raw spans are read, for as long as they are kept.
    pub attributes: Vec<(String, String)>,
    /// With it, good is a duration at or below (within 1 %); without, good is no error.
    pub threshold_ns: Option<i64>,
    pub step: Duration,
}

/// The events of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliAnswer {
    /// Steps with data only, in order; steps are counted from 1970.
    pub buckets: Vec<SliBucket>,
    /// Starts of steps, in order, that may have had more: in them spans were counted under others, because too many
    /// names came in, and some may be those asked for.
    pub folded: Vec<i64>,
    /// Buckets as fine as asked for are gone: ends of the range and steps are those of coarser ones.
    pub is_coarser: bool,
    /// A statement that gives the same numbers.
    pub sql: String,
}

/// One step that has events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SliBucket {
    pub at: i64,
    pub n_good: u64,
    pub n_total: u64,
}

impl SliQuery {
    /// The tables that have what is asked for: the smallest that do.
    fn model(&self) -> fn(Resolution) -> Table {
        match self.operation {
            Some(_) => Table::Red,
            None => Table::ServiceRed,
        }
    }

    fn sql(&self, parts: &Parts) -> String {
        let good = match self.threshold_ns {
            Some(threshold_ns) => format!("sum(hdr_n_at_most(duration_hdr, {threshold_ns}))"),
            None => "sum(n_spans) - sum(n_errors)".to_owned(),
        };
        // Histograms are large: only latency needs them.
        let columns = match self.threshold_ns {
            Some(_) => "bucket, n_spans, duration_hdr",
            None => "bucket, n_spans, n_errors",
        };
        format!(
            "SELECT date_bin({}, bucket) AS at, {good} AS n_good, sum(n_spans) AS n_total\nFROM {}\n\
             GROUP BY at\nORDER BY at",
            interval(self.step),
            parts.rows(self.model(), columns, &self.conditions())
        )
    }

    /// Steps with spans that may be meant, but are counted under others: of any service, or of this one.
    fn folded_sql(&self, parts: &Parts) -> String {
        let of_anybody = format!("service = {}", text(OTHERS));
        let conditions = match &self.operation {
            None => vec![of_anybody.clone()],
            Some(_) => {
                let of_service =
                    format!("(service = {} AND operation = {})", text(&self.service), text(OTHERS));
                vec!["is_entry".to_owned(), format!("({of_anybody} OR {of_service})")]
            }
        };
        format!(
            "SELECT date_bin({}, bucket) AS at, count(*) FILTER (WHERE {of_anybody}) AS n_of_anybody\nFROM {}\n\
             GROUP BY at\nORDER BY at",
            interval(self.step),
            parts.rows(self.model(), "bucket, service", &conditions)
        )
    }

    /// Rows with their histograms, for what SQL says badly.
    fn rows_sql(&self, parts: &Parts) -> String {
        let columns = format!("bucket, {}", RedColumns::NAMES);
        format!(
            "SELECT {columns} FROM {} ORDER BY bucket",
            parts.rows(self.model(), &columns, &self.conditions())
        )
    }

    /// Spans, where attributes choose among them. A span is in the step that it ended in, as in the read models.
    fn spans_sql(&self) -> String {
        let good = match self.threshold_ns {
            Some(threshold_ns) => format!("duration_ns <= {threshold_ns}"),
            None => "NOT is_error".to_owned(),
        };
        let mut conditions = vec![format!("service = {}", text(&self.service)), "is_entry".to_owned()];
        conditions.extend(self.operation.iter().map(|name| format!("name = {}", text(name))));
        let pairs = self.attributes.iter();
        conditions.extend(pairs.map(|(key, value)| attribute_in(&["attributes", "resource"], key, value)));
        format!(
            "SELECT date_bin({}, end_time) AS at, count(*) FILTER (WHERE {good}) AS n_good, count(*) AS n_total\n\
             FROM spans\nWHERE {} AND {}\nGROUP BY at\nORDER BY at",
            interval(self.step),
            conditions.join(" AND "),
            within("end_time", self.range.whole_buckets())
        )
    }

    fn conditions(&self) -> Vec<String> {
        let mut conditions = vec![format!("service = {}", text(&self.service))];
        // The tables of whole services have entry spans only.
        if let Some(name) = &self.operation {
            conditions.extend([format!("operation = {}", text(name)), "is_entry".to_owned()]);
        }
        conditions
    }
}

impl Engine {
    /// Good and total events in each step.
    pub async fn sli(&self, query: &SliQuery) -> Result<SliAnswer, Error> {
        if !query.attributes.is_empty() {
            let (sql, shown) = (query.spans_sql(), query.spans_sql());
            let buckets = self.read(move |session| async move { of_spans(&session, &sql).await });
            return Ok(SliAnswer {
                buckets: buckets.await?,
                folded: Vec::new(),
                is_coarser: false,
                sql: shown,
            });
        }
        let parts = Parts::of(self, query.model(), query.range, query.step);
        let (is_coarser, sql, rows_sql) = (parts.is_coarser(), query.sql(&parts), query.rows_sql(&parts));
        let (asked, query, shown) = (query, query.clone(), sql.clone());
        let buckets = self.read(move |session| async move {
            let Some(threshold_ns) = query.threshold_ns else {
                let mut buckets = Vec::new();
                session.for_each(&sql, |batch| summed(batch, &mut buckets)).await?;
                return Ok(buckets);
            };
            let mut fold = Fold::new(&query, threshold_ns);
            session.for_each(&rows_sql, |batch| fold.batch(batch)).await?;
            fold.close();
            Ok(fold.finished)
        });
        let buckets = buckets.await?;
        let folded = self.folded(asked, &buckets).await?;
        Ok(SliAnswer { buckets, folded, is_coarser, sql: shown })
    }

    /// Steps that may lack events, beside those that were found. A service of which anything is counted under its own
    /// name in a step may yet have more under others; an operation whose service has a place keeps its own.
    async fn folded(&self, query: &SliQuery, own: &[SliBucket]) -> Result<Vec<i64>, Error> {
        let kept_since = self.kept_since(&query.service, query.operation.as_deref()).unwrap_or(i64::MAX);
        let range = TimeRange { from: query.range.from, to: query.range.to.min(kept_since) };
        if range.from >= range.to {
            return Ok(Vec::new());
        }
        let sql = query.folded_sql(&Parts::of(self, query.model(), range, query.step));
        let steps = self.read(move |session| async move {
            let mut steps = Vec::new();
            session.for_each(&sql, |batch| folded_steps(batch, &mut steps)).await?;
            Ok(steps)
        });
        let has_own = |at: i64| own.binary_search_by_key(&at, |bucket| bucket.at).is_ok();
        let steps = steps.await?.into_iter();
        Ok(steps.filter(|(at, is_anybody)| *is_anybody || !has_own(*at)).map(|(at, _)| at).collect())
    }
}

/// Reads what `SliQuery::spans_sql` answers.
async fn of_spans(session: &Session, sql: &str) -> Result<Vec<SliBucket>, Error> {
    let mut buckets = Vec::new();
    session
        .for_each(sql, |batch| {
            let starts = column::<TimestampNanosecondArray>(batch, "at")?;
            let good = column::<Int64Array>(batch, "n_good")?;
            let total = column::<Int64Array>(batch, "n_total")?;
            buckets.extend((0..batch.num_rows()).map(|row| SliBucket {
                at: starts.value(row),
                n_good: good.value(row).unsigned_abs(),
                n_total: total.value(row).unsigned_abs(),
            }));
            Ok(())
        })
        .await?;
    Ok(buckets)
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

/// Reads what `SliQuery::folded_sql` answers: starts of steps, and whether spans of any service are among those of each.
fn folded_steps(batch: &RecordBatch, steps: &mut Vec<(i64, bool)>) -> Result<(), Error> {
    let starts = column::<TimestampNanosecondArray>(batch, "at")?;
    let n_of_anybody = column::<Int64Array>(batch, "n_of_anybody")?;
    steps.extend((0..batch.num_rows()).map(|row| (starts.value(row), n_of_anybody.value(row) > 0)));
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
        if self.tally.n() > 0 {
            let n_good = self.tally.n_at_most(self.threshold_ns).min(self.tally.n());
            self.finished.push(SliBucket { at: self.at, n_good, n_total: self.tally.n() });
        }
        self.tally.clear();
    }
}
