//! One HTTP client per receiver, and one attempt with it.
//!
//! Every attempt resolves the name again and checks what it connects to. Redirects, proxies and
//! compression are off: each of them would reach a place, or a size, that nobody checked. An attempt never
//! fails; how it went is its result.

use super::{
    retry::{Outcome, nanos, retry_after},
    sign::Secret,
    target::{AddressGuard, ReceiverUrl, TargetError},
};
use crate::{Attempt, Error};
use reqwest::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
};
use std::{future::Future, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

/// More of an answer is not read: the connection is dropped there.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// And this much of it is kept in the ledger.
const ANSWER_BYTES_KEPT: usize = 1024;
/// Error texts come from the network's libraries; this is enough for every one of them.
const ERROR_CHARS_MAX: usize = 300;
const USER_AGENT: &str = concat!("Firstfault/", env!("CARGO_PKG_VERSION"));

/// Looks a host name up. A type of its own so that a test can let a name change its mind.
pub(super) trait Lookup: Send + Sync + 'static {
    fn lookup(&self, host: String) -> LookupAnswer;
}

pub(super) type LookupAnswer = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

/// The operating system's resolver.
pub(super) struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: String) -> LookupAnswer {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// Resolves names and lets only permitted addresses through; the connection goes to one of these, so
/// that no second lookup can change it.
struct GuardedResolver {
    guard: AddressGuard,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, host) = (self.guard, name.as_str().to_owned());
        let answer = self.lookup.lookup(host.clone());
        Box::pin(async move { Ok(Box::new(permitted(guard, &host, answer.await?)?.into_iter()) as Addrs) })
    }
}

/// Any forbidden address among the answers refuses the name: a mixed answer is how a rebinding starts.
fn permitted(
    guard: AddressGuard,
    host: &str,
    addresses: Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, TargetError> {
    if addresses.is_empty() {
        return Err(TargetError::NoAddress { host: host.to_owned() });
    }
    addresses.iter().try_for_each(|address| guard.check(address.ip()))?;
    Ok(addresses)
}

/// Builds the client of one receiver.
pub(super) fn client(
    receiver: &str,
    target: &ReceiverUrl,
    timeout: Duration,
    lookup: Arc<dyn Lookup>,
) -> Result<Client, Error> {
    // Fails when a provider is installed already, and then that one serves.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .dns_resolver(Arc::new(GuardedResolver { guard: target.guard(), lookup }))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .retry(reqwest::retry::never())
        .timeout(timeout)
        .pool_max_idle_per_host(0)
        .http1_only();
    // Without TLS there is nothing to verify, and a machine without root certificates can still deliver.
    let builder = if target.url().scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(|source| Error::Client { receiver: receiver.to_owned(), source })
}

/// The parts of a request that change from one notification to the next.
pub(super) struct Letter<'a> {
    pub(super) id: &'a str,
    pub(super) body: Vec<u8>,
    pub(super) secret: Option<&'a Secret>,
}

/// Sends one notification once. `clock` is read before and after.
pub(super) async fn attempt(
    client: &Client,
    target: &ReceiverUrl,
    letter: Letter<'_>,
    clock: &(dyn Fn() -> i64 + Send + Sync),
) -> (Attempt, Outcome) {
    let at = clock();
    let sent = match target.check_literal() {
        Ok(()) => request(client, target, letter, at).send().await.map_err(|error| explain(&error)),
        Err(error) => Err(error.to_string()),
    };
    let (mut attempt, outcome) = match sent {
        Ok(response) => answered(response, clock()).await,
        Err(error) => (blank(at, error), Outcome::NoAnswer),
    };
    attempt.at = at;
    attempt.duration_ns = clock().saturating_sub(at).max(0);
    (attempt, outcome)
}

fn request(client: &Client, target: &ReceiverUrl, letter: Letter<'_>, at: i64) -> reqwest::RequestBuilder {
    let timestamp_s = at / 1_000_000_000;
    let request = client
        .post(target.url().clone())
        .header(header::CONTENT_TYPE, "application/json")
        .header("webhook-id", letter.id)
        .header("webhook-timestamp", timestamp_s)
        .header("idempotency-key", letter.id);
    let signature = letter.secret.map(|secret| secret.signature(letter.id, timestamp_s, &letter.body));
    let request = match signature {
        Some(signature) => request.header("webhook-signature", signature),
        None => request,
    };
    request.body(letter.body)
}

/// The status decides; the body is only kept as evidence, and may be cut off.
async fn answered(response: Response, now: i64) -> (Attempt, Outcome) {
    let status = response.status();
    let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let outcome = Outcome::Answered {
        status: status.as_u16(),
        retry_after: asked.and_then(|value| retry_after(value, now)),
    };
    let address = response.remote_addr().map(|address| address.to_string());
    let error = if status.is_success() { String::new() } else { refusal(status.as_u16()) };
    let answer = read_answer(response).await;
    (Attempt { status: Some(status.as_u16()), answer, address, ..blank(now, error) }, outcome)
}

fn refusal(status: u16) -> String {
    match status {
        300..=399 => format!("the receiver redirects with {status}, which is not followed"),
        410 => "the receiver is gone (410) and is not called again".to_owned(),
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

fn blank(at: i64, error: String) -> Attempt {
    Attempt {
        at,
        duration_ns: nanos(Duration::ZERO),
        status: None,
        error,
        answer: String::new(),
        address: None,
    }
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
