//! From rows of metric points to series.

use super::{Metrics, Point, PointRows, Series, SeriesRow, Shape};
use crate::columns::{MapColumn, Source, TextColumn, TimeColumn};
use crate::input::{InputError, Limits, TriageInput};
use crate::strings::{Interner, Renumbering, Strings, Symbol};
use crate::traces::{POD_KEY, Traces, is_kept};
use arrow::array::{Array, BooleanArray, Float64Array, RecordBatch, UInt64Array};
use std::collections::{HashMap, HashSet};

const TABLE: &str = "metric_points";
/// Bit of the flags that says that nothing was recorded.
const NO_VALUE: u64 = 1;
/// Attributes of a resource that name the thing measured where the instance is not named, best first.
const ENTITY_KEYS: [&str; 3] = [POD_KEY, "container.name", "host.name"];

struct Columns {
    series_id: Option<UInt64Array>,
    name: TextColumn,
    unit: TextColumn,
    kind: TextColumn,
    temporality: TextColumn,
    is_monotonic: Option<BooleanArray>,
    time: TimeColumn,
    flags: Option<UInt64Array>,
    value: Option<Float64Array>,
    count: Option<Float64Array>,
    sum: Option<Float64Array>,
    service: TextColumn,
    instance: TextColumn,
    attributes: MapColumn,
    resource: MapColumn,
}

pub(super) fn read(
    input: &TriageInput<'_>,
    limits: &Limits,
    interner: &mut Interner,
) -> Result<PointRows, InputError> {
    let n_rows: usize = input.metrics.iter().map(RecordBatch::num_rows).sum();
    if u32::try_from(n_rows).is_err() {
        return Err(InputError::TooManyRows { table: TABLE, n_rows });
    }
    let kept = (limits.n_metric_points_max as f64 / n_rows.max(1) as f64).min(1.0);
    let mut rows = PointRows { series: Vec::new(), points: Vec::new(), kept };
    let mut known: HashMap<u64, u32> = HashMap::new();
    for batch in input.metrics {
        let columns = Columns::read(Source { table: TABLE, batch })?;
        for row in 0..batch.num_rows() {
            let id = natural(columns.series_id.as_ref(), row);
            let Some(point) = columns.point(row).filter(|_| is_kept(u128::from(id), kept)) else { continue };
            let series = *known.entry(id).or_insert_with(|| {
                rows.series.push(columns.series(row, interner));
                rows.series.len() as u32 - 1
            });
            rows.points.push((series, point));
        }
    }
    Ok(rows)
}

impl Columns {
    fn read(source: Source<'_>) -> Result<Self, InputError> {
        source.required("series_id")?;
        Ok(Self {
            series_id: source.natural("series_id")?,
            name: source.required_text("name")?,
            unit: source.text("unit")?,
            kind: source.required_text("type")?,
            temporality: source.text("temporality")?,
            is_monotonic: source.boolean("is_monotonic")?,
            time: source.time("time")?,
            flags: source.natural("flags")?,
            value: source.double("value")?,
            count: source.double("count")?,
            sum: source.double("sum")?,
            service: source.required_text("service")?,
            instance: source.text("service_instance_id")?,
            attributes: source.map("attributes")?,
            resource: source.map("resource")?,
        })
    }

    /// The point as sent: of a mean the value is still a sum. `None` where nothing finite was recorded.
    fn point(&self, row: usize) -> Option<Point> {
        if natural(self.flags.as_ref(), row) & NO_VALUE != 0 {
            return None;
        }
        let (value, count) = match self.shape(row) {
            Shape::Mean => (double(self.sum.as_ref(), row)?, double(self.count.as_ref(), row)?),
            Shape::Level | Shape::Amount => (double(self.value.as_ref(), row)?, 1.0),
        };
        let is_finite = value.is_finite() && count.is_finite();
        is_finite.then_some(Point { time_ns: self.time.get(row), value, count })
    }

    fn shape(&self, row: usize) -> Shape {
        match self.kind.get(row) {
            "sum" if !self.is_cumulative(row) || self.is_monotonic(row) => Shape::Amount,
            "gauge" | "sum" => Shape::Level,
            _ => Shape::Mean,
        }
    }

    /// Summaries are cumulative although they do not say so.
    fn is_cumulative(&self, row: usize) -> bool {
        self.temporality.get(row) == "cumulative" || self.kind.get(row) == "summary"
    }

    fn is_monotonic(&self, row: usize) -> bool {
        self.is_monotonic.as_ref().is_some_and(|flags| flags.is_valid(row) && flags.value(row))
    }

    fn series(&self, row: usize, interner: &mut Interner) -> SeriesRow {
        let mut number = |text: &str| Symbol(interner.number(text));
        let pod = self.resource.get(row, POD_KEY).unwrap_or("");
        let shape = self.shape(row);
        let series = Series {
            service: number(self.service.get(row)),
            entity: number(self.entity(row)),
            metric: number(self.name.get(row)),
            unit: number(self.unit.get(row)),
            shape,
            attributes: self
                .attributes
                .entries(row)
                .map(|(key, value)| (number(key), number(value)))
                .collect(),
            points: 0..0,
        };
        let is_cumulative = shape != Shape::Level && self.is_cumulative(row);
        SeriesRow { series, is_cumulative, pod: number(pod) }
    }

    fn entity(&self, row: usize) -> &str {
        let of_resource = |key: &&str| self.resource.get(row, key).filter(|name| !name.is_empty());
        match self.instance.get(row) {
            "" => ENTITY_KEYS.iter().find_map(of_resource).unwrap_or(self.service.get(row)),
            instance => instance,
        }
    }
}

fn natural(array: Option<&UInt64Array>, row: usize) -> u64 {
    array.filter(|array| array.is_valid(row)).map_or(0, |array| array.value(row))
}

fn double(array: Option<&Float64Array>, row: usize) -> Option<f64> {
    array.filter(|array| array.is_valid(row)).map(|array| array.value(row))
}

pub(super) fn metrics(
    rows: PointRows,
    traces: &Traces,
    strings: &Strings,
    renumbering: &Renumbering,
) -> Metrics {
    let PointRows { mut series, mut points, kept } = rows;
    let owners = Owners::of(traces, strings);
    for row in &mut series {
        row.renumber(renumbering);
        row.series.service = owners.service_of(row);
    }
    points.sort_by(|a, b| {
        let by_place = (a.0, a.1.time_ns).cmp(&(b.0, b.1.time_ns));
        by_place.then(a.1.value.total_cmp(&b.1.value)).then(a.1.count.total_cmp(&b.1.count))
    });
    points.dedup_by(|a, b| (a.0, a.1.time_ns) == (b.0, b.1.time_ns));
    let mut of_series: Vec<(SeriesRow, Vec<Point>)> =
        series.into_iter().map(|row| (row, Vec::new())).collect();
    for (series, point) in points {
        of_series[series as usize].1.push(point);
    }
    of_series.sort_by(|(a, of_a), (b, of_b)| {
        a.key().cmp(&b.key()).then_with(|| first(of_a).total_cmp(&first(of_b)))
    });
    let mut metrics = Metrics { kept, ..Metrics::default() };
    for (row, sent) in of_series {
        let from = metrics.points.len();
        metrics.points.extend(settled(&sent, row.series.shape, row.is_cumulative));
        metrics.series.push(Series { points: from..metrics.points.len(), ..row.series });
    }
    metrics
}

/// Tells series apart that are called the same.
fn first(points: &[Point]) -> f64 {
    points.first().map_or(0.0, |point| point.value)
}

impl SeriesRow {
    fn renumber(&mut self, renumbering: &Renumbering) {
        let series = &mut self.series;
        for symbol in [&mut series.service, &mut series.entity, &mut series.metric, &mut series.unit] {
            *symbol = renumbering.symbol(*symbol);
        }
        for (key, value) in &mut series.attributes {
            (*key, *value) = (renumbering.symbol(*key), renumbering.symbol(*value));
        }
        series.attributes.sort_unstable();
        self.pod = renumbering.symbol(self.pod);
    }

    fn key(&self) -> impl Ord + '_ {
        let of = &self.series;
        let names = [of.service, of.entity, of.metric, of.unit];
        (names, of.shape, of.attributes.as_slice(), self.is_cumulative)
    }
}

/// Values as [`Shape`] says.
fn settled(sent: &[Point], shape: Shape, is_cumulative: bool) -> Vec<Point> {
    let since_before = sent.windows(2).map(|pair| difference(&pair[0], &pair[1]));
    let points: Vec<Point> = if is_cumulative { since_before.collect() } else { sent.to_vec() };
    match shape {
        Shape::Level | Shape::Amount => {
            points.into_iter().map(|point| Point { count: 1.0, ..point }).collect()
        }
        Shape::Mean => {
            let counted = points.into_iter().filter(|point| point.count > 0.0);
            counted.map(|point| Point { value: point.value / point.count, ..point }).collect()
        }
    }
}

/// What was added since; all of it where the counter began anew.
fn difference(before: &Point, after: &Point) -> Point {
    let began_anew = after.value < before.value || after.count < before.count;
    let (value, count) = match began_anew {
        true => (after.value, after.count),
        false => (after.value - before.value, after.count - before.count),
    };
    Point { time_ns: after.time_ns, value, count }
}

/// Which service runs as which instance or in which pod, as the spans tell.
struct Owners {
    services: HashSet<Symbol>,
    /// `None` where several services share the name.
    by_instance: HashMap<Symbol, Option<Symbol>>,
}

impl Owners {
    /// Of each service and instance the first span is asked for its pod.
    fn of(traces: &Traces, strings: &Strings) -> Self {
        let mut owners = Self { services: HashSet::new(), by_instance: HashMap::new() };
        let mut last = None;
        let mut known = HashSet::new();
        for (at, span) in traces.spans().iter().enumerate() {
            let key = (span.service, span.instance);
            if last == Some(key) || !known.insert(key) {
                last = Some(key);
                continue;
            }
            last = Some(key);
            owners.services.insert(span.service);
            let pod = traces.resource(at).find(|(key, _)| *key == POD_KEY);
            let pod = pod.and_then(|(_, name)| strings.find(name)).unwrap_or_default();
            owners.add(span.instance, span.service);
            owners.add(pod, span.service);
        }
        owners
    }

    fn add(&mut self, name: Symbol, service: Symbol) {
        if !name.is_empty() {
            let owner = self.by_instance.entry(name).or_insert(Some(service));
            *owner = owner.filter(|known| *known == service);
        }
    }

    fn service_of(&self, row: &SeriesRow) -> Symbol {
        let series = &row.series;
        if self.services.contains(&series.service) {
            return series.service;
        }
        let named = [row.pod, series.entity].map(|name| self.by_instance.get(&name).copied().flatten());
        named.into_iter().flatten().next().unwrap_or(series.service)
    }
}
