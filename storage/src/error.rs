//! Everything that can go wrong in the engine.
//!
//! Callers decide by variant what their protocol answers: `Overloaded` and `DiskFull` are worth a
//! retry, the query variants are the client's to mend, all others are faults of this process or its
//! disk. Messages name the path or number at hand and never repeat their source.

use crate::ids::Signal;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    // ---- opening
    #[error(
        "data directory {path} is in use by another process ({owner}): stop it first, or name another directory",
        path = path.display()
    )]
    Locked { path: PathBuf, owner: String },
    #[error("{path} is no data directory: it has neither a manifest nor a log", path = path.display())]
    NoData { path: PathBuf },
    #[error("{path} holds no whole backup: it has no manifest, which is written last", path = path.display())]
    NoBackup { path: PathBuf },
    #[error("{path} is not empty: name a new directory, nothing is replaced", path = path.display())]
    NotEmpty { path: PathBuf },
    #[error("{action} {path}", path = path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "log file {path} is damaged at byte {offset}: {reason}; it is not the newest log file, so this is \
         no torn write: restore it from a copy, or run `firstfault storage repair`, which keeps the records \
         that can be read and puts the file aside",
        path = path.display()
    )]
    WalCorrupt { path: PathBuf, offset: u64, reason: String },
    #[error(
        "log file {path} is damaged at byte {offset}: {reason}; whole records follow, so unless power failed while \
         they were written, something acknowledged is lost: restore the file from a copy, for the next start keeps \
         the records that can be read and moves the file, with {n_bytes} bytes that cannot, to the quarantine \
         directory",
        path = path.display()
    )]
    WalDamaged { path: PathBuf, offset: u64, n_bytes: u64, reason: String },
    #[error(
        "log file {path} is not in its place: {reason}; give it its name back, or move it out of the wal directory \
         to start without its records",
        path = path.display()
    )]
    WalMisplaced { path: PathBuf, reason: String },
    #[error(
        "log file {path} cannot be read from byte {offset} on: {reason}; if power failed while it was written, \
         nothing that was acknowledged is missing; if not, restore it from a copy, for the next start moves \
         these {n_bytes} bytes to the quarantine directory",
        path = path.display()
    )]
    WalEndDamaged { path: PathBuf, offset: u64, n_bytes: u64, reason: String },
    #[error("{n_records} acknowledged records are not in the log, the first is {sequence_first}: {reason}")]
    RecordsLost { n_records: u64, sequence_first: u64, reason: String },
    #[error("manifest {path} cannot be read: {reason}; restore the directory from a backup", path = path.display())]
    ManifestCorrupt { path: PathBuf, reason: String },
    #[error(
        "a manifest is missing in {directory}: the newest is version {version}, it does not name segment {segment}, \
         and the log does not have its records; restore the manifest directory, or move the segment files that it does \
         not name elsewhere to go on without their rows",
        directory = directory.display(), segment = segment.display()
    )]
    ManifestBehind { directory: PathBuf, version: u64, segment: PathBuf },
    #[error(
        "segment {path} is named by the manifest but is not there: mount what is missing, restore it from a \
         backup, or run `touch '{path}.damaged'` to start without its rows",
        path = path.display()
    )]
    SegmentMissing { path: PathBuf },
    #[error(
        "segment {path} has {n_bytes} bytes where the manifest says {n_bytes_wanted}: restore it from a \
         backup, or run `mv '{path}' '{path}.damaged'` to start without its rows",
        path = path.display()
    )]
    SegmentCut { path: PathBuf, n_bytes: u64, n_bytes_wanted: u64 },
    #[error(
        "segment {path} is damaged {place}: stop the server, then restore the segment and the .crc file \
         beside it from a backup, or run `mv '{path}' '{path}.damaged'` to go on without its rows",
        path = path.display()
    )]
    SegmentDamaged { path: PathBuf, place: String },
    #[error(
        "{path} was written by a newer Firstfault: it has format {found}, and this program knows up to {known}; start \
         that one, or restore a backup that was made before the upgrade",
        path = path.display()
    )]
    TooNew { path: PathBuf, found: u32, known: u32 },
    #[error(
        "receipts {path} are damaged: a request that was stored before, and is sent again, may be stored twice; the \
         next flush writes them anew",
        path = path.display()
    )]
    ReceiptsDamaged { path: PathBuf },
    #[error("options cannot work: {message}")]
    BadOptions { message: String },
    #[error("start thread {name}")]
    Thread {
        name: &'static str,
        #[source]
        source: io::Error,
    },

    // ---- ingest
    #[error("too much data waits to be stored, retry in {retry_after:?}")]
    Overloaded { retry_after: Duration },
    #[error("disk is almost full, nothing is accepted until space is freed")]
    DiskFull,
    #[error("log can no longer be written, nothing is accepted until a restart")]
    WalFailed,
    #[error("record of {n_bytes} bytes is larger than the log takes ({n_bytes_max})")]
    RecordTooLarge { n_bytes: u64, n_bytes_max: u64 },
    #[error("columns of {signal} do not fit the schema: {reason}")]
    SchemaMismatch { signal: Signal, reason: String },
    #[error("engine is shut down")]
    Closed,

    // ---- flush and background work
    #[error("write segment {path}", path = path.display())]
    SegmentWrite {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("publish manifest version {version}")]
    ManifestCommit {
        version: u64,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("manifest version {version} is visible but perhaps not durable")]
    ManifestUncertain {
        version: u64,
        #[source]
        source: Box<Error>,
    },
    #[error("manifest on disk may be newer than the one in memory, nothing is stored until a restart")]
    RestartNeeded,
    #[error("manifest version {version} was published by another writer")]
    ManifestConflict { version: u64 },
    #[error("background task stopped: {reason}")]
    Background { reason: String },
    #[error("it was stopped before its end, and everything is as it was")]
    Stopped,
    #[error("duration histogram cannot be read: {reason}")]
    HistogramCorrupt { reason: &'static str },

    // ---- queries
    #[error("{message}")]
    BadQuery { message: String },
    #[error("the regular expression cannot be read: {message}")]
    BadPattern { message: String },
    /// The statement is sound, the engine has no such operation for these types.
    #[error("{message}")]
    UnsupportedQuery { message: String },
    #[error("query took too long and was stopped")]
    QueryTimeout,
    /// More than all queries of its kind may use together; the message says how much that is, and what for.
    #[error("{message}")]
    QueryMemory { message: String },
    /// What did not fit into memory did not fit on the disk either, or not into what is free of it.
    #[error("{message}")]
    QueryDisk { message: String },
    #[error("only reading statements are allowed")]
    ReadOnly,
    #[error("too many queries run at the same time, retry later")]
    TooManyQueries,
    #[error("run query")]
    QueryFailed {
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// Would the same request succeed later, without anybody changing it?
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Overloaded { .. } | Self::DiskFull | Self::TooManyQueries)
    }

    /// This error and its causes, in one line.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }

    /// Is a full disk, or one that gives no more to this process, at the bottom of it?
    pub(crate) fn is_out_of_space(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<io::Error>()
                && matches!(io.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            {
                return true;
            }
            cause = error.source();
        }
        false
    }

    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { action, path: path.into(), source }
    }
}

/// A limit as it was probably given, for messages.
pub(crate) fn show_bytes(n_bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    match n_bytes {
        0 => "0 bytes".to_owned(),
        _ if n_bytes.is_multiple_of(MIB) => format!("{} MiB", n_bytes / MIB),
        _ => format!("{n_bytes} bytes"),
    }
}
