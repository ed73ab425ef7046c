//! TLS at the ports: handshakes with a deadline, by a certificate that can change while the server runs.
//!
//! A new certificate counts for the connections that come; those that stand keep theirs. Whoever serves counts a
//! handshake that fails like a refused request.

mod files;
#[cfg(test)]
mod tests;

pub(crate) use files::{ClientAuthority, Error, Files};

use crate::decode::text::printable;
use crate::reload::{Failed, Source};
use files::Configs;
use parking_lot::RwLock;
use rustls::ServerConfig;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Which port a connection is for. Clients are asked for certificates where telemetry comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Otlp,
    Api,
}

/// The certificate in use.
#[derive(Debug)]
pub(crate) struct Tls {
    files: Files,
    /// Read for each connection, written when the files change; never held for longer than a copy of a pointer.
    configs: RwLock<Configs>,
}

impl Tls {
    pub(crate) fn open(files: Files) -> Result<Self, Error> {
        let configs = RwLock::new(files.load()?);
        Ok(Self { files, configs })
    }

    fn config(&self, port: Port) -> Arc<ServerConfig> {
        let configs = self.configs.read();
        match port {
            Port::Otlp => Arc::clone(&configs.otlp),
            Port::Api => Arc::clone(&configs.api),
        }
    }
}

impl Source for Tls {
    fn what(&self) -> &'static str {
        "TLS certificate"
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.files.paths()
    }

    fn read_again(&self) -> Result<(), Failed> {
        let configs = self.files.load()?;
        *self.configs.write() = configs;
        Ok(())
    }
}

/// Shakes hands at one port.
#[derive(Debug, Clone)]
pub(crate) struct Acceptor {
    tls: Arc<Tls>,
    port: Port,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the TLS handshake took too long")]
    Slow,
    #[error("the TLS handshake failed: {}", printable(&error.to_string(), 200))]
    Handshake { error: io::Error },
}

impl Acceptor {
    pub(crate) fn new(tls: Arc<Tls>, port: Port) -> Self {
        Self { tls, port }
    }

    /// The encrypted connection of a client that greets in TLS, and has come to an end with it by `deadline`.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        deadline: Instant,
    ) -> Result<TlsStream<TcpStream>, Fault> {
        let acceptor = TlsAcceptor::from(self.tls.config(self.port));
        let shaken = tokio::time::timeout_at(deadline, acceptor.accept(stream)).await;
        shaken.map_err(|_| Fault::Slow)?.map_err(|error| Fault::Handshake { error })
    }
}
