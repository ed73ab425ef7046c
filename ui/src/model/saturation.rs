//! How full a service's resources are: a chart and a few facts for each metric that is recognised.

use super::chart::{ChartData, Marks, Scale, Series, Unit};
use super::{grid, metric_catalogue, metric_chart, metric_unit};
use crate::format;
use wire::{MetricView, Saturation, SaturationMetric};

/// Names of a kind that the empty state gives as examples.
const EXAMPLES: usize = 2;

/// A line beside a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    pub key: &'static str,
    pub text: String,
    pub is_bad: bool,
}

/// Names of the metrics, a line each: what tells whether the same charts are shown.
pub fn names(answer: &Saturation) -> String {
    answer.metrics.iter().map(|metric| metric.name.as_str()).collect::<Vec<_>>().join("\n")
}

pub fn chart(answer: &Saturation, metric: &SaturationMetric) -> ChartData {
    let steps = grid::steps(answer.from.millis(), answer.to.millis(), answer.step_s);
    let series = metric.series.iter().enumerate().map(|(i, series)| {
        let points = series.points.iter().map(|point| (point.at.millis(), Some(point.value)));
        Series {
            label: metric_catalogue::series_name(&series.labels, &metric.name),
            paint: metric_chart::paint(i),
            dash: metric_chart::dash(i),
            points: grid::fill(&steps, points),
        }
    });
    ChartData {
        from_ms: answer.from.millis(),
        to_ms: answer.to.millis(),
        step_ms: steps.step_ms,
        unit: unit(metric),
        scale: Scale::Linear,
        marks: Marks::Lines,
        series: series.collect(),
        levels: level(metric).map(|limit| (limit, "limit".to_owned())).into_iter().collect(),
    }
}

/// The newest value of the first series, which is the fullest, and what bounds it.
pub fn facts(metric: &SaturationMetric) -> Vec<Fact> {
    let unit = unit(metric);
    let fact = |key, text| Fact { key, text, is_bad: false };
    let mut facts = Vec::new();
    if let Some(first) = metric.series.first() {
        facts.push(Fact { is_bad: first.is_marked, ..fact("newest", unit.text(first.newest)) });
        if let (Some(limit), Some(ratio)) = (first.limit, first.ratio)
            && unit != Unit::Ratio
        {
            facts.push(fact("of limit", format!("{}, {}", unit.text(limit), format::percent(ratio))));
        }
    }
    let n = metric.series.len() as u64;
    if metric.truncated {
        facts.push(fact("partial", format!("first {}", format::counted(n, "line", "lines"))));
    }
    facts
}

/// What the service would have to send.
pub fn recognised(answer: &Saturation) -> String {
    let n: usize = answer.recognised.iter().map(|kind| kind.names.len()).sum();
    let kind = |one: &wire::RecognisedMetrics| {
        let examples = one.names.iter().take(EXAMPLES).map(String::as_str).collect::<Vec<_>>().join(", ");
        format!("{} ({examples})", one.kind.replace('_', " "))
    };
    let kinds = answer.recognised.iter().map(kind).collect::<Vec<_>>().join("; ");
    format!("{n} metrics of instrumentations are shown here when they come, such as {kinds}.")
}

/// Titles say what is counted, so numbers need no unit.
fn unit(metric: &SaturationMetric) -> Unit {
    match metric.unit.as_str() {
        "1" => Unit::Ratio,
        "1/s" => Unit::PerSecond,
        "{cpu}" => Unit::Scaled { factor: 1.0, suffix: "cores".to_owned() },
        unit if unit.starts_with('{') => Unit::Scaled { factor: 1.0, suffix: String::new() },
        unit => metric_unit::unit_of(largest(metric), unit, MetricView::Value),
    }
}

fn largest(metric: &SaturationMetric) -> f64 {
    let values = metric.series.iter().flat_map(|series| &series.points).map(|point| point.value);
    values.fold(0.0, f64::max)
}

/// A limit that all series share, once they are half way there: before, it would flatten them.
fn level(metric: &SaturationMetric) -> Option<f64> {
    let limit = metric.series.first()?.limit?;
    let is_shared = metric.series.iter().all(|series| series.limit == Some(limit));
    (is_shared && largest(metric) >= limit / 2.0).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{MetricLabel, MetricPoint, RecognisedMetrics, SaturationSeries, UnixNanos};

    fn series(instance: &str, values: &[f64], limit: Option<f64>) -> SaturationSeries {
        let point =
            |(n, value): (i64, &f64)| MetricPoint { at: UnixNanos::from_millis(n * 60_000), value: *value };
        let newest = values.last().copied().unwrap_or_default();
        let ratio = limit.map(|limit| newest / limit);
        SaturationSeries {
            instance: instance.to_owned(),
            labels: vec![MetricLabel { key: "service.instance.id".to_owned(), value: instance.to_owned() }],
            points: (0..).zip(values).map(point).collect(),
            newest,
            limit,
            ratio,
            is_marked: ratio.is_some_and(|ratio| ratio >= 0.9),
        }
    }

    fn metric(unit: &str, series: Vec<SaturationSeries>) -> SaturationMetric {
        SaturationMetric { name: "m".to_owned(), unit: unit.to_owned(), series, ..Default::default() }
    }

    fn answer(metrics: Vec<SaturationMetric>) -> Saturation {
        Saturation { to: UnixNanos::from_millis(180_000), step_s: 60, metrics, ..Default::default() }
    }

    fn texts(metric: &SaturationMetric) -> Vec<(&'static str, String, bool)> {
        facts(metric).into_iter().map(|fact| (fact.key, fact.text, fact.is_bad)).collect()
    }

    /// Scenario: two instances of a pool with one limit, one of them almost full and with a gap.
    /// Guarantees: both lie on one grid, told apart by instance; the limit is drawn, and the fullest one's share is a
    /// fact that stands out.
    #[test]
    fn pools_show_their_limit() {
        let full = SaturationSeries {
            points: vec![MetricPoint { at: UnixNanos::from_millis(120_000), value: 19.0 }],
            ..series("b", &[19.0], Some(20.0))
        };
        let pool = metric("{connection}", vec![full, series("a", &[1.0, 2.0, 3.0], Some(20.0))]);
        let answer = answer(vec![pool.clone()]);
        let chart = chart(&answer, &pool);
        let values = |i: usize| chart.series[i].points.iter().map(|(_, value)| *value).collect::<Vec<_>>();
        assert_eq!(values(0), [None, None, Some(19.0)]);
        assert_eq!(values(1), [Some(1.0), Some(2.0), Some(3.0)]);
        assert_eq!((chart.series[0].label.as_str(), chart.series[1].label.as_str()), ("b", "a"));
        assert_eq!(chart.levels, [(20.0, "limit".to_owned())]);
        let expected = [("newest", "19".to_owned(), true), ("of limit", "20, 95 %".to_owned(), false)];
        assert_eq!(texts(&pool), expected);
        assert_eq!(names(&answer), "m");
    }

    /// Scenario: shares, cores, bytes, rates and durations; limits that differ, or are far away; lines left out.
    /// Guarantees: each reads as such, no limit is drawn that is not everybody's or would flatten the lines.
    #[test]
    fn units_read_like_text() {
        let newest = |unit: &str, value: f64| {
            let metric = metric(unit, vec![series("a", &[value], None)]);
            texts(&metric).remove(0).1
        };
        assert_eq!(newest("1", 0.42), "42 %");
        assert_eq!(newest("{cpu}", 1.5), "1.5 cores");
        assert_eq!(newest("By", 2e9), "2 GB");
        assert_eq!(newest("s", 0.02), "20 ms");
        assert_eq!(newest("1/s", 3.0), "3/s");
        assert_eq!(newest("{thread}", 21.0), "21");
        let drawn = |limits: [f64; 2]| {
            let lines = limits.map(|limit| series("a", &[6.0], Some(limit)));
            chart(&answer(Vec::new()), &metric("By", lines.to_vec())).levels.len()
        };
        assert_eq!([drawn([10.0, 10.0]), drawn([10.0, 11.0]), drawn([100.0, 100.0])], [1, 0, 0]);
        let mut share = metric("1", vec![series("a", &[0.5], Some(1.0))]);
        share.truncated = true;
        let expected = [("newest", "50 %".to_owned(), false), ("partial", "first 1 line".to_owned(), false)];
        assert_eq!(texts(&share), expected);
    }

    /// Scenario: a service that sends none of the known metrics.
    /// Guarantees: the text says how many would be shown, with examples of each kind.
    #[test]
    fn nothing_says_what_there_could_be() {
        let kind = |kind: &str, names: &[&str]| RecognisedMetrics {
            kind: kind.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let recognised_kinds = vec![kind("cpu", &["a", "b", "c"]), kind("event_loop", &["d"])];
        let answer = Saturation { recognised: recognised_kinds, ..Default::default() };
        assert_eq!(
            recognised(&answer),
            "4 metrics of instrumentations are shown here when they come, such as cpu (a, b); event loop (d)."
        );
    }
}
