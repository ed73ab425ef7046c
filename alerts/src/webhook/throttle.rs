//! How much a receiver is asked to take: a circuit breaker, a budget for retries, and a pace.
//!
//! Pure: the caller says what time it is, asks for leave before it sends, and tells what came of it.

use super::retry::nanos;
use std::time::Duration;

/// Notifications under way to one receiver, each about another alert.
const CONCURRENT_MAX: u32 = 4;
/// After this many failures in a row the circuit opens, and a single notification probes it now and then.
const FAILURES_MAX: u32 = 10;
/// Between two probes: doubled from one to the next.
const PAUSE_MIN: Duration = Duration::from_secs(30);
const PAUSE_MAX: Duration = Duration::from_secs(600);
/// Retries at once. First attempts are not counted: with a thousand alerts at once, those that are new come first.
const RETRIES_MAX: i64 = 20;
/// One more retry in so much time.
const RETRY_EVERY: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Throttle {
    circuit: Circuit,
    /// The moment at which the budget for retries was full, or will be. Each retry moves it on.
    retries_full_at: i64,
    /// Nothing is sent before.
    paced_until: i64,
    pace: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Circuit {
    Closed {
        n_failures: u32,
    },
    /// A probe may go at `until`; when it fails, the next one waits twice as long.
    Open {
        until: i64,
        pause: Duration,
    },
}

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// Nothing before then.
    Wait { until: i64 },
    Send {
        n_max: u32,
        /// Retries are not among it before then.
        retries_at: Option<i64>,
    },
}

impl Throttle {
    pub(super) fn new(pace: Duration) -> Self {
        Self {
            circuit: Circuit::Closed { n_failures: 0 },
            retries_full_at: i64::MIN,
            paced_until: i64::MIN,
            pace,
        }
    }

    pub(super) fn leave(&self, now: i64) -> Leave {
        let open_until = match self.circuit {
            Circuit::Open { until, pause } => unless_clock_went_back(until, pause, now),
            Circuit::Closed { .. } => i64::MIN,
        };
        let until = open_until.max(unless_clock_went_back(self.paced_until, self.pace, now));
        if now < until {
            return Leave::Wait { until };
        }
        let is_alone = matches!(self.circuit, Circuit::Open { .. }) || !self.pace.is_zero();
        // With the budget spent, one retry is left when it lacks one less than all.
        let retries_at = self.full_at(now).saturating_sub((RETRIES_MAX - 1) * nanos(RETRY_EVERY));
        Leave::Send {
            n_max: if is_alone { 1 } else { CONCURRENT_MAX },
            retries_at: Some(retries_at).filter(|at| now < *at),
        }
    }

    /// From when on the budget for retries is full.
    fn full_at(&self, now: i64) -> i64 {
        unless_clock_went_back(self.retries_full_at, RETRY_EVERY * RETRIES_MAX as u32, now)
    }

    pub(super) fn sent(&mut self, now: i64, is_retry: bool) {
        self.paced_until = now.saturating_add(nanos(self.pace));
        if is_retry {
            self.retries_full_at = self.full_at(now).max(now).saturating_add(nanos(RETRY_EVERY));
        }
    }

    /// It answered, whatever it said.
    pub(super) fn well(&mut self) {
        self.circuit = Circuit::Closed { n_failures: 0 };
    }

    /// It did not answer, or asked to be left alone. True when the circuit opened by it.
    pub(super) fn ill(&mut self, now: i64) -> bool {
        let pause = match self.circuit {
            Circuit::Closed { n_failures } if n_failures + 1 < FAILURES_MAX => {
                self.circuit = Circuit::Closed { n_failures: n_failures + 1 };
                return false;
            }
            Circuit::Closed { .. } => PAUSE_MIN,
            Circuit::Open { pause, .. } => (pause * 2).min(PAUSE_MAX),
        };
        let has_opened = matches!(self.circuit, Circuit::Closed { .. });
        self.circuit = Circuit::Open { until: now.saturating_add(nanos(pause)), pause };
        has_opened
    }

    /// Since the circuit is open: when the next probe may go.
    pub(super) fn open_until(&self) -> Option<i64> {
        match self.circuit {
            Circuit::Open { until, .. } => Some(until),
            Circuit::Closed { .. } => None,
        }
    }
}

/// A time that is further ahead than a pause of that length can reach was set by another clock, and is over.
fn unless_clock_went_back(until: i64, length: Duration, now: i64) -> i64 {
    if until > now.saturating_add(nanos(length)) { i64::MIN } else { until }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;
    const FREE: Leave = Leave::Send { n_max: CONCURRENT_MAX, retries_at: None };
    const PROBE: Leave = Leave::Send { n_max: 1, retries_at: None };

    /// Scenario: ten failures in a row, a probe that fails, one that succeeds; before that nine failures and a success.
    /// Guarantees: the circuit opens at the tenth only, lets one through after each pause, which doubles up to its
    /// bound, and closes with the first answer.
    #[test]
    fn a_circuit_opens_and_closes() {
        let mut throttle = Throttle::new(Duration::ZERO);
        for _ in 0..9 {
            assert!(!throttle.ill(0));
        }
        throttle.well();
        for _ in 0..9 {
            assert!(!throttle.ill(0));
            assert_eq!(throttle.leave(0), FREE);
        }
        assert!(throttle.ill(0), "the tenth opens it");
        assert_eq!(throttle.leave(29 * SECOND), Leave::Wait { until: 30 * SECOND });
        assert_eq!(throttle.leave(30 * SECOND), PROBE);
        let mut now = 30 * SECOND;
        for pause_s in [60, 120, 240, 480, 600, 600] {
            assert!(!throttle.ill(now), "it was open already");
            now += pause_s * SECOND;
            assert_eq!(throttle.leave(now - 1), Leave::Wait { until: now });
            assert_eq!(throttle.leave(now), PROBE);
        }
        throttle.well();
        assert_eq!((throttle.leave(now), throttle.open_until()), (FREE, None));
    }

    /// Scenario: retries without end, and first attempts beside them.
    /// Guarantees: twenty at once, then one in three seconds; first attempts are never withheld; a budget that was
    /// left alone is full again and no fuller.
    #[test]
    fn retries_have_a_budget() {
        let mut throttle = Throttle::new(Duration::ZERO);
        let may_retry = |throttle: &Throttle, now| match throttle.leave(now) {
            Leave::Send { retries_at, .. } => retries_at.is_none(),
            Leave::Wait { .. } => panic!("first attempts may always go"),
        };
        let spend = |throttle: &mut Throttle, now| {
            let mut n_retries = 0;
            while may_retry(throttle, now) {
                throttle.sent(now, true);
                n_retries += 1;
            }
            n_retries
        };
        for _ in 0..1_000 {
            throttle.sent(0, false);
        }
        assert_eq!(spend(&mut throttle, 0), RETRIES_MAX);
        assert!(!may_retry(&throttle, 3 * SECOND - 1));
        assert_eq!(spend(&mut throttle, 3 * SECOND), 1);
        assert_eq!(spend(&mut throttle, 9 * SECOND), 2);
        assert_eq!(spend(&mut throttle, 3_600 * SECOND), RETRIES_MAX);
    }

    /// Scenario: a receiver that is paced, left alone and out of retries; then the clock goes back by an hour.
    /// Guarantees: it is told at once, not in an hour, and retries still have a budget.
    #[test]
    fn a_clock_that_goes_back_holds_nothing_up() {
        let hour = 3_600 * SECOND;
        let mut throttle = Throttle::new(Duration::from_secs(1));
        for _ in 0..20 {
            throttle.sent(2 * hour, true);
        }
        for _ in 0..10 {
            throttle.ill(2 * hour);
        }
        assert!(matches!(throttle.leave(2 * hour), Leave::Wait { .. }));
        assert_eq!(throttle.leave(hour), PROBE);

        let mut throttle = Throttle::new(Duration::ZERO);
        (0..RETRIES_MAX).for_each(|_| throttle.sent(2 * hour, true));
        let mut n_retries = 0;
        while n_retries < 100 && throttle.leave(hour) == FREE {
            throttle.sent(hour, true);
            n_retries += 1;
        }
        assert_eq!(n_retries, RETRIES_MAX, "the budget is a new one, and a budget");
    }

    /// Scenario: a chat that takes one message a second.
    /// Guarantees: one at a time, and a second between two.
    #[test]
    fn a_pace_is_kept() {
        let mut throttle = Throttle::new(Duration::from_secs(1));
        assert_eq!(throttle.leave(5), PROBE);
        throttle.sent(5, false);
        assert_eq!(throttle.leave(6), Leave::Wait { until: SECOND + 5 });
        assert_eq!(throttle.leave(SECOND + 5), PROBE);
    }
}
