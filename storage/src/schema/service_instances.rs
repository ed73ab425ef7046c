//! Table `service_instances`: which instances of which services were seen.

use super::common::{required, timestamp};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use std::sync::{Arc, LazyLock};

/// One row per hour, instance and signal: all columns up to `n_items` together. Texts are empty where nothing was
/// sent. Rows of equal key add up.
pub fn service_instances() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(build);
    Arc::clone(&SCHEMA)
}

fn build() -> SchemaRef {
    Arc::new(Schema::new(vec![
        required("bucket", timestamp()), // start of an hour
        required("service", DataType::Utf8),
        required("service_namespace", DataType::Utf8),
        required("environment", DataType::Utf8),
        required("service_version", DataType::Utf8),
        required("instance", DataType::Utf8), // service.instance.id
        required("language", DataType::Utf8), // telemetry.sdk.language
        required("sdk_name", DataType::Utf8),
        required("sdk_version", DataType::Utf8),
        required("signal", DataType::Utf8), // traces logs metrics
        required("n_items", DataType::UInt64),
        required("first_at", timestamp()), // of the items' own times
        required("last_at", timestamp()),
    ]))
}
