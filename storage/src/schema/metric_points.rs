//! Table `metric_points`.

use super::common::{
    attribute_map, identity_and_attributes, list_of, optional, required, span_id, timestamp, trace_id,
};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use std::sync::{Arc, LazyLock};

/// One row per data point of any of the five metric types; columns of other types are null.
pub fn metric_points() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(build);
    Arc::clone(&SCHEMA)
}

/// An exemplar; exactly one of `value` and `value_int` is as sent, `value` holds both.
pub fn exemplar_fields() -> Fields {
    Fields::from(vec![
        Field::new("time", timestamp(), false),
        Field::new("value", DataType::Float64, true),
        Field::new("value_int", DataType::Int64, true),
        Field::new("trace_id", trace_id(), true),
        Field::new("span_id", span_id(), true),
        Field::new("attributes", attribute_map(), false),
        Field::new("attributes_types", DataType::Utf8, false),
    ])
}

/// One quantile of a summary.
pub fn quantile_fields() -> Fields {
    Fields::from(vec![
        Field::new("quantile", DataType::Float64, false),
        Field::new("value", DataType::Float64, false),
    ])
}

fn build() -> SchemaRef {
    let mut fields = vec![
        required("name", DataType::Utf8),
        required("description", DataType::Utf8),
        required("unit", DataType::Utf8),
        required("type", DataType::Utf8), // gauge sum histogram exponential_histogram summary
        optional("temporality", DataType::Utf8), // delta cumulative
        optional("is_monotonic", DataType::Boolean),
        // Hash of resource, scope, name, unit, type, temporality, monotonicity and attributes.
        required("series_id", DataType::UInt64),
        optional("start_time", timestamp()),
        required("time", timestamp()),
        required("flags", DataType::UInt32),    // bit 0: no recorded value
        optional("value", DataType::Float64),   // gauge, sum; integers too
        optional("value_int", DataType::Int64), // where an integer was sent
        optional("count", DataType::UInt64),    // histograms, summary
        optional("sum", DataType::Float64),
        optional("min", DataType::Float64),
        optional("max", DataType::Float64),
        optional("bucket_counts", list_of(DataType::UInt64)),
        optional("explicit_bounds", list_of(DataType::Float64)),
        optional("scale", DataType::Int32),
        optional("zero_count", DataType::UInt64),
        optional("zero_threshold", DataType::Float64),
        optional("positive_offset", DataType::Int32),
        optional("positive_counts", list_of(DataType::UInt64)),
        optional("negative_offset", DataType::Int32),
        optional("negative_counts", list_of(DataType::UInt64)),
        optional("quantiles", list_of(DataType::Struct(quantile_fields()))),
        required("exemplars", list_of(DataType::Struct(exemplar_fields()))),
        required("metadata", attribute_map()),
        required("metadata_types", DataType::Utf8),
    ];
    fields.extend(identity_and_attributes());
    Arc::new(Schema::new(fields))
}
