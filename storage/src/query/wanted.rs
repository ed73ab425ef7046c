//! Which cells of the read models in memory a query can do without.
//!
//! Cells become rows when a query asks for them, which costs more than anything else about them: a page of one service
//! should not pay for all services. What is said here is only a hint; rows are filtered again.

use crate::read_models::Wanted;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// The cells that may meet all of these conditions.
pub(super) fn wanted(filters: &[Expr]) -> Wanted {
    let mut wanted = Wanted::default();
    for filter in filters {
        let (first, last) = buckets_of(filter);
        (wanted.first, wanted.last) = (wanted.first.max(first), wanted.last.min(last));
        wanted.service = wanted.service.or_else(|| service_of(filter));
    }
    wanted
}

/// The service that every match is of; none where the condition does not say.
fn service_of(filter: &Expr) -> Option<String> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return None };
    match op {
        Operator::And => service_of(left).or_else(|| service_of(right)),
        Operator::Eq if is_column(left, "service") => text_of(right),
        Operator::Eq if is_column(right, "service") => text_of(left),
        _ => None,
    }
}

/// The first and the last bucket that a match may be in.
fn buckets_of(filter: &Expr) -> (i64, i64) {
    const ANY: (i64, i64) = (i64::MIN, i64::MAX);
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return ANY };
    match op {
        Operator::And => {
            let (one, other) = (buckets_of(left), buckets_of(right));
            (one.0.max(other.0), one.1.min(other.1))
        }
        Operator::Or => {
            let (one, other) = (buckets_of(left), buckets_of(right));
            (one.0.min(other.0), one.1.max(other.1))
        }
        op if is_column(left, "bucket") => time_of(right).map_or(ANY, |at| bounds(*op, at)),
        op if is_column(right, "bucket") => {
            let swapped = op.swap().zip(time_of(left));
            swapped.map_or(ANY, |(op, at)| bounds(op, at))
        }
        _ => ANY,
    }
}

/// Of a column that is compared with a moment.
fn bounds(op: Operator, at: i64) -> (i64, i64) {
    match op {
        Operator::Eq => (at, at),
        Operator::Gt | Operator::GtEq => (at, i64::MAX),
        Operator::Lt | Operator::LtEq => (i64::MIN, at),
        _ => (i64::MIN, i64::MAX),
    }
}

fn is_column(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Column(column) if column.name == name)
}

fn text_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(
            ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text),
            _,
        ) => text.clone(),
        _ => None,
    }
}

fn time_of(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::TimestampNanosecond(at, _), _) => *at,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::logical_expr::{col, lit};

    fn at(unix_nanos: i64) -> Expr {
        lit(ScalarValue::TimestampNanosecond(Some(unix_nanos), Some("UTC".into())))
    }

    /// Scenario: conditions on services and buckets, joined in every way, and others.
    /// Guarantees: what they rule out together is known; what is not understood rules out nothing.
    #[test]
    fn conditions_say_what_is_wanted() {
        let check = |filters: &[Expr], service: Option<&str>, first: i64, last: i64| {
            let found = wanted(filters);
            assert_eq!(
                (found.service.as_deref(), found.first, found.last),
                (service, first, last),
                "{filters:?}"
            );
        };
        let (any, from, to) = ((i64::MIN, i64::MAX), col("bucket").gt_eq(at(10)), col("bucket").lt(at(50)));
        check(&[], None, any.0, any.1);
        check(&[from.clone(), to.clone(), col("service").eq(lit("a"))], Some("a"), 10, 50);
        check(&[from.clone().and(to.clone()).and(lit("a").eq(col("service")))], Some("a"), 10, 50);
        check(&[at(10).lt_eq(col("bucket")), at(50).gt(col("bucket"))], None, 10, 50);
        let either =
            from.clone().and(to.clone()).or(col("bucket").gt(at(90)).and(col("bucket").lt_eq(at(95))));
        check(&[either], None, 10, 95);
        check(&[from.clone().or(col("service").eq(lit("a")))], None, any.0, any.1);
        check(&[col("bucket").not_eq(at(5)), col("service").not_eq(lit("a"))], None, any.0, any.1);
        check(&[col("bucket").eq(at(5)), col("n_spans").gt(lit(7))], None, 5, 5);
    }
}
