//! Makes the read models again of the rows that are stored, in a directory that nobody uses.
//!
//! `borders` says from which bucket on the stored rows are all that there ever were; `replay` reads them in bounded
//! memory, `received` knows when they came, and `output` writes what they come to. Older cells stay: their rows are
//! gone. One version of the manifest then puts all of it in the place of what was there, so that whatever moment this
//! ends at, the one or the other is whole, and the next start removes all other files. Records that only the log has are
//! not looked at: that start replays them, as it would have done anyway.

mod borders;
mod output;
mod received;
mod replay;

use super::open::{Found, find, local_store};
use crate::error::Error;
use crate::faults::{Faults, NoFaults, Step};
use crate::fs::{self, DirectoryLock};
use crate::ids::Signal;
use crate::manifest::{self, Manifest};
use crate::options::Options;
use crate::runtime::OwnRuntime;
use crate::segment::{self, SegmentMeta};
use crate::stats::RowsEver;
use crate::upkeep::Progress;
use borders::Borders;
use output::Output;
use replay::{Replayed, replay};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Handle;

/// What a rebuild came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Rows that read models were made of.
    pub n_rows: RowsEver,
    /// Segments of read models before and after, and their bytes.
    pub n_segments_before: u64,
    pub n_bytes_before: u64,
    pub n_segments_after: u64,
    pub n_bytes_after: u64,
    /// Buckets before these moments, unix nanos, stay as they were, since rows of that time are no longer stored. Signals
    /// that have all their rows are left out.
    pub kept_before: Vec<(Signal, i64)>,
}

/// What all parts of a rebuild are told.
#[derive(Clone, Copy)]
struct Task<'a> {
    options: &'a Options,
    /// Unix nanos.
    now: i64,
    faults: &'a dyn Faults,
    is_stopped: &'a dyn Fn() -> bool,
}

/// Makes the read models of a directory again that no engine has open. Ends with [`Error::Stopped`] soon after
/// `is_stopped` says so, and then, as after any other failure, everything is as it was.
pub async fn rebuild_read_models<P, S>(
    options: Options,
    now: i64,
    progress: P,
    is_stopped: S,
) -> Result<Rebuilt, Error>
where
    P: FnMut(Progress) + Send + 'static,
    S: Fn() -> bool + Send + 'static,
{
    rebuild_with(options, now, progress, is_stopped, Arc::new(NoFaults)).await
}

/// As [`rebuild_read_models`], with failures to order.
pub(super) async fn rebuild_with<P, S>(
    options: Options,
    now: i64,
    mut progress: P,
    is_stopped: S,
    faults: Arc<dyn Faults>,
) -> Result<Rebuilt, Error>
where
    P: FnMut(Progress) + Send + 'static,
    S: Fn() -> bool + Send + 'static,
{
    options.validate()?;
    let runtime = OwnRuntime::start("storage-work")?;
    let handle = runtime.handle().clone();
    let work = runtime.handle().spawn_blocking(move || {
        let task = Task { options: &options, now, faults: &*faults, is_stopped: &is_stopped };
        rebuild(task, &mut progress, &handle)
    });
    work.await.map_err(|error| Error::Background { reason: error.to_string() })?
}

fn rebuild(task: Task<'_>, progress: &mut dyn FnMut(Progress), handle: &Handle) -> Result<Rebuilt, Error> {
    let data_dir = &task.options.data_dir;
    fs::expect_data(data_dir)?;
    let _lock = DirectoryLock::acquire(data_dir)?;
    let Found { manifest, .. } = find(data_dir, task.faults)?;
    let borders = Borders::of(&manifest);
    let mut output = Output::new(task, borders, manifest.segment_id_next);
    let made = make(task, &manifest, &mut output, progress);
    let published = made.and_then(|replayed| {
        let next = following(&manifest, &output, replayed.settled_until);
        publish(&next, task, handle)?;
        Ok((next, replayed))
    });
    let (next, Replayed { n_rows, .. }) = published.inspect_err(|error| {
        // A manifest that perhaps names them must find them.
        if !matches!(error, Error::ManifestUncertain { .. }) {
            output.remove_written();
        }
    })?;
    remove_replaced(&manifest, &next, task);
    let (n_segments_before, n_bytes_before) = size(&manifest);
    let (n_segments_after, n_bytes_after) = size(&next);
    let kept_before = borders.kept_before();
    Ok(Rebuilt { n_rows, n_segments_before, n_bytes_before, n_segments_after, n_bytes_after, kept_before })
}

fn make<'a>(
    task: Task<'a>,
    manifest: &Manifest,
    output: &mut Output<'a>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Replayed, Error> {
    output.keep_older(&manifest.segments)?;
    replay(task, manifest, output, progress)
}

/// The version with the new read models. What is covered, and what was ever stored, stays.
fn following(manifest: &Manifest, output: &Output<'_>, settled_until: Option<i64>) -> Manifest {
    let items = manifest.segments.iter().filter(|segment| segment.table.signal().is_some());
    let mut next = Manifest {
        version: manifest.version + 1,
        segment_id_next: output.segment_id_next(),
        segments: items.chain(output.segments()).cloned().collect(),
        edges_settled_until: settled_until.or(manifest.edges_settled_until),
        n_outdated: 0,
        ..manifest.clone()
    };
    output.note_lacking(&mut next);
    next
}

fn publish(next: &Manifest, task: Task<'_>, handle: &Handle) -> Result<(), Error> {
    let data_dir = &task.options.data_dir;
    let object_store = local_store(data_dir)?;
    handle.block_on(next.publish(&*object_store, data_dir, task.faults))?;
    let published = task.faults.before(Step::ManifestPublished);
    published.map_err(|source| {
        let source = Box::new(Error::io("publish manifest in", data_dir, source));
        Error::ManifestUncertain { version: next.version, source }
    })
}

/// What fails here is left for the next start.
fn remove_replaced(before: &Manifest, next: &Manifest, task: Task<'_>) {
    let live: HashSet<u64> = next.segments.iter().map(|segment| segment.id).collect();
    let replaced = before.segments.iter().filter(|segment| !live.contains(&segment.id));
    remove(replaced, &task.options.data_dir, task.faults);
    if let Err(error) = manifest::prune(&task.options.data_dir, task.faults) {
        tracing::warn!(error = error.chain(), "cannot remove old manifests");
    }
}

/// Removes the files of segments that no manifest names.
fn remove<'a>(segments: impl Iterator<Item = &'a Arc<SegmentMeta>>, data_dir: &Path, faults: &dyn Faults) {
    for segment in segments {
        if let Err(error) = segment::remove(segment, data_dir, faults) {
            tracing::warn!(error = error.chain(), "cannot remove a segment that is no longer needed");
        }
    }
}

/// Segments of read models, and their bytes.
fn size(manifest: &Manifest) -> (u64, u64) {
    let read_models = manifest.segments.iter().filter(|segment| segment.table.signal().is_none());
    read_models.fold((0, 0), |(n_segments, n_bytes), segment| (n_segments + 1, n_bytes + segment.n_bytes))
}

impl Task<'_> {
    /// Is there anything that keeps the work from going on?
    fn go_on(&self) -> Result<(), Error> {
        if (self.is_stopped)() { Err(Error::Stopped) } else { Ok(()) }
    }

    /// Before something is written: the server that starts next needs room for its log.
    fn expect_room(&self) -> Result<(), Error> {
        let data_dir = &self.options.data_dir;
        let n_bytes =
            fs::free_bytes(data_dir).map_err(|source| Error::io("look at the disk of", data_dir, source))?;
        match self.faults.free_bytes(n_bytes) < self.options.disk_free_bytes_min {
            true => Err(Error::DiskFull),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
