//! What decoding found besides data: items rejected, things repaired, each with one example.
//!
//! A report travels beside the rows from the bytes to the answer. It never holds a rejected item, only
//! counts and short, printable examples, so its size does not depend on the request's.

use super::text::printable;
use crate::telemetry::{Class, Reason};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Characters of one example in a message.
const EXAMPLE_CHARS_MAX: usize = 160;

/// How often a reason applied, and the first case of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) n: u64,
    pub(crate) example: String,
}

/// Findings of one request, by reason.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    tallies: BTreeMap<Reason, Tally>,
}

impl Report {
    /// Counts `n` cases; `example` is asked for the first only.
    pub(crate) fn add(&mut self, reason: Reason, n: u64, example: impl FnOnce() -> String) {
        let tally = self
            .tallies
            .entry(reason)
            .or_insert_with(|| Tally { n: 0, example: printable(&example(), EXAMPLE_CHARS_MAX) });
        tally.n += n;
    }

    pub(crate) fn tallies(&self) -> impl Iterator<Item = (Reason, &Tally)> {
        self.tallies.iter().map(|(reason, tally)| (*reason, tally))
    }

    /// Items that were decoded but not stored.
    pub(crate) fn n_rejected(&self) -> u64 {
        self.tallies().filter(|(reason, _)| reason.class() == Class::Item).map(|(_, tally)| tally.n).sum()
    }

    /// The reason for which most items were rejected, or else most of them lost something.
    pub(crate) fn worst(&self) -> Option<Reason> {
        let most = |class: Class| {
            let of_class = self.tallies().filter(move |(reason, _)| reason.class() == class);
            of_class.max_by_key(|(_, tally)| tally.n)
        };
        most(Class::Item).or_else(|| most(Class::Warning)).map(|(reason, _)| reason)
    }

    /// The English text for the sender; `None` when nothing was lost. Bounded by the number of reasons.
    pub(crate) fn message(&self) -> Option<String> {
        let mut message = String::new();
        for (reason, tally) in self.tallies() {
            let what = match reason.class() {
                Class::Item => "rejected",
                Class::Warning => "warning",
                Class::Request | Class::Note => continue,
            };
            let separator = if message.is_empty() { "" } else { "; " };
            // Writing to a String cannot fail.
            let _ = write!(message, "{separator}{what} {} x {}: {}", tally.n, reason.name(), tally.example);
        }
        (!message.is_empty()).then_some(message)
    }
}
