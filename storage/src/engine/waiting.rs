//! Finds the halves of calls again that waited for their other side when the last process ended.
//!
//! They are spans like all others: those in the log come when it is replayed, those in segments are read here. What is
//! read reaches back twice as far as a half waits, so that a half whose other side is stored is not taken for one
//! that waits.

use super::store::{State, Store};
use crate::ids::Table;
use crate::read_models::{Halves, Pairing, SPAN_COLUMNS};
use crate::segment;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

/// Before the log is replayed. A segment that cannot be read costs the calls that waited in it, and no more.
pub(super) fn find_waiting(store: &Store) {
    let manifest = store.manifest();
    let spans = manifest.segments_of(Table::Spans);
    let received_max = spans.iter().map(|segment| segment.received_max).max();
    // Segments of a version that knew no calls do not say what is settled.
    let settled_until = manifest.edges_settled_until.or(received_max.map(Pairing::settled_when));
    let Some(settled_until) = settled_until else { return };
    let since = Pairing::recovers_since(settled_until);
    let mut state = store.state.lock();
    let State { pairing, .. } = &mut *state;
    for segment in spans.iter().filter(|segment| segment.received_max >= since) {
        let (data_dir, received) = (&store.data_dir, since..=i64::MAX);
        let read = segment::read_some(segment, data_dir, &SPAN_COLUMNS, received, &mut |batch| {
            pairing.recover(Halves::of(batch));
            Ok(ControlFlow::Continue(()))
        });
        if let Err(error) = read {
            tracing::warn!(error = error.chain(), "cannot read which calls wait for their answer");
        }
    }
    pairing.recovered(settled_until);
    store.figures.n_bytes_waiting.store(pairing.n_bytes(), Ordering::Relaxed);
}

#[cfg(test)]
pub(super) mod tests;
