//! Who is connected to a listener. Past the bound, the one that was idle longest makes room for the next.
//!
//! Idle is who has no request under way, be it that none was sent yet or that all are answered: closing such a
//! connection costs its client a new one. Order is told by a counter, so nothing here reads a clock.
//!
//! Who keeps requests under way for long could hold all seats: once three quarters are taken, an address that has half of
//! them gets another one only for an idle one of its own.

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
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
    /// Somebody was turned away since there was room for everybody.
    is_told: bool,
}

#[derive(Debug)]
struct State {
    owner: IpAddr,
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

    /// A seat for a connection from an address, as soon as there is one; none where the address has its share.
    pub(super) async fn take(self: &Arc<Self>, from: IpAddr) -> Option<Arc<Seat>> {
        let owner = owner(from);
        loop {
            match self.offer(owner) {
                Offer::Seat(seat) => return Some(Arc::new(seat)),
                Offer::Nothing => return None,
                Offer::Later => self.changed.notified().await,
            }
        }
    }

    fn offer(self: &Arc<Self>, owner: IpAddr) -> Offer {
        let mut taken = self.taken.lock();
        let n_taken = taken.seats.len();
        let is_scarce = n_taken >= self.n_max - self.n_max / 4;
        taken.is_told &= is_scarce;
        if is_scarce && taken.n_of(owner) >= (self.n_max / 2).max(1) {
            if taken.ask_one_to_leave(|state| state.owner == owner) {
                return Offer::Later;
            }
            if !std::mem::replace(&mut taken.is_told, true) {
                let n_max = self.n_max;
                tracing::warn!(%owner, n_taken, n_max, "an address has half of a port's connections, more are closed");
            }
            return Offer::Nothing;
        }
        if n_taken >= self.n_max {
            taken.ask_one_to_leave(|_| true);
            return Offer::Later;
        }
        let (id, leave) = (taken.moment(), CancellationToken::new());
        let state = State { owner, n_under_way: 0, n_requests: 0, idle_since: id, leave: leave.clone() };
        taken.seats.insert(id, state);
        Offer::Seat(Seat { seats: Arc::clone(self), id, leave })
    }
}

/// What a connection is offered.
enum Offer {
    Seat(Seat),
    /// Somebody leaves, or will.
    Later,
    Nothing,
}

/// Who has an address: of IPv6 a whole network of 64 bits, which one host may use as it likes.
fn owner(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

impl Taken {
    fn moment(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    fn n_of(&self, owner: IpAddr) -> usize {
        self.seats.values().filter(|state| state.owner == owner).count()
    }

    /// One at a time: who was asked and is idle is about to go. Is anybody?
    fn ask_one_to_leave(&self, may_be_asked: impl Fn(&State) -> bool) -> bool {
        let may_be_asked = &may_be_asked;
        let idle = || self.seats.values().filter(move |&state| state.n_under_way == 0 && may_be_asked(state));
        if idle().any(|state| state.leave.is_cancelled()) {
            return true;
        }
        let longest = idle().min_by_key(|state| state.idle_since);
        longest.inspect(|state| state.leave.cancel()).is_some()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(seats: &Arc<Seats>, from: &str) -> Option<Arc<Seat>> {
        match seats.offer(owner(from.parse().expect("an address"))) {
            Offer::Seat(seat) => Some(Arc::new(seat)),
            Offer::Later | Offer::Nothing => None,
        }
    }

    /// Scenario: one address opens ever more connections whose requests do not end, from several addresses of a network
    /// of IPv6 or from one of IPv4, written in two ways; then others come.
    /// Guarantees: it has three quarters at most, and others find seats; one of its own that becomes idle makes room for
    /// the next of its own.
    #[test]
    fn nobody_takes_all_seats() {
        for (greedy, others) in [
            (["2001:db8::1", "2001:db8::ffff:1"], ["2001:db8:0:1::1", "127.0.0.1"]),
            (["192.0.2.1", "::ffff:192.0.2.1"], ["192.0.2.2", "::1"]),
        ] {
            let seats = Seats::new(16);
            let mut held = Vec::new();
            for n in 0..30 {
                let Some(seat) = offered(&seats, greedy[n % 2]) else { continue };
                held.push((seat.request(), seat));
            }
            assert_eq!(held.len(), 12);
            let mut guests = Vec::new();
            for n in 0..4 {
                guests.push(offered(&seats, others[n % 2]).expect("a seat for others"));
            }
            assert!(
                offered(&seats, greedy[0]).is_none() && offered(&seats, others[0]).is_none(),
                "all are taken"
            );
            guests.truncate(2);
            let (under_way, oldest) = held.remove(0);
            drop(under_way);
            assert!(offered(&seats, greedy[0]).is_none(), "its idle one is asked first");
            assert!(oldest.leave().is_cancelled());
            drop(oldest);
            assert!(offered(&seats, greedy[0]).is_none(), "it still has more than half");
            assert!(offered(&seats, others[1]).is_some());
        }
    }
}
