//! Finds the word somebody probably meant.
//!
//! Used for hints in the configuration, on the command line and in the API; it never corrects anything by
//! itself.

/// The known word with the smallest edit distance, if that is small enough to be a slip of the hand:
/// a third of the longer word's letters, at least one.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().map(|candidate| (distance(word, candidate), candidate));
    let (distance, candidate) = near.min_by_key(|(distance, _)| *distance)?;
    let allowed = (word.chars().count().max(candidate.chars().count()) / 3).max(1);
    (distance <= allowed).then_some(candidate)
}

/// Edit distance in characters, case not counted; two swapped neighbours are one edit. Long words are
/// cut: nobody means a known word with 64 letters, and hostile text must not cost quadratic time.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| text.chars().take(64).map(|c| c.to_ascii_lowercase()).collect::<Vec<_>>();
    let (a, b) = (letters(a), letters(b));
    let (mut before_last, mut last): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let replaced = last[j] + usize::from(a[i] != b[j]);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: slips of the hand, and words that are simply something else.
    /// Guarantees: slips find their word, other words find nothing.
    #[test]
    fn finds_slips_only() {
        let known = ["otlp_grpc", "otlp_http", "api", "allow_public"];
        assert_eq!(nearest("otlp_grcp", known), Some("otlp_grpc"));
        assert_eq!(nearest("Allow_publik", known), Some("allow_public"));
        assert_eq!(nearest("apis", known), Some("api"));
        assert_eq!(nearest("form", ["from", "to"]), Some("from"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest("x", []), None);
    }
}
