//! The figures of two versions and what is between them.

use super::red::figures;
use storage::{RedAnswer, TimeRange};
use wire::UnixNanos;

/// What a comparison is made from: the stable version first, the one that is held against it second.
pub(in super::super) struct Beside {
    pub(in super::super) service: String,
    /// Empty where all count.
    pub(in super::super) environment: String,
    pub(in super::super) asked: TimeRange,
    pub(in super::super) versions: [String; 2],
    /// When each was there in the range's hours.
    pub(in super::super) seen: [Option<TimeRange>; 2],
    /// Is `answer` of the time that both were there?
    pub(in super::super) together: bool,
    pub(in super::super) answer: RedAnswer,
}

pub(in super::super) fn comparison(beside: Beside) -> wire::VersionComparison {
    let Beside { service, environment, asked, versions, seen, together, answer } = beside;
    let RedAnswer { groups, counted, is_coarser, sql, .. } = answer;
    let of_version = |place: usize| {
        let group = groups.iter().find(|group| group.version == versions[place]);
        let totals = group.map(|group| group.total).unwrap_or_default();
        wire::VersionFigures {
            version: versions[place].clone(),
            first_seen_at: seen[place].map(|seen| UnixNanos(seen.from)),
            last_seen_at: seen[place].map(|seen| UnixNanos(seen.to.saturating_sub(1))),
            red: figures(&totals, counted),
        }
    };
    let (stable, canary) = (of_version(0), of_version(1));
    wire::VersionComparison {
        service,
        environment,
        from: UnixNanos(asked.from),
        to: UnixNanos(asked.to),
        compared_from: UnixNanos(counted.from),
        compared_to: UnixNanos(counted.to),
        is_simultaneous: together,
        is_coarser,
        difference: difference(&stable.red, &canary.red),
        stable,
        canary,
        sql,
    }
}

/// The second less the first; nothing where one of them has no figure.
fn difference(stable: &wire::Figures, canary: &wire::Figures) -> wire::FiguresDifference {
    let ns = |stable: Option<i64>, canary: Option<i64>| Some(canary?.saturating_sub(stable?));
    let ratio = |stable: Option<f64>, canary: Option<f64>| Some(canary? - stable?);
    wire::FiguresDifference {
        rate_per_s: canary.rate_per_s - stable.rate_per_s,
        error_ratio: ratio(stable.error_ratio, canary.error_ratio),
        p50_ns: ns(stable.p50_ns, canary.p50_ns),
        p90_ns: ns(stable.p90_ns, canary.p90_ns),
        p95_ns: ns(stable.p95_ns, canary.p95_ns),
        p99_ns: ns(stable.p99_ns, canary.p99_ns),
        p999_ns: ns(stable.p999_ns, canary.p999_ns),
    }
}
