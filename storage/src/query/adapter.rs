//! From the columns of a table to those of one file: maps of attributes and condensed columns are told by
//! others there.

use super::attributes::{AttributeMap, AttributeTypes, AttributeValue};
use super::condensed::Expanded;
use crate::attributes::{Class, LISTS, MAPS, TableCounts, WideMap, double, int, order_name, rest_name};
use crate::condensed::Condensed;
use crate::query::udf::{AttributeNumber, HasAttribute};
use crate::schema::attribute_map;
use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::functions::core::getfield::GetFieldFunc;
use datafusion::logical_expr::{Operator, ScalarUDF, ScalarUDFImpl};
use datafusion::physical_expr::expressions::{BinaryExpr, Column, IsNotNullExpr, Literal, lit};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapter, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};
use std::sync::Arc;

type Expr = Arc<dyn PhysicalExpr>;

/// Makes an adapter for each file.
#[derive(Debug)]
pub(super) struct SegmentAdapterFactory;

#[derive(Debug)]
struct SegmentAdapter {
    file: SchemaRef,
    /// Maps that the file has columns of.
    maps: Vec<WideMap>,
    counts: TableCounts,
    /// For all other columns.
    others: DefaultPhysicalExprAdapter,
}

/// A look-up of a key in a column.
struct LookUp<'a> {
    function: &'a ScalarFunctionExpr,
    column: &'a str,
    key: &'a str,
    asked: Asked<'a>,
}

/// What a look-up asks for.
enum Asked<'a> {
    /// The value as this class.
    Value(Class),
    /// Is this the value?
    Equal(&'a str),
}

impl PhysicalExprAdapterFactory for SegmentAdapterFactory {
    fn create(
        &self,
        table: SchemaRef,
        file: SchemaRef,
    ) -> Result<Arc<dyn PhysicalExprAdapter>, DataFusionError> {
        Ok(Arc::new(SegmentAdapter {
            maps: MAPS.into_iter().filter_map(|map| WideMap::of(&file, map)).collect(),
            counts: TableCounts::read(file.metadata()),
            others: DefaultPhysicalExprAdapter::new(table, Arc::clone(&file)),
            file,
        }))
    }
}

impl PhysicalExprAdapter for SegmentAdapter {
    fn rewrite(&self, expr: Expr) -> Result<Expr, DataFusionError> {
        let adapted = expr.transform_down(|node| {
            Ok(match self.replacement(&node)? {
                // What stands here now speaks of the file.
                Some(replacement) => Transformed::new(replacement, true, TreeNodeRecursion::Jump),
                None => Transformed::no(node),
            })
        });
        self.others.rewrite(adapted.data()?)
    }
}

impl SegmentAdapter {
    fn replacement(&self, node: &Expr) -> Result<Option<Expr>, DataFusionError> {
        if let Some(look_up) = LookUp::of(node) {
            return self.found(&look_up);
        }
        let Some(column) = node.downcast_ref::<Column>() else { return Ok(None) };
        if let Some(condensed) = Condensed::of(column.name(), &self.file) {
            return self.expanded(condensed).map(Some);
        }
        let Some(map) = self.maps.iter().find(|map| map.has(column.name())) else { return Ok(None) };
        if map.name != column.name() {
            let field = Field::new(column.name(), DataType::Utf8, false);
            return Ok(Some(call(AttributeTypes::new(), vec![self.column(&order_name(map.name))?], field)));
        }
        let columns: Result<Vec<Expr>, _> = map.names().iter().map(|name| self.column(name)).collect();
        let function = AttributeMap::new(map.clone());
        Ok(Some(call(function, columns?, Field::new(map.name, attribute_map(), false))))
    }

    /// What answers a look-up in this file; none if the file has the map as the table has it.
    fn found(&self, look_up: &LookUp<'_>) -> Result<Option<Expr>, DataFusionError> {
        if self.counts.column(look_up.column).is_some_and(|counts| counts.lacks(look_up.key)) {
            return look_up.nothing().map(Some);
        }
        let Some(map) = self.map(look_up.column) else { return Ok(None) };
        let columns = map.columns_of(look_up.key);
        if columns.is_empty() {
            return self.in_rest(look_up).map(Some);
        }
        match look_up.asked {
            Asked::Value(class) => self.value(look_up.key, &columns, class).map(Some),
            Asked::Equal(text) => self.equal(&columns, text).map(Some),
        }
    }

    fn expanded(&self, condensed: Condensed) -> Result<Expr, DataFusionError> {
        let parts: Result<Vec<Expr>, _> = condensed.parts().iter().map(|part| self.column(part)).collect();
        Ok(call(Expanded::new(condensed), parts?, condensed.table_field()))
    }

    fn map(&self, name: &str) -> Option<&WideMap> {
        self.maps.iter().find(|map| map.name == name)
    }

    fn column(&self, name: &str) -> Result<Expr, DataFusionError> {
        Ok(Arc::new(Column::new_with_schema(name, &self.file)?))
    }

    /// The same look-up in the map of what has no column.
    fn in_rest(&self, look_up: &LookUp<'_>) -> Result<Expr, DataFusionError> {
        let function = look_up.function;
        let mut args = vec![self.column(&rest_name(look_up.column))?];
        args.extend(function.args()[1..].iter().cloned());
        let (udf, config) = (function.fun().clone(), function.config_options().clone());
        let again = ScalarFunctionExpr::try_new(Arc::new(udf), args, &self.file, Arc::new(config))?;
        Ok(Arc::new(again))
    }

    fn value(&self, key: &str, columns: &[(Class, String)], asked: Class) -> Result<Expr, DataFusionError> {
        if let [(class, name)] = columns
            && *class == asked
        {
            return self.column(name);
        }
        let columns: Result<Vec<Expr>, _> = columns.iter().map(|(_, name)| self.column(name)).collect();
        let field = Field::new(key, asked.data_type(), true);
        Ok(call(AttributeValue::new(asked), columns?, field))
    }

    /// True or false, never null, and in a form that statistics can refute.
    fn equal(&self, columns: &[(Class, String)], text: &str) -> Result<Expr, DataFusionError> {
        let mut either: Option<Expr> = None;
        for (class, name) in columns {
            let Some(value) = scalar(*class, text) else { continue };
            let column = self.column(name)?;
            let is_there: Expr = Arc::new(IsNotNullExpr::new(Arc::clone(&column)));
            let equal = both(Operator::And, is_there, both(Operator::Eq, column, lit(value)));
            either = Some(match either {
                Some(before) => both(Operator::Or, before, equal),
                None => equal,
            });
        }
        Ok(either.unwrap_or_else(|| lit(false)))
    }
}

impl<'a> LookUp<'a> {
    fn of(node: &'a Expr) -> Option<Self> {
        let function = node.downcast_ref::<ScalarFunctionExpr>()?;
        let (column, keys) = function.args().split_first()?;
        let column = column.downcast_ref::<Column>()?.name();
        let mut keys = keys.iter().map(|key| key.downcast_ref::<Literal>()?.value().try_as_str().flatten());
        let key = keys.next()??;
        let asked = match (asked(node)?, keys.next()) {
            (Some(class), None) => Asked::Value(class),
            (None, Some(Some(text))) => Asked::Equal(text),
            _ => return None,
        };
        let is_map = MAPS.contains(&column);
        let is_list = LISTS.contains(&column) && matches!(asked, Asked::Equal(_));
        (is_map || is_list).then_some(Self { function, column, key, asked })
    }

    /// The answer where no row has the key.
    fn nothing(&self) -> Result<Expr, DataFusionError> {
        Ok(match self.asked {
            Asked::Value(class) => lit(ScalarValue::try_from(class.data_type())?),
            Asked::Equal(_) => lit(false),
        })
    }
}

/// The class that a look-up's function gives, none if it compares; nothing for other functions.
fn asked(node: &Expr) -> Option<Option<Class>> {
    if ScalarFunctionExpr::try_downcast_func::<GetFieldFunc>(node.as_ref()).is_some() {
        return Some(Some(Class::Text));
    }
    if ScalarFunctionExpr::try_downcast_func::<HasAttribute>(node.as_ref()).is_some() {
        return Some(None);
    }
    let function = ScalarFunctionExpr::try_downcast_func::<AttributeNumber>(node.as_ref())?;
    match function.return_type() {
        DataType::Int64 => Some(Some(Class::Int)),
        _ => Some(Some(Class::Double)),
    }
}

/// The value of this class with this text, if there is one.
fn scalar(class: Class, text: &str) -> Option<ScalarValue> {
    match class {
        Class::Text => Some(ScalarValue::Utf8(Some(text.to_owned()))),
        Class::Int => int(text).map(|int| ScalarValue::Int64(Some(int))),
        Class::Double => double(text).map(|double| ScalarValue::Float64(Some(double))),
    }
}

fn both(operator: Operator, left: Expr, right: Expr) -> Expr {
    Arc::new(BinaryExpr::new(left, operator, right))
}

fn call(function: impl ScalarUDFImpl + 'static, args: Vec<Expr>, field: Field) -> Expr {
    let function = ScalarUDF::from(function);
    let name = function.name().to_owned();
    let options = Arc::new(ConfigOptions::default());
    Arc::new(ScalarFunctionExpr::new(&name, Arc::new(function), args, Arc::new(field), options))
}
