//! Clients that are wrong here, slow, or in a browser.

use crate::messages;
use crate::outcome::{Checked, Stop, demand, fail, skip};
use crate::query;
use crate::target::{Address, Target};
use crate::wire::http::{Answer, Call};
use crate::wire::socket::{self, Ending};
use crate::wire::{Encoding, Reply, Signal, grpc};
use http::Method;
use serde_json::Value;
use std::time::Duration;
use tokio::time::{interval, timeout};

/// For whoever speaks another protocol than the port.
const STRANGER_LIMIT: Duration = Duration::from_secs(20);
/// For the headers of a request to be whole.
const HEADER_LIMIT: Duration = Duration::from_secs(20);
/// For a body that has stopped to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(45);
/// Where diagnostics are asked for again.
const ATTEMPTS: usize = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// A TLS 1.2 ClientHello without extensions, its random bytes all alike.
fn client_hello() -> Vec<u8> {
    // A record of 47 bytes, in it a handshake message of 43.
    let mut hello = vec![0x16, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3];
    hello.extend([0x5a; 32]);
    // No session, one cipher suite, no compression, no extensions.
    hello.extend([0, 0, 2, 0xc0, 0x2f, 1, 0, 0, 0]);
    hello
}

/// 40
pub(crate) async fn strangers_are_named(target: &Target) -> Checked {
    let before = reasons(target).await?;
    let post = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\
         Connection: close\r\n\r\n{{}}",
        target.grpc().authority()
    );
    let on_grpc = ended(target.grpc(), post.as_bytes(), "HTTP/1 on the gRPC port").await?;
    let on_http = grpc_on_http(target).await?;
    let http = misspoken(target.http(), &post, "the HTTP port").await?;
    let grpc = misspoken(target.grpc(), &post, "the gRPC port").await?;
    let body = messages::sample(Signal::Traces, &target.service(40));
    let answer = Call::export(Signal::Traces, Encoding::Protobuf, body).send(target).await?;
    Reply::of_http(&answer, Signal::Traces, Encoding::Protobuf)?;
    let seen = format!("HTTP/1 on gRPC: {on_grpc}; gRPC on HTTP: {on_http}; {http}; {grpc}");
    if target.query().is_none() {
        return skip(format!("{seen}; whether it is named takes --query"));
    }
    named(target, &before, &["http", "grpc", wrong_layer(target.http()), wrong_layer(target.grpc())]).await?;
    Ok(format!("{seen}; each is named in the diagnostics"))
}

async fn ended(address: &Address, bytes: &[u8], what: &str) -> Result<Ending, Stop> {
    has_ended(socket::send(address, bytes, STRANGER_LIMIT).await?, what)
}

fn has_ended(ending: Ending, what: &str) -> Result<Ending, Stop> {
    demand(ending != Ending::Silent, || format!("{what}: {ending} for {} s", STRANGER_LIMIT.as_secs()))?;
    Ok(ending)
}

/// Whichever of the two the port does not speak.
fn wrong_layer(address: &Address) -> &'static str {
    if address.tls().is_some() { "plaintext" } else { "tls" }
}

/// TLS where plaintext is spoken, and a request in the clear where TLS is.
async fn misspoken(address: &Address, post: &str, port: &str) -> Result<String, Stop> {
    let what = format!("{} on {port}", wrong_layer(address));
    let bytes = if address.tls().is_some() { post.as_bytes().to_vec() } else { client_hello() };
    let ending = socket::send_bare(address, &bytes, STRANGER_LIMIT).await?;
    Ok(format!("{what}: {}", has_ended(ending, &what)?))
}

/// A gRPC client that was given the port of OTLP/HTTP. Any end will do, but there has to be one.
async fn grpc_on_http(target: &Target) -> Result<String, Stop> {
    let calling = async {
        let connection = grpc::Connection::open(target.http()).await?;
        let body = messages::sample(Signal::Traces, &target.service(40));
        connection.send(grpc::Call::export(Signal::Traces, &body), target.headers()).await
    };
    match timeout(STRANGER_LIMIT, calling).await {
        Ok(Ok(answer)) => Ok(format!("{:?} '{}'", answer.code(), answer.status.message)),
        Ok(Err(_)) => Ok("ended without a status".to_owned()),
        Err(_) => fail("gRPC on the HTTP port: left open without a word"),
    }
}

/// Reasons of refusals with their counts; none without an API.
async fn reasons(target: &Target) -> Result<Vec<(String, u64)>, Stop> {
    if target.query().is_none() {
        return Ok(Vec::new());
    }
    let status = query::document(target, "/api/v1/status").await?;
    let rejections = status["rejections"].as_array().into_iter().flatten();
    let reason = |rejection: &Value| {
        let name = rejection["reason"].as_str().unwrap_or_default().to_owned();
        (name, rejection["n"].as_u64().unwrap_or(0))
    };
    Ok(rejections.map(reason).collect())
}

/// Waits until for each word a reason has been counted that has the word in its name.
async fn named(target: &Target, before: &[(String, u64)], words: &[&str]) -> Result<(), Stop> {
    let mut pause = interval(PAUSE);
    let mut missing = Vec::new();
    for _ in 0..ATTEMPTS {
        pause.tick().await;
        let after = reasons(target).await?;
        let is_new = |(reason, n): &&(String, u64)| {
            before.iter().find(|(name, _)| name == reason).is_none_or(|(_, n_before)| n > n_before)
        };
        let new: Vec<&str> = after.iter().filter(is_new).map(|(reason, _)| reason.as_str()).collect();
        missing = words.iter().filter(|word| !new.iter().any(|reason| names(reason, word))).collect();
        if missing.is_empty() {
            return Ok(());
        }
    }
    fail(format!("no reason that was counted meanwhile names {missing:?}"))
}

/// `http_on_grpc_port` is about HTTP, which was sent, not about gRPC, which was expected.
fn names(reason: &str, word: &str) -> bool {
    reason.split("_on_").next().is_some_and(|sent| sent.split('_').any(|part| part == word))
        && (word == "tls" || reason.contains("_on_"))
}

/// 41
pub(crate) async fn unfinished_requests_are_cut(target: &Target) -> Checked {
    let host = target.http().authority();
    let path = target.http().path(Signal::Traces.path());
    let headers = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-prot");
    let body = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-protobuf\r\n{}\
         Content-Length: 1000\r\n\r\n\x0a",
        credentials(target)
    );
    let (headers, body) = tokio::try_join!(
        socket::send(target.http(), headers.as_bytes(), HEADER_LIMIT),
        socket::send(target.http(), body.as_bytes(), BODY_LIMIT),
    )?;
    let seen = format!(
        "unfinished headers: {headers} (within {} s); unfinished body: {body} (within {} s)",
        HEADER_LIMIT.as_secs(),
        BODY_LIMIT.as_secs()
    );
    demand(headers != Ending::Silent && body != Ending::Silent, || seen.clone())?;
    Ok(seen)
}

/// The target's headers as lines of HTTP/1.
fn credentials(target: &Target) -> String {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        format!("{name}: {}\r\n", value.to_str().unwrap_or_default())
    };
    target.headers().iter().map(line).collect()
}

const ORIGIN: &str = "https://app.example.com";

/// 44: a server that allows no origin is right, and so is one that allows them properly.
pub(crate) async fn cors_is_whole_or_absent(target: &Target) -> Checked {
    let preflight = Call::new(Method::OPTIONS, Signal::Traces.path())
        .header("origin", ORIGIN)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type");
    let preflight = preflight.send(target).await?;
    let body = messages::sample(Signal::Traces, &target.service(44));
    let export = Call::export(Signal::Traces, Encoding::Protobuf, body).header("origin", ORIGIN);
    let export = export.send(target).await?;
    match (allowed_origin(&preflight), allowed_origin(&export)) {
        (None, None) => Ok(format!("no origin is allowed; the preflight was answered {}", preflight.status)),
        (Some(origin), Some(_)) if is_ours(origin) => {
            demand(preflight.status < 300, || {
                format!("an allowed preflight was answered {}", preflight.status)
            })?;
            let allowed = preflight.header("access-control-allow-headers").unwrap_or_default();
            let is_allowed = lists(allowed, "content-type") || lists(allowed, "*");
            demand(is_allowed, || format!("content-type is not among the allowed headers: '{allowed}'"))?;
            Ok(format!("origin '{origin}' and headers '{allowed}' are allowed"))
        }
        (Some(origin), _) if !is_ours(origin) => Ok(format!("another origin is allowed: '{origin}'")),
        (preflight, export) => fail(format!(
            "the preflight allows {preflight:?} and the export {export:?}: a browser needs both"
        )),
    }
}

fn allowed_origin(answer: &Answer) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

fn is_ours(origin: &str) -> bool {
    origin == "*" || origin == ORIGIN
}

fn lists(value: &str, name: &str) -> bool {
    value.split(',').any(|one| one.trim().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the greeting of a TLS client.
    /// Guarantees: its lengths are those of its parts.
    #[test]
    fn the_client_hello_is_whole() {
        let hello = client_hello();
        assert_eq!(hello.len(), 5 + usize::from(hello[4]));
        assert_eq!(hello.len(), 9 + usize::from(hello[8]));
    }

    /// Scenario: reasons as servers may call them.
    /// Guarantees: each names what was sent, and not the port.
    #[test]
    fn reasons_name_what_was_sent() {
        assert!(names("http_on_grpc_port", "http") && !names("http_on_grpc_port", "grpc"));
        assert!(names("grpc_on_http_port", "grpc") && !names("grpc_on_http_port", "http"));
        assert!(names("tls_on_plaintext_port", "tls") && names("tls_handshake", "tls"));
        assert!(names("plaintext_on_tls_port", "plaintext") && !names("plaintext_on_tls_port", "tls"));
        assert!(!names("grpc_frame_malformed", "grpc"));
    }
}
