//! The real server: a process of its own with a folder of its own, spoken to over its ports only.

use crate::feed::Sent;
use crate::incident::Question;
use crate::otlp::{Body, Signal};
use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{interval, sleep, timeout};

/// For a start, a stop, and for rows to be seen; a start may replay what a killed process left.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at whether something has come about.
const PAUSE: Duration = Duration::from_millis(50);
/// Of one request; the server has deadlines of its own.
const REQUEST_TIME: Duration = Duration::from_secs(300);
/// Attempts to send a body to a server that is busy, a quarter of a second apart.
const ATTEMPTS: usize = 240;
const BUSY_PAUSE: Duration = Duration::from_millis(250);
/// Free ports; data is kept however long ago it was sent; a question may take its time on a slow machine.
const CONFIG: &str = "\
[listen]
otlp_grpc = \"127.0.0.1:0\"
otlp_http = \"127.0.0.1:0\"
api = \"127.0.0.1:0\"

[retention]
traces = \"3650d\"
logs = \"3650d\"
metrics = \"3650d\"
read_models_10s = \"3650d\"
read_models_1m = \"3650d\"
read_models_1h = \"3650d\"

[limits]
query_timeout = \"2m\"
";

/// Killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    http: reqwest::Client,
    otlp: String,
    api: String,
}

/// What the server did not take of a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) n_items: u64,
    pub(crate) why: String,
}

impl Server {
    /// Starts the program on the data in `dir`, and waits until it is ready.
    pub(crate) async fn start(binary: &Path, dir: &Path) -> Result<Self> {
        let data_dir = dir.join("data");
        let endpoints = data_dir.join("endpoints.json");
        // What a killed process left there would lead astray.
        std::fs::remove_file(&endpoints).ok();
        let mut child = spawn(binary, dir, &data_dir)?;
        let found = timeout(PATIENCE, wait_for_file(&mut child, &endpoints)).await;
        let found = found.with_context(|| format!("the server did not start, see {}", log(dir)))?;
        let found = found.with_context(|| format!("the server did not start, see {}", log(dir)))?;
        let server = Self {
            child,
            http: http_client()?,
            otlp: address(&found, "otlp_http")?,
            api: address(&found, "dashboard")?,
        };
        let ready = timeout(PATIENCE, server.wait_until_ready()).await;
        ready.with_context(|| format!("the server is not ready, see {}", log(dir)))?;
        Ok(server)
    }

    /// Sends one body, again and again while the server says that it is busy.
    pub(crate) async fn export(&self, body: Body) -> Result<Rejected> {
        let url = format!("{}{}", self.otlp, body.signal.path());
        let bytes = Bytes::from(body.bytes);
        for _ in 0..ATTEMPTS {
            let request = self.http.post(&url).header(CONTENT_TYPE, "application/x-protobuf");
            let answer = request.body(bytes.clone()).send().await.with_context(|| format!("POST {url}"))?;
            let status = answer.status();
            let answered = answer.bytes().await.with_context(|| format!("POST {url}"))?;
            if is_busy(status) {
                sleep(BUSY_PAUSE).await;
                continue;
            }
            ensure!(status.is_success(), "POST {url}: {status}: {}", String::from_utf8_lossy(&answered));
            return rejected(body.signal, &answered).with_context(|| format!("POST {url}"));
        }
        bail!("POST {url}: the server was busy {ATTEMPTS} times");
    }

    /// Waits until as many rows are seen as the server has taken.
    pub(crate) async fn wait_until_visible(&self, sent: Sent) -> Result<()> {
        let tables = [("spans", sent.n_spans), ("logs", sent.n_logs), ("metric_points", sent.n_points)];
        for (table, expected) in tables {
            let mut seen = 0;
            let waited = timeout(PATIENCE, async {
                loop {
                    seen = self.n_rows(table).await?;
                    if seen == expected {
                        return anyhow::Ok(());
                    }
                    sleep(PAUSE).await;
                }
            })
            .await;
            match waited {
                Ok(looked) => looked?,
                Err(_) => {
                    bail!("{expected} rows of {table} were sent, {seen} are seen; --fresh sends them again")
                }
            }
        }
        Ok(())
    }

    /// The report on a question, or why there is none.
    pub(crate) async fn ask(&self, question: &Question) -> Result<Value> {
        self.post("/api/v1/triage", &question.body()?).await
    }

    /// Ends the process in order, so that everything is in segments.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let pid = self.child.id().context("the server has ended by itself")?;
        let told = Command::new("kill").arg("-TERM").arg(pid.to_string()).status().await;
        told.context("cannot run kill")?;
        let status = timeout(PATIENCE, self.child.wait()).await.context("the server does not stop")?;
        let status = status.context("cannot wait for the server")?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    async fn n_rows(&self, table: &str) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM {table}");
        let answer = self.post("/api/v1/sql", &json!({ "sql": sql })).await?;
        answer["rows"][0][0].as_u64().with_context(|| format!("{sql}: no number in {answer}"))
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.api);
        let answer = self.http.post(&url).json(body).send().await.with_context(|| format!("POST {url}"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("POST {url}"))?;
        ensure!(status.is_success(), "POST {path}: {status}: {}", text.trim());
        serde_json::from_str(&text).with_context(|| format!("POST {path}: the answer is not JSON"))
    }

    async fn wait_until_ready(&self) {
        let url = format!("{}/readyz", self.api);
        let mut looks = interval(PAUSE);
        loop {
            looks.tick().await;
            if self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
        }
    }
}

/// The caller's own settings of a server are not this server's.
fn spawn(binary: &Path, dir: &Path, data_dir: &Path) -> Result<Child> {
    let config = dir.join("firstfault.toml");
    std::fs::write(&config, CONFIG).with_context(|| format!("cannot write {}", config.display()))?;
    let log = File::create(dir.join("server.log")).context("cannot write the server's log")?;
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FIRSTFAULT_") {
            command.env_remove(name);
        }
    }
    command.arg("serve").arg("--config").arg(&config).arg("--data-dir").arg(data_dir);
    command.stdin(Stdio::null()).stdout(log.try_clone().context("cannot write the server's log")?);
    let spawned = command.stderr(log).kill_on_drop(true).spawn();
    spawned.with_context(|| format!("cannot start {}", binary.display()))
}

fn log(dir: &Path) -> String {
    dir.join("server.log").display().to_string()
}

/// The server writes its addresses when everything answers.
async fn wait_for_file(child: &mut Child, path: &Path) -> Result<Value> {
    let mut looks = interval(PAUSE);
    loop {
        looks.tick().await;
        if let Some(status) = child.try_wait().context("cannot look after the server")? {
            bail!("it ended with {status}");
        }
        let found = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some(found) = found {
            return Ok(found);
        }
    }
}

fn address(endpoints: &Value, name: &str) -> Result<String> {
    let address = endpoints[name].as_str().map(|address| address.trim_end_matches('/').to_owned());
    address.with_context(|| format!("no {name} among the server's addresses {endpoints}"))
}

fn http_client() -> Result<reqwest::Client> {
    // Another one may be installed already, and does as well.
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder().no_proxy().timeout(REQUEST_TIME).build();
    client.context("cannot make an HTTP client")
}

/// Answers that OTLP says to try again after.
fn is_busy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Reads a partial success.
fn rejected(signal: Signal, answer: &[u8]) -> Result<Rejected> {
    let partial = match signal {
        Signal::Traces => ExportTraceServiceResponse::decode(answer)?
            .partial_success
            .map(|partial| (partial.rejected_spans, partial.error_message)),
        Signal::Logs => ExportLogsServiceResponse::decode(answer)?
            .partial_success
            .map(|partial| (partial.rejected_log_records, partial.error_message)),
        Signal::Metrics => ExportMetricsServiceResponse::decode(answer)?
            .partial_success
            .map(|partial| (partial.rejected_data_points, partial.error_message)),
    };
    let (n_items, why) = partial.unwrap_or_default();
    Ok(Rejected { n_items: u64::try_from(n_items).unwrap_or(0), why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsPartialSuccess;

    /// Scenario: an empty answer, and one that rejects two records.
    /// Guarantees: both are read; an empty one rejects nothing.
    #[test]
    fn partial_success_is_read() {
        assert_eq!(rejected(Signal::Traces, &[]).expect("empty"), Rejected::default());
        let partial = ExportLogsPartialSuccess { rejected_log_records: 2, error_message: "no".to_owned() };
        let answer = ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        let expected = Rejected { n_items: 2, why: "no".to_owned() };
        assert_eq!(rejected(Signal::Logs, &answer).expect("reads"), expected);
        assert!(rejected(Signal::Logs, b"\xff").is_err());
    }

    /// Scenario: a list of addresses.
    /// Guarantees: they can be put before a path; a missing one is named.
    #[test]
    fn addresses_are_read() {
        let endpoints = json!({ "dashboard": "http://127.0.0.1:1/" });
        assert_eq!(address(&endpoints, "dashboard").expect("there"), "http://127.0.0.1:1");
        assert!(address(&endpoints, "otlp_http").expect_err("missing").to_string().contains("otlp_http"));
    }
}
