//! Numbers and times as people read them, for sentences.

/// A duration of nanoseconds with three digits: `1.53 s`, `412 ms`, `85 us`.
pub(super) fn duration(ns: f64) -> String {
    let (size, unit) = match ns.abs() {
        9.995e10.. => return format!("{:.0} s", ns / 1e9),
        9.995e8.. => (1e9, "s"),
        9.995e5.. => (1e6, "ms"),
        _ => (1e3, "us"),
    };
    format!("{} {unit}", three_digits(ns / size))
}

/// `0.08 %`, `12.6 %`, `87 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let text = match percent.abs() {
        1.0.. => format!("{percent:.1}"),
        _ => format!("{percent:.2}"),
    };
    format!("{} %", trimmed(&text))
}

/// `3.4 times`, `59 times`.
pub(super) fn times(ratio: f64) -> String {
    format!("{} times", trimmed(&three_digits(ratio)))
}

/// Seconds and more, for how far two moments lie apart: `29 s`, `6 min`, `2 h`.
pub(super) fn apart(ns: i64) -> String {
    let seconds = ns.unsigned_abs() / 1_000_000_000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h", (seconds + 1_800) / 3_600),
    }
}

/// Time of day in UTC to the second.
pub(super) fn clock(ns: i64) -> String {
    let seconds = ns.div_euclid(1_000_000_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02} UTC", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A whole number with commas.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 request`, `2 requests`.
pub(super) fn counted(n: u64, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

/// Text from outside, short enough for a sentence.
pub(super) fn shortened(text: &str, n_chars_max: usize) -> String {
    match text.char_indices().nth(n_chars_max) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn three_digits(number: f64) -> String {
    match number.abs() {
        99.95.. => format!("{number:.0}"),
        9.995.. => trimmed(&format!("{number:.1}")).to_owned(),
        _ => trimmed(&format!("{number:.2}")).to_owned(),
    }
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: small, middling and large numbers of each kind.
    /// Guarantees: three digits in the unit that people would choose.
    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [0.0, 85_000.0, 4.12e8, 1.528e9, 2e11].map(duration),
            ["0 us", "85 us", "412 ms", "1.53 s", "200 s"]
        );
        assert_eq!([0.0008, 0.126, 0.87, 1.0].map(percent), ["0.08 %", "12.6 %", "87 %", "100 %"]);
        assert_eq!([3.41, 59.2, 390.0].map(times), ["3.41 times", "59.2 times", "390 times"]);
        assert_eq!([29, 360, 9_000].map(|s| apart(s * 1_000_000_000)), ["29 s", "6 min", "3 h"]);
        assert_eq!(clock(1_764_000_000_123_456_789), "16:00:00 UTC");
        assert_eq!(clock(-1), "23:59:59 UTC");
        assert_eq!([0, 999, 16_086, 1_000_000].map(count), ["0", "999", "16,086", "1,000,000"]);
        assert_eq!((counted(1, "trace"), counted(2, "trace")), ("1 trace".to_owned(), "2 traces".to_owned()));
        assert_eq!(
            (shortened("grosse", 5), shortened("gross", 5)),
            ("gross...".to_owned(), "gross".to_owned())
        );
        let words = ["a", "b", "c"].map(str::to_owned);
        assert_eq!((listed(&words), listed(&words[..1])), ("a, b and c".to_owned(), "a".to_owned()));
    }
}
