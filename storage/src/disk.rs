//! Changes of the files that the engine relies on after a crash. Each is asked of [`Faults`] before it
//! happens and told to it afterwards, so that a test can know what is durable and what is not.
//!
//! Nothing here makes a name durable but [`sync_names`]; who creates, renames or removes says when.

use crate::error::Error;
use crate::faults::{Change, Faults, Step};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Bytes written again at a time.
const RENEW_BYTES: usize = 1 << 20;

/// Writes to a file, for writers that need one of their own.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    pub(crate) file: File,
    pub(crate) step: Step,
    pub(crate) faults: &'a dyn Faults,
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(&mut self.file, bytes, self.step, self.faults)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file under a name that nothing has yet.
pub(crate) fn create_new(path: &Path, step: Step, faults: &dyn Faults) -> io::Result<File> {
    create_with(OpenOptions::new().write(true).create_new(true), path, step, faults)
}

/// An empty file, in the place of another of that name.
pub(crate) fn create(path: &Path, step: Step, faults: &dyn Faults) -> io::Result<File> {
    create_with(OpenOptions::new().write(true).create(true).truncate(true), path, step, faults)
}

fn create_with(options: &OpenOptions, path: &Path, step: Step, faults: &dyn Faults) -> io::Result<File> {
    faults.before(step)?;
    let file = options.open(path)?;
    faults.after(Change::Created(path));
    Ok(file)
}

/// Writes all bytes. After an error any first part of them may be in the file.
pub(crate) fn write(file: &mut File, bytes: &[u8], step: Step, faults: &dyn Faults) -> io::Result<()> {
    faults.before(step)?;
    match faults.short_write(step, bytes.len()) {
        None => file.write_all(bytes),
        Some((n_written, error)) => file.write_all(&bytes[..n_written]).and(Err(error)),
    }
}

/// Makes the bytes of a file durable, and its length with them.
pub(crate) fn sync(file: &File, path: &Path, step: Step, faults: &dyn Faults) -> io::Result<()> {
    let synced = faults.before(step).and_then(|()| file.sync_data());
    faults.after(if synced.is_ok() { Change::Synced(path) } else { Change::SyncFailed(path) });
    synced
}

/// Makes the names in a directory durable: of files created, renamed and removed in it.
pub(crate) fn sync_names(directory: &Path, step: Step, faults: &dyn Faults) -> io::Result<()> {
    faults.before(step)?;
    File::open(directory)?.sync_all()?;
    faults.after(Change::NamesSynced(directory));
    Ok(())
}

pub(crate) fn rename(from: &Path, to: &Path, step: Step, faults: &dyn Faults) -> io::Result<()> {
    faults.before(step)?;
    std::fs::rename(from, to)?;
    faults.after(Change::Renamed { from, to });
    Ok(())
}

/// Removes a file. One that is not there counts as removed.
pub(crate) fn remove(path: &Path, step: Step, faults: &dyn Faults) -> Result<(), Error> {
    let removed = faults.before(step).and_then(|()| std::fs::remove_file(path));
    match removed {
        Ok(()) => faults.after(Change::Removed(path)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(Error::io("remove", path, source)),
    }
    Ok(())
}

/// Shortens a file; the next write goes to its end.
pub(crate) fn cut(file: &mut File, n_bytes: u64, step: Step, faults: &dyn Faults) -> io::Result<()> {
    faults.before(step)?;
    file.set_len(n_bytes)?;
    file.seek(SeekFrom::Start(n_bytes))?;
    Ok(())
}

/// Writes the bytes of a file where they are already, and makes them durable. A sync alone would not do
/// if an earlier one has failed, perhaps in another process: the kernel then holds bytes that it takes for
/// written. Whatever moment this ends at, the bytes are the same.
pub(crate) fn renew(path: &Path, step: Step, faults: &dyn Faults) -> io::Result<()> {
    faults.before(step)?;
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut bytes = vec![0; RENEW_BYTES];
    let mut offset = 0;
    loop {
        file.seek(SeekFrom::Start(offset))?;
        let n_bytes = file.read(&mut bytes)?;
        if n_bytes == 0 {
            break;
        }
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(&bytes[..n_bytes])?;
        offset += n_bytes as u64;
    }
    file.sync_all()?;
    faults.after(Change::Renewed(path));
    Ok(())
}
