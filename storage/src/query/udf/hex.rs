//! `hex(binary)`.

use crate::query::literals::push_hex;
use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Hex {
    signature: Signature,
}

impl Hex {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Hex {
    fn name(&self) -> &str {
        "hex"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType, DataFusionError> {
        match arg_types {
            [DataType::Binary | DataType::FixedSizeBinary(_) | DataType::Null] => Ok(DataType::Utf8),
            [other, ..] => plan_err!("hex takes binary, such as trace_id, not {other}"),
            [] => plan_err!("hex takes one argument"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let bytes = args.args[0].to_array(args.number_rows)?;
        let text: ArrayRef = match bytes.data_type() {
            DataType::Binary => {
                let bytes = bytes.as_binary::<i32>();
                digits(bytes, |row| bytes.value(row))
            }
            DataType::FixedSizeBinary(_) => {
                let bytes = bytes.as_fixed_size_binary();
                digits(bytes, |row| bytes.value(row))
            }
            DataType::Null => arrow::array::new_null_array(&DataType::Utf8, bytes.len()),
            other => return exec_err!("hex takes binary, not {other}"),
        };
        Ok(ColumnarValue::Array(text))
    }
}

fn digits<'a>(column: &dyn Array, value: impl Fn(usize) -> &'a [u8]) -> ArrayRef {
    let mut texts = StringBuilder::new();
    let mut text = String::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            texts.append_null();
            continue;
        }
        text.clear();
        push_hex(&mut text, value(row));
        texts.append_value(&text);
    }
    Arc::new(texts.finish())
}
