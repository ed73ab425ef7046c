//! Which segments a query can skip by time, before any file is opened.
//!
//! The manifest knows the first and last time of each segment. The query's own filters, whatever their
//! shape, are asked whether any row between these two could satisfy them. Inside a file, the reader
//! goes on with row groups and pages.

use crate::ids::Table;
use crate::schema::TIME_ZONE;
use crate::segment::SegmentMeta;
use arrow::array::{ArrayRef, BooleanArray, TimestampNanosecondArray, UInt64Array};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, DataFusionError, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use std::collections::HashSet;
use std::sync::Arc;

/// The segments that may hold rows for these filters, in the order given.
pub(super) fn candidates(
    session: &dyn Session,
    schema: &SchemaRef,
    filters: &[Expr],
    segments: &[Arc<SegmentMeta>],
) -> Result<Vec<Arc<SegmentMeta>>, DataFusionError> {
    let Some(filter) = conjunction(filters.to_vec()) else { return Ok(segments.to_vec()) };
    let fields = DFSchema::try_from(Arc::clone(schema))?;
    let filter = session.create_physical_expr(filter, &fields)?;
    let predicate = PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).try_build(filter)?;
    let keep = predicate.prune(&SegmentTimes { segments })?;
    Ok(segments.iter().zip(keep).filter(|(_, keep)| *keep).map(|(segment, _)| Arc::clone(segment)).collect())
}

/// The time columns of a table, whose values all lie between a segment's `time_min` and `time_max`.
fn time_columns(table: Table) -> &'static [&'static str] {
    match table {
        Table::Spans => &["start_time", "end_time"],
        Table::Logs | Table::MetricPoints => &["time"],
        Table::Red(_) | Table::ServiceRed(_) | Table::EdgeRed(_) | Table::ServiceSeen => &["bucket"],
    }
}

struct SegmentTimes<'a> {
    segments: &'a [Arc<SegmentMeta>],
}

impl SegmentTimes<'_> {
    fn times(&self, column: &Column, time: impl Fn(&SegmentMeta) -> i64) -> Option<ArrayRef> {
        let table = self.segments.first()?.table;
        if !time_columns(table).contains(&column.name()) {
            return None;
        }
        let times = TimestampNanosecondArray::from_iter_values(self.segments.iter().map(|meta| time(meta)));
        Some(Arc::new(times.with_timezone(TIME_ZONE)))
    }
}

impl PruningStatistics for SegmentTimes<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.times(column, |meta| meta.time_min)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.times(column, |meta| meta.time_max)
    }

    fn num_containers(&self) -> usize {
        self.segments.len()
    }

    fn null_counts(&self, _column: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.segments.iter().map(|meta| meta.n_rows))))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::candidates;
    use crate::ids::Table;
    use crate::query::literals::timestamp;
    use crate::segment::SegmentMeta;
    use datafusion::datasource::empty::EmptyTable;
    use datafusion::logical_expr::expr_rewriter::unnormalize_col;
    use datafusion::logical_expr::{Expr, LogicalPlan};
    use datafusion::prelude::SessionContext;
    use std::sync::Arc;

    fn segment(id: u64, time_min: i64, time_max: i64) -> Arc<SegmentMeta> {
        Arc::new(SegmentMeta {
            id,
            table: Table::Spans,
            path: SegmentMeta::object_path(Table::Spans, id),
            n_rows: 10,
            n_bytes: 1_000,
            time_min,
            time_max,
            received_max: time_max,
            checksums_crc: None,
        })
    }

    /// The filter as a scan gets it: typed, with constants folded.
    async fn optimized(filter: &str) -> Expr {
        let session = SessionContext::new();
        let empty = Arc::new(EmptyTable::new(Table::Spans.schema()));
        session.register_table("spans", empty).expect("a fresh session");
        let frame = session.sql(&format!("SELECT service FROM spans WHERE {filter}")).await.expect("plans");
        let mut plan = frame.into_optimized_plan().expect("optimizes");
        loop {
            match plan {
                LogicalPlan::Filter(filter) => return unnormalize_col(filter.predicate),
                other => plan = (*other.inputs().first().expect("there is a filter")).clone(),
            }
        }
    }

    async fn check(filter: &str, expected: &[u64]) {
        let segments = [segment(1, 100, 199), segment(2, 200, 299), segment(3, 250, 400)];
        let state = SessionContext::new().state();
        let filters = [optimized(filter).await];
        let kept = candidates(&state, &Table::Spans.schema(), &filters, &segments).expect("prunes");
        assert_eq!(kept.iter().map(|meta| meta.id).collect::<Vec<_>>(), expected, "{filter}");
    }

    /// Scenario: filters on time of several shapes over three segments.
    /// Guarantees: a segment is left out only when no row of it can match.
    #[tokio::test]
    async fn skips_segments_that_cannot_match() {
        check(&format!("start_time >= {}", timestamp(300)), &[3]).await;
        check(&format!("start_time >= {} AND start_time < {}", timestamp(200), timestamp(250)), &[2]).await;
        check(&format!("start_time < {}", timestamp(100)), &[]).await;
        check(&format!("{} <= end_time", timestamp(299)), &[2, 3]).await;
        check(&format!("start_time BETWEEN {} AND {}", timestamp(150), timestamp(220)), &[1, 2]).await;
        check(&format!("start_time < {} OR start_time > {}", timestamp(120), timestamp(390)), &[1, 3]).await;
        check(&format!("service = 'a' AND start_time > {}", timestamp(350)), &[3]).await;
        check(&format!("service = 'a' OR start_time > {}", timestamp(350)), &[1, 2, 3]).await;
        check("service = 'a'", &[1, 2, 3]).await;
        check(&format!("received_at > {}", timestamp(999)), &[1, 2, 3]).await;
    }
}
