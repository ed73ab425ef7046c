//! One evaluation of one alert: a pure function from phase and verdict to phase and transition.
//!
//! Legal moves are inactive or resolved -> pending -> firing -> resolved, pending -> inactive, and
//! inactive or resolved -> firing where nothing has to be waited for. It never looks at counts, and it
//! never moves on missing evidence.

use crate::{Phase, Transition, Verdict};
use std::time::Duration;

/// How long an alert waits before it fires and before it resolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepPolicy {
    pub pending_for: Duration,
    pub keep_firing: Duration,
}

/// At most one move per step; `now` is in unix nanoseconds.
///
/// * `Burning` starts, confirms or continues an alert.
/// * `HeldLowTraffic` starts nothing and ends nothing: the ratio burns, on too few events.
/// * `FrozenNoData` changes nothing at all; a running `keep_firing` goes on, since it measures time.
/// * `Ok` ends an alert after `keep_firing` without burning in between.
pub fn step(phase: Phase, verdict: Verdict, policy: StepPolicy, now: i64) -> (Phase, Option<Transition>) {
    match (phase, verdict) {
        (_, Verdict::FrozenNoData) => (phase, None),
        (Phase::Inactive | Phase::Resolved { .. }, Verdict::Burning) => begin(policy, now),
        (Phase::Inactive | Phase::Resolved { .. }, _) => (phase, None),
        (Phase::Pending { pending_at }, Verdict::Burning) => confirm(pending_at, policy, now),
        (Phase::Pending { .. }, Verdict::HeldLowTraffic) => (phase, None),
        (Phase::Pending { .. }, Verdict::Ok) => (Phase::Inactive, Some(Transition::Cancelled)),
        (Phase::Firing { pending_at, firing_at, .. }, Verdict::Burning | Verdict::HeldLowTraffic) => {
            (Phase::Firing { pending_at, firing_at, quiet_since: None }, None)
        }
        (Phase::Firing { pending_at, firing_at, quiet_since }, Verdict::Ok) => {
            let quiet_since = quiet_since.unwrap_or(now);
            if elapsed(quiet_since, now) >= policy.keep_firing {
                (Phase::Resolved { pending_at, firing_at, resolved_at: now }, Some(Transition::Resolved))
            } else {
                (Phase::Firing { pending_at, firing_at, quiet_since: Some(quiet_since) }, None)
            }
        }
    }
}

/// An alert that has nothing to wait for is pending and firing at the same moment.
fn begin(policy: StepPolicy, now: i64) -> (Phase, Option<Transition>) {
    if policy.pending_for.is_zero() {
        return confirm(now, policy, now);
    }
    (Phase::Pending { pending_at: now }, Some(Transition::Pending))
}

fn confirm(pending_at: i64, policy: StepPolicy, now: i64) -> (Phase, Option<Transition>) {
    if elapsed(pending_at, now) < policy.pending_for {
        return (Phase::Pending { pending_at }, None);
    }
    (Phase::Firing { pending_at, firing_at: now, quiet_since: None }, Some(Transition::Firing))
}

/// A clock that was set back has not advanced.
fn elapsed(since: i64, now: i64) -> Duration {
    Duration::from_nanos(u64::try_from(now.saturating_sub(since)).unwrap_or(0))
}

#[cfg(test)]
mod tests;
