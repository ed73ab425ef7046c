//! What is on a disk, as opposed to what a process sees there: bytes and names are durable only once they
//! were synced, and a power cut takes any of the others.
//!
//! Every file has a second name in a folder beside the data directory, so that what was removed or
//! replaced can come back.

use crate::faults::Change;
use crate::fs;
use crate::ids::Table;
use rand::Rng;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A page of a real disk is larger, but so are real files.
const HOLE_BYTES_MAX: u64 = 60;

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Death {
    /// What it wrote is still there.
    Killed,
    /// What was not synced may be lost.
    PowerCut,
}

/// A file, whatever its names are.
#[derive(Debug, Clone, Copy, Default)]
struct Inode {
    /// Bytes from its start on that no power cut takes.
    n_synced: u64,
    /// A sync has failed: no later one makes the bytes durable that were there.
    is_forgotten: bool,
}

/// A change of a directory that may not be durable.
#[derive(Debug, Clone)]
enum Entry {
    Put { path: PathBuf, inode: usize },
    Moved { from: PathBuf, to: PathBuf, inode: usize },
    Gone { path: PathBuf },
}

type Names = BTreeMap<PathBuf, usize>;

/// The files below a data directory that the engine relies on.
#[derive(Debug)]
pub(super) struct Disk {
    data_dir: PathBuf,
    /// Holds every file under the number of its inode.
    inodes_dir: PathBuf,
    inodes: Vec<Inode>,
    /// As a process sees them.
    names: Names,
    names_synced: Names,
    /// In the order in which they happened.
    unsynced: Vec<Entry>,
    /// Bytes were lost that had others behind them.
    has_holes: bool,
}

impl Disk {
    /// `data_dir` does not exist yet.
    pub(super) fn new(data_dir: &Path) -> Self {
        let inodes_dir = data_dir.with_extension("inodes");
        std::fs::create_dir(&inodes_dir).expect("folder for inodes");
        let (inodes, unsynced) = (Vec::new(), Vec::new());
        let (names, names_synced) = (Names::new(), Names::new());
        Self {
            data_dir: data_dir.to_owned(),
            inodes_dir,
            inodes,
            names,
            names_synced,
            unsynced,
            has_holes: false,
        }
    }

    pub(super) fn note(&mut self, change: Change<'_>) {
        match change {
            Change::Created(path) => {
                let inode = self.inodes.len();
                self.inodes.push(Inode::default());
                std::fs::hard_link(path, self.inode_path(inode)).expect("second name");
                self.enter(Entry::Put { path: path.to_owned(), inode });
            }
            Change::Linked { from, to } => {
                self.enter(Entry::Put { path: to.to_owned(), inode: self.names[from] });
            }
            Change::Renamed { from, to } => {
                self.enter(Entry::Moved {
                    from: from.to_owned(),
                    to: to.to_owned(),
                    inode: self.names[from],
                });
            }
            Change::Removed(path) => self.enter(Entry::Gone { path: path.to_owned() }),
            Change::Synced(path) => self.synced(path, false),
            Change::Renewed(path) => self.synced(path, true),
            Change::SyncFailed(path) => self.inodes[self.names[path]].is_forgotten = true,
            Change::NamesSynced(directory) => {
                let is_inside = |entry: &mut Entry| entry.path().parent() == Some(directory);
                for entry in self.unsynced.extract_if(.., is_inside) {
                    entry.apply(&mut self.names_synced);
                }
            }
        }
    }

    /// What the next process finds.
    pub(super) fn restart(&mut self, death: Death, rng: &mut StdRng) {
        if death == Death::PowerCut {
            // A file system may have written any of them, in any order.
            for entry in self.unsynced.drain(..).filter(|_| rng.random_bool(0.5)) {
                entry.apply(&mut self.names_synced);
            }
            self.names = self.names_synced.clone();
            for inode in self.names.values().copied().collect::<BTreeSet<_>>() {
                self.lose_bytes(inode, rng);
            }
        }
        for path in directories(&self.data_dir).iter().flat_map(|dir| fs::list_files(dir).unwrap_or_default())
        {
            std::fs::remove_file(path).expect("remove");
        }
        for (path, &inode) in &self.names {
            std::fs::hard_link(self.inode_path(inode), path).expect("name again");
        }
    }

    /// Has a power cut ever lost bytes of a file, and kept what is behind them?
    pub(super) fn has_holes(&self) -> bool {
        self.has_holes
    }

    /// Any end of what was not synced is lost: it is missing, or zeros are in its place. What is before
    /// that may have a hole, since pages reach the disk in any order.
    fn lose_bytes(&mut self, inode: usize, rng: &mut StdRng) {
        let mut file = OpenOptions::new().write(true).open(self.inode_path(inode)).expect("open");
        let n_bytes = n_bytes(&file);
        let Inode { n_synced, .. } = std::mem::take(&mut self.inodes[inode]);
        let n_left = rng.random_range(n_synced..=n_bytes.max(n_synced));
        if n_left < n_bytes {
            file.set_len(n_left).expect("cut");
            if rng.random_bool(0.3) {
                file.seek(SeekFrom::Start(n_left)).expect("seek");
                file.write_all(&vec![0; (n_bytes - n_left) as usize]).expect("zeros");
            }
        }
        if n_synced < n_left && rng.random_bool(0.6) {
            let hole = rng.random_range(n_synced..n_left);
            let n_hole = rng.random_range(1..=(n_left - hole).min(HOLE_BYTES_MAX));
            file.seek(SeekFrom::Start(hole)).expect("seek");
            file.write_all(&vec![0; n_hole as usize]).expect("a hole");
            self.has_holes = true;
        }
        self.inodes[inode].n_synced = file.metadata().expect("metadata").len();
    }

    fn enter(&mut self, entry: Entry) {
        entry.apply(&mut self.names);
        self.unsynced.push(entry);
    }

    fn synced(&mut self, path: &Path, is_renewed: bool) {
        let number = self.names[path];
        let n_bytes = n_bytes(&File::open(self.inode_path(number)).expect("open"));
        let inode = &mut self.inodes[number];
        if is_renewed || !inode.is_forgotten {
            *inode = Inode { n_synced: n_bytes, is_forgotten: false };
        }
    }

    fn inode_path(&self, inode: usize) -> PathBuf {
        self.inodes_dir.join(inode.to_string())
    }
}

impl Entry {
    /// Where it ends up.
    fn path(&self) -> &Path {
        match self {
            Self::Put { path, .. } | Self::Gone { path } | Self::Moved { to: path, .. } => path,
        }
    }

    fn apply(&self, names: &mut Names) {
        match self {
            Self::Put { path, inode } => {
                names.insert(path.clone(), *inode);
            }
            Self::Moved { from, to, inode } => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
            Self::Gone { path } => {
                names.remove(path);
            }
        }
    }
}

fn n_bytes(file: &File) -> u64 {
    file.metadata().expect("metadata").len()
}

fn directories(data_dir: &Path) -> Vec<PathBuf> {
    let segments = Table::ALL.map(|table| fs::segment_dir(data_dir, table));
    let others = [fs::wal_dir(data_dir), fs::manifest_dir(data_dir), fs::receipts_dir(data_dir)];
    others.into_iter().chain(segments).collect()
}
