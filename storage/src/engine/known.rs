//! Finds the services again that had a place of their own when the last process ended.
//!
//! Those that are named in the options, and those whose spans the read models of the last hour have: so that a start
//! in the middle of a flood of names does not take them for newcomers.

use crate::columns::column;
use crate::ids::Table;
use crate::manifest::Manifest;
use crate::options::Options;
use crate::read_models::{KnownServices, Resolution};
use crate::segment::{self, ANY_TIME};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{TimestampNanosecondType, UInt64Type};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Hours of events that are looked at: the one of the newest row and the one before.
const AGE_NS: i64 = 3_600 * 1_000_000_000;
/// Names held at once while looking; where there are more, the half with fewest spans is forgotten.
const NAMES_MAX: usize = 100_000;

/// Before the log is replayed. A segment that cannot be read costs what it knew, and no more.
pub(super) fn find_known(manifest: &Manifest, options: &Options) -> KnownServices {
    let mut known = KnownServices::default();
    // When they were first named, the caller says.
    known.keep(&options.kept, i64::MAX);
    let segments = manifest.segments_of(Table::ServiceRed(Resolution::Hour));
    let Some(newest) = segments.iter().map(|segment| segment.received_max).max() else { return known };
    let since = Resolution::Hour.bucket_of(newest.saturating_sub(AGE_NS));
    let mut n_spans_of = HashMap::new();
    for segment in segments.iter().filter(|segment| segment.received_max >= since) {
        let names = ["bucket", "service", "n_spans"];
        let read = segment::read_some(segment, &options.data_dir, &names, ANY_TIME, &mut |rows| {
            count(rows, since, &mut n_spans_of);
            forget_surplus(&mut n_spans_of);
            Ok(ControlFlow::Continue(()))
        });
        if let Err(error) = read {
            tracing::warn!(error = error.chain(), "cannot read which services were known");
        }
    }
    known.note(n_spans_of, newest);
    known
}

fn count(rows: &RecordBatch, since: i64, n_spans_of: &mut HashMap<String, u64>) {
    let buckets = column(rows, "bucket").as_primitive::<TimestampNanosecondType>();
    let services = column(rows, "service").as_string::<i32>();
    let n_spans = column(rows, "n_spans").as_primitive::<UInt64Type>();
    for row in (0..rows.num_rows()).filter(|row| buckets.value(*row) >= since) {
        let service = services.value(row);
        match n_spans_of.get_mut(service) {
            Some(n) => *n = n.saturating_add(n_spans.value(row)),
            None => {
                n_spans_of.insert(service.to_owned(), n_spans.value(row));
            }
        }
    }
}

fn forget_surplus(n_spans_of: &mut HashMap<String, u64>) {
    if n_spans_of.len() <= NAMES_MAX {
        return;
    }
    let mut all: Vec<(String, u64)> = n_spans_of.drain().collect();
    all.sort_unstable_by_key(|(_, n_spans)| std::cmp::Reverse(*n_spans));
    all.truncate(NAMES_MAX / 2);
    n_spans_of.extend(all);
}

#[cfg(test)]
mod tests;
