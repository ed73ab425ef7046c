//! Reading a request body: whole, bounded in bytes and in time, charged as it grows.

use super::admission::Permit;
use super::answer::Failure;
use crate::causes::with_causes;
use crate::clock::Clock;
use crate::decode::text::printable;
use crate::telemetry::Reason;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

/// Bytes of address space that are set aside at once for an announced body; the rest as it arrives. Memory is only
/// taken, and charged, by what has arrived.
const CAPACITY_MAX: usize = 1 << 20;
/// Bytes per second that a body must keep up once its time is over.
const RATE_MIN_BYTES_PER_S: f64 = 64.0 * 1024.0;
/// A refused body is read to its end, up to here, so that the client gets to see the answer: closing
/// on one that is still sending resets the connection.
const DISCARD_BYTES_MAX: usize = 256 << 20;
const DISCARD_TIME_MAX: Duration = Duration::from_secs(5);

/// Bounds of one body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) bytes_max: usize,
    /// Time that any body has; longer ones must keep up a minimum rate, and never pause for longer than this.
    pub(super) timeout: Duration,
}

/// Reads the body, charging the permit with what has arrived. An announced length is not charged: whoever only
/// announces would keep the budget from those who send.
pub(super) async fn read(
    mut body: Body,
    headers: &HeaderMap,
    bounds: Bounds,
    permit: &mut Permit,
    clock: Clock,
) -> Result<Bytes, Failure> {
    let announced = announced_bytes(headers, &body);
    let fits = check_size(announced, bounds.bytes_max).and_then(|()| permit.check(announced as u64));
    if let Err(failure) = fits {
        permit.release();
        discard_unread(body, headers).await;
        return Err(failure);
    }
    let read = read_frames(&mut body, announced, bounds, permit, clock).await;
    if read.is_err() {
        // Nothing of it is held any more, while the rest of it may still arrive for some seconds.
        permit.release();
    }
    // One that is slow, broken off or no HTTP has nothing to wait for.
    let is_over = [Reason::BodyTooSlow, Reason::BodyUnreadable, Reason::BodyMalformed];
    let is_sending = |failure: &Failure| !is_over.contains(&failure.reason());
    if read.as_ref().is_err_and(is_sending) {
        discard(body).await;
    }
    read
}

async fn read_frames(
    body: &mut Body,
    announced: usize,
    bounds: Bounds,
    permit: &mut Permit,
    clock: Clock,
) -> Result<Bytes, Failure> {
    let started_at = clock.instant();
    let mut bytes = BytesMut::new();
    while let Some(chunk) =
        next_chunk(body, time_left(started_at, bytes.len(), bounds.timeout, clock)).await?
    {
        check_size(bytes.len() + chunk.len(), bounds.bytes_max)?;
        permit.cover((bytes.len() + chunk.len()) as u64)?;
        permit.payer().pay_bytes(chunk.len() as u64, clock.instant());
        if bytes.is_empty() {
            if body.is_end_stream() {
                return Ok(chunk);
            }
            bytes.reserve(announced.clamp(chunk.len(), CAPACITY_MAX));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// Discards a body of which nothing was read. Who waits to be told to go on sends none, and is not told.
pub(super) async fn discard_unread(body: Body, headers: &HeaderMap) {
    let waits =
        headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if !waits {
        discard(body).await;
    }
}

/// Reads on without keeping anything, for a while.
async fn discard(mut body: Body) {
    let mut n_bytes = 0;
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            n_bytes += frame.data_ref().map_or(0, Bytes::len);
            if n_bytes > DISCARD_BYTES_MAX {
                return;
            }
        }
    };
    // Running out of time is as good an end as any: the answer is sent either way.
    let _ = tokio::time::timeout(DISCARD_TIME_MAX, reading).await;
}

/// Zero where nothing is announced: a chunked body.
fn announced_bytes(headers: &HeaderMap, body: &Body) -> usize {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let length = length.or_else(|| body.size_hint().exact()).unwrap_or(0);
    usize::try_from(length).unwrap_or(usize::MAX)
}

fn check_size(n_bytes: usize, bytes_max: usize) -> Result<(), Failure> {
    if n_bytes <= bytes_max {
        return Ok(());
    }
    Err(Failure::too_large(bytes_max, "as sent"))
}

/// None at the end of the body.
async fn next_chunk(body: &mut Body, time_left: Duration) -> Result<Option<Bytes>, Failure> {
    loop {
        let frame = tokio::time::timeout(time_left, body.frame()).await.map_err(|_| {
            let message = "request body arrives too slowly".to_owned();
            Failure::retry(Reason::BodyTooSlow, message, Duration::from_secs(1))
        })?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(unreadable(&error)),
            // Trailers say nothing here.
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// A connection that broke is tried again; what is no HTTP would be the same each time.
fn unreadable(error: &(dyn Error + 'static)) -> Failure {
    let causes = std::iter::successors(Some(error), |cause| (*cause).source());
    let kinds = causes.filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    let text = printable(&with_causes(error), 200);
    match kinds.last() {
        // HTTP/1 says so of chunks whose lengths or ends cannot be read.
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            Failure::new(Reason::BodyMalformed, format!("request body is not valid HTTP: {text}"))
        }
        _ => {
            let message = format!("request body broke off: {text}");
            Failure::retry(Reason::BodyUnreadable, message, Duration::from_secs(1))
        }
    }
}

/// Every body has `timeout`; each byte that has arrived earns it a little more, but no longer pause.
fn time_left(started_at: Instant, n_bytes: usize, timeout: Duration, clock: Clock) -> Duration {
    let earned = Duration::from_secs_f64(n_bytes as f64 / RATE_MIN_BYTES_PER_S);
    let left = (timeout + earned).saturating_sub(clock.instant().duration_since(started_at));
    left.min(timeout)
}
