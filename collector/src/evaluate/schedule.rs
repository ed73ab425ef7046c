//! How far back each evaluation reads: often a little, sometimes a lot.
//!
//! Spans arrive late, by seconds as a rule and by hours after an outage of the network. Reading the
//! whole period every ten seconds would be waste; reading only the last seconds would miss what came late.

use crate::units::nanos;
use std::time::Duration;

/// (how often, how far back): late by seconds is corrected at once, late by an hour within half a minute,
/// so that an objective and the services' own numbers do not contradict each other for longer.
const DEPTHS: [(Duration, Duration); 2] =
    [(Duration::ZERO, Duration::from_secs(120)), (Duration::from_secs(30), Duration::from_secs(3600))];
/// And the whole period this often.
const WHOLE_EVERY: Duration = Duration::from_secs(6 * 3600);
/// A whole read that failed is tried again after this, and a tenth of it is read until then.
const WHOLE_RETRY: Duration = Duration::from_secs(60);

/// When what was last read. Times are unix nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    whole_at: Option<i64>,
    whole_failed_at: Option<i64>,
    hour_at: Option<i64>,
    read_to: Option<i64>,
}

/// What to read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Whole,
    /// From here on.
    Since(i64),
}

impl Schedule {
    pub(super) fn next(&self, period: Duration, now: i64) -> Depth {
        let ago = |span: Duration| now.saturating_sub(nanos(span));
        let is_due = |at: Option<i64>, every: Duration| at.is_none_or(|at| at <= ago(every));
        if is_due(self.whole_at, WHOLE_EVERY) && is_due(self.whole_failed_at, WHOLE_RETRY) {
            return Depth::Whole;
        }
        let Some(read_to) = self.read_to else { return Depth::Since(ago(period / 10)) };
        let depth = if is_due(self.hour_at, DEPTHS[1].0) { DEPTHS[1].1 } else { DEPTHS[0].1 };
        // After a failed read or a pause, nothing in between may be skipped.
        Depth::Since(ago(depth).min(read_to.saturating_sub(nanos(DEPTHS[0].1))))
    }

    pub(super) fn has_read(&self) -> bool {
        self.read_to.is_some()
    }

    pub(super) fn done(&mut self, depth: Depth, now: i64) {
        self.read_to = Some(now);
        match depth {
            Depth::Whole => (self.whole_at, self.hour_at) = (Some(now), Some(now)),
            Depth::Since(from) if now.saturating_sub(from) >= nanos(DEPTHS[1].1) => self.hour_at = Some(now),
            Depth::Since(_) => {}
        }
    }

    pub(super) fn failed(&mut self, depth: Depth, now: i64) {
        if depth == Depth::Whole {
            self.whole_failed_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests;
