//! `hdr_quantile_of(duration_hdr, q)`, and how `hdr_quantile(hdr_merge(...), q)` becomes it.

use super::hdr_quantile::HdrQuantile;
use super::merged::{check_quantile, external};
use crate::read_models::DurationHistogram;
use arrow::array::{Array, AsArray, Int64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DataFusionError, plan_err};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawAggregateExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct HdrQuantileOf {
    signature: Signature,
}

impl HdrQuantileOf {
    pub(super) fn new() -> Self {
        let arguments = vec![DataType::Binary, DataType::Float64];
        Self { signature: Signature::exact(arguments, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for HdrQuantileOf {
    fn name(&self) -> &str {
        "hdr_quantile_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let encoded = args.args[0].to_array(args.number_rows)?;
        let quantiles = args.args[1].to_array(args.number_rows)?;
        let (encoded, quantiles) = (encoded.as_binary::<i32>(), quantiles.as_primitive::<Float64Type>());
        let values = (0..encoded.len()).map(|row| {
            if encoded.is_null(row) || quantiles.is_null(row) {
                return Ok(None);
            }
            check_quantile(quantiles.value(row))?;
            let mut durations = DurationHistogram::default();
            durations.add_encoded(encoded.value(row)).map_err(external)?;
            Ok(durations.quantile_ns(quantiles.value(row)))
        });
        let values = values.collect::<Result<Int64Array, DataFusionError>>()?;
        Ok(ColumnarValue::Array(Arc::new(values)))
    }
}

/// `hdr_quantile` is an aggregate, and aggregates do not nest: over one, it can only mean the quantile of
/// what that one gives.
#[derive(Debug)]
pub(super) struct QuantileOfAggregate;

impl ExprPlanner for QuantileOfAggregate {
    fn plan_aggregate(
        &self,
        raw: RawAggregateExpr,
    ) -> Result<PlannerResult<RawAggregateExpr>, DataFusionError> {
        if !raw.func.inner().is::<HdrQuantile>() || !raw.args.iter().any(aggregates) {
            return Ok(PlannerResult::Original(raw));
        }
        if raw.distinct || raw.filter.is_some() || !raw.order_by.is_empty() {
            return plan_err!("DISTINCT, FILTER and ORDER BY belong into hdr_merge, not into hdr_quantile");
        }
        let quantile_of = ScalarUDF::from(HdrQuantileOf::new());
        Ok(PlannerResult::Planned(quantile_of.call(raw.args)))
    }
}

fn aggregates(argument: &Expr) -> bool {
    let is_aggregate = |part: &Expr| Ok(matches!(part, Expr::AggregateFunction(_) | Expr::WindowFunction(_)));
    argument.exists(is_aggregate).unwrap_or_default()
}
