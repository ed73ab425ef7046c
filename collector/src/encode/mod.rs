//! From rows back to OTLP/JSON: the opposite of `decode` and `columns`.
//!
//! What is written can be sent to any receiver of OTLP, and sent here it gives equal rows, but for when they
//! were received. Promoted columns are not looked at: they were derived from attributes, and will be again.
//!
//! A request of valid items comes back equal, but for what says nothing or was told when it came:
//! - resources, scopes and metrics without a single item are not stored; equal ones become one, and an empty
//!   message (a resource, scope, status or value) is as good as none;
//! - a repeated attribute key keeps its first value, and what is beyond the limits is left out or cut, with it
//!   names of spans; how many attributes of a data point were left out has no field to come back in;
//! - times after the year 2262 are the last of it; a log record without any time was observed when it came;
//! - ids that are none are left out, and those of links become zeros;
//! - exemplars without a value are left out, and so are values of points that are marked as not recorded.

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
