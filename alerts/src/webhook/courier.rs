//! Delivers what is due for one receiver.
//!
//! Each receiver has a courier and the caller gives each courier a task, so that a slow receiver
//! holds up nobody else. It reads what is due, sends it, and enters every attempt into the ledger; a crash
//! in between sends the same id again. It keeps no queue of its own, only the attempts that the ledger
//! could not take: nothing is sent before they are in it, or a receiver would be called without end.

use super::{
    client::Carrier,
    kinds::{Kind, joined},
    receiver::Receiver,
    request::{Letter, ShownRequest},
    resolve::{Lookup, SystemLookup},
    retry::{Decision, RetryPolicy, Verdict, decide, nanos},
    throttle::{Leave, Throttle},
};
use crate::{
    Attempt, Error, OwnNotice, Store,
    outbox::{Parcel, Ruling},
    state::Event,
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::task::JoinSet;

/// Reads the wall clock in unix nanoseconds; the caller's, so that tests decide what time it is.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// An Alertmanager is told again of what stands at least this often.
const REPEAT_EVERY: Duration = Duration::from_secs(60);
/// And of what has ended for this long, in case it did not hear that.
const RESOLVED_REPEATED_FOR: Duration = Duration::from_secs(15 * 60);
/// Alerts in one request.
const REPEATED_AT_ONCE: usize = 64;

#[derive(Clone)]
pub struct Courier {
    shared: Arc<Shared>,
}

struct Shared {
    receiver: Receiver,
    carrier: Carrier,
    policy: RetryPolicy,
    store: Store,
    clock: Clock,
    state: Mutex<State>,
}

/// What a courier remembers. It is gone with the process.
struct State {
    /// Set when the receiver said that it is gone, until the next start or a test that succeeds: that is when
    /// somebody can have repaired it.
    gone: Option<Gone>,
    throttle: Throttle,
    /// At most as many as are under way at once: with one in here nothing more is sent.
    unrecorded: Vec<Made>,
    /// When what stands is to be repeated; none while nothing can stand.
    repeat_at: Option<i64>,
}

/// A receiver that said it is gone, and is not called any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    pub at: i64,
    /// The notification that it said so to.
    pub delivery_id: String,
    /// What it said.
    pub error: String,
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

/// What became of a test.
#[derive(Debug, Clone)]
pub struct Tried {
    pub delivery_id: String,
    pub is_delivered: bool,
    pub request: ShownRequest,
    pub attempt: Attempt,
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
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, Error> {
        let policy = receiver.policy(&policy);
        let carrier = Carrier::new(&receiver, policy.timeout, lookup)?;
        let state = State {
            gone: None,
            throttle: Throttle::new(receiver.kind.pace()),
            unrecorded: Vec::new(),
            // What an earlier process told may stand.
            repeat_at: matches!(receiver.kind, Kind::Alertmanager(_)).then_some(i64::MIN),
        };
        let shared = Shared { receiver, carrier, policy, store, clock, state: Mutex::new(state) };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub fn receiver(&self) -> &Receiver {
        &self.shared.receiver
    }

    /// Since the receiver is gone: when it said so, and to what.
    pub fn gone(&self) -> Option<Gone> {
        self.shared.state().gone.clone()
    }

    /// While the circuit is open: when a notification probes it next.
    pub fn open_until(&self) -> Option<i64> {
        self.shared.state().throttle.open_until()
    }

    /// Sends all that is due, then says when to come back. After an error the next call first enters what the
    /// ledger did not take, and calls nobody before that. Must not run twice at the same time for
    /// one receiver, or order is lost.
    pub async fn deliver_due(&self) -> Result<Round, Error> {
        let mut round = Round::default();
        while let Some(made) = self.shared.next_unrecorded() {
            round.count(self.shared.record(made).await?);
        }
        let next_at = self.shared.deliver_all(&mut round).await?;
        let repeat_at = self.shared.repeat(round.n_delivered > 0).await?;
        Ok(Round { next_at: [next_at, repeat_at].into_iter().flatten().min(), ..round })
    }

    /// Enqueues a test and sends it once, at once: nobody waits for the answer to a second attempt. If the process
    /// dies in between, the test is sent when its time comes, with the same id. Also reaches a receiver that is gone
    /// or whose circuit is open, and when it answers well these are forgotten.
    pub async fn test(&self, notice: OwnNotice) -> Result<Tried, Error> {
        let shared = &self.shared;
        let delivery_id = notice.delivery.id.clone();
        let body = notice.delivery.body.clone();
        let letter = Letter { id: &delivery_id, body: &body, at: (shared.clock)() };
        let shown = shared
            .receiver
            .kind
            .outgoing(letter)
            .map(|outgoing| outgoing.shown(&shared.receiver.kind.shown_body(&body)));
        shared.store.enqueue(vec![notice], (shared.clock)()).await?;
        let (attempt, verdict) = shared.attempt(&delivery_id, &body, false).await;
        let is_delivered = verdict == Verdict::Delivered;
        let ruling = if is_delivered { Ruling::Delivered } else { Ruling::Dead };
        match verdict {
            Verdict::Delivered => shared.state().gone = None,
            Verdict::Disable => shared.is_gone(&delivery_id, &attempt),
            Verdict::Retry(_) | Verdict::Final => {}
        }
        let receiver = shared.receiver.name.as_str();
        tracing::info!(receiver, id = delivery_id, is_delivered, error = attempt.error, "receiver tested");
        shared.store.record(&delivery_id, attempt.clone(), ruling).await?;
        let request = shown.unwrap_or_else(|garbled| ShownRequest::none(garbled.to_string()));
        Ok(Tried { delivery_id, is_delivered, request, attempt })
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
    /// Until nothing more may be sent; when that changes.
    async fn deliver_all(self: &Arc<Self>, round: &mut Round) -> Result<Option<i64>, Error> {
        loop {
            let now = (self.clock)();
            let leave = self.state().throttle.leave(now);
            let (n_max, retries_at) = match leave {
                Leave::Wait { until } => return Ok(Some(until)),
                Leave::Send { n_max, retries_at } => (n_max, retries_at),
            };
            let due = self.store.due(&self.receiver.name, now, n_max, retries_at.is_none()).await?;
            if due.parcels.is_empty() {
                // What is due already are retries, which have to wait for their budget.
                return Ok(due.next_at.map(|at| retries_at.map_or(at, |retries_at| at.max(retries_at))));
            }
            let mut under_way = JoinSet::new();
            for parcel in due.parcels {
                let shared = Arc::clone(self);
                under_way.spawn(async move { shared.deliver(parcel).await });
            }
            for delivered in under_way.join_all().await {
                round.count(delivered?);
            }
        }
    }

    async fn deliver(&self, parcel: Parcel) -> Result<Ruling, Error> {
        if let Some(refusal) = self.refusal(&parcel) {
            return self.refuse(&parcel, refusal).await;
        }
        let Parcel { id, event, body, queued_at, n_attempts, .. } = parcel;
        let (attempt, verdict) = self.attempt(&id, &body, n_attempts > 0).await;
        let now = attempt.at.saturating_add(attempt.duration_ns);
        let decision = decide(&self.policy, verdict, n_attempts + 1, queued_at, now, rand::random());
        let ruling = self.rule(decision, &id, &attempt);
        self.log(&id, event, &attempt.error, ruling);
        self.record(Made { id, attempt, ruling }).await
    }

    /// One attempt, which the throttle hears of.
    async fn attempt(&self, id: &str, body: &[u8], is_retry: bool) -> (Attempt, Verdict) {
        let now = (self.clock)();
        self.state().throttle.sent(now, is_retry);
        let (attempt, verdict) = self.carrier.attempt(&self.receiver.kind, id, body, &self.clock).await;
        self.learn(verdict);
        (attempt, verdict)
    }

    /// A receiver that answers is well, also when it refuses.
    fn learn(&self, verdict: Verdict) {
        let now = (self.clock)();
        let mut state = self.state();
        match verdict {
            Verdict::Retry(_) => {
                let has_opened = state.throttle.ill(now);
                drop(state);
                if has_opened {
                    let receiver = self.receiver.name.as_str();
                    tracing::warn!(receiver, "too many attempts failed in a row, now one probes at a time");
                }
            }
            _ => state.throttle.well(),
        }
    }

    /// Why a notification cannot be sent at all.
    fn refusal(&self, parcel: &Parcel) -> Option<String> {
        let kind = self.receiver.kind.name();
        if parcel.kind != kind {
            let made_for = &parcel.kind;
            return Some(format!(
                "it was made for a receiver of kind {made_for}, and this one is {kind} now"
            ));
        }
        let gone = self.state().gone.as_ref().map(|gone| gone.error.clone())?;
        Some(format!("not sent: {gone}; a test that succeeds, or the next start, calls it again"))
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
                self.state().unrecorded.push(made);
                Err(error)
            }
        }
    }

    fn next_unrecorded(&self) -> Option<Made> {
        self.state().unrecorded.pop()
    }

    /// No code that could panic runs under this lock, and nothing is awaited.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what a decision says about the receiver.
    fn rule(&self, decision: Decision, id: &str, attempt: &Attempt) -> Ruling {
        match decision {
            Decision::Delivered => Ruling::Delivered,
            Decision::RetryAt(at) => Ruling::RetryAt(at),
            Decision::Dead => Ruling::Dead,
            Decision::Disable => {
                self.is_gone(id, attempt);
                Ruling::Dead
            }
        }
    }

    /// It said so; what it said first is kept.
    fn is_gone(&self, id: &str, attempt: &Attempt) {
        let gone = Gone { at: attempt.at, delivery_id: id.to_owned(), error: attempt.error.clone() };
        self.state().gone.get_or_insert(gone);
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

    /// It gets nothing; the ledger says why.
    async fn refuse(&self, parcel: &Parcel, error: String) -> Result<Ruling, Error> {
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

    /// Tells an Alertmanager again of what stands, if it is time; when it is the next time. These are no
    /// notifications: the ledger does not have them.
    async fn repeat(&self, has_delivered: bool) -> Result<Option<i64>, Error> {
        let now = (self.clock)();
        let next_at = now.saturating_add(nanos(REPEAT_EVERY));
        let due_at = {
            let mut state = self.state();
            if has_delivered && matches!(self.receiver.kind, Kind::Alertmanager(_)) {
                state.repeat_at.get_or_insert(next_at);
            }
            state.repeat_at
        };
        let Some(due_at) = due_at else { return Ok(None) };
        if now < due_at {
            return Ok(Some(due_at));
        }
        let resolved_after = now.saturating_sub(nanos(RESOLVED_REPEATED_FOR));
        let standing = self.store.standing(&self.receiver.name, resolved_after).await?;
        let is_open = self.state().throttle.open_until().is_some_and(|until| now < until);
        if !is_open {
            for alerts in standing.chunks(REPEATED_AT_ONCE) {
                self.repeat_these(alerts).await;
            }
        }
        let repeat_at = (!standing.is_empty()).then_some(next_at);
        self.state().repeat_at = repeat_at;
        Ok(repeat_at)
    }

    async fn repeat_these(&self, alerts: &[Vec<u8>]) {
        let body = joined(alerts);
        let (attempt, verdict) = self.carrier.attempt(&self.receiver.kind, "", &body, &self.clock).await;
        self.learn(verdict);
        if verdict != Verdict::Delivered || !attempt.error.is_empty() {
            let (receiver, error) = (self.receiver.name.as_str(), attempt.error.as_str());
            tracing::warn!(receiver, error, n_alerts = alerts.len(), "cannot tell again what stands");
        }
    }
}
