//! Read models: small tables derived from raw rows, kept at write time so that dashboards need not
//! read spans.
//!
//! They are committed together with the rows they came from, and can be rebuilt from them; a test
//! proves that rebuilt and kept ones are equal.

mod hdr;
mod red;

pub(crate) use hdr::{DURATION_NS_MAX, DurationHistogram, SLOT_NS, SparseHistogram, each_slot};
pub(crate) use red::{BUCKET_NS, RedCells, RedDelta};

#[cfg(test)]
pub(crate) mod tests;
