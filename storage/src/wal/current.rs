//! The one file that is being written: frames go to its end, and what fails there is undone.

use super::frame::{self, HEADER_BYTES};
use super::ledger::ClosedFile;
use crate::faults::{Faults, Step};
use crate::{disk, fs};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct CurrentFile {
    path: PathBuf,
    file: File,
    sequence_first: u64,
    n_bytes: u64,
    is_synced: bool,
}

/// A write that did not succeed.
#[derive(Debug)]
pub(super) struct WriteFailure {
    pub(super) source: io::Error,
    /// Nothing of it is left in the file.
    pub(super) is_undone: bool,
}

impl CurrentFile {
    /// A file with a header and a durable name; its bytes become durable with the first sync.
    pub(super) fn create(
        data_dir: &Path,
        sequence_first: u64,
        faults: &dyn Faults,
    ) -> Result<Self, WriteFailure> {
        let directory = fs::wal_dir(data_dir);
        let path = directory.join(format!("{sequence_first:020}.wal"));
        let mut is_ours = false;
        let mut create = || -> io::Result<File> {
            let mut file = disk::create_new(&path, Step::WalCreate, faults)?;
            is_ours = true;
            disk::write(&mut file, &frame::encode_header(sequence_first), Step::WalWrite, faults)?;
            disk::sync_names(&directory, Step::WalNameSync, faults)?;
            Ok(file)
        };
        match create() {
            Ok(file) => {
                Ok(Self { path, file, sequence_first, n_bytes: HEADER_BYTES as u64, is_synced: false })
            }
            Err(source) => {
                // A file without a whole header would look like damage once a newer one exists.
                let is_undone = !is_ours || disk::remove(&path, Step::WalUndo, faults).is_ok();
                Err(WriteFailure { source, is_undone })
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Number of the record that the file begins with, written or not.
    pub(super) fn sequence_first(&self) -> u64 {
        self.sequence_first
    }

    pub(super) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    pub(super) fn is_synced(&self) -> bool {
        self.is_synced
    }

    /// Appends whole frames, or nothing.
    pub(super) fn write(&mut self, frames: &[u8], faults: &dyn Faults) -> Result<(), WriteFailure> {
        self.is_synced = false;
        if let Err(source) = disk::write(&mut self.file, frames, Step::WalWrite, faults) {
            let is_undone = disk::cut(&mut self.file, self.n_bytes, Step::WalUndo, faults).is_ok();
            return Err(WriteFailure { source, is_undone });
        }
        self.n_bytes += frames.len() as u64;
        Ok(())
    }

    pub(super) fn sync(&mut self, faults: &dyn Faults) -> io::Result<()> {
        disk::sync(&self.file, &self.path, Step::WalSync, faults)?;
        self.is_synced = true;
        Ok(())
    }

    /// What the ledger keeps of a file that is written no more.
    pub(super) fn close(self, sequence_next: u64) -> ClosedFile {
        let Self { path, sequence_first, n_bytes, .. } = self;
        ClosedFile { path, sequence_first, sequence_last: sequence_next - 1, n_bytes }
    }
}
