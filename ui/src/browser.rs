//! What every browser brings along and the module therefore need not: tables of letters and of powers.
//!
//! On the host, where the tests run, the standard library does the same.

/// The text in lower case, for comparing without case.
pub fn lower(text: &str) -> String {
    // Nearly all names are of this kind, and there are many.
    if text.is_ascii() { text.to_ascii_lowercase() } else { lower_any(text) }
}

#[cfg(target_arch = "wasm32")]
fn lower_any(text: &str) -> String {
    js_sys::JsString::from(text).to_lower_case().into()
}

#[cfg(not(target_arch = "wasm32"))]
fn lower_any(text: &str) -> String {
    text.to_lowercase()
}

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
/// Whole numbers up to here are exact doubles.
const EXACT_DIGITS_MAX: u64 = 1 << 53;

/// The double nearest to a decimal number; none for what is no number.
pub fn float(text: &str) -> Option<f64> {
    float_exact(text).or_else(|| float_any(text))
}

/// Short numbers: digits and power are exact, so one operation rounds once.
fn float_exact(text: &str) -> Option<f64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1.0, text), |digits| (-1.0, digits));
    let (digits, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mantissa: u64 = [whole, part].concat().parse().ok().filter(|n| *n <= EXACT_DIGITS_MAX)?;
    let exponent = exponent.parse::<i32>().ok()?.checked_sub(i32::try_from(part.len()).ok()?)?;
    let power = *EXACT_POWERS.get(exponent.unsigned_abs() as usize)?;
    let value = mantissa as f64;
    Some(sign * if exponent < 0 { value / power } else { value * power })
}

#[cfg(target_arch = "wasm32")]
fn float_any(text: &str) -> Option<f64> {
    // Unlike parseFloat, it takes the whole text or nothing; an empty one it takes for zero.
    let value = js_sys::Number::new(&text.into()).value_of();
    (!text.is_empty() && !value.is_nan()).then_some(value)
}

#[cfg(not(target_arch = "wasm32"))]
fn float_any(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: numbers as the server writes them, short and long, small and large.
    /// Guarantees: every bit is that of the standard library.
    #[test]
    fn floats_are_exact() {
        for text in [
            "0",
            "-0.0",
            "12",
            "0.1",
            "0.30000000000000004",
            "1.7976931348623157e308",
            "5e-324",
            "1e22",
            "1e23",
            "9007199254740993",
            "123456789.987654321",
            "-4.2E+3",
            "3.0e-7",
        ] {
            let expected: f64 = text.parse().expect(text);
            assert_eq!(float(text).map(f64::to_bits), Some(expected.to_bits()), "{text}");
        }
        assert_eq!([float("x"), float(""), float("1.2.3")], [None, None, None]);
    }

    /// Scenario: names in capitals of several scripts.
    /// Guarantees: each is lowered.
    #[test]
    fn lowers() {
        assert_eq!([lower("CheckOut"), lower("\u{c9}T\u{c9}")], ["checkout", "\u{e9}t\u{e9}"]);
    }
}
