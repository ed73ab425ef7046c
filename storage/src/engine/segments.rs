//! The manifest and the files it names, held against each other at the start.

use crate::disk;
use crate::error::Error;
use crate::faults::{Faults, Step};
use crate::fs;
use crate::ids::Table;
use crate::manifest::{self, Manifest};
use crate::segment::{SegmentMeta, checksums_file_bytes};
use crate::wal;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

/// What an operator adds to the name of a segment to go on without it.
const GIVEN_UP: &str = "damaged";

/// Drops segments that are not there under their own name but under that of the given up. Nothing else
/// may go missing. The next manifest leaves them out for good. Returns how many.
pub(super) fn give_up(data_dir: &Path, manifest: &mut Manifest) -> u64 {
    let n_before = manifest.segments.len();
    manifest.segments.retain(|segment| {
        let path = segment.file_path(data_dir);
        let given_up = path.with_extension(format!("parquet.{GIVEN_UP}"));
        if path.exists() || !given_up.exists() {
            return true;
        }
        let (n_rows, table) = (segment.n_rows, segment.table.name());
        tracing::error!(path = %given_up.display(), table, n_rows, "going on without the rows of a segment");
        false
    });
    (n_before - manifest.segments.len()) as u64
}

/// Says what an upgrade costs: read models of an older version are made again, not read.
pub(super) fn tell_outdated(manifest: &Manifest) {
    let n_segments = manifest.n_outdated;
    if n_segments > 0 {
        tracing::warn!(
            n_segments,
            "rates, errors and durations of an older version are not read: `firstfault storage rebuild-read-models` \
             makes them again of the spans that are still there"
        );
    }
}

/// Every segment of the manifest must be there, at its full size: a directory that is only half
/// mounted must not be taken for the whole.
pub(super) fn check(data_dir: &Path, manifest: &Manifest) -> Result<(), Error> {
    for segment in &manifest.segments {
        check_segment(data_dir, segment)?;
    }
    let n_segments = manifest.segments.iter().filter(|segment| segment.checksums_crc.is_none()).count();
    if n_segments > 0 {
        tracing::warn!(
            n_segments,
            "segments of an older version have no checksums: damage in them may go unseen"
        );
    }
    Ok(())
}

/// Are the files of a segment there, at their full size?
pub(crate) fn check_segment(data_dir: &Path, segment: &SegmentMeta) -> Result<(), Error> {
    let (path, n_bytes_wanted) = (segment.file_path(data_dir), segment.n_bytes);
    match file_bytes(&path)? {
        None => return Err(Error::SegmentMissing { path }),
        Some(n_bytes) if n_bytes != n_bytes_wanted => {
            return Err(Error::SegmentCut { path, n_bytes, n_bytes_wanted });
        }
        Some(_) => {}
    }
    let Some(checksums) = segment.checksums_file_path(data_dir) else { return Ok(()) };
    match file_bytes(&checksums)? {
        Some(n_bytes) if n_bytes == checksums_file_bytes(n_bytes_wanted) => Ok(()),
        Some(_) => Err(Error::SegmentDamaged { path, place: "in its checksum file".to_owned() }),
        None => {
            Err(Error::SegmentDamaged { path, place: "because its checksum file is not there".to_owned() })
        }
    }
}

/// Length of a file; none if there is no such file.
fn file_bytes(path: &Path) -> Result<Option<u64>, Error> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::io("look at", path, source)),
    }
}

/// Are there log records between those that the manifest covers and those that the log still has? A log
/// without any file tells nothing, but a manifest that never was cannot have covered what the log had.
fn is_behind_log(data_dir: &Path, manifest: &Manifest) -> Result<bool, Error> {
    let covered_max = manifest.covered.max().unwrap_or(0);
    Ok(wal::first_sequence(data_dir)?.map_or(manifest.version == 0, |first| first > covered_max + 1))
}

/// Files that no manifest names are of no use to anybody, but for those that an operator put aside: they
/// are of a flush or a merge that a crash ended, whose rows are in the log or in other segments. Where the
/// log does not reach back to the manifest, it is the manifest that is missing, and nothing is removed.
/// Returns how many there were.
pub(super) fn remove_orphans(
    data_dir: &Path,
    manifest: &Manifest,
    faults: &dyn Faults,
) -> Result<u64, Error> {
    let mut live = HashSet::new();
    for segment in &manifest.segments {
        live.insert(segment.file_path(data_dir));
        live.extend(segment.checksums_file_path(data_dir));
    }
    let is_orphan = |path: &PathBuf| {
        !live.contains(path) && path.extension().is_none_or(|extension| extension != GIVEN_UP)
    };
    let mut orphans = manifest::unfinished(data_dir)?;
    for table in Table::ALL {
        let files = fs::list_files(&fs::segment_dir(data_dir, table))?;
        orphans.extend(files.into_iter().filter(is_orphan));
    }
    let segment =
        orphans.iter().find(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    if let Some(segment) = segment
        && is_behind_log(data_dir, manifest)?
    {
        let (directory, segment) = (fs::manifest_dir(data_dir), segment.clone());
        return Err(Error::ManifestBehind { directory, version: manifest.version, segment });
    }
    for path in &orphans {
        disk::remove(path, Step::OrphanDelete, faults)?;
    }
    Ok(orphans.len() as u64)
}

#[cfg(test)]
mod tests;
