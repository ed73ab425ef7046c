//! The thread that owns the log's current file.
//!
//! Records of many requests become durable with one sync (group commit): the thread gathers what
//! waits, writes all frames, syncs once, and only then answers. A write that fails is undone and
//! refused; a sync that fails ends the log for ever.

use super::current::{CurrentFile, WriteFailure};
use super::frame::PackedRecord;
use super::handle::WalStart;
use super::ledger::Ledger;
use crate::columns::Logged;
use crate::error::Error;
use crate::fs;
use crate::options::WalSync;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Requests that wait for the thread; further ones wait for a place, holding only their own bytes,
/// which the caller's admission has bounded.
pub(super) const QUEUE_RECORDS_MAX: usize = 1024;
/// A group is written at this size without waiting for more: beyond it a sync costs more by its
/// bytes than by being one.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// What a client should wait after a refusal: about the time of one flush.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) enum Command {
    Append(Append),
    /// Close the current file, so that it can be deleted once it is covered.
    Rotate(oneshot::Sender<()>),
    /// As `Rotate`, and take no more.
    Close(oneshot::Sender<()>),
}

#[derive(Debug)]
pub(super) struct Append {
    pub(super) record: PackedRecord,
    pub(super) reply: oneshot::Sender<Result<Logged, Error>>,
}

/// The thread's own state.
#[derive(Debug)]
pub(super) struct Writer {
    start: WalStart,
    ledger: Arc<Ledger>,
    current: Option<CurrentFile>,
    sequence_next: u64,
    /// Where syncs go by a timer: when the next must happen, if anything waits for it.
    sync_due: Option<Instant>,
    frames: Vec<u8>,
}

/// Why a group did not get in.
#[derive(Debug)]
enum Refusal {
    DiskFull,
    /// The log is over.
    Failed,
}

impl Writer {
    pub(super) fn new(start: WalStart, ledger: Arc<Ledger>) -> Self {
        let sequence_next = start.sequence_next;
        Self { start, ledger, current: None, sequence_next, sync_due: None, frames: Vec::new() }
    }

    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        let mut held = None;
        loop {
            let command = match held.take() {
                Some(command) => Some(command),
                None => self.next_command(&mut queue).await,
            };
            match command {
                Some(Command::Append(append)) => {
                    let group;
                    (group, held) = self.gather(append, &mut queue).await;
                    self.commit(group);
                }
                Some(Command::Rotate(reply)) => {
                    self.close_current();
                    let _ = reply.send(());
                }
                Some(Command::Close(reply)) => {
                    queue.close();
                    self.close_current();
                    let _ = reply.send(());
                }
                None => break,
            }
        }
        self.close_current();
    }

    /// Waits for work; a sync that is due comes first, also when there is always work.
    async fn next_command(&mut self, queue: &mut mpsc::Receiver<Command>) -> Option<Command> {
        while let Some(due) = self.sync_due {
            if Instant::now() < due
                && let Ok(command) = tokio::time::timeout_at(due, queue.recv()).await
            {
                return command;
            }
            self.sync_or_fail();
        }
        queue.recv().await
    }

    /// Collects what else waits. A command of another kind ends the group and is handed back.
    async fn gather(
        &self,
        first: Append,
        queue: &mut mpsc::Receiver<Command>,
    ) -> (Vec<Append>, Option<Command>) {
        let deadline = Instant::now() + self.start.options.commit_delay;
        let mut n_bytes = first.record.n_frame_bytes();
        let mut group = vec![first];
        while n_bytes < GROUP_BYTES_MAX && group.len() < QUEUE_RECORDS_MAX {
            let command = match queue.try_recv() {
                Ok(command) => command,
                Err(_) => match tokio::time::timeout_at(deadline, queue.recv()).await {
                    Ok(Some(command)) => command,
                    Ok(None) | Err(_) => break,
                },
            };
            match command {
                Command::Append(append) => {
                    n_bytes += append.record.n_frame_bytes();
                    group.push(append);
                }
                other => return (group, Some(other)),
            }
        }
        (group, None)
    }

    /// Writes a group, makes it durable, and answers everyone in it.
    fn commit(&mut self, group: Vec<Append>) {
        let (group, refused) = self.split_at_bound(group);
        for append in refused {
            let _ = append.reply.send(Err(Error::Overloaded { retry_after: RETRY_AFTER }));
        }
        if group.is_empty() {
            return;
        }
        let first = self.sequence_next;
        match self.write_group(&group) {
            Ok(()) => {
                for (append, sequence) in group.into_iter().zip(first..) {
                    // Who went away meanwhile drops its `Logged`, and so reports the record.
                    let _ = append.reply.send(Ok(Logged::new(sequence, Arc::clone(&self.ledger))));
                }
            }
            Err(refusal) => {
                for append in group {
                    let _ = append.reply.send(Err(refusal.error()));
                }
            }
        }
    }

    /// Divides a group into what still fits into the log's bound and what does not.
    fn split_at_bound(&self, mut group: Vec<Append>) -> (Vec<Append>, Vec<Append>) {
        let mut n_left = self.start.options.bytes_max.saturating_sub(self.ledger.n_bytes());
        let fits = |append: &Append| {
            let n_bytes = append.record.n_frame_bytes() as u64;
            let fits = n_bytes <= n_left;
            n_left = n_left.saturating_sub(n_bytes);
            fits
        };
        let n_fitting = group.iter().map(fits).take_while(|&fits| fits).count();
        let refused = group.split_off(n_fitting);
        (group, refused)
    }

    fn write_group(&mut self, group: &[Append]) -> Result<(), Refusal> {
        if self.ledger.is_failed() {
            return Err(Refusal::Failed);
        }
        if !self.has_room() {
            return Err(Refusal::DiskFull);
        }
        self.open_current()?;
        self.frames.clear();
        for (append, sequence) in group.iter().zip(self.sequence_next..) {
            append.record.encode(sequence, &mut self.frames);
        }
        self.write_frames()?;
        self.sequence_next += group.len() as u64;
        self.frames.shrink_to(GROUP_BYTES_MAX);
        match self.start.options.sync {
            WalSync::Always => self.sync_or_fail(),
            WalSync::Interval(interval) => {
                self.sync_due.get_or_insert_with(|| Instant::now() + interval);
            }
        }
        if self.ledger.is_failed() { Err(Refusal::Failed) } else { Ok(()) }
    }

    /// Is there more than the floor left on the disk?
    fn has_room(&self) -> bool {
        match fs::free_bytes(&self.start.data_dir) {
            Ok(n_bytes) => {
                let n_bytes = self.start.faults.free_bytes(n_bytes);
                self.ledger.set_disk_free_bytes(n_bytes);
                n_bytes >= self.start.disk_free_bytes_min
            }
            // Not knowing is no reason to refuse: the write itself will say.
            Err(_) => true,
        }
    }

    /// Makes sure that there is a current file with room for a group.
    fn open_current(&mut self) -> Result<(), Refusal> {
        let file_bytes_max = self.start.options.file_bytes_max;
        if self.current.as_ref().is_some_and(|current| current.n_bytes() >= file_bytes_max) {
            self.close_current();
        }
        if self.ledger.is_failed() {
            return Err(Refusal::Failed);
        }
        if self.current.is_some() {
            return Ok(());
        }
        let created = CurrentFile::create(&self.start.data_dir, self.sequence_next, &*self.start.faults);
        let current = created.map_err(|failure| self.refuse(&failure))?;
        self.ledger.add_bytes(current.n_bytes());
        self.current = Some(current);
        Ok(())
    }

    fn write_frames(&mut self) -> Result<(), Refusal> {
        let Some(current) = &mut self.current else { return Err(Refusal::Failed) };
        let written = current.write(&self.frames, &*self.start.faults);
        written.map_err(|failure| self.refuse(&failure))?;
        self.ledger.add_bytes(self.frames.len() as u64);
        Ok(())
    }

    /// A full disk is refused and tried again; any other failure, or one that left something behind,
    /// is the end.
    fn refuse(&self, failure: &WriteFailure) -> Refusal {
        let kind = failure.source.kind();
        let is_full = matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        if is_full && failure.is_undone {
            self.ledger.set_disk_free_bytes(0);
            return Refusal::DiskFull;
        }
        self.ledger.fail(format!("write log: {}", failure.source));
        Refusal::Failed
    }

    fn sync_or_fail(&mut self) {
        self.sync_due = None;
        let Some(current) = &mut self.current else { return };
        if current.is_synced() || self.ledger.is_failed() {
            return;
        }
        let started = Instant::now();
        match current.sync(&*self.start.faults) {
            Ok(()) => self.ledger.count_fsync(started.elapsed()),
            Err(source) => self.ledger.fail(format!("sync log file {}: {source}", current.path().display())),
        }
    }

    /// Hands the current file to the ledger, durable to its last byte. A file without records stays the
    /// current one: its successor would have the same name.
    fn close_current(&mut self) {
        if self.current.as_ref().is_some_and(|file| file.sequence_first() == self.sequence_next) {
            return;
        }
        self.sync_or_fail();
        if let Some(current) = self.current.take() {
            self.ledger.close_file(current.close(self.sequence_next));
        }
    }
}

impl Refusal {
    fn error(&self) -> Error {
        match self {
            Self::DiskFull => Error::DiskFull,
            Self::Failed => Error::WalFailed,
        }
    }
}
