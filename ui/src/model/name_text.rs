//! Makes names that telemetry brought harmless and readable: services, operations, metrics, keys.
//!
//! A name may be empty, longer than a page, or hold characters that are invisible or turn the reading
//! direction around. What would not be seen is written out, blank names say so, long ones are cut. The
//! result is shown as text and never as markup; links and questions to the API keep the raw name.

use super::log_text::push_visible;

/// Shown instead of a name without a visible character.
pub const BLANK: &str = "(blank)";
/// Characters of a name that a place of its own carries; the style sheet cuts earlier where it must.
const SHOWN_CHARS_MAX: usize = 200;
/// Characters of a name inside a sentence or the list of a select.
const INLINE_CHARS_MAX: usize = 60;
/// Characters of a title: what a browser's tooltip can show.
const TITLE_CHARS_MAX: usize = 2_000;

/// For an element of its own.
pub fn shown(name: &str) -> String {
    cut(name, SHOWN_CHARS_MAX)
}

/// For the title of that element.
pub fn title(name: &str) -> String {
    cut(name, TITLE_CHARS_MAX)
}

/// For a sentence, an attribute or another place that cannot hold elements: short, and isolated from
/// the direction of the words around it.
pub fn inline(name: &str) -> String {
    let text = cut(name, INLINE_CHARS_MAX);
    // First strong isolate and its end; only names that need it carry them along.
    if text.chars().any(is_right_to_left) { format!("\u{2068}{text}\u{2069}") } else { text }
}

/// Several names, as `inline` each.
pub fn inline_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(inline).collect::<Vec<_>>().join(", ")
}

fn cut(name: &str, chars_max: usize) -> String {
    if name.chars().all(|c| c.is_whitespace() || is_blank_letter(c)) {
        return BLANK.to_owned();
    }
    let mut out = String::new();
    for (n, c) in name.chars().enumerate() {
        if n == chars_max {
            out.push('\u{2026}');
            break;
        }
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c => push_visible(c, &mut out),
        }
    }
    out
}

/// Letters by their class, and yet without a picture.
fn is_blank_letter(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// Letters that are written from right to left, by their blocks.
fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}'
        | '\u{fb1d}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefc}'
        | '\u{10800}'..='\u{10fff}'
        | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: names with a direction override, control characters, a terminal escape and line feeds.
    /// Guarantees: each of them can be seen, on one line.
    #[test]
    fn hostile_characters_are_written_out() {
        assert_eq!(shown("user\u{202e}gpj.exe"), "user<U+202E>gpj.exe");
        assert_eq!(shown("a\0b\u{8}\u{1b}[31mc"), "a\\0b\\x08\\x1b[31mc");
        assert_eq!(shown("a\nb\tc\rd"), "a\\nb\\tc\\rd");
        assert_eq!(shown("soft\u{ad}hyphen\u{61c}"), "soft<U+00AD>hyphen<U+061C>");
        assert_eq!(shown("<b>x</b>"), "<b>x</b>");
    }

    /// Scenario: names that are empty, of blanks only, and of letters without a picture.
    /// Guarantees: the place says that the name is blank.
    #[test]
    fn blank_names_say_so() {
        for name in ["", " ", " \t\n", "\u{a0}\u{3000}", "\u{3164}"] {
            assert_eq!([shown(name), title(name), inline(name)], [BLANK, BLANK, BLANK], "{name:?}");
        }
        assert_eq!(shown(" x "), " x ");
    }

    /// Scenario: a name of ten thousand characters.
    /// Guarantees: each place carries a bounded part of it and marks the cut.
    #[test]
    fn long_names_are_cut() {
        let long = "\u{e9}".repeat(10_000);
        for (text, chars_max) in [(shown(&long), 200), (title(&long), 2_000), (inline(&long), 60)] {
            assert_eq!(text.chars().count(), chars_max + 1);
            assert!(text.ends_with('\u{2026}'));
        }
        assert_eq!(shown(&"x".repeat(200)), "x".repeat(200));
    }

    /// Scenario: a Hebrew name inside an English sentence, and a plain one.
    /// Guarantees: the Hebrew one is isolated, the plain one is left as it is.
    #[test]
    fn directions_are_isolated() {
        assert_eq!(inline("\u{5e9}\u{5dc}"), "\u{2068}\u{5e9}\u{5dc}\u{2069}");
        assert_eq!(inline_list(["checkout", "web"]), "checkout, web");
    }
}
