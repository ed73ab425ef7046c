//! Table `logs`.

use super::common::{identity_and_attributes, optional, required, span_id, timestamp, trace_id};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use std::sync::{Arc, LazyLock};

/// One row per log record.
pub fn logs() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(build);
    Arc::clone(&SCHEMA)
}

fn build() -> SchemaRef {
    let mut fields = vec![
        required("time", timestamp()), // the event's, else when observed, else when received
        optional("observed_time", timestamp()),
        required("time_source", DataType::Utf8), // event observed received
        required("severity_number", DataType::Int32), // as sent: 1 to 24, 0 if not
        required("severity_text", DataType::Utf8), // as sent
        required("severity", DataType::Utf8),    // unset trace debug info warn error fatal
        required("body", DataType::Utf8),        // text as it is, anything else as its attribute text
        required("body_type", DataType::Utf8),   // one letter, as in the attribute types
        required("event_name", DataType::Utf8),
        optional("trace_id", trace_id()), // null: not associated
        optional("span_id", span_id()),
        required("flags", DataType::UInt32),
    ];
    fields.extend(identity_and_attributes());
    Arc::new(Schema::new(fields))
}
