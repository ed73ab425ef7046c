//! Windows that can be stopped.
//!
//! A window's function is asked for a value of each row, all rows of a batch or of a whole partition in one go. A
//! median of a million rows takes milliseconds, so such a go may take hours, and no pause at its ends is of any
//! use. So the functions themselves look at the clock: once the deadline has passed or the caller has left, they
//! fail, and the statement ends.

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::expr::{
    AggregateFunctionParams, WindowFunctionDefinition, WindowFunctionParams,
};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, LogicalPlan, ReversedUDAF, SetMonotonicity, Signature,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::Instant;

/// Why a window stopped.
#[derive(Debug, thiserror::Error)]
#[error("the deadline has passed, or nobody waits for the answer")]
pub(super) struct Stopped;

impl Stopped {
    pub(super) fn is_beneath(error: &DataFusionError) -> bool {
        matches!(error.find_root(), DataFusionError::External(cause) if cause.is::<Self>())
    }
}

/// When a query has to end, for parts of it that cannot pause.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    deadline: Instant,
    is_left: Arc<AtomicBool>,
}

impl Stop {
    pub(super) fn at(deadline: Instant) -> Self {
        Self { deadline, is_left: Arc::default() }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Nobody waits for the answer any more.
    pub(super) fn leave(&self) {
        self.is_left.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> Result<(), DataFusionError> {
        if self.is_left.load(Ordering::Relaxed) || Instant::now() > self.deadline {
            return Err(DataFusionError::External(Box::new(Stopped)));
        }
        Ok(())
    }
}

/// The same plan, with every aggregate of a window stoppable. It has to be optimised already: rules know functions
/// by their types.
pub(super) fn stoppable(plan: LogicalPlan, stop: &Stop) -> Result<LogicalPlan, DataFusionError> {
    let changed = plan.transform_up_with_subqueries(|node| {
        if !matches!(node, LogicalPlan::Window(_)) {
            return Ok(Transformed::no(node));
        }
        node.map_expressions(|expression| {
            expression.transform_up(|part| {
                let Expr::WindowFunction(mut window) = part else { return Ok(Transformed::no(part)) };
                let WindowFunctionDefinition::AggregateUDF(function) = &window.fun else {
                    return Ok(Transformed::no(Expr::WindowFunction(window)));
                };
                window.fun = WindowFunctionDefinition::AggregateUDF(Stoppable::of(function, stop));
                Ok(Transformed::yes(Expr::WindowFunction(window)))
            })
        })
    });
    Ok(changed?.data)
}

/// An aggregate function that looks at the clock.
#[derive(Debug)]
struct Stoppable {
    function: Arc<AggregateUDF>,
    stop: Stop,
}

impl Stoppable {
    fn of(function: &Arc<AggregateUDF>, stop: &Stop) -> Arc<AggregateUDF> {
        let stoppable = Self { function: Arc::clone(function), stop: stop.clone() };
        Arc::new(AggregateUDF::new_from_impl(stoppable))
    }

    fn looking(&self, accumulator: Box<dyn Accumulator>) -> Box<dyn Accumulator> {
        Box::new(Looking { accumulator, stop: self.stop.clone() })
    }
}

impl PartialEq for Stoppable {
    fn eq(&self, other: &Self) -> bool {
        self.function == other.function
    }
}

impl Eq for Stoppable {}

impl Hash for Stoppable {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.hash(state);
    }
}

/// All that a plan of a window asks of a function is the function's own.
impl AggregateUDFImpl for Stoppable {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn aliases(&self) -> &[String] {
        self.function.aliases()
    }

    fn schema_name(&self, params: &AggregateFunctionParams) -> Result<String, DataFusionError> {
        self.function.schema_name(params)
    }

    fn window_function_schema_name(&self, params: &WindowFunctionParams) -> Result<String, DataFusionError> {
        self.function.window_function_schema_name(params)
    }

    fn display_name(&self, params: &AggregateFunctionParams) -> Result<String, DataFusionError> {
        self.function.display_name(params)
    }

    fn window_function_display_name(&self, params: &WindowFunctionParams) -> Result<String, DataFusionError> {
        self.function.window_function_display_name(params)
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType, DataFusionError> {
        self.function.return_type(types)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef, DataFusionError> {
        self.function.return_field(fields)
    }

    fn is_nullable(&self) -> bool {
        self.function.is_nullable()
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>, DataFusionError> {
        // One for each partition of a window, and there may be as many as rows.
        self.stop.check()?;
        Ok(self.looking(self.function.accumulator(args)?))
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>, DataFusionError> {
        self.stop.check()?;
        Ok(self.looking(self.function.create_sliding_accumulator(args)?))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>, DataFusionError> {
        self.function.state_fields(args)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.function.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        match self.function.reverse_udf() {
            ReversedUDAF::Reversed(function) => ReversedUDAF::Reversed(Self::of(&function, &self.stop)),
            other => other,
        }
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        self.function.coerce_types(types)
    }

    fn is_descending(&self) -> Option<bool> {
        self.function.is_descending()
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue, DataFusionError> {
        self.function.default_value(data_type)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.function.supports_null_handling_clause()
    }

    fn supports_within_group_clause(&self) -> bool {
        self.function.supports_within_group_clause()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.function.inner().set_monotonicity(data_type)
    }
}

/// What a function keeps of its rows.
#[derive(Debug)]
struct Looking {
    accumulator: Box<dyn Accumulator>,
    stop: Stop,
}

impl Accumulator for Looking {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<(), DataFusionError> {
        self.accumulator.update_batch(values)
    }

    /// Once for each row.
    fn evaluate(&mut self) -> Result<ScalarValue, DataFusionError> {
        self.stop.check()?;
        self.accumulator.evaluate()
    }

    fn size(&self) -> usize {
        self.accumulator.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>, DataFusionError> {
        self.accumulator.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<(), DataFusionError> {
        self.accumulator.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<(), DataFusionError> {
        self.accumulator.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.accumulator.supports_retract_batch()
    }
}
