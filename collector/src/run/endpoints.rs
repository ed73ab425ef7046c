//! `endpoints.json` in the data directory: where the running server is, for tools on the same machine.
//!
//! Written whole when everything answers, removed at the end. It is a convenience: a process that was killed
//! leaves it behind, and the next start replaces it. A disk without a free byte keeps nobody from starting.

use std::io;
use std::path::{Path, PathBuf};

const FILE: &str = "endpoints.json";

pub(super) fn write(data_dir: &Path, endpoints: &wire::Endpoints) {
    let path = data_dir.join(FILE);
    let Err(error) = put(&path, endpoints) else { return };
    tracing::warn!(%error, path = %path.display(), "cannot write the list of endpoints, tools will not find this server");
    // What a killed process left would lead them astray.
    remove(data_dir);
}

/// By rename, so that a reader never sees half a file.
fn put(path: &Path, endpoints: &wire::Endpoints) -> io::Result<()> {
    let draft: PathBuf = path.with_extension("json.new");
    let written = std::fs::write(&draft, serde_json::to_vec_pretty(endpoints)?);
    let put = written.and_then(|()| std::fs::rename(&draft, path));
    if put.is_err() {
        // Half a draft is of no use, whatever keeps it from going away.
        let _ = std::fs::remove_file(&draft);
    }
    put
}

pub(super) fn remove(data_dir: &Path) {
    let path = data_dir.join(FILE);
    if let Err(error) = std::fs::remove_file(&path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "cannot remove the list of endpoints");
    }
}
