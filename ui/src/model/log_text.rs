//! Makes the text of a log record harmless and readable: no escape sequences, nothing invisible.
//!
//! Log bodies are hostile. What terminals would obey is dropped, what would be invisible or would
//! turn the reading direction is written out. The result is shown as a text node and never as markup.

/// Longest body shown as one line of the list, in characters; the rest opens with the row.
pub const LINE_CHARS_MAX: usize = 400;

/// The whole body with terminal escapes removed and control characters written out; line feeds and
/// tabs stay, they are layout.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\t' => out.push(c),
            c => push_visible(c, &mut out),
        }
    }
    out
}

/// One line for the list: cleaned, line feeds shown as a mark, cut at `LINE_CHARS_MAX`.
pub fn line(text: &str) -> String {
    let mut out = String::new();
    for (n, c) in clean(text).trim_end().chars().enumerate() {
        if n == LINE_CHARS_MAX {
            out.push('\u{2026}');
            break;
        }
        match c {
            '\n' => out.push('\u{23ce}'),
            '\t' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// After ESC: a control sequence, a string (title, link, ...), or a single character.
fn skip_escape(chars: &mut Chars<'_>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_control_sequence(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        Some('(' | ')' | '*' | '+' | '#' | '%' | ' ') => {
            chars.next();
            chars.next();
        }
        Some('0'..='~') => {
            chars.next();
        }
        _ => {}
    }
}

/// Parameters, then one final character from `@` to `~`. Anything else ends it and is kept, so a
/// broken sequence cannot swallow the message.
fn skip_control_sequence(chars: &mut Chars<'_>) {
    while let Some(c) = chars.peek() {
        match c {
            ' '..='?' => {
                chars.next();
            }
            '@'..='~' => {
                chars.next();
                return;
            }
            _ => return,
        }
    }
}

/// Up to BEL or ESC backslash; a line feed ends it too.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(&c) = chars.peek() {
        if c == '\n' {
            return;
        }
        chars.next();
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                if chars.peek() == Some(&'\\') {
                    chars.next();
                }
                return;
            }
            _ => {}
        }
    }
}

/// Control characters as programmers write them, others as their code point: fonts have pictures for
/// neither.
pub(super) fn push_visible(c: char, out: &mut String) {
    match c {
        '\0' => out.push_str("\\0"),
        '\r' => out.push_str("\\r"),
        '\u{1}'..='\u{1f}' | '\u{7f}' => out.push_str(&format!("\\x{:02x}", c as u32)),
        c if is_deceptive(c) => out.push_str(&format!("<U+{:04X}>", c as u32)),
        c => out.push(c),
    }
}

/// Invisible characters and those that reorder the text around them.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: colours, cursor movement, window titles and links meant for a terminal.
    /// Guarantees: only the words are left.
    #[test]
    fn terminal_escapes_disappear() {
        assert_eq!(clean("\u{1b}[31mERROR\u{1b}[0m lock"), "ERROR lock");
        assert_eq!(clean("\u{1b}[2K\u{1b}[1;32mok\u{1b}[m"), "ok");
        assert_eq!(clean("\u{9b}31mred"), "red");
        assert_eq!(clean("a\u{1b}]0;title\u{7}b"), "ab");
        assert_eq!(clean("a\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\b"), "alinkb");
        assert_eq!(clean("\u{1b}(Bplain\u{1b}c"), "plain");
    }

    /// Scenario: an escape sequence that never ends.
    /// Guarantees: it takes at most its own parameters or line with it, not the lines after it.
    #[test]
    fn broken_escapes_do_not_swallow_the_message() {
        assert_eq!(clean("x\u{1b}[31\u{e9}y"), "x\u{e9}y");
        assert_eq!(clean("a\u{1b}]never closed\nnext"), "a\nnext");
        assert_eq!(clean("tail\u{1b}"), "tail");
        assert_eq!(clean("tail\u{1b}["), "tail");
    }

    /// Scenario: NUL, backspace, DEL and a right-to-left override inside a message.
    /// Guarantees: each can be seen; line feeds and tabs stay, CRLF becomes one line feed.
    #[test]
    fn invisible_characters_are_written_out() {
        assert_eq!(clean("a\0b\u{8}c\u{7f}"), "a\\0b\\x08c\\x7f");
        assert_eq!(clean("user\u{202e}gpj.exe"), "user<U+202E>gpj.exe");
        assert_eq!(clean("a\r\nb\tc\rd"), "a\nb\tc\\rd");
    }

    /// Scenario: a stack trace and a very long body in the list.
    /// Guarantees: one line each; line feeds leave a mark and the cut is marked.
    #[test]
    fn list_shows_one_line() {
        assert_eq!(line("first\nsecond\n"), "first\u{23ce}second");
        let long = line(&"x".repeat(LINE_CHARS_MAX + 5));
        assert_eq!(long.chars().count(), LINE_CHARS_MAX + 1);
        assert!(long.ends_with('\u{2026}'));
        assert_eq!(line(&"x".repeat(LINE_CHARS_MAX)).chars().count(), LINE_CHARS_MAX);
    }

    /// Scenario: a body that looks like markup.
    /// Guarantees: it stays text, character for character.
    #[test]
    fn markup_stays_text() {
        assert_eq!(line("<img src=x onerror=alert(1)>"), "<img src=x onerror=alert(1)>");
    }
}
