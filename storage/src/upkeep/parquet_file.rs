//! Parquet files outside of a data directory: rows for other tools, and back.

use crate::error::Error;
use crate::fs;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

/// Rows decoded at a time. A small file can hold one large value that all of its rows have, so this bounds memory.
const DECODED_ROWS: usize = 16;
/// Rows handed out at a time, as far as there are so many in ...
const BATCH_ROWS: usize = 1_024;
/// ... not much more than these bytes.
const BATCH_BYTES: usize = 8 << 20;

/// A file in the making. It has its name once it is whole and durable.
#[derive(Debug)]
pub struct ParquetWriter {
    path: PathBuf,
    unfinished: PathBuf,
    writer: ArrowWriter<BufWriter<File>>,
}

impl ParquetWriter {
    /// Refuses a path that exists.
    pub fn create(path: &Path, schema: SchemaRef) -> Result<Self, Error> {
        if path.exists() {
            return Err(Error::io("write", path, io::ErrorKind::AlreadyExists.into()));
        }
        let unfinished = path.with_extension("parquet.unfinished");
        let open = OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished);
        let file = BufWriter::new(open.map_err(|source| Error::io("write", &unfinished, source))?);
        let fail = |error| failure("write", &unfinished, error);
        let level = ZstdLevel::try_new(1).map_err(fail)?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(fail)?;
        Ok(Self { path: path.to_owned(), unfinished, writer })
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.writer.write(batch).map_err(|error| failure("write", &self.unfinished, error))
    }

    /// Makes the file durable under its name. Returns its bytes.
    pub fn finish(self) -> Result<u64, Error> {
        let Self { path, unfinished, writer } = self;
        let file = writer.into_inner().map_err(|error| failure("write", &unfinished, error))?;
        let publish = || -> io::Result<u64> {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            std::fs::rename(&unfinished, &path)?;
            Ok(file.metadata()?.len())
        };
        let n_bytes = publish().map_err(|source| Error::io("write", &path, source))?;
        fs::parent_of(&path).map_or(Ok(()), fs::sync_dir)?;
        Ok(n_bytes)
    }
}

/// Rows of a Parquet file, whoever wrote it, in batches that are neither many nor large.
#[derive(Debug)]
pub struct ParquetReader {
    path: PathBuf,
    batches: ParquetRecordBatchReader,
}

impl ParquetReader {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::io("read", path, source))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file);
        let batches = builder.and_then(|builder| builder.with_batch_size(DECODED_ROWS).build());
        let batches = batches.map_err(|error| failure("read", path, error))?;
        Ok(Self { path: path.to_owned(), batches })
    }
}

impl Iterator for ParquetReader {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let gathered = self.gather();
        gathered.map_err(|error| failure("read", &self.path, error.into())).transpose()
    }
}

impl ParquetReader {
    fn gather(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let (mut gathered, mut n_rows, mut n_bytes) = (Vec::new(), 0, 0);
        while n_rows + DECODED_ROWS <= BATCH_ROWS && n_bytes < BATCH_BYTES {
            let Some(batch) = self.batches.next().transpose()? else { break };
            n_rows += batch.num_rows();
            n_bytes += batch.get_array_memory_size();
            gathered.push(batch);
        }
        let Some(first) = gathered.first() else { return Ok(None) };
        concat_batches(&first.schema(), &gathered).map(Some)
    }
}

fn failure(action: &'static str, path: &Path, error: ParquetError) -> Error {
    Error::io(action, path, io::Error::other(error))
}
