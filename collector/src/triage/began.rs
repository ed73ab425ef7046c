//! When an objective began to fail, from its own events: an alert fires later than that, sometimes by minutes.

use crate::units::nanos;
use std::time::Duration;
use storage::{SliBucket, TimeRange};

/// The width of the events that are read.
pub(super) const STEP: Duration = Duration::from_secs(10);
/// Steps over which the worst ratio is taken: single bad requests of a quiet service are no level.
const LEVEL_STEPS: usize = 6;
/// Of that ratio, the part above which a step speaks for the incident, and below which it is calm.
const LEVEL_SHARE: f64 = 0.5;
const CALM_SHARE: f64 = 0.125;
/// So many calm steps in a row lie between two incidents.
const CALM_STEPS: usize = 9;

/// The newest time in which bad events were too many; none without bad events.
///
/// Each step counts by how many more bad events it has than half of the worst minute's ratio would give. The incident
/// begins where the sum of the last steps is largest, so that neither a lull nor a single bad event moves it.
pub(super) fn began(steps: &[SliBucket], budget: f64) -> Option<TimeRange> {
    let worst = worst_ratio(steps);
    let (level, calm) = ((worst * LEVEL_SHARE).max(budget), (worst * CALM_SHARE).max(budget));
    let mut found: Option<TimeRange> = None;
    let (mut sum, mut largest, mut n_calm) = (0.0, 0.0, 0);
    for step in steps.iter().rev() {
        let (bad, total) = (n_bad(step), step.n_total as f64);
        n_calm = if bad <= calm * total { n_calm + 1 } else { 0 };
        if found.is_some() && n_calm >= CALM_STEPS {
            break;
        }
        sum += bad - level * total;
        if sum > largest {
            largest = sum;
            let to = found.map_or(step.at.saturating_add(nanos(STEP)), |found| found.to);
            found = Some(TimeRange { from: step.at, to });
        } else if found.is_none() {
            sum = 0.0;
        }
    }
    found
}

fn n_bad(step: &SliBucket) -> f64 {
    step.n_total.saturating_sub(step.n_good) as f64
}

fn worst_ratio(steps: &[SliBucket]) -> f64 {
    let ratio = |steps: &[SliBucket]| {
        let bad: f64 = steps.iter().map(n_bad).sum();
        let total: f64 = steps.iter().map(|step| step.n_total as f64).sum();
        if total > 0.0 { bad / total } else { 0.0 }
    };
    steps.windows(LEVEL_STEPS.min(steps.len()).max(1)).map(ratio).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First and last step of what is found in steps of 100 events with so many bad ones each.
    fn found(bad: &[u64]) -> Option<(i64, i64)> {
        let step = |(n, n_bad): (usize, &u64)| SliBucket {
            at: n as i64 * nanos(STEP),
            n_good: 100 - n_bad,
            n_total: 100,
        };
        let steps: Vec<_> = bad.iter().enumerate().map(step).collect();
        began(&steps, 0.001).map(|range| (range.from / nanos(STEP), range.to / nanos(STEP) - 1))
    }

    /// Scenario: nothing bad; an incident that goes on, with single bad events before; one with a lull; an earlier one
    /// with healthy time in between; one that is long over; all that is known is bad.
    /// Guarantees: the newest incident, or none.
    #[test]
    fn the_newest_incident_is_found() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[0, 0, 0]), None);
        assert_eq!(found(&[0, 1, 0, 0, 1, 0, 0, 40, 50, 60]), Some((7, 9)));
        assert_eq!(found(&[0, 0, 0, 0, 40, 50, 5, 50, 60]), Some((4, 8)));
        let earlier: Vec<u64> = [vec![50; 12], vec![0; 10], vec![50; 3]].concat();
        assert_eq!(found(&earlier), Some((22, 24)));
        let over: Vec<u64> = [vec![0; 5], vec![50; 4], vec![0; 40]].concat();
        assert_eq!(found(&over), Some((5, 8)));
        assert_eq!(found(&[50, 50, 50]), Some((0, 2)));
    }
}
