//! The process's long-lived tasks, and whether they live.
//!
//! Each has a name and a heart: `/readyz` fails when one has not beaten in its time, and the process
//! ends when one returns or panics before it was told to stop, because half a collector looks healthy
//! while it loses data.

use crate::clock::Clock;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Deaths waiting to be noticed. The first one ends the process, so more need not be kept.
const DEATHS_QUEUED_MAX: usize = 8;

#[derive(Debug, Clone)]
pub(crate) struct Workers {
    clock: Clock,
    stop: CancellationToken,
    tracker: TaskTracker,
    hearts: Arc<Mutex<BTreeMap<&'static str, Heart>>>,
    deaths: mpsc::Sender<&'static str>,
}

#[derive(Debug)]
struct Heart {
    /// Unix nanoseconds.
    beat_at: Arc<AtomicI64>,
    /// None: the task has no rhythm, only its end counts.
    silence_max: Option<Duration>,
    is_dead: bool,
}

/// What a worker holds to show that it lives.
#[derive(Debug, Clone)]
pub(crate) struct Heartbeat {
    clock: Clock,
    beat_at: Arc<AtomicI64>,
}

impl Heartbeat {
    pub(crate) fn beat(&self) {
        self.beat_at.store(self.clock.now(), Ordering::Relaxed);
    }
}

impl Workers {
    /// The receiver gets the name of each worker that ended before `stop`.
    pub(crate) fn new(clock: Clock, stop: CancellationToken) -> (Self, mpsc::Receiver<&'static str>) {
        let (deaths, noticed) = mpsc::channel(DEATHS_QUEUED_MAX);
        let (tracker, hearts) = (TaskTracker::new(), Arc::default());
        (Self { clock, stop, tracker, hearts, deaths }, noticed)
    }

    /// Starts a worker. `silence_max` is the longest time between two beats of a healthy one.
    pub(crate) fn spawn<F>(
        &self,
        name: &'static str,
        silence_max: Option<Duration>,
        work: impl FnOnce(Heartbeat) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let beat_at = Arc::new(AtomicI64::new(self.clock.now()));
        let heartbeat = Heartbeat { clock: self.clock, beat_at: Arc::clone(&beat_at) };
        self.hearts.lock().insert(name, Heart { beat_at, silence_max, is_dead: false });
        let worker = tokio::spawn(work(heartbeat));
        let workers = self.clone();
        self.tracker.spawn(async move {
            let ended = worker.await;
            if !workers.stop.is_cancelled() || ended.is_err() {
                workers.bury(name, ended.err());
            }
        });
    }

    fn bury(&self, name: &'static str, panic: Option<tokio::task::JoinError>) {
        match panic {
            Some(error) => tracing::error!(worker = name, %error, "worker died"),
            None => tracing::error!(worker = name, "worker ended without being told to"),
        }
        if let Some(heart) = self.hearts.lock().get_mut(name) {
            heart.is_dead = true;
        }
        // A full queue holds deaths that end the process just as well.
        let _ = self.deaths.try_send(name);
    }

    /// Names of workers that are dead or silent for too long.
    pub(crate) fn failing(&self) -> Vec<&'static str> {
        let now = self.clock.now();
        let hearts = self.hearts.lock();
        hearts.iter().filter(|(_, heart)| heart.is_failing(now)).map(|(name, _)| *name).collect()
    }

    /// Waits until all workers have ended, at most that long; says whether they did.
    pub(crate) async fn join(&self, patience: Duration) -> bool {
        self.tracker.close();
        tokio::time::timeout(patience, self.tracker.wait()).await.is_ok()
    }
}

impl Heart {
    fn is_failing(&self, now: i64) -> bool {
        let silence = now.saturating_sub(self.beat_at.load(Ordering::Relaxed));
        let is_silent = self.silence_max.is_some_and(|max| i128::from(silence) > max.as_nanos() as i128);
        self.is_dead || is_silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers() -> (Workers, mpsc::Receiver<&'static str>, CancellationToken) {
        let stop = CancellationToken::new();
        let (workers, deaths) = Workers::new(Clock, stop.clone());
        (workers, deaths, stop)
    }

    /// Scenario: one worker panics, one returns early, one goes on.
    /// Guarantees: both dead ones are announced by name and fail readiness; the living one does not.
    #[tokio::test]
    async fn deaths_are_noticed() {
        let (workers, mut deaths, stop) = workers();
        let waits = stop.clone();
        workers.spawn("lives", None, |_| async move { waits.cancelled().await });
        workers.spawn("panics", None, |_| async { panic!("as the test wants") });
        assert_eq!(deaths.recv().await, Some("panics"));
        workers.spawn("returns", None, |_| async {});
        assert_eq!(deaths.recv().await, Some("returns"));
        assert_eq!(workers.failing(), ["panics", "returns"]);
    }

    /// Scenario: a worker is silent for longer than it may be, then beats.
    /// Guarantees: it fails while silent and not after the beat.
    #[tokio::test]
    async fn silence_is_noticed() {
        let (workers, _deaths, stop) = workers();
        let (send, receive) = tokio::sync::oneshot::channel();
        workers.spawn("silent", Some(Duration::from_secs(3600)), |heartbeat| async move {
            send.send(heartbeat).expect("the test listens");
            stop.cancelled().await;
        });
        let heartbeat: Heartbeat = receive.await.expect("the worker runs");
        assert!(workers.failing().is_empty());
        heartbeat.beat_at.store(0, Ordering::Relaxed);
        assert_eq!(workers.failing(), ["silent"]);
        heartbeat.beat();
        assert!(workers.failing().is_empty());
    }

    /// Scenario: workers are told to stop.
    /// Guarantees: ending then is no death, and `join` sees them gone.
    #[tokio::test]
    async fn stopping_is_no_death() {
        let (workers, mut deaths, stop) = workers();
        let waits = stop.clone();
        workers.spawn("obeys", None, |_| async move { waits.cancelled().await });
        stop.cancel();
        assert!(workers.join(Duration::from_secs(60)).await);
        assert!(deaths.try_recv().is_err());
        assert!(workers.failing().is_empty());
    }
}
