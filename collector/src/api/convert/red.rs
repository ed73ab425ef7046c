//! Rate, errors and duration in full: of groups, beside those of an earlier window.

use super::services::{counted_seconds, red_points};
use super::step_s;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use storage::{RedGroup, RedQuery, RedTotals, TimeRange};
use wire::UnixNanos;

/// Groups of a window, and those of the earlier one where one was asked for.
pub(in super::super) struct Compared {
    pub(in super::super) query: RedQuery,
    pub(in super::super) groups: Vec<RedGroup>,
    pub(in super::super) before: Option<(RedQuery, Vec<RedGroup>)>,
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
pub(in super::super) fn red_answer(compared: Compared, by: Vec<String>) -> wire::RedAnswer {
    let Compared { query, groups, before, limit } = compared;
    let (before_query, before) = before.unzip();
    let mut pairs: BTreeMap<Vec<String>, Pair> = BTreeMap::new();
    for group in groups {
        pairs.entry(group.key.clone()).or_default().now = Some(group);
    }
    for group in before.into_iter().flatten() {
        pairs.entry(group.key.clone()).or_default().before = Some(group);
    }
    let n_groups = pairs.len();
    let mut pairs: Vec<(Vec<String>, Pair)> = pairs.into_iter().collect();
    // Keeps the order of the keys among equals.
    pairs.sort_by_key(|(_, pair)| Reverse(pair.n_requests()));
    pairs.truncate(limit);
    let row = |(key, pair): (Vec<String>, Pair)| {
        let (total, points) = pair.now.map(|group| (group.total, group.points)).unwrap_or_default();
        let of_before = |query: &RedQuery| {
            let total = pair.before.as_ref().map(|group| group.total).unwrap_or_default();
            figures(&total, query.range)
        };
        wire::RedGroup {
            key,
            red: figures(&total, query.range),
            points: red_points(&points, query.range, query.step),
            before: before_query.as_ref().map(of_before),
        }
    };
    wire::RedAnswer {
        from: UnixNanos(query.range.from),
        to: UnixNanos(query.range.to),
        step_s: step_s(query.step),
        by,
        before: before_query.as_ref().map(|query| window(query.range)),
        groups: pairs.into_iter().map(row).collect(),
        n_groups: u32::try_from(n_groups).unwrap_or(u32::MAX),
        truncated: n_groups > limit,
        sql: query.sql(),
        before_sql: before_query.as_ref().map(RedQuery::sql),
    }
}

fn window(range: TimeRange) -> wire::Window {
    wire::Window { from: UnixNanos(range.from), to: UnixNanos(range.to) }
}

pub(super) fn figures(totals: &RedTotals, range: TimeRange) -> wire::Figures {
    let estimate = estimate(totals);
    let (n, n_errors) = estimate.map_or((totals.n as f64, totals.n_errors as f64), |estimate| {
        (estimate.n_requests, estimate.n_errors)
    });
    wire::Figures {
        n_requests: totals.n,
        n_errors: totals.n_errors,
        estimate,
        rate_per_s: n / counted_seconds(range),
        error_ratio: (n > 0.0).then(|| n_errors / n),
        mean_ns: mean_ns(totals.sum_ns, totals.n),
        p50_ns: totals.p50_ns,
        p90_ns: totals.p90_ns,
        p95_ns: totals.p95_ns,
        p99_ns: totals.p99_ns,
        p999_ns: totals.p999_ns,
    }
}

pub(super) fn mean_ns(sum_ns: i64, n: u64) -> Option<i64> {
    i64::try_from(n).ok().filter(|n| *n > 0).map(|n| sum_ns / n)
}
