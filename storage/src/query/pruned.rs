//! What `EXPLAIN ANALYZE` says of what a scan left unread before it began, beside the reader's own figures for
//! row groups and pages.

use datafusion::datasource::physical_plan::{FileSource, ParquetSource};
use datafusion::physical_plan::metrics::{MetricBuilder, MetricType};

/// Shown with the scan as `name=<all> total -> <left> matched`.
pub(super) fn show(source: &ParquetSource, name: &'static str, n_all: usize, n_left: usize) {
    let metrics = MetricBuilder::new(source.metrics()).with_type(MetricType::Summary);
    let shown = metrics.pruning_metrics(name, 0);
    shown.add_matched(n_left);
    shown.add_pruned(n_all.saturating_sub(n_left));
}
