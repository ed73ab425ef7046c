//! What the manifest knows of a segment without opening it.

use crate::ids::Table;
use object_store::path::Path as ObjectPath;
use std::path::{Path, PathBuf};

/// A live segment. Bounds are inclusive, so that a range can skip the file safely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentMeta {
    pub(crate) id: u64,
    pub(crate) table: Table,
    /// Path for the engine's object store, relative to the data directory.
    pub(crate) path: ObjectPath,
    pub(crate) n_rows: u64,
    pub(crate) n_bytes: u64,
    /// Smallest `start_time` (spans), `time` (logs, metric points) or `bucket` (red), unix nanos.
    pub(crate) time_min: i64,
    /// Largest of the same column; of `end_time` for spans, so that both ends of a span are inside.
    pub(crate) time_max: i64,
    /// When the newest row was received, unix nanos; retention counts from here.
    pub(crate) received_max: i64,
    /// CRC32C of the segment's checksum file; none for segments of versions that wrote no such file.
    pub(crate) checksums_crc: Option<u32>,
}

/// The checksum file beside a segment.
pub(crate) fn checksums_path(segment: &ObjectPath) -> ObjectPath {
    ObjectPath::from(format!("{segment}.crc"))
}

impl SegmentMeta {
    /// Where a segment lives, as the object store and as the file system see it.
    pub(crate) fn object_path(table: Table, id: u64) -> ObjectPath {
        ObjectPath::from(format!("segments/{}/{id:020}.parquet", table.name()))
    }

    pub(crate) fn file_path(&self, data_dir: &Path) -> PathBuf {
        data_dir.join(self.path.as_ref())
    }

    /// Where its checksums live, if it has any.
    pub(crate) fn checksums_file_path(&self, data_dir: &Path) -> Option<PathBuf> {
        self.checksums_crc.map(|_| data_dir.join(checksums_path(&self.path).as_ref()))
    }
}
