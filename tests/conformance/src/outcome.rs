//! What came of a line of the checklist.
//!
//! What was seen may quote the server, which is a stranger: it is made printable and cut in one place, here.

use crate::checklist::Line;

/// Characters of what was seen.
const SEEN_CHARS_MAX: usize = 400;

/// How binding a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The specification says MUST.
    Must,
    /// The specification says SHOULD.
    Should,
    /// The specification leaves it open; this is what Firstfault holds itself to.
    Ours,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::Ours => "OURS",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Fail,
    /// Nothing was shown, neither this way nor that; what was seen says why.
    Skip,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

/// One line, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub number: u8,
    pub level: Level,
    pub statement: &'static str,
    pub verdict: Verdict,
    /// Printable, and short.
    pub seen: String,
}

/// `Ok` passes, with what was seen.
pub(crate) type Checked = Result<String, Stop>;

/// Why a check ends without passing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    Fail(String),
    Skip(String),
}

impl Stop {
    /// The same with what it was about before it.
    pub(crate) fn at(self, what: &str) -> Self {
        match self {
            Self::Fail(seen) => Self::Fail(format!("{what}: {seen}")),
            Self::Skip(why) => Self::Skip(format!("{what}: {why}")),
        }
    }
}

impl Outcome {
    pub(crate) fn new(line: &Line, checked: Checked) -> Self {
        let (verdict, seen) = match checked {
            Ok(seen) => (Verdict::Pass, seen),
            Err(Stop::Fail(seen)) => (Verdict::Fail, seen),
            Err(Stop::Skip(seen)) => (Verdict::Skip, seen),
        };
        let Line { number, level, statement, .. } = *line;
        Self { number, level, statement, verdict, seen: printable(&seen) }
    }
}

pub(crate) fn fail<T>(seen: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fail(seen.into()))
}

pub(crate) fn skip<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Skip(why.into()))
}

/// Fails with what was seen unless it holds.
pub(crate) fn demand(holds: bool, seen: impl FnOnce() -> String) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(Stop::Fail(seen())) }
}

/// An error and what is behind it, on one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn printable(text: &str) -> String {
    let mut shown = String::new();
    for (place, c) in text.chars().enumerate() {
        if place == SEEN_CHARS_MAX {
            shown.push_str("...");
            break;
        }
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a server's message with a colour code, and one without an end.
    /// Guarantees: nothing reaches a terminal raw, and nothing grows without bound.
    #[test]
    fn what_was_seen_is_printable_and_short() {
        assert_eq!(printable("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(printable(&"x".repeat(9_999)).chars().count(), SEEN_CHARS_MAX + 3);
    }
}
