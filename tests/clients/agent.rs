//! A forwarding agent between clients and the server: `rotel`, a collector that comes as a Python package.

use crate::support::artefacts;
use crate::support::ports;
use crate::support::wait::eventually;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// Killed when dropped.
pub(crate) struct Agent {
    process: Child,
    http_port: u16,
    /// For the file with its process id, whose usual place all agents of a machine share.
    _dir: TempDir,
}

impl Agent {
    /// Forwards to this endpoint over gRPC with gzip; answers when it receives.
    pub(crate) async fn start(binary: &Path, otlp_grpc: &str) -> Self {
        let [grpc_port, http_port] = ports::unused();
        let dir = tempfile::tempdir().expect("a folder");
        let log = File::create(artefacts().join("agent.log")).expect("log file");
        let process = Command::new(binary)
            .args(["start", "--exporter", "otlp", "--otlp-exporter-protocol", "grpc"])
            .args(["--otlp-exporter-compression", "gzip", "--batch-timeout", "100ms"])
            .args(["--otlp-exporter-endpoint", otlp_grpc])
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc_port}")])
            .args(["--otlp-http-endpoint", &format!("127.0.0.1:{http_port}")])
            .arg("--pid-file")
            .arg(dir.path().join("pid"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("log file"))
            .stderr(log)
            .spawn()
            .expect("the agent starts");
        let agent = Self { process, http_port, _dir: dir };
        eventually("the agent receives", Duration::from_secs(30), || async move {
            TcpStream::connect(("127.0.0.1", http_port)).await.ok()
        })
        .await;
        agent
    }

    pub(crate) fn otlp_http(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Already ended is fine: that is what is wanted.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
