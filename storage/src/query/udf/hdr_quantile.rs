//! `hdr_quantile(duration_hdr, q)`.

use crate::read_models::DurationHistogram;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::{DataFusionError, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// Bytes of one dense histogram, for the memory pool: 3,328 counters of eight bytes and its header.
const HISTOGRAM_BYTES: usize = 3_328 * 8 + 256;

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
        Ok(Box::new(Merged { durations: None, quantile: None }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>, DataFusionError> {
        Ok(vec![
            Arc::new(Field::new(format!("{}[durations]", args.name), DataType::Binary, true)),
            Arc::new(Field::new(format!("{}[quantile]", args.name), DataType::Float64, true)),
        ])
    }
}

#[derive(Debug)]
struct Merged {
    /// Made with the first histogram: a group without any costs nothing.
    durations: Option<Box<DurationHistogram>>,
    quantile: Option<f64>,
}

impl Merged {
    fn add(&mut self, encoded: &ArrayRef, quantiles: &ArrayRef) -> Result<(), DataFusionError> {
        let (encoded, quantiles) = (encoded.as_binary::<i32>(), quantiles.as_primitive::<Float64Type>());
        for row in 0..encoded.len() {
            if encoded.is_null(row) || quantiles.is_null(row) {
                continue;
            }
            self.agree_on(quantiles.value(row))?;
            let durations = self.durations.get_or_insert_default();
            durations
                .add_encoded(encoded.value(row))
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
        }
        Ok(())
    }

    fn agree_on(&mut self, quantile: f64) -> Result<(), DataFusionError> {
        if !(0.0..=1.0).contains(&quantile) {
            return exec_err!("hdr_quantile takes a quantile between 0 and 1, not {quantile}");
        }
        if *self.quantile.get_or_insert(quantile) != quantile {
            return exec_err!("hdr_quantile takes one quantile for all rows of a group");
        }
        Ok(())
    }
}

impl Accumulator for Merged {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<(), DataFusionError> {
        self.add(&values[0], &values[1])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<(), DataFusionError> {
        self.add(&states[0], &states[1])
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>, DataFusionError> {
        let encoded = self.durations.as_ref().map(|durations| durations.encode());
        Ok(vec![ScalarValue::Binary(encoded), ScalarValue::Float64(self.quantile)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue, DataFusionError> {
        let quantile = self.quantile.unwrap_or_default();
        let value = self.durations.as_ref().and_then(|durations| durations.quantile_ns(quantile));
        Ok(ScalarValue::Int64(value))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.durations.as_ref().map_or(0, |_| HISTOGRAM_BYTES)
    }
}
