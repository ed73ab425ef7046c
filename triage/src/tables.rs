//! All that was handed in, read once: strings, traces, log lines and series.

use crate::input::{InputError, Limits, TriageInput};
use crate::strings::{Interner, Strings};
use crate::traces::{Rows, Traces};

/// What every algorithm of the crate works on.
#[derive(Debug, Default)]
pub struct Tables {
    pub strings: Strings,
    pub traces: Traces,
}

impl Tables {
    /// O(n log n) for n rows; memory as [`Limits`] says, beside the batches themselves.
    pub fn read(input: &TriageInput<'_>, limits: &Limits) -> Result<Self, InputError> {
        let mut interner = Interner::new();
        let spans = Rows::read(input, limits, &mut interner)?;
        let (strings, renumbering) = interner.finish();
        let traces = spans.into_traces(input, &renumbering);
        Ok(Self { strings, traces })
    }
}
