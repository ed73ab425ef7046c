//! The log as the engine holds it: appends and waits, and ends the thread when it goes.

use super::frame::PackedRecord;
use super::ledger::{ClosedFile, Ledger};
use super::sequences::SequenceSet;
use super::writer::{Append, Command, QUEUE_RECORDS_MAX, Writer};
use crate::columns::Logged;
use crate::disk;
use crate::error::Error;
use crate::faults::{Faults, Step};
use crate::options::WalOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// The handle; dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Wal {
    commands: Option<mpsc::Sender<Command>>,
    ledger: Arc<Ledger>,
    faults: Arc<dyn Faults>,
    thread: Option<JoinHandle<()>>,
}

/// What a log starts from.
#[derive(Debug)]
pub(crate) struct WalStart {
    pub(crate) data_dir: PathBuf,
    pub(crate) options: WalOptions,
    pub(crate) disk_free_bytes_min: u64,
    pub(crate) sequence_next: u64,
    /// Files left by a replay.
    pub(crate) files: Vec<ClosedFile>,
    pub(crate) faults: Arc<dyn Faults>,
}

impl Wal {
    pub(crate) fn start(mut start: WalStart) -> Result<Self, Error> {
        const NAME: &str = "storage-wal";
        let fail = |source| Error::Thread { name: NAME, source };
        let ledger = Arc::new(Ledger::new(std::mem::take(&mut start.files)));
        let (commands, queue) = mpsc::channel(QUEUE_RECORDS_MAX);
        let faults = Arc::clone(&start.faults);
        let writer = Writer::new(start, Arc::clone(&ledger));
        // A runtime of its own gives the thread a queue with a deadline; nothing else runs on it.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(fail)?;
        let run = move || runtime.block_on(writer.run(queue));
        let thread = std::thread::Builder::new().name(NAME.to_owned()).spawn(run).map_err(fail)?;
        Ok(Self { commands: Some(commands), ledger, faults, thread: Some(thread) })
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// On disk when it returns.
    pub(crate) async fn append(&self, record: PackedRecord) -> Result<Logged, Error> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Append(Append { record, reply })).await?;
        answer.await.map_err(|_| self.gone())?
    }

    pub(crate) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.send(Command::Close(reply)).await.is_ok() {
            // An error says that the thread is gone, which is as closed as it gets.
            let _ = answer.await;
        }
    }

    /// For a blocking thread.
    pub(crate) fn rotate_blocking(&self) {
        let (reply, answer) = oneshot::channel();
        let Some(commands) = &self.commands else { return };
        if commands.blocking_send(Command::Rotate(reply)).is_ok() {
            // As in `close`: no thread, no current file.
            let _ = answer.blocking_recv();
        }
    }

    /// Deletes closed files whose every record is in segments. Those that cannot be deleted now are
    /// tried again the next time.
    pub(crate) fn delete_covered(&self, covered: &SequenceSet) -> Result<(), Error> {
        let mut first_error = Ok(());
        for file in self.ledger.take_covered(covered) {
            match self.delete(&file.path) {
                Ok(()) => self.ledger.subtract_bytes(file.n_bytes),
                Err(error) => {
                    self.ledger.close_file(file);
                    first_error = first_error.and(Err(error));
                }
            }
        }
        first_error
    }

    fn delete(&self, path: &Path) -> Result<(), Error> {
        disk::remove(path, Step::WalDelete, &*self.faults)
    }

    async fn send(&self, command: Command) -> Result<(), Error> {
        let commands = self.commands.as_ref().ok_or(Error::Closed)?;
        commands.send(command).await.map_err(|_| self.gone())
    }

    fn gone(&self) -> Error {
        if self.ledger.is_failed() { Error::WalFailed } else { Error::Closed }
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("log thread panicked");
        }
    }
}
