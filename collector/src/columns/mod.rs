//! From views of a request's items to the rows of storage's tables.
//!
//! A signal's module lists the items that keep the rules once and then makes one array per column; `owners`
//! makes the columns that all tables end with, `attributes` the maps, `promoted` and `semconv` the promoted
//! columns. Which rows there are depends on the request and the time of its receipt alone, so that a replayed
//! record gives the same ones; how much of each is kept, on the limits too. What is rejected, repaired or left
//! out on the way is counted in the report, never dropped in silence.

pub(crate) mod attributes;
mod entities;
mod limits;
mod logs;
mod metrics;
mod owners;
mod promoted;
mod semconv;
mod series;
mod spans;
mod table;
#[cfg(test)]
mod tests;
mod texts;
mod value;

pub(crate) use limits::Limits;

use crate::decode::{Decoded, Report, Resources};
use arrow::error::ArrowError;
use storage::{Columns, Signal};

/// Why rows could not be built. Neither should happen for a request that was decoded.
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

/// The rows of a request, of those items that keep the rules.
pub(crate) fn build(
    decoded: &Decoded,
    received_at: i64,
    limits: Limits,
    report: &mut Report,
) -> Result<Columns, Error> {
    let (signal, batch) = match decoded.resources() {
        Resources::Traces(spans) => (Signal::Traces, spans::batch(spans, received_at, limits, report)),
        Resources::Logs(logs) => (Signal::Logs, logs::batch(logs, received_at, limits, report)),
        Resources::Metrics(metrics) => {
            (Signal::Metrics, metrics::batch(metrics, received_at, limits, report))
        }
    };
    let batch = batch.map_err(|source| Error::Batch { signal, source })?;
    Columns::new(signal, batch).map_err(|source| Error::Schema { signal, source })
}
