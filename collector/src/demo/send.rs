//! Delivers requests over gRPC as the protocol asks: retries what may be retried, and nothing else.
//!
//! A partial success is counted and never sent again. A refusal for good drops the request and is counted and
//! logged. An address where OTLP over gRPC is not spoken ends the demo at once, a server that takes nothing
//! for `PATIENCE` a little later, each with an error that says so.

use super::Error;
use super::otlp::Request;
use crate::decode::text::printable;
use crate::reach::{self, Reach};
use futures::{StreamExt, TryStreamExt, stream};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;

#[derive(Clone, Debug)]
pub(super) struct Client {
    endpoint: String,
    channel: Channel,
    /// Says who sends, in every request.
    authorization: Option<AsciiMetadataValue>,
    heard: Arc<Heard>,
}

/// What the server has shown so far.
#[derive(Debug, Default)]
struct Heard {
    has_answered: AtomicBool,
    has_taken: AtomicBool,
}

/// What became of everything sent so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub n_spans: u64,
    pub n_logs: u64,
    pub n_points: u64,
    /// Items the server refused in partial successes.
    pub n_rejected: u64,
    /// Items of requests the server refused whole.
    pub n_dropped: u64,
    pub n_retries: u64,
}

/// The first server may still be starting: this many attempts, `CONNECT_PAUSE` apart.
const CONNECT_ATTEMPTS: u32 = 10;
const CONNECT_PAUSE: Duration = Duration::from_millis(300);
/// For one attempt to send one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Waits between attempts grow from the first to the longest.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// Long enough for a server to restart and replay its log.
const PATIENCE: Duration = Duration::from_secs(60);
/// Attempts with a server that never answered one: a few seconds, and no restart loses what was running before.
const FIRST_ATTEMPTS: u32 = 6;
/// Requests under way at once; group commit on the other side makes one disk write of them.
const CONCURRENCY: usize = 8;

impl Client {
    /// Fails when nothing listens there after a few seconds.
    pub(super) async fn connect(address: &str, reach: &Reach) -> Result<Client, Error> {
        let endpoint = || address.to_owned();
        let failed = |error: reach::Error| Error::Reach { endpoint: endpoint(), source: error.into() };
        let target = Endpoint::from_shared(endpoint())
            .map_err(|source| Error::Endpoint { endpoint: endpoint(), source })?
            .connect_timeout(Duration::from_secs(5))
            .timeout(REQUEST_TIMEOUT);
        let target = reach.secured(target).map_err(failed)?;
        let authorization = reach.metadata().map_err(failed)?;
        let mut attempt = 1;
        loop {
            match target.connect().await {
                Ok(channel) => {
                    let heard = Arc::default();
                    return Ok(Client { endpoint: endpoint(), channel, authorization, heard });
                }
                Err(source) if attempt == CONNECT_ATTEMPTS => {
                    return Err(Error::NoServer { endpoint: endpoint(), source });
                }
                Err(_) => tokio::time::sleep(CONNECT_PAUSE).await,
            }
            attempt += 1;
        }
    }

    /// Returns when each request was taken or refused for good.
    pub(super) async fn send_all(&self, requests: Vec<Request>, tally: &mut Tally) -> Result<(), Error> {
        let sending = stream::iter(requests).map(|request| self.send(request)).buffer_unordered(CONCURRENCY);
        let sum = |sum: Tally, one: Tally| std::future::ready(Ok(sum.plus(&one)));
        *tally = sending.try_fold(tally.clone(), sum).await?;
        Ok(())
    }

    async fn send(&self, request: Request) -> Result<Tally, Error> {
        let (mut attempt, mut waited) = (0, Duration::ZERO);
        loop {
            let status = match self.export(&request).await {
                Ok(answer) => return Ok(taken(&request, answer, attempt)),
                Err(status) => status,
            };
            if self.heard.is_elsewhere(&status, attempt) {
                return Err(self.not_taken(&status));
            }
            let Some(delay) = retry_delay(&status, attempt) else {
                return Ok(refused(&request, &status, attempt));
            };
            if waited >= PATIENCE {
                let (endpoint, source) = (self.endpoint.clone(), Box::new(status));
                return Err(Error::ServerGone { endpoint, waited, source });
            }
            tracing::debug!(code = ?status.code(), ?delay, "waiting to send again");
            tokio::time::sleep(delay).await;
            waited += delay;
            attempt += 1;
        }
    }

    fn not_taken(&self, status: &Status) -> Error {
        let (endpoint, reason) = (self.endpoint.clone(), reason(status));
        match status.code() {
            Code::Unauthenticated => Error::Credentials { endpoint, reason },
            _ => Error::NotOtlp { endpoint, reason },
        }
    }

    fn authorized<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        request
    }

    async fn export(&self, request: &Request) -> Result<Answer, Status> {
        let answer = self.call(request).await;
        self.heard.note(&answer);
        answer
    }

    async fn call(&self, request: &Request) -> Result<Answer, Status> {
        let channel = self.channel.clone();
        let answer = match request.clone() {
            Request::Traces(body, _) => {
                let answer =
                    TraceServiceClient::new(channel).export(self.authorized(body)).await?.into_inner();
                answer.partial_success.map(|partial| (partial.rejected_spans, partial.error_message))
            }
            Request::Logs(body, _) => {
                let answer =
                    LogsServiceClient::new(channel).export(self.authorized(body)).await?.into_inner();
                answer.partial_success.map(|partial| (partial.rejected_log_records, partial.error_message))
            }
            Request::Metrics(body, _) => {
                let answer =
                    MetricsServiceClient::new(channel).export(self.authorized(body)).await?.into_inner();
                answer.partial_success.map(|partial| (partial.rejected_data_points, partial.error_message))
            }
        };
        let (n_rejected, message) = answer.unwrap_or_default();
        Ok(Answer { n_rejected: n_rejected.max(0).unsigned_abs(), message })
    }
}

impl Heard {
    fn note(&self, answer: &Result<Answer, Status>) {
        self.has_taken.fetch_or(answer.is_ok(), Ordering::Relaxed);
        let is_answer = answer.as_ref().err().is_none_or(|status| !is_of_this_side(status));
        self.has_answered.fetch_or(is_answer, Ordering::Relaxed);
    }

    /// Is this no server of OTLP over gRPC, so that nothing will ever be taken?
    fn is_elsewhere(&self, status: &Status, attempt: u32) -> bool {
        if is_of_this_side(status) {
            return !self.has_answered.load(Ordering::Relaxed) && attempt + 1 >= FIRST_ATTEMPTS;
        }
        match status.code() {
            Code::Unimplemented => true,
            // An answer of plain HTTP is given one of these; a server that took something before has other reasons.
            Code::Unknown | Code::Internal | Code::Unauthenticated | Code::PermissionDenied => {
                !self.has_taken.load(Ordering::Relaxed)
            }
            _ => false,
        }
    }
}

/// A status with a cause was made on this side: the connection broke, the server said nothing.
fn is_of_this_side(status: &Status) -> bool {
    status.source().is_some()
}

/// What the server said, or why it said nothing, in one line.
fn reason(status: &Status) -> String {
    let causes = std::iter::successors(status.source(), |cause: &&dyn std::error::Error| (*cause).source());
    printable(&causes.last().map_or_else(|| status.message().to_owned(), ToString::to_string), 200)
}

impl Tally {
    fn plus(&self, other: &Tally) -> Tally {
        Tally {
            n_spans: self.n_spans + other.n_spans,
            n_logs: self.n_logs + other.n_logs,
            n_points: self.n_points + other.n_points,
            n_rejected: self.n_rejected + other.n_rejected,
            n_dropped: self.n_dropped + other.n_dropped,
            n_retries: self.n_retries + other.n_retries,
        }
    }
}

struct Answer {
    n_rejected: u64,
    message: String,
}

fn taken(request: &Request, answer: Answer, n_retries: u32) -> Tally {
    let Answer { n_rejected, message } = answer;
    if n_rejected > 0 || !message.is_empty() {
        tracing::warn!(n_rejected, message, "the server rejected a part");
    }
    let tally = Tally { n_rejected, n_retries: n_retries.into(), ..Tally::default() };
    let n_kept = |n_items: usize| (n_items as u64).saturating_sub(n_rejected);
    match request {
        Request::Traces(_, n_items) => Tally { n_spans: n_kept(*n_items), ..tally },
        Request::Logs(_, n_items) => Tally { n_logs: n_kept(*n_items), ..tally },
        Request::Metrics(_, n_items) => Tally { n_points: n_kept(*n_items), ..tally },
    }
}

fn refused(request: &Request, status: &Status, n_retries: u32) -> Tally {
    let (Request::Traces(_, n_items) | Request::Logs(_, n_items) | Request::Metrics(_, n_items)) = request;
    tracing::warn!(code = ?status.code(), message = status.message(), n_items, "the server refused a request");
    Tally { n_dropped: *n_items as u64, n_retries: n_retries.into(), ..Tally::default() }
}

/// How long to wait before sending again; `None` where the protocol says to drop.
fn retry_delay(status: &Status, attempt: u32) -> Option<Duration> {
    let asked = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let may_retry = match status.code() {
        Code::Unavailable
        | Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::DataLoss => true,
        Code::ResourceExhausted => asked.is_some(),
        _ => is_of_this_side(status),
    };
    may_retry.then(|| asked.unwrap_or_else(|| backoff(attempt)))
}

/// Doubles with each attempt; the random half keeps many requests from coming back together.
fn backoff(attempt: u32) -> Duration {
    let full = BACKOFF_FIRST.saturating_mul(1 << attempt.min(10)).min(BACKOFF_MAX);
    full.mul_f64(rand::random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    /// Scenario: each status code, with and without a delay that the server asks for.
    /// Guarantees: exactly the protocol's retryable codes are tried again, and the server's delay is kept.
    #[test]
    fn only_retryable_codes_are_retried() {
        let delay = Some(Duration::from_secs(7));
        let asking = |code| Status::with_error_details(code, "busy", ErrorDetails::with_retry_info(delay));
        let retried: Vec<_> = (1..=16)
            .map(Code::from_i32)
            .filter(|code| retry_delay(&Status::new(*code, ""), 0).is_some())
            .collect();
        let expected = [
            Code::Cancelled,
            Code::DeadlineExceeded,
            Code::Aborted,
            Code::OutOfRange,
            Code::Unavailable,
            Code::DataLoss,
        ];
        assert_eq!(retried, expected);
        assert_eq!(retry_delay(&asking(Code::Unavailable), 3), delay);
        assert_eq!(retry_delay(&asking(Code::ResourceExhausted), 3), delay);
        assert_eq!(retry_delay(&asking(Code::InvalidArgument), 0), None);
    }

    /// Scenario: many attempts in a row.
    /// Guarantees: the waits grow and stay within their bounds.
    #[test]
    fn backoff_is_bounded() {
        for attempt in 0..100 {
            assert!((BACKOFF_FIRST / 2..=BACKOFF_MAX).contains(&backoff(attempt)));
        }
        assert!(backoff(4) > backoff(0));
    }
}
