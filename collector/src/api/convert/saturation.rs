//! How full a service's resources are.

use super::step_s;
use crate::saturation::{Bound, Found, Kind, MARKED_FROM, Series, all, found};
use std::collections::BTreeSet;
use storage::{ServiceStreams, StreamsQuery};
use wire::UnixNanos;

/// The label of an instance, where there are several.
const INSTANCE: &str = "service.instance.id";

pub(in super::super) fn saturation_of(query: StreamsQuery, streams: ServiceStreams) -> wire::Saturation {
    let (metrics, truncated) = found(&query, &streams.metrics);
    let recognised = if metrics.is_empty() { recognised() } else { Vec::new() };
    wire::Saturation {
        service: query.service,
        from: UnixNanos(query.range.from),
        to: UnixNanos(query.range.to),
        step_s: step_s(query.step),
        metrics: metrics.into_iter().map(metric).collect(),
        truncated,
        recognised,
        sql: streams.sql,
    }
}

fn metric(found: Found) -> wire::SaturationMetric {
    let known = found.known;
    let instances: BTreeSet<&str> = found.series.iter().map(|one| one.instance.as_str()).collect();
    let has_neighbours = instances.len() > 1;
    let is_bound = known.bound == Bound::Whole || found.limit_name.is_some();
    wire::SaturationMetric {
        name: known.name.to_owned(),
        kind: known.kind.name().to_owned(),
        title: known.title.to_owned(),
        reading: known.read.words().to_owned(),
        unit: known.unit.to_owned(),
        more_is_worse: known.more_is_worse,
        limit_name: found.limit_name.map(str::to_owned),
        marked_from: is_bound.then_some(MARKED_FROM),
        series: found.series.into_iter().map(|one| series(one, has_neighbours)).collect(),
        truncated: found.truncated,
    }
}

fn series(series: Series, has_neighbours: bool) -> wire::SaturationSeries {
    let point = |(at, value)| wire::MetricPoint { at: UnixNanos(at), value };
    let label = |key: &str, value: String| wire::MetricLabel { key: key.to_owned(), value };
    let mut labels: Vec<_> = series.labels.into_iter().map(|(key, value)| label(key, value)).collect();
    if has_neighbours && !series.instance.is_empty() {
        labels.push(label(INSTANCE, series.instance.clone()));
    }
    wire::SaturationSeries {
        labels,
        points: series.points.into_iter().map(point).collect(),
        newest: series.newest,
        limit: series.limit,
        ratio: series.ratio,
        is_marked: series.is_marked,
        instance: series.instance,
    }
}

fn recognised() -> Vec<wire::RecognisedMetrics> {
    let of_kind = |kind: Kind| {
        let names = all().filter(|known| known.kind == kind).map(|known| known.name.to_owned());
        wire::RecognisedMetrics { kind: kind.name().to_owned(), names: names.collect() }
    };
    Kind::ALL.map(of_kind).into()
}
