//! Some columns of the rows of a segment that were received in a range of time, read by the engine itself.

use super::checked::Damage;
use super::merge::{BATCH_BYTES_MAX, row_bytes, rows_within};
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
use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;
use std::sync::Arc;

/// Whenever rows were received.
pub(crate) const ANY_TIME: RangeInclusive<i64> = i64::MIN..=i64::MAX;
/// Rows read at a time.
const BATCH_ROWS: usize = 1_024;
/// By which rows are chosen; every table of a signal has it.
const RECEIVED_AT: &str = "received_at";

/// Hands `each` these columns, as the table has them, of the rows received in a range (unix nanos), some at a time,
/// until it breaks off or fails.
pub(crate) fn read_some(
    segment: &SegmentMeta,
    data_dir: &Path,
    names: &[&str],
    received: RangeInclusive<i64>,
    each: &mut dyn FnMut(&RecordBatch) -> Result<ControlFlow<()>, Error>,
) -> Result<(), Error> {
    let file = CheckedFile::open(segment, data_dir)?;
    let mut failed = Ok(());
    let read = read(&file, &columns_of(segment.table, names), received, &mut |rows: &RecordBatch| {
        each(rows).unwrap_or_else(|error| {
            failed = Err(error);
            ControlFlow::Break(())
        })
    });
    failed?;
    read.map_err(|cause| match file.damage() {
        Some(Damage { path, place }) => Error::SegmentDamaged { path, place },
        None => Error::SegmentDamaged { path: segment.file_path(data_dir), place: format!("({cause})") },
    })
}

fn read(
    file: &CheckedFile,
    wanted: &SchemaRef,
    received: RangeInclusive<i64>,
    each: &mut dyn FnMut(&RecordBatch) -> ControlFlow<()>,
) -> Result<(), Cause> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone())?;
    let stored = Arc::clone(builder.schema());
    let names = columns_for(wanted, &stored);
    let n_rows = rows_within(BATCH_BYTES_MAX, row_bytes(builder.metadata()), BATCH_ROWS);
    let received_at = mask(builder.parquet_schema(), &stored, &[RECEIVED_AT.to_owned()]);
    let columns = mask(builder.parquet_schema(), &stored, &names);
    let mut builder = builder.with_projection(columns).with_batch_size(n_rows);
    if received != ANY_TIME {
        let is_wanted = ArrowPredicateFn::new(received_at, move |batch| received_in(&batch, &received));
        builder = builder.with_row_filter(RowFilter::new(vec![Box::new(is_wanted)]));
    }
    for batch in builder.build()? {
        if each(&some(&batch?, &stored, Arc::clone(wanted))?).is_break() {
            break;
        }
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

fn received_in(batch: &RecordBatch, received: &RangeInclusive<i64>) -> Result<BooleanArray, ArrowError> {
    let column = batch.column_by_name(RECEIVED_AT);
    let received_at = column.and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>());
    let received_at =
        received_at.ok_or_else(|| ArrowError::SchemaError(format!("it has no {RECEIVED_AT}")))?;
    Ok(received_at.iter().map(|at| Some(at.is_some_and(|at| received.contains(&at)))).collect())
}
