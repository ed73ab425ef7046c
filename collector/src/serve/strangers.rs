//! Connections that speak something else than HTTP: recognised by their first bytes, told of, and turned away.

use crate::receive::sniff::{self, Spoken};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// For a word of farewell, which the system's buffer takes at once unless its reader means harm.
const FAREWELL_TIMEOUT: Duration = Duration::from_millis(100);
/// Bytes that are taken off the connection before it is closed: closing on unread ones resets it, and the farewell
/// is lost.
const FIRST_BYTES_MAX: usize = 4096;

/// Why a connection has no requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// TLS where the port speaks in the clear.
    Tls,
    /// In the clear where the port speaks TLS.
    Plaintext,
    /// Something binary, or lines that are no requests.
    NotHttp,
    /// The handshake of TLS ended with this.
    Handshake(String),
}

/// What is wrong with one that begins so, if anything is.
pub(super) fn stranger(spoken: Spoken, is_tls: bool) -> Option<Stranger> {
    match (spoken, is_tls) {
        (Spoken::Http, false) | (Spoken::Tls, true) => None,
        (Spoken::Http, true) => Some(Stranger::Plaintext),
        (Spoken::Tls, false) => Some(Stranger::Tls),
        (Spoken::Other, _) => Some(Stranger::NotHttp),
    }
}

/// Who is told of them, and answers with a line of text for whoever can read it.
#[derive(Clone)]
pub(crate) struct Strangers(Arc<Told>);

type Told = dyn Fn(&Stranger, IpAddr) -> String + Send + Sync;

impl Strangers {
    pub(crate) fn new(told: impl Fn(&Stranger, IpAddr) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    pub(super) fn tell(&self, stranger: &Stranger, peer: IpAddr) -> String {
        (self.0)(stranger, peer)
    }

    /// A client of TLS cannot read the answer, and tells its user by it that the port is plain text.
    pub(super) async fn turn_away(&self, mut stream: TcpStream, stranger: Stranger, peer: IpAddr) {
        let text = self.tell(&stranger, peer);
        let n_bytes = text.len() + 1;
        let answer = format!(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {n_bytes}\r\n\
             Connection: close\r\n\r\n{text}\n"
        );
        let farewell = async {
            // What cannot be taken or told is left: the peer is counted, and gone.
            let _ = stream.try_read(&mut [0; FIRST_BYTES_MAX]);
            if stream.write_all(answer.as_bytes()).await.is_ok() {
                let _ = stream.shutdown().await;
            }
        };
        let _ = tokio::time::timeout(FAREWELL_TIMEOUT, farewell).await;
    }
}

impl fmt::Debug for Strangers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Strangers").finish_non_exhaustive()
    }
}

/// Looks at the first bytes without taking them; `None` for a peer that went away before it said anything. Ends with
/// the first byte.
pub(super) async fn first_spoken(stream: &TcpStream) -> Option<Spoken> {
    let mut first = [0; 2];
    match stream.peek(&mut first).await {
        Ok(0) | Err(_) => None,
        Ok(n) => Some(sniff::spoken(&first[..n])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: connections that begin as HTTP, TLS and something else, at ports with and without TLS.
    /// Guarantees: only what the port speaks is let in, the rest is named.
    #[test]
    fn ports_let_in_what_they_speak() {
        for (spoken, is_tls, expected) in [
            (Spoken::Http, false, None),
            (Spoken::Tls, true, None),
            (Spoken::Http, true, Some(Stranger::Plaintext)),
            (Spoken::Tls, false, Some(Stranger::Tls)),
            (Spoken::Other, false, Some(Stranger::NotHttp)),
            (Spoken::Other, true, Some(Stranger::NotHttp)),
        ] {
            assert_eq!(stranger(spoken, is_tls), expected, "{spoken:?} {is_tls}");
        }
    }
}
