//! Delivers what is due for one receiver.
//!
//! Each receiver has a courier and the caller gives each courier a task, so that a slow receiver
//! holds up nobody else. It reads what is due, sends it, and enters every attempt into the ledger; a crash
//! in between sends the same id again. It keeps no queue of its own, only the attempts that the ledger
//! could not take: nothing is sent before they are in it, or a receiver would be called without end.

use super::{
    client::{self, Letter, SystemLookup},
    retry::{Decision, RetryPolicy, decide},
    sign::Secret,
    target::ReceiverUrl,
};
use crate::{
    Attempt, Error, Store,
    outbox::{Parcel, Ruling},
    state::Event,
};
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};
use tokio::task::JoinSet;

/// Reads the wall clock in unix nanoseconds; the caller's, so that tests decide what time it is.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Notifications under way to one receiver, each about another alert.
const CONCURRENT_MAX: u32 = 4;
/// After this many failures in a row a receiver is probed with one notification at a time.
const FAILURES_BEFORE_PROBING: u32 = 10;

/// Somebody who is told.
#[derive(Debug, Clone)]
pub struct Receiver {
    pub name: String,
    pub target: ReceiverUrl,
    pub secret: Option<Secret>,
    /// Whether it also hears that an alert ended.
    pub send_resolved: bool,
}

#[derive(Clone)]
pub struct Courier {
    shared: Arc<Shared>,
}

struct Shared {
    receiver: Receiver,
    client: reqwest::Client,
    policy: RetryPolicy,
    store: Store,
    clock: Clock,
    /// Set by 410 until the next start, which is when somebody can have repaired the receiver.
    is_disabled: AtomicBool,
    n_failures_in_row: AtomicU32,
    /// At most `CONCURRENT_MAX`: with one in here nothing more is sent.
    unrecorded: Mutex<Vec<Made>>,
}

/// An attempt that was made, and what follows from it.
struct Made {
    id: String,
    attempt: Attempt,
    ruling: Ruling,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").field("receiver", &self.shared.receiver).finish_non_exhaustive()
    }
}

/// What one call of `deliver_due` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    pub n_delivered: u32,
    /// Attempts that will be repeated.
    pub n_failed: u32,
    /// Notifications given up.
    pub n_dead: u32,
    /// When to call again at the latest; none while nothing waits.
    pub next_at: Option<i64>,
}

impl Courier {
    pub fn new(receiver: Receiver, policy: RetryPolicy, store: Store, clock: Clock) -> Result<Self, Error> {
        Self::with_lookup(receiver, policy, store, clock, Arc::new(SystemLookup))
    }

    pub(super) fn with_lookup(
        receiver: Receiver,
        policy: RetryPolicy,
        store: Store,
        clock: Clock,
        lookup: Arc<dyn client::Lookup>,
    ) -> Result<Self, Error> {
        let client = client::client(&receiver.name, &receiver.target, policy.timeout, lookup)?;
        let shared = Shared {
            receiver,
            client,
            policy,
            store,
            clock,
            is_disabled: AtomicBool::new(false),
            n_failures_in_row: AtomicU32::new(0),
            unrecorded: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub fn receiver(&self) -> &Receiver {
        &self.shared.receiver
    }

    /// Sends all that is due, then says when to come back. After an error the next call first enters what the
    /// ledger did not take, and calls nobody before that. Must not run twice at the same time for
    /// one receiver, or order is lost.
    pub async fn deliver_due(&self) -> Result<Round, Error> {
        let mut round = Round::default();
        while let Some(made) = self.shared.next_unrecorded() {
            round.count(self.shared.record(made).await?);
        }
        loop {
            let due = self.shared.due().await?;
            if due.parcels.is_empty() {
                return Ok(Round { next_at: due.next_at, ..round });
            }
            let mut under_way = JoinSet::new();
            for parcel in due.parcels {
                let shared = Arc::clone(&self.shared);
                under_way.spawn(async move { shared.deliver(parcel).await });
            }
            for delivered in under_way.join_all().await {
                round.count(delivered?);
            }
        }
    }
}

impl Round {
    fn count(&mut self, ruling: Ruling) {
        match ruling {
            Ruling::Delivered => self.n_delivered += 1,
            Ruling::RetryAt(_) => self.n_failed += 1,
            Ruling::Dead => self.n_dead += 1,
        }
    }
}

impl Shared {
    async fn due(&self) -> Result<crate::outbox::Due, Error> {
        let is_failing = self.n_failures_in_row.load(Ordering::Relaxed) >= FAILURES_BEFORE_PROBING;
        let limit = if is_failing { 1 } else { CONCURRENT_MAX };
        self.store.due(&self.receiver.name, (self.clock)(), limit).await
    }

    async fn deliver(&self, parcel: Parcel) -> Result<Ruling, Error> {
        if self.is_disabled.load(Ordering::Relaxed) {
            return self.refuse(&parcel).await;
        }
        let Parcel { id, event, body, created_at, n_attempts } = parcel;
        let letter = Letter { id: &id, body, secret: self.receiver.secret.as_ref() };
        let (attempt, outcome) =
            client::attempt(&self.client, &self.receiver.target, letter, &*self.clock).await;
        let now = attempt.at.saturating_add(attempt.duration_ns);
        let decision = decide(&self.policy, outcome, n_attempts + 1, created_at, now, rand::random());
        let ruling = self.rule(decision);
        self.log(&id, event, &attempt.error, ruling);
        self.record(Made { id, attempt, ruling }).await
    }

    /// Enters an attempt into the ledger, or keeps it until that succeeds.
    async fn record(&self, made: Made) -> Result<Ruling, Error> {
        let recorded = self.store.record(&made.id, made.attempt.clone(), made.ruling).await;
        let ruling = made.ruling;
        match recorded {
            Ok(()) => Ok(ruling),
            // The notification is not there any more, and will not come back.
            Err(error @ Error::Corrupt { .. }) => Err(error),
            Err(error) => {
                self.unrecorded().push(made);
                Err(error)
            }
        }
    }

    fn next_unrecorded(&self) -> Option<Made> {
        self.unrecorded().pop()
    }

    /// No code that could panic runs under this lock.
    fn unrecorded(&self) -> MutexGuard<'_, Vec<Made>> {
        self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what a decision says about the receiver.
    fn rule(&self, decision: Decision) -> Ruling {
        match decision {
            Decision::Delivered => self.n_failures_in_row.store(0, Ordering::Relaxed),
            _ => drop(self.n_failures_in_row.fetch_add(1, Ordering::Relaxed)),
        }
        match decision {
            Decision::Delivered => Ruling::Delivered,
            Decision::RetryAt(at) => Ruling::RetryAt(at),
            Decision::Dead => Ruling::Dead,
            Decision::Disable => {
                self.is_disabled.store(true, Ordering::Relaxed);
                Ruling::Dead
            }
        }
    }

    fn log(&self, id: &str, event: Event, error: &str, ruling: Ruling) {
        let (receiver, event) = (self.receiver.name.as_str(), event.name());
        match ruling {
            Ruling::Delivered => tracing::info!(receiver, id, event, "notification delivered"),
            Ruling::RetryAt(_) => {
                tracing::warn!(receiver, id, event, error, "notification failed, will retry")
            }
            Ruling::Dead => tracing::error!(receiver, id, event, error, "notification given up"),
        }
    }

    /// A disabled receiver gets nothing; the ledger says so.
    async fn refuse(&self, parcel: &Parcel) -> Result<Ruling, Error> {
        let error = "the receiver answered 410 earlier and is not called until the next start".to_owned();
        let attempt = Attempt {
            at: (self.clock)(),
            duration_ns: 0,
            status: None,
            error,
            answer: String::new(),
            address: None,
        };
        self.log(&parcel.id, parcel.event, &attempt.error, Ruling::Dead);
        self.record(Made { id: parcel.id.clone(), attempt, ruling: Ruling::Dead }).await
    }
}
