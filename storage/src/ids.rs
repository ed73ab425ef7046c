//! Identifiers that cross the engine's border.

use crate::read_models::Resolution;
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

/// A table of the engine: one per signal, and the read models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    Spans,
    Logs,
    MetricPoints,
    /// Rate, errors and duration of every operation.
    Red(Resolution),
    /// The same of what whole services were asked for.
    ServiceRed(Resolution),
    /// Calls between services, and to what is no service.
    EdgeRed(Resolution),
    /// Which instances of which services were seen, by the hour.
    ServiceSeen,
}

impl Table {
    pub const ALL: [Self; 13] = [
        Self::Spans,
        Self::Logs,
        Self::MetricPoints,
        Self::Red(Resolution::TenSeconds),
        Self::Red(Resolution::Minute),
        Self::Red(Resolution::Hour),
        Self::ServiceRed(Resolution::TenSeconds),
        Self::ServiceRed(Resolution::Minute),
        Self::ServiceRed(Resolution::Hour),
        Self::EdgeRed(Resolution::TenSeconds),
        Self::EdgeRed(Resolution::Minute),
        Self::EdgeRed(Resolution::Hour),
        Self::ServiceSeen,
    ];

    /// The tables that are derived from others: all but those of the signals.
    pub fn read_models() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|table| table.resolution().is_some())
    }

    /// The table's name in SQL, in the manifest and in paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Logs => "logs",
            Self::MetricPoints => "metric_points",
            Self::Red(Resolution::TenSeconds) => "red",
            Self::Red(Resolution::Minute) => "red_1m",
            Self::Red(Resolution::Hour) => "red_1h",
            Self::ServiceRed(Resolution::TenSeconds) => "service_red",
            Self::ServiceRed(Resolution::Minute) => "service_red_1m",
            Self::ServiceRed(Resolution::Hour) => "service_red_1h",
            Self::EdgeRed(Resolution::TenSeconds) => "edge_red",
            Self::EdgeRed(Resolution::Minute) => "edge_red_1m",
            Self::EdgeRed(Resolution::Hour) => "edge_red_1h",
            Self::ServiceSeen => "service_instances",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The signal whose rows the table holds; none for a read model.
    pub fn signal(self) -> Option<Signal> {
        Signal::ALL.into_iter().find(|&signal| Self::from(signal) == self)
    }

    /// The width of a read model's buckets; none for the rows of a signal.
    pub fn resolution(self) -> Option<Resolution> {
        match self {
            Self::Spans | Self::Logs | Self::MetricPoints => None,
            Self::Red(resolution) | Self::ServiceRed(resolution) | Self::EdgeRed(resolution) => {
                Some(resolution)
            }
            Self::ServiceSeen => Some(Resolution::Hour),
        }
    }

    pub(crate) fn schema(self) -> SchemaRef {
        match self {
            Self::Spans => schema::spans(),
            Self::Logs => schema::logs(),
            Self::MetricPoints => schema::metric_points(),
            Self::Red(_) => schema::red(),
            Self::ServiceRed(_) => schema::service_red(),
            Self::EdgeRed(_) => schema::edge_red(),
            Self::ServiceSeen => schema::service_instances(),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: every table by its name, and the tables of a read model.
    /// Guarantees: names are unique and lead back; the name of a table of a read model ends as its resolution says.
    #[test]
    fn names_lead_back_to_tables() {
        for table in Table::ALL {
            assert_eq!(Table::from_name(table.name()), Some(table));
            assert_eq!(table.resolution().is_none(), table.signal().is_some(), "{table:?}");
        }
        assert_eq!(Table::from_name("red_1d"), None);
        for resolution in Resolution::ALL {
            let tables = [Table::Red(resolution), Table::ServiceRed(resolution), Table::EdgeRed(resolution)];
            for (table, base) in tables.into_iter().zip(["red", "service_red", "edge_red"]) {
                assert_eq!(table.name(), format!("{base}{}", resolution.table_suffix()));
            }
        }
        assert_eq!(Table::read_models().count(), 10);
    }
}
