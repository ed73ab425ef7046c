//! The API over an engine, without a socket: what the pages of the dashboard ask.

use crate::api::{Api, Hosts, Settings};
use crate::auth::Gate;
use crate::clock::Clock;
use crate::evaluate;
use crate::telemetry::Telemetry;
use crate::workers::Workers;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::Request;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use storage::Engine;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Largest answer that is read.
const BODY_BYTES_MAX: usize = 256 << 20;

/// The API as `run` puts it together, without objectives, receivers and logins.
#[derive(Debug, Clone)]
pub struct Dashboard {
    router: Router,
}

impl Dashboard {
    /// `state` is the file that alerts are kept in.
    pub async fn open(engine: Engine, state: &Path) -> Result<Self, Cause> {
        let stop = CancellationToken::new();
        let (workers, _) = Workers::new(Clock, stop.clone());
        let api = Api::new(Settings {
            clock: Clock,
            started_at: Clock.now(),
            endpoints: wire::Endpoints::default(),
            telemetry: Arc::new(Telemetry::new()),
            workers,
            stop,
            hosts: Hosts::Local,
            gate: Arc::new(Gate::default()),
            rows_max: 10_000,
            assets: &[],
        });
        let (_, board) = evaluate::open(
            evaluation(),
            Vec::new(),
            Vec::new(),
            state,
            Arc::new(engine.clone()),
            Arc::new(|| Clock.now()),
        )
        .await?;
        api.open(engine, board);
        Ok(Self { router: api.router() })
    }

    /// The body of an answer; one that is no success is an error.
    pub async fn get(&self, path: &str) -> Result<Bytes, Cause> {
        let request = Request::get(path).header("host", "localhost").body(Body::empty())?;
        let response = self.router.clone().oneshot(request).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), BODY_BYTES_MAX).await?;
        match status.is_success() {
            true => Ok(body),
            false => Err(format!("{path}: {status}: {}", String::from_utf8_lossy(&body)).into()),
        }
    }
}

fn evaluation() -> evaluate::Settings {
    evaluate::Settings {
        interval: Duration::from_secs(10),
        lag: Duration::from_secs(30),
        read_timeout: Duration::from_secs(60),
        external_url: String::new(),
        retry: alerts::RetryPolicy::default(),
        routes: Vec::new(),
        services: BTreeMap::new(),
    }
}
