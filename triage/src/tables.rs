//! All that was handed in, read once: strings, traces, log lines and series.

use crate::input::{InputError, Limits, TriageInput};
use crate::logs::{LogRows, Logs};
use crate::series::{Metrics, PointRows};
use crate::strings::{Interner, Strings};
use crate::traces::{SpanRows, Traces};

/// What every algorithm of the crate works on.
#[derive(Debug, Default)]
pub struct Tables {
    pub strings: Strings,
    pub traces: Traces,
    pub logs: Logs,
    pub metrics: Metrics,
}

impl Tables {
    /// O(n log n) for n rows; memory as [`Limits`] says, beside the batches themselves.
    pub fn read(input: &TriageInput<'_>, limits: &Limits) -> Result<Self, InputError> {
        let mut interner = Interner::new();
        let spans = SpanRows::read(input, limits, &mut interner)?;
        let lines = LogRows::read(input, limits, &mut interner)?;
        let points = PointRows::read(input, limits, &mut interner)?;
        let (strings, renumbering) = interner.finish();
        let traces = spans.into_traces(input, &strings, &renumbering);
        let logs = lines.into_logs(&traces, &renumbering);
        let metrics = points.into_metrics(&traces, &strings, &renumbering);
        Ok(Self { strings, traces, logs, metrics })
    }
}
