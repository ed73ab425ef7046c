//! The lines that a piece of work tells the log, for tests.

use parking_lot::Mutex;
use std::io::{self, Write};
use std::sync::Arc;

#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Has them written here while the work runs, on this thread.
    pub(super) fn of(&self, work: impl FnOnce()) {
        let writer = self.clone();
        let log = tracing_subscriber::fmt().without_time().with_target(false).with_ansi(false);
        tracing::subscriber::with_default(log.with_writer(move || writer.clone()).finish(), work);
    }

    /// All of them, without blanks around.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8(self.0.lock().clone()).expect("text");
        text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
