//! `in_sample(id, n)`.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;
use twox_hash::XxHash64;

/// Of ids about one in `n`, the same whoever asks: a sample of 2n is part of the sample of n.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct InSample {
    signature: Signature,
}

impl InSample {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for InSample {
    fn name(&self) -> &str {
        "in_sample"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType, DataFusionError> {
        match arg_types {
            [DataType::Binary | DataType::FixedSizeBinary(_), DataType::Int64] => Ok(DataType::Boolean),
            _ => plan_err!("in_sample takes an id, such as trace_id, and a whole number"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let ColumnarValue::Scalar(ScalarValue::Int64(Some(one_in @ 1..))) = args.args[1] else {
            return exec_err!("in_sample takes a constant number from 1 on");
        };
        let ids = args.args[0].to_array(args.number_rows)?;
        let chosen: ArrayRef = match ids.data_type() {
            DataType::Binary => {
                let ids = ids.as_binary::<i32>();
                chosen(ids, one_in.unsigned_abs(), |row| ids.value(row))
            }
            DataType::FixedSizeBinary(_) => {
                let ids = ids.as_fixed_size_binary();
                chosen(ids, one_in.unsigned_abs(), |row| ids.value(row))
            }
            other => return exec_err!("in_sample takes binary, not {other}"),
        };
        Ok(ColumnarValue::Array(chosen))
    }
}

fn chosen<'a>(ids: &dyn Array, one_in: u64, id: impl Fn(usize) -> &'a [u8]) -> ArrayRef {
    let is_chosen = |row| XxHash64::oneshot(0, id(row)).is_multiple_of(one_in);
    let chosen = (0..ids.len()).map(|row| ids.is_valid(row).then(|| is_chosen(row)));
    Arc::new(chosen.collect::<BooleanArray>())
}
