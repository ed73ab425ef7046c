//! A rate that may be overdrawn: what was taken is paid for with time.
//!
//! Nobody knows what a request holds before it is read. So one is let in while nothing is owed and takes what it
//! takes, and the next one waits until that is paid for. On the average the rate holds, and no request is too large.

use std::time::{Duration, Instant};

/// Time that an idle sender has saved up for a burst.
const SAVED_MAX: Duration = Duration::from_secs(1);
/// Nobody waits for longer, whatever they took: a rate set too low by mistake must not lock a sender out for days.
const OWED_MAX: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone)]
pub(super) struct Bucket {
    n_per_second: u64,
    /// Everything taken so far is paid for at this moment; `None` until something was taken.
    paid_at: Option<Instant>,
}

impl Bucket {
    pub(super) fn new(n_per_second: u64) -> Self {
        Self { n_per_second: n_per_second.max(1), paid_at: None }
    }

    /// How long something is owed; `None` where nothing is.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let wait = self.paid_at?.checked_duration_since(now)?;
        (!wait.is_zero()).then_some(wait)
    }

    /// Takes so many, whether or not anything is owed.
    pub(super) fn take(&mut self, n: u64, now: Instant) {
        let saved_from = now.checked_sub(SAVED_MAX).unwrap_or(now);
        let from = self.paid_at.map_or(saved_from, |paid_at| paid_at.max(saved_from));
        let latest = now + OWED_MAX;
        let paid_at = from.checked_add(self.price(n)).unwrap_or(latest);
        self.paid_at = Some(paid_at.min(latest));
    }

    /// Rounded up, so that the rate is a bound.
    fn price(&self, n: u64) -> Duration {
        let nanos = (u128::from(n) * 1_000_000_000).div_ceil(u128::from(self.n_per_second));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use proptest::prelude::*;

    /// Scenario: 100 a second; 50, then 250 at once, then time passes.
    /// Guarantees: a second's worth is free at the start, the rest is owed, and is paid for to the nanosecond.
    #[test]
    fn debt_is_paid_with_time() {
        let (mut bucket, start) = (Bucket::new(100), Clock.instant());
        assert_eq!(bucket.wait(start), None);
        bucket.take(50, start);
        assert_eq!(bucket.wait(start), None);
        bucket.take(250, start);
        assert_eq!(bucket.wait(start), Some(Duration::from_secs(2)));
        let paid = start + Duration::from_secs(2);
        assert_eq!(bucket.wait(paid - Duration::from_nanos(1)), Some(Duration::from_nanos(1)));
        assert_eq!(bucket.wait(paid), None);
    }

    /// Scenario: far more than a rate allows is taken, again and again, up to the largest number.
    /// Guarantees: the wait is bounded and nothing overflows.
    #[test]
    fn waits_are_bounded() {
        let (mut bucket, start) = (Bucket::new(0), Clock.instant());
        for n in [1_000_000, u64::MAX, u64::MAX] {
            bucket.take(n, start);
            assert_eq!(bucket.wait(start), Some(OWED_MAX));
        }
    }

    proptest! {
        /// Scenario: requests of any size at any times, sent whenever nothing is owed.
        /// Guarantees: before each, no more was taken than the rate gives in the time since the start and one second;
        /// and who waits as long as told is let in.
        #[test]
        fn the_rate_is_a_bound(
            rate in 1_u64..1_000_000,
            requests in prop::collection::vec((0_u64..5_000_000_000, 0_u64..5_000_000), 1..60),
        ) {
            let (mut bucket, start) = (Bucket::new(rate), Clock.instant());
            let (mut now, mut n_taken) = (start, 0_u128);
            for (gap_nanos, n) in requests {
                now += Duration::from_nanos(gap_nanos);
                if let Some(wait) = bucket.wait(now) {
                    prop_assert_eq!(bucket.wait(now + wait), None);
                    continue;
                }
                let nanos = now.duration_since(start).as_nanos() + SAVED_MAX.as_nanos();
                prop_assert!(n_taken * 1_000_000_000 <= nanos * u128::from(rate));
                let n = n.min(rate.saturating_mul(3_000));
                bucket.take(n, now);
                n_taken += u128::from(n);
            }
        }
    }
}
