//! Calendar arithmetic: milliseconds since 1970 to date and time and back, proleptic Gregorian.
//!
//! Zones are a number of minutes that the caller adds; leap seconds do not exist here, as in Unix time.

pub const MS_PER_DAY: i64 = 86_400_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub milli: u32,
}

/// Date and time of a point in time, in UTC.
pub fn from_millis(at_ms: i64) -> Civil {
    let (year, month, day) = date_of(at_ms.div_euclid(MS_PER_DAY));
    let of_day = at_ms.rem_euclid(MS_PER_DAY);
    let part = |unit: i64, modulus: i64| (of_day / unit % modulus) as u32;
    Civil {
        year,
        month,
        day,
        hour: part(3_600_000, 24),
        minute: part(60_000, 60),
        second: part(1_000, 60),
        milli: part(1, 1_000),
    }
}

/// Point in time of a date and time in UTC; none where a field is out of range.
pub fn to_millis(at: &Civil) -> Option<i64> {
    let is_valid = (1..=12).contains(&at.month)
        && (1..=days_in(at.year, at.month)).contains(&at.day)
        && at.hour < 24
        && at.minute < 60
        && at.second < 60
        && at.milli < 1_000
        && (1..=9_999).contains(&at.year);
    let of_day = ((i64::from(at.hour) * 60 + i64::from(at.minute)) * 60 + i64::from(at.second)) * 1_000;
    is_valid.then(|| days_since_1970(at.year, at.month, at.day) * MS_PER_DAY + of_day + i64::from(at.milli))
}

fn days_in(year: i64, month: u32) -> u32 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Years are counted from March so that the leap day comes last; an era has 400 of them.
fn days_since_1970(year: i64, month: u32, day: u32) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * i64::from((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date_of(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year + i64::from(month <= 2), month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: every day from 1900 to 2300 is turned into a date and back.
    /// Guarantees: the way back is exact, and known days have their known dates.
    #[test]
    fn round_trips_every_day() {
        for days in -25_567..120_530 {
            let at_ms = days * MS_PER_DAY + 45_296_789;
            assert_eq!(to_millis(&from_millis(at_ms)), Some(at_ms));
        }
        let leap = from_millis(951_782_400_000);
        assert_eq!((leap.year, leap.month, leap.day), (2000, 2, 29));
    }

    /// Scenario: dates that do not exist.
    /// Guarantees: none of them becomes a point in time.
    #[test]
    fn refuses_impossible_dates() {
        let base = from_millis(1_763_771_696_789);
        for wrong in [
            Civil { month: 2, day: 29, year: 2025, ..base },
            Civil { month: 13, ..base },
            Civil { hour: 24, ..base },
            Civil { day: 0, ..base },
        ] {
            assert_eq!(to_millis(&wrong), None);
        }
    }
}
