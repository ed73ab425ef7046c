//! Which time a window is held against: the last two hours before it, without incidents that are known.

use ::triage::report::Mark;
use alerts::IncidentTime;
use std::time::Duration;
use storage::TimeRange;

use crate::units::nanos;

/// How far back of the window it is looked. Longer ago the load is another one.
const LOOK_BACK: Duration = Duration::from_secs(2 * 3600);
/// Stretches between incidents that are shorter say nothing.
const STRETCH_MIN: Duration = Duration::from_secs(30);
/// With less time than this left, incidents are part of what is compared: something beats nothing.
const TOTAL_MIN: Duration = Duration::from_secs(5 * 60);
/// The onset is looked for in the nearest stretch and the window together, in equal steps: so that these are short, the
/// nearest stretch is cut to the length of the window, within these bounds.
const NEAREST_MIN: Duration = Duration::from_secs(120);
const NEAREST_MAX: Duration = Duration::from_secs(900);
/// When there is too much to read, so many times the window is compared, and at least so long.
const SHORT_PER_WINDOW: i64 = 4;
const SHORT_MIN: Duration = Duration::from_secs(20 * 60);

/// What a window is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Baselines {
    /// Oldest first.
    pub(super) ranges: Vec<TimeRange>,
    /// Known incidents are part of it, since little else would be left.
    has_incidents: bool,
}

impl Baselines {
    pub(super) fn given(ranges: Vec<TimeRange>) -> Self {
        Self { ranges, has_incidents: false }
    }

    /// The newest part of it, where all of it would be too much to read.
    pub(super) fn shortened(&self, window: TimeRange) -> Self {
        let length = window.to.saturating_sub(window.from).saturating_mul(SHORT_PER_WINDOW);
        let mut left = length.max(nanos(SHORT_MIN));
        let mut ranges = Vec::new();
        for range in self.ranges.iter().rev() {
            if left <= 0 {
                break;
            }
            let from = range.from.max(range.to.saturating_sub(left));
            left -= range.to - from;
            ranges.push(TimeRange { from, to: range.to });
        }
        ranges.reverse();
        Self { ranges, ..*self }
    }

    pub(super) fn mark(&self) -> Option<Mark> {
        self.has_incidents.then(|| Mark {
            kind: "incidents_in_baseline",
            sentence: "Known incidents cover almost all of the two hours before, so that healthy time is not what this \
                       is compared with."
                .to_owned(),
        })
    }
}

pub(super) fn look_back(window: TimeRange) -> i64 {
    window.from.saturating_sub(nanos(LOOK_BACK))
}

/// The default, from what is known of incidents.
pub(super) fn baselines(window: TimeRange, incidents: &[IncidentTime]) -> Baselines {
    let whole = TimeRange { from: look_back(window), to: window.from };
    let mut ranges = without(whole, incidents);
    ranges.retain(|range| range.to - range.from >= nanos(STRETCH_MIN));
    let total: i64 = ranges.iter().map(|range| range.to - range.from).sum();
    let has_incidents = total < nanos(TOTAL_MIN);
    if has_incidents {
        ranges = vec![whole];
    }
    cut_nearest(&mut ranges, window);
    Baselines { ranges, has_incidents }
}

/// Makes two of the nearest stretch where it is much longer than the window.
fn cut_nearest(ranges: &mut Vec<TimeRange>, window: TimeRange) {
    let Some(nearest) = ranges.last_mut() else { return };
    let length = window.to.saturating_sub(window.from).clamp(nanos(NEAREST_MIN), nanos(NEAREST_MAX));
    let (from, to) = (nearest.to.saturating_sub(length), nearest.to);
    if from.saturating_sub(nearest.from) >= nanos(STRETCH_MIN) {
        nearest.to = from;
        ranges.push(TimeRange { from, to });
    }
}

/// A range without these times, in order.
fn without(whole: TimeRange, incidents: &[IncidentTime]) -> Vec<TimeRange> {
    let mut incidents = incidents.to_vec();
    incidents.sort_by_key(|incident| incident.from_at);
    let mut ranges = Vec::new();
    let mut from = whole.from;
    for incident in incidents {
        let (begin, end) = (incident.from_at, incident.to_at.unwrap_or(i64::MAX));
        if begin >= whole.to {
            break;
        }
        if begin > from {
            ranges.push(TimeRange { from, to: begin });
        }
        from = from.max(end);
    }
    if from < whole.to {
        ranges.push(TimeRange { from, to: whole.to });
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000_000;
    const WINDOW: TimeRange = TimeRange { from: 600 * MINUTE, to: 605 * MINUTE };

    fn check(incidents: &[(i64, Option<i64>)], expected: &[(i64, i64)], has_incidents: bool) {
        let time = |(from, to): &(i64, Option<i64>)| IncidentTime {
            from_at: from * MINUTE,
            to_at: to.map(|to| to * MINUTE),
        };
        let incidents: Vec<_> = incidents.iter().map(time).collect();
        let found = baselines(WINDOW, &incidents);
        let ranges: Vec<_> =
            found.ranges.iter().map(|range| (range.from / MINUTE, range.to / MINUTE)).collect();
        assert_eq!((ranges.as_slice(), found.has_incidents), (expected, has_incidents), "{incidents:?}");
        assert_eq!(found.mark().is_some(), has_incidents);
    }

    /// Scenario: no incidents, one in the middle, some that overlap, one that reaches in from before, the alert of the
    /// window itself, one that never ended.
    /// Guarantees: healthy time is what is left of two hours, oldest first, and the nearest stretch is about as long as
    /// the window; where hardly any is left, all of it with a mark.
    #[test]
    fn incidents_are_left_out() {
        check(&[], &[(480, 595), (595, 600)], false);
        check(&[(500, Some(510))], &[(480, 500), (510, 595), (595, 600)], false);
        check(&[(505, Some(520)), (500, Some(510))], &[(480, 500), (520, 595), (595, 600)], false);
        check(&[(400, Some(490))], &[(490, 595), (595, 600)], false);
        check(&[(600, None)], &[(480, 595), (595, 600)], false);
        check(&[(500, None)], &[(480, 495), (495, 500)], false);
        check(&[(470, None)], &[(480, 595), (595, 600)], true);
        check(&[(482, Some(598))], &[(480, 595), (595, 600)], true);
        check(&[(500, Some(597))], &[(480, 500), (597, 600)], false);
    }

    /// Scenario: two stretches of which one is enough.
    /// Guarantees: the newest time is kept, four windows of it, and never more than there is.
    #[test]
    fn the_newest_time_is_kept() {
        let range = |from: i64, to: i64| TimeRange { from: from * MINUTE, to: to * MINUTE };
        let all = Baselines::given(vec![range(480, 560), range(590, 600)]);
        assert_eq!(all.shortened(WINDOW).ranges, [range(550, 560), range(590, 600)]);
        let little = Baselines::given(vec![range(590, 600)]);
        assert_eq!(little.shortened(WINDOW).ranges, little.ranges);
    }
}
