//! Which segments of spans a query can skip, because they have none of the traces that it asks for.
//!
//! Each segment has a filter of its traces' ids, of which an id needs one small block. A condition that names
//! no ids, or too many, spares nothing.

use super::narrowed::{Asked, Narrowed, file};
use crate::segment::{SegmentMeta, TRACE_ID_COLUMN, may_have_trace, trace_filter_block, trace_filter_range};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use std::sync::Arc;

/// Ids that segments are asked for: a page of traces has 200. Of more, most segments have some.
const IDS_MAX: usize = 256;

impl Narrowed {
    /// Asks the segments' filters for the traces of the conditions.
    pub(super) async fn by_trace_ids(
        segments: Vec<Arc<SegmentMeta>>,
        filters: &[Expr],
        readers: &dyn ParquetFileReaderFactory,
    ) -> Result<Self, DataFusionError> {
        let ids = filters.iter().filter_map(ids_of).min_by_key(Vec::len);
        let Some(ids) = ids.filter(|ids| ids.len() <= IDS_MAX) else { return Ok(Self::not(segments)) };
        let n_all = segments.len();
        let mut left = Vec::new();
        for segment in segments {
            if may_have_any(&segment, &ids, readers).await? {
                left.push(segment);
            }
        }
        let asked = Asked { name: "segments_pruned_by_trace_ids", n_all, n_left: left.len() };
        Ok(Self { n_of_time: n_all, asked: Some(asked), ..Self::not(left) })
    }
}

async fn may_have_any(
    segment: &Arc<SegmentMeta>,
    ids: &[Vec<u8>],
    readers: &dyn ParquetFileReaderFactory,
) -> Result<bool, DataFusionError> {
    let mut reader = readers.create_reader(0, file(segment), None, &ExecutionPlanMetricsSet::new())?;
    let metadata = reader.get_metadata(None).await?;
    let Some(range) = trace_filter_range(&metadata) else { return Ok(true) };
    let blocks = ids.iter().map(|id| trace_filter_block(&range, id)).collect();
    let blocks = reader.get_byte_ranges(blocks).await?;
    Ok(ids.iter().zip(&blocks).any(|(id, block)| may_have_trace(block, id)))
}

/// The traces that every match is of; none where the condition does not say.
fn ids_of(filter: &Expr) -> Option<Vec<Vec<u8>>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::Eq => Some(vec![is_trace_id(left).then(|| bytes_of(right))??]),
            Operator::Or => {
                let mut either = ids_of(left)?;
                either.extend(ids_of(right)?);
                Some(either)
            }
            Operator::And => [ids_of(left), ids_of(right)].into_iter().flatten().min_by_key(Vec::len),
            _ => None,
        },
        Expr::InList(InList { expr, list, negated: false }) if is_trace_id(expr) => {
            list.iter().map(bytes_of).collect()
        }
        _ => None,
    }
}

fn is_trace_id(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if column.name == TRACE_ID_COLUMN)
}

fn bytes_of(expr: &Expr) -> Option<Vec<u8>> {
    match expr {
        Expr::Literal(
            ScalarValue::FixedSizeBinary(_, bytes)
            | ScalarValue::Binary(bytes)
            | ScalarValue::BinaryView(bytes),
            _,
        ) => bytes.clone(),
        _ => None,
    }
}
