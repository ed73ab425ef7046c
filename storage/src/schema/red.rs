//! Tables `red`, `red_1m`, `red_1h`: the read model of rate, errors and duration.

use super::common::{required, timestamp};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use std::sync::{Arc, LazyLock};

/// One row per bucket of the spans' end times and series: all columns up to `n_spans` together. Rows of equal key
/// add up.
pub fn red() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(build);
    Arc::clone(&SCHEMA)
}

fn build() -> SchemaRef {
    let mut fields = vec![
        required("bucket", timestamp()),
        required("service", DataType::Utf8),
        required("operation", DataType::Utf8),
        required("kind", DataType::Utf8),
        required("is_entry", DataType::Boolean),
        required("status_class", DataType::Utf8), // 1xx to 5xx of HTTP, else the status of RPC, else empty
        required("service_version", DataType::Utf8), // empty where none was sent, like the next two
        required("environment", DataType::Utf8),
        required("instance", DataType::Utf8), // service.instance.id
    ];
    fields.extend(counts());
    Arc::new(Schema::new(fields))
}

/// What is counted of the spans of a key.
pub(super) fn counts() -> [FieldRef; 6] {
    [
        required("n_spans", DataType::UInt64),
        required("n_errors", DataType::UInt64),
        // Weighted by how clients sampled; in 1/65,536, so that sums do not depend on their order.
        required("n_spans_adjusted_q16", DataType::UInt64),
        required("n_errors_adjusted_q16", DataType::UInt64),
        required("sum_ns", DataType::Int64), // of durations; saturates, like every sum here
        required("duration_hdr", DataType::Binary), // HDR histogram of nanoseconds, docs/formats/read-models.md
    ]
}
