//! Tells the log of background work that fails: one ERROR when it begins, one WARN a minute with a count while it goes
//! on, and one line when it is over.

use crate::causes::with_causes;
use std::mem::{Discriminant, discriminant};
use storage::Error;

/// Between two summaries.
const SUMMARY_NS: i64 = 60 * 1_000_000_000;

#[derive(Debug, Default)]
pub(super) struct Trouble {
    ongoing: Option<Ongoing>,
}

#[derive(Debug)]
struct Ongoing {
    since: i64,
    /// What was told as an ERROR: another kind of failure is news. There are only so many kinds.
    kinds: Vec<Discriminant<Error>>,
    n_failures: u64,
    told_at: i64,
}

impl Trouble {
    pub(super) fn failed(&mut self, error: &Error, now: i64) {
        let kind = discriminant(error);
        let ongoing = self.ongoing.get_or_insert_with(|| Ongoing {
            since: now,
            kinds: Vec::new(),
            n_failures: 0,
            told_at: now,
        });
        ongoing.n_failures += 1;
        if !ongoing.kinds.contains(&kind) {
            ongoing.kinds.push(kind);
            tracing::error!(error = %with_causes(error), "background work of the storage failed");
        } else if now.saturating_sub(ongoing.told_at) >= SUMMARY_NS {
            ongoing.told_at = now;
            let seconds = now.saturating_sub(ongoing.since) / 1_000_000_000;
            tracing::warn!(
                n_failures = ongoing.n_failures,
                seconds,
                error = %with_causes(error),
                "background work of the storage still fails, rows stay in memory and in the log"
            );
        }
    }

    /// Nothing fails any more.
    pub(super) fn over(&mut self) {
        if let Some(Ongoing { n_failures, .. }) = self.ongoing.take() {
            tracing::info!(n_failures, "background work of the storage succeeds again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::Lines;
    use super::*;

    /// Scenario: a flush fails, each time with another file's name, again and again for minutes; another kind of failure
    /// comes once in between; then all is well, and it fails again.
    /// Guarantees: an ERROR for each kind and each time that it begins, a WARN a minute with the count, and one line at
    /// each end.
    #[test]
    fn a_long_failure_is_told_in_few_lines() {
        let lines = Lines::default();
        let mut trouble = Trouble::default();
        let second = 1_000_000_000;
        lines.of(|| {
            for at in 0..150 {
                trouble.failed(
                    &Error::ManifestCommit { version: at, source: "disk full".into() },
                    at as i64 * second,
                );
            }
            trouble.failed(&Error::RestartNeeded, 150 * second);
            trouble.over();
            trouble.over();
            trouble.failed(&Error::RestartNeeded, 151 * second);
        });
        let text = lines.text();
        let n_of = |word: &str| text.lines().filter(|line| line.trim_start().starts_with(word)).count();
        assert_eq!((n_of("ERROR"), n_of("WARN"), n_of("INFO")), (3, 2, 1), "{text}");
        assert!(text.contains("n_failures=61 seconds=60") && text.contains("disk full"), "{text}");
    }
}
