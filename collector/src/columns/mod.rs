//! From validated messages to the rows of storage's tables.
//!
//! A signal's module lists its items once and then makes one array per column; `owners` makes the
//! columns that all tables end with, `attributes` the maps, `semconv` the promoted columns. Building
//! depends on the request and the time of its receipt alone, so that a replayed record gives the same
//! rows. What is repaired or left out on the way is counted in the report, never dropped in silence.

pub(crate) mod attributes;
mod logs;
mod metrics;
mod owners;
mod semconv;
mod series;
mod spans;
mod table;
#[cfg(test)]
mod tests;
mod value;

use crate::decode::{Report, Request, Validated};
use arrow::error::ArrowError;
use storage::{Columns, Signal};

/// Why rows could not be built. Neither should happen for a validated request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("columns do not make a batch of {signal}")]
    Batch {
        signal: Signal,
        #[source]
        source: ArrowError,
    },
    #[error("{signal} batch was refused")]
    Schema {
        signal: Signal,
        #[source]
        source: storage::Error,
    },
}

/// The rows of a request.
pub(crate) fn build(validated: &Validated, received_at: i64, report: &mut Report) -> Result<Columns, Error> {
    let (signal, batch) = match validated.request() {
        Request::Traces(request) => (Signal::Traces, spans::batch(request, received_at, report)),
        Request::Logs(request) => (Signal::Logs, logs::batch(request, received_at, report)),
        Request::Metrics(request) => (Signal::Metrics, metrics::batch(request, received_at, report)),
    };
    let batch = batch.map_err(|source| Error::Batch { signal, source })?;
    Columns::new(signal, batch).map_err(|source| Error::Schema { signal, source })
}
