//! Serves HTTP on a listener until told to stop.
//!
//! Slow, idle and too many clients are bounded here, for all three doors alike. What a request means is
//! the router's business. Stopping lets answers under way finish, up to a deadline.

use crate::receive::connection;
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// From the connection's start to its first whole request header. The HTTP/1 parser has a deadline of its own, but
/// it only starts once the first bytes have told HTTP/1 from HTTP/2.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections of one listener. An exporter holds one or two and a browser six, so this is far above
/// honest use and far below the usual limit of 1024 file descriptors.
const CONNECTIONS_MAX: usize = 256;
/// When the system has no more file descriptors, trying again at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers until `stop` is cancelled, then until all answers are out or `drain` has passed.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken, drain: Duration) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // A place first: past the bound, connections wait in the system's queue.
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place.expect("the semaphore is never closed"),
        };
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            stream = accept(&listener) => stream,
        };
        let (router, stop) = (router.clone(), stop.clone());
        connections.spawn(async move {
            answer(stream, router, stop).await;
            drop(place);
        });
    }
    // New connections are refused from here on, rather than left waiting.
    drop(listener);
    connections.close();
    if tokio::time::timeout(drain, connections.wait()).await.is_err() {
        tracing::warn!(?drain, n_connections = connections.len(), "answers still under way were cut off");
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // The client went away before its turn.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection to its end. A stop lets the request under way finish; a connection without
/// any request is ended after a while.
async fn answer(stream: TcpStream, router: Router, stop: CancellationToken) {
    // Answers are small or written in large pieces: waiting to fill packets only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let has_begun = Arc::new(AtomicBool::new(false));
    let began = Arc::clone(&has_begun);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        began.store(true, Ordering::Relaxed);
        router.clone().oneshot(request)
    });
    let builder = connection::builder();
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut first_request = pin!(tokio::time::sleep(FIRST_REQUEST_TIMEOUT));
    let (mut is_stopping, mut is_checked) = (false, false);
    loop {
        tokio::select! {
            ended = served.as_mut() => {
                if let Err(error) = ended {
                    // Clients that go away or time out: their business, and frequent.
                    tracing::debug!(error, "connection ended early");
                }
                return;
            }
            () = stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                served.as_mut().graceful_shutdown();
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

#[cfg(test)]
mod tests;
