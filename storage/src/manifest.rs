//! The manifest: which segments are live, and which log records they cover.
//!
//! Every change is a new version, published whole and only if nobody else published it: written under
//! a temporary name, synced, then linked to its final name. The highest version is the truth. A
//! flush's segments and the numbers they cover stand in one version, which is what makes every row
//! appear exactly once. `docs/formats/manifest.md` holds the file.

use crate::disk;
use crate::error::Error;
use crate::faults::{Change, Faults, Step};
use crate::fs;
use crate::ids::{Signal, Table};
use crate::segment::SegmentMeta;
use crate::stats::RowsEver;
use crate::wal::SequenceSet;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Version of the file's format.
const FORMAT: u32 = 5;
/// The oldest format that is read: its segments have no checksums, and whole maps, as those of 2 do.
const FORMAT_MIN: u32 = 1;
/// The oldest format whose read models have the columns of today's.
const READ_MODELS_FORMAT_MIN: u32 = 5;
/// Older versions kept, to be looked at after an accident.
const VERSIONS_KEPT: usize = 3;
/// How often a version may vanish between its listing and its reading; each time takes as many publications
/// as versions are kept.
const LOADS_MAX: u32 = 10;

/// One version of the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) version: u64,
    pub(crate) segment_id_next: u64,
    /// Log records whose rows are in segments, or were and have expired.
    pub(crate) covered: SequenceSet,
    /// Rows ever stored, expired ones included.
    pub(crate) rows_ever: RowsEver,
    pub(crate) segments: Vec<Arc<SegmentMeta>>,
    /// Read models of which segments have left, and the start of the last bucket that may lack rows for that.
    pub(crate) lacking: BTreeMap<Table, i64>,
    /// Segments that the file named, of read models of an older format: nobody can read them any more, so they are
    /// left out, and the next version does not name them.
    pub(crate) n_outdated: u64,
}

impl Manifest {
    /// What an empty data directory holds.
    pub(crate) fn empty() -> Self {
        Self {
            version: 0,
            segment_id_next: 1,
            covered: SequenceSet::default(),
            rows_ever: RowsEver::default(),
            segments: Vec::new(),
            lacking: BTreeMap::new(),
            n_outdated: 0,
        }
    }

    /// The newest version in a data directory.
    pub(crate) fn load(data_dir: &Path) -> Result<Self, Error> {
        let Some((version, path)) = versions(data_dir)?.pop() else { return Ok(Self::empty()) };
        let text = std::fs::read(&path).map_err(|source| Error::io("read", &path, source))?;
        let corrupt = |reason| Error::ManifestCorrupt { path: path.clone(), reason };
        let manifest = decode(&text).map_err(|unread| match unread {
            Unread::Newer(found) => Error::TooNew { path: path.clone(), found, known: FORMAT },
            Unread::Damaged(reason) => corrupt(reason),
        })?;
        match manifest.version == version {
            true => Ok(manifest),
            false => Err(corrupt(format!("it calls itself version {}", manifest.version))),
        }
    }

    /// As `load`, beside a process that publishes: versions are removed when newer ones are there.
    pub(crate) fn load_beside_writer(data_dir: &Path) -> Result<Self, Error> {
        let is_gone =
            |error: &Error| matches!(error, Error::Io { source, .. } if source.kind() == ErrorKind::NotFound);
        let mut loaded = Self::load(data_dir);
        for _ in 0..LOADS_MAX {
            match &loaded {
                Err(error) if is_gone(error) => loaded = Self::load(data_dir),
                _ => break,
            }
        }
        loaded
    }

    /// Makes this version the truth, durably, unless another writer was first.
    pub(crate) async fn publish(
        &self,
        store: &dyn ObjectStore,
        data_dir: &Path,
        faults: &dyn Faults,
    ) -> Result<(), Error> {
        let name = format!("manifest/{:020}.json", self.version);
        let (temporary, published) = (ObjectPath::from(format!("{name}.new")), ObjectPath::from(name));
        let temporary_path = data_dir.join(temporary.as_ref());
        self.write(store, &temporary, &temporary_path, faults).await?;

        let fail = |source| match source {
            object_store::Error::AlreadyExists { .. } => Error::ManifestConflict { version: self.version },
            source => self.not_committed(source),
        };
        faults.before(Step::ManifestPublish).map_err(|source| self.not_committed(source))?;
        store.copy_if_not_exists(&temporary, &published).await.map_err(fail)?;
        faults.after(Change::Linked { from: &temporary_path, to: &data_dir.join(published.as_ref()) });
        let directory = fs::manifest_dir(data_dir);
        disk::sync_names(&directory, Step::ManifestNameSync, faults).map_err(|source| {
            let source = Error::io("sync directory", &directory, source);
            Error::ManifestUncertain { version: self.version, source: Box::new(source) }
        })?;
        // Left behind it is an orphan, which the next start removes.
        if let Err(error) = disk::remove(&temporary_path, Step::ManifestDelete, faults) {
            tracing::warn!(error = error.chain(), "cannot remove temporary manifest");
        }
        Ok(())
    }

    /// Writes this version under a name that is not yet the truth, and makes its bytes durable.
    async fn write(
        &self,
        store: &dyn ObjectStore,
        name: &ObjectPath,
        path: &Path,
        faults: &dyn Faults,
    ) -> Result<(), Error> {
        let mut text = encode(self)?;
        faults.before(Step::ManifestWrite).map_err(|source| self.not_committed(source))?;
        let cut_short = faults.short_write(Step::ManifestWrite, text.len());
        if let Some((n_bytes, _)) = &cut_short {
            text.truncate(*n_bytes);
        }
        store.put(name, PutPayload::from(text)).await.map_err(|source| self.not_committed(source))?;
        faults.after(Change::Created(path));
        if let Some((_, source)) = cut_short {
            return Err(self.not_committed(source));
        }
        let sync = || disk::sync(&File::open(path)?, path, Step::ManifestSync, faults);
        sync().map_err(|source| Error::io("sync file", path, source))
    }

    /// Nothing of this version is to be seen.
    fn not_committed(&self, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::ManifestCommit { version: self.version, source: Box::new(source) }
    }

    /// Makes this version the only one of a directory that nobody uses, durably.
    pub(crate) fn write_alone(&self, data_dir: &Path) -> Result<(), Error> {
        let directory = fs::manifest_dir(data_dir);
        let path = directory.join(format!("{:020}.json", self.version));
        let unfinished = path.with_extension("json.new");
        let text = encode(self)?;
        let write = || {
            std::fs::write(&unfinished, text)?;
            std::fs::File::open(&unfinished)?.sync_all()?;
            std::fs::rename(&unfinished, &path)
        };
        write().map_err(|source| Error::io("write", &path, source))?;
        fs::sync_dir(&directory)
    }

    /// Notes that a segment leaves: a read model lacks rows of its buckets from then on. Rows that came with times in
    /// the future do not make all of the time until then count as lacking.
    pub(crate) fn note_leaving(&mut self, segment: &SegmentMeta) {
        if segment.table.resolution().is_some() {
            let until = self.lacking.entry(segment.table).or_insert(i64::MIN);
            *until = (*until).max(segment.time_max.min(segment.received_max));
        }
    }

    pub(crate) fn segments_of(&self, table: Table) -> Vec<Arc<SegmentMeta>> {
        self.segments.iter().filter(|segment| segment.table == table).cloned().collect()
    }
}

/// Versions that were being written when the process died.
pub(crate) fn unfinished(data_dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = fs::list_files(&fs::manifest_dir(data_dir))?;
    paths.retain(|path| path.extension().is_none_or(|extension| extension != "json"));
    Ok(paths)
}

/// Removes versions that are neither the newest nor among the few kept.
pub(crate) fn prune(data_dir: &Path, faults: &dyn Faults) -> Result<(), Error> {
    let mut old = versions(data_dir)?;
    old.truncate(old.len().saturating_sub(VERSIONS_KEPT));
    for (_, path) in old {
        disk::remove(&path, Step::ManifestDelete, faults)?;
    }
    Ok(())
}

/// Versions in a data directory with their files, in ascending order.
fn versions(data_dir: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
    let version_of = |path: &PathBuf| {
        let stem = path.file_name()?.to_str()?.strip_suffix(".json")?;
        stem.parse().ok()
    };
    let paths = fs::list_files(&fs::manifest_dir(data_dir))?;
    let mut versions: Vec<(u64, PathBuf)> =
        paths.into_iter().filter_map(|path| Some((version_of(&path)?, path))).collect();
    versions.sort();
    Ok(versions)
}

/// The file: one line of JSON, one line with its CRC32C.
fn encode(manifest: &Manifest) -> Result<Vec<u8>, Error> {
    let fail = |source| Error::ManifestCommit { version: manifest.version, source: Box::new(source) };
    let mut text = serde_json::to_vec(&file::Document::from(manifest)).map_err(fail)?;
    let crc = crc32c::crc32c(&text);
    text.extend_from_slice(format!("\ncrc32c {crc:08x}\n").as_bytes());
    Ok(text)
}

/// Why a file is no manifest to us.
#[derive(Debug)]
enum Unread {
    /// It is whole, and of this format.
    Newer(u32),
    Damaged(String),
}

impl From<String> for Unread {
    fn from(reason: String) -> Self {
        Self::Damaged(reason)
    }
}

fn decode(text: &[u8]) -> Result<Manifest, Unread> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not text".to_owned())?;
    let (json, last_line) = text.trim_end().rsplit_once('\n').ok_or("it is cut short".to_owned())?;
    let crc = last_line.strip_prefix("crc32c ").and_then(|crc| u32::from_str_radix(crc, 16).ok());
    if crc != Some(crc32c::crc32c(json.as_bytes())) {
        return Err("its checksum does not fit".to_owned().into());
    }
    let header: file::Header = serde_json::from_str(json).map_err(|error| error.to_string())?;
    match header.format {
        FORMAT_MIN..=FORMAT => {}
        newer if newer > FORMAT => return Err(Unread::Newer(newer)),
        other => return Err(format!("it has format {other}, which there never was").into()),
    }
    let document: file::Document = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Ok(document.into_manifest()?)
}

/// The file's own shape, apart from the types that the engine works with.
mod file {
    use super::{
        Arc, BTreeMap, FORMAT, Manifest, ObjectPath, READ_MODELS_FORMAT_MIN, RowsEver, SegmentMeta,
        SequenceSet, Signal, Table,
    };
    use serde::{Deserialize, Serialize};

    #[derive(Deserialize)]
    pub(super) struct Header {
        pub(super) format: u32,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Document {
        format: u32,
        version: u64,
        segment_id_next: u64,
        wal_covered: Vec<(u64, u64)>,
        rows_ever: Rows,
        segments: Vec<Segment>,
        #[serde(default)]
        lacking: BTreeMap<String, i64>,
    }

    #[derive(Serialize, Deserialize)]
    struct Rows {
        traces: u64,
        logs: u64,
        metrics: u64,
    }

    #[derive(Serialize, Deserialize)]
    struct Segment {
        id: u64,
        table: String,
        path: String,
        n_rows: u64,
        n_bytes: u64,
        time_min: i64,
        time_max: i64,
        received_max: i64,
        #[serde(default)]
        checksums_crc: Option<u32>,
    }

    impl From<&Manifest> for Document {
        fn from(manifest: &Manifest) -> Self {
            let rows = &manifest.rows_ever;
            let [traces, logs, metrics] = Signal::ALL.map(|signal| rows.of(signal));
            Self {
                format: FORMAT,
                version: manifest.version,
                segment_id_next: manifest.segment_id_next,
                wal_covered: manifest.covered.ranges().collect(),
                rows_ever: Rows { traces, logs, metrics },
                segments: manifest.segments.iter().map(|segment| Segment::from(&**segment)).collect(),
                lacking: manifest.lacking.iter().map(|(table, at)| (table.name().to_owned(), *at)).collect(),
            }
        }
    }

    impl From<&SegmentMeta> for Segment {
        fn from(meta: &SegmentMeta) -> Self {
            Self {
                id: meta.id,
                table: meta.table.name().to_owned(),
                path: meta.path.to_string(),
                n_rows: meta.n_rows,
                n_bytes: meta.n_bytes,
                time_min: meta.time_min,
                time_max: meta.time_max,
                received_max: meta.received_max,
                checksums_crc: meta.checksums_crc,
            }
        }
    }

    impl Document {
        pub(super) fn into_manifest(self) -> Result<Manifest, String> {
            let Rows { traces, logs, metrics } = self.rows_ever;
            let segments = self.segments.into_iter().map(Segment::into_meta);
            let mut segments = segments.collect::<Result<Vec<_>, String>>()?;
            let n_named = segments.len();
            segments
                .retain(|segment| segment.table.signal().is_some() || self.format >= READ_MODELS_FORMAT_MIN);
            let lacking = self.lacking.into_iter();
            let lacking = lacking.map(|(name, at)| table_named(&name).map(|table| (table, at)));
            Ok(Manifest {
                version: self.version,
                segment_id_next: self.segment_id_next,
                covered: SequenceSet::from_ranges(self.wal_covered),
                rows_ever: RowsEver { traces, logs, metrics },
                n_outdated: (n_named - segments.len()) as u64,
                segments,
                lacking: lacking.collect::<Result<_, String>>()?,
            })
        }
    }

    fn table_named(name: &str) -> Result<Table, String> {
        Table::from_name(name).ok_or_else(|| format!("it names table {name}"))
    }

    impl Segment {
        fn into_meta(self) -> Result<Arc<SegmentMeta>, String> {
            let table = table_named(&self.table)?;
            let path = ObjectPath::parse(&self.path).map_err(|error| error.to_string())?;
            Ok(Arc::new(SegmentMeta {
                id: self.id,
                table,
                path,
                n_rows: self.n_rows,
                n_bytes: self.n_bytes,
                time_min: self.time_min,
                time_max: self.time_max,
                received_max: self.received_max,
                checksums_crc: self.checksums_crc,
            }))
        }
    }
}
