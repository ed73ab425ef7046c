//! A copy of a data directory, made while a server goes on writing to it, and the way back.
//!
//! Segments never change, so links to them are enough on the same disk. What makes the copy whole is the order:
//! the log first, the manifest after it. A record that was acknowledged before the copy began is in the log
//! files, or they were deleted because a manifest covers it, and the one read later does so too. Segments that a
//! merge or retention removes meanwhile are named by no newer manifest, which is then taken instead. The
//! manifest is written last: without one a backup is none.

use crate::engine::check_segment;
use crate::error::Error;
use crate::fs;
use crate::ids::Table;
use crate::manifest::Manifest;
use crate::segment::{self, SegmentMeta};
use crate::wal::{self, SequenceSet};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Manifests that are tried. Each further one was published while segments of the one before were copied, and
/// needs few more.
const MANIFESTS_MAX: u32 = 100;

/// How segments come into a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segments {
    /// As links where the file system has them: at once, and without room. Damage of the disk hits both.
    Linked,
    Copied,
}

/// What a backup holds, or was taken from one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackedUp {
    pub n_segments: u64,
    pub n_segment_bytes: u64,
    /// Segments that are the same files as those of the data directory.
    pub n_linked: u64,
    pub n_log_records: u64,
}

/// Copies a data directory to `to`, which must be empty or not there; a server may be using it. Every record
/// that was acknowledged before is in the copy once. Copied segments are read again and checked. `beside` copies
/// what else belongs to the directory; only after it the copy counts as whole.
pub fn backup<E: From<Error>>(
    data_dir: &Path,
    to: &Path,
    how: Segments,
    beside: impl FnOnce() -> Result<(), E>,
) -> Result<BackedUp, E> {
    fs::expect_data(data_dir)?;
    make_place(to)?;
    let log = wal::copy(data_dir, to)?;
    let mut backed_up = BackedUp { n_log_records: log.n_records, ..BackedUp::default() };
    let (manifest, linked) = copy_segments(data_dir, to, how)?;
    remove_others(to, &manifest)?;
    sync_segment_dirs(to)?;
    for segment in &manifest.segments {
        backed_up.count(segment, linked.get(&segment.id) == Some(&true));
    }
    beside()?;
    settled(manifest, &log.sequences).write_alone(to)?;
    Ok(backed_up)
}

/// Makes a data directory of a backup, at `data_dir`, which must be empty or not there. Every segment is
/// checked. `beside` is as for [`backup`].
pub fn restore<E: From<Error>>(
    from: &Path,
    data_dir: &Path,
    beside: impl FnOnce() -> Result<(), E>,
) -> Result<BackedUp, E> {
    let manifest = Manifest::load(from)?;
    if manifest.version == 0 {
        return Err(Error::NoBackup { path: from.to_owned() }.into());
    }
    make_place(data_dir)?;
    let log = wal::copy(from, data_dir)?;
    let mut restored = BackedUp { n_log_records: log.n_records, ..BackedUp::default() };
    for segment in &manifest.segments {
        copy_segment(segment, from, data_dir, Segments::Copied)?;
        restored.count(segment, false);
    }
    sync_segment_dirs(data_dir)?;
    beside()?;
    manifest.write_alone(data_dir)?;
    Ok(restored)
}

fn sync_segment_dirs(data_dir: &Path) -> Result<(), Error> {
    Table::ALL.into_iter().try_for_each(|table| fs::sync_dir(&fs::segment_dir(data_dir, table)))
}

fn make_place(directory: &Path) -> Result<(), Error> {
    fs::create_dir(directory)?;
    let mut entries = std::fs::read_dir(directory).map_err(|source| Error::io("list", directory, source))?;
    match entries.next() {
        Some(_) => Err(Error::NotEmpty { path: directory.to_owned() }),
        None => fs::create_layout(directory),
    }
}

/// The newest manifest all of whose segments could be had, and which of those, by number, are linked.
fn copy_segments(data_dir: &Path, to: &Path, how: Segments) -> Result<(Manifest, HashMap<u64, bool>), Error> {
    let (mut tries_left, mut copied) = (MANIFESTS_MAX, HashMap::new());
    loop {
        let manifest = Manifest::load_beside_writer(data_dir)?;
        tries_left -= 1;
        match copy_missing(&manifest, data_dir, to, how, &mut copied) {
            Ok(()) => return Ok((manifest, copied)),
            // A merge or retention was faster.
            Err(error) if tries_left > 0 && is_gone(&error) => {
                if Manifest::load_beside_writer(data_dir)?.version == manifest.version {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_gone(error: &Error) -> bool {
    match error {
        Error::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
        Error::SegmentMissing { .. } => true,
        _ => false,
    }
}

fn copy_missing(
    manifest: &Manifest,
    data_dir: &Path,
    to: &Path,
    how: Segments,
    copied: &mut HashMap<u64, bool>,
) -> Result<(), Error> {
    for segment in &manifest.segments {
        if let Entry::Vacant(place) = copied.entry(segment.id) {
            place.insert(copy_segment(segment, data_dir, to, how)?);
        }
    }
    Ok(())
}

/// True if it was linked. A copy is checked.
fn copy_segment(segment: &SegmentMeta, from: &Path, to: &Path, how: Segments) -> Result<bool, Error> {
    let checksums = segment.checksums_file_path(from).zip(segment.checksums_file_path(to));
    let files = [Some((segment.file_path(from), segment.file_path(to))), checksums];
    let mut n_linked = 0;
    for (source, target) in files.iter().flatten() {
        // What an earlier try left may be a link, which must not be written through.
        fs::remove_file(target)?;
        match how == Segments::Linked && std::fs::hard_link(source, target).is_ok() {
            true => n_linked += 1,
            false => copy_file(source, target)?,
        }
    }
    let is_linked = n_linked == files.iter().flatten().count();
    if !is_linked && let Err(error) = prove(segment, to) {
        // If the original is damaged, that is what to tell.
        return prove(segment, from).and(Err(error));
    }
    Ok(is_linked)
}

fn prove(segment: &SegmentMeta, data_dir: &Path) -> Result<(), Error> {
    check_segment(data_dir, segment)?;
    segment::prove(segment, data_dir, &mut |_| {})
}

fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    let copy = || {
        let mut output = File::create_new(to)?;
        io::copy(&mut File::open(from)?, &mut output)?;
        output.sync_all()
    };
    copy().map_err(|source| Error::io("copy", from, source))
}

/// Files that were copied for an older manifest than the one that is kept.
fn remove_others(to: &Path, manifest: &Manifest) -> Result<(), Error> {
    let mut named: HashSet<PathBuf> = HashSet::new();
    for segment in &manifest.segments {
        named.insert(segment.file_path(to));
        named.extend(segment.checksums_file_path(to));
    }
    for table in Table::ALL {
        let files = fs::list_files(&fs::segment_dir(to, table))?;
        files.iter().filter(|path| !named.contains(*path)).try_for_each(|path| fs::remove_file(path))?;
    }
    Ok(())
}

/// The manifest of the copy. Numbers that neither it nor the log has were given after the copy began; they
/// are not missing.
fn settled(mut manifest: Manifest, in_log: &SequenceSet) -> Manifest {
    let mut known = manifest.covered.clone();
    known.insert_all(in_log);
    let later = known.gaps(1, known.max().unwrap_or(0));
    manifest.covered.insert_all(&SequenceSet::from_ranges(later));
    // An empty directory has no version yet; its backup is one all the same.
    manifest.version = manifest.version.max(1);
    manifest
}

impl BackedUp {
    fn count(&mut self, segment: &SegmentMeta, is_linked: bool) {
        self.n_segments += 1;
        self.n_segment_bytes += segment.n_bytes;
        self.n_linked += u64::from(is_linked);
    }
}
