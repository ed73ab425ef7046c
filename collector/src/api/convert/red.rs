//! Rate, errors and duration in full: of groups, beside those of an earlier window.

use super::services::red_points;
use super::step_s;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use storage::{RedAnswer, RedBy, RedGroup, RedQuery, RedTotals, TimeRange};
use wire::UnixNanos;

/// What was read of a window, and of the earlier one where one was asked for.
pub(in super::super) struct Compared {
    pub(in super::super) query: RedQuery,
    pub(in super::super) now: RedAnswer,
    pub(in super::super) before: Option<RedAnswer>,
    pub(in super::super) n_folded_spans: u64,
    /// Of the groups.
    pub(in super::super) limit: usize,
}

/// A group in both windows.
#[derive(Default)]
struct Pair {
    now: Option<RedGroup>,
    before: Option<RedGroup>,
}

impl Pair {
    fn n_requests(&self) -> u64 {
        let groups = self.now.iter().chain(&self.before);
        groups.map(|group| group.total.n).fold(0, u64::saturating_add)
    }
}

/// Groups that are only in the earlier window are there, too: that they are gone may be what somebody looks for.
pub(in super::super) fn red_answer(compared: Compared) -> wire::RedAnswer {
    let Compared { query, mut now, mut before, n_folded_spans, limit } = compared;
    let before_groups = before.as_mut().map(|before| std::mem::take(&mut before.groups)).unwrap_or_default();
    let pairs = pairs(&query.by, std::mem::take(&mut now.groups), before_groups);
    let n_groups = pairs.len();
    let row = |(key, pair): (Vec<String>, Pair)| {
        let (total, points) = pair.now.map(|group| (group.total, group.points)).unwrap_or_default();
        let total_before = pair.before.map(|group| group.total).unwrap_or_default();
        wire::RedGroup {
            key,
            red: figures(&total, now.counted),
            points: red_points(&points, query.range, query.step),
            before: before.as_ref().map(|before| figures(&total_before, before.counted)),
        }
    };
    let groups = pairs.into_iter().take(limit).map(row).collect();
    wire::RedAnswer {
        from: UnixNanos(query.range.from),
        to: UnixNanos(query.range.to),
        step_s: step_s(query.step),
        by: query.by.iter().map(|by| by.name().to_owned()).collect(),
        before: before.as_ref().map(|before| window(before.counted)),
        groups,
        n_groups: u32::try_from(n_groups).unwrap_or(u32::MAX),
        truncated: n_groups > limit,
        n_folded_spans,
        is_coarser: now.is_coarser || before.as_ref().is_some_and(|before| before.is_coarser),
        sql: now.sql,
        before_sql: before.map(|before| before.sql),
    }
}

/// By key, with most requests first.
fn pairs(by: &[RedBy], now: Vec<RedGroup>, before: Vec<RedGroup>) -> Vec<(Vec<String>, Pair)> {
    let key = |group: &RedGroup| by.iter().map(|by| group.value(*by).to_owned()).collect::<Vec<_>>();
    let mut pairs: BTreeMap<Vec<String>, Pair> = BTreeMap::new();
    for group in now {
        let key = key(&group);
        pairs.entry(key).or_default().now = Some(group);
    }
    for group in before {
        let key = key(&group);
        pairs.entry(key).or_default().before = Some(group);
    }
    let mut pairs: Vec<(Vec<String>, Pair)> = pairs.into_iter().collect();
    // Keeps the order of the keys among equals.
    pairs.sort_by_key(|(_, pair)| Reverse(pair.n_requests()));
    pairs
}

fn window(range: TimeRange) -> wire::Window {
    wire::Window { from: UnixNanos(range.from), to: UnixNanos(range.to) }
}

/// `counted` is the time whose buckets were counted.
pub(super) fn figures(totals: &RedTotals, counted: TimeRange) -> wire::Figures {
    let estimate = estimate(totals);
    let (n, n_errors) = estimate.map_or((totals.n as f64, totals.n_errors as f64), |estimate| {
        (estimate.n_requests, estimate.n_errors)
    });
    wire::Figures {
        n_requests: totals.n,
        n_errors: totals.n_errors,
        estimate,
        rate_per_s: n / seconds(counted),
        error_ratio: (n > 0.0).then(|| n_errors / n),
        mean_ns: mean_ns(totals.sum_ns, totals.n),
        p50_ns: totals.p50_ns,
        p90_ns: totals.p90_ns,
        p95_ns: totals.p95_ns,
        p99_ns: totals.p99_ns,
        p999_ns: totals.p999_ns,
    }
}

/// What spans stand for, where that is not themselves.
pub(super) fn estimate(totals: &RedTotals) -> Option<wire::Estimate> {
    let counts = wire::Estimate { n_requests: totals.n_adjusted(), n_errors: totals.n_errors_adjusted() };
    totals.is_estimate().then_some(counts)
}

pub(super) fn mean_ns(sum_ns: i64, n: u64) -> Option<i64> {
    i64::try_from(n).ok().filter(|n| *n > 0).map(|n| sum_ns / n)
}

/// Of a range that is not empty.
fn seconds(range: TimeRange) -> f64 {
    range.to.saturating_sub(range.from).max(1) as f64 / 1e9
}
