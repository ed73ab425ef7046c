//! `has_word(text, word)`.

use crate::words::has_phrase;
use arrow::array::{Array, AsArray, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

pub(in crate::query) const NAME: &str = "has_word";

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct HasWord {
    signature: Signature,
}

impl HasWord {
    pub(super) fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Utf8; 2], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for HasWord {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let texts = args.args[0].to_array(args.number_rows)?;
        let words = args.args[1].to_array(args.number_rows)?;
        let (texts, words) = (texts.as_string::<i32>(), words.as_string::<i32>());
        let found = (0..texts.len()).map(|row| {
            let is_known = texts.is_valid(row) && words.is_valid(row);
            is_known.then(|| has_phrase(texts.value(row), words.value(row)))
        });
        Ok(ColumnarValue::Array(Arc::new(found.collect::<BooleanArray>())))
    }
}
