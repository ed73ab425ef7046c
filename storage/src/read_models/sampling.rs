//! How many spans a span stands for, as the sampler that kept it says in `tracestate`.
//!
//! OpenTelemetry's member of the list is `ot`, with sub-keys apart by semicolons: `th` is the threshold below which
//! traces were rejected, 1 to 14 hexadecimal digits of a number of 56 bits, trailing zeros left out. Older
//! samplers wrote `p`, the negative logarithm of the probability, with 63 for none at all. What is neither is no
//! statement: the span stands for itself.

/// A weight of one, in the fixed point of the read models.
pub(crate) const ONE_Q16: u64 = 1 << 16;
/// Thresholds have so many bits, four to a digit.
const THRESHOLD_BITS: u32 = 56;
const THRESHOLD_DIGITS_MAX: usize = 14;
/// The value of `p` that stands for a probability of zero.
const P_ZERO: u32 = 63;

/// The weight of a span in 1/65,536, rounded to the nearest; the largest number where it would be larger.
pub(crate) fn weight_q16(trace_state: &str) -> u64 {
    if trace_state.is_empty() {
        return ONE_Q16;
    }
    let Some(value) = value_of(trace_state, ',', '=', "ot") else { return ONE_Q16 };
    let of_threshold = value_of(value, ';', ':', "th").and_then(threshold_weight);
    let weight = of_threshold.or_else(|| value_of(value, ';', ':', "p").and_then(p_weight));
    weight.unwrap_or(ONE_Q16)
}

/// The value of a key in a list; blanks around members do not count.
fn value_of<'a>(list: &'a str, separator: char, equals: char, key: &str) -> Option<&'a str> {
    list.split(separator).find_map(|member| {
        let (name, value) = member.trim_matches([' ', '\t']).split_once(equals)?;
        (name == key).then_some(value)
    })
}

fn threshold_weight(digits: &str) -> Option<u64> {
    // Parsing would take a sign, too.
    let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_number || !(1..=THRESHOLD_DIGITS_MAX).contains(&digits.len()) {
        return None;
    }
    let leading = u64::from_str_radix(digits, 16).ok()?;
    let threshold = leading << (4 * (THRESHOLD_DIGITS_MAX - digits.len()));
    let all = 1_u128 << THRESHOLD_BITS;
    // At least one, since a threshold has 56 bits.
    let kept = all - u128::from(threshold);
    let weight = ((all << 16) + kept / 2) / kept;
    Some(u64::try_from(weight).unwrap_or(u64::MAX))
}

fn p_weight(digits: &str) -> Option<u64> {
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    match digits.parse::<u32>().ok()? {
        P_ZERO => Some(0),
        p if p < P_ZERO => Some(u64::try_from(u128::from(ONE_Q16) << p).unwrap_or(u64::MAX)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Scenario: states of the trace as samplers write them, alone and among others, and such that say nothing.
    /// Guarantees: the weight is the inverse of the probability; a threshold goes before the older form; what cannot
    /// be read counts as one, and nothing panics.
    #[test]
    fn weights_are_inverse_probabilities() {
        let one = ONE_Q16;
        for (trace_state, wanted) in [
            ("", one),
            ("vendor=1", one),
            ("ot=th:0", one),
            ("ot=th:8", 2 * one),
            ("ot=th:c", 4 * one),
            ("ot=th:C", 4 * one),
            ("ot=th:c0000000000000", 4 * one),
            ("vendor=th:8, ot=rv:abcdef01234567;th:c ,other=2", 4 * one),
            // One in ten, as near as five digits come, and one in three.
            ("ot=th:e6666", 655_358),
            ("ot=th:aaaaaaaaaaaaaa", 3 * one),
            // Every span but one in 2^56, and none less.
            ("ot=th:ffffffffffffff", u64::MAX),
            ("ot=p:0", one),
            ("ot=p:3;r:5", 8 * one),
            ("ot=p:47", 1 << 63),
            ("ot=p:48", u64::MAX),
            ("ot=p:63", 0),
            ("ot=th:8;p:3", 2 * one),
            ("ot=p:3;th:8", 2 * one),
            ("ot=th:xyz;p:3", 8 * one),
            ("ot=p:64", one),
            ("ot=p:-1", one),
            ("ot=p:", one),
            ("ot=th:", one),
            ("ot=th:+8", one),
            ("ot=th:000000000000000", one),
            ("tenant@ot=th:8", one),
            ("ot=th", one),
        ] {
            assert_eq!(weight_q16(trace_state), wanted, "{trace_state:?}");
        }
    }

    proptest! {
        /// Scenario: any text, and any threshold.
        /// Guarantees: no panic; the weight of a threshold is within a rounding of what the formula gives.
        #[test]
        fn any_text_has_a_weight(text in "\\PC*", threshold in 0_u64..(1 << 56) - (1 << 30)) {
            let _ = weight_q16(&text);
            let _ = weight_q16(&format!("ot=th:{text}"));
            let found = weight_q16(&format!("ot=th:{threshold:014x}")) as f64;
            let all = (1_u64 << 56) as f64;
            let wanted = all / (all - threshold as f64) * ONE_Q16 as f64;
            prop_assert!((found - wanted).abs() <= 1.0 + wanted * 1e-6, "{} is not {}", found, wanted);
        }
    }
}
