//! Chosen metrics of one service, each stream by itself, with all that tells it from others.
//!
//! Two statements answer for all metrics at once: one ranks the series, one reads the points of those that are kept.
//! What the metrics mean is not known here.

mod ranking;

use super::increase::{BASELINE, Temporality};
use super::labels::Identity;
use super::points::{NumberSteps, POINT_COLUMNS, Points};
use crate::engine::Engine;
use crate::error::Error;
use crate::query::literals::{one_of, text, within};
use crate::query::range::{TimeRange, step_nanos};
use crate::query::rows::{self, column};
use crate::query::session::Session;
use arrow::array::{Array, Float64Array, RecordBatch, StringArray, UInt64Array};
use ranking::{Chosen, choose, ranked};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Whose a point is. Agents that read from outside name no instance, but what they looked at.
const INSTANCE: &str = "coalesce(service_instance_id, resource['k8s.pod.name'], resource['container.id'], \
                        resource['host.name'], '') AS instance";

/// What is wanted of the points of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// The last value of each step: of gauges, and of sums that do not come in deltas.
    Value,
    /// Increase per second, resets taken into account: of numbers, and of what histograms and summaries add up.
    Rate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamsQuery {
    pub range: TimeRange,
    pub service: String,
    pub step: Duration,
    /// Names of metrics, and what is wanted of each.
    pub wanted: BTreeMap<String, Figure>,
    /// Named instances of a metric that are read; those with the largest values are kept.
    pub instances_max: usize,
    /// Series of a metric that are read.
    pub series_max: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ServiceStreams {
    /// By name; those that have points in the range.
    pub metrics: Vec<MetricStreams>,
    /// The points behind them; without any, the names of all metrics of the service.
    pub sql: String,
}

/// One metric. Of several with one name (a client changed the unit or the type) the one with the most points.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricStreams {
    pub name: String,
    pub unit: String,
    /// In order of instance and attributes.
    pub streams: Vec<MetricStream>,
    /// There are more series than were read.
    pub truncated: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetricStream {
    /// `service.instance.id`; else the pod, the container or the host; else empty.
    pub instance: String,
    pub attributes: BTreeMap<String, String>,
    /// Start of the step, counted from 1970, and a finite value; in order, only where there is one.
    pub points: Vec<(i64, f64)>,
    /// Of histograms and summaries: measurements per second, in the same steps.
    pub counts: Vec<(i64, f64)>,
}

impl Engine {
    /// What a service sends of the metrics that are wanted.
    pub async fn streams(&self, query: &StreamsQuery) -> Result<ServiceStreams, Error> {
        let query = query.clone();
        self.read(move |session| async move { streams(&session, &query).await }).await
    }
}

async fn streams(session: &Session, query: &StreamsQuery) -> Result<ServiceStreams, Error> {
    let chosen = choose(ranked(session, query).await?, query);
    let sql = query.shown_sql(&chosen);
    let mut reading = Reader::new(query, &chosen);
    if !chosen.is_empty() {
        let points = query.points_sql(&chosen);
        session.for_each(&points, |batch| reading.batch(batch)).await?;
    }
    let streams = reading.finish(chosen.len());
    let metric = |(chosen, streams): (Chosen, Vec<MetricStream>)| MetricStreams {
        name: chosen.family.name,
        unit: chosen.family.unit,
        streams,
        truncated: chosen.truncated,
    };
    Ok(ServiceStreams { metrics: chosen.into_iter().zip(streams).map(metric).collect(), sql })
}

impl StreamsQuery {
    /// Points without a recorded value say that a series ended; they carry no number.
    fn matching<'a>(&self, names: impl Iterator<Item = &'a String>, range: TimeRange) -> String {
        format!(
            "service = {} AND {} AND flags & 1 = 0 AND {}",
            text(&self.service),
            one_of("name", names.map(|name| text(name))),
            within("time", range)
        )
    }

    /// Also points before the range: the first increase is counted from the last one of them.
    fn points_sql(&self, chosen: &[Chosen]) -> String {
        let range = self.range.widened_back(BASELINE);
        let ids = chosen.iter().flat_map(|chosen| &chosen.series).map(u64::to_string);
        format!(
            "SELECT {POINT_COLUMNS}, {INSTANCE}, value, \"count\", \"sum\"\nFROM metric_points\nWHERE {} AND {}\n\
             ORDER BY series_id, time",
            one_of("series_id", ids),
            self.matching(chosen.iter().map(|chosen| &chosen.family.name), range),
        )
    }

    fn shown_sql(&self, chosen: &[Chosen]) -> String {
        if chosen.is_empty() {
            return format!(
                "SELECT DISTINCT name, unit, type FROM metric_points\nWHERE service = {} AND {}\nORDER BY name",
                text(&self.service),
                within("time", self.range)
            );
        }
        format!(
            "SELECT name, time, service_instance_id, attributes, value, \"count\", \"sum\"\nFROM metric_points\n\
             WHERE {}\nORDER BY name, series_id, time",
            self.matching(chosen.iter().map(|chosen| &chosen.family.name), self.range)
        )
    }
}

/// Turns rows, in order of series and time, into streams.
struct Reader {
    range: TimeRange,
    step_ns: i64,
    /// Of each series: the place of its metric, and how it is read.
    series: HashMap<u64, (usize, Manner)>,
    open: BTreeMap<u64, Open>,
}

#[derive(Clone, Copy)]
struct Manner {
    figure: Figure,
    temporality: Temporality,
    /// A histogram or a summary, which has a sum and a count in place of a value.
    is_distribution: bool,
}

/// A stream in the making.
struct Open {
    place: usize,
    identity: Identity,
    values: NumberSteps,
    counts: NumberSteps,
}

impl Reader {
    fn new(query: &StreamsQuery, chosen: &[Chosen]) -> Self {
        let mut series = HashMap::new();
        for (place, chosen) in chosen.iter().enumerate() {
            let manner = Manner {
                figure: chosen.figure,
                temporality: Temporality::named(chosen.family.temporality.as_deref()),
                is_distribution: chosen.family.is_distribution(),
            };
            series.extend(chosen.series.iter().map(|id| (*id, (place, manner))));
        }
        Self { range: query.range, step_ns: step_nanos(query.step), series, open: BTreeMap::new() }
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let points = Points::of(batch)?;
        let instances = column::<StringArray>(batch, "instance")?;
        let values = column::<Float64Array>(batch, "value")?;
        let sums = column::<Float64Array>(batch, "sum")?;
        let counts = column::<UInt64Array>(batch, "count")?;
        for row in 0..batch.num_rows() {
            let id = points.series.value(row);
            let Some(&(place, manner)) = self.series.get(&id) else { continue };
            let numbers = if manner.is_distribution { sums } else { values };
            if numbers.is_null(row) {
                continue;
            }
            let (range, step_ns) = (self.range, self.step_ns);
            let open = self.open.entry(id).or_insert_with(|| Open {
                place,
                identity: Identity {
                    instance: rows::text(instances, row).to_owned(),
                    ..points.identity(row)
                },
                values: manner.steps(range, step_ns),
                counts: NumberSteps::growth(range, step_ns, manner.temporality, true),
            });
            open.values.add(points.reading(row, numbers.value(row)));
            if manner.is_distribution && counts.is_valid(row) {
                open.counts.add(points.reading(row, counts.value(row) as f64));
            }
        }
        Ok(())
    }

    /// The streams of each of so many metrics.
    fn finish(self, n_metrics: usize) -> Vec<Vec<MetricStream>> {
        let mut metrics: Vec<Vec<MetricStream>> = vec![Vec::new(); n_metrics];
        for Open { place, identity, values, counts } in self.open.into_values() {
            let points = values.points();
            if points.is_empty() {
                continue;
            }
            let Identity { instance, attributes, .. } = identity;
            metrics[place].push(MetricStream { instance, attributes, points, counts: counts.points() });
        }
        for streams in &mut metrics {
            streams.sort_by(|a, b| (&a.instance, &a.attributes).cmp(&(&b.instance, &b.attributes)));
        }
        metrics
    }
}

impl Manner {
    fn steps(self, range: TimeRange, step_ns: i64) -> NumberSteps {
        match self.figure {
            Figure::Value => NumberSteps::last(range, step_ns),
            Figure::Rate => NumberSteps::growth(range, step_ns, self.temporality, true),
        }
    }
}
