//! Types and columns that the tables share.

use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use std::sync::Arc;

/// Bytes of a W3C trace id; SQL compares it with a hex literal: `trace_id = X'5b8a...'`.
pub const TRACE_ID_BYTES: i32 = 16;
/// Bytes of a span id.
pub const SPAN_ID_BYTES: i32 = 8;
/// Every timestamp is nanoseconds since 1970 in this zone.
pub const TIME_ZONE: &str = "UTC";

/// Each map of attributes has a text column `*_types` beside it: one letter per entry, in the map's
/// order. `s` string, `i` 64-bit integer in decimal, `d` double in the shortest form that reads back
/// equal (or `NaN`, `Infinity`, `-Infinity`), `b` `true` or `false`, `x` bytes in base64, `a` array
/// and `m` map as an OTLP/JSON `AnyValue`, `e` no value (empty text).
pub const ATTRIBUTE_TYPES_DOC: &str = "s i d b x a m e";

/// Timestamp in nanoseconds, UTC.
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some(TIME_ZONE.into()))
}

/// Map from attribute key to its value as text; keys keep the order of the request and are unique.
/// Field names are those of `arrow::array::MapBuilder`'s default: `entries`, `keys`, `values`.
pub fn attribute_map() -> DataType {
    let entries = Fields::from(vec![
        Field::new("keys", DataType::Utf8, false),
        Field::new("values", DataType::Utf8, true),
    ]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

pub(crate) fn trace_id() -> DataType {
    DataType::FixedSizeBinary(TRACE_ID_BYTES)
}

pub(crate) fn span_id() -> DataType {
    DataType::FixedSizeBinary(SPAN_ID_BYTES)
}

/// A list whose items are never null.
pub(crate) fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, false)))
}

pub(crate) fn required(name: &str, data_type: DataType) -> FieldRef {
    Arc::new(Field::new(name, data_type, false))
}

pub(crate) fn optional(name: &str, data_type: DataType) -> FieldRef {
    Arc::new(Field::new(name, data_type, true))
}

/// The columns that every table ends with: whose item it is, and all its attributes.
pub(crate) fn identity_and_attributes() -> Vec<FieldRef> {
    vec![
        required("service", DataType::Utf8), // service.name, or "unknown_service"
        optional("service_namespace", DataType::Utf8),
        optional("service_instance_id", DataType::Utf8),
        optional("service_version", DataType::Utf8),
        optional("environment", DataType::Utf8), // deployment.environment.name
        required("attributes", attribute_map()),
        required("attributes_types", DataType::Utf8),
        required("dropped_attributes_count", DataType::UInt32),
        required("resource", attribute_map()),
        required("resource_types", DataType::Utf8),
        required("resource_dropped_attributes_count", DataType::UInt32),
        required("resource_schema_url", DataType::Utf8),
        optional("resource_entity_refs", DataType::Utf8), // array of OTLP/JSON; null: none
        required("scope_name", DataType::Utf8),
        required("scope_version", DataType::Utf8),
        required("scope", attribute_map()),
        required("scope_types", DataType::Utf8),
        required("scope_dropped_attributes_count", DataType::UInt32),
        required("scope_schema_url", DataType::Utf8),
        required("received_at", timestamp()),
    ]
}
