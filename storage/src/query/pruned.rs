//! What `EXPLAIN ANALYZE` says of the segments that a scan left unopened, beside the reader's own figures for
//! row groups and pages.

use datafusion::datasource::physical_plan::{FileSource, ParquetSource};
use datafusion::physical_plan::metrics::{MetricBuilder, MetricType};

/// Shown as `segments_pruned_by_time=<all> total -> <left> matched` with the scan.
pub(super) fn show(source: &ParquetSource, n_segments: usize, n_left: usize) {
    let metrics = MetricBuilder::new(source.metrics()).with_type(MetricType::Summary);
    let segments = metrics.pruning_metrics("segments_pruned_by_time", 0);
    segments.add_matched(n_left);
    segments.add_pruned(n_segments.saturating_sub(n_left));
}
