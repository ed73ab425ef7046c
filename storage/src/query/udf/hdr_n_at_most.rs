//! `hdr_n_at_most(duration_hdr, ns)`.

use crate::read_models::DurationHistogram;
use arrow::array::{Array, AsArray, UInt64Array};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct HdrNAtMost {
    signature: Signature,
}

impl HdrNAtMost {
    pub(super) fn new() -> Self {
        let arguments = vec![DataType::Binary, DataType::Int64];
        Self { signature: Signature::exact(arguments, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for HdrNAtMost {
    fn name(&self) -> &str {
        "hdr_n_at_most"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::UInt64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let encoded = args.args[0].to_array(args.number_rows)?;
        let bounds = args.args[1].to_array(args.number_rows)?;
        let (encoded, bounds) = (encoded.as_binary::<i32>(), bounds.as_primitive::<Int64Type>());
        let counts = (0..encoded.len()).map(|row| {
            if encoded.is_null(row) || bounds.is_null(row) {
                return Ok(None);
            }
            let mut durations = DurationHistogram::default();
            durations
                .add_encoded(encoded.value(row))
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
            Ok(Some(durations.n_at_most(bounds.value(row))))
        });
        let counts = counts.collect::<Result<UInt64Array, DataFusionError>>()?;
        Ok(ColumnarValue::Array(Arc::new(counts)))
    }
}
