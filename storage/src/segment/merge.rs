//! Makes one segment of many: the same rows in the same order of keys, read and written in small parts. Cells of a read
//! model that have the same key become one.
//!
//! Every input is sorted, so the next row of the output is the least among the inputs' next ones. Memory
//! holds a batch of each input, a chunk of output and the encoder's row group, however large the
//! segments are.

use super::checked::Damage;
use super::meta::SegmentMeta;
use super::read::CheckedFile;
use super::sort::{KeyMaker, Place};
use super::write::{CHUNK_BYTES_MAX, CHUNK_ROWS_MAX, Cause, RowWriter, create};
use crate::attributes::{MAPS, TableCounts, Told, WideTable, whole};
use crate::error::Error;
use crate::faults::Faults;
use crate::ids::Table;
use crate::read_models::Folder;
use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::row::{Row, Rows};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;
use std::path::Path;
use std::sync::Arc;

/// Rows read of an input at a time.
const BATCH_ROWS_MAX: usize = 1_024;
/// The same bound for wide rows.
const BATCH_BYTES_MAX: u64 = 4 << 20;

/// Writes the rows of all inputs, which are of one table, as one segment, and makes it durable. Ends
/// with [`Error::Closed`] soon after `is_stopped` says so.
pub(crate) fn merge(
    inputs: &[Arc<SegmentMeta>],
    id: u64,
    data_dir: &Path,
    faults: &dyn Faults,
    is_stopped: &dyn Fn() -> bool,
) -> Result<SegmentMeta, Error> {
    let first = inputs.first().expect("there is something to merge");
    assert!(inputs.iter().all(|input| input.table == first.table), "segments of one table are merged");
    let files: Result<Vec<CheckedFile>, Error> =
        inputs.iter().map(|input| CheckedFile::open(input, data_dir)).collect();
    let files = files?;
    let n_rows_read = inputs.iter().map(|input| input.n_rows).sum();
    let told = |error| match files.iter().find_map(CheckedFile::damage) {
        Some(Damage { path, place }) => Error::SegmentDamaged { path, place },
        None if is_stopped() => Error::Closed,
        None => error,
    };
    let (counts, told_attributes) = attributes_of(&files).map_err(|source| {
        told(Error::SegmentWrite {
            path: data_dir.join(SegmentMeta::object_path(first.table, id).as_ref()),
            source,
        })
    })?;
    let wide = WideTable::choose(first.table, n_rows_read, &counts, &told_attributes);
    let mut n_rows = 0;
    let written = create(wide, id, data_dir, faults, |writer| {
        n_rows = Merge::open(first.table, &files, n_rows_read)?.write_to(writer, is_stopped)?;
        Ok(())
    });
    let written = written.map_err(told)?;
    Ok(SegmentMeta {
        id,
        table: first.table,
        path: written.path,
        n_rows,
        n_bytes: written.n_bytes,
        time_min: inputs.iter().map(|input| input.time_min).min().unwrap_or(first.time_min),
        time_max: inputs.iter().map(|input| input.time_max).max().unwrap_or(first.time_max),
        received_max: inputs.iter().map(|input| input.received_max).max().unwrap_or(first.received_max),
        checksums_crc: Some(written.checksums_crc),
    })
}

struct Merge {
    keys: KeyMaker,
    runs: Vec<Run>,
    chunk_rows_max: usize,
    n_rows_wanted: u64,
    /// Of a read model.
    folder: Option<Folder>,
}

/// An input, and where it stands.
struct Run {
    file: SchemaRef,
    batches: ParquetRecordBatchReader,
    batch: RecordBatch,
    keys: Rows,
    /// Next row of the batch.
    row: usize,
    /// The batch's place among those of the chunk.
    batch_idx: usize,
}

/// Rows of the output in the making: where they are, and the batches that have them.
#[derive(Default)]
struct Chunk {
    batches: Vec<RecordBatch>,
    places: Vec<Place>,
}

impl Merge {
    fn open(table: Table, files: &[CheckedFile], n_rows_wanted: u64) -> Result<Self, Cause> {
        let keys = KeyMaker::new(table)?;
        let (mut runs, mut row_bytes_max) = (Vec::new(), 1);
        for file in files {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone())?;
            let row_bytes = row_bytes(builder.metadata());
            let builder = builder.with_batch_size(rows_within(BATCH_BYTES_MAX, row_bytes, BATCH_ROWS_MAX));
            runs.extend(Run::start(Arc::clone(builder.schema()), builder.build()?, &keys)?);
            row_bytes_max = row_bytes_max.max(row_bytes);
        }
        let chunk_rows_max = rows_within(CHUNK_BYTES_MAX, row_bytes_max, CHUNK_ROWS_MAX);
        Ok(Self { keys, runs, chunk_rows_max, n_rows_wanted, folder: Folder::of(table) })
    }

    /// Returns how many rows were written.
    fn write_to(mut self, writer: &mut RowWriter<'_>, is_stopped: &dyn Fn() -> bool) -> Result<u64, Cause> {
        let (mut n_rows, mut n_written) = (0, 0);
        while !self.runs.is_empty() {
            if is_stopped() {
                return Err("it was stopped".into());
            }
            let chunk = self.next_chunk()?;
            n_rows += chunk.places.len() as u64;
            let batches: Vec<&RecordBatch> = chunk.batches.iter().collect();
            let rows = interleave_record_batch(&batches, &chunk.places)?;
            let rows = match &mut self.folder {
                Some(folder) => folder.add(&rows)?,
                None => rows,
            };
            n_written += rows.num_rows() as u64;
            writer.write(&rows)?;
        }
        if let Some(last) = self.folder.and_then(Folder::finish) {
            n_written += last.num_rows() as u64;
            writer.write(&last)?;
        }
        match n_rows == self.n_rows_wanted {
            true => Ok(n_written),
            false => Err(format!("the inputs have {n_rows} rows, not {}", self.n_rows_wanted).into()),
        }
    }

    fn next_chunk(&mut self) -> Result<Chunk, Cause> {
        let mut chunk = Chunk::default();
        for run in &mut self.runs {
            run.batch_idx = chunk.add(&run.batch);
        }
        while chunk.places.len() < self.chunk_rows_max {
            // Of equal rows the older input's come first.
            let least = self.runs.iter().enumerate().min_by_key(|(_, run)| run.key()).map(|(idx, _)| idx);
            let Some(idx) = least else { break };
            let run = &mut self.runs[idx];
            chunk.places.push((run.batch_idx, run.row));
            run.row += 1;
            if run.row < run.batch.num_rows() {
                continue;
            }
            match run.read_on(&self.keys)? {
                true => run.batch_idx = chunk.add(&run.batch),
                false => drop(self.runs.remove(idx)),
            }
        }
        Ok(chunk)
    }
}

impl Chunk {
    fn add(&mut self, batch: &RecordBatch) -> usize {
        self.batches.push(batch.clone());
        self.batches.len() - 1
    }
}

impl Run {
    /// None if there are no rows.
    fn start(
        file: SchemaRef,
        batches: ParquetRecordBatchReader,
        keys: &KeyMaker,
    ) -> Result<Option<Self>, Cause> {
        let batch = RecordBatch::new_empty(keys.table.schema());
        let mut run = Self { file, batches, keys: keys.of(&batch)?, batch, row: 0, batch_idx: 0 };
        Ok(run.read_on(keys)?.then_some(run))
    }

    /// Goes on to the next batch. False at the end.
    fn read_on(&mut self, keys: &KeyMaker) -> Result<bool, Cause> {
        let Some(batch) = self.batches.next().transpose()? else { return Ok(false) };
        let batch = whole(&batch, &self.file, keys.table)?;
        (self.keys, self.batch, self.row) = (keys.of(&batch)?, batch, 0);
        Ok(true)
    }

    fn key(&self) -> Row<'_> {
        self.keys.row(self.row)
    }
}

/// The counts of all inputs' keys together, and those that are told in all of them.
fn attributes_of(files: &[CheckedFile]) -> Result<(TableCounts, Told), Cause> {
    let (mut counts, mut told) = (Vec::new(), Vec::new());
    for file in files {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone())?;
        told.push(Told::read(builder.schema().metadata()));
        counts.push(counts_of(builder)?);
    }
    Ok((TableCounts::sum(&counts), Told::shared(&told)))
}

/// A file knows its counts; in one of an older program the maps are counted, in parts.
fn counts_of(builder: ParquetRecordBatchReaderBuilder<CheckedFile>) -> Result<TableCounts, Cause> {
    let counts = TableCounts::read(builder.schema().metadata());
    let has_maps = builder.schema().index_of(MAPS[0]).is_ok();
    if counts.has_maps() || !has_maps {
        return Ok(counts);
    }
    let n_rows = rows_within(CHUNK_BYTES_MAX, row_bytes(builder.metadata()), CHUNK_ROWS_MAX);
    let names = MAPS.iter().flat_map(|map| [(*map).to_owned(), format!("{map}_types")]);
    let names: Vec<String> = names.collect();
    let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().map(String::as_str));
    let mut parts = Vec::new();
    for batch in builder.with_projection(mask).with_batch_size(n_rows).build()? {
        parts.push(TableCounts::of(std::iter::once(&batch?)));
    }
    Ok(TableCounts::sum(&parts))
}

/// Memory that a row of a file takes on average, where rows are widest. Text counts as it is without its
/// dictionary: a long value that repeats is short on disk only.
fn row_bytes(metadata: &ParquetMetaData) -> u64 {
    let of_group = |group: &parquet::file::metadata::RowGroupMetaData| {
        let columns = group.columns().iter();
        let n_bytes = columns.map(|column| {
            column.uncompressed_size().max(column.unencoded_byte_array_data_bytes().unwrap_or(0))
        });
        u64::try_from(n_bytes.sum::<i64>() / group.num_rows().max(1)).unwrap_or(0)
    };
    metadata.row_groups().iter().map(of_group).max().unwrap_or(0).max(1)
}

fn rows_within(n_bytes: u64, row_bytes: u64, n_rows_max: usize) -> usize {
    usize::try_from(n_bytes / row_bytes).unwrap_or(usize::MAX).clamp(1, n_rows_max)
}
