//! The segments as queries read them: no byte that is not as it was written.
//!
//! An object store over the engine's own one that only reads, and only live segments. What is asked for
//! is widened to whole blocks, checked against the segment's checksums, and cut back. A block that does
//! not fit is an error with the segment's name, never bytes.

use super::checksums::{BLOCK_BYTES, Checksums};
use super::meta::{SegmentMeta, checksums_path};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path as ObjectPath;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::{Mutex, RwLock};
use parquet::errors::ParquetError;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Checksums kept in memory, 16 MiB: those of 256 GiB of segments.
const CACHE_BYTES_MAX: usize = 16 << 20;
/// How the store calls itself in the errors of its library.
const NAME: &str = "segment";

/// A segment that is not as it was written. Its text survives layers that keep no more of an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("segment {path} is damaged {place}")]
pub(crate) struct Damage {
    pub(crate) path: PathBuf,
    /// As it follows "is damaged".
    pub(crate) place: String,
}

/// Reads live segments through their checksums.
#[derive(Debug)]
pub(crate) struct CheckedSegments {
    store: Arc<dyn ObjectStore>,
    data_dir: PathBuf,
    segments: RwLock<HashMap<ObjectPath, Known>>,
    cache: Mutex<Cache>,
}

/// What the manifest says of a segment.
#[derive(Debug, Clone, Copy)]
struct Known {
    n_bytes: u64,
    /// None for segments that were written before there were checksums.
    checksums_crc: Option<u32>,
}

/// The checksums read last; those read first make room.
#[derive(Debug, Default)]
struct Cache {
    checksums: HashMap<ObjectPath, Arc<Checksums>>,
    order: VecDeque<ObjectPath>,
    n_bytes: usize,
}

impl Damage {
    /// The damage at the bottom of an error. Where footers are read, the layers between keep the text
    /// only; elsewhere no text is trusted, since it may quote a statement.
    pub(crate) fn beneath(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut cause = error;
        loop {
            if let Some(damage) = cause.downcast_ref::<Self>() {
                return Some(damage.clone());
            }
            if let Some(ParquetError::General(text)) = cause.downcast_ref::<ParquetError>() {
                return Self::told_in(text);
            }
            cause = cause.source()?;
        }
    }

    fn told_in(text: &str) -> Option<Self> {
        let (_, told) = text.split_once(&format!("Generic {NAME} error: segment "))?;
        let (path, place) = told.rsplit_once(" is damaged ")?;
        Some(Self { path: PathBuf::from(path), place: place.to_owned() })
    }
}

impl CheckedSegments {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, data_dir: PathBuf) -> Self {
        Self { store, data_dir, segments: RwLock::default(), cache: Mutex::default() }
    }

    /// From now on the segment can be read.
    pub(crate) fn admit(&self, segment: &SegmentMeta) {
        let known = Known { n_bytes: segment.n_bytes, checksums_crc: segment.checksums_crc };
        self.segments.write().insert(segment.path.clone(), known);
    }

    /// Its files go.
    pub(crate) fn forget(&self, segment: &SegmentMeta) {
        self.segments.write().remove(&segment.path);
        self.cache.lock().remove(&segment.path);
    }

    fn known(&self, path: &ObjectPath) -> Result<Known> {
        let known = self.segments.read().get(path).copied();
        known.ok_or_else(|| Error::NotFound { path: path.to_string(), source: "no live segment".into() })
    }

    async fn checksums(&self, path: &ObjectPath, n_bytes: u64, crc: u32) -> Result<Arc<Checksums>> {
        if let Some(checksums) = self.cache.lock().get(path) {
            return Ok(checksums);
        }
        let file = self.store.get(&checksums_path(path)).await?.bytes().await?;
        let checksums = Checksums::decode(&file, n_bytes, crc);
        let checksums = checksums.ok_or_else(|| self.damage(path, "in its checksum file".to_owned()))?;
        let checksums = Arc::new(checksums);
        self.cache.lock().insert(path, &checksums);
        Ok(checksums)
    }

    /// Reads ranges that lie within the segment.
    async fn read(&self, path: &ObjectPath, known: Known, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let Some(crc) = known.checksums_crc else { return self.store.get_ranges(path, ranges).await };
        let checksums = self.checksums(path, known.n_bytes, crc).await?;
        let wide = whole_blocks(ranges, known.n_bytes);
        let read = self.store.get_ranges(path, &wide).await?;
        for (range, bytes) in wide.iter().zip(&read) {
            let checked = checksums.check(range.start, bytes);
            checked.map_err(|offset| self.damage(path, format!("at byte {offset}")))?;
            if bytes.len() as u64 != range.end - range.start {
                return Err(self.damage(path, format!("at byte {}", range.start + bytes.len() as u64)));
            }
        }
        Ok(ranges.iter().map(|range| cut_back(range, &wide, &read)).collect())
    }

    fn damage(&self, path: &ObjectPath, place: String) -> Error {
        let damage = Damage { path: self.data_dir.join(path.as_ref()), place };
        Error::Generic { store: NAME, source: Box::new(damage) }
    }
}

/// The blocks that hold these ranges, in order, each once.
fn whole_blocks(ranges: &[Range<u64>], n_bytes: u64) -> Vec<Range<u64>> {
    let widen = |range: &Range<u64>| {
        let start = range.start / BLOCK_BYTES * BLOCK_BYTES;
        start..range.end.next_multiple_of(BLOCK_BYTES).min(n_bytes)
    };
    let mut wide: Vec<Range<u64>> = ranges.iter().filter(|range| !range.is_empty()).map(widen).collect();
    wide.sort_unstable_by_key(|range| range.start);
    wide.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
    wide
}

/// The part of the blocks that was asked for.
fn cut_back(range: &Range<u64>, wide: &[Range<u64>], read: &[Bytes]) -> Bytes {
    let idx = wide.partition_point(|wide| wide.start <= range.start).checked_sub(1);
    let Some(idx) = idx.filter(|_| !range.is_empty()) else { return Bytes::new() };
    let from = (range.start - wide[idx].start) as usize;
    read[idx].slice(from..from + (range.end - range.start) as usize)
}

impl Cache {
    fn get(&self, path: &ObjectPath) -> Option<Arc<Checksums>> {
        self.checksums.get(path).map(Arc::clone)
    }

    fn insert(&mut self, path: &ObjectPath, checksums: &Arc<Checksums>) {
        if self.checksums.insert(path.clone(), Arc::clone(checksums)).is_some() {
            return;
        }
        self.order.push_back(path.clone());
        self.n_bytes += checksums.n_memory_bytes();
        while self.n_bytes > CACHE_BYTES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.subtract(&oldest);
        }
    }

    fn remove(&mut self, path: &ObjectPath) {
        if self.subtract(path) {
            self.order.retain(|other| other != path);
        }
    }

    fn subtract(&mut self, path: &ObjectPath) -> bool {
        let removed = self.checksums.remove(path);
        self.n_bytes -= removed.as_ref().map_or(0, |checksums| checksums.n_memory_bytes());
        removed.is_some()
    }
}

impl fmt::Display for CheckedSegments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "checked segments of {}", self.store)
    }
}

fn read_only(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: NAME.to_owned() }
}

#[async_trait]
impl ObjectStore for CheckedSegments {
    async fn get_opts(&self, path: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        let known = self.known(path)?;
        let wanted = options.range.clone();
        let is_head = options.head;
        let mut result = self.store.get_opts(path, GetOptions { range: None, ..options }).await?;
        if is_head {
            return Ok(result);
        }
        let range = wanted.unwrap_or(GetRange::Offset(0)).as_range(known.n_bytes);
        let range = range.map_err(|source| Error::Generic { store: NAME, source: Box::new(source) })?;
        let bytes = self.read(path, known, std::slice::from_ref(&range)).await?;
        let parts = stream::iter(bytes.into_iter().map(Ok));
        (result.payload, result.range) = (GetResultPayload::Stream(parts.boxed()), range);
        Ok(result)
    }

    async fn get_ranges(&self, path: &ObjectPath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let known = self.known(path)?;
        if let Some(range) = ranges.iter().find(|range| range.start > range.end || range.end > known.n_bytes)
        {
            return Err(self.damage(path, format!("at byte {}: it refers beyond its end", range.start)));
        }
        self.read(path, known, ranges).await
    }

    async fn put_opts(&self, _: &ObjectPath, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only("put"))
    }

    async fn put_multipart_opts(
        &self,
        _: &ObjectPath,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only("put"))
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        stream::iter([Err(read_only("delete"))]).boxed()
    }

    fn list(&self, _: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::iter([Err(read_only("list"))]).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&ObjectPath>) -> Result<ListResult> {
        Err(read_only("list"))
    }

    async fn copy_opts(&self, _: &ObjectPath, _: &ObjectPath, _: CopyOptions) -> Result<()> {
        Err(read_only("copy"))
    }
}
