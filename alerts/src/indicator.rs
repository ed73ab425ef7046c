//! Which events an objective counts, and which of them are good.
//!
//! Only says what is to be counted. Who counts, and in which table, is not known here.

use crate::target::{PARTS, Target, parts_of_percent};
use std::time::Duration;

/// Which events are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Indicator {
    /// Those without an error.
    Availability,
    /// Those that took no longer than the threshold.
    Latency { threshold: Duration },
    /// Those that one query counts, of those that another counts.
    Ratio(Ratio),
}

/// Two counts: a part, and the whole that it is a part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ratio {
    pub part: Part,
    /// What counts the part.
    pub source: Source,
    pub total: Source,
}

/// Which part a ratio's first query counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Good,
    Bad,
}

/// A query that counts events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// What a counter grew by, or how often a histogram was measured, over all series with these attributes.
    Metric {
        name: String,
        /// Whose metric it is; none means the objective's service.
        service: Option<String>,
        attributes: Vec<(String, String)>,
    },
    /// A statement with `$from`, `$to` and `$step` that answers rows of `at` and `n`.
    Sql(String),
}

impl Indicator {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Latency { .. } => "latency",
            Self::Ratio(_) => "ratio",
        }
    }

    /// The bound of a latency indicator in nanoseconds.
    pub fn threshold_ns(&self) -> Option<i64> {
        match self {
            Self::Latency { threshold } => i64::try_from(threshold.as_nanos()).ok(),
            Self::Availability | Self::Ratio(_) => None,
        }
    }
}

impl Ratio {
    /// Good events of a total, from what the two queries counted. A part that came before its total is cut.
    pub fn n_good(&self, n_part: u64, n_total: u64) -> u64 {
        match self.part {
            Part::Good => n_part.min(n_total),
            Part::Bad => n_total.saturating_sub(n_part),
        }
    }

    pub fn sources(&self) -> [&Source; 2] {
        [&self.source, &self.total]
    }
}

/// What is counted against the budget.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Method {
    /// Every event.
    #[default]
    Occurrences,
    /// Slices of time: one is good if so many percent of its events are.
    Timeslices { width: Duration, target_percent: f64 },
}

/// A checked time slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeslice {
    pub width: Duration,
    parts: u32,
}

impl Timeslice {
    /// None where the share is not above 0 and at most 100 percent, with at most seven decimals.
    pub(crate) fn new(width: Duration, target_percent: f64) -> Option<Self> {
        let parts = parts_of_percent(target_percent).ok().filter(|parts| (1..=PARTS).contains(parts))?;
        Some(Self { width, parts })
    }

    /// `good / total >= share`, without rounding. A slice without events is neither good nor bad, and is not asked.
    pub fn is_good(self, n_good: u64, n_total: u64) -> bool {
        u128::from(n_good) * u128::from(PARTS) >= u128::from(self.parts) * u128::from(n_total)
    }

    /// The share with all its digits and no others: `0.995`.
    pub fn share_decimal(self) -> String {
        Target::decimal_of(self.parts)
    }

    /// The share that may be bad, likewise: `0.005`.
    pub fn budget_decimal(self) -> String {
        Target::decimal_of(PARTS - self.parts)
    }

    /// The share with as many digits as it needs: `99.5 %`.
    pub fn share_text(self) -> String {
        Target::text_of(self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a ratio that counts good events and one that counts bad ones, also more of them than there are in all.
    /// Guarantees: good events are between none and all.
    #[test]
    fn a_part_is_part_of_its_total() {
        let source = || Source::Sql("SELECT 1".to_owned());
        let ratio = |part| Ratio { part, source: source(), total: source() };
        assert_eq!((ratio(Part::Good).n_good(7, 10), ratio(Part::Good).n_good(11, 10)), (7, 10));
        assert_eq!((ratio(Part::Bad).n_good(7, 10), ratio(Part::Bad).n_good(11, 10)), (3, 0));
    }

    /// Scenario: slices exactly at, just below and just above their share.
    /// Guarantees: reaching it is good, also where all must be; shares out of range are none.
    #[test]
    fn slices_reach_their_share() {
        let slice = |percent| Timeslice::new(Duration::from_secs(60), percent);
        let most = slice(99.9).unwrap();
        assert!(most.is_good(999, 1000) && !most.is_good(998, 1000) && most.is_good(1000, 1000));
        let all = slice(100.0).unwrap();
        assert!(all.is_good(5, 5) && !all.is_good(4, 5));
        assert_eq!((most.share_text(), all.share_text()), ("99.9 %".to_owned(), "100 %".to_owned()));
        assert!([0.0, -1.0, 100.1, f64::NAN].into_iter().all(|percent| slice(percent).is_none()));
    }
}
