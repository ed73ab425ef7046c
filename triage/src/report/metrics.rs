//! Metrics of resources and runtimes that changed their level at the onset, those of the suspects first.

use super::words::shortened;
use super::{Axis, Metric, Onset, Pair, Question};
use crate::change_point::changed_series;
use crate::rank::{Suspect, SuspectKind};
use crate::series::{Series, Shape};
use crate::tables::Tables;

/// Metrics of one report.
const METRICS_MAX: usize = 10;
/// Services whose metrics are looked at: the likeliest.
const SERVICES_MAX: usize = 5;
/// Metrics are reported once a minute by default, and lag behind what they tell.
const TOLERANCE_NS: i64 = 120 * 1_000_000_000;
const NAME_CHARS_MAX: usize = 80;

/// The surest first, by rank of their service. O(points log points).
pub(super) fn metrics(
    question: &Question<'_>,
    tables: &Tables,
    suspects: &[Suspect],
    onset: Option<Onset>,
    axis: &Axis,
) -> Vec<Metric> {
    let Some(onset) = onset else { return Vec::new() };
    let services: Vec<&str> = suspects
        .iter()
        .filter(|suspect| suspect.kind == SuspectKind::Service)
        .take(SERVICES_MAX)
        .map(|suspect| suspect.name.as_str())
        .collect();
    let rank = |series: &Series| {
        let name = tables.strings.text(series.service);
        services.iter().position(|service| *service == name)
    };
    let of_suspects: Vec<&Series> =
        tables.metrics.series().iter().filter(|series| rank(series).is_some()).collect();
    let points: Vec<Vec<(i64, f64)>> =
        of_suspects.iter().map(|series| points(question, tables, series)).collect();
    let slices: Vec<&[(i64, f64)]> = points.iter().map(Vec::as_slice).collect();
    let mut changed = changed_series(&slices, onset.at_ns, TOLERANCE_NS);
    changed.sort_by_key(|changed| rank(of_suspects[changed.series]));
    changed.truncate(METRICS_MAX);
    let told = changed.iter().map(|changed| {
        let series = of_suspects[changed.series];
        let change = &changed.change;
        let text = |symbol| tables.strings.text(symbol).to_owned();
        let (name, instance) = (text(series.metric), text(series.entity));
        let goes_on = if change.goes_on { ", and goes on" } else { "" };
        let sentence = format!(
            "{} of {} went from {} to {}{goes_on}.",
            shortened(&name, NAME_CHARS_MAX),
            shortened(&instance, NAME_CHARS_MAX),
            number(change.before),
            number(change.after)
        );
        Metric {
            service: text(series.service),
            instance,
            unit: unit(tables, series),
            name,
            value: Pair { before: Some(change.before), now: Some(change.after) },
            changed_ns: Some(change.at_ns),
            sentence,
            lane: axis.means(points[changed.series].iter().copied()),
        }
    });
    told.collect()
}

/// From the nearest baseline's hour on: older points tell of other times.
fn points(question: &Question<'_>, tables: &Tables, series: &Series) -> Vec<(i64, f64)> {
    const HISTORY_NS: i64 = 3_600_000_000_000;
    let from_ns = question.window().from_ns.saturating_sub(HISTORY_NS);
    let all = tables.metrics.points(series).iter();
    let asked = all.filter(|point| {
        point.time_ns >= from_ns && point.time_ns < question.input.asked_at_ns.saturating_add(1)
    });
    asked.map(|point| (point.time_ns, point.value)).collect()
}

fn unit(tables: &Tables, series: &Series) -> String {
    let unit = tables.strings.text(series.unit);
    match series.shape {
        Shape::Amount => format!("{unit} per point"),
        Shape::Level | Shape::Mean => unit.to_owned(),
    }
}

/// Three digits, or as many as a whole number has.
fn number(value: f64) -> String {
    match value.abs() {
        1e15.. => format!("{value:e}"),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        0.01.. => format!("{value:.2}"),
        _ if value == 0.0 => "0".to_owned(),
        _ => format!("{value:.2e}"),
    }
}
