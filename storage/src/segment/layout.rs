//! How the columns of a segment are encoded.

use crate::schema::SPAN_ID_BYTES;
use arrow::datatypes::Schema;
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Compression, Encoding, LogicalType, Type, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnDescriptor;

/// Rows of a row group: large enough for good dictionaries, small enough for a query's threads to
/// share a segment.
const ROW_GROUP_ROWS_MAX: usize = 262_144;
/// Rows of a page: what reading one trace has to decode of each column.
const PAGE_ROWS_MAX: usize = 8_192;

/// Dictionaries by default; where values hardly repeat, what suits them instead.
pub(super) fn writer_properties(
    schema: &Schema,
) -> Result<WriterProperties, Box<dyn std::error::Error + Send + Sync>> {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("firstfault ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX))
        .set_data_page_row_count_limit(PAGE_ROWS_MAX);
    let parquet = ArrowSchemaConverter::new().convert(schema)?;
    for column in parquet.columns() {
        properties = column_properties(properties, column);
    }
    Ok(properties.build())
}

fn column_properties(
    properties: WriterPropertiesBuilder,
    column: &ColumnDescriptor,
) -> WriterPropertiesBuilder {
    let path = column.path().clone();
    let is_time = matches!(column.logical_type_ref(), Some(LogicalType::Timestamp { .. }));
    match column.physical_type() {
        // Neighbours in time differ by little.
        Type::INT64 if is_time || column.name() == "duration_ns" => properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
        // Span ids are random: no code makes them smaller, and trying costs time.
        Type::FIXED_LEN_BYTE_ARRAY if column.type_length() == SPAN_ID_BYTES => properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path.clone(), Encoding::PLAIN)
            .set_column_compression(path, Compression::UNCOMPRESSED),
        // Trace ids stand in runs, which zstd finds.
        Type::FIXED_LEN_BYTE_ARRAY => properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::PLAIN),
        Type::BYTE_ARRAY if column.name() == "duration_hdr" => {
            properties.set_column_dictionary_enabled(path, false)
        }
        _ => properties,
    }
}
