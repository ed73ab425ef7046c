//! Units as they are sent, brought to seconds, bytes and shares.

/// What a value in this unit is multiplied with to be in seconds, in bytes or a share; none for other units, and
/// where the unit says nothing. Micrometer writes words where others write UCUM.
pub(super) fn factor(unit: &str) -> Option<f64> {
    let factor = match unit {
        "ns" | "nanoseconds" => 1e-9,
        "us" | "\u{b5}s" | "microseconds" => 1e-6,
        "ms" | "milliseconds" => 1e-3,
        "s" | "seconds" | "By" | "B" | "bytes" => 1.0,
        "min" | "minutes" => 60.0,
        "h" | "hours" => 3600.0,
        "kBy" => 1e3,
        "MBy" => 1e6,
        "GBy" => 1e9,
        "KiBy" => 1024.0,
        "MiBy" => 1_048_576.0,
        "GiBy" => 1_073_741_824.0,
        "%" | "percent" => 0.01,
        _ => return None,
    };
    Some(factor)
}

#[cfg(test)]
mod tests {
    use super::factor;

    /// Scenario: one length of time, one size and one share in the units that senders use.
    /// Guarantees: each comes out the same; what says nothing is told apart from a factor of one.
    #[test]
    fn units_meet() {
        for (value, unit) in [(2e9, "ns"), (2000.0, "ms"), (2000.0, "milliseconds"), (2.0, "s")] {
            assert!((value * factor(unit).expect("known") - 2.0).abs() < 1e-9, "{unit}");
        }
        assert_eq!([factor("KiBy"), factor("bytes"), factor("%")], [Some(1024.0), Some(1.0), Some(0.01)]);
        assert_eq!([factor(""), factor("1"), factor("{request}")], [None; 3]);
    }
}
