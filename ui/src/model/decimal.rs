//! Fractions as text with a fixed number of digits.
//!
//! The standard library writes every fraction exactly and brings the code and tables for it. A reading
//! has three digits and a coordinate one, so rounding a scaled integer is enough.

/// Numbers from here on are written with an exponent.
const LARGE: f64 = 1e15;

/// `1.94` for two decimals, of which there are at most four; halves are rounded away from zero, and nothing is a negative zero.
pub fn fixed(value: f64, decimals: u32) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "NaN" } else { "infinite" }.to_owned();
    }
    if value.abs() >= LARGE {
        return exponential(value, decimals);
    }
    let decimals = decimals.min(4);
    let scale = 10_u64.pow(decimals);
    let scaled = (value.abs() * scale as f64).round() as u64;
    let sign = if value < 0.0 && scaled > 0 { "-" } else { "" };
    match decimals as usize {
        0 => format!("{sign}{scaled}"),
        width => format!("{sign}{}.{:0width$}", scaled / scale, scaled % scale),
    }
}

/// `1.94e-7`, for what is too large or too small to be read otherwise; normal numbers only.
pub fn exponential(value: f64, decimals: u32) -> String {
    let mut exponent = value.abs().log10().floor() as i32;
    let mut digits = value / 10_f64.powi(exponent);
    if digits.abs() >= 9.9995 {
        digits /= 10.0;
        exponent += 1;
    }
    format!("{}e{exponent}", fixed(digits, decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: readings and coordinates of every size, with one to three decimals.
    /// Guarantees: within half a unit of the last digit, and no negative zero.
    #[test]
    fn rounds_as_expected() {
        for value in [0.0, 0.04, 0.05, 1.0, 9.96, 12.345, 999.949, 38_350.7, -1.25, -0.51, 123_456_789.123] {
            for decimals in 1..=3 {
                let ours: f64 = fixed(value, decimals).parse().expect("a number");
                let half = 0.500_001 / 10_f64.powi(decimals.try_into().expect("small"));
                assert!((ours - value).abs() <= half, "{value} {decimals} {ours}");
            }
        }
        assert_eq!([fixed(1.94, 2), fixed(0.5, 0), fixed(-3.0, 1)], ["1.94", "1", "-3.0"]);
        assert_eq!([fixed(-0.001, 1), fixed(7.0, 3)], ["0.0", "7.000"]);
    }

    /// Scenario: what no number of decimals can show.
    /// Guarantees: an exponent with the leading digits, and words for what is no number.
    #[test]
    fn extremes_are_readable() {
        assert_eq!([fixed(1.5e300, 1), fixed(-2e15, 0)], ["1.5e300", "-2e15"]);
        assert_eq!([exponential(0.000_123_4, 2), exponential(9.999_9e-4, 2)], ["1.23e-4", "1.00e-3"]);
        assert_eq!([fixed(f64::NAN, 1), fixed(f64::INFINITY, 1)], ["NaN", "infinite"]);
    }
}
