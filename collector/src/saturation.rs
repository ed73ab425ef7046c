//! How full a service's resources are, from the metrics that common instrumentations send.
//!
//! `known` holds what is known of metrics by their names, `fold` brings streams of points into the form that is
//! shown, `units` into the same units. Pure: `api` asks the engine for what [`query`] says, and hands it to [`found`].

mod fold;
mod known;
mod units;

pub(crate) use known::{Bound, Kind, Known, all};

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use storage::{MetricStreams, StreamsQuery, TimeRange};

/// Instances of one metric that are shown: more lines cannot be told apart.
const INSTANCES_MAX: usize = 20;
/// Series of one metric that are shown, of these instances.
const SERIES_MAX: usize = 40;
/// Metrics that are shown; no service with fewer than three runtimes has as many.
const METRICS_MAX: usize = 40;
/// Series of one metric that are read: the idle times of 64 cores on 9 machines.
const SERIES_READ_MAX: usize = 600;
/// Metrics come once a minute by default; finer steps would be holes.
const STEP_MIN: Duration = Duration::from_secs(60);
/// The share of a bound from which a value is marked.
pub(crate) const MARKED_FROM: f64 = 0.9;
/// How long before the end of the range a value may lie and still say how things stand: five exports.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// Pools of the JVM that fill up before each collection, as they should.
const FILLED_BY_DESIGN: [&str; 2] = ["Eden", "Survivor"];

/// A metric that a service sends and that is recognised.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) known: &'static Known,
    /// Which metric holds the bound, where one does.
    pub(crate) limit_name: Option<&'static str>,
    /// The fullest first, else the largest.
    pub(crate) series: Vec<Series>,
    /// There are more series than are shown.
    pub(crate) truncated: bool,
}

/// One line: an instance, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) instance: String,
    /// Those of the table's attributes that it has.
    pub(crate) labels: Vec<(&'static str, String)>,
    /// Start of the step, and a finite value; in order, never empty.
    pub(crate) points: Vec<(i64, f64)>,
    /// The newest value.
    pub(crate) newest: f64,
    /// The newest bound.
    pub(crate) limit: Option<f64>,
    /// The newest value as a share of the bound.
    pub(crate) ratio: Option<f64>,
    pub(crate) is_marked: bool,
}

/// What to ask the engine for.
pub(crate) fn query(service: String, range: TimeRange, step: Duration) -> StreamsQuery {
    let mut wanted = BTreeMap::new();
    for known in all() {
        wanted.insert(known.name.to_owned(), known.figure());
        for limit in known.limits() {
            wanted.insert((*limit).to_owned(), storage::Figure::Value);
        }
    }
    let (instances_max, series_max) = (INSTANCES_MAX, SERIES_READ_MAX);
    StreamsQuery { range, service, step: step.max(STEP_MIN), wanted, instances_max, series_max }
}

/// What a service sends of the known metrics, by kind and in the order of the table, and whether metrics were left out.
pub(crate) fn found(query: &StreamsQuery, metrics: &[MetricStreams]) -> (Vec<Found>, bool) {
    let by_name: BTreeMap<&str, &MetricStreams> =
        metrics.iter().map(|metric| (metric.name.as_str(), metric)).collect();
    let is_there = |known: &&Known| known.unless.is_none_or(|newer| !by_name.contains_key(newer));
    let fresh_from = fresh_from(query);
    let present = all().filter(is_there).filter_map(|known| one(known, &by_name, fresh_from));
    let mut list: Vec<Found> = present.collect();
    list.sort_by_key(|found| found.known.kind);
    let truncated = list.len() > METRICS_MAX;
    list.truncate(METRICS_MAX);
    (list, truncated)
}

/// Values of steps that began before this are too old to be marked.
fn fresh_from(query: &StreamsQuery) -> i64 {
    let ns = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    query.range.to.saturating_sub(ns(FRESH.max(query.step * 2)))
}

fn one(known: &'static Known, by_name: &BTreeMap<&str, &MetricStreams>, fresh_from: i64) -> Option<Found> {
    let metric = by_name.get(known.name)?;
    let lines = fold::lines(known, metric);
    let limit = known.limits().iter().find_map(|name| Some((*name, by_name.get(*name)?)));
    let limits = limit.map(|(_, limit)| fold::limits(known, metric, limit)).unwrap_or_default();
    let bound = |key: &fold::Key| match known.bound {
        Bound::Whole => Some(1.0),
        Bound::Metric(_) => limits.get(key).copied(),
        Bound::None => None,
    };
    let drawn = lines.into_iter().filter_map(|(key, points)| {
        let limit = bound(&key);
        series(key, points, limit, fresh_from)
    });
    let (series, is_cut) = shown(drawn.collect());
    let limit_name = limit.map(|(name, _)| name).filter(|_| series.iter().any(|one| one.limit.is_some()));
    (!series.is_empty()).then_some(Found { known, limit_name, series, truncated: metric.truncated || is_cut })
}

fn series(
    (instance, labels): fold::Key,
    points: Vec<(i64, f64)>,
    limit: Option<f64>,
    fresh_from: i64,
) -> Option<Series> {
    let (at, newest) = *points.last()?;
    let ratio = limit.map(|limit| newest / limit);
    let is_filled = labels.iter().any(|(_, value)| FILLED_BY_DESIGN.iter().any(|word| value.contains(*word)));
    let is_marked = at >= fresh_from && !is_filled && ratio.is_some_and(|ratio| ratio >= MARKED_FROM);
    Some(Series { instance, labels, points, newest, limit, ratio, is_marked })
}

/// The instances with the highest peaks and their series, within the bounds; says whether any was left out.
fn shown(mut all: Vec<Series>) -> (Vec<Series>, bool) {
    let n_all = all.len();
    let peak = |one: &Series| one.points.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
    let share = |one: &Series| one.limit.map_or(f64::NEG_INFINITY, |limit| peak(one) / limit);
    all.sort_by(|a, b| {
        let by_share = || share(b).total_cmp(&share(a));
        b.is_marked.cmp(&a.is_marked).then_with(by_share).then_with(|| peak(b).total_cmp(&peak(a)))
    });
    let mut instances = BTreeSet::new();
    all.retain(|one| {
        if instances.len() < INSTANCES_MAX {
            instances.insert(one.instance.clone());
        }
        instances.contains(&one.instance)
    });
    all.truncate(SERIES_MAX);
    let is_cut = all.len() < n_all;
    (all, is_cut)
}

#[cfg(test)]
mod tests;
