//! Which row groups of logs a query can skip, because their bodies lack a word that it asks for.
//!
//! Conditions on the body are read for words that every match must hold (`condition`, `literal`), and each
//! segment's filters are asked for them before the scan. A condition that names no whole word spares nothing.

mod condition;
mod literal;

use super::narrowed::{Asked, Narrowed, file};
use crate::segment::{SegmentMeta, word_filter_ranges};
use condition::Condition;
use datafusion::common::DataFusionError;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use parquet::bloom_filter::Sbbf;
use std::sync::Arc;

impl Narrowed {
    /// Asks the segments' filters for the words of the conditions.
    pub(super) async fn by_words(
        segments: Vec<Arc<SegmentMeta>>,
        filters: &[Expr],
        readers: &dyn ParquetFileReaderFactory,
    ) -> Result<Self, DataFusionError> {
        let condition = Condition::all_of(filters);
        if !condition.names_words() {
            return Ok(Self::not(segments));
        }
        let (mut n_all, mut n_left) = (0, 0);
        let mut narrowed = Self { n_of_time: segments.len(), ..Self::not(Vec::new()) };
        for segment in segments {
            let groups = RowGroups::ask(&segment, &condition, readers).await?;
            let n_kept = groups.keep.iter().filter(|keep| **keep).count();
            n_all += groups.keep.len();
            n_left += n_kept;
            if n_kept > 0 {
                narrowed.segments.push(segment);
                narrowed.plans.push(groups.plan());
            }
        }
        narrowed.asked = Some(Asked { name: "row_groups_pruned_by_words", n_all, n_left });
        Ok(narrowed)
    }
}

/// Which row groups of a segment may hold matches.
struct RowGroups {
    keep: Vec<bool>,
}

impl RowGroups {
    async fn ask(
        segment: &Arc<SegmentMeta>,
        condition: &Condition,
        readers: &dyn ParquetFileReaderFactory,
    ) -> Result<Self, DataFusionError> {
        let mut reader = readers.create_reader(0, file(segment), None, &ExecutionPlanMetricsSet::new())?;
        let metadata = reader.get_metadata(None).await?;
        let Some(ranges) = word_filter_ranges(&metadata) else {
            return Ok(Self { keep: vec![true; metadata.num_row_groups()] });
        };
        let mut keep = Vec::with_capacity(ranges.len());
        for bytes in reader.get_byte_ranges(ranges).await? {
            let filter = Sbbf::from_bytes(&bytes)?;
            keep.push(condition.may_hold(&|word| filter.check(word)));
        }
        Ok(Self { keep })
    }

    /// None: all of them.
    fn plan(&self) -> Option<ParquetAccessPlan> {
        let access = |keep: &bool| if *keep { RowGroupAccess::Scan } else { RowGroupAccess::Skip };
        let is_narrow = self.keep.contains(&false);
        is_narrow.then(|| ParquetAccessPlan::new(self.keep.iter().map(access).collect()))
    }
}
