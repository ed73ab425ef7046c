//! Windows that come again every week, by the clock of a time zone.

use super::SilenceError;
use jiff::{
    Timestamp,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};
use std::time::Duration;

const DURATION_MIN: Duration = Duration::from_secs(60);
const DURATION_MAX: Duration = Duration::from_secs(86_400);
/// A window of a day that is still open began on one of so many days: today, yesterday, or the day before where the
/// clock skipped an hour.
const DAYS_BACK: usize = 2;
/// The same day of the next week is the latest on which the next window begins; one more, because that day may lack
/// the hour.
const DAYS_AHEAD: usize = 15;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// As somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecurrenceSpec {
    /// `mon` to `sun`; every day where there are none.
    pub days: Vec<String>,
    /// `22:00`.
    pub at: String,
    pub duration: Duration,
    /// Of the IANA database.
    pub zone: String,
}

/// On which days windows begin, when, and for how long they last.
#[derive(Debug, Clone)]
pub(super) struct Recurrence {
    days: Vec<Weekday>,
    at: Time,
    duration_ns: i64,
    zone: TimeZone,
}

impl Recurrence {
    pub(super) fn new(spec: RecurrenceSpec) -> Result<Self, SilenceError> {
        let days = spec.days.iter().map(|text| day(text)).collect::<Result<Vec<_>, _>>()?;
        if !(DURATION_MIN..=DURATION_MAX).contains(&spec.duration) {
            return Err(SilenceError::Duration);
        }
        let zone = TimeZone::get(&spec.zone).map_err(|_| SilenceError::Zone { text: shown(&spec.zone) })?;
        let duration_ns = i64::try_from(spec.duration.as_nanos()).map_err(|_| SilenceError::Duration)?;
        Ok(Self { days, at: time(&spec.at)?, duration_ns, zone })
    }

    /// The window that holds a moment; of several that overlap the one that ends last.
    pub(super) fn window_around(&self, at: i64) -> Option<(i64, i64)> {
        let today = self.date_of(at)?;
        let dates = std::iter::successors(Some(today), |date| date.yesterday().ok()).take(DAYS_BACK + 1);
        let windows = dates.filter_map(|date| self.window_of(date));
        windows.filter(|(from, to)| (*from..*to).contains(&at)).max_by_key(|(_, to)| *to)
    }

    /// When the first window after a moment begins.
    pub(super) fn next_after(&self, at: i64) -> Option<i64> {
        let today = self.date_of(at)?;
        let mut dates = std::iter::successors(Some(today), |date| date.tomorrow().ok()).take(DAYS_AHEAD);
        dates.find_map(|date| self.window_of(date).map(|(from, _)| from).filter(|from| *from > at))
    }

    fn date_of(&self, at: i64) -> Option<Date> {
        let at = Timestamp::from_nanosecond(i128::from(at)).ok()?;
        Some(at.to_zoned(self.zone.clone()).date())
    }

    /// The window that begins on a day. Where the clock skips its hour it begins when the clock has gone on.
    fn window_of(&self, date: Date) -> Option<(i64, i64)> {
        if !self.days.is_empty() && !self.days.contains(&date.weekday()) {
            return None;
        }
        let start = date.to_datetime(self.at).to_zoned(self.zone.clone()).ok()?;
        let from = i64::try_from(start.timestamp().as_nanosecond()).ok()?;
        Some((from, from.saturating_add(self.duration_ns)))
    }
}

fn day(text: &str) -> Result<Weekday, SilenceError> {
    let known = DAYS.into_iter().find(|(word, _)| *word == text);
    known.map(|(_, day)| day).ok_or_else(|| SilenceError::Day { text: shown(text) })
}

/// Hours and minutes, two digits each.
fn time(text: &str) -> Result<Time, SilenceError> {
    let parsed = || {
        let (hour, minute) = text.split_once(':')?;
        let number = |digits: &str| {
            let is_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_two.then(|| digits.parse::<i8>().ok()).flatten()
        };
        Time::new(number(hour)?, number(minute)?, 0, 0).ok()
    };
    parsed().ok_or_else(|| SilenceError::Time { text: shown(text) })
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}
