//! `has_attribute(column, key, value)`.

use arrow::array::{Array, AsArray, BooleanArray, ListArray, MapArray, StringArray};
use arrow::datatypes::{DataType, Fields};
use datafusion::common::{DataFusionError, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ExpressionPlacement, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// The field of events and links that holds their attributes.
const ATTRIBUTES: &str = "attributes";

#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::query) struct HasAttribute {
    signature: Signature,
}

impl HasAttribute {
    pub(in crate::query) fn new() -> Self {
        Self { signature: Signature::any(3, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for HasAttribute {
    fn name(&self) -> &str {
        "has_attribute"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn placement(&self, args: &[ExpressionPlacement]) -> ExpressionPlacement {
        super::placement(args)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType, DataFusionError> {
        match arg_types.first() {
            Some(DataType::Map(..)) => Ok(DataType::Boolean),
            Some(DataType::List(item)) if matches!(item.data_type(), DataType::Struct(fields) if has_map(fields)) => {
                Ok(DataType::Boolean)
            }
            _ => plan_err!("has_attribute takes attributes, resource, scope, events or links first"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let key = constant(&args.args[1])?;
        let value = constant(&args.args[2])?;
        let column = args.args[0].to_array(args.number_rows)?;
        let found: BooleanArray = match column.data_type() {
            DataType::Map(..) => {
                let pairs = Pairs::of(column.as_map())?;
                (0..column.len()).map(|row| Some(pairs.contain(row, key, value))).collect()
            }
            DataType::List(_) => in_items(column.as_list(), key, value)?,
            other => return exec_err!("has_attribute cannot look into {other}"),
        };
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

fn has_map(fields: &Fields) -> bool {
    fields.find(ATTRIBUTES).is_some_and(|(_, field)| matches!(field.data_type(), DataType::Map(..)))
}

fn constant(argument: &ColumnarValue) -> Result<&str, DataFusionError> {
    match argument {
        ColumnarValue::Scalar(scalar) => match scalar.try_as_str() {
            Some(Some(text)) => Ok(text),
            _ => exec_err!("has_attribute takes a key and a value as text"),
        },
        ColumnarValue::Array(_) => exec_err!("has_attribute takes a constant key and value"),
    }
}

fn in_items(lists: &ListArray, key: &str, value: &str) -> Result<BooleanArray, DataFusionError> {
    let items = lists.values().as_struct();
    let Some(maps) = items.column_by_name(ATTRIBUTES) else {
        return exec_err!("has_attribute found no attributes in the list's items");
    };
    let pairs = Pairs::of(maps.as_map())?;
    let offsets = lists.value_offsets();
    let found = offsets.windows(2).map(|ends| {
        let items = ends[0] as usize..ends[1] as usize;
        Some(items.into_iter().any(|item| pairs.contain(item, key, value)))
    });
    Ok(found.collect())
}

/// The entries of a map column, ready to be compared.
struct Pairs<'a> {
    offsets: &'a [i32],
    keys: &'a StringArray,
    values: &'a StringArray,
}

impl<'a> Pairs<'a> {
    fn of(maps: &'a MapArray) -> Result<Self, DataFusionError> {
        let (Some(keys), Some(values)) =
            (maps.keys().as_string_opt::<i32>(), maps.values().as_string_opt::<i32>())
        else {
            return exec_err!("has_attribute takes maps from text to text");
        };
        Ok(Self { offsets: maps.value_offsets(), keys, values })
    }

    fn contain(&self, row: usize, key: &str, value: &str) -> bool {
        let mut entries = self.offsets[row] as usize..self.offsets[row + 1] as usize;
        entries.any(|entry| {
            self.keys.value(entry) == key && self.values.is_valid(entry) && self.values.value(entry) == value
        })
    }
}
