//! Table `red`: the read model of rate, errors and duration.

use super::common::{required, timestamp};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use std::sync::{Arc, LazyLock};

/// One row per service, operation, kind, entry flag and 10-second bucket of the spans' end times.
pub fn red() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(build);
    Arc::clone(&SCHEMA)
}

fn build() -> SchemaRef {
    Arc::new(Schema::new(vec![
        required("bucket", timestamp()),
        required("service", DataType::Utf8),
        required("operation", DataType::Utf8),
        required("kind", DataType::Utf8),
        required("is_entry", DataType::Boolean),
        required("service_version", DataType::Utf8), // empty where none was sent
        required("n_spans", DataType::UInt64),
        required("n_errors", DataType::UInt64),
        required("sum_ns", DataType::Int64), // of durations; saturates
        required("duration_hdr", DataType::Binary), // HDR histogram of nanoseconds, docs/formats/red.md
    ]))
}
