//! What all series of one metric grew by together, in steps: events, for those who count them.

use super::increase::{BASELINE, Temporality};
use super::points::{NumberSteps, POINT_COLUMNS, Points};
use crate::engine::Engine;
use crate::error::Error;
use crate::query::literals::{text, within};
use crate::query::range::{TimeRange, step_nanos};
use crate::query::rows::{self, column};
use crate::query::session::Session;
use arrow::array::{Array, Float64Array, RecordBatch, StringArray, UInt64Array};
use std::collections::BTreeMap;
use std::time::Duration;

/// Which series are added up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrowthQuery {
    pub range: TimeRange,
    /// Of the metric: a sum that only grows, deltas, or a histogram, which counts its measurements.
    pub name: String,
    pub service: String,
    /// Only points that have each of them.
    pub attributes: Vec<(String, String)>,
    pub step: Duration,
}

/// What they grew by.
#[derive(Debug, Clone, PartialEq)]
pub struct GrowthAnswer {
    /// Start of each step that something grew in, counted from 1970, and the amount; in order.
    pub steps: Vec<(i64, f64)>,
    /// The points behind them.
    pub sql: String,
}

impl Engine {
    /// Adds up what the series of a metric grew by, resets taken into account.
    pub async fn growth(&self, query: &GrowthQuery) -> Result<GrowthAnswer, Error> {
        let query = query.clone();
        self.read(move |session| async move { growth(&session, &query).await }).await
    }
}

async fn growth(session: &Session, query: &GrowthQuery) -> Result<GrowthAnswer, Error> {
    let mut adding = Adding::new(query);
    session.for_each(&query.points_sql(), |batch| adding.batch(batch)).await?;
    Ok(GrowthAnswer { steps: adding.finish(), sql: query.shown_sql() })
}

impl GrowthQuery {
    /// Points without a recorded value say that a series ended. A gauge, or a sum that may fall, counts nothing.
    fn matching(&self, range: TimeRange) -> String {
        let mut conditions = vec![
            format!("name = {}", text(&self.name)),
            format!("service = {}", text(&self.service)),
            "flags & 1 = 0".to_owned(),
            "(type IN ('histogram', 'exponential_histogram', 'summary') OR \
             (type = 'sum' AND (is_monotonic OR temporality = 'delta')))"
                .to_owned(),
            within("time", range),
        ];
        let pair = |(key, value): &(String, String)| format!("attributes[{}] = {}", text(key), text(value));
        conditions.extend(self.attributes.iter().map(pair));
        conditions.join(" AND ")
    }

    /// Also points before the range: the first increase is counted from the last one of them.
    fn points_sql(&self) -> String {
        format!(
            "SELECT {POINT_COLUMNS}, type, temporality, value, \"count\"\nFROM metric_points\nWHERE {}\n\
             ORDER BY series_id, time",
            self.matching(self.range.widened_back(BASELINE))
        )
    }

    fn shown_sql(&self) -> String {
        format!(
            "SELECT time, series_id, type, value, \"count\"\nFROM metric_points\nWHERE {}\nORDER BY series_id, time",
            self.matching(self.range)
        )
    }
}

/// Takes rows in order of series and time; only one series is open at a time.
struct Adding {
    range: TimeRange,
    step_ns: i64,
    open: Option<(u64, NumberSteps)>,
    total: BTreeMap<i64, f64>,
}

impl Adding {
    fn new(query: &GrowthQuery) -> Self {
        let step_ns = step_nanos(query.step);
        Self { range: query.range, step_ns, open: None, total: BTreeMap::new() }
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let points = Points::of(batch)?;
        let types = column::<StringArray>(batch, "type")?;
        let temporalities = column::<StringArray>(batch, "temporality")?;
        let values = column::<Float64Array>(batch, "value")?;
        let counts = column::<UInt64Array>(batch, "count")?;
        for row in 0..batch.num_rows() {
            let is_sum = types.value(row) == "sum";
            let value = match is_sum {
                true if values.is_valid(row) => values.value(row),
                false if counts.is_valid(row) => counts.value(row) as f64,
                _ => continue,
            };
            let id = points.series.value(row);
            if self.open.as_ref().is_none_or(|(open, _)| *open != id) {
                self.close();
                let temporality = Temporality::named(Some(rows::text(temporalities, row)));
                let steps = NumberSteps::growth(self.range, self.step_ns, temporality, false);
                self.open = Some((id, steps));
            }
            if let Some((_, steps)) = &mut self.open {
                steps.add(points.reading(row, value));
            }
        }
        Ok(())
    }

    fn close(&mut self) {
        let Some((_, steps)) = self.open.take() else { return };
        for (at, amount) in steps.points() {
            *self.total.entry(at).or_default() += amount;
        }
    }

    fn finish(mut self) -> Vec<(i64, f64)> {
        self.close();
        self.total.into_iter().filter(|(_, amount)| *amount > 0.0).collect()
    }
}
