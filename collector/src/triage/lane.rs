//! One report at a time, and few that wait: each may hold some hundred megabytes and a core.
//!
//! People who ask have one lane and alerts have another, so that neither keeps the other waiting.

use super::Error;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Questions that may wait; more are told to come back.
const WAITING_MAX: usize = 4;

#[derive(Debug, Clone)]
pub(crate) struct Lane {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Lane {
    pub(crate) fn new() -> Self {
        Self { running: Arc::new(Semaphore::new(1)), waiting: Arc::new(Semaphore::new(WAITING_MAX)) }
    }

    /// Waits for a turn; refused at once where too many wait already. The turn ends when what is returned goes.
    pub(super) async fn enter(&self) -> Result<OwnedSemaphorePermit, Error> {
        let _waiting = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Error::Busy)?;
        let turn = tokio::time::timeout(super::TIMEOUT, Arc::clone(&self.running).acquire_owned()).await;
        turn.map_err(|_| Error::Busy)?.map_err(|_| Error::Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    /// Scenario: one question is being answered, four wait, and a sixth comes; then the first is done.
    /// Guarantees: the sixth is refused at once, and one of those that wait has the turn.
    #[tokio::test]
    async fn few_wait_and_more_are_refused() {
        let lane = Lane::new();
        let first = lane.enter().await.expect("nobody is there");
        let mut waiting: Vec<_> = (0..WAITING_MAX).map(|_| Box::pin(lane.enter())).collect();
        assert!(waiting.iter_mut().all(|turn| turn.now_or_never().is_none()));
        assert!(matches!(lane.enter().await, Err(Error::Busy)));
        drop(first);
        assert!(waiting.swap_remove(0).await.is_ok());
    }
}
