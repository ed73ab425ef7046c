//! Read models by themselves, for a benchmark of what keeping them costs. Nothing of the product uses it.

use super::edges::Halves;
use super::instances::SeenDelta;
use super::red::RedDelta;
use super::{Delta, Pairing, ReadModels};
use crate::error::Error;
use crate::faults::NoFaults;
use crate::fs;
use crate::ids::{Signal, Table};
use crate::options::HotOptions;
use crate::segment::{self, SegmentSource};
use arrow::array::RecordBatch;
use std::path::PathBuf;

/// What is kept of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    All,
    Red,
    Edges,
    Instances,
}

/// The read models of the batches that they are given, as an engine keeps those of its rows.
#[derive(Debug)]
pub struct Kept {
    part: Part,
    models: ReadModels,
    pairing: Pairing,
    data_dir: PathBuf,
    n_segments: u64,
}

impl Part {
    pub const ALL: [Self; 4] = [Self::All, Self::Red, Self::Edges, Self::Instances];

    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all read models",
            Self::Red => "rate, errors and duration",
            Self::Edges => "calls",
            Self::Instances => "instances",
        }
    }
}

impl Kept {
    /// Nothing yet. Segments go below this directory, which no engine may have.
    pub fn open(part: Part, data_dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let data_dir = data_dir.into();
        fs::create_layout(&data_dir)?;
        let pairing = Pairing::within(HotOptions::default().bytes_hard);
        Ok(Self { part, models: ReadModels::default(), pairing, data_dir, n_segments: 0 })
    }

    /// What an insert does for the read models.
    pub fn take(&mut self, signal: Signal, batch: &RecordBatch) {
        let Self { part, models, pairing, .. } = self;
        match (*part, signal) {
            (Part::All, _) => models.take(Delta::of(signal, batch), pairing),
            (Part::Instances, _) => models.seen.merge(SeenDelta::of(signal, batch), &models.known),
            (Part::Red, Signal::Traces) => models.red.merge(RedDelta::of(batch), &models.known),
            (Part::Edges, Signal::Traces) => pairing.take(Halves::of(batch), &mut models.edges),
            (Part::Red | Part::Edges, Signal::Logs | Signal::Metrics) => {}
        }
    }

    /// What a flush does for them. Returns how many rows it wrote.
    pub fn flush(&mut self) -> Result<u64, Error> {
        self.models.settle(&mut self.pairing);
        let models = std::mem::take(&mut self.models);
        let mut n_rows = 0;
        for table in Table::read_models() {
            let Some(batch) = models.cells(table).and_then(|cells| cells.to_batch()) else { continue };
            self.n_segments += 1;
            let source = SegmentSource {
                id: self.n_segments,
                table,
                batches: std::slice::from_ref(&batch),
                n_bytes: batch.get_array_memory_size() as u64,
                received_max: 0,
            };
            n_rows += segment::write(&source, &self.data_dir, &NoFaults)?.n_rows;
        }
        Ok(n_rows)
    }
}
