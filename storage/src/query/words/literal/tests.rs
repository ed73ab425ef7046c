//! What patterns demand, and that no match can do without it.

use super::{of_like, of_phrase, of_regex};
use crate::words::{push_folded, words};
use arrow::array::{Scalar, StringArray};
use arrow::compute::kernels::comparison::{ilike, like, regexp_is_match_scalar};
use proptest::prelude::*;
use std::collections::HashSet;

/// Scenario: patterns as people write them.
/// Guarantees: whole words are demanded, parts of words and what may be absent are not.
#[test]
fn finds_the_words_of_patterns() {
    for (pattern, expected) in [
        ("%connection refused by peer%", "refused by"),
        ("%refused%", ""),
        ("Connection refused%", "connection"),
        ("timeout", "timeout"),
        ("%a_b c\\_d e\\%f g%", "c_d e f"),
        ("% caf\u{e9} au lait %", "au lait"),
        ("%a \\x b%", ""),
    ] {
        assert_eq!(of_like(pattern).join(" "), expected, "{pattern}");
    }
    for (pattern, expected) in [
        ("connection refused by peer", "refused by"),
        (r"\bconnection\b refused", "connection"),
        (r"^Order (\d+) not found$", "order not found"),
        (r"(?i)order\s+id=[a-f0-9]+ lost\.", "id lost"),
        (r"order\s*id x", ""),
        ("a b| c d e ", "|c d e"),
        ("time(d)? ?out| refused ", "|refused"),
        (" colou?r x+ y{2} z ", "z"),
        (r" \(ok\) [[:alpha:]\]x] ", "ok"),
        (r"(?x) a b ", ""),
        (r"(?i-u)\bfoo\b", ""),
        (r" \x41bc ", ""),
        (r"(?:a|b) c (?P<n>d) e \b", "c e"),
    ] {
        let alternatives = of_regex(pattern);
        let shown: Vec<String> = alternatives.iter().map(|words| words.join(" ")).collect();
        assert_eq!(shown.join("|"), expected, "{pattern}");
    }
    assert_eq!(of_phrase("Card's 100% \u{c9}t\u{e9}"), ["card", "s", "100", "\u{e9}t\u{e9}"]);
}

fn held(body: &str) -> HashSet<String> {
    let fold = |word: &str| {
        let mut folded = String::new();
        push_folded(&mut folded, word);
        folded
    };
    words(body).map(fold).collect()
}

proptest! {
    /// Scenario: bodies and patterns of few characters, so that many match: letters with odd cases, marks,
    /// wildcards, and the syntax of regular expressions.
    /// Guarantees: a body that matches holds all the words that its pattern demands.
    #[test]
    fn no_match_lacks_a_word(
        body in "[aAbBsSkK\u{17f}\u{212a}\u{e9}\u{c9}\u{b2}\u{661}0_ .\\-\n]{0,12}",
        like_pattern in "[aAbsk\u{17f}0_ .%\\\\]{0,8}",
        regex in r"[aAbsk\u{17f}0_ .\-|*+?^$]{0,6}((\\b|\\s|\\W|\\d|\\w|\(a\)|\[ab\]|\(\?i\)|\{1,2\}| )[aAbsk0_ .\-|*+?^$]{0,4}){0,3}",
    ) {
        let (bodies, held) = (StringArray::from(vec![body.as_str()]), held(&body));
        let text = Scalar::new(StringArray::from(vec![like_pattern.as_str()]));
        let of_like = of_like(&like_pattern);
        let matches = like(&bodies, &text).expect("runs").value(0) || ilike(&bodies, &text).expect("runs").value(0);
        prop_assert!(!matches || of_like.iter().all(|word| held.contains(word)), "{of_like:?}");
        let alternatives = of_regex(&regex);
        for flags in [None, Some("i")] {
            let Ok(matches) = regexp_is_match_scalar(&bodies, &regex, flags) else { continue };
            let demanded = alternatives.is_empty()
                || alternatives.iter().any(|words| words.iter().all(|word| held.contains(word)));
            prop_assert!(!matches.value(0) || demanded, "{alternatives:?} {flags:?}");
        }
    }
}
