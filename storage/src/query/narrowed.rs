//! The segments that a scan is left with, once what they know of their rows was asked.
//!
//! Beside the statistics of Parquet, segments of logs know the words of their bodies (`words`) and segments of
//! spans their traces (`trace_ids`). What that leaves out is not opened, and `EXPLAIN ANALYZE` counts it.

use super::pruned;
use crate::segment::SegmentMeta;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetSource;
use datafusion::datasource::physical_plan::parquet::ParquetAccessPlan;
use std::sync::Arc;

/// Segments that are left, and what is to be read of them.
pub(super) struct Narrowed {
    pub(super) segments: Vec<Arc<SegmentMeta>>,
    /// How many there were before they were asked.
    pub(super) n_of_time: usize,
    /// One for each segment; none: everything.
    pub(super) plans: Vec<Option<ParquetAccessPlan>>,
    pub(super) asked: Option<Asked>,
}

/// What was asked about, how often, and how often it may be there.
pub(super) struct Asked {
    pub(super) name: &'static str,
    pub(super) n_all: usize,
    pub(super) n_left: usize,
}

impl Narrowed {
    /// The segments as they are.
    pub(super) fn not(segments: Vec<Arc<SegmentMeta>>) -> Self {
        Self { n_of_time: segments.len(), plans: vec![None; segments.len()], segments, asked: None }
    }

    /// The files to read. Each carries its segment, so that the segment counts as in use as long as a plan may
    /// read it.
    pub(super) fn files(&self) -> impl ExactSizeIterator<Item = PartitionedFile> + '_ {
        self.segments.iter().zip(&self.plans).map(|(segment, plan)| {
            let file = file(segment);
            match plan {
                Some(plan) => file.with_extension(plan.clone()),
                None => file,
            }
        })
    }

    /// For `EXPLAIN ANALYZE`.
    pub(super) fn show(&self, source: &ParquetSource) {
        if let Some(Asked { name, n_all, n_left }) = self.asked {
            pruned::show(source, name, n_all, n_left);
        }
    }
}

/// A segment as readers know it.
pub(super) fn file(segment: &Arc<SegmentMeta>) -> PartitionedFile {
    PartitionedFile::new(segment.path.as_ref(), segment.n_bytes).with_extension(Arc::clone(segment))
}
