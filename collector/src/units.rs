//! Durations, sizes and moments as people write them: `300ms`, `7d`, `64MiB`, `now-1h`.
//!
//! Used by the configuration and by query parameters. A number without a unit is refused, never guessed.
//! Think twice before adding anything here.

use std::time::Duration;

const DURATION_UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// What to write instead, for messages about durations.
pub(crate) const DURATION_HINT: &str =
    "write a number and a unit (ns, us, ms, s, m, h, d, w), such as \"300ms\" or \"7d\"";

/// What to write instead, for messages about sizes.
pub(crate) const SIZE_HINT: &str =
    "write a number and a unit (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB), such as \"64MiB\"";

/// What to write instead, for messages about moments.
pub(crate) const MOMENT_HINT: &str =
    "write epoch milliseconds, RFC 3339 such as 2026-01-31T12:00:00Z, or now, now-15m (units s m h d w)";

const NANOS_PER_MILLI: i64 = 1_000_000;

/// Unix nanoseconds of a moment at `now`; see `MOMENT_HINT` for the forms.
pub(crate) fn moment(text: &str, now: i64) -> Option<i64> {
    if let Some(ago) = text.strip_prefix("now") {
        return if ago.is_empty() { Some(now) } else { before(now, ago.strip_prefix('-')?) };
    }
    if let Ok(millis) = text.parse::<i64>() {
        return millis.checked_mul(NANOS_PER_MILLI);
    }
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(timestamp.as_nanosecond()).ok()
}

fn before(now: i64, ago: &str) -> Option<i64> {
    // Whole seconds and above: finer ones are a slip of the hand for minutes (ms and m).
    let is_coarse = ago.ends_with(['s', 'm', 'h', 'd', 'w'])
        && ago.strip_suffix('s').is_none_or(|rest| rest.ends_with(|c: char| c.is_ascii_digit()));
    let ago = duration(ago).filter(|_| is_coarse)?;
    now.checked_sub(i64::try_from(ago.as_nanos()).ok()?)
}

/// Nanoseconds; 292 years and more count as 292 years.
pub(crate) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// `None` for anything but digits, an optional fraction and a known unit, and for what 64 bits of nanoseconds do not hold.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    scaled(text, DURATION_UNITS).map(Duration::from_nanos)
}

/// Bytes; `None` as for `duration`. Units are matched without regard to case.
pub(crate) fn size(text: &str) -> Option<u64> {
    scaled(text, SIZE_UNITS)
}

/// The duration in its largest whole unit, as `duration` reads it.
pub(crate) fn show_duration(duration: Duration) -> String {
    show(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), DURATION_UNITS)
}

/// The size in its largest whole binary unit, as `size` reads it.
pub(crate) fn show_size(bytes: u64) -> String {
    let binary = SIZE_UNITS.iter().filter(|(name, _)| *name == "B" || name.contains('i'));
    show(bytes, &binary.copied().collect::<Vec<_>>())
}

/// A size for people to compare: rounded, which `show_size` is not.
pub(crate) fn shown_bytes(bytes: u64) -> String {
    let factor = |(name, factor): &&(&str, u64)| name.contains('i') && bytes >= *factor;
    match SIZE_UNITS.iter().rev().find(factor) {
        Some((name, factor)) => format!("{:.1} {name}", bytes as f64 / *factor as f64),
        None => format!("{bytes} B"),
    }
}

fn show(value: u64, units: &[(&str, u64)]) -> String {
    let whole = units.iter().rev().find(|(_, factor)| value != 0 && value.is_multiple_of(*factor));
    let (name, factor) = whole.unwrap_or(&units[0]);
    format!("{}{name}", value / factor)
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(unit_at);
    let unit = unit.trim_start();
    let exact = units.iter().find(|(name, _)| *name == unit);
    let (_, factor) = exact.or_else(|| units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)))?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole = digits(whole)?.checked_mul(u128::from(*factor))?;
    // Twelve digits after the point are finer than any unit here can show.
    let fraction = fraction.get(..fraction.len().min(12))?;
    let part = digits(fraction)? * u128::from(*factor) / 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    u64::try_from(whole.checked_add(part)?).ok()
}

fn digits(text: &str) -> Option<u128> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) { None } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: durations and sizes as people write them.
    /// Guarantees: known units scale exactly, fractions included.
    #[test]
    fn reads_what_people_write() {
        assert_eq!(duration("300ms"), Some(Duration::from_millis(300)));
        assert_eq!(duration("7d"), Some(Duration::from_secs(7 * 86_400)));
        assert_eq!(duration("1.5 s"), Some(Duration::from_millis(1_500)));
        assert_eq!(duration("0s"), Some(Duration::ZERO));
        assert_eq!(size("64MiB"), Some(64 << 20));
        assert_eq!(size("64mib"), Some(64 << 20));
        assert_eq!(size("1.5 GB"), Some(1_500_000_000));
    }

    /// Scenario: no unit, unknown units, signs, several numbers, values past 64 bits.
    /// Guarantees: each is refused; none is guessed or wrapped.
    #[test]
    fn refuses_the_rest() {
        for text in
            ["", "7", "d", "7x", "-7d", "+7d", "1h30m", "1..5s", ".5s", "1e3s", "99999999999999999w", "7 d d"]
        {
            assert_eq!(duration(text), None, "{text:?}");
        }
        for text in ["", "64", "MiB", "64 miles", "-1MiB", "99999999TiB"] {
            assert_eq!(size(text), None, "{text:?}");
        }
    }

    /// Scenario: values are shown in messages.
    /// Guarantees: what is shown reads back as the same value.
    #[test]
    fn shows_what_it_reads() {
        for text in ["7d", "90s", "300ms", "0ns", "36h"] {
            let value = duration(text).expect("valid");
            assert_eq!(duration(&show_duration(value)), Some(value), "{text}");
        }
        assert_eq!(show_duration(Duration::from_secs(7 * 86_400)), "1w");
        assert_eq!(show_size(64 << 20), "64MiB");
        assert_eq!(show_size(1_000), "1000B");
    }
}
