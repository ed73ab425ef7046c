//! How well something is, from worst known to nothing known.

/// How well something is. `NoData` is never drawn as good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    NoData,
    Well,
    Warning,
    Failing,
}

impl Health {
    /// Colour class, symbol and word.
    pub fn mark(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::NoData => ("unknown", "unk", "no data"),
            Self::Well => ("ok", "ok", "well"),
            Self::Warning => ("warn", "warn", "warning"),
            Self::Failing => ("bad", "bad", "failing"),
        }
    }
}
