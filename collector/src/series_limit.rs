//! How many series a metric may have: one that has too many is refused new ones, the others go on.
//!
//! A series counts from its first point until an hour or two after its last, by its `series_id`. What is
//! refused depends on what came before, so it is decided once, at the door, and written down with the request
//! (`record`): a replay knows nothing of it by itself. After a start nothing is remembered, and a metric may
//! have as many series again.

use crate::columns;
use crate::decode::Report;
use crate::telemetry::Reason;
use arrow::array::{AsArray, BooleanArray, BooleanBufferBuilder};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::datatypes::UInt64Type;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use storage::{Columns, Signal};

/// Series that are remembered, some 40 bytes each. Beyond, new ones are let in and not counted: senders of many
/// metrics must not be able to keep out those of others.
pub(crate) const REMEMBERED_MAX: usize = 1 << 20;
/// How long a series is remembered at least, in nanoseconds: a process that has ended sends no more of it.
const MEMORY_NS: i64 = 60 * 60 * 1_000_000_000;

/// The series that came lately.
#[derive(Debug)]
pub(crate) struct SeriesLimit {
    series_max: usize,
    remembered_max: usize,
    hasher: RandomState,
    lately: Mutex<Lately>,
}

/// Hash of a metric's name.
type Name = u64;

/// Series by their ids, with the metric that each is of. Those of the hour before leave with the next one,
/// unless they are met again.
#[derive(Debug, Default)]
struct Lately {
    this_hour: HashMap<u64, Name>,
    hour_before: HashMap<u64, Name>,
    /// In both.
    n_series: HashMap<Name, usize>,
    /// Since when it is this hour, unix nanos.
    since: i64,
}

impl SeriesLimit {
    pub(crate) fn new(series_max: usize) -> Self {
        let (hasher, lately) = (RandomState::new(), Mutex::default());
        Self { series_max, remembered_max: REMEMBERED_MAX, hasher, lately }
    }

    /// The rows whose series are too many for their metric, as set bits; none if all are let in.
    pub(crate) fn refused(&self, columns: &Columns, now: i64) -> Option<BooleanBuffer> {
        if columns.signal() != Signal::Metrics {
            return None;
        }
        let batch = columns.batch();
        let names = batch.column_by_name("name")?.as_string_opt::<i32>()?;
        let series = batch.column_by_name("series_id")?.as_primitive_opt::<UInt64Type>()?;
        let mut refused = BooleanBufferBuilder::new(batch.num_rows());
        let mut lately = self.lately.lock();
        lately.forget(now);
        let mut metric: Option<(&str, Name)> = None;
        for (row, series) in series.values().iter().enumerate() {
            let text = names.value(row);
            // Points of a metric follow one another.
            let name = match metric {
                Some((before, name)) if before == text => name,
                _ => self.hasher.hash_one(text),
            };
            metric = Some((text, name));
            refused.append(!self.is_let_in(&mut lately, *series, name));
        }
        let refused = refused.finish();
        (refused.count_set_bits() > 0).then_some(refused)
    }

    fn is_let_in(&self, lately: &mut Lately, series: u64, name: Name) -> bool {
        if lately.this_hour.contains_key(&series) {
            return true;
        }
        if lately.hour_before.remove(&series).is_some() {
            lately.this_hour.insert(series, name);
            return true;
        }
        if lately.n_series.get(&name).is_some_and(|n| *n >= self.series_max) {
            return false;
        }
        if lately.this_hour.len() + lately.hour_before.len() < self.remembered_max {
            lately.this_hour.insert(series, name);
            *lately.n_series.entry(name).or_default() += 1;
        }
        true
    }
}

impl Lately {
    /// Begins another hour when this one is over; after two, nothing of before is left.
    fn forget(&mut self, now: i64) {
        let age = now.saturating_sub(self.since);
        if age < MEMORY_NS {
            return;
        }
        if age >= 2 * MEMORY_NS {
            self.this_hour.clear();
            self.hour_before.clear();
            self.n_series.clear();
        }
        for (_, name) in std::mem::take(&mut self.hour_before) {
            if let Some(n) = self.n_series.get_mut(&name) {
                *n -= 1;
                if *n == 0 {
                    self.n_series.remove(&name);
                }
            }
        }
        self.hour_before = std::mem::take(&mut self.this_hour);
        self.since = now;
    }
}

/// The rows without those that were refused, which are counted. Rows that are not as many as were judged are
/// left alone: another program made others of the request, and what was acknowledged must stay.
pub(crate) fn without(
    columns: Columns,
    refused: &BooleanBuffer,
    report: &mut Report,
) -> Result<Columns, columns::Error> {
    let (signal, batch) = (columns.signal(), columns.batch());
    let (n_refused, first) = (refused.count_set_bits(), refused.set_indices().next());
    let Some(first) = first.filter(|_| refused.len() == batch.num_rows()) else { return Ok(columns) };
    report.add(Reason::SeriesLimit, n_refused as u64, || {
        let names = batch.column_by_name("name").and_then(|names| names.as_string_opt::<i32>());
        let name = names.map_or("", |names| names.value(first));
        format!("metric '{name}' has as many series as limits.series_max allows")
    });
    let kept = BooleanArray::new(!refused, None);
    let batch =
        filter_record_batch(batch, &kept).map_err(|source| columns::Error::Batch { signal, source })?;
    Columns::new(signal, batch).map_err(|source| columns::Error::Schema { signal, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Limits;
    use crate::decode::{Encoding, decode};
    use bytes::Bytes;

    const HOUR: i64 = MEMORY_NS;

    /// Rows of gauges: a name, and an attribute that tells the series apart.
    fn points(points: &[(&str, usize)]) -> Columns {
        let metric = |(name, series): &(&str, usize)| {
            format!(
                r#"{{"name":"{name}","gauge":{{"dataPoints":[{{"asInt":1,"attributes":[
                    {{"key":"k","value":{{"intValue":{series}}}}}]}}]}}}}"#
            )
        };
        let metrics: Vec<String> = points.iter().map(metric).collect();
        let body =
            format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{}]}}]}}]}}"#, metrics.join(","));
        let mut report = Report::default();
        let decoded = decode(Signal::Metrics, Encoding::Json, &Bytes::from(body), &mut report).unwrap();
        columns::build(&decoded, 1, Limits::default(), &mut report).unwrap()
    }

    fn refused(limit: &SeriesLimit, rows: &[(&str, usize)], now: i64) -> Vec<usize> {
        let refused = limit.refused(&points(rows), now);
        refused.map(|refused| refused.set_indices().collect()).unwrap_or_default()
    }

    /// Scenario: series of two metrics, more of one than it may have, old ones again, and later others.
    /// Guarantees: each metric has its own number, known series go on, and there is room when some have ended.
    #[test]
    fn a_metric_has_so_many_series() {
        let limit = SeriesLimit::new(2);
        assert!(refused(&limit, &[("a", 1), ("a", 2), ("b", 1), ("a", 1)], HOUR).is_empty());
        assert_eq!(refused(&limit, &[("a", 3), ("a", 2), ("b", 2), ("b", 3), ("a", 4)], HOUR), [0, 3, 4]);
        // Met again in the next hour; the other is remembered until the one after.
        assert_eq!(refused(&limit, &[("a", 1), ("a", 3)], 2 * HOUR), [1]);
        assert!(refused(&limit, &[("a", 1), ("a", 3)], 3 * HOUR).is_empty());
        assert_eq!(refused(&limit, &[("a", 2)], 3 * HOUR), [0]);
        assert!(refused(&limit, &[("a", 5), ("a", 6)], 9 * HOUR).is_empty());
        let lately = limit.lately.lock();
        assert_eq!(lately.n_series.values().sum::<usize>(), 2);
    }

    /// Scenario: more series than are remembered.
    /// Guarantees: memory stays within its bound, and nobody is refused for it.
    #[test]
    fn memory_is_bounded() {
        let limit = SeriesLimit { remembered_max: 3, ..SeriesLimit::new(2) };
        for n in 0..9 {
            let other = format!("m{n}");
            assert!(refused(&limit, &[("a", n % 2), (other.as_str(), n)], HOUR).is_empty());
        }
        let lately = limit.lately.lock();
        assert_eq!((lately.this_hour.len(), lately.n_series.len()), (3, 2));
    }

    /// Scenario: rows of which some were refused, and a note of another number of rows.
    /// Guarantees: the refused ones are gone and counted; a note that does not fit changes nothing.
    #[test]
    fn refused_rows_are_taken_out() {
        let rows = points(&[("a", 1), ("b", 2), ("c", 3)]);
        let mut report = Report::default();
        let refused = BooleanBuffer::from(vec![false, true, true]);
        let kept = without(rows.clone(), &refused, &mut report).unwrap();
        assert_eq!((kept.batch().num_rows(), report.n_rejected()), (1, 2));
        assert_eq!(
            report.message().as_deref(),
            Some("rejected 2 x series_limit: metric 'b' has as many series as limits.series_max allows")
        );
        let unfit = BooleanBuffer::from(vec![true; 9]);
        assert_eq!(without(rows, &unfit, &mut report).unwrap().batch().num_rows(), 3);
    }
}
