//! How the columns of a segment are encoded.

use crate::condensed;
use crate::ids::Table;
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
    table: Table,
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
        properties = column_properties(properties, table, column);
    }
    Ok(properties.build())
}

/// Times that do not follow the order of the rows.
fn is_out_of_order(table: Table, column: &str) -> bool {
    column == "received_at" || (table == Table::Spans && column == "start_time")
}

fn column_properties(
    properties: WriterPropertiesBuilder,
    table: Table,
    column: &ColumnDescriptor,
) -> WriterPropertiesBuilder {
    let path = column.path().clone();
    let is_time = matches!(column.logical_type_ref(), Some(LogicalType::Timestamp { .. }));
    match column.physical_type() {
        // The same for all rows of a request, and of a trace nearly so: zstd finds what repeats, where the
        // differences between neighbours are as wide as the widest of 32.
        Type::INT64 if is_time && is_out_of_order(table, column.name()) => properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::PLAIN),
        // Neighbours differ by little.
        Type::INT64 if is_time || condensed::is_remainder(column.name()) => properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
        // The high bytes repeat.
        Type::INT64 if column.name() == "duration_ns" => properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT),
        // Span ids are random: no code makes them smaller, and trying costs time.
        Type::FIXED_LEN_BYTE_ARRAY if column.type_length() == SPAN_ID_BYTES => properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path.clone(), Encoding::PLAIN)
            .set_column_compression(path, Compression::UNCOMPRESSED),
        // Trace ids stand in runs, and a span's parent is close by: zstd finds both.
        Type::FIXED_LEN_BYTE_ARRAY => properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::PLAIN),
        // Histograms hardly repeat.
        Type::BYTE_ARRAY if column.name().ends_with("_hdr") => {
            properties.set_column_dictionary_enabled(path, false)
        }
        _ => properties,
    }
}
