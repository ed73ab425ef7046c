//! Tables `edge_red`, `edge_red_1m`, `edge_red_1h`: who calls whom.

use super::common::{required, timestamp};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use std::sync::{Arc, LazyLock};

/// One row per bucket of the callers' end times and edge: all columns up to `n_calls` together. Rows of equal key
/// add up.
pub fn edge_red() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(build);
    Arc::clone(&SCHEMA)
}

fn build() -> SchemaRef {
    Arc::new(Schema::new(vec![
        required("bucket", timestamp()),
        required("caller", DataType::Utf8),
        required("callee", DataType::Utf8),
        required("callee_kind", DataType::Utf8), // service database messaging external
        required("callee_detail", DataType::Utf8), // namespace of a database, system of a queue, else empty
        required("address", DataType::Utf8),     // server.address[:port] as the caller names it, or empty
        required("direction", DataType::Utf8),   // call: the caller asked; deliver: a queue handed on
        required("error_type", DataType::Utf8),  // empty where it went well
        required("n_calls", DataType::UInt64),
        required("n_callee_spans", DataType::UInt64), // those that have the other side too
        required("n_errors", DataType::UInt64),       // as the caller saw them
        required("n_callee_errors", DataType::UInt64),
        required("duration_hdr", DataType::Binary), // the caller's side; of a delivery the consumer's
        required("callee_duration_hdr", DataType::Binary),
        required("gap_hdr", DataType::Binary), // network and queueing, at least 0
        required("sum_ns", DataType::Int64),   // of the durations in the histogram of that name
        required("callee_sum_ns", DataType::Int64),
        required("gap_sum_ns", DataType::Int64),
        required("n_bytes_request", DataType::UInt64), // of the calls in n_sized
        required("n_sized", DataType::UInt64),         // calls that told the size of their request
    ]))
}
