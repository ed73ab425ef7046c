//! Requests that came before: a client whose answer was lost sends the same bytes again.
//!
//! The latest requests are remembered by a hash of their bytes. One that was stored is answered as it was
//! then; one that is still being stored is waited for. The log's records are remembered when they are
//! replayed, so that a kill between log and answer changes nothing.

use crate::receive::answer::Acknowledged;
use parking_lot::Mutex;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;
use std::sync::Arc;
use storage::Signal;
use tokio::sync::Mutex as AsyncMutex;

/// Exporters try for a minute, the Collector for five.
const WINDOW_NS: i64 = 5 * 60 * 1_000_000_000;
/// Requests remembered; some 200 bytes each, but for the messages of their answers.
const REQUESTS_MAX: usize = 1 << 16;
/// Bytes of all messages remembered; each can be long where items were rejected.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// Signal, encoding and bytes of a request. The hash has a key of this process, so that nobody can send a
/// request that passes for another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(u128);

/// What a request was answered; none until then, and after a failure. Who holds the lock is storing it.
pub(crate) type Outcome = Arc<AsyncMutex<Option<Acknowledged>>>;

/// The latest requests.
#[derive(Debug)]
pub(crate) struct Recent {
    key: [u8; 16],
    requests: Mutex<Requests>,
}

#[derive(Debug, Default)]
struct Requests {
    by_fingerprint: HashMap<Fingerprint, Request>,
    /// When each came, unix nanos, oldest first.
    order: VecDeque<(i64, Fingerprint)>,
    message_bytes: usize,
}

#[derive(Debug, Default)]
struct Request {
    outcome: Outcome,
    message_bytes: usize,
}

impl Recent {
    pub(crate) fn new() -> Self {
        Self { key: rand::random(), requests: Mutex::default() }
    }

    /// `encoding` is the code that records are logged with, `body` is inflated.
    pub(crate) fn fingerprint(&self, signal: Signal, encoding: u8, body: &[u8]) -> Fingerprint {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write(&[signal as u8, encoding]);
        hasher.write(body);
        Fingerprint(hasher.finish128().as_u128())
    }

    /// The outcome of the request with this fingerprint, whether it came before or comes first now.
    pub(crate) fn outcome(&self, fingerprint: Fingerprint, now: i64) -> Outcome {
        let mut requests = self.requests.lock();
        requests.forget(now);
        if let Some(request) = requests.by_fingerprint.get(&fingerprint) {
            return Arc::clone(&request.outcome);
        }
        requests.order.push_back((now, fingerprint));
        Arc::clone(&requests.by_fingerprint.entry(fingerprint).or_default().outcome)
    }

    /// Enters the answer of a request that is stored now, by whoever has its outcome.
    pub(crate) fn remember(
        &self,
        fingerprint: Fingerprint,
        outcome: &mut Option<Acknowledged>,
        answer: Acknowledged,
    ) {
        let mut requests = self.requests.lock();
        // One that was forgotten meanwhile holds nothing any more.
        if let Some(request) = requests.by_fingerprint.get_mut(&fingerprint) {
            let before = std::mem::replace(&mut request.message_bytes, answer.message_bytes());
            requests.message_bytes = requests.message_bytes - before + answer.message_bytes();
        }
        *outcome = Some(answer);
    }

    /// A record of the log has become rows without its request.
    pub(crate) fn replayed(&self, fingerprint: Fingerprint, received_at: i64, answer: Acknowledged) {
        // Who is storing it knows better.
        if let Ok(mut outcome) = self.outcome(fingerprint, received_at).try_lock()
            && outcome.is_none()
        {
            self.remember(fingerprint, &mut outcome, answer);
        }
    }
}

impl Requests {
    fn forget(&mut self, now: i64) {
        while let Some((came_at, fingerprint)) = self.order.front() {
            let is_old = *came_at < now.saturating_sub(WINDOW_NS);
            if !is_old && self.order.len() < REQUESTS_MAX && self.message_bytes <= MESSAGE_BYTES_MAX {
                break;
            }
            let forgotten = self.by_fingerprint.remove(fingerprint);
            self.message_bytes -= forgotten.map_or(0, |request| request.message_bytes);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Acknowledged {
        Acknowledged::new(Signal::Logs, 0, None)
    }

    /// Scenario: the same bytes as another signal and encoding, other bytes, the same again.
    /// Guarantees: only the same is the same.
    #[test]
    fn a_fingerprint_is_of_signal_encoding_and_bytes() {
        let recent = Recent::new();
        let first = recent.fingerprint(Signal::Logs, 1, b"body");
        assert_eq!(first, recent.fingerprint(Signal::Logs, 1, b"body"));
        for other in [
            recent.fingerprint(Signal::Traces, 1, b"body"),
            recent.fingerprint(Signal::Logs, 2, b"body"),
            recent.fingerprint(Signal::Logs, 1, b"body."),
            Recent::new().fingerprint(Signal::Logs, 1, b"body"),
        ] {
            assert_ne!(first, other);
        }
    }

    /// Scenario: a request is stored, and asked for within the window, after it, and after many others.
    /// Guarantees: it is remembered within both bounds, and memory does not grow past them.
    #[tokio::test]
    async fn remembers_within_its_bounds() {
        let recent = Recent::new();
        let first = recent.fingerprint(Signal::Logs, 1, b"first");
        recent.replayed(first, 0, answer());
        assert!(recent.outcome(first, WINDOW_NS).lock().await.is_some());
        assert!(recent.outcome(first, WINDOW_NS + 1).lock().await.is_none());
        recent.replayed(first, WINDOW_NS + 1, answer());
        for n in 0..REQUESTS_MAX {
            recent.outcome(recent.fingerprint(Signal::Logs, 1, &n.to_le_bytes()), WINDOW_NS + 1);
        }
        assert!(recent.outcome(first, WINDOW_NS + 1).lock().await.is_none());
        let requests = recent.requests.lock();
        assert_eq!(requests.by_fingerprint.len(), requests.order.len());
        assert!(requests.order.len() <= REQUESTS_MAX);
        assert_eq!(requests.message_bytes, 0);
    }

    /// Scenario: many requests whose answers have long messages.
    /// Guarantees: the messages together stay within their bound, and the newest request is remembered.
    #[tokio::test]
    async fn long_messages_are_forgotten_sooner() {
        let recent = Recent::new();
        let fingerprint = |n: usize| recent.fingerprint(Signal::Logs, 1, &n.to_le_bytes());
        for n in 0..3_000 {
            recent.replayed(fingerprint(n), 0, Acknowledged::new(Signal::Logs, 1, Some("x".repeat(10_000))));
        }
        assert!(recent.outcome(fingerprint(2_999), 0).lock().await.is_some());
        assert!(recent.outcome(fingerprint(0), 0).lock().await.is_none());
        assert!(recent.requests.lock().message_bytes <= MESSAGE_BYTES_MAX);
    }
}
