//! Table `spans`.

use super::common::{
    attribute_map, identity_and_attributes, list_of, optional, required, span_id, timestamp, trace_id,
};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use std::sync::{Arc, LazyLock};

/// One row per span.
pub fn spans() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(build);
    Arc::clone(&SCHEMA)
}

/// A span event: time, name, attributes.
pub fn event_fields() -> Fields {
    Fields::from(vec![
        Field::new("time", timestamp(), false),
        Field::new("name", DataType::Utf8, false),
        Field::new("attributes", attribute_map(), false),
        Field::new("attributes_types", DataType::Utf8, false),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
    ])
}

/// A link to another span.
pub fn link_fields() -> Fields {
    Fields::from(vec![
        Field::new("trace_id", trace_id(), false),
        Field::new("span_id", span_id(), false),
        Field::new("trace_state", DataType::Utf8, false),
        Field::new("flags", DataType::UInt32, false),
        Field::new("attributes", attribute_map(), false),
        Field::new("attributes_types", DataType::Utf8, false),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
    ])
}

fn build() -> SchemaRef {
    let mut fields = vec![
        required("trace_id", trace_id()),
        required("span_id", span_id()),
        optional("parent_span_id", span_id()), // null: a root
        required("trace_state", DataType::Utf8),
        required("flags", DataType::UInt32), // all 32 bits as sent
        required("name", DataType::Utf8),
        required("kind", DataType::Utf8), // unspecified internal server client producer consumer, else its number
        required("start_time", timestamp()),
        required("end_time", timestamp()),
        required("duration_ns", DataType::Int64), // 0 where end < start
        required("status_code", DataType::Utf8),  // unset ok error, else its number
        required("status_message", DataType::Utf8),
        required("is_error", DataType::Boolean), // status, else HTTP >= 500, else gRPC server fault
        required("is_entry", DataType::Boolean), // server, consumer, or a root but for client and producer
        optional("http_request_method", DataType::Utf8),
        optional("http_route", DataType::Utf8),
        optional("http_response_status_code", DataType::Int64),
        optional("url_path", DataType::Utf8),
        optional("db_system_name", DataType::Utf8),
        optional("db_namespace", DataType::Utf8),
        optional("db_operation_name", DataType::Utf8),
        optional("rpc_system_name", DataType::Utf8),
        optional("rpc_method", DataType::Utf8), // pkg.Service/Method
        optional("rpc_response_status_code", DataType::Utf8),
        optional("messaging_system", DataType::Utf8),
        optional("messaging_destination_name", DataType::Utf8),
        optional("server_address", DataType::Utf8),
        optional("peer_service", DataType::Utf8),
        optional("error_type", DataType::Utf8),
        required("events", list_of(DataType::Struct(event_fields()))),
        required("dropped_events_count", DataType::UInt32),
        required("links", list_of(DataType::Struct(link_fields()))),
        required("dropped_links_count", DataType::UInt32),
    ];
    fields.extend(identity_and_attributes());
    Arc::new(Schema::new(fields))
}
