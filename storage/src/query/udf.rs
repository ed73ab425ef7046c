//! Functions that our tables need and SQL does not have.
//!
//! - `hex(id)`: lower-case hex of binary, as ids are written everywhere else.
//! - `has_attribute(column, key, value)`: is the pair in this map, or in any item of this list of
//!   events or links? The only way into lists.
//! - `in_sample(id, n)`: is the id among about one in `n`, chosen by its hash?
//! - `has_word(body, word)`: does the text hold the word, whatever the case, with no letter or digit beside it?
//! - `attribute_int(column, key)`, `attribute_double(column, key)`: the value as a number, null where it
//!   is none.
//! - `hdr_n_at_most(duration_hdr, ns)`: how many durations of a histogram lie at or below a bound.
//! - `hdr_merge(duration_hdr)`: aggregate; one histogram of many, in 27 KB a group however many there are.
//! - `hdr_of(duration_ns)`: aggregate; the histogram of the durations of rows, which serves all quantiles of a group.
//! - `hdr_quantile(duration_hdr, q)`: aggregate; merges histograms, gives the quantile in nanoseconds. Over an
//!   aggregate, as in `hdr_quantile(hdr_merge(duration_hdr), q)`, it is `hdr_quantile_of`.
//! - `hdr_quantile_of(duration_hdr, q)`: the quantile of one histogram.

mod attribute_number;
mod has_attribute;
mod has_word;
mod hdr_n_at_most;
mod hdr_quantile;
mod hdr_quantile_of;
mod hdr_sum;
mod hex;
mod in_sample;
mod merged;

use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::logical_expr::{AggregateUDF, ExpressionPlacement, ScalarUDF};
use hdr_sum::HdrSum;
use std::sync::Arc;

pub(super) use attribute_number::{AttributeNumber, numbers};
pub(super) use has_attribute::HasAttribute;
pub(super) use has_word::NAME as HAS_WORD;

pub(super) fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::from(hex::Hex::new())),
        Arc::new(ScalarUDF::from(in_sample::InSample::new())),
        Arc::new(ScalarUDF::from(has_word::HasWord::new())),
        Arc::new(ScalarUDF::from(HasAttribute::new())),
        Arc::new(ScalarUDF::from(AttributeNumber::int())),
        Arc::new(ScalarUDF::from(AttributeNumber::double())),
        Arc::new(ScalarUDF::from(hdr_n_at_most::HdrNAtMost::new())),
        Arc::new(ScalarUDF::from(hdr_quantile_of::HdrQuantileOf::new())),
    ]
}

pub(super) fn aggregate_functions() -> Vec<Arc<AggregateUDF>> {
    vec![
        Arc::new(AggregateUDF::from(HdrSum::of_histograms())),
        Arc::new(AggregateUDF::from(HdrSum::of_durations())),
        Arc::new(AggregateUDF::from(hdr_quantile::HdrQuantile::new())),
    ]
}

pub(super) fn expr_planners() -> Vec<Arc<dyn ExprPlanner>> {
    vec![Arc::new(hdr_quantile_of::QuantileOfAggregate)]
}

/// Where a look-up of a key belongs: at the scan, which may have a column for it.
fn placement(args: &[ExpressionPlacement]) -> ExpressionPlacement {
    let [column, keys @ ..] = args else { return ExpressionPlacement::KeepInPlace };
    let is_column = matches!(column, ExpressionPlacement::Column | ExpressionPlacement::MoveTowardsLeafNodes);
    match is_column && keys.iter().all(|key| *key == ExpressionPlacement::Literal) {
        true => ExpressionPlacement::MoveTowardsLeafNodes,
        false => ExpressionPlacement::KeepInPlace,
    }
}
