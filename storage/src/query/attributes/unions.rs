//! Look-ups of keys reach the files also where rows in memory are read beside them.

use datafusion::common::DataFusionError;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;
use std::sync::Arc;

/// Takes projections with functions in them below the unions that are their input, and into the scans there.
/// It comes before filters are pushed down: one on a column of a projection would otherwise pass it, as one
/// on the whole map.
#[derive(Debug)]
pub(in crate::query) struct ProjectionsBelowUnions;

impl PhysicalOptimizerRule for ProjectionsBelowUnions {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        plan.transform_up(|node| {
            let lowered = node.downcast_ref::<ProjectionExec>().map(lower).transpose()?.flatten();
            Ok(lowered.map_or_else(|| Transformed::no(node), Transformed::yes))
        })
        .data()
    }

    fn name(&self) -> &str {
        "projections_below_unions"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn lower(projection: &ProjectionExec) -> Result<Option<Arc<dyn ExecutionPlan>>, DataFusionError> {
    let Some(union) = projection.input().downcast_ref::<UnionExec>() else { return Ok(None) };
    if !projection.expr().iter().any(|column| column.expr.downcast_ref::<ScalarFunctionExpr>().is_some()) {
        return Ok(None);
    }
    let inputs: Result<Vec<_>, DataFusionError> = union
        .inputs()
        .iter()
        .map(|input| {
            let own = ProjectionExec::try_new(projection.expr().to_vec(), Arc::clone(input))?;
            let swapped = input.try_swapping_with_projection(&own)?;
            Ok(swapped.unwrap_or_else(|| Arc::new(own)))
        })
        .collect();
    UnionExec::try_new(inputs?).map(Some)
}
