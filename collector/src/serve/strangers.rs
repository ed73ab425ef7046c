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

/// Who is told of them, and answers with a line of text for whoever can read it.
#[derive(Clone)]
pub(crate) struct Strangers(Arc<Told>);

type Told = dyn Fn(Spoken, IpAddr) -> String + Send + Sync;

impl Strangers {
    pub(crate) fn new(told: impl Fn(Spoken, IpAddr) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    pub(super) fn tell(&self, spoken: Spoken, peer: IpAddr) -> String {
        (self.0)(spoken, peer)
    }

    /// A client of TLS cannot read the answer, and tells its user by it that the port is plain text.
    pub(super) async fn turn_away(&self, mut stream: TcpStream, spoken: Spoken, peer: IpAddr) {
        let text = self.tell(spoken, peer);
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
