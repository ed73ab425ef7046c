//! `/api/v1`, health, metrics and the UI, on one port.
//!
//! Handlers are thin: read parameters, ask the engine or the board, convert. They exist before the
//! engine does and answer `starting` until it is handed over, so that readiness can be asked for during
//! a long replay. Every answer leaves with the same security headers.

mod alerts;
mod backtest;
mod catalogue;
mod changes;
mod compare;
mod convert;
mod deliveries;
mod failure;
mod graph;
mod guard;
mod health;
mod heatmap;
mod ingest;
mod login;
mod logs;
mod metrics;
mod ownership;
mod params;
mod proposals;
mod red;
mod releases;
mod rows;
mod saturation;
mod services;
mod slos;
mod sql;
mod status;
mod traces;
mod triage;

#[cfg(test)]
mod tests;

use crate::auth::Gate;
use crate::clock::Clock;
use crate::evaluate::Board;
use crate::telemetry::Telemetry;
use crate::triage::Lane;
use crate::web::{self, Asset};
use crate::workers::Workers;
use axum::Router;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use failure::Failure;
use http::header::{ACCEPT, VARY};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use std::sync::{Arc, OnceLock};
use storage::Engine;
use tokio_util::sync::CancellationToken;

pub(crate) use convert::{triage_report, triage_summary};
pub(crate) use guard::Hosts;

/// What the API is made of; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    settings: Arc<Settings>,
    opened: Arc<OnceLock<Opened>>,
    /// For reports that people ask for.
    triage: Lane,
}

/// What is known before the engine is open.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) clock: Clock,
    pub(crate) started_at: i64,
    pub(crate) endpoints: wire::Endpoints,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) workers: Workers,
    /// Cancelled when the process begins to end: readiness fails from then on.
    pub(crate) stop: CancellationToken,
    pub(crate) hosts: Hosts,
    /// Asks who looks, where there are users.
    pub(crate) gate: Arc<Gate>,
    /// Rows of a JSON answer to SQL.
    pub(crate) rows_max: usize,
    pub(crate) assets: &'static [Asset],
}

#[derive(Debug)]
struct Opened {
    engine: Engine,
    board: Board,
}

impl Api {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), opened: Arc::default(), triage: Lane::new() }
    }

    /// Hands the engine over; from here on questions are answered. A second call changes nothing.
    pub(crate) fn open(&self, engine: Engine, board: Board) {
        let _ = self.opened.set(Opened { engine, board });
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/api/v1/status", get(status::status))
            .route("/api/v1/ingest/rejections", get(ingest::rejections))
            .route("/api/v1/services", get(services::list))
            .route("/api/v1/services/{service}", get(services::detail))
            .route("/api/v1/services/{service}/saturation", get(saturation::of_service))
            .route(
                "/api/v1/services/{service}/ownership",
                get(ownership::get).put(ownership::put).delete(ownership::delete),
            )
            .route("/api/v1/services/{service}/releases", get(releases::list))
            .route("/api/v1/services/{service}/compare", get(compare::compare))
            .route("/api/v1/releases", post(releases::post))
            .route("/api/v1/red", get(red::red))
            .route("/api/v1/graph", get(graph::graph))
            .route("/api/v1/heatmap", get(heatmap::heatmap))
            .route("/api/v1/traces", get(traces::search))
            .route("/api/v1/traces/{trace_id}", get(traces::trace))
            .route("/api/v1/traces/{trace_id}/spans/{span_id}", get(traces::span))
            .route("/api/v1/logs", get(logs::search))
            .route("/api/v1/metrics", get(metrics::list))
            .route("/api/v1/metrics/{name}", get(metrics::detail))
            .route("/api/v1/slos", get(slos::list))
            .route("/api/v1/slos/backtest", post(backtest::post))
            .route("/api/v1/slos/proposals", get(proposals::list))
            .route("/api/v1/slos/{id}", get(slos::detail))
            .route("/api/v1/slos/{id}/export", get(slos::export))
            .route("/api/v1/alerts", get(alerts::list))
            .route("/api/v1/deliveries", get(deliveries::list))
            .route("/api/v1/deliveries/replay", post(deliveries::replay_range))
            .route("/api/v1/deliveries/{id}", get(deliveries::detail))
            .route("/api/v1/deliveries/{id}/replay", post(deliveries::replay))
            .route("/api/v1/receivers/{receiver}/test", post(deliveries::test))
            .route("/api/v1/alerts/{id}/triage", get(triage::of_alert))
            .route("/api/v1/triage", post(triage::post))
            .route("/api/v1/sql", post(sql::sql))
            .route("/healthz", get(health::healthz))
            .route("/readyz", get(health::readyz))
            .route("/metrics", get(metrics_or_page))
            .method_not_allowed_fallback(method_not_allowed)
            .fallback(fallback)
            .with_state(self.clone())
            .layer(axum::middleware::from_fn_with_state(self.clone(), guard::guard))
    }

    fn engine(&self) -> Result<&Engine, Failure> {
        self.opened.get().map(|opened| &opened.engine).ok_or_else(Failure::starting)
    }

    fn board(&self) -> Result<&Board, Failure> {
        self.opened.get().map(|opened| &opened.board).ok_or_else(Failure::starting)
    }

    fn now(&self) -> i64 {
        self.settings.clock.now()
    }
}

/// Every path that is not the API's: unknown API paths are errors, all others are the UI's.
async fn fallback(State(api): State<Api>, request: Request) -> Response {
    let path = request.uri().path();
    if is_below(path, "/v1") {
        return ingest::otlp_path(&api, &request).into_response();
    }
    if is_below(path, "/api") {
        let failure = Failure::not_found(format!("there is no {path}"));
        return failure.hint("paths of the API begin with /api/v1, such as /api/v1/services").into_response();
    }
    web::serve(api.settings.assets, request.method(), path, request.headers())
}

/// The dashboard has a page of the path where scrapers look for figures: who asks for HTML is a person.
async fn metrics_or_page(State(api): State<Api>, request: Request) -> Response {
    let accepts = request.headers().get_all(ACCEPT).iter();
    let mut answer =
        if accepts.filter_map(|value| value.to_str().ok()).any(|value| value.contains("text/html")) {
            web::serve(api.settings.assets, request.method(), request.uri().path(), request.headers())
        } else {
            health::metrics(State(api)).await.into_response()
        };
    answer.headers_mut().append(VARY, HeaderValue::from_static("accept"));
    answer
}

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn method_not_allowed(request: Request) -> Failure {
    let message = format!("{} is not answered at {}", request.method(), request.uri().path());
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}

/// Parts of the path, with failures in our own shape.
struct InPath<T>(T);

impl<S, T> FromRequestParts<S> for InPath<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) => {
                Err(Failure::bad_request(format!("the path cannot be read: {}", rejection.body_text())))
            }
        }
    }
}

/// A name in the path, which may be `.` or `..` by way of `wire::name_to_path`.
struct NameInPath(String);

impl<S: Send + Sync> FromRequestParts<S> for NameInPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let InPath(part) = InPath::<String>::from_request_parts(parts, state).await?;
        Ok(Self(wire::name_from_path(&part).to_owned()))
    }
}

/// Work of more than half a millisecond, away from the threads that serve connections.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => {
            tracing::error!(%error, "an answer could not be built");
            Err(Failure::internal())
        }
    }
}
