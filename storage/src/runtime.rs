//! Threads of the engine's own, apart from those of its callers.

use crate::error::Error;
use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime that may be dropped anywhere, also on one of its own threads.
#[derive(Debug)]
pub(crate) struct OwnRuntime {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl OwnRuntime {
    /// One thread per core, under this name.
    pub(crate) fn start(name: &'static str) -> Result<Self, Error> {
        let mut builder = Builder::new_multi_thread();
        builder.thread_name(name).enable_all();
        // Looking at timers and at tasks from elsewhere only after many turns, as is usual, would put off
        // deadlines and cancellations for seconds where each turn takes tens of milliseconds.
        builder.event_interval(1).global_queue_interval(1);
        let runtime = builder.build();
        let runtime = runtime.map_err(|source| Error::Thread { name, source })?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
