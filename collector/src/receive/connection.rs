//! How connections of all doors behave: deadlines, keep-alive and HTTP/2 limits in one place.

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::time::Duration;

/// Time for the headers of a request, and on HTTP/1 between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests of one connection that are served at once.
const STREAMS_MAX: u32 = 100;
/// A silent HTTP/2 peer is asked for a sign of life this often, and given this long for it.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes that a peer may send on one stream, and on the connection, before it has to wait. Larger than
/// the 64 KiB that the protocol starts with, so that a batch arrives without a round trip for each 64 KiB.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// Bytes of all headers of a request.
const HEADER_BYTES_MAX: u32 = 16 << 10;
/// Streams that a peer may open and reset before they were looked at; more end the connection.
const PENDING_RESETS_MAX: usize = 20;
/// Streams of a peer that end by its own mistakes; a connection with more has no honest client.
const FAULTY_STREAMS_MAX: usize = 100;

/// Settings for the connections of a listener, HTTP/1 and HTTP/2 on the same port.
pub(crate) fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(256 << 10)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEADER_BYTES_MAX)
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(FAULTY_STREAMS_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}
