//! The configuration: one TOML file, `FIRSTFAULT_*` variables over it, command-line flags over both.
//!
//! Two phases: `raw` knows keys and where each value was written, `validate` knows what values mean
//! and turns them into the `Config` below. Everything after the start sees only `Config`, so nothing
//! else may read the file or these variables. Problems are collected and shown together, each with its place.

mod problem;
mod raw;
mod validate;

#[cfg(test)]
mod tests;

pub(crate) use problem::Problems;
pub(crate) use validate::objective::{KeyProblem, UNKEPT_HINT, objective, unkept};

use crate::auth::Credential;
use crate::columns;
use crate::receive::cors::Origins;
use crate::tls;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything an operator can choose, checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) listen: Listen,
    /// Data directory, WAL, hot memory, retention and query limits, as the engine takes them.
    pub(crate) storage: storage::Options,
    pub(crate) limits: Limits,
    pub(crate) evaluation: Evaluation,
    /// Whether and where Zipkin's spans are taken.
    pub(crate) zipkin: Option<Zipkin>,
    /// Whether Prometheus' remote write is taken, on the port of OTLP/HTTP.
    pub(crate) remote_write: bool,
    pub(crate) receivers: Vec<alerts::Receiver>,
    /// Who is told by the labels of an alert.
    pub(crate) routes: Vec<alerts::Route>,
    pub(crate) slos: Vec<alerts::Slo>,
    /// Whose services are, by name.
    pub(crate) services: BTreeMap<String, alerts::Ownership>,
    /// Encryption of all ports; `None` where they speak in the clear.
    pub(crate) tls: Option<Tls>,
    /// Tokens and users. Without any, nobody is asked for credentials.
    pub(crate) credentials: Vec<Credential>,
    /// Pages that may send over OTLP/HTTP.
    pub(crate) origins: Origins,
}

/// Addresses to bind. Port 0 asks the system for a free one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) otlp_grpc: SocketAddr,
    pub(crate) otlp_http: SocketAddr,
    pub(crate) api: SocketAddr,
    /// Without it, addresses that other machines reach are accepted only where somebody asks for credentials.
    pub(crate) allow_public: bool,
}

/// Zipkin's door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Zipkin {
    /// A port of its own; without it the path is served on the port of OTLP/HTTP.
    pub(crate) listen: Option<SocketAddr>,
}

/// How the ports are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) files: tls::Files,
    /// The name in the certificate: addresses that are shown have it where other machines reach the port.
    pub(crate) server_name: Option<String>,
}

/// Bounds of the receivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Largest OTLP request after decompression. 64 MiB is room for some 100,000 spans.
    pub(crate) request_bytes: usize,
    /// Sum of all requests being read or decoded; above it clients are told to retry.
    pub(crate) inflight_bytes: usize,
    /// What is kept of one item; the rest is cut or left out, and counted.
    pub(crate) items: columns::Limits,
    /// Series of a metric name within an hour or two; points of more are rejected. 50,000 are a thousand
    /// instances with fifty routes each.
    pub(crate) series_max: usize,
}

/// When SLOs are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evaluation {
    pub(crate) interval: Duration,
    /// Evaluated is `now - lag`, so that spans still under way are counted: 30 s covers batching exporters.
    pub(crate) lag: Duration,
}

/// What the configuration is read from. Passed in whole, so that tests need neither files nor variables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// Path for messages, and text.
    pub(crate) file: Option<(PathBuf, String)>,
    /// The process's environment variables.
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) flags: Vec<Flag>,
}

/// A setting given on the command line.
#[derive(Debug, Clone)]
pub(crate) struct Flag {
    /// As it is written: `--data-dir`.
    pub(crate) flag: &'static str,
    /// Section and key: `storage.data_dir`.
    pub(crate) key: &'static str,
    pub(crate) text: String,
}

/// Reads and checks the whole configuration, or says everything that is wrong with it.
pub(crate) fn load(sources: &Sources) -> Result<Config, Problems> {
    let mut problems = Problems::for_file(sources.file.as_ref());
    let raw = raw::read(sources, &mut problems);
    let config = validate::config(&raw, &sources.env, &mut problems);
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

/// Reads the file, if one is named, and the process's environment.
pub(crate) fn sources(file: Option<&Path>, flags: Vec<Flag>) -> std::io::Result<Sources> {
    let file = match file {
        Some(path) => Some((path.to_path_buf(), std::fs::read_to_string(path)?)),
        None => None,
    };
    // A variable that is not Unicode cannot be one of ours, whose values are all text.
    let env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(Sources { file, env: env.collect(), flags })
}
