//! Time ranges as people write them and as the address bar keeps them.
//!
//! A bound is `now`, `now-15m` or milliseconds since 1970; the server understands all three, so a
//! relative range needs no clock here. Free text of the picker is turned into such a pair.

use crate::format::{self, Zone};
use crate::model::civil;
use wire::UnixNanos;

/// Label and lower bound of the presets, all of them ending now.
pub const PRESETS: [(&str, &str); 11] = [
    ("5 min", "now-5m"),
    ("15 min", "now-15m"),
    ("30 min", "now-30m"),
    ("1 h", "now-1h"),
    ("3 h", "now-3h"),
    ("6 h", "now-6h"),
    ("12 h", "now-12h"),
    ("24 h", "now-24h"),
    ("2 d", "now-2d"),
    ("7 d", "now-7d"),
    ("30 d", "now-30d"),
];

const NOW: &str = "now";
const FROM_DEFAULT: &str = "now-1h";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeRange {
    pub from: String,
    pub to: String,
}

impl TimeRange {
    /// The range of an address; a missing or unreadable bound takes its default.
    pub fn of(from: Option<&str>, to: Option<&str>) -> Self {
        let bound = |text: Option<&str>, default: &str| {
            text.filter(|text| is_bound(text)).unwrap_or(default).to_owned()
        };
        Self { from: bound(from, FROM_DEFAULT), to: bound(to, NOW) }
    }

    pub fn absolute(from_ms: i64, to_ms: i64) -> Self {
        Self { from: from_ms.min(to_ms).to_string(), to: to_ms.max(from_ms).to_string() }
    }

    /// True when the range moves with the clock.
    pub fn is_relative(&self) -> bool {
        self.to == NOW
    }

    /// Bounds in milliseconds since 1970, `now_ms` standing for now.
    pub fn resolve(&self, now_ms: i64) -> (i64, i64) {
        (resolve(&self.from, now_ms), resolve(&self.to, now_ms))
    }

    /// For the picker's button: relative bounds as written, absolute ones as times of day.
    pub fn label(&self, zone: Zone, now_ms: i64) -> String {
        let (from_ms, to_ms) = self.resolve(now_ms);
        let is_today = from_ms.div_euclid(civil::MS_PER_DAY) == now_ms.div_euclid(civil::MS_PER_DAY)
            && to_ms - from_ms < civil::MS_PER_DAY;
        let text = |bound: &str, at_ms: i64| match bound.parse::<i64>() {
            Ok(_) if is_today => format::time_of_minute(UnixNanos::from_millis(at_ms), zone),
            Ok(_) => format::date_minute(UnixNanos::from_millis(at_ms), zone),
            Err(_) => bound.to_owned(),
        };
        format!("{} \u{2013} {}", text(&self.from, from_ms), text(&self.to, to_ms))
    }
}

fn is_bound(text: &str) -> bool {
    text == NOW
        || text.parse::<i64>().is_ok()
        || text.strip_prefix("now-").is_some_and(|ago| span_ms(ago).is_ok())
}

fn resolve(bound: &str, now_ms: i64) -> i64 {
    match bound.strip_prefix("now-") {
        Some(ago) => now_ms - span_ms(ago).unwrap_or_default(),
        None => bound.parse().unwrap_or(now_ms),
    }
}

/// Milliseconds of `15m`, `2h`, `7d`; the message names what is wrong.
pub fn span_ms(text: &str) -> Result<i64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (amount, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => civil::MS_PER_DAY,
        "w" => 7 * civil::MS_PER_DAY,
        _ => return Err(format!("Unknown unit \u{201c}{unit}\u{201d}; use s, m, h, d or w.")),
    };
    let amount =
        amount.parse::<i64>().map_err(|_| "Write a number before the unit, as in 15m.".to_owned())?;
    amount.checked_mul(unit_ms).ok_or_else(|| "That is longer than time itself.".to_owned())
}

/// Reads `15m`, `now-15m`, `now-1h to now-30m`, `2026-11-22 09:00 to 10:00`, `09:00 to 10:00` or two
/// numbers of milliseconds. `zone` and `now_ms` complete what was left out.
pub fn parse(text: &str, zone: Zone, now_ms: i64) -> Result<TimeRange, String> {
    let text = text.trim().replace(" \u{2013} ", " to ");
    let (from, to) = match text.split_once(" to ") {
        Some((from, to)) => (from.trim(), to.trim()),
        None => (text.as_str(), NOW),
    };
    let today = format::date(UnixNanos::from_millis(now_ms), zone);
    let from_bound = parse_bound(from, &today, zone)?;
    let day = from.split_once([' ', 'T']).map_or(today.as_str(), |(day, _)| day);
    let range = TimeRange { from: from_bound, to: parse_bound(to, day, zone)? };
    let (from_ms, to_ms) = range.resolve(now_ms);
    if from_ms < to_ms { Ok(range) } else { Err("The range ends before it begins.".to_owned()) }
}

fn parse_bound(text: &str, day: &str, zone: Zone) -> Result<String, String> {
    if is_bound(text) {
        return Ok(text.to_owned());
    }
    if let Some(ago) = text.strip_prefix("now-") {
        return span_ms(ago).map(|_| text.to_owned());
    }
    if text.contains(':') || text.contains('-') {
        return parse_moment(text, day, zone).map(|at_ms| at_ms.to_string()).ok_or_else(|| {
            format!("Cannot read \u{201c}{text}\u{201d}; write 2026-11-22 09:00, 09:00 or 15m.")
        });
    }
    span_ms(text).map(|_| format!("now-{text}"))
}

/// `2026-11-22`, `2026-11-22 09:00[:30]`, `2026-11-22T09:00:30Z` or `09:00` of `day`.
fn parse_moment(text: &str, day: &str, zone: Zone) -> Option<i64> {
    let (text, zone) = match text.strip_suffix('Z') {
        Some(text) => (text, Zone::Utc),
        None => (text, zone),
    };
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) => (date, time),
        None if text.contains(':') => (day, text),
        None => (text, "00:00"),
    };
    let mut date = date.splitn(3, '-').map(|part| part.parse::<u32>().ok());
    let mut time = time.splitn(3, ':').map(|part| part.parse::<u32>().ok());
    let at = civil::Civil {
        year: i64::from(date.next()??),
        month: date.next()??,
        day: date.next()??,
        hour: time.next()??,
        minute: time.next()??,
        second: time.next().unwrap_or(Some(0))?,
        milli: 0,
    };
    let at_ms = civil::to_millis(&at)?;
    Some(at_ms - i64::from(zone.offset_min(at_ms)) * 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T12:16:00Z.
    const NOW_MS: i64 = 1_795_349_760_000;

    fn check(text: &str, from: &str, to: &str) {
        let range = parse(text, Zone::Utc, NOW_MS).expect(text);
        assert_eq!((range.from.as_str(), range.to.as_str()), (from, to), "{text}");
    }

    /// Scenario: every form the picker promises is typed.
    /// Guarantees: each becomes the pair of bounds that the API takes.
    #[test]
    fn reads_free_text() {
        check("15m", "now-15m", "now");
        check("now-15m", "now-15m", "now");
        check("now-1h to now-30m", "now-1h", "now-30m");
        check("2026-11-22 09:00 to 10:00", "1795338000000", "1795341600000");
        check("09:00 to 10:00", "1795338000000", "1795341600000");
        check("2026-11-22T09:00:30Z to now", "1795338030000", "now");
        check("1795338000000 to 1795341600000", "1795338000000", "1795341600000");
        check("11:50 \u{2013} 12:16", "1795348200000", "1795349760000");
    }

    /// Scenario: text that means nothing.
    /// Guarantees: the message names the fault.
    #[test]
    fn names_the_fault() {
        let message = |text| parse(text, Zone::Utc, NOW_MS).expect_err(text);
        assert_eq!(message("now-15x"), "Unknown unit \u{201c}x\u{201d}; use s, m, h, d or w.");
        assert_eq!(message("10:00 to 09:00"), "The range ends before it begins.");
        assert!(message("2026-13-01 09:00").starts_with("Cannot read"));
    }

    /// Scenario: an address with good, bad and missing bounds.
    /// Guarantees: bad ones fall back, and the label says what is shown.
    #[test]
    fn falls_back_and_labels() {
        assert_eq!(TimeRange::of(Some("yesterday"), None), TimeRange::of(None, Some("now")));
        let label = |range: TimeRange| range.label(Zone::Utc, NOW_MS);
        assert_eq!(label(TimeRange::of(None, None)), "now-1h \u{2013} now");
        assert_eq!(label(TimeRange::absolute(1_795_349_760_000, 1_795_348_200_000)), "11:50 \u{2013} 12:16");
        assert_eq!(
            label(TimeRange::absolute(1_795_000_000_000, 1_795_001_000_000)),
            "2026-11-18 11:06 \u{2013} 2026-11-18 11:23"
        );
    }
}
