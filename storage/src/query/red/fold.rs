//! Rows of the read models on their way to groups and points.
//!
//! They come in any order, so that no statement has to sort what may be millions of them. All points are held at
//! once, each with its histogram in few bytes; rows of one point mostly follow upon each other, as segments are sorted.

use super::{RedBy, RedGroup, RedQuery};
use crate::error::Error;
use crate::query::packed::Packed;
use crate::query::range::{floor_to, step_nanos};
use crate::query::rows::column;
use crate::query::tally::{RedColumns, RedTotals, Sums};
use crate::read_models::{DurationHistogram, pack};
use arrow::array::{RecordBatch, StringArray, TimestampNanosecondArray};
use std::collections::{BTreeMap, HashMap};

/// Points of all groups together, 128 MB in the answer. Groups are made of what clients send: however many there are,
/// an answer is refused rather than made of all memory.
const POINTS_MAX: usize = 1_000_000;
/// What groups and points take while rows come in.
const BYTES_MAX: usize = 256 << 20;
/// What a point takes besides its histogram: itself, its place in the tree.
const POINT_BYTES: usize = 2 * size_of::<(i64, Point)>();
/// What a group takes besides its points and names: itself, its place among all, its strings.
const GROUP_BYTES: usize = size_of::<Group>() + RedBy::ALL.len() * size_of::<String>() + 64;

/// All rows so far.
pub(super) struct Fold {
    by: Vec<RedBy>,
    step_ns: i64,
    groups: Vec<Group>,
    /// The place of each group, by what it has in common.
    places: HashMap<Box<[u8]>, usize>,
    /// The group and the point of the last row.
    current: Option<(usize, i64)>,
    /// Durations of that point which it does not have yet.
    open: DurationHistogram,
    n_points: usize,
    n_bytes: usize,
}

struct Group {
    /// In the order of `by`.
    values: Vec<String>,
    first_at: i64,
    last_at: i64,
    points: BTreeMap<i64, Point>,
}

#[derive(Default)]
struct Point {
    sums: Sums,
    durations: Packed,
}

impl Fold {
    pub(super) fn new(query: &RedQuery) -> Self {
        Self {
            by: query.by(),
            step_ns: step_nanos(query.step),
            groups: Vec::new(),
            places: HashMap::new(),
            current: None,
            open: DurationHistogram::default(),
            n_points: 0,
            n_bytes: 0,
        }
    }

    pub(super) fn batch(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let columns = self.by.iter().map(|by| column::<StringArray>(batch, by.column()));
        let columns = columns.collect::<Result<Vec<_>, Error>>()?;
        let buckets = column::<TimestampNanosecondArray>(batch, "bucket")?;
        let numbers = RedColumns::of(batch)?;
        let mut key = Vec::new();
        for row in 0..batch.num_rows() {
            let values = || columns.iter().map(move |column| column.value(row));
            let bucket = buckets.value(row);
            let at = floor_to(bucket, self.step_ns);
            let place = match self.current {
                Some((place, _)) if values().eq(self.groups[place].values.iter().map(String::as_str)) => {
                    place
                }
                _ => self.place(&mut key, values, bucket),
            };
            if self.current != Some((place, at)) {
                self.close()?;
                self.current = Some((place, at));
            }
            self.row(place, bucket, at, &numbers, row)?;
        }
        self.check_size()
    }

    pub(super) fn finish(mut self) -> Result<Vec<RedGroup>, Error> {
        self.close()?;
        let Self { by, mut groups, .. } = self;
        groups.sort_by(|one, other| one.values.cmp(&other.values));
        let mut durations = DurationHistogram::default();
        groups.into_iter().map(|group| group.finish(&by, &mut durations)).collect()
    }

    /// The group with these values, which is there from then on.
    fn place<'a, Values: Iterator<Item = &'a str>>(
        &mut self,
        key: &mut Vec<u8>,
        values: impl Fn() -> Values,
        bucket: i64,
    ) -> usize {
        pack(values(), key);
        if let Some(place) = self.places.get(key.as_slice()) {
            return *place;
        }
        let place = self.groups.len();
        self.n_bytes += GROUP_BYTES + 2 * key.len();
        self.places.insert(key.as_slice().into(), place);
        let values = values().map(str::to_owned).collect();
        self.groups.push(Group { values, first_at: bucket, last_at: bucket, points: BTreeMap::new() });
        place
    }

    fn row(
        &mut self,
        place: usize,
        bucket: i64,
        at: i64,
        numbers: &RedColumns<'_>,
        row: usize,
    ) -> Result<(), Error> {
        let group = &mut self.groups[place];
        (group.first_at, group.last_at) = (group.first_at.min(bucket), group.last_at.max(bucket));
        let n_points_before = group.points.len();
        let point = group.points.entry(at).or_default();
        let n_bytes_before = point.durations.n_bytes();
        point.sums.add(&numbers.sums(row));
        point.durations.add(numbers.durations(row), &mut self.open)?;
        self.n_bytes += point.durations.n_bytes() - n_bytes_before;
        let n_new = group.points.len() - n_points_before;
        self.n_points += n_new;
        self.n_bytes += n_new * POINT_BYTES;
        Ok(())
    }

    /// Gives the current point what is open.
    fn close(&mut self) -> Result<(), Error> {
        let Some((place, at)) = self.current.take() else { return Ok(()) };
        if let Some(point) = self.groups[place].points.get_mut(&at) {
            let n_bytes_before = point.durations.n_bytes();
            point.durations.close(&mut self.open)?;
            // A sum has every slot of its parts, and larger counts.
            self.n_bytes += point.durations.n_bytes().saturating_sub(n_bytes_before);
        }
        Ok(())
    }

    /// After each batch, which adds a few thousand points at most.
    fn check_size(&self) -> Result<(), Error> {
        if self.n_points <= POINTS_MAX && self.n_bytes <= BYTES_MAX {
            return Ok(());
        }
        let message = format!(
            "the groups have more than {POINTS_MAX} points together, or need more than {} MB: ask for wider points, \
             or for fewer groups",
            BYTES_MAX >> 20
        );
        Err(Error::QueryMemory { message })
    }
}

impl Group {
    /// `durations` is empty before and after.
    fn finish(self, by: &[RedBy], durations: &mut DurationHistogram) -> Result<RedGroup, Error> {
        let Self { values, first_at, last_at, points } = self;
        let mut group = RedGroup { first_at, last_at, ..RedGroup::default() };
        for (by, value) in by.iter().zip(values) {
            *group.value_mut(*by) = value;
        }
        let mut sums = Sums::default();
        group.points.reserve_exact(points.len());
        for (at, point) in points {
            sums.add(&point.sums);
            point.durations.add_to(durations)?;
            let quantiles = point.durations.quantiles_ns(RedTotals::QUANTILES)?;
            group.points.push((at, point.sums.totals(quantiles)));
        }
        group.total = sums.totals(durations.quantiles_ns(RedTotals::QUANTILES));
        durations.clear();
        Ok(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::TimeRange;
    use crate::read_models::SparseHistogram;
    use arrow::array::{ArrayRef, BinaryArray, Int64Array, UInt64Array};
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::Duration;

    const STEP_NS: i64 = 60_000_000_000;

    /// Group, bucket in tens of seconds, durations.
    type Row = (u8, i64, Vec<i64>);

    fn query() -> RedQuery {
        RedQuery {
            range: TimeRange { from: 0, to: i64::MAX },
            only: Vec::new(),
            entry_only: true,
            by: vec![RedBy::Service, RedBy::Operation],
            step: Duration::from_nanos(STEP_NS.unsigned_abs()),
        }
    }

    fn names(group: u8) -> (String, String) {
        (format!("service {}", group / 2), format!("operation {}", group % 2))
    }

    fn batch(rows: &[Row]) -> RecordBatch {
        let texts = |name: fn(u8) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| name(row.0))))
        };
        let counts = |of: fn(&Row) -> u64| -> ArrayRef {
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(of)))
        };
        let encoded = rows.iter().map(|(_, _, durations)| {
            let mut histogram = SparseHistogram::default();
            durations.iter().for_each(|&duration| histogram.record(duration));
            histogram.encode()
        });
        let buckets =
            TimestampNanosecondArray::from_iter_values(rows.iter().map(|row| row.1 * 10_000_000_000));
        let sums = Int64Array::from_iter_values(rows.iter().map(|row| row.2.iter().sum::<i64>()));
        RecordBatch::try_from_iter([
            ("service", texts(|group| names(group).0)),
            ("operation", texts(|group| names(group).1)),
            ("bucket", Arc::new(buckets) as ArrayRef),
            ("n_spans", counts(|row| row.2.len() as u64)),
            ("n_errors", counts(|row| row.2.iter().filter(|ns| **ns % 2 == 0).count() as u64)),
            ("n_spans_adjusted_q16", counts(|row| row.2.len() as u64 * 65_536)),
            ("n_errors_adjusted_q16", counts(|_| 0)),
            ("sum_ns", Arc::new(sums) as ArrayRef),
            ("duration_hdr", Arc::new(BinaryArray::from_iter_values(encoded)) as ArrayRef),
        ])
        .expect("equal lengths")
    }

    fn folded(batches: &[RecordBatch]) -> Vec<RedGroup> {
        let mut fold = Fold::new(&query());
        batches.iter().for_each(|rows| fold.batch(rows).expect("reads"));
        fold.finish().expect("own cells")
    }

    /// Groups, and points in them, by sorting.
    fn wanted(rows: &[Row]) -> Vec<RedGroup> {
        let mut groups: BTreeMap<u8, BTreeMap<i64, Vec<i64>>> = BTreeMap::new();
        for (group, bucket, durations) in rows {
            let point = floor_to(bucket * 10_000_000_000, STEP_NS);
            groups.entry(*group).or_default().entry(point).or_default().extend(durations);
        }
        let totals = |durations: &[i64]| {
            let mut histogram = DurationHistogram::default();
            durations.iter().for_each(|&duration| histogram.record(duration));
            let n = durations.len() as u64;
            let n_errors = durations.iter().filter(|ns| **ns % 2 == 0).count() as u64;
            let sums = Sums {
                n,
                n_errors,
                n_adjusted_q16: n * 65_536,
                n_errors_adjusted_q16: 0,
                sum_ns: durations.iter().sum(),
            };
            sums.totals(histogram.quantiles_ns(RedTotals::QUANTILES))
        };
        let group = |(group, points): (u8, BTreeMap<i64, Vec<i64>>)| {
            let buckets = || rows.iter().filter(|row| row.0 == group).map(|row| row.1 * 10_000_000_000);
            let all: Vec<i64> = points.values().flatten().copied().collect();
            let (service, operation) = names(group);
            RedGroup {
                service,
                operation,
                total: totals(&all),
                points: points.iter().map(|(at, durations)| (*at, totals(durations))).collect(),
                first_at: buckets().min().expect("a row"),
                last_at: buckets().max().expect("a row"),
                ..RedGroup::default()
            }
        };
        groups.into_iter().map(group).collect()
    }

    proptest! {
        /// Scenario: rows of four groups in any order, in any batches.
        /// Guarantees: groups come in the order of their names, points in that of time, with counts, sums and
        /// quantiles of all their rows.
        #[test]
        fn rows_in_any_order_make_the_same_groups(
            rows in prop::collection::vec(
                (0..4_u8, -20..20_i64, prop::collection::vec(0..4_000_000_000_000_i64, 1..6)),
                0..60,
            ),
            n_of_batch in 1..20_usize,
        ) {
            let batches: Vec<RecordBatch> = rows.chunks(n_of_batch).map(batch).collect();
            prop_assert_eq!(folded(&batches), wanted(&rows));
        }
    }

    /// Scenario: groups whose histograms need more memory than there may be.
    /// Guarantees: the answer is refused, and says what to do.
    #[test]
    fn what_is_too_large_is_refused() {
        let mut fold = Fold::new(&query());
        fold.n_bytes = BYTES_MAX;
        let refused = fold.batch(&batch(&[(0, 0, vec![1])]));
        assert!(matches!(refused, Err(Error::QueryMemory { message }) if message.contains("wider points")));
    }
}
