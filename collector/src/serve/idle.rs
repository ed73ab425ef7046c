//! When a connection has been idle for too long.
//!
//! HTTP/1 has a deadline for the next header. A peer of HTTP/2 that answers pings would keep its connection for ever
//! without using it; it is looked at from time to time and closed, with a word of farewell, when nothing has come
//! since the last look.

use std::time::Duration;

/// Between two looks. So a connection is closed after one to two times this, and one that sends each minute is not.
pub(super) const TIMEOUT: Duration = Duration::from_secs(65);

/// What was seen at the last look.
#[derive(Debug, Default)]
pub(super) struct Idleness {
    n_requests: Option<u64>,
}

impl Idleness {
    /// Takes how many requests came so far, or nothing while one is under way; says whether it has been long enough.
    pub(super) fn is_over(&mut self, n_requests_at_rest: Option<u64>) -> bool {
        let last = std::mem::replace(&mut self.n_requests, n_requests_at_rest);
        last.is_some() && last == n_requests_at_rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: looks at a connection that sends, works on something long, and then rests.
    /// Guarantees: it is idle for too long only when two looks in a row saw the same rest.
    #[test]
    fn two_looks_must_see_the_same_rest() {
        let mut idleness = Idleness::default();
        let looks = [Some(0), Some(1), None, None, Some(2), Some(3), Some(3), Some(3)];
        let over = looks.map(|n_requests| idleness.is_over(n_requests));
        assert_eq!(over, [false, false, false, false, false, false, true, true]);
    }
}
