//! Serves HTTP on a listener until told to stop.
//!
//! Slow, idle and too many clients are bounded here, for all doors alike, and requests that do not say which
//! host they are for are refused. Connections that speak something else than HTTP are turned away, and told of. What
//! a request means is the router's business. Stopping lets answers under way finish, up to a deadline.

mod idle;
mod seats;
mod strangers;

pub(crate) use strangers::{Stranger, Strangers};

use crate::receive::connection;
use crate::tls::Acceptor;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, HOST};
use http::{StatusCode, Version};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use idle::Idleness;
use seats::{Seat, Seats, UnderWay};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// From the connection's start to its first whole request header, with a handshake of TLS in between where there is one.
/// The HTTP/1 parser has a deadline of its own, but it only starts once the first bytes have told HTTP/1 from HTTP/2.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections of one listener. An exporter holds one or two and a browser six, so this is far above
/// honest use and far below the usual limit of 1024 file descriptors. One more takes the place of an idle one.
const CONNECTIONS_MAX: usize = 256;
/// An idle connection that makes room has this long for a word of farewell.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(10);
/// When the system has no more file descriptors, trying again at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a listener does with those who come to it.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) router: Router,
    /// None where the port speaks in the clear.
    pub(crate) tls: Option<Acceptor>,
    pub(crate) strangers: Strangers,
}

/// Who sent a request, as far as the connection tells; an extension of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// It has shown a certificate of the authority that the configuration names for clients.
    pub(crate) has_certificate: bool,
}

/// Answers until `stop` is cancelled, then until all answers are out or `drain` has passed.
pub(crate) async fn serve(listener: TcpListener, door: Door, stop: CancellationToken, drain: Duration) {
    let connections = TaskTracker::new();
    let seats = Seats::new(CONNECTIONS_MAX);
    loop {
        let (stream, address) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener) => accepted,
        };
        // Past the bound, and with nobody idle, the others wait in the system's queue.
        let seat = tokio::select! {
            () = stop.cancelled() => break,
            seat = seats.take(address.ip()) => seat,
        };
        // Its address has enough: the connection is closed.
        let Some(seat) = seat else { continue };
        connections.spawn(meet(stream, address, door.clone(), stop.clone(), seat));
    }
    // New connections are refused from here on, rather than left waiting.
    drop(listener);
    connections.close();
    if tokio::time::timeout(drain, connections.wait()).await.is_err() {
        tracing::warn!(?drain, n_connections = connections.len(), "answers still under way were cut off");
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The client went away before its turn.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// From the first byte of a connection: those who speak something else are turned away, then a handshake where the port
/// speaks TLS, which ends when the seat is needed, as that of any connection without a request; then requests.
async fn meet(stream: TcpStream, address: SocketAddr, door: Door, stop: CancellationToken, seat: Arc<Seat>) {
    let deadline = Instant::now() + FIRST_REQUEST_TIMEOUT;
    let spoken = tokio::select! {
        biased;
        spoken = strangers::first_spoken(&stream) => spoken,
        // Nobody waits for an answer to nothing.
        () = stop.cancelled() => return,
        () = seat.leave().cancelled() => return,
        () = tokio::time::sleep_until(deadline) => return,
    };
    let Some(spoken) = spoken else { return };
    if let Some(stranger) = strangers::stranger(spoken, door.tls.is_some()) {
        return door.strangers.turn_away(stream, stranger, address.ip()).await;
    }
    // Answers are small or written in large pieces: waiting to fill packets only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let Some(tls) = &door.tls else {
        let peer = Peer { address, has_certificate: false };
        return answer(stream, peer, door, stop, seat, deadline).await;
    };
    let met = tokio::select! {
        () = stop.cancelled() => return,
        () = seat.leave().cancelled() => return,
        met = tls.accept(stream, deadline) => met,
    };
    match met {
        Ok(stream) => {
            let has_certificate = stream.get_ref().1.peer_certificates().is_some();
            answer(stream, Peer { address, has_certificate }, door, stop, seat, deadline).await;
        }
        Err(fault) => drop(door.strangers.tell(&Stranger::Handshake(fault.to_string()), address.ip())),
    }
}

/// Serves one connection to its end. A stop lets the request under way finish; a connection without
/// any request is ended at `deadline`, and one that is idle for long, or when it should make room.
async fn answer<S>(
    stream: S,
    peer: Peer,
    door: Door,
    stop: CancellationToken,
    seat: Arc<Seat>,
    deadline: Instant,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Door { router, strangers, .. } = door;
    let mut first_request = pin!(tokio::time::sleep_until(deadline));
    let has_begun = Arc::new(AtomicBool::new(false));
    let (began, own_seat) = (Arc::clone(&has_begun), Arc::clone(&seat));
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        began.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(peer);
        answer_one(request, router.clone(), own_seat.request())
    });
    let builder = connection::builder();
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut left = pin!(async {
        seat.leave().cancelled().await;
        tokio::time::sleep(LEAVE_TIMEOUT).await;
    });
    let (mut idleness, mut looks) = (Idleness::default(), tokio::time::interval(idle::TIMEOUT));
    let (mut is_stopping, mut is_checked, mut is_leaving, mut has_left) = (false, false, false, false);
    loop {
        tokio::select! {
            ended = served.as_mut() => {
                if let Err(error) = ended {
                    if error.downcast_ref::<hyper::Error>().is_some_and(is_no_http) {
                        strangers.tell(&Stranger::NotHttp, peer.address.ip());
                    }
                    // Clients that go away or time out: their business, and frequent.
                    tracing::debug!(error, "connection ended early");
                }
                return;
            }
            () = stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                served.as_mut().graceful_shutdown();
            }
            () = seat.leave().cancelled(), if !is_leaving => {
                is_leaving = true;
                served.as_mut().graceful_shutdown();
            }
            _ = looks.tick(), if !is_leaving => {
                if idleness.is_over(seat.n_requests_at_rest()) {
                    is_leaving = true;
                    served.as_mut().graceful_shutdown();
                }
            }
            () = left.as_mut(), if !has_left => {
                has_left = true;
                if seat.is_idle() {
                    return;
                }
            }
            () = first_request.as_mut(), if !is_checked => {
                is_checked = true;
                if !has_begun.load(Ordering::Relaxed) {
                    served.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// Words that are no request of HTTP, such as those of a protocol of lines; they were answered with 400.
fn is_no_http(error: &hyper::Error) -> bool {
    error.is_parse() && !error.is_parse_too_large()
}

/// A connection is idle again when the last byte of the answer is out.
async fn answer_one(
    request: Request<Incoming>,
    router: Router,
    under_way: UnderWay,
) -> Result<Response, Infallible> {
    let answer = match host_fault(&request) {
        Some(fault) => (StatusCode::BAD_REQUEST, [(CONNECTION, "close")], fault).into_response(),
        None => router.oneshot(request).await?,
    };
    Ok(answer.map(|body| Body::new(seats::Answering::new(body, under_way))))
}

/// What RFC 9112 wants refused: proxies before us could have taken such a request for another host's.
fn host_fault(request: &Request<Incoming>) -> Option<&'static str> {
    match request.headers().get_all(HOST).iter().count() {
        0 if request.version() == Version::HTTP_11 => Some("the request has no Host header\n"),
        0 | 1 => None,
        _ => Some("the request has more than one Host header\n"),
    }
}

#[cfg(test)]
mod tests;
