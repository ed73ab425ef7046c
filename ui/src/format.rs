//! Numbers and times as text, one way everywhere.
//!
//! Three significant digits, a space before the unit, percentages with one decimal under ten, an en
//! dash for what is missing (never a zero). Units step ns, us, ms, s; from 100 s on two units are used.

use crate::model::civil::{self, Civil};
use crate::model::decimal::fixed;
use wire::UnixNanos;

/// Shown where there is no value.
pub const MISSING: &str = "\u{2013}";

/// In which zone times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    Utc,
    /// The browser's.
    Local,
}

impl Zone {
    pub fn name(self) -> &'static str {
        match self {
            Self::Utc => "UTC",
            Self::Local => "local",
        }
    }

    /// Minutes ahead of UTC at `at_ms`.
    pub fn offset_min(self, at_ms: i64) -> i32 {
        match self {
            Self::Utc => 0,
            Self::Local => crate::clock::local_offset_min(at_ms),
        }
    }
}

/// `842 ns`, `38 ms`, `1.94 s`, `2 h 38 min`.
pub fn duration(ns: i64) -> String {
    let n = ns.unsigned_abs();
    let sign = if ns < 0 { "\u{2212}" } else { "" };
    let text = match n {
        0..1_000 => format!("{n} ns"),
        1_000..999_500 => format!("{} \u{b5}s", three_digits(n as f64 / 1e3)),
        999_500..999_500_000 => format!("{} ms", three_digits(n as f64 / 1e6)),
        999_500_000..100_000_000_000 => format!("{} s", three_digits(n as f64 / 1e9)),
        _ => two_units(n / 1_000_000_000),
    };
    format!("{sign}{text}")
}

/// A duration or the mark for none.
pub fn duration_or_missing(ns: Option<i64>) -> String {
    ns.map_or_else(|| MISSING.to_owned(), duration)
}

/// `+612 ms`, with a true minus below zero.
pub fn offset(ns: i64) -> String {
    if ns < 0 { duration(ns) } else { format!("+{}", duration(ns)) }
}

/// Two units of a long time: `2 h 38 min`, `5 min 3 s`, `3 d 9 h`.
fn two_units(seconds: u64) -> String {
    let (large, small, size, part) = match seconds {
        0..3_600 => ("min", "s", 60, 1),
        3_600..86_400 => ("h", "min", 3_600, 60),
        _ => ("d", "h", 86_400, 3_600),
    };
    match seconds % size / part {
        0 => format!("{} {large}", seconds / size),
        rest => format!("{} {large} {rest} {small}", seconds / size),
    }
}

/// Three significant digits without trailing zeros: `1.94`, `38`, `154`, `0.42`.
pub fn three_digits(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        _ if size >= 99.95 => 0,
        _ if size >= 9.995 => 1,
        _ => 2,
    };
    let text = fixed(value, decimals);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `842`, `38,350`, `51.2 M`. Show `exact` on hover where it may be abbreviated.
pub fn count(n: u64) -> String {
    match n {
        0..100_000 => exact(n),
        100_000..999_500 => format!("{} k", three_digits(n as f64 / 1e3)),
        999_500..999_500_000 => format!("{} M", three_digits(n as f64 / 1e6)),
        _ => format!("{} G", three_digits(n as f64 / 1e9)),
    }
}

/// All digits, in groups of three.
pub fn exact(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `128 spans`, `1 span`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// `25/s`, `0.4/s`, `6,870/s`; rates too small for two decimals are given per minute or hour.
pub fn rate(per_s: f64) -> String {
    match per_s {
        _ if per_s <= 0.0 => "0/s".to_owned(),
        _ if per_s >= 1_000.0 => format!("{}/s", count(per_s.round() as u64)),
        _ if per_s >= 0.1 => format!("{}/s", three_digits(per_s)),
        _ if per_s * 60.0 >= 0.1 => format!("{}/min", three_digits(per_s * 60.0)),
        _ => format!("{}/h", three_digits(per_s * 3_600.0)),
    }
}

/// `3.1 %`, `87 %`; something that rounds to nothing is `< 0.1 %`.
pub fn percent(ratio: f64) -> String {
    let value = ratio * 100.0;
    let size = value.abs();
    match () {
        () if value == 0.0 => "0 %".to_owned(),
        () if size < 0.05 => "< 0.1 %".to_owned(),
        () if size < 9.95 => format!("{} %", fixed(value, 1)),
        // 99.97 % must not read as all of it.
        () if size < 100.0 && size > 99.5 => format!("{} %", trim(&fixed(floor_2(value), 2))),
        () => format!("{} %", fixed(value, 0)),
    }
}

fn floor_2(value: f64) -> f64 {
    (value * 100.0).floor() / 100.0
}

fn trim(text: &str) -> &str {
    text.trim_end_matches('0').trim_end_matches('.')
}

pub fn percent_or_missing(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| MISSING.to_owned(), percent)
}

/// Bytes in powers of 1000: `38 GB`, `1.2 MB`.
pub fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..999_500 => format!("{} kB", three_digits(n as f64 / 1e3)),
        999_500..999_500_000 => format!("{} MB", three_digits(n as f64 / 1e6)),
        999_500_000..999_500_000_000 => format!("{} GB", three_digits(n as f64 / 1e9)),
        _ => format!("{} TB", three_digits(n as f64 / 1e12)),
    }
}

fn civil_of(at: UnixNanos, zone: Zone) -> Civil {
    let at_ms = at.millis();
    civil::from_millis(at_ms + i64::from(zone.offset_min(at_ms)) * 60_000)
}

/// `12:03:20`.
pub fn time(at: UnixNanos, zone: Zone) -> String {
    let c = civil_of(at, zone);
    format!("{:02}:{:02}:{:02}", c.hour, c.minute, c.second)
}

/// `12:03`.
pub fn time_of_minute(at: UnixNanos, zone: Zone) -> String {
    let c = civil_of(at, zone);
    format!("{:02}:{:02}", c.hour, c.minute)
}

/// `12:03:20.204`.
pub fn time_ms(at: UnixNanos, zone: Zone) -> String {
    format!("{}.{:03}", time(at, zone), civil_of(at, zone).milli)
}

/// `2026-11-22`.
pub fn date(at: UnixNanos, zone: Zone) -> String {
    let c = civil_of(at, zone);
    format!("{:04}-{:02}-{:02}", c.year, c.month, c.day)
}

/// `2026-11-22 12:03`.
pub fn date_minute(at: UnixNanos, zone: Zone) -> String {
    format!("{} {}", date(at, zone), time_of_minute(at, zone))
}

/// `2026-11-22 12:03:20.204`, for titles and for what may lie days back.
pub fn date_time(at: UnixNanos, zone: Zone) -> String {
    format!("{} {}", date(at, zone), time_ms(at, zone))
}

/// The time of day, with the date in front when it is not the day of `now`.
pub fn time_near(at: UnixNanos, now: UnixNanos, zone: Zone) -> String {
    let (day, today) = (date(at, zone), date(now, zone));
    if day == today { time(at, zone) } else { format!("{day} {}", time(at, zone)) }
}

/// `4 s ago`, `2 h 38 min ago`, `now`; the future reads as now, because clocks differ.
pub fn ago(at: UnixNanos, now: UnixNanos) -> String {
    match now.0.saturating_sub(at.0) / 1_000_000_000 {
        ..1 => "now".to_owned(),
        seconds @ 1..100 => format!("{seconds} s ago"),
        seconds @ 100..3_600 => format!("{} min ago", seconds / 60),
        seconds => format!("{} ago", two_units(seconds.unsigned_abs())),
    }
}

/// An id for tables: its first eight and last four digits.
pub fn short_id(id: &str) -> String {
    match (id.get(..8), id.get(id.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) if id.len() > 14 => format!("{head}\u{2026}{tail}"),
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: durations from nanoseconds to days.
    /// Guarantees: one unit and three digits, two units from 100 s on, no rounding over a unit's edge.
    #[test]
    fn durations() {
        for (ns, text) in [
            (0, "0 ns"),
            (842, "842 ns"),
            (1_500, "1.5 \u{b5}s"),
            (999_600, "1 ms"),
            (38_000_000, "38 ms"),
            (1_936_412_000, "1.94 s"),
            (99_940_000_000, "99.9 s"),
            (100_000_000_000, "1 min 40 s"),
            (9_492_000_000_000, "2 h 38 min"),
            (292_000_000_000_000, "3 d 9 h"),
            (-31_000_000, "\u{2212}31 ms"),
        ] {
            assert_eq!(duration(ns), text);
        }
        assert_eq!(offset(612_000_000), "+612 ms");
        assert_eq!(duration_or_missing(None), "\u{2013}");
    }

    /// Scenario: counts, rates, shares and bytes of every size.
    /// Guarantees: the digits and units of the design; nothing is shown as zero that is not.
    #[test]
    fn amounts() {
        assert_eq!([count(842), count(38_350), count(51_230_114)], ["842", "38,350", "51.2 M"]);
        assert_eq!(exact(1_234_567), "1,234,567");
        assert_eq!(
            [rate(25.0), rate(0.42), rate(6_870.4), rate(0.05)],
            ["25/s", "0.42/s", "6,870/s", "3/min"]
        );
        assert_eq!(
            [percent(0.0314), percent(0.87), percent(0.0), percent(0.0001), percent(0.9997), percent(1.0)],
            ["3.1 %", "87 %", "0 %", "< 0.1 %", "99.97 %", "100 %"]
        );
        assert_eq!([bytes(999), bytes(38_000_000_000)], ["999 B", "38 GB"]);
    }

    /// Scenario: a point in time and its age.
    /// Guarantees: clock times with as many digits as asked for, quiet relative words.
    #[test]
    fn times() {
        let at = UnixNanos(1_795_349_000_204_000_000);
        assert_eq!(time(at, Zone::Utc), "12:03:20");
        assert_eq!(time_ms(at, Zone::Utc), "12:03:20.204");
        assert_eq!(date_time(at, Zone::Utc), "2026-11-22 12:03:20.204");
        assert_eq!(ago(at, UnixNanos(at.0 + 9_492_000_000_000)), "2 h 38 min ago");
        assert_eq!(ago(at, UnixNanos(at.0 - 5)), "now");
        assert_eq!(short_id("7c1f40b2d96e8a35aabbccddeeffe90a"), "7c1f40b2\u{2026}e90a");
    }
}
