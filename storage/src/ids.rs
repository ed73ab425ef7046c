//! Identifiers that cross the engine's border.

use crate::schema;
use arrow::datatypes::SchemaRef;
use std::fmt;

/// One of OTLP's three signals; each has a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    pub const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    /// The signal's name in OTLP paths, metrics and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }

    /// The SQL table of the signal.
    pub fn table(self) -> &'static str {
        Table::from(self).name()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A table of the engine: one per signal, and the read model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    Spans,
    Logs,
    MetricPoints,
    Red,
}

impl Table {
    pub const ALL: [Self; 4] = [Self::Spans, Self::Logs, Self::MetricPoints, Self::Red];

    /// The table's name in SQL, in the manifest and in paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Logs => "logs",
            Self::MetricPoints => "metric_points",
            Self::Red => "red",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The signal whose rows the table holds; none for a read model.
    pub fn signal(self) -> Option<Signal> {
        Signal::ALL.into_iter().find(|&signal| Self::from(signal) == self)
    }

    pub(crate) fn schema(self) -> SchemaRef {
        match self {
            Self::Spans => schema::spans(),
            Self::Logs => schema::logs(),
            Self::MetricPoints => schema::metric_points(),
            Self::Red => schema::red(),
        }
    }
}

impl From<Signal> for Table {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Traces => Self::Spans,
            Signal::Logs => Self::Logs,
            Signal::Metrics => Self::MetricPoints,
        }
    }
}
