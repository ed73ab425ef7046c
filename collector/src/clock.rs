//! The only place that reads the wall clock and the monotonic clock.
//!
//! Everything else takes `now` as an argument or holds a `Clock`, so that tests decide what time it is.
//! It must never be read to order events: two readings may be equal, and the wall clock may jump back.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock;

impl Clock {
    /// Wall time in nanoseconds since 1970. Saturates in the year 2262; 0 for a clock set before 1970.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub(crate) fn now(self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }

    /// Monotonic time, for durations inside this process.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub(crate) fn instant(self) -> Instant {
        Instant::now()
    }
}
