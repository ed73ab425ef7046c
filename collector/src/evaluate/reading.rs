//! Reads the events of all objectives, a few at a time and within one bound.
//!
//! One objective that is slow to read must not stop the evaluation of the others. What was not read in time is
//! read by a later evaluation, after those that could be read, and its objective says nothing until then.

use super::{hearing::Hearing, telemetry::Telemetry, watcher::Watcher};
use futures::{StreamExt, stream};
use std::time::Duration;
use tokio::time::Instant;

/// Reads at the same time: half of the places that the product's own queries have by default.
const READS_AT_ONCE: usize = 4;

/// Until when an evaluation reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    /// For a whole period; the other half of the time is left for a part of it.
    pub(super) whole: Instant,
    pub(super) any: Instant,
}

impl Deadlines {
    fn within(timeout: Duration) -> Self {
        let now = Instant::now();
        Self { whole: now + timeout / 2, any: now + timeout }
    }
}

pub(super) async fn read_all(
    watchers: &mut [Watcher],
    telemetry: &dyn Telemetry,
    hearing: &Hearing,
    now: i64,
    timeout: Duration,
) {
    let deadlines = Deadlines::within(timeout);
    let mut watchers: Vec<_> = watchers.iter_mut().collect();
    watchers.sort_by_key(|watcher| watcher.is_blind());
    let reads: Vec<_> =
        watchers.into_iter().map(|watcher| watcher.read(telemetry, hearing, now, deadlines)).collect();
    stream::iter(reads).buffer_unordered(READS_AT_ONCE).collect::<Vec<()>>().await;
}
