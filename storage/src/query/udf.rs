//! Functions that our tables need and SQL does not have.
//!
//! - `hex(id)`: lower-case hex of binary, as ids are written everywhere else.
//! - `has_attribute(column, key, value)`: is the pair in this map, or in any item of this list of
//!   events or links? Faster than `column[key] = value`, and the only way into lists.
//! - `hdr_n_at_most(duration_hdr, ns)`: how many durations of a histogram lie at or below a bound.
//! - `hdr_quantile(duration_hdr, q)`: aggregate; merges histograms, gives the quantile in nanoseconds.

mod has_attribute;
mod hdr_n_at_most;
mod hdr_quantile;
mod hex;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use std::sync::Arc;

pub(super) fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::from(hex::Hex::new())),
        Arc::new(ScalarUDF::from(has_attribute::HasAttribute::new())),
        Arc::new(ScalarUDF::from(hdr_n_at_most::HdrNAtMost::new())),
    ]
}

pub(super) fn aggregate_functions() -> Vec<Arc<AggregateUDF>> {
    vec![Arc::new(AggregateUDF::from(hdr_quantile::HdrQuantile::new()))]
}
