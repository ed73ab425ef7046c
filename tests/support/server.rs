//! A real `firstfault` process on ports of its own, in a folder of its own.

use super::wait::eventually;
use serde_json::Value;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// Longest wait for a start or a stop.
const LIMIT: Duration = Duration::from_secs(60);

/// Data directory and configuration that outlive restarts of the process.
pub(crate) struct Home {
    dir: TempDir,
    config: PathBuf,
    name: String,
}

impl Home {
    /// `config` is added to a configuration that binds every listener to a free port.
    pub(crate) fn new(name: &str, config: &str) -> Self {
        Self::listening(name, config, [0; 3])
    }

    /// As `new`, on these ports: OTLP/gRPC, OTLP/HTTP, API. Zero is any free one.
    pub(crate) fn listening(name: &str, config: &str, [grpc, http, api]: [u16; 3]) -> Self {
        let dir = tempfile::Builder::new().prefix("firstfault-").tempdir().expect("temporary folder");
        let path = dir.path().join("firstfault.toml");
        let mut file = File::create(&path).expect("configuration file");
        let address = |name: &str, port: u16| format!("{name} = \"127.0.0.1:{port}\"\n");
        let listen = [address("otlp_grpc", grpc), address("otlp_http", http), address("api", api)].concat();
        write!(file, "[listen]\n{listen}\n{config}\n").expect("configuration is written");
        Self { dir, config: path, name: name.to_owned() }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A command of the binary with this home's configuration.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firstfault"));
        command.arg("serve").arg("--config").arg(&self.config).arg("--data-dir").arg(self.data_dir());
        command
    }

    /// What `firstfault storage` does to this home's data directory.
    pub(crate) fn storage(&self, command: &str) -> Output {
        let mut process = Command::new(env!("CARGO_BIN_EXE_firstfault"));
        process.args(["storage", command]).arg("--config").arg(&self.config);
        process.arg("--data-dir").arg(self.data_dir()).stdin(Stdio::null());
        process.output().expect("the binary starts")
    }

    /// Starts the process and waits until it is ready.
    pub(crate) async fn start(&self) -> Server {
        self.start_for(http_client()).await
    }

    /// As `start`, for a client that trusts the server's certificate or has credentials.
    pub(crate) async fn start_for(&self, http: reqwest::Client) -> Server {
        static N: AtomicU32 = AtomicU32::new(0);
        let log = super::artefacts().join(format!("{}-{}.log", self.name, N.fetch_add(1, Ordering::Relaxed)));
        let file = File::create(&log).expect("log file");
        let endpoints = self.data_dir().join("endpoints.json");
        // A killed predecessor leaves its file behind; the new one must not be mistaken for it.
        std::fs::remove_file(&endpoints).ok();
        let child = self
            .command()
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("log file"))
            .stderr(file)
            .spawn()
            .expect("the binary starts");
        let mut server = Server { child, log, endpoints: Value::Null, http };
        server.endpoints = server.wait_for_endpoints(&endpoints).await;
        server.wait_until_ready().await;
        server
    }
}

/// A running process; killed when dropped.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    endpoints: Value,
    pub(crate) http: reqwest::Client,
}

impl Server {
    /// Starts one in a fresh home with the default configuration.
    pub(crate) async fn fresh(name: &str) -> (Home, Self) {
        let home = Home::new(name, "");
        let server = home.start().await;
        (home, server)
    }

    pub(crate) fn otlp_grpc(&self) -> String {
        self.endpoint("otlp_grpc")
    }

    pub(crate) fn otlp_http(&self) -> String {
        self.endpoint("otlp_http")
    }

    pub(crate) fn dashboard(&self) -> String {
        self.endpoint("dashboard")
    }

    /// `GET` on the API; fails unless the answer is a success.
    pub(crate) async fn api(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.dashboard())).send().await.expect("API answers");
        let status = answer.status();
        let body = answer.text().await.expect("API body");
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).expect("API answers JSON")
    }

    /// Rows of a SQL query.
    pub(crate) async fn sql(&self, sql: &str) -> Vec<Vec<Value>> {
        let answer = self.try_sql(sql).await;
        let answer = answer.unwrap_or_else(|error| panic!("{sql}: {error}"));
        answer["rows"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row.as_array().expect("row").clone())
            .collect()
    }

    /// The only value of a SQL query that gives one number.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let rows = self.sql(sql).await;
        rows[0][0].as_i64().unwrap_or_else(|| panic!("{sql}: {:?} is not a whole number", rows[0][0]))
    }

    pub(crate) async fn try_sql(&self, sql: &str) -> Result<Value, String> {
        let body = serde_json::json!({ "sql": sql });
        let answer = self.http.post(format!("{}/api/v1/sql", self.dashboard())).json(&body).send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("{status}: {text}"));
        }
        serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))
    }

    /// The value of a metric of the server itself, all its series together.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let page = self.http.get(format!("{}/metrics", self.dashboard())).send().await.expect("metrics");
        let page = page.text().await.expect("metrics are text");
        let of_metric = |line: &&str| line.split(['{', ' ']).next() == Some(name);
        let values: Vec<u64> =
            page.lines().filter(of_metric).filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        assert!(!values.is_empty(), "no {name} in {page}");
        values.iter().sum()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// SIGTERM, then the exit status.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        signal(self.child.id(), "TERM");
        eventually("the server stops after SIGTERM", LIMIT, || {
            let status = self.child.try_wait().expect("wait");
            async move { status }
        })
        .await
    }

    /// Everything the process printed so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("log is readable")
    }

    /// Fails when the process logged a warning or an error that `expected` does not name.
    pub(crate) fn assert_quiet(&self, expected: &[&str]) {
        let log = self.log();
        let unexpected: Vec<_> = log
            .lines()
            .filter(|line| line.contains("WARN") || line.contains("ERROR"))
            .filter(|line| !expected.iter().any(|known| line.contains(known)))
            .collect();
        assert!(unexpected.is_empty(), "unexpected log lines:\n{}", unexpected.join("\n"));
    }

    fn endpoint(&self, name: &str) -> String {
        self.endpoints[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.endpoints)).to_owned()
    }

    async fn wait_for_endpoints(&mut self, path: &Path) -> Value {
        eventually("the server writes its endpoints", LIMIT, || {
            if let Some(status) = self.child.try_wait().expect("wait") {
                panic!("the server ended with {status} (signal {:?}):\n{}", status.signal(), self.log());
            }
            let found = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            async move { found }
        })
        .await
    }

    async fn wait_until_ready(&mut self) {
        let url = format!("{}/readyz", self.dashboard());
        eventually("the server is ready", LIMIT, || {
            if let Some(status) = self.child.try_wait().expect("wait") {
                panic!("the server ended with {status}:\n{}", self.log());
            }
            let request = self.http.get(&url).send();
            async move { request.await.ok().filter(|answer| answer.status().is_success()).map(|_| ()) }
        })
        .await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already ended is what a test that stopped it wants.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Sends a signal by name to one process.
pub(crate) fn signal(pid: u32, name: &str) {
    let status =
        Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().expect("kill runs");
    assert!(status.success(), "kill -{name} {pid}: {status}");
}

pub(crate) fn http_client() -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("HTTP client")
}
