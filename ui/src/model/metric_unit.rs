//! UCUM units of metrics as people write them: one unit per chart, `ms`, `GB`, `request/s`.
//!
//! The client's unit is hostile text like everything else; an unknown one is shown as it is, after
//! the number.

use super::chart::Unit;
use wire::MetricView;

/// Units of time with their length in seconds, largest first.
const TIMES: [(&str, f64); 5] = [("h", 3600.0), ("s", 1.0), ("ms", 1e-3), ("\u{b5}s", 1e-6), ("ns", 1e-9)];

/// Decimal prefixes of bytes, largest first.
const BYTES: [(&str, f64); 5] = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0)];

/// How to write the values of a chart whose largest is `max_abs`, sent in `unit`.
pub fn unit_of(max_abs: f64, unit: &str, view: MetricView) -> Unit {
    let per_second = view == MetricView::Rate;
    if let Some(seconds) = time_in_seconds(unit) {
        return time_unit(max_abs * seconds, seconds, per_second);
    }
    if let Some(bytes) = bytes_of(unit) {
        let (name, size) = largest(&BYTES, max_abs * bytes).unwrap_or(("B", 1.0));
        return scaled(bytes / size, name, per_second);
    }
    match unit {
        "1" => scaled(1.0, "", per_second),
        "Cel" => scaled(1.0, "\u{b0}C", per_second),
        other => scaled(1.0, annotation(other), per_second),
    }
}

fn time_unit(max_s: f64, seconds: f64, per_second: bool) -> Unit {
    if per_second {
        // Time spent per second of time is a share; the unit keeps both.
        return scaled(seconds, "s", true);
    }
    // Hours only from two of them on: 5,400 s is easier to compare than 1.5 h beside seconds.
    let skip = usize::from(max_s < 7200.0);
    let (name, size) = largest(&TIMES[skip..], max_s).unwrap_or(("s", 1.0));
    scaled(seconds / size, name, false)
}

fn largest<'a>(units: &[(&'a str, f64)], value: f64) -> Option<(&'a str, f64)> {
    units.iter().find(|(_, size)| value >= *size).copied()
}

fn scaled(factor: f64, name: &str, per_second: bool) -> Unit {
    let suffix = if per_second { format!("{name}/s") } else { name.to_owned() };
    Unit::Scaled { factor, suffix }
}

fn time_in_seconds(unit: &str) -> Option<f64> {
    match unit {
        "ns" => Some(1e-9),
        "us" | "\u{b5}s" => Some(1e-6),
        "ms" => Some(1e-3),
        "s" => Some(1.0),
        "min" => Some(60.0),
        "h" => Some(3600.0),
        "d" => Some(86_400.0),
        _ => None,
    }
}

fn bytes_of(unit: &str) -> Option<f64> {
    match unit {
        "By" => Some(1.0),
        "kBy" => Some(1e3),
        "MBy" => Some(1e6),
        "GBy" => Some(1e9),
        "KiBy" => Some(1024.0),
        "MiBy" => Some(1_048_576.0),
        "GiBy" => Some(1_073_741_824.0),
        _ => None,
    }
}

/// `{request}` is written for people; the braces are for machines.
fn annotation(unit: &str) -> &str {
    unit.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64, unit: &str) -> String {
        unit_of(value.abs(), unit, MetricView::Value).text(value)
    }

    fn rate(value: f64, unit: &str) -> String {
        unit_of(value.abs(), unit, MetricView::Rate).text(value)
    }

    /// Scenario: durations that clients send in seconds, milliseconds, nanoseconds, minutes and days.
    /// Guarantees: one readable unit each, the same for the same length of time.
    #[test]
    fn time_finds_a_readable_size() {
        assert_eq!(text(0.0123, "s"), "12.3 ms");
        assert_eq!(text(12.3, "ms"), "12.3 ms");
        assert_eq!(text(12_300_000.0, "ns"), "12.3 ms");
        assert_eq!(text(0.000_000_5, "s"), "500 ns");
        assert_eq!(text(2.0, "min"), "120 s");
        assert_eq!(text(3.0, "d"), "72 h");
        assert_eq!(text(0.0, "s"), "0 s");
    }

    /// Scenario: bytes, plain numbers, annotations, percent and a unit nobody knows.
    /// Guarantees: bytes in powers of 1000, no braces, unknown units as they were sent.
    #[test]
    fn other_units_read_like_text() {
        assert_eq!(text(1_536_000_000.0, "By"), "1.54 GB");
        assert_eq!(text(2.0, "KiBy"), "2.05 kB");
        assert_eq!(text(42.0, "{request}"), "42 request");
        assert_eq!(text(0.25, "1"), "0.25");
        assert_eq!(text(31.4, "%"), "31.4 %");
        assert_eq!(text(21.0, "Cel"), "21 \u{b0}C");
        assert_eq!(text(7.0, "widget"), "7 widget");
        assert_eq!(text(7.0, ""), "7");
    }

    /// Scenario: counters drawn as increase per second.
    /// Guarantees: the unit says so, also where the counter has none.
    #[test]
    fn rates_carry_per_second() {
        assert_eq!(rate(2500.0, "By"), "2.5 kB/s");
        assert_eq!(rate(3.0, "{request}"), "3 request/s");
        assert_eq!(rate(3.0, "1"), "3 /s");
        assert_eq!(rate(500.0, "ms"), "0.5 s/s");
    }

    /// Scenario: a chart whose largest value is far above its smallest.
    /// Guarantees: all values share the unit of the largest.
    #[test]
    fn one_unit_for_the_whole_chart() {
        assert_eq!(unit_of(1.5, "s", MetricView::Quantiles).text(0.0381), "0.0381 s");
    }
}
