//! From the rows of a metric to the points of its chart.

use super::explicit::Explicit;
use super::exponential::Exponential;
use super::increase::{BASELINE, Grows, Increase, Increases, Reading, Temporality};
use super::labels::{Identity, labels};
use super::{MetricSeries, Selection};
use crate::error::Error;
use crate::query::literals::one_of;
use crate::query::range::{TimeRange, floor_to};
use crate::query::rows::{self, column};
use crate::query::session::Session;
use arrow::array::{
    Array, AsArray, Float64Array, Int32Array, ListArray, MapArray, PrimitiveArray, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{ArrowPrimitiveType, Float64Type, UInt64Type};
use std::collections::BTreeMap;

const QUANTILES: [(&str, f64); 3] = [("p50", 0.50), ("p95", 0.95), ("p99", 0.99)];
const QUANTILE_LABEL: &str = "quantile";
/// Columns that say whose a point is and when it was taken.
pub(super) const POINT_COLUMNS: &str =
    "series_id, service, service_instance_id, attributes, start_time, time";

/// Gauges and sums.
pub(super) async fn numbers(
    session: &Session,
    selection: &Selection,
) -> Result<(Vec<MetricSeries>, bool), Error> {
    let mut drawn: BTreeMap<u64, (Identity, NumberSteps)> = BTreeMap::new();
    let truncated = selected(session, selection, "value", |batch| {
        let points = Points::of(batch)?;
        let values = column::<Float64Array>(batch, "value")?;
        for row in (0..batch.num_rows()).filter(|row| values.is_valid(*row)) {
            let (_, steps) = drawn
                .entry(points.series.value(row))
                .or_insert_with(|| (points.identity(row), NumberSteps::new(selection)));
            steps.add(points.reading(row, values.value(row)));
        }
        Ok(())
    })
    .await?;
    let (identities, steps): (Vec<_>, Vec<_>) = drawn.into_values().unzip();
    let points = steps.into_iter().map(NumberSteps::points).collect();
    Ok((named(labels(&identities), points), truncated))
}

/// The drawn points of each quantile of one summary.
type ByQuantile = BTreeMap<String, Vec<(i64, f64)>>;

/// Quantiles that the client worked out itself: each is a series of its own.
pub(super) async fn summary(
    session: &Session,
    selection: &Selection,
) -> Result<(Vec<MetricSeries>, bool), Error> {
    let mut drawn: BTreeMap<u64, (Identity, ByQuantile)> = BTreeMap::new();
    let truncated = selected(session, selection, "quantiles", |batch| {
        let points = Points::of(batch)?;
        let quantiles = column::<ListArray>(batch, "quantiles")?;
        for row in (0..batch.num_rows()).filter(|row| quantiles.is_valid(*row)) {
            let time = points.times.value(row);
            let (_, series) = drawn
                .entry(points.series.value(row))
                .or_insert_with(|| (points.identity(row), BTreeMap::new()));
            for (quantile, value) in pairs(quantiles, row) {
                let steps = series.entry(quantile.to_string()).or_default();
                put_last(steps, selection.range, selection.step_ns, time, value);
            }
        }
        Ok(())
    })
    .await?;
    let (identities, by_quantile): (Vec<_>, Vec<_>) = drawn.into_values().unzip();
    let (mut all_labels, mut all_points) = (Vec::new(), Vec::new());
    for (labels, quantiles) in labels(&identities).into_iter().zip(by_quantile) {
        for (quantile, points) in quantiles {
            let mut labels = labels.clone();
            labels.push((QUANTILE_LABEL.to_owned(), quantile));
            all_labels.push(labels);
            all_points.push(points);
        }
    }
    Ok((named(all_labels, all_points), truncated))
}

/// Histograms with explicit bounds, all series together.
pub(super) async fn explicit(session: &Session, selection: &Selection) -> Result<Vec<MetricSeries>, Error> {
    let mut steps = BucketSteps::new(selection, Explicit::merge);
    let sql = selection.with_baseline("series_id, start_time, time, explicit_bounds, bucket_counts");
    session
        .for_each(&sql, |batch| {
            let bounds = column::<ListArray>(batch, "explicit_bounds")?;
            let counts = column::<ListArray>(batch, "bucket_counts")?;
            steps.batch(batch, |row| {
                Explicit::new(&items::<Float64Type>(bounds, row), &items::<UInt64Type>(counts, row))
            })
        })
        .await?;
    Ok(steps.series(Explicit::quantile))
}

/// Exponential histograms, all series together.
pub(super) async fn exponential(
    session: &Session,
    selection: &Selection,
) -> Result<Vec<MetricSeries>, Error> {
    let mut steps = BucketSteps::new(selection, Exponential::merge);
    let sql = selection.with_baseline(
        "series_id, start_time, time, scale, zero_count, positive_offset, positive_counts, negative_offset, \
         negative_counts",
    );
    session
        .for_each(&sql, |batch| {
            let scales = column::<Int32Array>(batch, "scale")?;
            let zeros = column::<UInt64Array>(batch, "zero_count")?;
            let (positive, negative) = (Side::of(batch, "positive")?, Side::of(batch, "negative")?);
            steps.batch(batch, |row| {
                let scale = scales.is_valid(row).then(|| scales.value(row))?;
                let zero = if zeros.is_valid(row) { zeros.value(row) } else { 0 };
                let (up, down) = (positive.counts(row), negative.counts(row));
                Some(Exponential::new(
                    scale,
                    zero,
                    (positive.offset(row), &up),
                    (negative.offset(row), &down),
                ))
            })
        })
        .await?;
    Ok(steps.series(Exponential::quantile))
}

/// Hands over the points of the selected series, in order of series and time; says whether series
/// were left out.
async fn selected(
    session: &Session,
    selection: &Selection,
    value: &str,
    each: impl FnMut(&RecordBatch) -> Result<(), Error> + Send,
) -> Result<bool, Error> {
    let (ids, truncated) = selection.series(session).await?;
    if ids.is_empty() {
        return Ok(truncated);
    }
    let among = one_of("series_id", ids.iter().map(u64::to_string));
    let sql = selection.with_baseline(&format!("{POINT_COLUMNS}, {value}"));
    let sql = sql.replacen("WHERE ", &format!("WHERE {among} AND "), 1);
    session.for_each(&sql, each).await?;
    Ok(truncated)
}

fn named(labels: Vec<Vec<(String, String)>>, points: Vec<Vec<(i64, f64)>>) -> Vec<MetricSeries> {
    let mut series: Vec<MetricSeries> = labels
        .into_iter()
        .zip(points)
        .filter(|(_, points)| !points.is_empty())
        .map(|(labels, points)| MetricSeries { labels, points })
        .collect();
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    series
}

/// Puts a value at its step, over one that came before in the same step.
fn put_last(steps: &mut Vec<(i64, f64)>, range: TimeRange, step_ns: i64, time: i64, value: f64) {
    if !range.contains(time) || !value.is_finite() {
        return;
    }
    let at = floor_to(time, step_ns);
    match steps.last_mut() {
        Some(last) if last.0 == at => last.1 = value,
        _ => steps.push((at, value)),
    }
}

/// The steps of one gauge or sum.
pub(super) enum NumberSteps {
    Last(Vec<(i64, f64)>, TimeRange, i64),
    Growth(GrowthSteps),
}

/// The steps of what was added: amount and the time it was added in.
pub(super) struct GrowthSteps {
    increases: Increases<f64>,
    per_second: bool,
    temporality: Temporality,
    range: TimeRange,
    step_ns: i64,
    steps: Vec<(i64, f64, i64)>,
}

impl NumberSteps {
    fn new(selection: &Selection) -> Self {
        let Selection { range, step_ns, temporality, is_counter, .. } = *selection;
        let delta_sum = selection.is_sum && temporality == Temporality::Delta;
        if is_counter || delta_sum {
            return Self::growth(range, step_ns, temporality, is_counter);
        }
        Self::last(range, step_ns)
    }

    /// The last value of each step.
    pub(super) fn last(range: TimeRange, step_ns: i64) -> Self {
        Self::Last(Vec::new(), range, step_ns)
    }

    /// What each step added.
    pub(super) fn growth(range: TimeRange, step_ns: i64, temporality: Temporality, per_second: bool) -> Self {
        let increases = Increases::new(temporality, known_from(range));
        Self::Growth(GrowthSteps { increases, per_second, temporality, range, step_ns, steps: Vec::new() })
    }

    pub(super) fn add(&mut self, reading: Reading<f64>) {
        match self {
            Self::Last(steps, range, step_ns) => {
                put_last(steps, *range, *step_ns, reading.time, reading.value);
            }
            Self::Growth(growth) => growth.add(reading),
        }
    }

    pub(super) fn points(self) -> Vec<(i64, f64)> {
        match self {
            Self::Last(steps, ..) => steps,
            Self::Growth(growth) => growth.points(),
        }
    }
}

impl GrowthSteps {
    fn add(&mut self, reading: Reading<f64>) {
        if !reading.value.is_finite() {
            return;
        }
        let Some(Increase { since, at, amount }) = self.increases.next(reading) else { return };
        if !self.range.contains(at) {
            return;
        }
        let (step, covered_ns) = (floor_to(at, self.step_ns), at.saturating_sub(since));
        match self.steps.last_mut() {
            Some(last) if last.0 == step => {
                last.1 += amount;
                last.2 = last.2.saturating_add(covered_ns);
            }
            _ => self.steps.push((step, amount, covered_ns)),
        }
    }

    fn points(self) -> Vec<(i64, f64)> {
        let rates = self.steps.iter().filter_map(|&(at, amount, covered_ns)| {
            let value = if self.per_second { amount / self.seconds(covered_ns)? } else { amount };
            value.is_finite().then_some((at, value))
        });
        rates.collect()
    }

    /// What an amount is divided by. Cumulative points cover their time without gaps, so the time between
    /// them counts. Deltas may leave out quiet times, so the whole step counts, unless one point covers
    /// more than a step.
    fn seconds(&self, covered_ns: i64) -> Option<f64> {
        let ns = match self.temporality {
            Temporality::Cumulative => covered_ns,
            Temporality::Delta => covered_ns.max(self.step_ns),
        };
        (ns > 0).then(|| ns as f64 / 1e9)
    }
}

/// The steps of a histogram, every series merged into them.
struct BucketSteps<T> {
    range: TimeRange,
    step_ns: i64,
    temporality: Temporality,
    series: Option<u64>,
    increases: Increases<T>,
    merge: fn(&mut T, &T),
    steps: BTreeMap<i64, T>,
}

impl<T: Grows + Clone + Default> BucketSteps<T> {
    fn new(selection: &Selection, merge: fn(&mut T, &T)) -> Self {
        Self {
            range: selection.range,
            step_ns: selection.step_ns,
            temporality: selection.temporality,
            series: None,
            increases: increases(selection),
            merge,
            steps: BTreeMap::new(),
        }
    }

    /// Rows in order of series and time; `value` is none for a row whose buckets say nothing.
    fn batch(&mut self, batch: &RecordBatch, value: impl Fn(usize) -> Option<T>) -> Result<(), Error> {
        let series = column::<UInt64Array>(batch, "series_id")?;
        let starts = column::<TimestampNanosecondArray>(batch, "start_time")?;
        let times = column::<TimestampNanosecondArray>(batch, "time")?;
        for row in 0..batch.num_rows() {
            if self.series != Some(series.value(row)) {
                self.series = Some(series.value(row));
                self.increases = Increases::new(self.temporality, known_from(self.range));
            }
            let Some(value) = value(row) else { continue };
            let start = starts.is_valid(row).then(|| starts.value(row));
            self.add(Reading { start, time: times.value(row), value });
        }
        Ok(())
    }

    fn add(&mut self, reading: Reading<T>) {
        let Some(increase) = self.increases.next(reading) else { return };
        if self.range.contains(increase.at) {
            let step = self.steps.entry(floor_to(increase.at, self.step_ns)).or_default();
            (self.merge)(step, &increase.amount);
        }
    }

    fn series(self, quantile: impl Fn(&T, f64) -> Option<f64>) -> Vec<MetricSeries> {
        let series = QUANTILES.map(|(name, q)| {
            let points = self.steps.iter().filter_map(|(&at, buckets)| {
                quantile(buckets, q).filter(|value| value.is_finite()).map(|value| (at, value))
            });
            let labels = vec![(QUANTILE_LABEL.to_owned(), name.to_owned())];
            MetricSeries { labels, points: points.collect() }
        });
        series.into_iter().filter(|series| !series.points.is_empty()).collect()
    }
}

fn increases<T: Grows + Clone>(selection: &Selection) -> Increases<T> {
    Increases::new(selection.temporality, known_from(selection.range))
}

fn known_from(range: TimeRange) -> i64 {
    range.widened_back(BASELINE).from
}

/// The columns of [`POINT_COLUMNS`].
pub(super) struct Points<'a> {
    pub(super) series: &'a UInt64Array,
    services: &'a StringArray,
    instances: &'a StringArray,
    attributes: &'a MapArray,
    starts: &'a TimestampNanosecondArray,
    times: &'a TimestampNanosecondArray,
}

impl<'a> Points<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self, Error> {
        Ok(Self {
            series: column(batch, "series_id")?,
            services: column(batch, "service")?,
            instances: column(batch, "service_instance_id")?,
            attributes: column(batch, "attributes")?,
            starts: column(batch, "start_time")?,
            times: column(batch, "time")?,
        })
    }

    pub(super) fn reading(&self, row: usize, value: f64) -> Reading<f64> {
        let start = self.starts.is_valid(row).then(|| self.starts.value(row));
        Reading { start, time: self.times.value(row), value }
    }

    pub(super) fn identity(&self, row: usize) -> Identity {
        let entries = self.attributes.value(row);
        let (keys, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
        let pairs = (0..entries.len())
            .map(|entry| (keys.value(entry).to_owned(), rows::text(values, entry).to_owned()));
        Identity {
            service: self.services.value(row).to_owned(),
            instance: rows::text(self.instances, row).to_owned(),
            attributes: pairs.collect(),
        }
    }
}

/// One side of an exponential histogram.
struct Side<'a> {
    offsets: &'a Int32Array,
    counts: &'a ListArray,
}

impl<'a> Side<'a> {
    fn of(batch: &'a RecordBatch, side: &str) -> Result<Self, Error> {
        let offsets = column(batch, &format!("{side}_offset"))?;
        Ok(Self { offsets, counts: column(batch, &format!("{side}_counts"))? })
    }

    fn offset(&self, row: usize) -> i32 {
        if self.offsets.is_valid(row) { self.offsets.value(row) } else { 0 }
    }

    fn counts(&self, row: usize) -> Vec<u64> {
        items::<UInt64Type>(self.counts, row)
    }
}

/// The items of a list cell, none where it is null.
fn items<T: ArrowPrimitiveType>(lists: &ListArray, row: usize) -> Vec<T::Native> {
    if lists.is_null(row) {
        return Vec::new();
    }
    let values = lists.value(row);
    let values: Option<&PrimitiveArray<T>> = values.as_primitive_opt();
    values.map(|values| values.values().to_vec()).unwrap_or_default()
}

/// The quantiles of a summary cell and their values.
fn pairs(lists: &ListArray, row: usize) -> Vec<(f64, f64)> {
    let cells = lists.value(row);
    let cells = cells.as_struct();
    let values =
        |name: &str| cells.column_by_name(name).and_then(|column| column.as_primitive_opt::<Float64Type>());
    match (values("quantile"), values("value")) {
        (Some(quantiles), Some(values)) => {
            quantiles.values().iter().copied().zip(values.values().iter().copied()).collect()
        }
        _ => Vec::new(),
    }
}
