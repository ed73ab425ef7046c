//! `attribute_int(column, key)` and `attribute_double(column, key)`.

use crate::attributes::Class;
use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ExpressionPlacement, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// An attribute as a number, whatever type it was sent with: null where its text is none.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::query) struct AttributeNumber {
    class: Class,
    signature: Signature,
}

impl AttributeNumber {
    pub(super) fn int() -> Self {
        Self { class: Class::Int, signature: Signature::any(2, Volatility::Immutable) }
    }

    pub(super) fn double() -> Self {
        Self { class: Class::Double, signature: Signature::any(2, Volatility::Immutable) }
    }
}

/// Texts as numbers of a class.
pub(in crate::query) fn numbers<'a>(texts: impl Iterator<Item = Option<&'a str>>, class: Class) -> ArrayRef {
    match class {
        Class::Int => Arc::new(texts.map(|text| text?.parse().ok()).collect::<Int64Array>()),
        Class::Double => Arc::new(texts.map(|text| text?.parse().ok()).collect::<Float64Array>()),
        Class::Text => Arc::new(texts.collect::<StringArray>()),
    }
}

impl ScalarUDFImpl for AttributeNumber {
    fn name(&self) -> &str {
        match self.class {
            Class::Double => "attribute_double",
            Class::Int | Class::Text => "attribute_int",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn placement(&self, args: &[ExpressionPlacement]) -> ExpressionPlacement {
        super::placement(args)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType, DataFusionError> {
        match arg_types.first() {
            Some(DataType::Map(..)) => Ok(self.class.data_type()),
            _ => plan_err!("{} takes attributes, resource or scope first", self.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let ColumnarValue::Scalar(key) = &args.args[1] else {
            return exec_err!("{} takes a constant key", self.name());
        };
        let Some(Some(key)) = key.try_as_str() else {
            return exec_err!("{} takes a key as text", self.name());
        };
        let column = args.args[0].to_array(args.number_rows)?;
        let maps = column.as_map();
        let (Some(keys), Some(values)) =
            (maps.keys().as_string_opt::<i32>(), maps.values().as_string_opt::<i32>())
        else {
            return exec_err!("{} takes maps from text to text", self.name());
        };
        let texts = maps.value_offsets().windows(2).map(|ends| {
            let entry = (ends[0] as usize..ends[1] as usize).find(|&entry| keys.value(entry) == key)?;
            arrow::array::Array::is_valid(values, entry).then(|| values.value(entry))
        });
        Ok(ColumnarValue::Array(numbers(texts, self.class)))
    }
}
