//! Who sent a request, and where to.
//!
//! It travels with a request to wherever that may be refused, so that whoever looks for a mistake finds its sender.

use crate::decode::text::printable;
use crate::serve::Peer;
use http::Request;
use std::net::IpAddr;

/// Characters of a path that are kept; the longest honest ones have some 90.
const PATH_CHARS_MAX: usize = 160;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transport {
    Grpc,
    Http,
    /// HTTP on the port that Zipkin has for itself.
    Zipkin,
}

impl Transport {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
            Self::Zipkin => "zipkin",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Absent where no socket is between, as in tests.
    pub(crate) peer: Option<IpAddr>,
    /// Of the port that the request came to.
    pub(crate) transport: Transport,
    /// Printable and bounded; empty for a connection that never asked for one.
    pub(crate) path: String,
}

impl Origin {
    pub(crate) fn new(peer: Option<IpAddr>, transport: Transport, path: &str) -> Self {
        // IPv4 by way of an IPv6 socket is the same peer.
        let peer = peer.map(|peer| peer.to_canonical());
        Self { peer, transport, path: printable(path, PATH_CHARS_MAX) }
    }

    /// The listener puts the peer's address beside each request.
    pub(crate) fn of<B>(request: &Request<B>, transport: Transport) -> Self {
        let peer = request.extensions().get::<Peer>();
        Self::new(peer.map(|peer| peer.address.ip()), transport, request.uri().path())
    }
}
