//! Some columns of the rows of a segment that were received lately, read by the engine itself.

use super::checked::Damage;
use super::meta::SegmentMeta;
use super::read::CheckedFile;
use super::write::Cause;
use crate::attributes::{columns_for, some};
use crate::error::Error;
use crate::ids::Table;
use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef, TimestampNanosecondType};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, ParquetRecordBatchReaderBuilder, RowFilter};
use parquet::schema::types::SchemaDescriptor;
use std::path::Path;
use std::sync::Arc;

/// Rows read at a time.
const BATCH_ROWS: usize = 1_024;
/// By which rows are chosen; every table of a signal has it.
const RECEIVED_AT: &str = "received_at";

/// Hands `each` these columns, as the table has them, of the rows received at this moment (unix nanos) or later.
pub(crate) fn read_received_since(
    segment: &SegmentMeta,
    data_dir: &Path,
    names: &[&str],
    since: i64,
    each: &mut dyn FnMut(&RecordBatch),
) -> Result<(), Error> {
    let file = CheckedFile::open(segment, data_dir)?;
    let read = read(&file, &columns_of(segment.table, names), since, each);
    read.map_err(|cause| match file.damage() {
        Some(Damage { path, place }) => Error::SegmentDamaged { path, place },
        None => Error::SegmentDamaged { path: segment.file_path(data_dir), place: format!("({cause})") },
    })
}

fn read(
    file: &CheckedFile,
    wanted: &SchemaRef,
    since: i64,
    each: &mut dyn FnMut(&RecordBatch),
) -> Result<(), Cause> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone())?;
    let stored = Arc::clone(builder.schema());
    let names = columns_for(wanted, &stored);
    let is_recent = ArrowPredicateFn::new(
        mask(builder.parquet_schema(), &stored, &[RECEIVED_AT.to_owned()]),
        move |batch| received_since(&batch, since),
    );
    let mask = mask(builder.parquet_schema(), &stored, &names);
    let reader = builder
        .with_projection(mask)
        .with_row_filter(RowFilter::new(vec![Box::new(is_recent)]))
        .with_batch_size(BATCH_ROWS)
        .build()?;
    for batch in reader {
        each(&some(&batch?, &stored, Arc::clone(wanted))?);
    }
    Ok(())
}

/// The part of a table's schema that these columns are.
fn columns_of(table: Table, names: &[&str]) -> SchemaRef {
    let schema = table.schema();
    let fields = schema.fields().iter().filter(|field| names.contains(&field.name().as_str()));
    Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()))
}

/// Names of columns may have dots in them, so they are found by their places.
fn mask(parquet: &SchemaDescriptor, stored: &Schema, names: &[String]) -> ProjectionMask {
    ProjectionMask::roots(parquet, names.iter().filter_map(|name| stored.index_of(name).ok()))
}

fn received_since(batch: &RecordBatch, since: i64) -> Result<BooleanArray, ArrowError> {
    let column = batch.column_by_name(RECEIVED_AT);
    let received_at = column.and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>());
    let received_at =
        received_at.ok_or_else(|| ArrowError::SchemaError(format!("it has no {RECEIVED_AT}")))?;
    Ok(received_at.iter().map(|at| Some(at.is_some_and(|at| at >= since))).collect())
}
