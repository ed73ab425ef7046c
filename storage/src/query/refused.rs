//! Plans that DataFusion would run, but not well: they take memory past every bound, or answer wrongly.
//!
//! The memory pool counts what sorts, joins and groups hold. It does not count what one function makes of
//! one batch, nor what a window's accumulators keep; a window's rows are counted by `kept`.

use crate::error::Error;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{Alias, WindowFunctionDefinition};
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};

/// How many times the size of its arguments a value may become, all functions of a statement together.
const GROWTH_MAX: u64 = 1_024;
/// What a replacement may be as large as, where the statement does not say.
const REPLACEMENT_MAX: u64 = 64;
/// Bytes of a replacement that count as one size.
const REPLACEMENT_BYTES: usize = 16;
/// Aggregates that keep all their rows: in a window, for each row anew.
const KEEPS_ALL: [&str; 3] = ["array_agg", "string_agg", "listagg"];

/// Refuses a plan as its author's mistake, with what to write instead.
pub(super) fn refuse(plan: &LogicalPlan) -> Result<(), Error> {
    let bad = |message: &str| Err(Error::BadQuery { message: message.to_owned() });
    if any_expression(plan, is_keeping_window) {
        return bad(
            "array_agg and string_agg cannot stand in a window: each row would keep all rows before it; \
                    use them with GROUP BY, and join the result",
        );
    }
    if growth(plan) > GROWTH_MAX {
        return bad(
            "its text and list functions can make values more than 1,024 times as large as what they are \
                    given; nest fewer of them",
        );
    }
    if has_repeated_projection(plan) {
        return bad(
            "a SELECT and the one in its FROM have the same expressions, which would be computed once \
                    instead of twice; give the inner one a name: FROM (SELECT ...) AS t",
        );
    }
    Ok(())
}

fn any_expression(plan: &LogicalPlan, is_wanted: impl Fn(&Expr) -> bool) -> bool {
    let mut is_found = false;
    let walked = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            is_found |= expression.exists(|part| Ok(is_wanted(part)))?;
            Ok(TreeNodeRecursion::Continue)
        })
    });
    // Nothing above fails.
    walked.is_ok() && is_found
}

fn is_keeping_window(expression: &Expr) -> bool {
    let Expr::WindowFunction(window) = expression else { return false };
    match &window.fun {
        WindowFunctionDefinition::AggregateUDF(aggregate) => KEEPS_ALL.contains(&aggregate.name()),
        WindowFunctionDefinition::WindowUDF(_) => false,
    }
}

/// How many times as large as a stored value the largest value of a plan can be.
fn growth(plan: &LogicalPlan) -> u64 {
    let below = plan.inputs().into_iter().map(growth).max().unwrap_or(1);
    plan.expressions().iter().map(|expression| of_expression(expression, below)).fold(below, u64::max)
}

fn of_expression(expression: &Expr, below: u64) -> u64 {
    let of = |part: &Expr| of_expression(part, below);
    match expression {
        Expr::Column(_) | Expr::OuterReferenceColumn(..) => below,
        Expr::Alias(Alias { expr, .. }) => of(expr),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
            of(left).saturating_add(of(right))
        }
        Expr::ScalarFunction(function) => {
            let factor = match function.name() {
                "replace" | "regexp_replace" => function.args.get(2).map_or(1, replacement),
                "array_to_string" | "list_to_string" | "array_join" => {
                    function.args.get(1).map_or(1, replacement)
                }
                _ => 1,
            };
            let sum = function.args.iter().map(of).fold(0, u64::saturating_add);
            sum.max(1).saturating_mul(factor)
        }
        Expr::ScalarSubquery(subquery) => growth(&subquery.subquery),
        other => largest_part(other, below),
    }
}

/// Of the parts of an expression that chooses among them or makes a number.
fn largest_part(expression: &Expr, below: u64) -> u64 {
    let mut largest = 1;
    let walked = expression.apply_children(|part| {
        largest = largest.max(of_expression(part, below));
        Ok(TreeNodeRecursion::Continue)
    });
    match walked {
        Ok(_) => largest,
        Err(_) => u64::MAX,
    }
}

/// What takes the place of as little as one byte.
fn replacement(expression: &Expr) -> u64 {
    match expression {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => {
            text.len().div_ceil(REPLACEMENT_BYTES).max(1) as u64
        }
        _ => REPLACEMENT_MAX,
    }
}

/// Is there a projection over one with the same expressions? DataFusion 55 takes the two for one
/// (`optimize_projections`). A name between them tells them apart.
fn has_repeated_projection(plan: &LogicalPlan) -> bool {
    let mut is_found = false;
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Projection(outer) = node {
            is_found |= outer.expr.iter().any(|expression| !is_plain(expression))
                && next_projection(&outer.input).is_some_and(|inner| *inner == outer.expr);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.is_ok() && is_found
}

fn is_plain(expression: &Expr) -> bool {
    match expression {
        Expr::Alias(Alias { expr, .. }) => is_plain(expr),
        other => matches!(other, Expr::Column(_) | Expr::Literal(..)),
    }
}

/// The expressions of the projection below what the optimiser may move away.
fn next_projection(plan: &LogicalPlan) -> Option<&Vec<Expr>> {
    match plan {
        LogicalPlan::Projection(projection) => Some(&projection.expr),
        LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Distinct(_) => {
            plan.inputs().first().and_then(|input| next_projection(input))
        }
        _ => None,
    }
}
