//! Where requests are taken in: the data directory, or the server that has it.

use super::source::endpoints;
use super::{Error, open_or_make};
use crate::clock::Clock;
use crate::columns::{self, Limits};
use crate::config::Config;
use crate::decode::{Encoding, Report, decode};
use crate::reach::Reach;
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use std::ops::AddAssign;
use std::time::Duration;
use storage::{Engine, Signal, WalRecord};

/// How often a request is tried that a busy server or a full memory refuses, a second apart.
const TRIES_MAX: u32 = 120;
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) enum Sink {
    Directory { engine: Engine, limits: Limits },
    Server { url: String, http: reqwest::Client },
}

/// What became of requests. An item is rejected where its sender would have been told so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) n_requests: u64,
    pub(super) n_rejected: u64,
    /// What the sender of the first request would have been told of which not everything was stored as it came.
    pub(super) message: Option<String>,
}

impl AddAssign for Taken {
    fn add_assign(&mut self, more: Self) {
        self.n_requests += more.n_requests;
        self.n_rejected += more.n_rejected;
        self.message = self.message.take().or(more.message);
    }
}

impl Sink {
    /// The server at `url`; without one the data directory, or the server that has it.
    pub(super) async fn find(url: Option<String>, reach: &Reach, mut config: Config) -> Result<Self, Error> {
        if let Some(url) = url {
            return Self::server(url, reach);
        }
        let (data_dir, limits) = (config.storage.data_dir.clone(), config.limits.items);
        config.storage.compaction.is_automatic = false;
        match open_or_make(&config).await {
            Ok(engine) => Ok(Self::Directory { engine, limits }),
            Err(error @ storage::Error::Locked { .. }) => {
                Self::server(endpoints(&data_dir).ok_or(error)?.otlp_http, reach)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn server(url: String, reach: &Reach) -> Result<Self, Error> {
        Ok(Self::Server { url, http: reach.http()? })
    }

    /// Returns once the request is on disk.
    pub(super) async fn take(&self, signal: Signal, body: Bytes) -> Result<Taken, Error> {
        match self {
            Self::Directory { engine, limits } => store(engine, *limits, signal, body).await,
            Self::Server { url, http } => send(url, http, signal, body).await,
        }
    }

    pub(super) async fn close(self) -> Result<(), Error> {
        match self {
            Self::Directory { engine, .. } => Ok(engine.shutdown().await?),
            Self::Server { .. } => Ok(()),
        }
    }
}

/// Nothing is a series too many here: who imports means all of it.
async fn store(engine: &Engine, limits: Limits, signal: Signal, payload: Bytes) -> Result<Taken, Error> {
    let (mut report, received_at) = (Report::default(), Clock.now());
    let refused = |source: Box<dyn std::error::Error + Send + Sync>| Error::Refused { source };
    let decoded = decode(signal, Encoding::Json, &payload, &mut report);
    let decoded = decoded.map_err(|error| refused(error.into()))?;
    let columns = columns::build(&decoded, received_at, limits, &mut report);
    let columns = columns.map_err(|error| refused(error.into()))?;
    let record = WalRecord { signal, encoding: Encoding::Json.code(), received_at, payload };
    let mut logged = engine.log(record.clone()).await;
    if matches!(logged, Err(storage::Error::Overloaded { .. })) {
        engine.flush().await?;
        logged = engine.log(record).await;
    }
    engine.insert(logged?, columns);
    Ok(Taken { n_requests: 1, n_rejected: report.n_rejected(), message: report.message() })
}

async fn send(url: &str, http: &reqwest::Client, signal: Signal, body: Bytes) -> Result<Taken, Error> {
    let failed = |source| Error::Send { url: url.to_owned(), source };
    let address = format!("{}/v1/{signal}", url.trim_end_matches('/'));
    for _ in 0..TRIES_MAX {
        let request = http.post(&address).header(CONTENT_TYPE, "application/json").body(body.clone());
        let answer = request.send().await.map_err(failed)?;
        match answer.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                tokio::time::sleep(RETRY_AFTER).await;
            }
            status if status.is_success() => {
                let text = answer.text().await.map_err(failed)?;
                return Ok(partial_success(&text));
            }
            status => {
                let text = answer.text().await.map_err(failed)?;
                return Err(Error::Refused { source: format!("{status}: {text}").into() });
            }
        }
    }
    Err(Error::Busy { url: url.to_owned() })
}

/// What OTLP says of one request, whatever the signal calls its items.
fn partial_success(answer: &str) -> Taken {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap_or_default();
    let partial = &answer["partialSuccess"];
    let names = ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"];
    let rejected = names.iter().filter_map(|name| partial.get(name));
    let number = |value: &serde_json::Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let message = partial["errorMessage"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Taken { n_requests: 1, n_rejected: rejected.filter_map(number).sum(), message }
}
