//! Hostile text on its way into a message: made one line, cut to what fits, and escaped for where it goes.
//!
//! Names of services and operations come from telemetry. In a chat they must not ring anybody, in a mail they must not
//! become a header. Lengths are counted in UTF-16 code units: some receivers count these, and none counts more.

/// Behind what was cut.
const ELLIPSIS: &str = "...";

/// What one character becomes.
pub(super) type Escape = fn(char, &mut String);

/// One line without control characters and without those that turn the direction of writing.
pub(super) fn plain(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let spaced: String = text.chars().map(|c| if is_odd(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As much of a text as fits.
pub(super) fn cut(text: &str, units_max: usize) -> String {
    fit(text, units_max, |c, out| out.push(c))
}

/// As much of a text as fits when it is escaped; no escape is cut in half.
pub(super) fn fit(text: &str, units_max: usize, escape: Escape) -> String {
    let (mut fitting, mut escaped) = (String::new(), String::new());
    // How much stays if the whole does not fit.
    let (mut end, mut n_units) = (0, 0);
    for c in text.chars() {
        escaped.clear();
        escape(c, &mut escaped);
        n_units += escaped.encode_utf16().count();
        if n_units > units_max {
            fitting.truncate(end);
            fitting.push_str(ELLIPSIS);
            return fitting;
        }
        fitting.push_str(&escaped);
        if n_units + ELLIPSIS.len() <= units_max {
            end = fitting.len();
        }
    }
    fitting
}

/// The three characters that Slack asks for: with these, `<!channel>` is text.
pub(super) fn slack(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        c => out.push(c),
    }
}

/// Discord takes a backslash before anything that is neither letter nor digit.
pub(super) fn discord(c: char, out: &mut String) {
    backslash(c, "\\*_~`|[]<>#@", out);
}

/// Mattermost takes a backslash before few characters; a mention breaks at a space without width.
pub(super) fn mattermost(c: char, out: &mut String) {
    backslash(c, "\\*_~`|[]>#", out);
    if c == '@' {
        out.push('\u{200b}');
    }
}

/// The little Markdown of cards in Teams. A mention there is an object of its own, which we never make.
pub(super) fn teams(c: char, out: &mut String) {
    backslash(c, "\\*_~`[]#", out);
}

fn backslash(c: char, special: &str, out: &mut String) {
    if special.contains(c) {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Scenario: texts at, below and above a limit, with characters that need two units or grow when escaped.
    /// Guarantees: what fits stays as it is; what does not ends in dots, within the limit and in whole characters.
    #[test]
    fn texts_are_cut_where_they_can_be() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abc...");
        assert_eq!(cut("\u{1f525}\u{1f525}\u{1f525}", 5), "\u{1f525}...");
        assert_eq!(fit("a<b<c", 11, slack), "a&lt;b&lt;c");
        assert_eq!(fit("a<b<c<", 11, slack), "a&lt;b...");
        assert_eq!(cut("", 6), "");
    }

    /// Scenario: text that would ring a whole channel, or lead elsewhere, in each place.
    /// Guarantees: it is shown and does nothing.
    #[test]
    fn mentions_are_text() {
        let hostile = "<!channel> @everyone [x](https://evil.example) `a`";
        let escaped = |escape| fit(hostile, 1_000, escape);
        assert_eq!(escaped(slack), "&lt;!channel&gt; @everyone [x](https://evil.example) `a`");
        assert_eq!(escaped(discord), "\\<!channel\\> \\@everyone \\[x\\](https://evil.example) \\`a\\`");
        assert_eq!(
            escaped(mattermost),
            "<!channel\\> @\u{200b}everyone \\[x\\](https://evil.example) \\`a\\`"
        );
        assert_eq!(escaped(teams), "<!channel> @everyone \\[x\\](https://evil.example) \\`a\\`");
    }

    /// Scenario: line breaks, tabs and marks that turn the writing around.
    /// Guarantees: one line is left, with single spaces.
    #[test]
    fn one_line_is_left() {
        assert_eq!(plain("a\r\nBcc: b@example.com\t\u{202e}c\u{0}"), "a Bcc: b@example.com c");
        assert_eq!(plain(" \n "), "");
    }

    proptest! {
        /// Scenario: any text, any limit that holds the dots, any place.
        /// Guarantees: it fits, and what was not cut ends as it should.
        #[test]
        fn anything_fits(text in ".{0,80}", units_max in 3_usize..60) {
            for escape in [slack as Escape, discord, mattermost, teams] {
                let fitted = fit(&text, units_max, escape);
                prop_assert!(fitted.encode_utf16().count() <= units_max);
            }
        }
    }
}
