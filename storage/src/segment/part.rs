//! Some rows of a segment of a read model as a segment of their own.

use super::checked::Damage;
use super::merge::{BATCH_BYTES_MAX, row_bytes, rows_within};
use super::meta::SegmentMeta;
use super::read::CheckedFile;
use super::sort::time_column;
use super::write::{CHUNK_ROWS_MAX, Cause, RowWriter, create, remove};
use crate::attributes::{TableCounts, Told, WideTable, whole};
use crate::columns::column;
use crate::error::Error;
use crate::faults::Faults;
use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampNanosecondType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::path::Path;
use std::sync::Arc;

/// What rows of a segment to copy; the others stay behind.
pub(crate) type Choose<'a> = &'a dyn Fn(&RecordBatch) -> BooleanArray;

/// Rows that were copied.
#[derive(Debug, Clone, Copy)]
struct Part {
    n_rows: u64,
    time_min: i64,
    time_max: i64,
}

/// Writes the chosen rows of a segment as another one, and makes it durable; none if there are none. They count as
/// received when those of the segment were. Ends with [`Error::Stopped`] soon after `is_stopped` says so.
pub(crate) fn copy_part(
    segment: &SegmentMeta,
    id: u64,
    data_dir: &Path,
    faults: &dyn Faults,
    choose: Choose<'_>,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Option<SegmentMeta>, Error> {
    assert!(segment.table.signal().is_none(), "only cells are copied, which have no maps");
    let file = CheckedFile::open(segment, data_dir)?;
    let told = |error| match file.damage() {
        Some(Damage { path, place }) => Error::SegmentDamaged { path, place },
        None if is_stopped() => Error::Stopped,
        None => error,
    };
    let wide = WideTable::choose(segment.table, segment.n_rows, &TableCounts::default(), &Told::default());
    let mut part = Part { n_rows: 0, time_min: i64::MAX, time_max: i64::MIN };
    let written = create(wide, id, data_dir, faults, |writer| {
        write_part(&file, segment, choose, is_stopped, writer, &mut part)
    });
    let written = written.map_err(told)?;
    let Part { n_rows, time_min, time_max } = part;
    let copied = SegmentMeta {
        id,
        table: segment.table,
        path: written.path,
        n_rows,
        n_bytes: written.n_bytes,
        time_min,
        time_max,
        received_max: segment.received_max,
        checksums_crc: Some(written.checksums_crc),
    };
    if n_rows > 0 {
        return Ok(Some(copied));
    }
    remove(&copied, data_dir, faults)?;
    Ok(None)
}

/// They are sorted, and stay so.
fn write_part(
    file: &CheckedFile,
    segment: &SegmentMeta,
    choose: Choose<'_>,
    is_stopped: &dyn Fn() -> bool,
    writer: &mut RowWriter<'_>,
    part: &mut Part,
) -> Result<(), Cause> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone())?;
    let stored = Arc::clone(builder.schema());
    let n_rows = rows_within(BATCH_BYTES_MAX, row_bytes(builder.metadata()), CHUNK_ROWS_MAX);
    for batch in builder.with_batch_size(n_rows).build()? {
        if is_stopped() {
            return Err("it was stopped".into());
        }
        let rows = whole(&batch?, &stored, segment.table)?;
        let rows = filter_record_batch(&rows, &choose(&rows))?;
        let times = column(&rows, time_column(segment.table)).as_primitive::<TimestampNanosecondType>();
        for &at in times.values() {
            (part.time_min, part.time_max) = (part.time_min.min(at), part.time_max.max(at));
        }
        part.n_rows += rows.num_rows() as u64;
        writer.write(&rows)?;
    }
    Ok(())
}
