//! Joins that can be stopped.
//!
//! A query stops only where it pauses. A join works through each batch of its probe side without one,
//! and 8,192 rows against a million can take minutes. So every join gets both sides in pieces, since which
//! one it probes with is its own affair: a piece's size follows the time that the last one took, there is a
//! pause between them, and the join pauses by itself when it emits many batches for one piece.

use super::kept::counted;
use super::passing::{Pass, Passing};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use futures::{Stream, StreamExt};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// A piece should keep a join busy for about this long.
const PIECE_TIME: Duration = Duration::from_millis(10);
/// Rows of the first piece: how large the other side is, only its time will tell.
const PIECE_ROWS_FIRST: usize = 1;
/// Rows of the largest piece, those of a usual batch.
const PIECE_ROWS_MAX: usize = 8_192;

/// The same plan, with every join stoppable within a piece, and every window between batches.
pub(super) fn interruptible(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let changed = plan.transform_up(|node| {
        if node.name().ends_with("WindowAggExec") {
            return Ok(Transformed::yes(counted(node)?));
        }
        if !node.name().ends_with("JoinExec") {
            return Ok(Transformed::no(node));
        }
        let pieces = |side: &Arc<dyn ExecutionPlan>| Arc::new(Passing::new(Arc::clone(side), InPieces)) as _;
        let sides = node.children().into_iter().map(pieces).collect();
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let join = node.replace_children(sides, options)?;
        Ok(Transformed::yes(Arc::new(CooperativeExec::new(join))))
    });
    Ok(changed?.data)
}

/// Hands on its input's rows in pieces.
#[derive(Debug, Clone)]
struct InPieces;

impl Pass for InPieces {
    fn name(&self) -> &'static str {
        "InPieces"
    }

    fn stream(&self, input: SendableRecordBatchStream, _: &TaskContext) -> SendableRecordBatchStream {
        let n_rows = PIECE_ROWS_FIRST;
        Box::pin(Pieces { input, rest: None, n_rows, n_rows_handed: 0, handed_at: None })
    }
}

struct Pieces {
    input: SendableRecordBatchStream,
    /// What is left of the input's last batch.
    rest: Option<RecordBatch>,
    /// Rows of the next piece.
    n_rows: usize,
    n_rows_handed: usize,
    /// When the last piece was handed on; none once it was measured.
    handed_at: Option<Instant>,
}

impl Pieces {
    /// Learns from the time the last piece took. True if a pause is due.
    fn measure(&mut self) -> bool {
        let Some(handed_at) = self.handed_at.take() else { return false };
        let took = handed_at.elapsed();
        if took > PIECE_TIME {
            self.n_rows = (self.n_rows / 2).max(1);
        } else if took < PIECE_TIME / 4 && self.n_rows_handed == self.n_rows {
            self.n_rows = (self.n_rows * 2).min(PIECE_ROWS_MAX);
        }
        took > PIECE_TIME / 4
    }

    fn cut(&mut self, batch: RecordBatch) -> RecordBatch {
        let n_rows = batch.num_rows();
        let piece = batch.slice(0, n_rows.min(self.n_rows));
        self.rest = (n_rows > self.n_rows).then(|| batch.slice(self.n_rows, n_rows - self.n_rows));
        self.n_rows_handed = piece.num_rows();
        self.handed_at = Some(Instant::now());
        piece
    }
}

impl Stream for Pieces {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.measure() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match ready!(self.input.poll_next_unpin(context)) {
                Some(Ok(batch)) => batch,
                end => return Poll::Ready(end),
            },
        };
        Poll::Ready(Some(Ok(self.cut(batch))))
    }
}

impl RecordBatchStream for Pieces {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
