//! The one place that reads a clock: how long an answer took is told, and nothing depends on it.

use std::time::Instant;

#[expect(clippy::disallowed_methods, reason = "a tool times the server from outside")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
