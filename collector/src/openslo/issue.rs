//! What is wrong with a file, where, and what to do about it.

use super::yaml::Place;
use std::cell::RefCell;
use std::fmt;

/// One thing, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issue {
    pub(crate) file: String,
    /// Counted from 1.
    pub(crate) document: usize,
    /// `spec.objectives[0].target`; empty where it is the document as a whole.
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// "slos.yaml:12:5: document 2, spec.objectives[0].target: ..."
impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: document {}", self.file, self.line, self.column, self.document)?;
        if !self.path.is_empty() {
            write!(f, ", {}", self.path)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that was found so far, wrong or worth a warning. Shared by all that read one set of files.
#[derive(Debug, Default)]
pub(super) struct Issues {
    errors: RefCell<Vec<Issue>>,
    warnings: RefCell<Vec<Issue>>,
}

/// Where something stands, for what is only known later.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Spot {
    pub(super) file: String,
    pub(super) document: usize,
    pub(super) path: String,
    pub(super) place: Place,
}

impl Spot {
    /// A part of it.
    pub(super) fn at(&self, key: &str, place: Place) -> Self {
        let path = match self.path.is_empty() {
            true => key.to_owned(),
            false => format!("{}.{key}", self.path),
        };
        Self { path, place, ..self.clone() }
    }

    /// An item of it, counted from 0.
    pub(super) fn item(&self, idx: usize, place: Place) -> Self {
        Self { path: format!("{}[{idx}]", self.path), place, ..self.clone() }
    }

    fn issue(&self, message: impl Into<String>, hint: Option<String>) -> Issue {
        Issue {
            file: self.file.clone(),
            document: self.document,
            path: self.path.clone(),
            line: self.place.line,
            column: self.place.column,
            message: message.into(),
            hint,
        }
    }
}

impl Issues {
    pub(super) fn error(&self, spot: &Spot, message: impl Into<String>) {
        self.errors.borrow_mut().push(spot.issue(message, None));
    }

    pub(super) fn hinted(&self, spot: &Spot, message: impl Into<String>, hint: impl Into<String>) {
        self.errors.borrow_mut().push(spot.issue(message, Some(hint.into())));
    }

    pub(super) fn warn(&self, spot: &Spot, message: impl Into<String>) {
        self.warnings.borrow_mut().push(spot.issue(message, None));
    }

    pub(super) fn n_errors(&self) -> usize {
        self.errors.borrow().len()
    }

    /// Errors and warnings.
    pub(super) fn into_parts(self) -> (Vec<Issue>, Vec<Issue>) {
        (self.errors.into_inner(), self.warnings.into_inner())
    }
}
