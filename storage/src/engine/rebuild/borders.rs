//! From which bucket on the stored rows are all that there ever were, so that cells can be made of them.
//!
//! Rows are kept for less long than read models, and leave in the order in which they were received. What was received
//! after the newest row that has left is all there. A row is received after it happened, and the other side of a call
//! within [`Pairing::WAIT_NS`] of the first, so that buckets that begin so long after that moment lack nothing. Where
//! the widest buckets begin all others do, so that the tables of all resolutions go on from one and the same moment.

use crate::columns::column;
use crate::ids::{Signal, Table};
use crate::manifest::Manifest;
use crate::read_models::{Pairing, Resolution};
use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::TimestampNanosecondType;
use std::collections::BTreeMap;

const WIDEST: Resolution = Resolution::ALL[Resolution::ALL.len() - 1];

/// For each signal the start of the first bucket that is made again; the least number for all of them, the largest for
/// none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Borders {
    traces: i64,
    logs: i64,
    metrics: i64,
}

impl Borders {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let [traces, logs, metrics] = Signal::ALL.map(|signal| border(manifest, signal));
        Self { traces, logs, metrics }
    }

    /// Signals that lack rows, and before which moment their buckets stay.
    pub(super) fn kept_before(&self) -> Vec<(Signal, i64)> {
        let borders = Signal::ALL.map(|signal| (signal, self.of_signal(signal)));
        borders.into_iter().filter(|(_, border)| *border > i64::MIN).collect()
    }

    /// The first and the last border of a read model's rows.
    pub(super) fn of_table(&self, table: Table) -> (i64, i64) {
        let Self { traces, logs, metrics } = *self;
        match table {
            Table::ServiceSeen => (traces.min(logs).min(metrics), traces.max(logs).max(metrics)),
            _ => (traces, traces),
        }
    }

    /// Which rows of a read model are made again.
    pub(super) fn made_again(&self, table: Table, rows: &RecordBatch) -> BooleanArray {
        let buckets = column(rows, "bucket").as_primitive::<TimestampNanosecondType>().values();
        if table != Table::ServiceSeen {
            return buckets.iter().map(|bucket| Some(*bucket >= self.traces)).collect();
        }
        let signals = column(rows, "signal").as_string::<i32>().iter();
        let signals = signals.map(|name| Signal::ALL.into_iter().find(|signal| Some(signal.name()) == name));
        let is_made_again = |(bucket, signal): (&i64, Option<Signal>)| {
            Some(signal.is_some_and(|signal| *bucket >= self.of_signal(signal)))
        };
        buckets.iter().zip(signals).map(is_made_again).collect()
    }

    /// Read models no longer lack what is made again.
    pub(super) fn mend(&self, lacking: &mut BTreeMap<Table, i64>) {
        lacking.retain(|table, until| {
            if table.signal().is_some() {
                return true;
            }
            let (_, border) = self.of_table(*table);
            *until = (*until).min(border.saturating_sub(1));
            border > i64::MIN
        });
    }

    fn of_signal(&self, signal: Signal) -> i64 {
        match signal {
            Signal::Traces => self.traces,
            Signal::Logs => self.logs,
            Signal::Metrics => self.metrics,
        }
    }
}

fn border(manifest: &Manifest, signal: Signal) -> i64 {
    let table = Table::from(signal);
    let live = manifest.segments_of(table);
    let n_rows: u64 = live.iter().map(|segment| segment.n_rows).sum();
    let noted = manifest.lacking.get(&table).copied();
    if noted.is_none() && n_rows >= manifest.rows_ever.of(signal) {
        return i64::MIN;
    }
    let Some(oldest) = live.iter().map(|segment| segment.received_max).min() else { return i64::MAX };
    // Older programs did not note what left; it was received before all that is there.
    border_from(noted.unwrap_or(oldest).saturating_add(Pairing::WAIT_NS))
}

/// Where the first of the widest buckets begins, at a moment or after it.
fn border_from(at: i64) -> i64 {
    let bucket = WIDEST.bucket_of(at);
    if bucket == at { at } else { bucket.saturating_add(WIDEST.bucket_ns()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::SegmentMeta;
    use crate::test_rows::{T0, batch, texts, times};
    use std::sync::Arc;

    /// Of which there is a whole number until `T0`.
    const WIDTH: i64 = WIDEST.bucket_ns();

    fn segment(table: Table, n_rows: u64, received_max: i64) -> Arc<SegmentMeta> {
        Arc::new(SegmentMeta {
            id: 1,
            table,
            path: SegmentMeta::object_path(table, 1),
            n_rows,
            n_bytes: 1,
            time_min: 0,
            time_max: 0,
            received_max,
            checksums_crc: None,
        })
    }

    /// Scenario: all rows are there; some left and it was noted when they were received; some left and nobody noted; all
    /// left; there never were any.
    /// Guarantees: everything is made again, or the widest buckets that begin two minutes after the newest row that
    /// left, or, if that is not known, after all of the oldest segment; or nothing.
    #[test]
    fn borders_come_after_what_left() {
        let spans = |n_rows, received_max| segment(Table::Spans, n_rows, received_max);
        let border_of = |n_ever: u64, noted: Option<i64>, segments: Vec<Arc<SegmentMeta>>| {
            let mut manifest = Manifest { segments, ..Manifest::empty() };
            manifest.rows_ever.traces = n_ever;
            manifest.lacking.extend(noted.map(|at| (Table::Spans, at)));
            Borders::of(&manifest).of_table(Table::Red(Resolution::Minute)).0
        };
        let two = || vec![spans(3, T0 + 5 * WIDTH), spans(4, T0 + 2 * WIDTH)];
        assert_eq!(border_of(7, None, two()), i64::MIN);
        assert_eq!(border_of(9, None, two()), T0 + 3 * WIDTH);
        assert_eq!(border_of(9, Some(T0 + WIDTH), two()), T0 + 2 * WIDTH);
        assert_eq!(border_of(9, Some(T0 + WIDTH - Pairing::WAIT_NS), two()), T0 + WIDTH);
        assert_eq!(border_of(9, Some(T0 + WIDTH - Pairing::WAIT_NS + 1), two()), T0 + 2 * WIDTH);
        assert_eq!(border_of(9, Some(T0 + WIDTH), Vec::new()), i64::MAX);
        assert_eq!(border_of(0, None, Vec::new()), i64::MIN);
    }

    /// Scenario: instances that were seen by signals with different borders, and what tables lack.
    /// Guarantees: each row goes by the border of its signal, one of an unknown signal stays; what is made again lacks
    /// nothing.
    #[test]
    fn each_signal_has_its_border() {
        let borders = Borders { traces: T0 + WIDTH, logs: i64::MIN, metrics: i64::MAX };
        let table = Table::ServiceSeen;
        assert_eq!(borders.of_table(table), (i64::MIN, i64::MAX));
        let signals = ["traces", "traces", "logs", "metrics", "profiles"];
        let buckets = [T0, T0 + WIDTH, T0, T0 + 9 * WIDTH, T0 + 9 * WIDTH];
        let columns = vec![("signal", texts(&signals)), ("bucket", times(&buckets))];
        let made_again = borders.made_again(table, &batch(table.schema(), 5, columns));
        let wanted = [false, true, true, false, false].map(Some);
        assert_eq!(made_again.iter().collect::<Vec<_>>(), wanted);
        let tables = [Table::Red(Resolution::Hour), table, Table::Spans];
        let mut lacking: BTreeMap<Table, i64> = tables.map(|table| (table, T0 + 5 * WIDTH)).into();
        borders.mend(&mut lacking);
        assert_eq!(tables.map(|table| lacking[&table]), [T0 + WIDTH - 1, T0 + 5 * WIDTH, T0 + 5 * WIDTH]);
        let all = Borders { traces: i64::MIN, logs: i64::MIN, metrics: i64::MIN };
        all.mend(&mut lacking);
        assert_eq!(lacking.keys().collect::<Vec<_>>(), [&Table::Spans]);
        assert_eq!(borders.kept_before(), [(Signal::Traces, T0 + WIDTH), (Signal::Metrics, i64::MAX)]);
    }
}
