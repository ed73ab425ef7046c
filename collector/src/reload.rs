//! Certificates and secrets are read again when their files change, and on SIGHUP.
//!
//! A change counts once two looks in a row have seen the same, so that files which are written one after another
//! are read as a pair. What cannot be read leaves everything as it was and is tried again at each look, changed or
//! not: a disk or a mount comes back without a trace in the files. It is told once, and once when it works again.

use crate::causes::with_causes;
use crate::workers::Heartbeat;
use std::fmt::Debug;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Between two looks at the files. A new certificate is in use within two of them.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// The longest that looking and reading may take, on a network file system with troubles of its own.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(120);

/// Why something could not be read again.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path:?} cannot be read")]
pub(crate) struct Unreadable {
    pub(crate) path: PathBuf,
    #[source]
    source: io::Error,
}

impl Unreadable {
    /// What an error is about.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { path: path.to_owned(), source }
    }
}

/// What is made of files and can be made of them again.
pub(crate) trait Source: Debug + Send + Sync {
    /// For the log.
    fn what(&self) -> &'static str;
    fn paths(&self) -> Vec<PathBuf>;
    /// After an error, what was there before must still be in use.
    fn read_again(&self) -> Result<(), Failed>;
}

/// Looks after the files until `stop`.
pub(crate) async fn watch(sources: Vec<Arc<dyn Source>>, heart: Heartbeat, stop: CancellationToken) {
    let mut hangups = listen();
    let mut looks = tokio::time::interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watched: Vec<Watched> = sources.into_iter().map(Watched::new).collect();
    loop {
        let is_asked = tokio::select! {
            () = stop.cancelled() => return,
            _ = looks.tick() => false,
            () = next(&mut hangups) => true,
        };
        heart.beat();
        let looking = tokio::task::spawn_blocking(move || {
            watched.iter_mut().for_each(|one| one.look(is_asked).log(one.source.what()));
            watched
        });
        watched = match looking.await {
            Ok(watched) => watched,
            Err(error) => {
                // Its end is noticed, as that of every worker.
                tracing::error!(%error, "looking after certificates and secrets failed");
                return;
            }
        };
    }
}

fn listen() -> Option<Signal> {
    match signal(SignalKind::hangup()) {
        Ok(hangups) => Some(hangups),
        Err(error) => {
            tracing::warn!(%error, "cannot listen for SIGHUP, changed files are noticed all the same");
            None
        }
    }
}

async fn next(hangups: &mut Option<Signal>) {
    match hangups {
        Some(hangups) => {
            hangups.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// One source and what was seen of its files.
#[derive(Debug)]
struct Watched {
    source: Arc<dyn Source>,
    /// At the last look.
    seen: Option<Vec<Stamp>>,
    /// When they were read last, well or not. At the start nobody knows what they were like when they were read.
    read: Option<Vec<Stamp>>,
    /// Why that did not go well.
    failure: Option<String>,
}

/// What there is to say about a look.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    ReadAgain,
    /// After a failure.
    Works,
    Failed(String),
}

/// What changes when a file does: written, replaced, or made readable. `None` for a file that is not there.
type Stamp = Option<[i64; 7]>;

impl Watched {
    fn new(source: Arc<dyn Source>) -> Self {
        Self { source, seen: None, read: None, failure: None }
    }

    fn look(&mut self, is_asked: bool) -> Said {
        let stamps: Vec<Stamp> = self.source.paths().iter().map(|path| stamp(path)).collect();
        let has_settled = self.seen.replace(stamps.clone()).as_ref() == Some(&stamps);
        let is_due = self.failure.is_some() || self.read.as_ref() != Some(&stamps);
        let is_needed = is_asked || (has_settled && is_due);
        if !is_needed {
            return Said::Nothing;
        }
        // Stamps are older than what is read: a change in between is seen by the next look.
        let is_first = self.read.replace(stamps).is_none();
        let failure = self.source.read_again().err().map(|error| with_causes(error.as_ref()));
        let before = std::mem::replace(&mut self.failure, failure.clone());
        match failure {
            Some(failure) if is_asked || before.as_ref() != Some(&failure) => Said::Failed(failure),
            Some(_) => Said::Nothing,
            None if before.is_some() => Said::Works,
            // Read at the start, a moment ago.
            None if is_first && !is_asked => Said::Nothing,
            None => Said::ReadAgain,
        }
    }
}

impl Said {
    fn log(self, what: &'static str) {
        match self {
            Self::Nothing => {}
            Self::ReadAgain => tracing::info!(what, "read again"),
            Self::Works => tracing::info!(what, "can be read again, what is there now is in use"),
            Self::Failed(error) => {
                tracing::warn!(what, error, "cannot be read again, what was there before stays in use");
            }
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let file = std::fs::metadata(path).ok()?;
    let [device, inode, n_bytes] = [file.dev(), file.ino(), file.size()].map(u64::cast_signed);
    Some([device, inode, n_bytes, file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use tempfile::TempDir;

    /// Two files that are read as one text, which must not be empty.
    #[derive(Debug)]
    struct Pair {
        dir: TempDir,
        texts: Mutex<Vec<String>>,
        /// How every reading fails, whatever is in the files.
        failing: Mutex<Option<String>>,
    }

    impl Pair {
        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.dir.path().join(name), text).expect("written");
        }

        /// Everything that was read since the last call.
        fn read(&self) -> Vec<String> {
            std::mem::take(&mut self.texts.lock())
        }
    }

    impl Source for Pair {
        fn what(&self) -> &'static str {
            "pair"
        }

        fn paths(&self) -> Vec<PathBuf> {
            ["a", "b"].map(|name| self.dir.path().join(name)).to_vec()
        }

        fn read_again(&self) -> Result<(), Failed> {
            if let Some(failure) = &*self.failing.lock() {
                return Err(failure.as_str().into());
            }
            let texts = self.paths().into_iter().map(std::fs::read_to_string);
            let text = texts.collect::<Result<String, _>>();
            self.texts.lock().push(text.as_ref().map_or_else(|_| "unreadable".to_owned(), String::clone));
            text.map(drop).map_err(Failed::from)
        }
    }

    fn pair() -> (Arc<Pair>, Watched) {
        let dir = tempfile::tempdir().expect("a folder");
        let pair = Arc::new(Pair { dir, texts: Mutex::default(), failing: Mutex::default() });
        pair.write("a", "1");
        pair.write("b", "1");
        let shared = Arc::clone(&pair);
        let mut watched = Watched::new(shared);
        watched.look(false);
        watched.look(false);
        assert_eq!(pair.read(), ["11"], "what the files were like at the start is not known");
        (pair, watched)
    }

    /// Scenario: nothing changes; one file changes and then the other; one is replaced by another of the same size.
    /// Guarantees: files are read when they changed and have settled, once for each change.
    #[test]
    fn changed_files_are_read_once_they_settle() {
        let (pair, mut watched) = pair();
        watched.look(false);
        assert!(pair.read().is_empty());
        pair.write("a", "20");
        watched.look(false);
        pair.write("b", "20");
        watched.look(false);
        assert!(pair.read().is_empty(), "still changing");
        for _ in 0..3 {
            watched.look(false);
        }
        assert_eq!(pair.read(), ["2020"]);
        pair.write("new", "30");
        std::fs::rename(pair.dir.path().join("new"), pair.dir.path().join("b")).expect("renamed");
        watched.look(false);
        watched.look(false);
        assert_eq!(pair.read(), ["2030"]);
    }

    /// Scenario: a file goes away, stays away, and comes back.
    /// Guarantees: it is tried again at each look and told of once; when it is there again it is read, and told of once.
    #[test]
    fn an_unreadable_file_is_tried_until_it_is_there() {
        let (pair, mut watched) = pair();
        std::fs::remove_file(pair.dir.path().join("b")).expect("removed");
        let said = [(); 4].map(|()| watched.look(false));
        assert_eq!(pair.read(), ["unreadable"; 3]);
        assert!(matches!(said, [Said::Nothing, Said::Failed(_), Said::Nothing, Said::Nothing]), "{said:?}");
        pair.write("b", "2");
        let said = [(); 4].map(|()| watched.look(false));
        assert_eq!(pair.read(), ["12"]);
        assert_eq!(said, [Said::Nothing, Said::Works, Said::Nothing, Said::Nothing]);
    }

    /// Scenario: files fail to be read for a while, without any change that a look could see.
    /// Guarantees: they are read when they can be, without one; another failure is told, too, and so is any to who asks.
    #[test]
    fn what_fails_is_tried_again_without_a_change() {
        let (pair, mut watched) = pair();
        pair.write("a", "2");
        let failing = |text: Option<&str>| *pair.failing.lock() = text.map(str::to_owned);
        failing(Some("stale handle"));
        watched.look(false);
        let failed = |text: &str| Said::Failed(text.to_owned());
        assert_eq!([(); 2].map(|()| watched.look(false)), [failed("stale handle"), Said::Nothing]);
        failing(Some("not permitted"));
        assert_eq!([(); 2].map(|()| watched.look(false)), [failed("not permitted"), Said::Nothing]);
        assert_eq!(watched.look(true), failed("not permitted"));
        assert!(pair.read().is_empty());
        failing(None);
        assert_eq!([(); 2].map(|()| watched.look(false)), [Said::Works, Said::Nothing]);
        assert_eq!(pair.read(), ["21"]);
    }

    /// Scenario: somebody asks for the files to be read, changed or not.
    /// Guarantees: they are read at once, and not once more by the next look.
    #[test]
    fn asking_reads_at_once() {
        let (pair, mut watched) = pair();
        assert_eq!(watched.look(true), Said::ReadAgain);
        pair.write("a", "2");
        assert_eq!(watched.look(true), Said::ReadAgain);
        assert_eq!(pair.read(), ["11", "21"]);
        watched.look(false);
        watched.look(false);
        assert!(pair.read().is_empty());
    }
}
