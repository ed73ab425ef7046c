//! The thread that owns the SQLite connection.
//!
//! A commit waits for the disk, which an async worker must not. Jobs come through a bounded queue:
//! when the disk is slow, callers wait in `call`, and memory does not grow.

use crate::Error;
use rusqlite::Connection;
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// A burst of one evaluation and a screenful of queries; beyond it callers wait.
const JOBS_MAX: usize = 64;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

enum Message {
    Run(Job),
    Stop(oneshot::Sender<Result<(), Error>>),
}

#[derive(Clone)]
pub(super) struct Writer {
    messages: mpsc::Sender<Message>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, Error> {
        let (messages, inbox) = mpsc::channel(JOBS_MAX);
        thread::Builder::new()
            .name("alerts-store".to_owned())
            .spawn(move || run(connection, inbox))
            .map_err(|source| Error::Thread { source })?;
        Ok(Self { messages })
    }

    /// Runs a job on the thread. The job is finished even if the caller stops waiting.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        // A caller that left has no use for the answer.
        let job: Job = Box::new(move |connection| drop(reply.send(job(connection))));
        self.messages.send(Message::Run(job)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    pub(super) async fn stop(self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.messages.send(Message::Stop(reply)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

fn run(mut connection: Connection, mut inbox: mpsc::Receiver<Message>) {
    while let Some(message) = inbox.blocking_recv() {
        match message {
            Message::Run(job) => job(&mut connection),
            Message::Stop(reply) => {
                // Closing the last connection checkpoints the write-ahead log.
                let closed = connection.close().map_err(|(_, source)| source);
                drop(reply.send(closed.map_err(Error::sqlite("close"))));
                return;
            }
        }
    }
}
