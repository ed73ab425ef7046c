//! Writes a segment: sorted, encoded, durable before anybody may name it.

use super::layout::writer_properties;
use super::meta::SegmentMeta;
use super::sort::{Place, sorted_places, time_column};
use crate::columns::column;
use crate::error::Error;
use crate::faults::{Faults, Step};
use crate::fs;
use crate::ids::Table;
use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{self, interleave_record_batch};
use arrow::datatypes::TimestampNanosecondType;
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Rows put in order at a time; a chunk and the encoder's buffers are all the memory a flush adds to
/// the rows themselves.
const CHUNK_ROWS_MAX: usize = 8_192;
/// The same bound for wide rows, far from the 2 GiB that a text column can hold.
const CHUNK_BYTES_MAX: u64 = 32 << 20;
/// Bytes handed to the operating system at a time.
const WRITE_BUFFER_BYTES: usize = 1 << 20;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The rows of a segment to be.
#[derive(Debug)]
pub(crate) struct SegmentSource<'a> {
    pub(crate) id: u64,
    pub(crate) table: Table,
    /// At least one row in all.
    pub(crate) batches: &'a [RecordBatch],
    /// Memory that the rows take.
    pub(crate) n_bytes: u64,
    /// When the newest row was received, unix nanos.
    pub(crate) received_max: i64,
}

/// Writes the file and makes it durable.
pub(crate) fn write(
    source: &SegmentSource<'_>,
    data_dir: &Path,
    faults: &dyn Faults,
) -> Result<SegmentMeta, Error> {
    let directory = fs::segment_dir(data_dir, source.table);
    let path = SegmentMeta::object_path(source.table, source.id);
    let file_path = data_dir.join(path.as_ref());
    let temporary = file_path.with_extension("parquet.new");
    let fail = |cause| Error::SegmentWrite { path: file_path.clone(), source: cause };

    faults.before(Step::SegmentWrite).map_err(|cause| fail(cause.into()))?;
    write_file(source, &temporary).map_err(fail)?;
    faults.before(Step::SegmentPublish).map_err(|cause| fail(cause.into()))?;
    let publish = || -> std::io::Result<u64> {
        std::fs::rename(&temporary, &file_path)?;
        Ok(std::fs::metadata(&file_path)?.len())
    };
    let n_bytes = publish().map_err(|cause| fail(cause.into()))?;
    fs::sync_dir(&directory)?;

    let (time_min, time_max) = time_bounds(source);
    Ok(SegmentMeta {
        id: source.id,
        table: source.table,
        path,
        n_rows: source.batches.iter().map(|batch| batch.num_rows() as u64).sum(),
        n_bytes,
        time_min,
        time_max,
        received_max: source.received_max,
    })
}

/// When the newest row was received; the read model does not say.
pub(crate) fn received_max(table: Table, batches: &[RecordBatch]) -> Option<i64> {
    table.signal()?;
    batches.iter().filter_map(|batch| time_max(column(batch, "received_at"))).max()
}

/// Removes the file of a segment that no manifest names any more.
pub(crate) fn remove(segment: &SegmentMeta, data_dir: &Path, faults: &dyn Faults) -> Result<(), Error> {
    let path: PathBuf = segment.file_path(data_dir);
    faults.before(Step::SegmentDelete).map_err(|source| Error::io("remove", &path, source))?;
    fs::remove_file(&path)
}

fn write_file(source: &SegmentSource<'_>, path: &Path) -> Result<(), Cause> {
    let output = BufWriter::with_capacity(WRITE_BUFFER_BYTES, File::create(path)?);
    let properties = writer_properties(source.table)?;
    let mut writer = ArrowWriter::try_new(output, source.table.schema(), Some(properties))?;
    let batches: Vec<&RecordBatch> = source.batches.iter().collect();
    let places = sorted_places(source.table, source.batches);
    for chunk in places.chunks(chunk_rows(source, places.len())) {
        writer.write(&interleave_record_batch(&batches, chunk as &[Place])?)?;
    }
    let output = writer.into_inner()?;
    output.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}

fn chunk_rows(source: &SegmentSource<'_>, n_rows: usize) -> usize {
    let row_bytes = (source.n_bytes / n_rows.max(1) as u64).max(1);
    let n_rows = usize::try_from(CHUNK_BYTES_MAX / row_bytes).unwrap_or(usize::MAX);
    n_rows.clamp(1, CHUNK_ROWS_MAX)
}

/// First and last moment of any row. A span may claim to end before it starts; both its ends lie
/// within the bounds all the same.
fn time_bounds(source: &SegmentSource<'_>) -> (i64, i64) {
    let names: &[&str] = match source.table {
        Table::Spans => &["start_time", "end_time"],
        table => &[time_column(table)],
    };
    let columns = || source.batches.iter().flat_map(|batch| names.iter().map(|name| column(batch, name)));
    let (min, max) = (columns().filter_map(time_min).min(), columns().filter_map(time_max).max());
    (min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX))
}

fn time_min(column: &ArrayRef) -> Option<i64> {
    compute::min(column.as_primitive::<TimestampNanosecondType>())
}

fn time_max(column: &ArrayRef) -> Option<i64> {
    compute::max(column.as_primitive::<TimestampNanosecondType>())
}
