//! Waiting for a condition with a deadline.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, interval};

/// Asks again every 50 ms until `probe` gives something, and fails with `what` after `limit`.
pub(crate) async fn eventually<T, F>(what: &str, limit: Duration, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    #[allow(clippy::disallowed_methods, reason = "tests wait in real time")]
    let deadline = Instant::now() + limit;
    let mut ticks = interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        if let Some(found) = probe().await {
            return found;
        }
        #[allow(clippy::disallowed_methods, reason = "tests wait in real time")]
        let now = Instant::now();
        assert!(now < deadline, "{what}: not within {limit:?}");
    }
}

/// Waits until `probe` equals `expected`; the failure shows the last value seen.
pub(crate) async fn eventually_eq<T, F>(
    what: &str,
    limit: Duration,
    expected: T,
    mut probe: impl FnMut() -> F,
) where
    T: PartialEq + Debug,
    F: Future<Output = T>,
{
    #[allow(clippy::disallowed_methods, reason = "tests wait in real time")]
    let deadline = Instant::now() + limit;
    let mut ticks = interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        let seen = probe().await;
        if seen == expected {
            return;
        }
        #[allow(clippy::disallowed_methods, reason = "tests wait in real time")]
        let now = Instant::now();
        assert!(now < deadline, "{what}: expected {expected:?}, still {seen:?} after {limit:?}");
    }
}
