//! Windows within the memory of their lane.
//!
//! DataFusion's windows keep rows without asking for memory: those that look ahead keep whole partitions, the
//! others what their frames reach. So what goes into a window and has not come out of it yet is counted here,
//! twice: the rows and a copy of them that a window makes as it answers. Between batches there is a pause.

use super::passing::{Pass, Passing};
use super::row_bytes::array_bytes;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use futures::{Stream, StreamExt};
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// A window that worked for longer than this on one batch pauses before the next.
const PAUSE_AFTER: Duration = Duration::from_millis(2);
/// Copies of its rows that a window holds at its largest.
const N_COPIES: usize = 2;

/// The same window, counted on both sides.
pub(super) fn counted(window: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let side = |input: &Arc<dyn ExecutionPlan>, way| {
        let pass = Side { way, kept: Arc::clone(&kept) };
        Arc::new(Passing::new(Arc::clone(input), pass)) as Arc<dyn ExecutionPlan>
    };
    let inputs = window.children().into_iter().map(|input| side(input, Way::In)).collect();
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    let window = window.replace_children(inputs, options)?;
    Ok(side(&window, Way::Out))
}

/// What one window keeps, all its partitions together.
#[derive(Debug, Default)]
struct Kept {
    n_rows: usize,
    /// Rows that ever went in, and their bytes, for what a row takes.
    n_rows_in: usize,
    n_bytes_in: usize,
    /// Both sides of its partitions that run.
    n_running: usize,
    reservation: Option<MemoryReservation>,
}

impl Kept {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), DataFusionError> {
        self.n_bytes_in += batch.columns().iter().map(|column| array_bytes(column)).sum::<usize>();
        self.n_rows_in += batch.num_rows();
        self.n_rows += batch.num_rows();
        self.reserve()
    }

    fn remove(&mut self, batch: &RecordBatch) -> Result<(), DataFusionError> {
        self.n_rows = self.n_rows.saturating_sub(batch.num_rows());
        self.reserve()
    }

    /// With the last side goes what the window kept, although a LIMIT may have left rows in it.
    fn end_one(&mut self) {
        self.n_running = self.n_running.saturating_sub(1);
        if self.n_running == 0 {
            self.n_rows = 0;
            self.reservation = None;
        }
    }

    fn reserve(&self) -> Result<(), DataFusionError> {
        let Some(reservation) = &self.reservation else { return Ok(()) };
        let row_bytes = self.n_bytes_in.checked_div(self.n_rows_in).unwrap_or_default() + 1;
        reservation.try_resize(self.n_rows.saturating_mul(row_bytes).saturating_mul(N_COPIES))
    }
}

#[derive(Debug, Clone, Copy)]
enum Way {
    In,
    Out,
}

/// One side of a window.
#[derive(Debug, Clone)]
struct Side {
    way: Way,
    kept: Arc<Mutex<Kept>>,
}

impl Pass for Side {
    fn name(&self) -> &'static str {
        match self.way {
            Way::In => "IntoWindow",
            Way::Out => "OutOfWindow",
        }
    }

    fn stream(&self, input: SendableRecordBatchStream, context: &TaskContext) -> SendableRecordBatchStream {
        let reservation = || MemoryConsumer::new("Window").register(context.memory_pool());
        let (way, kept) = (self.way, Arc::clone(&self.kept));
        {
            let mut kept = kept.lock();
            kept.n_running += 1;
            kept.reservation.get_or_insert_with(reservation);
        }
        Box::pin(Counting { input, way, kept, handed_at: None })
    }
}

struct Counting {
    input: SendableRecordBatchStream,
    way: Way,
    kept: Arc<Mutex<Kept>>,
    /// When the last batch was handed on; none once a pause was made after it.
    handed_at: Option<Instant>,
}

impl Stream for Counting {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.handed_at.take().is_some_and(|at| at.elapsed() > PAUSE_AFTER) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let batch = match ready!(self.input.poll_next_unpin(context)) {
            Some(Ok(batch)) => batch,
            end => return Poll::Ready(end),
        };
        let counted = match self.way {
            Way::In => self.kept.lock().add(&batch),
            Way::Out => self.kept.lock().remove(&batch),
        };
        self.handed_at = Some(Instant::now());
        Poll::Ready(Some(counted.map(|()| batch)))
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.kept.lock().end_one();
    }
}

impl RecordBatchStream for Counting {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
