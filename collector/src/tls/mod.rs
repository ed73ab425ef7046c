//! TLS at the ports: handshakes with a deadline, by a certificate that can change while the server runs.
//!
//! A new certificate counts for the connections that come; those that stand keep theirs. A handshake that fails is
//! counted like a refused request, and so is a client that speaks plain HTTP, which is told so.

mod files;
#[cfg(test)]
mod tests;

pub(crate) use files::{ClientAuthority, Error, Files};

use crate::clock::Clock;
use crate::decode::text::printable;
use crate::reload::{Failed, Source};
use crate::telemetry::{Reason, Telemetry};
use files::Configs;
use parking_lot::RwLock;
use rustls::ServerConfig;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// From the connection's first moment to its last word of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A client that speaks plain HTTP has this long to send what it has, so that it gets to read the answer.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes of a plain request that are read and thrown away.
const FAREWELL_BYTES_MAX: u64 = 256 << 10;
/// What such a client is told.
const PLAINTEXT_ANSWER: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 44\r\n\
Connection: close\r\n\r\nthis port speaks TLS: use an https address\r\n";

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
    telemetry: Arc<Telemetry>,
    clock: Clock,
}

/// Why there is no connection.
#[derive(Debug)]
enum Fault {
    /// The client left without a word, as those do that only look whether a port is open.
    Gone,
    Slow,
    Plaintext(TcpStream),
    Handshake(io::Error),
}

impl Acceptor {
    pub(crate) fn new(tls: Arc<Tls>, port: Port, telemetry: Arc<Telemetry>, clock: Clock) -> Self {
        Self { tls, port, telemetry, clock }
    }

    /// The encrypted connection, or none: then it has been counted why.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, self.shake_hands(stream)).await;
        match shaken.unwrap_or(Err(Fault::Slow)) {
            Ok(stream) => return Some(stream),
            Err(Fault::Gone) => {}
            Err(Fault::Slow) => {
                let message = format!("the TLS handshake took longer than {} s", HANDSHAKE_TIMEOUT.as_secs());
                self.count(Reason::TlsHandshakeFailed, &message);
            }
            Err(Fault::Plaintext(stream)) => {
                self.count(Reason::PlaintextOnTlsPort, "plain HTTP came on a port that speaks TLS");
                // It may leave before it has heard everything.
                let _ = tokio::time::timeout(FAREWELL_TIMEOUT, say_farewell(stream)).await;
            }
            Err(Fault::Handshake(error)) => {
                let message = format!("the TLS handshake failed: {}", printable(&error.to_string(), 200));
                self.count(Reason::TlsHandshakeFailed, &message);
            }
        }
        None
    }

    async fn shake_hands(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Fault> {
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(0) | Err(_) => Err(Fault::Gone),
            // Methods of HTTP/1 and the first line of HTTP/2 are letters; TLS begins with the byte 22.
            Ok(_) if first[0].is_ascii_alphabetic() => Err(Fault::Plaintext(stream)),
            Ok(_) => {
                let acceptor = TlsAcceptor::from(self.tls.config(self.port));
                acceptor.accept(stream).await.map_err(Fault::Handshake)
            }
        }
    }

    fn count(&self, reason: Reason, message: &str) {
        tracing::debug!(reason = reason.name(), message, "no connection");
        self.telemetry.refused(None, reason, message, self.clock.now());
    }
}

/// Closing on a client that is still sending would reset the connection, and the answer would be lost.
async fn say_farewell(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(PLAINTEXT_ANSWER).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(FAREWELL_BYTES_MAX), &mut tokio::io::sink()).await?;
    Ok(())
}
