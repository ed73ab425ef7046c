//! The latest rejected requests, for those who look for a mistake in a sender.
//!
//! Bounded in number and in bytes; the oldest leaves first. Equal ones are one entry with a count, so that a client
//! which repeats its mistake all day does not push out everybody else's.

use super::{Origin, Reason};
use std::collections::VecDeque;
use storage::Signal;

/// Enough for many senders with a few mistakes each, and still a page that can be read.
const REQUESTS_MAX: usize = 200;
/// Bytes of all entries; 200 ordinary ones take some 100 KB.
const BYTES_MAX: usize = 256 << 10;
/// Bytes of a message: the answer to a request with many rejected items can be longer.
const MESSAGE_BYTES_MAX: usize = 1024;

/// What is told of a request that was refused, or of which not everything was stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) signal: Option<Signal>,
    pub(crate) reason: Reason,
    /// What the client is told, fit to print.
    pub(crate) message: &'a str,
    /// What to change at the sender.
    pub(crate) hint: Option<&'a str>,
}

/// One entry: a rejected request, and how often it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RejectedRequest {
    pub(crate) origin: Origin,
    pub(crate) signal: Option<Signal>,
    pub(crate) reason: Reason,
    pub(crate) n: u64,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
    /// Of the last one.
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Ring {
    /// Oldest first, by the last time.
    requests: VecDeque<RejectedRequest>,
    n_bytes: usize,
}

impl Ring {
    pub(super) fn add(&mut self, refusal: &Refusal<'_>, now: i64) {
        let mut request = RejectedRequest::new(refusal, now);
        let like = self.requests.iter().rposition(|other| other.is_like(&request));
        if let Some(before) = like.and_then(|idx| self.requests.remove(idx)) {
            self.n_bytes -= before.n_bytes();
            request.n += before.n;
            request.first_at = before.first_at;
        }
        self.n_bytes += request.n_bytes();
        self.requests.push_back(request);
        while self.requests.len() > REQUESTS_MAX || self.n_bytes > BYTES_MAX {
            let Some(oldest) = self.requests.pop_front() else { break };
            self.n_bytes -= oldest.n_bytes();
        }
    }

    /// Newest first.
    pub(super) fn newest_first(&self) -> Vec<RejectedRequest> {
        self.requests.iter().rev().cloned().collect()
    }
}

impl RejectedRequest {
    fn new(refusal: &Refusal<'_>, now: i64) -> Self {
        let Refusal { origin, signal, reason, message, hint } = *refusal;
        let message = message[..message.floor_char_boundary(MESSAGE_BYTES_MAX)].to_owned();
        let (origin, hint) = (origin.clone(), hint.map(str::to_owned));
        Self { origin, signal, reason, n: 1, first_at: now, last_at: now, message, hint }
    }

    /// The same mistake of the same machine.
    fn is_like(&self, other: &Self) -> bool {
        let place = |request: &Self| (request.reason, request.origin.peer, request.origin.transport);
        place(self) == place(other) && self.origin.path == other.origin.path
    }

    fn n_bytes(&self) -> usize {
        let hint = self.hint.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.origin.path.len() + self.message.len() + hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Transport;
    use std::net::{IpAddr, Ipv4Addr};

    fn origin(last: u8, path: &str) -> Origin {
        Origin::new(Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))), Transport::Http, path)
    }

    fn add(ring: &mut Ring, origin: &Origin, reason: Reason, now: i64) {
        let message = format!("at {now}");
        ring.add(&Refusal { origin, signal: None, reason, message: &message, hint: Some("do better") }, now);
    }

    /// Scenario: one client repeats a mistake ten thousand times among the single mistakes of others.
    /// Guarantees: it is one entry, with its count, its first and last time and its last message; the others stay.
    #[test]
    fn a_looping_client_is_one_entry() {
        let mut ring = Ring::default();
        let looping = origin(1, "/v1/trace");
        for n in 0..10_000 {
            add(&mut ring, &looping, Reason::PathUnknown, n);
            if n % 2_500 == 0 {
                add(&mut ring, &origin(2, &format!("/{n}")), Reason::PathUnknown, n);
            }
        }
        add(&mut ring, &looping, Reason::JsonMalformed, 10_000);
        let requests = ring.newest_first();
        let shown: Vec<_> = requests.iter().map(|one| (one.origin.path.as_str(), one.n)).collect();
        let expected =
            [("/v1/trace", 1), ("/v1/trace", 10_000), ("/7500", 1), ("/5000", 1), ("/2500", 1), ("/0", 1)];
        assert_eq!(shown, expected);
        let folded = &requests[1];
        assert_eq!((folded.first_at, folded.last_at, folded.message.as_str()), (0, 9_999, "at 9999"));
    }

    /// Scenario: a thousand mistakes that all differ; then some with the longest texts.
    /// Guarantees: the newest are kept, within the bounds of number and bytes, and the count of bytes is right.
    #[test]
    fn memory_is_bounded() {
        let mut ring = Ring::default();
        for n in 0..1_000 {
            add(&mut ring, &origin(1, &format!("/{n}")), Reason::PathUnknown, n);
        }
        let kept = ring.newest_first();
        assert_eq!((kept.len(), kept[0].origin.path.as_str()), (REQUESTS_MAX, "/999"));
        let (long, hint) = ("\u{20ac}".repeat(10_000), "x".repeat(400));
        for n in 0..1_000 {
            let origin = origin(1, &format!("/{n}{long}"));
            let reason = Reason::JsonMalformed;
            ring.add(
                &Refusal { origin: &origin, signal: None, reason, message: &long, hint: Some(&hint) },
                n,
            );
        }
        let n_bytes: usize = ring.requests.iter().map(RejectedRequest::n_bytes).sum();
        assert_eq!(ring.n_bytes, n_bytes);
        assert!(n_bytes <= BYTES_MAX && ring.requests.len() > 50, "{n_bytes} {}", ring.requests.len());
        assert!(ring.requests.iter().all(|one| one.message.len() <= MESSAGE_BYTES_MAX));
    }
}
