//! The clients of one receiver, and one attempt with them.
//!
//! Every attempt resolves the name again and checks what it connects to. Redirects, proxies and
//! compression are off: each of them would reach a place, or a size, that nobody checked. An attempt never
//! fails; how it went is its result.

use super::{
    courier::Clock,
    kinds::Kind,
    receiver::Receiver,
    request::{HttpRequest, Letter, MailRequest, Outgoing},
    resolve::{GuardedResolver, Lookup},
    retry::{Answer, Verdict, retry_after},
    smtp::MailClient,
};
use crate::{Attempt, Error};
use reqwest::{Client, RequestBuilder, Response, header};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// More of an answer is not read: the connection is dropped there.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// And this much of it is kept in the ledger.
const ANSWER_BYTES_KEPT: usize = 1024;
/// Error texts come from the network's libraries; this is enough for every one of them.
const ERROR_CHARS_MAX: usize = 300;
const USER_AGENT: &str = concat!("Firstfault/", env!("CARGO_PKG_VERSION"));

/// What carries notifications to one receiver.
pub(super) enum Carrier {
    Http(Client),
    Mail(MailClient),
}

/// What was said and heard, before it is judged.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// Absent when no answer came.
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<Duration>,
    /// Why no answer came, or what was wrong with it.
    pub(super) error: String,
    /// Its beginning.
    pub(super) answer: String,
    pub(super) address: Option<String>,
}

impl Carrier {
    pub(super) fn new(
        receiver: &Receiver,
        timeout: Duration,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, Error> {
        // Fails when a provider is installed already, and then that one serves.
        drop(rustls::crypto::ring::default_provider().install_default());
        match &receiver.kind {
            Kind::Email(mail) => {
                MailClient::new(&receiver.name, mail.server(), timeout, lookup).map(Self::Mail)
            }
            kind => http_client(&receiver.name, kind, timeout, lookup).map(Self::Http),
        }
    }

    /// Sends one notification once. `clock` is read before and after.
    pub(super) async fn attempt(
        &self,
        kind: &Kind,
        id: &str,
        body: &[u8],
        clock: &Clock,
    ) -> (Attempt, Verdict) {
        let at = clock();
        let (exchange, verdict) = match (self, kind.outgoing(Letter { id, body, at })) {
            (Self::Http(client), Ok(Outgoing::Http(requests))) => post(client, kind, requests, clock).await,
            (Self::Mail(client), Ok(Outgoing::Mail(request))) => hand_over(client, kind, &request).await,
            (_, Err(garbled)) => (Exchange::failed(garbled.to_string()), Verdict::Final),
            (_, Ok(_)) => (Exchange::failed("there is no client for it".to_owned()), Verdict::Final),
        };
        let Exchange { status, error, answer, address, .. } = exchange;
        let duration_ns = clock().saturating_sub(at).max(0);
        (Attempt { at, duration_ns, status, error, answer, address }, verdict)
    }
}

impl Exchange {
    fn failed(error: String) -> Self {
        Self { error, ..Self::default() }
    }

    /// The verdict; where it is not a good one, there is an error now.
    fn judged(mut self, kind: &Kind) -> (Self, Verdict) {
        let Some(status) = self.status else { return (self, Verdict::NO_ANSWER) };
        let verdict =
            kind.judge(&Answer { status, retry_after: self.retry_after, body: self.answer.as_str() });
        if verdict != Verdict::Delivered && self.error.is_empty() {
            self.error = refusal(status, verdict);
        }
        (self, verdict)
    }
}

/// Builds the HTTP client of one receiver.
fn http_client(
    receiver: &str,
    kind: &Kind,
    timeout: Duration,
    lookup: Arc<dyn Lookup>,
) -> Result<Client, Error> {
    let guard = kind.guard().cloned().unwrap_or_default();
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .dns_resolver(Arc::new(GuardedResolver { guard, lookup }))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .retry(reqwest::retry::never())
        .timeout(timeout)
        .pool_max_idle_per_host(0)
        .http1_only();
    // Without TLS there is nothing to verify, and a machine without root certificates can still deliver.
    let is_plain = kind.targets().iter().all(|target| target.url().scheme() == "http");
    let builder = if is_plain { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(|source| Error::Client { receiver: receiver.to_owned(), source })
}

async fn hand_over(client: &MailClient, kind: &Kind, request: &MailRequest<'_>) -> (Exchange, Verdict) {
    client.send(request).await.judged(kind)
}

/// To all targets at once: one that hangs must not keep the others waiting.
async fn post(
    client: &Client,
    kind: &Kind,
    requests: Vec<HttpRequest<'_>>,
    clock: &Clock,
) -> (Exchange, Verdict) {
    let mut under_way = JoinSet::new();
    for (n, request) in requests.into_iter().enumerate() {
        let (target, checked) = (request.target.to_string(), request.target.check_literal());
        let (builder, clock) = (builder(client, request), Clock::clone(clock));
        under_way.spawn(async move {
            let exchange = match checked {
                Ok(()) => exchange(builder, &clock).await,
                Err(error) => Exchange::failed(error.to_string()),
            };
            (n, target, exchange)
        });
    }
    let mut done = under_way.join_all().await;
    done.sort_by_key(|(n, ..)| *n);
    let judged = done.into_iter().map(|(_, target, exchange)| (target, exchange.judged(kind)));
    merged(judged.collect())
}

/// Whoever takes it is enough; then the others are noted, and what they did not hear they hear from the next repeat.
fn merged(mut judged: Vec<(String, (Exchange, Verdict))>) -> (Exchange, Verdict) {
    let n = judged.len();
    let rank = |verdict: Verdict| match verdict {
        Verdict::Delivered => 0,
        Verdict::Retry(_) => 1,
        Verdict::Final | Verdict::Disable => 2,
    };
    let failures: Vec<String> = judged
        .iter()
        .filter(|(_, (_, verdict))| *verdict != Verdict::Delivered)
        .map(|(target, (exchange, _))| format!("{target}: {}", exchange.error))
        .collect();
    judged.sort_by_key(|(_, (_, verdict))| rank(*verdict));
    let Some((_, (mut exchange, verdict))) = judged.into_iter().next() else {
        return (Exchange::failed("there is nowhere to send it".to_owned()), Verdict::Final);
    };
    if n > 1 && !failures.is_empty() {
        let error = format!("{} of {n} did not take it: {}", failures.len(), failures.join("; "));
        exchange.error = error.chars().take(ERROR_CHARS_MAX).collect();
    }
    (exchange, verdict)
}

fn builder(client: &Client, request: HttpRequest<'_>) -> RequestBuilder {
    let mut builder = client.post(request.target.url().clone());
    for header in request.headers {
        builder = builder.header(header.name, header.value);
    }
    builder.body(request.body)
}

async fn exchange(request: RequestBuilder, clock: &Clock) -> Exchange {
    match request.send().await {
        Ok(response) => answered(response, clock()).await,
        Err(error) => Exchange::failed(explain(&error)),
    }
}

/// The status decides; the body is only kept as evidence, and may be cut off.
async fn answered(response: Response, now: i64) -> Exchange {
    let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    Exchange {
        status: Some(response.status().as_u16()),
        retry_after: asked.and_then(|value| retry_after(value, now)),
        error: String::new(),
        address: response.remote_addr().map(|address| address.to_string()),
        answer: read_answer(response).await,
    }
}

fn refusal(status: u16, verdict: Verdict) -> String {
    match (status, verdict) {
        (200..=299, _) => format!("the receiver answered {status}, but not that it took the message"),
        (300..=399, _) => format!("the receiver redirects with {status}, which is not followed"),
        (_, Verdict::Disable) => format!("the receiver is gone ({status}) and is not called again"),
        _ => format!("the receiver answered {status}"),
    }
}

/// Reads to the limit, so that a polite server can finish, and keeps the beginning.
async fn read_answer(mut response: Response) -> String {
    let (mut kept, mut n_read) = (Vec::new(), 0);
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = ANSWER_BYTES_KEPT - kept.len();
        kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
        n_read += chunk.len();
        if n_read >= ANSWER_BYTES_MAX {
            break;
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The kind of failure and its innermost cause. The library's own text would repeat the whole URL.
fn explain(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "cannot connect"
    } else {
        "the connection broke"
    };
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    let text = cause.map_or_else(|| kind.to_owned(), |cause| format!("{kind}: {cause}"));
    text.chars().take(ERROR_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
