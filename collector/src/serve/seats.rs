//! Who is connected to a listener. Past the bound, the one that was idle longest makes room for the next.
//!
//! Idle is who has no request under way, be it that none was sent yet or that all are answered: closing such a
//! connection costs its client a new one. Order is told by a counter, so nothing here reads a clock.

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub(super) struct Seats {
    n_max: usize,
    taken: Mutex<Taken>,
    /// Told when a seat was left or became idle. Only the listener waits for it.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    /// The next moment.
    now: u64,
    /// By the moment it was taken.
    seats: BTreeMap<u64, State>,
}

#[derive(Debug)]
struct State {
    n_under_way: usize,
    /// Requests so far, those under way among them.
    n_requests: u64,
    /// The moment since when nothing is under way, if nothing is.
    idle_since: u64,
    leave: CancellationToken,
}

/// The place of one connection; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    id: u64,
    leave: CancellationToken,
}

/// A request under way, from its header to the last byte of its answer.
#[derive(Debug)]
pub(super) struct UnderWay {
    seat: Arc<Seat>,
}

impl Seats {
    pub(super) fn new(n_max: usize) -> Arc<Self> {
        Arc::new(Self { n_max, taken: Mutex::default(), changed: Notify::new() })
    }

    /// A seat for a connection, as soon as there is one.
    pub(super) async fn take(self: &Arc<Self>) -> Arc<Seat> {
        loop {
            if let Some(seat) = self.try_take() {
                return Arc::new(seat);
            }
            self.changed.notified().await;
        }
    }

    fn try_take(self: &Arc<Self>) -> Option<Seat> {
        let mut taken = self.taken.lock();
        if taken.seats.len() >= self.n_max {
            taken.ask_one_to_leave();
            return None;
        }
        let (id, leave) = (taken.moment(), CancellationToken::new());
        taken.seats.insert(id, State { n_under_way: 0, n_requests: 0, idle_since: id, leave: leave.clone() });
        Some(Seat { seats: Arc::clone(self), id, leave })
    }
}

impl Taken {
    fn moment(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    /// One at a time: who was asked and is idle is about to go.
    fn ask_one_to_leave(&self) {
        let idle = || self.seats.values().filter(|state| state.n_under_way == 0);
        if idle().any(|state| state.leave.is_cancelled()) {
            return;
        }
        if let Some(state) = idle().min_by_key(|state| state.idle_since) {
            state.leave.cancel();
        }
    }
}

impl Seat {
    /// Cancelled when the connection should make room.
    pub(super) fn leave(&self) -> &CancellationToken {
        &self.leave
    }

    pub(super) fn is_idle(&self) -> bool {
        self.seats.taken.lock().seats.get(&self.id).is_none_or(|state| state.n_under_way == 0)
    }

    /// How many requests came so far; `None` while one is under way.
    pub(super) fn n_requests_at_rest(&self) -> Option<u64> {
        let taken = self.seats.taken.lock();
        let state = taken.seats.get(&self.id)?;
        (state.n_under_way == 0).then_some(state.n_requests)
    }

    pub(super) fn request(self: &Arc<Self>) -> UnderWay {
        if let Some(state) = self.seats.taken.lock().seats.get_mut(&self.id) {
            state.n_under_way += 1;
            state.n_requests += 1;
        }
        UnderWay { seat: Arc::clone(self) }
    }
}

/// The body of an answer, which is under way until it is dropped.
#[derive(Debug)]
pub(super) struct Answering {
    body: Body,
    _under_way: UnderWay,
}

impl Answering {
    pub(super) fn new(body: Body, under_way: UnderWay) -> Self {
        Self { body, _under_way: under_way }
    }
}

impl hyper::body::Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut taken = self.seat.seats.taken.lock();
        let now = taken.moment();
        if let Some(state) = taken.seats.get_mut(&self.seat.id) {
            state.n_under_way -= 1;
            state.idle_since = now;
        }
        drop(taken);
        self.seat.seats.changed.notify_one();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken.lock().seats.remove(&self.id);
        self.seats.changed.notify_one();
    }
}
