//! A condensed column of a file in a query: a function that no statement can name.

use crate::condensed::Condensed;
use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

/// The table's column whose parts are the arguments.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Expanded {
    condensed: Condensed,
    signature: Signature,
}

impl Expanded {
    pub(super) fn new(condensed: Condensed) -> Self {
        Self { condensed, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Expanded {
    fn name(&self) -> &str {
        "expanded"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(self.condensed.table_field().data_type().clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let parts: Result<Vec<_>, _> =
            args.args.iter().map(|argument| argument.to_array(args.number_rows)).collect();
        Ok(ColumnarValue::Array(self.condensed.expand(&parts?)?))
    }
}
