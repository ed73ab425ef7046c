//! Reads a whole segment to learn whether it is as it was written.

use super::checked::Damage;
use super::meta::SegmentMeta;
use super::read::CheckedFile;
use crate::error::Error;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;
use std::path::Path;

/// Bytes read at a time: sixteen blocks.
const READ_BYTES: u64 = 1 << 20;

/// Reads every byte of a segment against its checksums, and tells `each` how many were read. A segment
/// without checksums has all its rows decoded instead, which finds most damage.
pub(crate) fn prove(segment: &SegmentMeta, data_dir: &Path, each: &mut dyn FnMut(u64)) -> Result<(), Error> {
    let file = CheckedFile::open(segment, data_dir)?;
    let read = match segment.checksums_crc {
        Some(_) => read_bytes(&file, segment.n_bytes, each),
        None => read_rows(&file, segment, each),
    };
    read.map_err(|reason| match file.damage() {
        Some(Damage { path, place }) => Error::SegmentDamaged { path, place },
        None => Error::SegmentDamaged { path: segment.file_path(data_dir), place: format!("({reason})") },
    })
}

fn read_bytes(file: &CheckedFile, n_bytes: u64, each: &mut dyn FnMut(u64)) -> Result<(), String> {
    for at in (0..n_bytes).step_by(READ_BYTES as usize) {
        let n_now = READ_BYTES.min(n_bytes - at);
        file.get_bytes(at, n_now as usize).map_err(|error| error.to_string())?;
        each(n_now);
    }
    Ok(())
}

fn read_rows(file: &CheckedFile, segment: &SegmentMeta, each: &mut dyn FnMut(u64)) -> Result<(), String> {
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file.clone()).map_err(|error| error.to_string())?;
    let (mut n_rows, mut n_told) = (0, 0);
    for batch in builder.build().map_err(|error| error.to_string())? {
        n_rows += batch.map_err(|error| error.to_string())?.num_rows() as u64;
        // As far in bytes as in rows.
        let share = u128::from(segment.n_bytes) * u128::from(n_rows) / u128::from(segment.n_rows.max(1));
        let n_now = u64::try_from(share).unwrap_or(u64::MAX).min(segment.n_bytes);
        each(n_now - n_told);
        n_told = n_now;
    }
    match n_rows == segment.n_rows {
        true => Ok(()),
        false => Err(format!("it has {n_rows} rows where the manifest says {}", segment.n_rows)),
    }
}
