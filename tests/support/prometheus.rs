//! A real Prometheus in a folder of its own, which scrapes targets every second and writes to a server.

use super::artefacts;
use super::browser::free_port;
use super::server::http_client;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Killed when dropped.
pub(crate) struct Prometheus {
    child: Child,
    address: String,
    log: PathBuf,
    http: reqwest::Client,
    _dir: TempDir,
}

impl Prometheus {
    /// `jobs` are names with the address of their one target, `write_to` is where the samples go.
    pub(crate) fn start(binary: &Path, name: &str, jobs: &[(&str, &str)], write_to: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("prometheus-").tempdir().expect("temporary folder");
        let config = dir.path().join("prometheus.yml");
        std::fs::write(&config, configuration(jobs, write_to)).expect("configuration is written");
        let log = artefacts().join(format!("{name}-prometheus.log"));
        let file = File::create(&log).expect("log file");
        let address = format!("127.0.0.1:{}", free_port());
        let child = Command::new(binary)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--enable-feature=exemplar-storage")
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("log file"))
            .stderr(file)
            .spawn()
            .expect("prometheus starts");
        Self { child, address, log, http: http_client(), _dir: dir }
    }

    /// What it has itself of a series that has one labelling: milliseconds since 1970, and values, oldest first.
    pub(crate) async fn samples(&self, name: &str) -> Vec<(i64, f64)> {
        let url = format!("http://{}/api/v1/query?query={name}%5B1h%5D", self.address);
        let answer = self.http.get(url).send().await.expect("prometheus answers");
        let answer: Value = answer.json().await.expect("JSON");
        let series = answer["data"]["result"].as_array().expect("a list of series");
        assert_eq!(series.len(), 1, "{answer}");
        let samples = series[0]["values"].as_array().expect("samples");
        samples.iter().map(sample).collect()
    }

    /// Fails when it said that it gave up on samples.
    pub(crate) fn assert_nothing_dropped(&self) {
        let log = std::fs::read_to_string(&self.log).expect("log is readable");
        let given_up: Vec<&str> = log.lines().filter(|line| line.contains("non-recoverable")).collect();
        assert!(given_up.is_empty(), "samples were dropped:\n{}", given_up.join("\n"));
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Already ended is fine: that is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A sample is a pair: seconds as a number, the value as text.
fn sample(pair: &Value) -> (i64, f64) {
    let seconds = pair[0].as_f64().expect("seconds");
    let value = pair[1].as_str().and_then(|text| text.parse().ok()).expect("a value");
    ((seconds * 1_000.0).round() as i64, value)
}

fn configuration(jobs: &[(&str, &str)], write_to: &str) -> String {
    let job = |(name, target): &(&str, &str)| {
        format!("  - job_name: {name}\n    static_configs: [{{ targets: [\"{target}\"] }}]\n")
    };
    let jobs: String = jobs.iter().map(job).collect();
    format!(
        "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\nscrape_configs:\n{jobs}remote_write:\n  \
         - url: {write_to}/api/v1/write\n    send_exemplars: true\n    \
         queue_config: {{ batch_send_deadline: 1s }}\n    metadata_config: {{ send: true, send_interval: 1s }}\n"
    )
}
