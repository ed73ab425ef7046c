//! What the columns of a file are made into where a query asks for more than one of them: functions that
//! no statement can name.

use crate::attributes::{Class, WideMap, map_of, types_of, write_double};
use crate::query::udf::numbers;
use crate::schema::attribute_map;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// The value of a key whose values are in columns of several types, or not of the type asked for.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::query) struct AttributeValue {
    /// The type asked for.
    class: Class,
    signature: Signature,
}

/// The map whose columns are the arguments.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::query) struct AttributeMap {
    map: WideMap,
    signature: Signature,
}

/// The types of the entries of the map whose order is the argument.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::query) struct AttributeTypes {
    signature: Signature,
}

impl AttributeTypes {
    pub(in crate::query) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl AttributeValue {
    pub(in crate::query) fn new(class: Class) -> Self {
        Self { class, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl AttributeMap {
    pub(in crate::query) fn new(map: WideMap) -> Self {
        Self { map, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for AttributeValue {
    fn name(&self) -> &str {
        "attribute_value"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(self.class.data_type())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let columns = arrays(&args)?;
        let texts: Vec<Option<String>> = (0..args.number_rows)
            .map(|row| columns.iter().find(|column| column.is_valid(row)).map(|column| text(column, row)))
            .collect();
        Ok(ColumnarValue::Array(numbers(texts.iter().map(Option::as_deref), self.class)))
    }
}

impl ScalarUDFImpl for AttributeMap {
    fn name(&self) -> &str {
        "attribute_map"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(attribute_map())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        Ok(ColumnarValue::Array(Arc::new(map_of(&self.map, &arrays(&args)?)?)))
    }
}

impl ScalarUDFImpl for AttributeTypes {
    fn name(&self) -> &str {
        "attribute_types"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        Ok(ColumnarValue::Array(Arc::new(types_of(&args.args[0].to_array(args.number_rows)?)?)))
    }
}

fn arrays(args: &ScalarFunctionArgs) -> Result<Vec<ArrayRef>, DataFusionError> {
    args.args.iter().map(|argument| argument.to_array(args.number_rows)).collect()
}

fn text(column: &ArrayRef, row: usize) -> String {
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => {
            let mut text = String::new();
            write_double(column.as_primitive::<Float64Type>().value(row), &mut text);
            text
        }
        _ => column.as_string::<i32>().value(row).to_owned(),
    }
}
