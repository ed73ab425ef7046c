//! Writes a segment: sorted, encoded, durable before anybody may name it.

use super::checksums::Summing;
use super::layout::writer_properties;
use super::meta::{SegmentMeta, checksums_path};
use super::sort::{Place, sorted_places, time_column};
use super::trace_ids::TraceFilter;
use super::words::WordFilters;
use crate::attributes::{TableCounts, Told, WideTable, split};
use crate::columns::column;
use crate::disk::{self, Output};
use crate::error::Error;
use crate::faults::{Faults, Step};
use crate::fs;
use crate::ids::Table;
use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{self, interleave_record_batch};
use arrow::datatypes::TimestampNanosecondType;
use object_store::path::Path as ObjectPath;
use parquet::arrow::ArrowWriter;
use std::io::{BufWriter, IntoInnerError};
use std::path::{Path, PathBuf};

/// Rows put in order at a time; a chunk and the encoder's buffers are all the memory a flush adds to
/// the rows themselves.
pub(super) const CHUNK_ROWS_MAX: usize = 8_192;
/// The same bound for wide rows, far from the 2 GiB that a text column can hold.
pub(super) const CHUNK_BYTES_MAX: u64 = 32 << 20;
/// Bytes handed to the operating system at a time.
const WRITE_BUFFER_BYTES: usize = 1 << 20;

pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

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

/// A segment's files, durable.
pub(super) struct Written {
    pub(super) path: ObjectPath,
    pub(super) n_bytes: u64,
    pub(super) checksums_crc: u32,
}

/// Takes the rows of a segment in their order.
pub(super) struct RowWriter<'a> {
    parquet: ArrowWriter<BufWriter<Summing<Output<'a>>>>,
    wide: WideTable,
    words: Option<WordFilters>,
    traces: Option<TraceFilter>,
}

/// Writes the files and makes them durable.
pub(crate) fn write(
    source: &SegmentSource<'_>,
    data_dir: &Path,
    faults: &dyn Faults,
) -> Result<SegmentMeta, Error> {
    let n_rows = source.batches.iter().map(|batch| batch.num_rows() as u64).sum();
    let counts = TableCounts::of(source.batches.iter());
    let told = Told::of(source.batches, &counts);
    let wide = WideTable::choose(source.table, n_rows, &counts, &told);
    let written = create(wide, source.id, data_dir, faults, |writer| write_sorted(source, writer))?;
    let (time_min, time_max) = time_bounds(source);
    Ok(SegmentMeta {
        id: source.id,
        table: source.table,
        path: written.path,
        n_rows,
        n_bytes: written.n_bytes,
        time_min,
        time_max,
        received_max: source.received_max,
        checksums_crc: Some(written.checksums_crc),
    })
}

/// Makes the files of a segment with the rows that `fill` writes; what fails leaves nothing behind.
pub(super) fn create(
    wide: WideTable,
    id: u64,
    data_dir: &Path,
    faults: &dyn Faults,
    fill: impl FnOnce(&mut RowWriter<'_>) -> Result<(), Cause>,
) -> Result<Written, Error> {
    let table = wide.table();
    let path = SegmentMeta::object_path(table, id);
    let files = Files::of(&path, data_dir);
    let created = files.create(wide, faults, fill);
    let created = created.map_err(|source| Error::SegmentWrite { path: files.segment.clone(), source });
    let named = created.and_then(|created| {
        let directory = fs::segment_dir(data_dir, table);
        let named = disk::sync_names(&directory, Step::SegmentNameSync, faults);
        named.map(|()| created).map_err(|source| Error::io("sync directory", &directory, source))
    });
    match named {
        Ok((n_bytes, checksums_crc)) => Ok(Written { path, n_bytes, checksums_crc }),
        Err(error) => {
            if let Err(error) = files.remove(faults) {
                tracing::warn!(error = error.chain(), "cannot remove unfinished segment");
            }
            Err(error)
        }
    }
}

/// When the newest row was received; read models do not say.
pub(crate) fn received_max(table: Table, batches: &[RecordBatch]) -> Option<i64> {
    table.signal()?;
    batches.iter().filter_map(|batch| time_max(column(batch, "received_at"))).max()
}

/// Removes the files of a segment that no manifest names any more.
pub(crate) fn remove(segment: &SegmentMeta, data_dir: &Path, faults: &dyn Faults) -> Result<(), Error> {
    Files::of(&segment.path, data_dir).remove(faults)
}

/// All names that a segment has in its life.
struct Files {
    temporary: PathBuf,
    segment: PathBuf,
    checksums: PathBuf,
}

impl Files {
    fn of(path: &ObjectPath, data_dir: &Path) -> Self {
        let segment = data_dir.join(path.as_ref());
        let checksums = data_dir.join(checksums_path(path).as_ref());
        Self { temporary: segment.with_extension("parquet.new"), segment, checksums }
    }

    /// Returns the segment's bytes and the CRC of its checksum file. Checksums are those of the bytes in
    /// memory, so that what the disk makes of them is told apart.
    fn create(
        &self,
        wide: WideTable,
        faults: &dyn Faults,
        fill: impl FnOnce(&mut RowWriter<'_>) -> Result<(), Cause>,
    ) -> Result<(u64, u32), Cause> {
        let step = Step::SegmentWrite;
        let output =
            Summing::new(Output { file: disk::create(&self.temporary, step, faults)?, step, faults });
        let output = BufWriter::with_capacity(WRITE_BUFFER_BYTES, output);
        let mut writer = RowWriter::new(output, wide)?;
        fill(&mut writer)?;
        let output = writer.finish()?.into_inner().map_err(IntoInnerError::into_error)?;
        let (output, checksums) = output.finish();
        disk::sync(&output.file, &self.temporary, Step::SegmentSync, faults)?;

        let (bytes, crc) = checksums.encode();
        let mut file = disk::create(&self.checksums, Step::ChecksumsWrite, faults)?;
        disk::write(&mut file, &bytes, Step::ChecksumsWrite, faults)?;
        disk::sync(&file, &self.checksums, Step::ChecksumsSync, faults)?;

        disk::rename(&self.temporary, &self.segment, Step::SegmentPublish, faults)?;
        Ok((checksums.n_bytes(), crc))
    }

    fn remove(&self, faults: &dyn Faults) -> Result<(), Error> {
        [&self.temporary, &self.segment, &self.checksums]
            .into_iter()
            .try_for_each(|path| disk::remove(path, Step::SegmentDelete, faults))
    }
}

impl<'a> RowWriter<'a> {
    fn new(output: BufWriter<Summing<Output<'a>>>, wide: WideTable) -> Result<Self, Cause> {
        let properties = writer_properties(wide.table(), &wide.schema())?;
        let parquet = ArrowWriter::try_new(output, wide.schema(), Some(properties))?;
        let (words, traces) = (WordFilters::of(wide.table()), TraceFilter::of(wide.table()));
        Ok(Self { parquet, words, traces, wide })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Cause> {
        if let Some(words) = &mut self.words {
            words.add(batch);
        }
        if let Some(traces) = &mut self.traces {
            traces.add(batch);
        }
        self.parquet.write(&split(batch, &self.wide)?)?;
        self.write_word_filters(Some(batch))
    }

    /// Row groups end where the encoder ends them. The batch at whose rows one did belongs to both sides.
    fn write_word_filters(&mut self, batch: Option<&RecordBatch>) -> Result<(), Cause> {
        let Some(words) = &mut self.words else { return Ok(()) };
        while words.n_done() < self.parquet.flushed_row_groups().len() {
            let filter = words.cut(self.parquet.bytes_written() as u64)?;
            self.parquet.write_all(&filter)?;
            batch.into_iter().for_each(|batch| words.add(batch));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<BufWriter<Summing<Output<'a>>>, Cause> {
        self.parquet.flush()?;
        self.write_word_filters(None)?;
        if let Some(words) = &self.words {
            self.parquet.append_key_value_metadata(words.entry());
        }
        if let Some(traces) = self.traces {
            let (filter, entry) = traces.finish(self.parquet.bytes_written() as u64)?;
            self.parquet.write_all(&filter)?;
            self.parquet.append_key_value_metadata(entry);
        }
        Ok(self.parquet.into_inner()?)
    }
}

fn write_sorted(source: &SegmentSource<'_>, writer: &mut RowWriter<'_>) -> Result<(), Cause> {
    let batches: Vec<&RecordBatch> = source.batches.iter().collect();
    let places = sorted_places(source.table, source.batches)?;
    for chunk in places.chunks(chunk_rows(source, places.len())) {
        writer.write(&interleave_record_batch(&batches, chunk as &[Place])?)?;
    }
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
