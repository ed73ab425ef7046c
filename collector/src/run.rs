//! The composition root: starts every part in order, waits, and takes them apart in the opposite order.
//!
//! Bind all ports -> answer "starting" -> open and replay -> evaluation -> open the doors -> tell where. At the
//! end: close the doors -> answer what is under way -> end the evaluation -> close -> flush. Nothing here knows what
//! the parts do.

use crate::api::{Api, Hosts, Settings};
use crate::clock::Clock;
use crate::config::{Config, Limits, Listen};
use crate::ingest::{Ingest, IngestLimits};
use crate::receive::strangers::strangers;
use crate::receive::{cors, grpc, http, remote_write, zipkin};
use crate::resent::Recent;
use crate::serve::{Door, serve};
use crate::shutdown::Signals;
use crate::telemetry::{Telemetry, Transport};
use crate::tls::{self, Port};
use crate::workers::{Heartbeat, Workers};
use crate::{evaluate, replay, web};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use storage::{Engine, Recovery};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod disk;
mod endpoints;
#[cfg(test)]
mod lines;
mod listeners;
mod security;
mod trouble;

use listeners::Listeners;
use security::Security;

/// Everything acknowledged is on disk already, so this is only for the comfort of clients.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// A little more than the doors take, for what ends after them.
const WORKERS_TIMEOUT: Duration = Duration::from_secs(15);
/// Flushes and retention are looked at this often.
const TICK_INTERVAL: Duration = Duration::from_secs(1);
/// A flush of the largest hot table on a slow disk stays below this.
const TICK_SILENCE_MAX: Duration = Duration::from_secs(180);
/// The events of all objectives are read within this, or by a later evaluation: twice what a query may take by
/// default.
const EVENTS_TIMEOUT: Duration = Duration::from_secs(60);
/// Where alerts and notifications are kept, in the data directory.
pub(crate) const STATE_FILE: &str = "state.sqlite";

/// Why the server did not start, or did not stay.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}", problems.join("\n"))]
    Bind { problems: Vec<String> },
    #[error("cannot use the certificate")]
    Tls {
        #[source]
        source: tls::Error,
    },
    #[error("cannot listen for signals")]
    Signals {
        #[source]
        source: io::Error,
    },
    #[error("cannot open the data directory")]
    Open {
        #[source]
        source: storage::Error,
    },
    #[error("cannot open the alert state")]
    State {
        #[source]
        source: alerts::Error,
    },
    #[error("worker {name} died")]
    WorkerDied { name: &'static str },
    #[error("cannot flush")]
    Flush {
        #[source]
        source: storage::Error,
    },
}

/// What `ready` is told.
#[derive(Debug)]
pub(crate) struct Started<'a> {
    pub(crate) endpoints: &'a wire::Endpoints,
    pub(crate) data_dir: &'a Path,
}

/// Serves until a signal, or until a part fails. `ready` is called once, when everything answers.
pub(crate) async fn run(config: Config, ready: impl FnOnce(&Started<'_>)) -> Result<(), Error> {
    let signals = Signals::listen().map_err(|source| Error::Signals { source })?;
    let asked = CancellationToken::new();
    tokio::spawn(signals.pass_on(asked.clone()));
    run_until(asked, config, ready).await
}

/// As `run`, until `asked` is cancelled.
async fn run_until(
    asked: CancellationToken,
    config: Config,
    ready: impl FnOnce(&Started<'_>),
) -> Result<(), Error> {
    let listeners = Listeners::bind(&config.listen).await.map_err(|problems| Error::Bind { problems })?;
    let zipkin_listener = listeners::bind_zipkin(config.zipkin.as_ref()).await;
    let zipkin_listener = zipkin_listener.map_err(|problem| Error::Bind { problems: vec![problem] })?;
    if !web::has_ui() {
        tracing::warn!("this binary was built without the UI; `cargo xtask run` builds one with it");
    }
    let security = Security::open(&config).map_err(|source| Error::Tls { source })?;
    let stop = CancellationToken::new();
    let (workers, mut deaths) = Workers::new(Clock, stop.clone());
    let closing = Closing::default();
    let doors = &closing.doors;
    let endpoints = listeners.endpoints(config.tls.as_ref(), security::asked_of_senders(&config));
    let telemetry = Arc::new(Telemetry::new());
    let api = api(&config, &endpoints, &telemetry, &workers, &stop, &listeners, &security);
    let Listeners { otlp_grpc, otlp_http, api: api_listener } = listeners;
    let serve = |listener, router, port, strangers| {
        let door = Door { router, tls: security.acceptor(port), strangers };
        doors.track_future(serve(listener, door, stop.clone(), DRAIN_TIMEOUT))
    };
    workers.spawn("api", None, |_| serve(api_listener, api.router(), Port::Api, api.strangers()));
    security.watch(&workers, &stop);
    let recent = Arc::new(Recent::default());
    let opened = tokio::select! {
        opened = open(&config, &endpoints, &recent) => opened?,
        // Nothing was accepted yet, so there is nothing to flush.
        () = asked.cancelled() => return Ok(()),
    };
    let Opened { engine, evaluation, board } = opened;
    api.open(engine.clone(), board);
    let limits = ingest_limits(&config.limits);
    let ingest = Ingest::new(engine.clone(), telemetry, limits, Clock, recent, endpoints.clone());
    let ingest = ingest.guarded_by(Arc::clone(&security.gate));
    workers.spawn("flush", Some(TICK_SILENCE_MAX), |heart| tick(engine.clone(), heart, stop.clone()));
    let silence_max = evaluation.silence_max();
    let judged = closing.answered.clone();
    workers.spawn("evaluation", Some(silence_max), |heart| evaluation.run(move || heart.beat(), judged));
    let (grpc, http) = (grpc::service(ingest.clone()), http_door(&config, &ingest));
    let http = cors::open_to(config.origins, http, ingest.clone());
    let strangers_at = |transport| strangers(&ingest, transport);
    let (of_grpc, of_http) = (strangers_at(Transport::Grpc), strangers_at(Transport::Http));
    workers.spawn("otlp_grpc", None, |_| serve(otlp_grpc, grpc, Port::Otlp, of_grpc));
    workers.spawn("otlp_http", None, |_| serve(otlp_http, http, Port::Otlp, of_http));
    if let Some(listener) = zipkin_listener {
        let (zipkin, of_zipkin) = (zipkin::service(ingest.clone()), strangers_at(Transport::Zipkin));
        workers.spawn("zipkin", None, |_| serve(listener, zipkin, Port::Otlp, of_zipkin));
    }
    let data_dir = config.storage.data_dir;
    endpoints::write(&data_dir, &endpoints);
    ready(&Started { endpoints: &endpoints, data_dir: &data_dir });
    let died = tokio::select! {
        () = asked.cancelled() => None,
        name = deaths.recv() => name,
    };
    // Whatever ends this, the rest stops in order.
    let served = died.map_or(Ok(()), |name| Err(Error::WorkerDied { name }));
    stop.cancel();
    let closed = closing.close(&workers, &ingest, &engine).await;
    endpoints::remove(&data_dir);
    served.and(closed)
}

fn api(
    config: &Config,
    endpoints: &wire::Endpoints,
    telemetry: &Arc<Telemetry>,
    workers: &Workers,
    stop: &CancellationToken,
    listeners: &Listeners,
    security: &Security,
) -> Api {
    let Listen { api: configured, allow_public, .. } = config.listen;
    let bound = listeners.api.local_addr().unwrap_or(configured);
    Api::new(Settings {
        clock: Clock,
        started_at: Clock.now(),
        endpoints: endpoints.clone(),
        telemetry: Arc::clone(telemetry),
        workers: workers.clone(),
        stop: stop.clone(),
        hosts: Hosts::of(bound, allow_public),
        gate: Arc::clone(&security.gate),
        rows_max: config.storage.query.rows_max,
        assets: web::EMBEDDED,
    })
}

/// OTLP/HTTP, and the protocols that share its port.
fn http_door(config: &Config, ingest: &Ingest) -> axum::Router {
    let has_zipkin = config.zipkin.as_ref().is_some_and(|zipkin| zipkin.listen.is_none());
    http::router(ingest.clone())
        .merge(zipkin::router(ingest.clone(), has_zipkin))
        .merge(remote_write::router(ingest.clone(), config.remote_write))
}

fn ingest_limits(limits: &Limits) -> IngestLimits {
    let Limits { request_bytes, inflight_bytes, items, series_max } = *limits;
    IngestLimits { request_bytes, inflight_bytes, items, series_max, ..IngestLimits::default() }
}

struct Opened {
    engine: Engine,
    evaluation: evaluate::Evaluation,
    board: evaluate::Board,
}

/// Engine first: it creates and locks the directory that the state file lies in.
async fn open(config: &Config, endpoints: &wire::Endpoints, recent: &Arc<Recent>) -> Result<Opened, Error> {
    let (replayed, limits) = (Arc::clone(recent), config.limits.items);
    let decode = move |record| replay::rows_of_request(record, &replayed, limits).map_err(Into::into);
    let opened = Engine::open(config.storage.clone(), decode).await;
    let (engine, recovery) = opened.map_err(|source| Error::Open { source })?;
    engine.keep_services(&config.storage.kept, Clock.now());
    recent.recall(&recovery.receipts);
    log_recovery(&recovery);
    let settings = evaluate::Settings {
        interval: config.evaluation.interval,
        lag: config.evaluation.lag,
        read_timeout: EVENTS_TIMEOUT,
        external_url: endpoints.dashboard.clone(),
        retry: alerts::RetryPolicy::default(),
        routes: config.routes.clone(),
        services: config.services.clone(),
    };
    let (evaluation, board) = evaluate::open(
        settings,
        config.slos.clone(),
        config.receivers.clone(),
        &config.storage.data_dir.join(STATE_FILE),
        Arc::new(engine.clone()),
        Arc::new(|| Clock.now()),
    )
    .await
    .map_err(|source| Error::State { source })?;
    Ok(Opened { engine, evaluation, board })
}

fn log_recovery(recovery: &Recovery) {
    let Recovery { n_records_replayed, n_rows_replayed, wal_bytes_cut, .. } = recovery;
    tracing::info!(n_records_replayed, n_rows_replayed, wal_bytes_cut, "data directory is open");
    // The engine has said which are missing.
    let Recovery { n_records_undecodable, .. } = recovery;
    if *n_records_undecodable > 0 {
        tracing::error!(n_records_undecodable, "records could not be decoded");
    }
}

/// The engine's timer.
async fn tick(engine: Engine, heart: Heartbeat, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(TICK_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut trouble = trouble::Trouble::default();
    let mut disk = disk::Watch::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        heart.beat();
        let ticked = engine.tick(Clock.now()).await;
        let stats = engine.stats();
        disk.look(&stats);
        match ticked {
            // A flush that failed waits for its next attempt.
            Ok(()) if stats.last_error.is_some() => {}
            Ok(()) => trouble.over(),
            Err(error) => trouble.failed(&error, Clock.now()),
        }
    }
}

/// What the end goes by.
#[derive(Default)]
struct Closing {
    doors: TaskTracker,
    /// Cancelled when no answer is under way any more: only then the file of alerts, which answers read, is closed.
    answered: CancellationToken,
}

impl Closing {
    async fn close(&self, workers: &Workers, ingest: &Ingest, engine: &Engine) -> Result<(), Error> {
        self.doors.close();
        // The doors themselves say what they cut off.
        drop(tokio::time::timeout(WORKERS_TIMEOUT, self.doors.wait()).await);
        self.answered.cancel();
        close(workers, ingest, engine).await
    }
}

async fn close(workers: &Workers, ingest: &Ingest, engine: &Engine) -> Result<(), Error> {
    if !workers.join(WORKERS_TIMEOUT).await {
        tracing::warn!(timeout = ?WORKERS_TIMEOUT, "workers were left behind");
    }
    if tokio::time::timeout(DRAIN_TIMEOUT, ingest.drain()).await.is_err() {
        tracing::warn!(timeout = ?DRAIN_TIMEOUT, "requests were left behind, unacknowledged");
    }
    engine.shutdown().await.map_err(|source| Error::Flush { source })?;
    tracing::info!("everything is flushed");
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
