//! What exports that are taken are answered with: whole, in part, empty.

use super::{call, post, post_json, post_protobuf};
use crate::messages::{self, UNDECODABLE_JSON, UNDECODABLE_PROTOBUF, json};
use crate::outcome::{Checked, Stop, demand, skip};
use crate::query;
use crate::target::Target;
use crate::wire::http::Call;
use crate::wire::{Encoding, Reply, Signal, grpc};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Value, json};

/// Bytes of an answer that the specification recommends as the bound.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Spans of the request that is rejected whole, item by item, and characters of their names: repeated in an answer
/// they would be larger than its bound.
const N_REJECTED: usize = 50_000;
const NAME_CHARS: usize = 100;
/// Items of a request that is partly right.
const N_GOOD: usize = 2;
const N_BAD: usize = 3;

/// A span whose trace id is a byte short.
fn bad_span(name: &str) -> Span {
    let mut span = messages::span(name);
    span.trace_id.pop();
    span
}

/// 9
pub(crate) async fn answers_are_small(target: &Target) -> Checked {
    let name = |n: usize| format!("{n:0NAME_CHARS$}");
    let spans = (0..N_REJECTED).map(|n| bad_span(&name(n))).collect();
    let body = Bytes::from(messages::traces(&target.service(9), spans).encode_to_vec());
    let answer = Call::export(Signal::Traces, Encoding::Protobuf, body.clone()).send(target).await?;
    let over_http = (answer.status, answer.body.len());
    let answer = grpc::Call::export(Signal::Traces, &body).send(target).await?;
    let over_grpc = (answer.code(), answer.message.len() + answer.status.message.len());
    let seen = format!(
        "{N_REJECTED} invalid spans: {} with {} bytes over HTTP, {:?} with {} bytes over gRPC",
        over_http.0, over_http.1, over_grpc.0, over_grpc.1
    );
    demand(over_http.1.max(over_grpc.1) <= ANSWER_BYTES_MAX, || seen.clone())?;
    Ok(seen)
}

/// 10
pub(crate) async fn content_type_is_the_requests(target: &Target) -> Checked {
    let service = target.service(10);
    for encoding in Encoding::ALL {
        let (good, bad) = match encoding {
            Encoding::Protobuf => (messages::sample(Signal::Traces, &service), UNDECODABLE_PROTOBUF),
            Encoding::Json => {
                (json::sample(Signal::Traces, &service).to_string().into_bytes(), UNDECODABLE_JSON)
            }
        };
        for (what, body) in [("a good", good), ("an undecodable", bad.to_vec())] {
            let answer = Call::export(Signal::Traces, encoding, body).send(target).await?;
            let (name, got) = (encoding.name(), answer.media_type());
            demand(got == encoding.content_type(), || {
                format!("{what} request as {name} was answered {} as '{got}'", answer.status)
            })?;
        }
    }
    Ok("protobuf for protobuf, JSON for JSON, with 200 and with errors".to_owned())
}

/// 11
pub(crate) async fn full_success_is_unset(target: &Target) -> Checked {
    let service = target.service(11);
    for signal in Signal::ALL {
        let body = messages::sample(signal, &service);
        let answer = grpc::Call::export(signal, &body).send(target).await?;
        unset(&Reply::of_grpc(&answer, signal)?, signal, "gRPC")?;
        let body = messages::sample(signal, &service);
        unset(&post(target, signal, Encoding::Protobuf, body).await?, signal, "protobuf")?;
        unset(&post_json(target, signal, &json::sample(signal, &service)).await?, signal, "JSON")?;
    }
    Ok("unset for three signals over gRPC, as protobuf and as JSON".to_owned())
}

fn unset(reply: &Reply, signal: Signal, how: &str) -> Result<(), Stop> {
    demand(!reply.is_partial, || {
        format!("{} as {how}: set, with {} rejected and '{}'", signal.name(), reply.n_rejected, reply.message)
    })
}

/// 12
pub(crate) async fn partial_success_counts(target: &Target) -> Checked {
    let service = target.service(12);
    let replies = [
        post_protobuf(target, Signal::Traces, &partly_good(&service)).await?,
        call(target, Signal::Traces, &partly_good(&service)).await?,
        post_json(target, Signal::Traces, &partly_good_json(&service)).await?,
    ];
    if replies.iter().all(|reply| reply.n_rejected == 0) {
        return skip("spans with ids of a wrong length were not rejected: line 24 judges that");
    }
    for reply in &replies {
        reply.rejected(N_BAD as i64)?;
    }
    if target.query().is_some() {
        query::stored(target, "spans", &service, replies.len() * N_GOOD).await?;
    }
    Ok(format!("{N_BAD} of {} spans rejected, over HTTP and gRPC", N_BAD + N_GOOD))
}

/// 13
pub(crate) async fn partial_success_says_why(target: &Target) -> Checked {
    let reply = post_protobuf(target, Signal::Traces, &partly_good(&target.service(13))).await?;
    if reply.n_rejected == 0 {
        return skip("spans with ids of a wrong length were not rejected: line 24 judges that");
    }
    let is_text = reply.message.chars().any(|c| c.is_ascii_alphabetic());
    demand(is_text, || format!("{} rejected, with the message '{}'", reply.n_rejected, reply.message))?;
    Ok(format!("'{}'", reply.message))
}

fn partly_good(service: &str) -> ExportTraceServiceRequest {
    let good = (0..N_GOOD).map(|_| messages::span("good"));
    messages::traces(service, good.chain((0..N_BAD).map(|_| bad_span("bad"))).collect())
}

fn partly_good_json(service: &str) -> Value {
    let good = (0..N_GOOD).map(|_| json::span("good"));
    let bad = (0..N_BAD).map(|_| json::span_of("abcd", &messages::hex(&messages::span_id()), "bad"));
    json::traces(service, good.chain(bad).collect())
}

/// 14
pub(crate) async fn empty_requests_succeed(target: &Target) -> Checked {
    for signal in Signal::ALL {
        let list = match signal {
            Signal::Traces => "resourceSpans",
            Signal::Logs => "resourceLogs",
            Signal::Metrics => "resourceMetrics",
        };
        // No field at all, and a resource without anything in it.
        for body in [&b""[..], b"\x0a\x00"] {
            let answer = grpc::Call::export(signal, body).send(target).await?;
            Reply::of_grpc(&answer, signal)?.whole()?;
            post(target, signal, Encoding::Protobuf, body).await?.whole()?;
        }
        for body in [json!({}), json!({ list: [] }), json!({ list: [{}] })] {
            post_json(target, signal, &body).await?.whole()?;
        }
    }
    Ok("200 and OK for empty messages, '{}' and empty envelopes".to_owned())
}
