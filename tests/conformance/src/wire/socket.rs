//! Bare bytes on a socket, for what no HTTP client would send.

use super::{Duplex, HTTP_1, Trouble, connect, connect_bare};
use crate::target::Address;
use std::fmt;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

/// Bytes of an answer that are looked at.
const LOOK_BYTES: usize = 1024;

/// What a server does with bytes that it was not made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It says something first.
    Answered(Vec<u8>),
    Closed,
    /// Nothing, for as long as was waited.
    Silent,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(bytes) => match bytes.starts_with(b"HTTP/1") {
                true => {
                    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
                    write!(f, "answered {}", String::from_utf8_lossy(line))
                }
                false => write!(f, "answered {} bytes", bytes.len()),
            },
            Self::Closed => f.write_str("closed"),
            Self::Silent => f.write_str("left open without a word"),
        }
    }
}

/// Sends bytes, in TLS where the address asks for it, and waits for the first thing that comes of them.
pub(crate) async fn send(address: &Address, bytes: &[u8], limit: Duration) -> Result<Ending, Trouble> {
    Ok(exchange(connect(address, HTTP_1).await?, bytes, limit).await)
}

/// As `send`, without TLS, whatever the address asks for.
pub(crate) async fn send_bare(address: &Address, bytes: &[u8], limit: Duration) -> Result<Ending, Trouble> {
    Ok(exchange(connect_bare(address).await?, bytes, limit).await)
}

async fn exchange(mut stream: impl Duplex, bytes: &[u8], limit: Duration) -> Ending {
    let mut answer = vec![0; LOOK_BYTES];
    let exchange = async {
        stream.write_all(bytes).await?;
        stream.read(&mut answer).await
    };
    let exchanged = timeout(limit, exchange).await;
    match exchanged {
        Err(_) => Ending::Silent,
        // A reset is an end, too.
        Ok(Ok(0) | Err(_)) => Ending::Closed,
        Ok(Ok(n_bytes)) => {
            answer.truncate(n_bytes);
            Ending::Answered(answer)
        }
    }
}
