//! The demo as a sender of telemetry, with a fault that a test chooses.

use super::server::Server;
use std::process::{Child, Command, Stdio};

/// The demo sending to a server; ends when dropped.
pub(crate) struct Demo(Child);

impl Demo {
    pub(crate) fn start(server: &Server, arguments: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_firstfault"))
            .args(["demo", "--rate", "30", "--endpoint"])
            .arg(server.otlp_grpc())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the demo starts");
        Self(child)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended by itself when its server was killed.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
