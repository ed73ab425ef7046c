//! Conditions on attributes, as a scan uses them to skip what cannot match.
//!
//! Whatever the scan makes of them, the query asks them again of each row. So they may be changed into what
//! is easier to refute, as long as no row that matches is lost, and one that could fail is left out: it may
//! count on another condition to keep the rows away that it fails on.

use crate::attributes::{LISTS, MAPS};
use crate::query::udf::HasAttribute;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, ScalarValue};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::utils::{conjunction, disjunction, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, ScalarUDF};
use datafusion::physical_expr::PhysicalExpr;
use std::sync::Arc;

/// What the conditions on attributes among these filters come to; none if there are none.
pub(in crate::query) fn predicate(
    session: &dyn Session,
    schema: &SchemaRef,
    filters: &[Expr],
) -> Result<Option<Arc<dyn PhysicalExpr>>, DataFusionError> {
    let conditions =
        filters.iter().flat_map(split_conjunction).filter(|condition| asks_attributes(condition));
    let conditions = conditions.filter(|condition| cannot_fail(condition)).cloned().map(refutable);
    let Some(condition) = conjunction(conditions) else { return Ok(None) };
    let fields = DFSchema::try_from(Arc::clone(schema))?;
    session.create_physical_expr(condition, &fields).map(Some)
}

fn asks_attributes(condition: &Expr) -> bool {
    let names = |expr: &Expr| matches!(expr, Expr::Column(column) if MAPS.contains(&column.name()));
    condition.exists(|expr| Ok(names(expr))).unwrap_or(false)
}

fn cannot_fail(condition: &Expr) -> bool {
    let mut is_safe = true;
    // The closure gives no error.
    let _ = condition.apply(|expr| {
        is_safe &= match expr {
            Expr::Column(_) | Expr::Literal(..) | Expr::Not(_) | Expr::IsNull(_) | Expr::IsNotNull(_) => true,
            Expr::IsTrue(_) | Expr::IsFalse(_) | Expr::IsNotTrue(_) | Expr::IsNotFalse(_) => true,
            Expr::InList(_) | Expr::Between(_) | Expr::Like(_) | Expr::TryCast(_) => true,
            Expr::BinaryExpr(binary) => compares(binary.op) || binary.op.is_logic_operator(),
            Expr::ScalarFunction(function) => is_look_up(function),
            _ => false,
        };
        Ok(if is_safe { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    is_safe
}

fn compares(operator: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(operator, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// A look-up of a constant key in a column that has keys.
fn is_look_up(function: &ScalarFunction) -> bool {
    let is_known =
        ["get_field", "has_attribute", "attribute_int", "attribute_double"].contains(&function.name());
    let [Expr::Column(column), keys @ ..] = function.args.as_slice() else { return false };
    let has_keys = MAPS.contains(&column.name()) || LISTS.contains(&column.name());
    is_known && has_keys && keys.iter().all(|key| matches!(key, Expr::Literal(..)))
}

/// The same for a row to pass, but false instead of null: equality with a value is asked of each column
/// that a file may have of the key, in that column's type.
fn refutable(condition: Expr) -> Expr {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            let (left, right) = (refutable(*left), refutable(*right));
            Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) })
        }
        Expr::BinaryExpr(BinaryExpr { ref left, op: Operator::Eq, ref right }) => {
            let equal = equal(left, right).or_else(|| equal(right, left));
            equal.unwrap_or(condition)
        }
        Expr::InList(InList { ref expr, ref list, negated: false }) => {
            let any: Option<Vec<Expr>> = list.iter().map(|value| equal(expr, value)).collect();
            any.and_then(disjunction).unwrap_or(condition)
        }
        other => other,
    }
}

/// `attributes['key'] = 'value'` as a question that is never answered with null.
fn equal(look_up: &Expr, value: &Expr) -> Option<Expr> {
    let Expr::ScalarFunction(function) = look_up else { return None };
    let Expr::Literal(ScalarValue::Utf8(Some(_)), _) = value else { return None };
    let [Expr::Column(column), key] = function.args.as_slice() else { return None };
    let is_text = function.name() == "get_field" && MAPS.contains(&column.name());
    let args = || vec![Expr::Column(column.clone()), key.clone(), value.clone()];
    is_text.then(|| ScalarUDF::from(HasAttribute::new()).call(args()))
}
