//! From rows back to OTLP/JSON: the opposite of `decode` and `columns`.
//!
//! What is written can be sent to any receiver of OTLP, and sent here it gives equal rows, but for when they
//! were received. Promoted columns are not looked at: they were derived from attributes, and will be again.
//! Not in the rows, and so not written: times after the year 2262, and how many attributes of a data point were
//! left out. A log record without any time of its own gets that of its receipt as the time it was observed.

mod attributes;
mod cells;
mod grouped;
mod logs;
mod metrics;
mod owners;
mod spans;

#[cfg(test)]
mod tests;

use arrow::array::{RecordBatch, StructArray};
use cells::Cells;
use serde_json::Value;
use storage::Signal;

/// Why rows are not those of a table of ours.
#[derive(Debug, thiserror::Error)]
#[error("column {column} is not what the table has under that name ({found})")]
pub(crate) struct Error {
    column: String,
    /// A type, or "nothing".
    found: String,
}

/// An export request with these rows.
pub(crate) fn encode(signal: Signal, batch: &RecordBatch) -> Result<Value, Error> {
    let rows = StructArray::from(batch.clone());
    let cells = Cells::new(&rows);
    match signal {
        Signal::Traces => spans::request(cells),
        Signal::Logs => logs::request(cells),
        Signal::Metrics => metrics::request(cells),
    }
}
