//! Time ranges and the steps that cut them.

use crate::read_models::Resolution;
use std::time::Duration;

/// From (included) to (excluded), in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    pub from: i64,
    pub to: i64,
}

impl TimeRange {
    /// The range with its start moved back to the start of the read models' finest bucket, which is counted whole.
    pub fn whole_buckets(self) -> Self {
        Self { from: floor_to(self.from, Resolution::TenSeconds.bucket_ns()), to: self.to }
    }

    /// The range with this much more on both sides, saturating.
    pub(super) fn widened(self, slack: Duration) -> Self {
        let slack_ns = nanos(slack);
        Self { from: self.from.saturating_sub(slack_ns), to: self.to.saturating_add(slack_ns) }
    }

    /// The range with this much more before it, saturating.
    pub(super) fn widened_back(self, slack: Duration) -> Self {
        Self { from: self.from.saturating_sub(nanos(slack)), to: self.to }
    }

    pub(super) fn contains(self, at: i64) -> bool {
        self.from <= at && at < self.to
    }
}

/// A duration in nanoseconds; 292 years and more count as 292 years.
pub(super) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// The width of a step in nanoseconds, at least one so that it can divide.
pub(super) fn step_nanos(step: Duration) -> i64 {
    nanos(step).max(1)
}

/// Start of the step that holds this moment; steps are counted from 1970.
pub(super) fn floor_to(at: i64, step_ns: i64) -> i64 {
    at.saturating_sub(at.rem_euclid(step_ns))
}

/// End of the last step that begins before this moment; the moment itself where a step ends there.
pub(super) fn ceil_to(at: i64, step_ns: i64) -> i64 {
    let floor = floor_to(at, step_ns);
    if floor == at { at } else { floor.saturating_add(step_ns) }
}

#[cfg(test)]
mod tests {
    use super::{TimeRange, ceil_to, floor_to};
    use std::time::Duration;

    /// Scenario: moments around a step's border, before 1970, and at the ends of time.
    /// Guarantees: steps start at multiples since 1970, and nothing overflows.
    #[test]
    fn floors_to_steps_since_1970() {
        assert_eq!(floor_to(19, 10), 10);
        assert_eq!(floor_to(20, 10), 20);
        assert_eq!(floor_to(-1, 10), -10);
        assert_eq!(floor_to(i64::MIN, 10), i64::MIN);
        assert_eq!((ceil_to(11, 10), ceil_to(20, 10), ceil_to(-11, 10)), (20, 20, -10));
        assert_eq!(ceil_to(i64::MAX, 10), i64::MAX);
        let all = TimeRange { from: i64::MIN, to: i64::MAX }.widened(Duration::MAX);
        assert_eq!(all, TimeRange { from: i64::MIN, to: i64::MAX });
    }
}
