//! The data directory as files: who owns it, where things are, and what makes them durable.
//!
//! A file is durable when its bytes and its directory entry are; every function here that creates or
//! renames does both.

use crate::error::Error;
use crate::ids::Table;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
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
    let read = lock_file.take(32).read_to_string(&mut text);
    let Some(pid) = read.ok().and_then(|_| text.trim().parse::<u32>().ok()) else {
        return "pid unknown".to_owned();
    };
    // Where the system does not tell, the number is enough.
    match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) if !name.trim().is_empty() => format!("{}, pid {pid}", name.trim()),
        _ => format!("pid {pid}"),
    }
}

/// Makes a directory and what is missing above it, durably.
pub(crate) fn create_dir(directory: &Path) -> Result<(), Error> {
    create_dir_with(directory, &mut sync_dir)
}

/// An entry is durable when the directory that holds it was synced. From the top down, so that whatever
/// is found later lies in directories that are durable themselves.
fn create_dir_with(directory: &Path, sync: &mut impl FnMut(&Path) -> Result<(), Error>) -> Result<(), Error> {
    let Some(parent) = parent_of(directory) else { return Ok(()) };
    if directory.is_dir() {
        // Made by us and never synced, perhaps; or by somebody else, who need not let us read what is
        // above it.
        return match sync(parent) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        };
    }
    if !parent.is_dir() {
        create_dir_with(parent, sync)?;
    }
    match fs::create_dir(directory) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::io("create directory", directory, source))
        }
        _ => sync(parent),
    }
}

/// The directory that holds the entry of a path; none for the root.
pub(crate) fn parent_of(path: &Path) -> Option<&Path> {
    let parent = path.parent()?;
    Some(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

/// Refuses directories that hold nothing of ours, before anything is made in them.
pub(crate) fn expect_data(data_dir: &Path) -> Result<(), Error> {
    match manifest_dir(data_dir).is_dir() || wal_dir(data_dir).is_dir() {
        true => Ok(()),
        false => Err(Error::NoData { path: data_dir.to_owned() }),
    }
}

/// Makes the directories that the engine expects.
pub(crate) fn create_layout(data_dir: &Path) -> Result<(), Error> {
    let others = [manifest_dir(data_dir), receipts_dir(data_dir), data_dir.join("segments")];
    for directory in [wal_dir(data_dir)].into_iter().chain(others) {
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

pub(crate) fn receipts_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("receipts")
}

pub(crate) fn segment_dir(data_dir: &Path, table: Table) -> PathBuf {
    data_dir.join("segments").join(table.name())
}

/// What statements spill; nothing in it outlives the process.
pub(crate) fn spill_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("spill")
}

/// Makes the entries of a directory durable: files created, renamed and removed in it.
pub(crate) fn sync_dir(directory: &Path) -> Result<(), Error> {
    let sync = || File::open(directory)?.sync_all();
    sync().map_err(|source| Error::io("sync directory", directory, source))
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

/// Puts bytes that the engine cannot use aside, where nothing deletes or replaces them. Returns the path:
/// under a name that other bytes have, a number is added.
pub(crate) fn quarantine(data_dir: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
    let directory = data_dir.join("quarantine");
    create_dir(&directory)?;
    let names = (2_u32..).map(|number| format!("{name}.{number}"));
    for path in std::iter::once(name.to_owned()).chain(names).map(|name| directory.join(name)) {
        let put = match write_new(&path, bytes) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match fs::read(&path) {
                // By a start that got no further.
                Ok(kept) if kept == bytes => File::open(&path).and_then(|file| file.sync_all()),
                _ => continue,
            },
            written => written,
        };
        put.map_err(|source| Error::io("write", &path, source))?;
        sync_dir(&directory)?;
        return Ok(path);
    }
    unreachable!("there are more numbers than files")
}

/// As `quarantine`, for a whole file, which stays where it is until somebody removes it.
pub(crate) fn quarantine_file(data_dir: &Path, path: &Path) -> Result<PathBuf, Error> {
    let directory = data_dir.join("quarantine");
    create_dir(&directory)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let names = (2_u32..).map(|number| format!("{name}.damaged.{number}"));
    for kept in std::iter::once(format!("{name}.damaged")).chain(names).map(|name| directory.join(name)) {
        match fs::hard_link(path, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // By a start that got no further.
                if !is_same_file(path, &kept).map_err(|source| Error::io("look at", &kept, source))? {
                    continue;
                }
            }
            // Another disk, or one without second names.
            Err(_) => {
                let bytes = fs::read(path).map_err(|source| Error::io("read", path, source))?;
                return quarantine(data_dir, &format!("{name}.damaged"), &bytes);
            }
            Ok(()) => {}
        }
        sync_dir(&directory)?;
        return Ok(kept);
    }
    unreachable!("there are more numbers than files")
}

fn is_same_file(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (fs::metadata(one)?, fs::metadata(other)?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn synced(directory: &Path) -> Vec<PathBuf> {
        let mut synced = Vec::new();
        let mut sync = |path: &Path| {
            synced.push(path.to_owned());
            sync_dir(path)
        };
        create_dir_with(directory, &mut sync).expect("create");
        assert!(directory.is_dir());
        synced
    }

    /// Scenario: a directory is made with two missing ones above it, and asked for again.
    /// Guarantees: every directory that got a new entry is synced, the highest first; one that was there
    /// may have lost its maker before the sync, and is synced again.
    #[test]
    fn new_directories_are_durable_all_the_way_up() {
        let root = tempfile::tempdir().expect("temporary directory");
        let root = root.path();
        let deep = root.join("a/b/c");
        assert_eq!(synced(&deep), [root.to_owned(), root.join("a"), root.join("a/b")]);
        assert_eq!(synced(&deep), [root.join("a/b")]);
    }

    /// Scenario: bytes are put aside under a name that is taken, then the same bytes again.
    /// Guarantees: nothing that was put aside is replaced, and nothing is kept twice.
    #[test]
    fn quarantine_replaces_nothing() {
        let root = tempfile::tempdir().expect("temporary directory");
        let put = |bytes: &[u8]| quarantine(root.path(), "1.wal", bytes).expect("put aside");
        let paths = [put(b"one"), put(b"two"), put(b"three"), put(b"two")];
        let names = paths.each_ref().map(|path| path.file_name().expect("a name").to_string_lossy());
        assert_eq!(names, ["1.wal", "1.wal.2", "1.wal.3", "1.wal.2"]);
        let kept = paths.each_ref().map(|path| fs::read(path).expect("read"));
        assert_eq!(kept, [&b"one"[..], b"two", b"three", b"two"]);
    }

    /// Scenario: a relative path of one part, an absolute one, the root.
    /// Guarantees: the entry of the first is in the current directory.
    #[test]
    fn every_path_but_the_root_is_held_by_a_directory() {
        assert_eq!(parent_of(Path::new("data")), Some(Path::new(".")));
        assert_eq!(parent_of(Path::new("/data")), Some(Path::new("/")));
        assert_eq!(parent_of(Path::new("/")), None);
    }
}
