//! Tables `service_red`, `service_red_1m`, `service_red_1h`: what services were asked for, as a whole.

use super::common::{required, timestamp};
use super::red::counts;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use std::sync::{Arc, LazyLock};

/// One row per bucket of the entry spans' end times, service, version and environment. Rows of equal key add up.
pub fn service_red() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(build);
    Arc::clone(&SCHEMA)
}

fn build() -> SchemaRef {
    let mut fields = vec![
        required("bucket", timestamp()),
        required("service", DataType::Utf8),
        required("service_version", DataType::Utf8), // empty where none was sent
        required("environment", DataType::Utf8),     // empty where none was sent
    ];
    fields.extend(counts());
    Arc::new(Schema::new(fields))
}
