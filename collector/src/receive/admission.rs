//! The budget of bytes that requests in flight may hold.
//!
//! Bytes are charged as they arrive; what a request inflates to is charged on top, and then its rows, which wait
//! for the log. A full budget refuses at once and never waits:
//! waiting would hold the connection, and the client has a queue of its own.

use super::answer::Failure;
use crate::auth::Payer;
use crate::telemetry::Reason;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// When a client that met a full budget should come back: requests take far less than this.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Shared by all connections.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    used: Arc<AtomicU64>,
    bytes_max: u64,
}

impl Budget {
    /// `used` is where the use is published.
    pub(crate) fn new(bytes_max: u64, used: Arc<AtomicU64>) -> Self {
        Self { used, bytes_max }
    }

    /// A permit for no bytes yet.
    pub(crate) fn permit(&self) -> Permit {
        Permit { budget: self.clone(), bytes: 0, payer: Payer::default() }
    }
}

/// What one request has been charged; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    budget: Budget,
    bytes: u64,
    /// Whose rates it counts against; what was sent is not given back.
    payer: Payer,
}

impl Permit {
    pub(crate) fn paid_by(mut self, payer: Payer) -> Self {
        self.payer = payer;
        self
    }

    pub(crate) fn payer(&self) -> &Payer {
        &self.payer
    }

    /// Makes sure that at least `bytes` in all are charged.
    pub(crate) fn cover(&mut self, bytes: u64) -> Result<(), Failure> {
        self.charge(bytes.saturating_sub(self.bytes))
    }

    /// Would so many more bytes fit now? Charges nothing.
    pub(crate) fn check(&self, bytes: u64) -> Result<(), Failure> {
        let Budget { used, bytes_max } = &self.budget;
        match used.load(Ordering::Relaxed).saturating_add(bytes) <= *bytes_max {
            true => Ok(()),
            false => Err(full(*bytes_max)),
        }
    }

    /// Gives everything back.
    pub(crate) fn release(&mut self) {
        self.budget.used.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed);
    }

    /// Charges bytes that are in memory already. They always fit while no other request is under way, or a
    /// client would send a large request again and again for nothing.
    pub(crate) fn charge_present(&mut self, bytes: u64) -> Result<(), Failure> {
        let used = &self.budget.used;
        let alone = used.compare_exchange(
            self.bytes,
            self.bytes.saturating_add(bytes),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if alone.is_err() {
            return self.charge(bytes);
        }
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }

    /// Charges more bytes, or nothing at all if they do not fit.
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), Failure> {
        let bytes_max = self.budget.bytes_max;
        // Relaxed: the counter guards no other memory.
        let charged = self.budget.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|used| *used <= bytes_max)
        });
        if charged.is_err() {
            return Err(full(bytes_max));
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.release();
    }
}

fn full(bytes_max: u64) -> Failure {
    let message = format!("requests in flight hold the limit of {bytes_max} bytes, retry later");
    Failure::retry(Reason::Overloaded, message, RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: two requests share a budget of 100 bytes.
    /// Guarantees: what does not fit is refused without being charged, and a dropped permit gives back.
    #[test]
    fn budget_is_shared_and_given_back() {
        let used = Arc::new(AtomicU64::new(0));
        let budget = Budget::new(100, Arc::clone(&used));
        let mut first = budget.permit();
        let mut second = budget.permit();
        first.charge(60).unwrap();
        let failure = second.charge(41).unwrap_err();
        assert_eq!((failure.reason(), failure.retry_after()), (Reason::Overloaded, Some(RETRY_AFTER)));
        second.cover(40).unwrap();
        second.cover(30).unwrap();
        assert_eq!(used.load(Ordering::Relaxed), 100);
        drop(first);
        second.charge(60).unwrap();
        drop(second);
        assert_eq!(used.load(Ordering::Relaxed), 0);
    }
}
