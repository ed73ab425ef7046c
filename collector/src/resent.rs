//! Requests that came before: a client whose answer was lost sends the same bytes again.
//!
//! The latest stored requests are remembered by a hash of their bytes, and answered as they were then; one that is
//! being stored is waited for. Another process remembers them, too: those whose records the log still has when they
//! are replayed, all others by the receipts that the engine keeps with their rows (`receipt`). What has neither times
//! nor ids says the same each time that it happens: such requests are all stored.

mod receipt;

pub(crate) use receipt::Stored;

use crate::receive::answer::Acknowledged;
use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::TimestampNanosecondType;
use bytes::Bytes;
use parking_lot::Mutex;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;
use std::sync::Arc;
use storage::{Columns, Signal};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// How long a request is remembered after it was stored. Exporters try for a minute, the Collector for five.
const WINDOW_NS: i64 = 5 * 60 * 1_000_000_000;
/// Requests remembered; some 200 bytes each, but for the messages of their answers. The engine keeps as many receipts.
const REQUESTS_MAX: usize = 1 << 16;
/// Bytes of all messages remembered; each can be long where items were rejected.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// Signal, encoding and bytes of a request. The hash is the same in every process. Who would have a request pass for
/// another's needs all bytes of that one before it is sent, ids and times included, and could as well send just these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(u128);

/// The latest requests.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    requests: Mutex<Requests>,
}

#[derive(Debug, Default)]
struct Requests {
    /// With their answers.
    stored: HashMap<Fingerprint, Acknowledged>,
    /// When each of them was stored, unix nanos, oldest first.
    order: VecDeque<(i64, Fingerprint)>,
    message_bytes: usize,
    /// Requests that are being stored. As many as are under way.
    pending: HashMap<Fingerprint, Arc<AsyncMutex<()>>>,
}

/// What is known of a request that has come.
#[derive(Debug)]
pub(crate) enum Met<'a> {
    /// It was stored before, and answered so.
    Before(Acknowledged),
    /// It is to be stored now.
    First(Turn<'a>),
}

/// The right to store a request; nobody else has it meanwhile. Who gives it back without having stored anything leaves
/// no trace: a request that failed takes no place, and its time begins when it is stored.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    recent: &'a Recent,
    fingerprint: Fingerprint,
    _alone: OwnedMutexGuard<()>,
}

impl Fingerprint {
    /// `encoding` is the code that records are logged with, `body` is inflated.
    pub(crate) fn of(signal: Signal, encoding: u8, body: &[u8]) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(&[signal as u8, encoding]);
        hasher.write(body);
        Self(hasher.finish128().as_u128())
    }
}

/// Would another request of these bytes be this one, sent again? A script may well send the same text every minute: only
/// a time or an id in one of the items tells. All zeros are none.
pub(crate) fn is_one_of_a_kind(columns: &Columns) -> bool {
    let batch = columns.batch();
    match columns.signal() {
        // None is stored without its ids.
        Signal::Traces => true,
        Signal::Logs => {
            let ids = ["trace_id", "span_id"];
            has_other_than(batch, "time_source", "received") || ids.iter().any(|id| has_some(batch, id))
        }
        Signal::Metrics => has_some(batch, "start_time") || has_time(batch),
    }
}

fn has_some(batch: &RecordBatch, name: &str) -> bool {
    batch.column_by_name(name).is_some_and(|column| column.null_count() < column.len())
}

fn has_other_than(batch: &RecordBatch, name: &str, word: &str) -> bool {
    let texts = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    texts.is_some_and(|texts| texts.iter().any(|text| text != Some(word)))
}

fn has_time(batch: &RecordBatch) -> bool {
    let has_any = |times: &ArrayRef| {
        let times = times.as_primitive_opt::<TimestampNanosecondType>();
        times.is_some_and(|times| times.values().iter().any(|at| *at != 0))
    };
    batch.column_by_name("time").is_some_and(has_any)
}

impl Recent {
    /// Waits while the same request is being stored.
    pub(crate) async fn meet(&self, fingerprint: Fingerprint, now: i64) -> Met<'_> {
        let pending = {
            let mut requests = self.requests.lock();
            requests.forget(now);
            Arc::clone(requests.pending.entry(fingerprint).or_default())
        };
        let turn = Turn { recent: self, fingerprint, _alone: pending.lock_owned().await };
        let answer = self.requests.lock().stored.get(&fingerprint).cloned();
        answer.map_or(Met::First(turn), Met::Before)
    }

    /// A record of the log has become rows without its request.
    pub(crate) fn replayed(&self, stored: Stored) {
        let mut requests = self.requests.lock();
        let now = stored.stored_at;
        requests.enter(stored);
        requests.forget(now);
    }

    /// Remembers what an earlier process stored, by its receipts, oldest first. They may be older than what was
    /// replayed already.
    pub(crate) fn recall(&self, receipts: &[Bytes]) {
        let mut requests = self.requests.lock();
        receipts.iter().filter_map(|receipt| Stored::read(receipt)).for_each(|stored| requests.enter(stored));
        requests.order.make_contiguous().sort_by_key(|(stored_at, _)| *stored_at);
        requests.forget(i64::MIN);
    }
}

impl Turn<'_> {
    /// Remembers what is stored now. To be told before anybody can see its rows.
    pub(crate) fn stored(&self, answer: Acknowledged, now: i64) -> Stored {
        let stored = Stored { fingerprint: self.fingerprint, stored_at: now, answer };
        self.recent.replayed(stored.clone());
        stored
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut requests = self.recent.requests.lock();
        // One is the map's, one this turn's own; each request that waits has another.
        let is_last = |pending: &Arc<AsyncMutex<()>>| Arc::strong_count(pending) <= 2;
        if requests.pending.get(&self.fingerprint).is_some_and(is_last) {
            requests.pending.remove(&self.fingerprint);
        }
    }
}

impl Requests {
    fn enter(&mut self, stored: Stored) {
        let Stored { fingerprint, stored_at, answer } = stored;
        let message_bytes = answer.message_bytes();
        // The same bytes were stored twice, when the first time was long ago, or before there were receipts.
        if let Some(older) = self.stored.insert(fingerprint, answer) {
            self.message_bytes -= older.message_bytes();
            self.order.retain(|(_, known)| *known != fingerprint);
        }
        self.message_bytes += message_bytes;
        self.order.push_back((stored_at, fingerprint));
    }

    /// Lets go what is too old, or too much.
    fn forget(&mut self, now: i64) {
        while let Some((stored_at, fingerprint)) = self.order.front() {
            let is_old = *stored_at < now.saturating_sub(WINDOW_NS);
            if !is_old && self.order.len() <= REQUESTS_MAX && self.message_bytes <= MESSAGE_BYTES_MAX {
                break;
            }
            let forgotten = self.stored.remove(fingerprint);
            self.message_bytes -= forgotten.map_or(0, |answer| answer.message_bytes());
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

    fn fingerprint(n: usize) -> Fingerprint {
        Fingerprint::of(Signal::Logs, 1, &n.to_le_bytes())
    }

    fn stored(n: usize, stored_at: i64) -> Stored {
        Stored { fingerprint: fingerprint(n), stored_at, answer: answer() }
    }

    async fn is_known(recent: &Recent, n: usize, now: i64) -> bool {
        matches!(recent.meet(fingerprint(n), now).await, Met::Before(_))
    }

    /// Scenario: the same bytes as another signal and encoding, other bytes, the same again.
    /// Guarantees: only the same is the same, and so it is for the next process.
    #[test]
    fn a_fingerprint_is_of_signal_encoding_and_bytes() {
        let first = Fingerprint::of(Signal::Logs, 1, b"body");
        assert_eq!(first, Fingerprint::of(Signal::Logs, 1, b"body"));
        for other in [
            Fingerprint::of(Signal::Traces, 1, b"body"),
            Fingerprint::of(Signal::Logs, 2, b"body"),
            Fingerprint::of(Signal::Logs, 1, b"body."),
        ] {
            assert_ne!(first, other);
        }
    }

    /// Scenario: a request is stored, and asked for within the window, after it, and after many others.
    /// Guarantees: it is remembered within both bounds, and memory does not grow past them.
    #[tokio::test]
    async fn remembers_within_its_bounds() {
        let recent = Recent::default();
        recent.replayed(stored(0, 0));
        assert!(is_known(&recent, 0, WINDOW_NS).await);
        assert!(!is_known(&recent, 0, WINDOW_NS + 1).await);
        recent.replayed(stored(0, WINDOW_NS + 1));
        for n in 1..=REQUESTS_MAX {
            recent.replayed(stored(n, WINDOW_NS + 1));
        }
        assert!(!is_known(&recent, 0, WINDOW_NS + 1).await);
        assert!(is_known(&recent, 1, WINDOW_NS + 1).await);
        let requests = recent.requests.lock();
        assert_eq!((requests.stored.len(), requests.order.len()), (REQUESTS_MAX, REQUESTS_MAX));
        assert_eq!((requests.message_bytes, requests.pending.len()), (0, 0));
    }

    /// Scenario: a request fails for longer than the window and is stored then; others fail, more than are remembered.
    /// Guarantees: it is remembered for the whole window from when it was stored; those that failed take no place.
    #[tokio::test]
    async fn the_window_begins_when_a_request_is_stored() {
        let recent = Recent::default();
        for now in [0, WINDOW_NS - 1] {
            assert!(!is_known(&recent, 0, now).await);
        }
        let Met::First(turn) = recent.meet(fingerprint(0), WINDOW_NS).await else {
            panic!("nothing is stored")
        };
        turn.stored(answer(), WINDOW_NS);
        drop(turn);
        for n in 1..=REQUESTS_MAX + 1 {
            assert!(!is_known(&recent, n, WINDOW_NS).await);
        }
        assert!(is_known(&recent, 0, 2 * WINDOW_NS).await);
        assert!(!is_known(&recent, 0, 2 * WINDOW_NS + 1).await);
        assert!(recent.requests.lock().pending.is_empty());
    }

    /// Scenario: a request comes again while it is being stored; the first attempt fails, the second does not, and a
    /// third waits for it.
    /// Guarantees: one at a time has the turn, the next one gets it after a failure, and the last one the answer.
    #[tokio::test]
    async fn the_same_request_is_waited_for() {
        let recent = Recent::default();
        let Met::First(failing) = recent.meet(fingerprint(0), 0).await else { panic!("it is the first") };
        let second = async {
            let Met::First(turn) = recent.meet(fingerprint(0), 0).await else { panic!("nothing is stored") };
            tokio::task::yield_now().await;
            turn.stored(answer(), 0);
        };
        let third = async { is_known(&recent, 0, 0).await };
        let fail = async {
            tokio::task::yield_now().await;
            drop(failing);
        };
        let ((), is_known, ()) = tokio::join!(second, third, fail);
        assert!(is_known);
        assert!(recent.requests.lock().pending.is_empty());
    }

    /// Scenario: a process replays a request, and then reads the receipts of older ones, one of which is none.
    /// Guarantees: all are remembered, the oldest is forgotten first.
    #[tokio::test]
    async fn receipts_are_recalled_in_their_order() {
        let recent = Recent::default();
        recent.replayed(stored(2, 20));
        let receipts = [stored(0, 0).receipt(), Bytes::from_static(b"no receipt"), stored(1, 10).receipt()];
        recent.recall(&receipts);
        for n in 0..3 {
            assert!(is_known(&recent, n, WINDOW_NS).await, "{n}");
        }
        for n in 0..3 {
            assert_eq!(is_known(&recent, n, WINDOW_NS + 5).await, n > 0, "{n}");
        }
    }

    /// Scenario: many requests whose answers have long messages.
    /// Guarantees: the messages together stay within their bound, and the newest request is remembered.
    #[tokio::test]
    async fn long_messages_are_forgotten_sooner() {
        let recent = Recent::default();
        for n in 0..3_000 {
            let answer = Acknowledged::new(Signal::Logs, 1, Some("x".repeat(10_000)));
            recent.replayed(Stored { answer, ..stored(n, 0) });
        }
        assert!(is_known(&recent, 2_999, 0).await);
        assert!(!is_known(&recent, 0, 0).await);
        assert!(recent.requests.lock().message_bytes <= MESSAGE_BYTES_MAX);
    }
}
