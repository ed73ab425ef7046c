//! What was added between the points of one series.

use std::time::Duration;

/// How long before the range a point may lie and still be what the first increase counts from. As long
/// as five exports at the usual minute.
pub(super) const BASELINE: Duration = Duration::from_secs(5 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temporality {
    /// Each point counts from the start of its process.
    Cumulative,
    /// Each point counts from the point before.
    Delta,
}

impl Temporality {
    /// Points that do not say are taken as cumulative, which most are.
    pub(super) fn named(name: Option<&str>) -> Self {
        if name == Some("delta") { Self::Delta } else { Self::Cumulative }
    }
}

/// Something that only grows, until it starts again.
pub(super) trait Grows: Sized {
    /// What was added since an earlier reading; none where this cannot have grown from it.
    fn since(&self, earlier: &Self) -> Option<Self>;
}

impl Grows for f64 {
    fn since(&self, earlier: &Self) -> Option<Self> {
        (self >= earlier).then(|| self - earlier)
    }
}

/// One point of a series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading<T> {
    pub(super) start: Option<i64>,
    pub(super) time: i64,
    pub(super) value: T,
}

/// An amount and the time it was added in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Increase<T> {
    pub(super) since: i64,
    pub(super) at: i64,
    pub(super) amount: T,
}

/// Turns the points of one series, in order of time, into increases.
#[derive(Debug)]
pub(super) struct Increases<T> {
    temporality: Temporality,
    /// A series that started before may have counted anything by its first point.
    known_from: i64,
    before: Option<Reading<T>>,
}

impl<T: Grows + Clone> Increases<T> {
    pub(super) fn new(temporality: Temporality, known_from: i64) -> Self {
        Self { temporality, known_from, before: None }
    }

    /// None for a point that only says where counting begins, and for one that was sent twice.
    pub(super) fn next(&mut self, reading: Reading<T>) -> Option<Increase<T>> {
        if self.before.as_ref().is_some_and(|before| before.time == reading.time) {
            return None;
        }
        let increase = match self.temporality {
            Temporality::Delta => Some(whole(&reading, reading.start.unwrap_or(reading.time))),
            Temporality::Cumulative => self.cumulative(&reading),
        };
        self.before = Some(reading);
        increase
    }

    fn cumulative(&self, reading: &Reading<T>) -> Option<Increase<T>> {
        let Some(before) = &self.before else {
            let start = reading.start.filter(|start| *start >= self.known_from)?;
            return Some(whole(reading, start));
        };
        // A later start is a new process. An earlier one is not: some exporters move it at will.
        let restarted_at =
            reading.start.filter(|start| *start >= before.time && reading.start != before.start);
        if restarted_at.is_none()
            && let Some(amount) = reading.value.since(&before.value)
        {
            return Some(Increase { since: before.time, at: reading.time, amount });
        }
        Some(whole(reading, restarted_at.unwrap_or(before.time)))
    }
}

fn whole<T: Clone>(reading: &Reading<T>, since: i64) -> Increase<T> {
    Increase { since: since.min(reading.time), at: reading.time, amount: reading.value.clone() }
}

#[cfg(test)]
mod tests {
    use super::{Increases, Reading, Temporality};

    /// Each reading is (start, time, value); each increase (since, at, amount).
    fn check(temporality: Temporality, readings: &[(i64, i64, f64)], expected: &[(i64, i64, f64)]) {
        let mut increases = Increases::new(temporality, 100);
        let found = readings.iter().filter_map(|&(start, time, value)| {
            let start = (start >= 0).then_some(start);
            increases.next(Reading { start, time, value }).map(|found| (found.since, found.at, found.amount))
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{readings:?}");
    }

    /// Scenario: a counter grows, restarts with and without a new start time, is sent twice.
    /// Guarantees: only what was added is counted, once, and nothing from before it was known.
    #[test]
    fn counts_what_cumulative_points_add() {
        let cumulative = Temporality::Cumulative;
        check(
            cumulative,
            &[(0, 110, 5.0), (0, 120, 8.0), (0, 130, 8.0)],
            &[(110, 120, 3.0), (120, 130, 0.0)],
        );
        // Started within what is known: the first point counts from the start.
        check(cumulative, &[(105, 110, 5.0)], &[(105, 110, 5.0)]);
        // The value fell: everything since is new.
        check(cumulative, &[(-1, 110, 5.0), (-1, 120, 2.0)], &[(110, 120, 2.0)]);
        // A new start, though the value did not fall.
        check(cumulative, &[(0, 110, 5.0), (115, 120, 9.0)], &[(115, 120, 9.0)]);
        // A start that moves without a restart.
        check(cumulative, &[(0, 110, 5.0), (3, 120, 9.0)], &[(110, 120, 4.0)]);
        check(cumulative, &[(0, 110, 5.0), (0, 120, 9.0), (0, 120, 9.0)], &[(110, 120, 4.0)]);
    }

    /// Scenario: delta points, one of them sent twice, one without a start.
    /// Guarantees: each counts once, over its own time.
    #[test]
    fn counts_delta_points_once() {
        check(
            Temporality::Delta,
            &[(100, 110, 5.0), (110, 120, 2.0), (110, 120, 2.0), (-1, 130, 1.0)],
            &[(100, 110, 5.0), (110, 120, 2.0), (130, 130, 1.0)],
        );
    }
}
