//! The data directory as files: who owns it, where things are, and what makes them durable.
//!
//! A file is durable when its bytes and its directory entry are; every function here that creates or
//! renames does both.

use crate::error::Error;
use crate::ids::Table;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Held for as long as the engine lives; the operating system releases it when the process dies.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the directory, or says who has it.
    pub(crate) fn acquire(data_dir: &Path) -> Result<Self, Error> {
        let path = data_dir.join("LOCK");
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(|source| Error::io("open lock file", &path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked { path: data_dir.to_owned(), owner: owner_of(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(Error::io("lock file", &path, source)),
        }
        // For whoever finds the directory taken; nobody decides by it.
        let write_pid = |file: &mut File| {
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id())
        };
        write_pid(&mut file).map_err(|source| Error::io("write lock file", &path, source))?;
        Ok(Self { _file: file })
    }
}

fn owner_of(lock_file: &mut File) -> String {
    let mut text = String::new();
    match lock_file.take(32).read_to_string(&mut text) {
        Ok(_) if text.trim().parse::<u32>().is_ok() => format!("pid {}", text.trim()),
        _ => "pid unknown".to_owned(),
    }
}

/// Makes a directory, durably.
pub(crate) fn create_dir(directory: &Path) -> Result<(), Error> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory).map_err(|source| Error::io("create directory", directory, source))?;
    match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        _ => Ok(()),
    }
}

/// Makes the directories that the engine expects.
pub(crate) fn create_layout(data_dir: &Path) -> Result<(), Error> {
    for directory in [wal_dir(data_dir), manifest_dir(data_dir), data_dir.join("segments")] {
        create_dir(&directory)?;
    }
    for table in Table::ALL {
        create_dir(&segment_dir(data_dir, table))?;
    }
    Ok(())
}

pub(crate) fn wal_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("wal")
}

pub(crate) fn manifest_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("manifest")
}

pub(crate) fn segment_dir(data_dir: &Path, table: Table) -> PathBuf {
    data_dir.join("segments").join(table.name())
}

/// Makes the entries of a directory durable: files created, renamed and removed in it.
pub(crate) fn sync_dir(directory: &Path) -> Result<(), Error> {
    let sync = || File::open(directory)?.sync_all();
    sync().map_err(|source| Error::io("sync directory", directory, source))
}

/// Makes the bytes of a file durable.
pub(crate) fn sync_file(path: &Path) -> Result<(), Error> {
    let sync = || File::open(path)?.sync_all();
    sync().map_err(|source| Error::io("sync file", path, source))
}

/// Bytes that this process may still write on the disk of `path`.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Files directly in a directory, by name.
pub(crate) fn list_files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                paths.push(entry.path());
            }
        }
        paths.sort();
        Ok(paths)
    };
    list().map_err(|source| Error::io("list directory", directory, source))
}

pub(crate) fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, source)),
        _ => Ok(()),
    }
}

/// Puts bytes that the engine cannot use aside, where nothing deletes them. Returns the path.
pub(crate) fn quarantine(data_dir: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
    let directory = data_dir.join("quarantine");
    create_dir(&directory)?;
    let path = directory.join(name);
    let write = || {
        let mut file = File::create(&path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| Error::io("write", &path, source))?;
    sync_dir(&directory)?;
    Ok(path)
}
