//! Windows by the calendar: months and weeks as a time zone has them.
//!
//! Every window is counted from the anchor, never from the window before it, so that a month that began on the 31st
//! does so again. Times are unix nanoseconds; which window it is now is for the caller to ask.

use jiff::{Span, civil::DateTime, tz::TimeZone};
use std::{fmt, time::Duration};

/// Numbers of units that one window may have.
const UNITS_MAX: u32 = 1_000;
/// Years in which an anchor may lie; windows go on in both directions.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2200;
const HOUR_S: u64 = 3_600;
const DAY_S: u64 = 86_400;

/// A unit of the calendar, as OpenSLO abbreviates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalendarUnit {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// A sequence of windows, each of as many units.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    start: DateTime,
    zone: TimeZone,
    zone_name: String,
    n: u32,
    unit: CalendarUnit,
}

/// Why there is no such calendar, and what would be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("start {text:?} is not a time: write it as 2026-01-31 00:00:00, between 1970 and 2200")]
    Start { text: String },
    #[error(
        "there is no time zone {name:?}: write it as the IANA database does, such as Europe/Berlin or UTC"
    )]
    Zone { name: String },
    #[error("a calendar window has 1 to {max} units", max = UNITS_MAX)]
    Units,
}

impl CalendarUnit {
    pub const ALL: [Self; 6] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// `h d w M Q Y`.
    pub fn letter(self) -> char {
        match self {
            Self::Hour => 'h',
            Self::Day => 'd',
            Self::Week => 'w',
            Self::Month => 'M',
            Self::Quarter => 'Q',
            Self::Year => 'Y',
        }
    }

    pub fn parse(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.letter() == letter)
    }

    /// How long it is taken to be where no calendar says: 30, 90 and 365 days for the longer ones.
    pub fn nominal(self) -> Duration {
        Duration::from_secs(match self {
            Self::Hour => HOUR_S,
            Self::Day => DAY_S,
            Self::Week => 7 * DAY_S,
            Self::Month => 30 * DAY_S,
            Self::Quarter => 90 * DAY_S,
            Self::Year => 365 * DAY_S,
        })
    }

    /// How long it is on the average of centuries, in seconds.
    fn mean_s(self) -> u64 {
        match self {
            Self::Hour => HOUR_S,
            Self::Day => DAY_S,
            Self::Week => 7 * DAY_S,
            // 146,097 days are 400 years.
            Self::Month => 146_097 * DAY_S / 4_800,
            Self::Quarter => 146_097 * DAY_S / 1_600,
            Self::Year => 146_097 * DAY_S / 400,
        }
    }

    /// How long it never exceeds, daylight saving included.
    fn longest(self) -> Duration {
        let days = |n: u64| Duration::from_secs(n * DAY_S + HOUR_S);
        match self {
            Self::Hour => Duration::from_secs(HOUR_S),
            Self::Day => days(1),
            Self::Week => days(7),
            Self::Month => days(31),
            Self::Quarter => days(92),
            Self::Year => days(366),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// So many of it; none beyond what a calendar knows.
    fn span(self, n: i64) -> Option<Span> {
        let span = Span::new();
        let span = match self {
            Self::Hour => span.try_hours(n),
            Self::Day => span.try_days(n),
            Self::Week => span.try_weeks(n),
            Self::Month => span.try_months(n),
            Self::Quarter => span.try_months(n.checked_mul(3)?),
            Self::Year => span.try_years(n),
        };
        span.ok()
    }
}

impl Calendar {
    /// `start` is a time of that zone, `2026-01-31 00:00:00`.
    pub fn new(start: &str, zone: &str, n: u32, unit: CalendarUnit) -> Result<Self, CalendarError> {
        let refuse = || CalendarError::Start { text: start.chars().take(40).collect() };
        let has_form = start.len() == 19 && start.is_ascii() && start.as_bytes()[10] == b' ';
        let at: DateTime = start.parse().ok().filter(|_| has_form).ok_or_else(refuse)?;
        if !YEARS.contains(&at.year()) {
            return Err(refuse());
        }
        let found =
            TimeZone::get(zone).map_err(|_| CalendarError::Zone { name: zone.chars().take(80).collect() })?;
        if !(1..=UNITS_MAX).contains(&n) {
            return Err(CalendarError::Units);
        }
        Ok(Self { start: at, zone: found, zone_name: zone.to_owned(), n, unit })
    }

    /// The window that holds a moment: its start, and its end, which it does not hold.
    pub fn window(&self, at: i64) -> (i64, i64) {
        let mean_ns = i128::from(self.unit.mean_s()) * i128::from(self.n) * 1_000_000_000;
        let passed = i128::from(at) - i128::from(self.start_of(0));
        // Years of nanoseconds in 64 bits are few hundred, so their number fits.
        let mut n = i64::try_from(passed.div_euclid(mean_ns)).unwrap_or_default();
        // The estimate is a window or two off; each round is one nearer.
        while self.start_of(n) > at {
            n -= 1;
        }
        while self.start_of(n + 1) <= at {
            n += 1;
        }
        (self.start_of(n), self.start_of(n + 1))
    }

    /// How long a window is taken to be.
    pub fn nominal(&self) -> Duration {
        self.unit.nominal() * self.n
    }

    /// How long a window never exceeds.
    pub fn longest(&self) -> Duration {
        self.unit.longest() * self.n
    }

    /// The time of its zone that windows are counted from: `2026-01-31 00:00:00`.
    pub fn start_text(&self) -> String {
        self.start.to_string().replace('T', " ")
    }

    pub fn zone_name(&self) -> &str {
        &self.zone_name
    }

    /// `1M`, as OpenSLO writes it.
    pub fn duration_text(&self) -> String {
        format!("{}{}", self.n, self.unit.letter())
    }

    fn nominal_ns(&self) -> i64 {
        i64::try_from(self.nominal().as_nanos()).unwrap_or(i64::MAX).max(1)
    }

    /// The start of a window, by its number; where a calendar ends, windows of equal length go on.
    fn start_of(&self, n: i64) -> i64 {
        self.by_calendar(n).unwrap_or_else(|| {
            let first = self.by_calendar(0).unwrap_or_default();
            first.saturating_add(n.saturating_mul(self.nominal_ns()))
        })
    }

    fn by_calendar(&self, n: i64) -> Option<i64> {
        let units = n.checked_mul(i64::from(self.n))?;
        let zoned = self.start.to_zoned(self.zone.clone()).ok()?;
        let start = zoned.checked_add(self.unit.span(units)?).ok()?;
        i64::try_from(start.timestamp().as_nanosecond()).ok()
    }
}

/// "each month from 2026-01-01 00:00:00 in Europe/Berlin"
impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.unit.word();
        match self.n {
            1 => write!(f, "each {word}")?,
            n => write!(f, "each {n} {word}s")?,
        }
        write!(f, " from {} in {}", self.start_text(), self.zone_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nanos(text: &str) -> i64 {
        let at: jiff::Timestamp = text.parse().unwrap();
        i64::try_from(at.as_nanosecond()).unwrap()
    }

    fn check(calendar: &Calendar, at: &str, expected: (&str, &str)) {
        assert_eq!(calendar.window(nanos(at)), (nanos(expected.0), nanos(expected.1)), "{calendar} at {at}");
    }

    /// Scenario: months of Berlin and days of New York around changes of the clock, and before the anchor.
    /// Guarantees: windows begin at the zone's own midnight or noon; a moment belongs to the window that it begins.
    #[test]
    fn windows_follow_the_zone() {
        let berlin = Calendar::new("2026-01-01 00:00:00", "Europe/Berlin", 1, CalendarUnit::Month).unwrap();
        check(&berlin, "2026-01-15T00:00:00Z", ("2025-12-31T23:00:00Z", "2026-01-31T23:00:00Z"));
        check(&berlin, "2026-03-31T21:59:59Z", ("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"));
        check(&berlin, "2026-03-31T22:00:00Z", ("2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"));
        check(&berlin, "2025-11-01T00:00:00Z", ("2025-10-31T23:00:00Z", "2025-11-30T23:00:00Z"));
        let york = Calendar::new("2020-01-21 12:30:00", "America/New_York", 1, CalendarUnit::Day).unwrap();
        check(&york, "2026-03-08T15:00:00Z", ("2026-03-07T17:30:00Z", "2026-03-08T16:30:00Z"));
        assert_eq!(york.to_string(), "each day from 2020-01-21 12:30:00 in America/New_York");
    }

    /// Scenario: months that are counted from the 31st, and quarters.
    /// Guarantees: short months end early and do not shift those that follow.
    #[test]
    fn months_keep_their_day() {
        let months = Calendar::new("2026-01-31 00:00:00", "UTC", 1, CalendarUnit::Month).unwrap();
        check(&months, "2026-03-01T00:00:00Z", ("2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"));
        check(&months, "2027-04-05T00:00:00Z", ("2027-03-31T00:00:00Z", "2027-04-30T00:00:00Z"));
        let quarters = Calendar::new("2026-01-01 00:00:00", "UTC", 1, CalendarUnit::Quarter).unwrap();
        check(&quarters, "2026-12-31T23:59:59Z", ("2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"));
        assert_eq!(
            (quarters.duration_text(), quarters.start_text()),
            ("1Q".into(), "2026-01-01 00:00:00".into())
        );
    }

    /// Scenario: times and zones that are none, and too many units.
    /// Guarantees: each is refused with what would be accepted.
    #[test]
    fn refusals() {
        let refused = |start, zone, n| Calendar::new(start, zone, n, CalendarUnit::Day).unwrap_err();
        for start in ["2026-02-30 00:00:00", "2026-01-01T00:00:00", "2026-01-01", "1900-01-01 00:00:00", ""] {
            assert!(matches!(refused(start, "UTC", 1), CalendarError::Start { .. }), "{start}");
        }
        assert!(matches!(refused("2026-01-01 00:00:00", "Mars/Olympus", 1), CalendarError::Zone { .. }));
        assert_eq!(refused("2026-01-01 00:00:00", "UTC", 0), CalendarError::Units);
    }

    proptest! {
        /// Scenario: any moment of three centuries, in windows of any unit.
        /// Guarantees: it lies within its window, which is no longer than the longest, and borders on the next one.
        #[test]
        fn every_moment_has_one_window(at in -1_000_000_000_000_000_000_i64..8_000_000_000_000_000_000, unit in 0_usize..6) {
            let unit = CalendarUnit::ALL[unit];
            let calendar = Calendar::new("2026-01-31 02:30:00", "Europe/Berlin", 1, unit).unwrap();
            let (from, to) = calendar.window(at);
            prop_assert!(from <= at && at < to);
            prop_assert!(u128::from(to.abs_diff(from)) <= calendar.longest().as_nanos());
            prop_assert_eq!(calendar.window(to).0, to);
            prop_assert_eq!(calendar.window(from - 1).1, from);
        }
    }
}
