//! Copies of data directories that may be changed, while the original stays as it was made.

use crate::Failure;
use std::path::Path;

/// A copy that shares segments with the original: the engine never changes one, it only removes names.
pub(crate) fn with_shared_segments(from: &Path, to: &Path) -> Result<(), Failure> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    copy(from, to)
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let is_segment =
            path.extension().is_some_and(|extension| extension == "parquet" || extension == "crc");
        match (entry.file_type()?.is_dir(), is_segment) {
            (true, _) => copy(&path, &target)?,
            (false, true) => std::fs::hard_link(&path, &target)?,
            (false, false) => drop(std::fs::copy(&path, &target)?),
        }
    }
    Ok(())
}
