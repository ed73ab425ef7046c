//! A plan that hands on the rows of its input through a stream of its own, and is its input in everything else.

use datafusion::common::DataFusionError;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties};
use std::fmt;
use std::sync::Arc;

/// What is done to the rows on their way.
pub(super) trait Pass: fmt::Debug + Clone + Send + Sync + 'static {
    /// As `EXPLAIN` shows it.
    fn name(&self) -> &'static str;

    /// The stream around that of one partition of the input.
    fn stream(&self, input: SendableRecordBatchStream, context: &TaskContext) -> SendableRecordBatchStream;
}

#[derive(Debug)]
pub(super) struct Passing<P> {
    input: Arc<dyn ExecutionPlan>,
    pass: P,
}

impl<P> Passing<P> {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, pass: P) -> Self {
        Self { input, pass }
    }
}

impl<P: Pass> DisplayAs for Passing<P> {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pass.name())
    }
}

impl<P: Pass> ExecutionPlan for Passing<P> {
    fn name(&self) -> &'static str {
        self.pass.name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion, DataFusionError>,
    ) -> Result<TreeNodeRecursion, DataFusionError> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(input, self.pass.clone()))),
            _ => Err(DataFusionError::Internal(format!("{} has one input", self.pass.name()))),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        Ok(self.pass.stream(input, &context))
    }
}
