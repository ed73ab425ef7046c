//! Saturation evidence: which instance ran into a limit of its own.
//!
//! Looked at are metrics whose name and unit say that they are the share of a limit of processor, memory, disk or
//! pools. A share counts if it left its own history by far; its level counts by how much of the limit it took.
//! Metrics of whole hosts say nothing about one service: they are not scored.
//!
//! O(P log P) for P points.

#[cfg(test)]
mod tests;

use crate::input::{TriageInput, Window};
use crate::series::{Point, Series, Shape, median};
use crate::strings::{Strings, Symbol};
use crate::tables::Tables;

/// How far back the history goes: an hour, in nanoseconds.
const HISTORY_NS: i64 = 3_600_000_000_000;
/// Points of history without which nothing is said.
const N_HISTORY_MIN: usize = 5;
/// Robust deviations from the median from which a rise is none of chance.
const DEVIATIONS_MIN: f64 = 6.0;
/// Makes the median of absolute deviations a standard deviation.
const DEVIATION_OF_MEDIAN: f64 = 1.4826;
/// Percentage points that every share may move.
const SLACK: f64 = 1.0;

/// Words of what can run out.
const RESOURCES: [&str; 10] = [
    "cpu",
    "memory",
    "heap",
    "disk",
    "filesystem",
    "pool",
    "throttl",
    "filedescriptor",
    "file_descriptor",
    "file.descriptor",
];
/// Words of a share of a limit.
const SHARES: [&str; 8] =
    ["%", "percent", "utilization", "utilisation", "usagerate", "usage_rate", "usage rate", "ratio"];
/// Words of what belongs to no single service.
const HOSTS: [&str; 3] = ["node", "host", "system"];
/// Values of attributes whose share is large while nothing happens.
const IDLE: [&str; 4] = ["idle", "free", "available", "cached"];

/// A share of a limit that rose beyond its history, in percent.
#[derive(Clone, Debug, PartialEq)]
pub struct Saturation {
    pub service: Symbol,
    /// The instance or pod.
    pub entity: Symbol,
    pub metric: Symbol,
    /// Median of the history.
    pub before: f64,
    /// The second largest value since the window opened, or the only one.
    pub top: f64,
    /// Robust deviations between them.
    pub deviations: f64,
    /// Share of the limit that was taken in addition, 0 to 1.
    pub taken: f64,
    /// The first point beyond the history.
    pub onset_ns: i64,
}

/// Shares that left their history, the largest first.
pub fn saturation(input: &TriageInput<'_>, tables: &Tables) -> Vec<Saturation> {
    let now = Window { from_ns: input.window.from_ns, to_ns: input.asked_at_ns };
    let history = Window { from_ns: now.from_ns.saturating_sub(HISTORY_NS), to_ns: now.from_ns };
    let series = tables.metrics.series().iter();
    let mut found: Vec<Saturation> = series
        .filter(|series| is_share_of_limit(series, &tables.strings))
        .filter_map(|series| {
            let (before, after) =
                (tables.metrics.points_in(series, history), tables.metrics.points_in(series, now));
            saturated(series, before, after, tables.metrics.percent_scale(series, &tables.strings))
        })
        .collect();
    found.sort_by(|a, b| b.taken.total_cmp(&a.taken));
    found
}

/// Names alone decide, whatever conventions they follow.
fn is_share_of_limit(series: &Series, strings: &Strings) -> bool {
    let name = strings.text(series.metric).to_lowercase();
    let unit = strings.text(series.unit).to_lowercase();
    let names_one_of = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let is_resource = names_one_of(&RESOURCES) || is_mem(&name);
    let is_share = names_one_of(&SHARES) || SHARES.iter().any(|word| unit.contains(word));
    let is_idle = series.attributes.iter().any(|(_, value)| IDLE.contains(&strings.text(*value)));
    series.shape != Shape::Amount && is_resource && is_share && !names_one_of(&HOSTS) && !is_idle
}

/// `mem` at the end of a word.
fn is_mem(name: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    name.match_indices("mem").any(|(at, word)| !goes_on(&name[at + word.len()..]))
}

fn saturated(series: &Series, before: &[Point], after: &[Point], scale: f64) -> Option<Saturation> {
    if before.len() < N_HISTORY_MIN || after.is_empty() {
        return None;
    }
    let mut history: Vec<f64> = before.iter().map(|point| point.value * scale).collect();
    let middle = median(&mut history);
    let mut deviations: Vec<f64> = history.iter().map(|value| (value - middle).abs()).collect();
    let usual = median(&mut deviations) * DEVIATION_OF_MEDIAN + SLACK;
    let mut values: Vec<f64> = after.iter().map(|point| point.value * scale).collect();
    values.sort_unstable_by(f64::total_cmp);
    let top = values[values.len().saturating_sub(2)];
    let far = (top - middle) / usual;
    let onset = after.iter().find(|point| (point.value * scale - middle) / usual >= DEVIATIONS_MIN)?;
    let taken = ((top - middle) / 100.0).clamp(0.0, 1.0);
    (far >= DEVIATIONS_MIN).then_some(Saturation {
        service: series.service,
        entity: series.entity,
        metric: series.metric,
        before: middle,
        top,
        deviations: far,
        taken,
        onset_ns: onset.time_ns,
    })
}
