//! `hdr_quantile(duration_hdr, q)`.

use super::merged::{Merged, check_quantile};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::{DataFusionError, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct HdrQuantile {
    signature: Signature,
}

impl HdrQuantile {
    pub(super) fn new() -> Self {
        let arguments = vec![DataType::Binary, DataType::Float64];
        Self { signature: Signature::exact(arguments, Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for HdrQuantile {
    fn name(&self) -> &str {
        "hdr_quantile"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Int64)
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>, DataFusionError> {
        Ok(Box::new(Quantile::default()))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>, DataFusionError> {
        Ok(vec![
            Arc::new(Field::new(format!("{}[durations]", args.name), DataType::Binary, true)),
            Arc::new(Field::new(format!("{}[quantile]", args.name), DataType::Float64, true)),
        ])
    }
}

#[derive(Debug, Default)]
struct Quantile {
    merged: Merged,
    quantile: Option<f64>,
}

impl Quantile {
    fn add(&mut self, encoded: &ArrayRef, quantiles: &ArrayRef) -> Result<(), DataFusionError> {
        let (encoded, quantiles) = (encoded.as_binary::<i32>(), quantiles.as_primitive::<Float64Type>());
        for row in 0..encoded.len() {
            if encoded.is_null(row) || quantiles.is_null(row) {
                continue;
            }
            self.agree_on(quantiles.value(row))?;
            self.merged.add(encoded, row)?;
        }
        Ok(())
    }

    fn agree_on(&mut self, quantile: f64) -> Result<(), DataFusionError> {
        check_quantile(quantile)?;
        if *self.quantile.get_or_insert(quantile) != quantile {
            return exec_err!("hdr_quantile takes one quantile for all rows of a group");
        }
        Ok(())
    }
}

impl Accumulator for Quantile {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<(), DataFusionError> {
        self.add(&values[0], &values[1])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<(), DataFusionError> {
        self.add(&states[0], &states[1])
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>, DataFusionError> {
        Ok(vec![ScalarValue::Binary(self.merged.encode()), ScalarValue::Float64(self.quantile)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue, DataFusionError> {
        Ok(ScalarValue::Int64(self.merged.quantile_ns(self.quantile.unwrap_or_default())))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.merged.n_bytes()
    }
}
