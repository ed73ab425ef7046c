//! A real Alertmanager in a folder of its own, which tells nobody of what it is told.

use super::artefacts;
use super::browser::free_port;
use super::server::http_client;
use super::wait::eventually;
use serde_json::Value;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const CONFIGURATION: &str = "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n";

/// Killed when dropped.
pub(crate) struct Alertmanager {
    child: Child,
    pub(crate) url: String,
    http: reqwest::Client,
    _dir: TempDir,
}

impl Alertmanager {
    /// Starts one by itself, and waits until it is ready.
    pub(crate) async fn start(binary: &Path, name: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("alertmanager-").tempdir().expect("temporary folder");
        let config = dir.path().join("alertmanager.yml");
        std::fs::write(&config, CONFIGURATION).expect("configuration is written");
        let log = artefacts().join(format!("{name}-alertmanager.log"));
        let file = File::create(&log).expect("log file");
        let address = format!("127.0.0.1:{}", free_port());
        let child = Command::new(binary)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("log file"))
            .stderr(file)
            .spawn()
            .expect("alertmanager starts");
        let started = Self { child, url: format!("http://{address}"), http: http_client(), _dir: dir };
        let ready = format!("{}/-/ready", started.url);
        eventually("alertmanager is ready", Duration::from_secs(60), || {
            let asked = started.http.get(&ready).send();
            async move { asked.await.ok().filter(|answer| answer.status().is_success()).map(|_| ()) }
        })
        .await;
        started
    }

    /// Alerts that have a label with this value, and have not ended.
    pub(crate) async fn alerts(&self, label: &str, value: &str) -> Vec<Value> {
        let answer = self.http.get(format!("{}/api/v2/alerts", self.url)).send().await;
        let alerts: Vec<Value> = answer.expect("alertmanager answers").json().await.expect("JSON");
        alerts.into_iter().filter(|alert| alert["labels"][label] == value).collect()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        // Already ended is fine: that is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
