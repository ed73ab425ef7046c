//! `endpoints.json` in the data directory: where the running server is, for tools on the same machine.
//!
//! Written whole when everything answers, removed at the end. It is a convenience: a process that was killed
//! leaves it behind, and the next start replaces it.

use super::Error;
use std::io;
use std::path::{Path, PathBuf};

const FILE: &str = "endpoints.json";

pub(super) fn write(data_dir: &Path, endpoints: &wire::Endpoints) -> Result<(), Error> {
    let path = data_dir.join(FILE);
    put(&path, endpoints).map_err(|source| Error::Endpoints { path: path.display().to_string(), source })
}

/// By rename, so that a reader never sees half a file.
fn put(path: &Path, endpoints: &wire::Endpoints) -> io::Result<()> {
    let draft: PathBuf = path.with_extension("json.new");
    std::fs::write(&draft, serde_json::to_vec_pretty(endpoints)?)?;
    std::fs::rename(&draft, path)
}

pub(super) fn remove(data_dir: &Path) {
    let path = data_dir.join(FILE);
    if let Err(error) = std::fs::remove_file(&path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "cannot remove the list of endpoints");
    }
}
