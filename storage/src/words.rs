//! Words of a text: what `has_word` finds, and what segments of logs know of their bodies.
//!
//! A word is a run of letters, ASCII digits and underscores; its letters count without their case. Everything in
//! it is also a word's to regular expressions, so that their word boundaries are ours. The one who
//! writes an index of words and the ones who ask it must agree, so this is the one place that says so.

/// Does a word go on through this character?
pub(crate) fn is_word_char(c: char) -> bool {
    c == '_' || c.is_ascii_digit() || c.is_alphabetic()
}

/// The character without its case.
pub(crate) fn folded(c: char) -> char {
    match c {
        _ if c.is_ascii() => c.to_ascii_lowercase(),
        // The long s is lower-case already, and still an s to regular expressions that leave case out.
        '\u{17f}' => 's',
        _ => c.to_lowercase().next().unwrap_or(c),
    }
}

/// The words of a text as they stand there, their case and all.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word_char(c)).filter(|word| !word.is_empty())
}

pub(crate) fn push_folded(out: &mut String, word: &str) {
    out.extend(word.chars().map(folded));
}

/// Does the text hold the phrase, whatever the case, with no word going on beyond its ends?
pub(crate) fn has_phrase(text: &str, phrase: &str) -> bool {
    let (Some(first), Some(last)) = (phrase.chars().next(), phrase.chars().next_back()) else { return true };
    let mut before = None;
    for (at, c) in text.char_indices() {
        let starts = !(is_word_char(first) && before.is_some_and(is_word_char));
        before = Some(c);
        if !starts || folded(c) != folded(first) {
            continue;
        }
        let Some(rest) = after(&text[at..], phrase) else { continue };
        if !(is_word_char(last) && rest.chars().next().is_some_and(is_word_char)) {
            return true;
        }
    }
    false
}

/// What follows the phrase, where the text begins with it.
fn after<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    let mut rest = text.chars();
    phrase
        .chars()
        .all(|wanted| rest.next().is_some_and(|c| folded(c) == folded(wanted)))
        .then_some(rest.as_str())
}

#[cfg(test)]
mod tests {
    use super::has_phrase;

    /// Scenario: words at the ends, in the middle, inside others, in other case and other scripts.
    /// Guarantees: a word is found as a whole only, a phrase with its marks as they stand.
    #[test]
    fn finds_whole_words() {
        let text =
            "Payment FAILED: card's 100% declined\nat shop\\pay, order_id=A17 \u{c9}t\u{e9} \u{17f}low";
        for found in [
            "payment",
            "Failed",
            "card's",
            "100",
            "100%",
            "SHOP",
            "pay",
            "order_id",
            "a17",
            "\u{e9}t\u{c9}",
            "slow",
        ] {
            assert!(has_phrase(text, found), "{found}");
        }
        for missed in [
            "pay ment",
            "paymen",
            "ayment",
            "order",
            "id",
            "A1",
            "10",
            "FAILED:card",
            "low",
            "t\u{e9}",
            "declined at",
        ] {
            assert!(!has_phrase(text, missed), "{missed}");
        }
        assert!(has_phrase("repay pay", "pay") && has_phrase("", "") && !has_phrase("", "a"));
        assert!(has_phrase("a: b", ": b") && has_phrase("aa", "aa") && !has_phrase("aaa", "aa"));
    }
}
