//! When the process is asked to end.
//!
//! The first SIGTERM or SIGINT asks for an orderly end, which `run` carries out. A second one ends the
//! process at once; that is safe, because everything acknowledged is in the write-ahead log.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process that was ended by SIGINT, as shells count it.
const EXIT_CODE_FORCED: i32 = 130;

/// The two signals, listened to from now on.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Must be called before the first signal may come: earlier ones end the process as ever.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next signal and gives its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Passes the first signal on as a request to end, and ends the process at the second.
    pub(crate) async fn pass_on(mut self, asked: CancellationToken) {
        let signal = self.next().await;
        tracing::info!(signal, "ending: no more connections, answering what is under way");
        asked.cancel();
        let signal = self.next().await;
        tracing::warn!(signal, "second signal: ending at once, the log is replayed at the next start");
        std::process::exit(EXIT_CODE_FORCED)
    }
}
