//! What is wrong with a configuration, where, and what to do about it.
//!
//! Rendering shows the offending line with the text underlined. The file is somebody's text: control
//! characters in it are escaped before they reach a terminal, and secrets are not read from it at all.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Bytes of the file.
    File(Range<usize>),
    /// An environment variable by name.
    Variable(String),
    /// A command-line flag by name.
    Flag(&'static str),
    /// A place of another file that the configuration names, as text.
    Other(String),
    /// Nowhere: it is the default.
    Default,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) origin: Origin,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// The line holds something that must not be printed.
    pub(crate) is_secret: bool,
}

impl Problem {
    pub(crate) fn new(origin: Origin, message: impl Into<String>) -> Self {
        Self { origin, message: message.into(), hint: None, is_secret: false }
    }

    /// Shows the place only: paths and queries of webhooks carry tokens.
    pub(crate) fn without_text(mut self) -> Self {
        self.is_secret = true;
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// All problems of one configuration, with the text needed to show them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems {
    path: String,
    text: String,
    problems: Vec<Problem>,
}

impl Problems {
    pub(crate) fn for_file(file: Option<&(PathBuf, String)>) -> Self {
        let (path, text) = match file {
            Some((path, text)) => (path.display().to_string(), text.clone()),
            None => Default::default(),
        };
        Self { path, text, problems: Vec::new() }
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub(crate) fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.problems.extend(problems);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.problems.len()
    }

    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.problems
    }

    fn write_place(&self, f: &mut fmt::Formatter<'_>, span: &Range<usize>, problem: &Problem) -> fmt::Result {
        let place = Place::of(&self.text, span);
        let message = printable(&problem.message);
        write!(f, "{}:{}:{}: {message}", printable(&self.path), place.line, place.column)?;
        if problem.is_secret {
            return Ok(());
        }
        let gutter = place.line.to_string();
        let before = printable(place.before);
        let marked = printable(place.marked);
        writeln!(f, "\n  {gutter} | {before}{marked}{}", printable(place.after))?;
        let indent = " ".repeat(before.chars().count());
        write!(f, "  {:w$} | {indent}{}", "", "^".repeat(marked.chars().count().max(1)), w = gutter.len())
    }
}

impl fmt::Display for Problems {
    /// In the order of the file; variables and flags after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted: Vec<&Problem> = self.problems.iter().collect();
        sorted.sort_by_key(|problem| match &problem.origin {
            Origin::File(span) => span.start,
            _ => usize::MAX,
        });
        for (i, problem) in sorted.into_iter().enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            let message = printable(&problem.message);
            match &problem.origin {
                Origin::File(span) => self.write_place(f, span, problem)?,
                Origin::Variable(name) => write!(f, "environment variable {name}: {message}")?,
                Origin::Flag(name) => write!(f, "option {name}: {message}")?,
                Origin::Other(place) => write!(f, "{}: {message}", printable(place))?,
                Origin::Default => write!(f, "default value: {message}")?,
            }
            if let Some(hint) = &problem.hint {
                write!(f, "\n  hint: {}", printable(hint))?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A span as a person finds it: the first line it touches, cut in three.
struct Place<'a> {
    line: usize,
    column: usize,
    before: &'a str,
    marked: &'a str,
    after: &'a str,
}

impl<'a> Place<'a> {
    fn of(text: &'a str, span: &Range<usize>) -> Self {
        let start = floor_boundary(text, span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor_boundary(text, span.end).clamp(start, line_end);
        Self {
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            before: &text[line_start..start],
            marked: &text[start..end],
            after: text[end..line_end].trim_end_matches('\r'),
        }
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Tabs become one space and other control characters their escapes, so that nothing moves the cursor.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => shown.push(' '),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}
