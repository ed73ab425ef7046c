//! What the collector counts about itself: items, requests, bytes, refusals.
//!
//! Everything that is not stored is counted here under a reason of a closed list, with the last message
//! that a client got for it, and is found in a ring of the latest rejected requests; `/metrics`, the status
//! API and the answers to clients speak from the same counts. Nothing here may grow with what senders
//! choose to send, and nothing reads a clock.

mod origin;
mod prometheus;
mod rate;
mod reason;
mod ring;
#[cfg(test)]
mod tests;

pub(crate) use origin::{Origin, Transport};
pub(crate) use reason::{Class, Reason};
pub(crate) use ring::{Refusal, RejectedRequest};

use crate::decode::Report;
use parking_lot::Mutex;
use rate::Rate;
use ring::Ring;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use storage::Signal;

/// Counters of the process, shared by all that receive and all that show.
///
/// One mutex holds them: it is taken a few times per request, for additions only, never across an await.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    state: Mutex<State>,
    inflight_bytes: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct State {
    signals: [SignalState; 3],
    requests: BTreeMap<RequestKind, u64>,
    refused: BTreeMap<(Option<Signal>, Reason), u64>,
    findings: BTreeMap<(Signal, Reason), u64>,
    latest: BTreeMap<Reason, Latest>,
    ring: Ring,
    ack: AckDurations,
}

#[derive(Debug, Default)]
struct SignalState {
    n_accepted: u64,
    n_rejected: u64,
    received_bytes: u64,
    rate: Rate,
    last_received_at: Option<i64>,
    n_resent: u64,
}

/// How a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestKind {
    pub(crate) signal: Signal,
    pub(crate) transport: Transport,
    /// `protobuf`, `json`, `zipkin_json` or `remote_write`.
    pub(crate) encoding: &'static str,
}

/// A request that was acknowledged.
#[derive(Debug)]
pub(crate) struct Accepted<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) kind: RequestKind,
    pub(crate) n_items: u64,
    /// Bytes after decompression.
    pub(crate) n_bytes: u64,
    pub(crate) report: &'a Report,
    /// What the client is told of the items that were rejected or lost something.
    pub(crate) message: Option<&'a str>,
    /// From the whole body to the acknowledgement.
    pub(crate) took: Duration,
}

#[derive(Debug, Default)]
struct Latest {
    n: u64,
    at: i64,
    example: String,
    hint: Option<String>,
}

/// Upper bounds in milliseconds of the acknowledgement time's histogram.
const ACK_BOUNDS_MS: [u64; 10] = [1, 2, 5, 10, 20, 50, 100, 250, 1_000, 10_000];

#[derive(Debug, Default)]
struct AckDurations {
    n_at_most: [u64; ACK_BOUNDS_MS.len()],
    n: u64,
    sum: Duration,
}

impl AckDurations {
    fn add(&mut self, took: Duration) {
        self.n += 1;
        self.sum += took;
        for (n, bound_ms) in self.n_at_most.iter_mut().zip(ACK_BOUNDS_MS) {
            *n += u64::from(took <= Duration::from_millis(bound_ms));
        }
    }
}

/// One moment's counts for the status page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Snapshot {
    /// In the order of `Signal::ALL`.
    pub(crate) signals: Vec<SignalCounts>,
    /// What was refused, rejected or changed, latest first.
    pub(crate) rejections: Vec<Rejection>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SignalCounts {
    pub(crate) signal: Signal,
    pub(crate) n_accepted: u64,
    pub(crate) n_rejected: u64,
    pub(crate) rate_per_s: f64,
    pub(crate) last_received_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) reason: Reason,
    pub(crate) n: u64,
    pub(crate) last_at: i64,
    pub(crate) example: String,
    /// What to change at the sender of the last one.
    pub(crate) hint: Option<String>,
}

impl Telemetry {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Counts an acknowledged request and what was found in it.
    pub(crate) fn accepted(&self, accepted: &Accepted<'_>, now: i64) {
        let mut state = self.state.lock();
        let signal = accepted.kind.signal;
        *state.requests.entry(accepted.kind).or_default() += 1;
        state.ack.add(accepted.took);
        let counts = &mut state.signals[signal as usize];
        counts.n_accepted += accepted.n_items;
        counts.n_rejected += accepted.report.n_rejected();
        counts.received_bytes += accepted.n_bytes;
        counts.rate.add(now, accepted.n_items);
        counts.last_received_at = Some(now);
        for (reason, tally) in accepted.report.tallies() {
            *state.findings.entry((signal, reason)).or_default() += tally.n;
            if reason.class() != Class::Note {
                state.note_latest(reason, tally.n, &tally.example, reason.hint(), now);
            }
        }
        if let Some(refusal) = in_part(accepted) {
            state.ring.add(&refusal, now);
        }
    }

    /// Counts a request that was stored before, and is answered as it was then.
    pub(crate) fn resent(&self, signal: Signal) {
        self.state.lock().signals[signal as usize].n_resent += 1;
    }

    /// Counts a request, or a connection, that was refused as a whole.
    pub(crate) fn refused(&self, refusal: &Refusal<'_>, now: i64) {
        let mut state = self.state.lock();
        *state.refused.entry((refusal.signal, refusal.reason)).or_default() += 1;
        state.note_latest(refusal.reason, 1, refusal.message, refusal.hint, now);
        state.ring.add(refusal, now);
    }

    /// Bytes of requests that are being read or decoded; admission keeps it.
    pub(crate) fn inflight_bytes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.inflight_bytes)
    }

    pub(crate) fn snapshot(&self, now: i64) -> Snapshot {
        let state = self.state.lock();
        let signals =
            Signal::ALL.into_iter().map(|signal| state.signals[signal as usize].counts(signal, now));
        Snapshot { signals: signals.collect(), rejections: state.rejections() }
    }

    /// Counts by reason as in the snapshot, and the latest rejected requests, newest first.
    pub(crate) fn rejected(&self) -> (Vec<Rejection>, Vec<RejectedRequest>) {
        let state = self.state.lock();
        (state.rejections(), state.ring.newest_first())
    }

    /// The collector's own metrics and the engine's, in Prometheus' text format.
    pub(crate) fn prometheus(&self, engine: &storage::Stats) -> String {
        prometheus::render(&self.state.lock(), self.inflight_bytes.load(Ordering::Relaxed), engine)
    }
}

impl State {
    fn note_latest(&mut self, reason: Reason, n: u64, example: &str, hint: Option<&str>, now: i64) {
        let latest = self.latest.entry(reason).or_default();
        latest.n += n;
        latest.at = now;
        example.clone_into(&mut latest.example);
        latest.hint = hint.map(str::to_owned);
    }

    /// Latest first.
    fn rejections(&self) -> Vec<Rejection> {
        let mut rejections: Vec<Rejection> = self.latest.iter().map(Rejection::new).collect();
        rejections.sort_by_key(|rejection| std::cmp::Reverse(rejection.last_at));
        rejections
    }
}

/// What the ring has of an acknowledged request of which not everything was stored: the reason that applied most
/// often stands for all, the message names each.
fn in_part<'a>(accepted: &Accepted<'a>) -> Option<Refusal<'a>> {
    let (message, reason) = (accepted.message?, accepted.report.worst()?);
    let signal = Some(accepted.kind.signal);
    Some(Refusal { origin: accepted.origin, signal, reason, message, hint: reason.hint() })
}

impl SignalState {
    fn counts(&self, signal: Signal, now: i64) -> SignalCounts {
        SignalCounts {
            signal,
            n_accepted: self.n_accepted,
            n_rejected: self.n_rejected,
            rate_per_s: self.rate.per_s(now),
            last_received_at: self.last_received_at,
        }
    }
}

impl Rejection {
    fn new((reason, latest): (&Reason, &Latest)) -> Self {
        let (example, hint) = (latest.example.clone(), latest.hint.clone());
        Self { reason: *reason, n: latest.n, last_at: latest.at, example, hint }
    }
}
