//! Who may run how many queries, on which threads, and for how long.
//!
//! The product's own reads and statements from outside go in separate lanes, so that no statement can
//! keep the dashboard or an objective waiting. The deadline is held twice: by the query itself, which
//! frees what it holds, and a little later by its caller, who gets an answer even from a query that
//! works without a pause. A place stands for the query's own task: tasks that it started may work on for
//! as long as they do not pause, after it has ended and given its place back.

use super::failure::from_datafusion;
use super::session;
use super::spill::SpillFolder;
use super::stoppable::Stop;
use crate::error::Error;
use crate::options::{Options, QueryLimits};
use crate::runtime::OwnRuntime;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use futures::FutureExt;
use object_store::ObjectStore;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// Queries that may wait for each one that may run; more are refused at once.
const WAITING_PER_RUNNING: usize = 8;
/// How much later than the query its caller gives up.
const GRACE: Duration = Duration::from_millis(500);

/// The lanes of one engine.
#[derive(Debug)]
pub(crate) struct QueryContext {
    /// For questions that the product asks itself.
    pub(super) reads: Lane,
    /// For SQL from outside.
    pub(super) statements: Lane,
}

/// Threads, memory and places of its own.
pub(super) struct Lane {
    template: Arc<SessionState>,
    runtime: OwnRuntime,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    timeout: Duration,
}

/// A place among the waiting queries, good for a place among the running ones.
pub(super) struct Place {
    runtime: Handle,
    running: Arc<Semaphore>,
    waiting: OwnedSemaphorePermit,
    stop: Stop,
}

/// A query under way. Dropping it stops the query.
#[derive(Debug)]
pub(super) struct Task<T> {
    handle: JoinHandle<Result<T, Error>>,
    stop: Stop,
}

impl QueryContext {
    /// Both lanes have half of the memory and as many places as the limits say. Statements have a disk, too: what
    /// the product asks itself is answered from memory or not at all, as somebody waits for it.
    pub(crate) fn start(options: &Options, store: &Arc<dyn ObjectStore>) -> Result<Self, Error> {
        let limits = &options.query;
        let shared = session::shared(Arc::clone(store)).map_err(from_datafusion)?;
        let folder =
            SpillFolder::open(&options.data_dir, limits.spill_bytes_max, options.disk_free_bytes_min)?;
        let folder = (limits.spill_bytes_max > 0).then_some(folder);
        Ok(Self {
            reads: Lane::start(("storage-read", "the server's own queries"), limits, &shared, None)?,
            statements: Lane::start(("storage-sql", "all SQL statements"), limits, &shared, folder)?,
        })
    }
}

impl Lane {
    fn start(
        (name, sharers): (&'static str, &'static str),
        limits: &QueryLimits,
        shared: &RuntimeEnv,
        folder: Option<SpillFolder>,
    ) -> Result<Self, Error> {
        let n_running = limits.concurrent_max.clamp(1, Semaphore::MAX_PERMITS / WAITING_PER_RUNNING);
        let template = session::template(shared, (limits.memory_bytes / 2, sharers), folder);
        Ok(Self {
            template: Arc::new(template.map_err(from_datafusion)?),
            runtime: OwnRuntime::start(name)?,
            running: Arc::new(Semaphore::new(n_running)),
            waiting: Arc::new(Semaphore::new(n_running * WAITING_PER_RUNNING)),
            timeout: limits.timeout,
        })
    }

    pub(super) fn template(&self) -> &Arc<SessionState> {
        &self.template
    }

    /// Queues up; refused when the queue is full. From here on the deadline runs.
    pub(super) fn enter(&self) -> Result<Place, Error> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Error::TooManyQueries)?;
        let (runtime, running) = (self.runtime.handle().clone(), Arc::clone(&self.running));
        Ok(Place { runtime, running, waiting, stop: Stop::at(Instant::now() + self.timeout) })
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("running_left", &self.running.available_permits())
            .field("waiting_left", &self.waiting.available_permits())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Place {
    pub(super) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Waits for a turn, then runs the work, on the lane's threads; both end at the deadline.
    pub(super) fn spawn<T, W>(self, work: W) -> Task<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let Self { runtime, running, waiting, stop } = self;
        let deadline = stop.deadline();
        let in_turn = async move {
            let turn = timeout_at(deadline, running.acquire_owned()).await;
            let Ok(Ok(_turn)) = turn else { return Err(Error::TooManyQueries) };
            drop(waiting);
            timeout_at(deadline, work).await.unwrap_or(Err(Error::QueryTimeout))
        };
        let guarded = AssertUnwindSafe(in_turn).catch_unwind();
        let handle = runtime.spawn(async move { guarded.await.unwrap_or_else(|_| Err(panicked())) });
        Task { handle, stop }
    }
}

impl<T> Task<T> {
    /// The query's own end, or its caller's patience.
    pub(super) async fn end(&mut self) -> Result<T, Error> {
        let ended = timeout_at(self.stop.deadline() + GRACE, &mut self.handle).await;
        ended.map_err(|_| overran())?.unwrap_or_else(|stopped| Err(fault(stopped)))
    }

    /// Something that the query sends while it runs.
    pub(super) async fn meanwhile<P>(&self, part: impl Future<Output = P>) -> Result<P, Error> {
        timeout_at(self.stop.deadline() + GRACE, part).await.map_err(|_| overran())
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.handle.abort();
        self.stop.leave();
    }
}

fn overran() -> Error {
    tracing::warn!("a query works on past its deadline; it holds a place and a thread until it pauses");
    Error::QueryTimeout
}

/// A fault of ours inside a query; the panic's own message is in the log already.
pub(super) fn panicked() -> Error {
    fault("the query stopped at an internal fault")
}

fn fault(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::QueryFailed { source: source.into() }
}
