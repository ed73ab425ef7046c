//! What requests are answered with that can never be taken.

use crate::messages::{self, UNDECODABLE_JSON, UNDECODABLE_PROTOBUF, json};
use crate::outcome::{Checked, Stop, demand, fail};
use crate::target::Target;
use crate::wire::http::{Answer, Call};
use crate::wire::{Encoding, RpcStatus, Signal, grpc, whole};
use http::Method;
use tonic::Code;

/// HTTP statuses after which a client sends the same again.
const RETRYABLE: [u16; 4] = [429, 502, 503, 504];
const UNKNOWN_METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Nothing";

fn undecodable(encoding: Encoding) -> Call {
    let body = match encoding {
        Encoding::Protobuf => UNDECODABLE_PROTOBUF,
        Encoding::Json => UNDECODABLE_JSON,
    };
    Call::export(Signal::Traces, encoding, body)
}

/// 15
pub(crate) async fn undecodable_is_400(target: &Target) -> Checked {
    for encoding in Encoding::ALL {
        let answer = undecodable(encoding).send(target).await?;
        status(&answer, encoding, "an undecodable request", 400)?;
    }
    let answer = grpc::Call::export(Signal::Traces, UNDECODABLE_PROTOBUF).send(target).await?;
    let code = answer.code();
    demand(code == Code::InvalidArgument, || format!("over gRPC: {code:?}: {}", answer.status.message))?;
    Ok("400 with a Status, INVALID_ARGUMENT".to_owned())
}

fn status(answer: &Answer, encoding: Encoding, what: &str, wanted: u16) -> Result<RpcStatus, Stop> {
    let name = encoding.name();
    demand(answer.status == wanted, || format!("{what} as {name} was answered {}", answer.status))?;
    RpcStatus::of_body(encoding, &answer.body)
        .or_else(|why| fail(format!("{what} as {name} was answered {wanted} with {why}")))
}

/// 16
pub(crate) async fn bad_request_details(target: &Target) -> Checked {
    for encoding in Encoding::ALL {
        let answer = undecodable(encoding).send(target).await?;
        let status = status(&answer, encoding, "an undecodable request", 400)?;
        let name = encoding.name();
        demand(status.has("BadRequest"), || {
            format!("the Status as {name} has no BadRequest among its details: '{}'", status.message)
        })?;
    }
    Ok("BadRequest in protobuf and in JSON".to_owned())
}

/// 17
pub(crate) async fn every_error_is_a_status(target: &Target) -> Checked {
    let mut seen = Vec::new();
    for encoding in Encoding::ALL {
        for (what, call) in permanent(encoding, target) {
            let answer = call.send(target).await?;
            let (name, status) = (encoding.name(), answer.status);
            demand(status >= 400, || format!("{what} as {name} was answered {status}"))?;
            let got = answer.media_type();
            demand(got == encoding.content_type(), || {
                format!("{what} as {name} was answered {status} as '{got}'")
            })?;
            RpcStatus::of_body(encoding, &answer.body)
                .or_else(|why| fail(format!("{what} as {name} was answered {status} with {why}")))?;
            if !seen.contains(&status) {
                seen.push(status);
            }
        }
    }
    let seen: Vec<String> = seen.iter().map(u16::to_string).collect();
    Ok(format!("a Status with {}, in either encoding", seen.join(", ")))
}

/// Requests that no repetition makes better.
fn permanent(encoding: Encoding, target: &Target) -> Vec<(&'static str, Call)> {
    let service = target.service(17);
    let good = match encoding {
        Encoding::Protobuf => messages::sample(Signal::Traces, &service),
        Encoding::Json => json::sample(Signal::Traces, &service).to_string().into_bytes(),
    };
    let call = || Call::export(Signal::Traces, encoding, good.clone());
    vec![
        ("an undecodable request", undecodable(encoding)),
        ("an unknown content encoding", call().compressed("x-conformance")),
        ("gzip that is none", call().compressed("gzip")),
        ("PUT", call().method(Method::PUT)),
        ("an unknown path", Call::post("/v1/nothing", encoding, good.clone())),
    ]
}

/// 19: the other half, faults that pass, takes pressure: line 18 has it.
pub(crate) async fn permanent_faults_are_not_retried(target: &Target) -> Checked {
    for encoding in Encoding::ALL {
        for (what, call) in permanent(encoding, target) {
            let status = call.send(target).await?.status;
            let name = encoding.name();
            demand(!RETRYABLE.contains(&status), || format!("{what} as {name} was answered {status}"))?;
        }
    }
    for (what, call) in [
        ("an undecodable message", grpc::Call::export(Signal::Traces, UNDECODABLE_PROTOBUF)),
        ("an unknown grpc-encoding", grpc::Call::compressed(Signal::Traces, "x-conformance", b"x")),
        ("an unknown method", grpc::Call::new(UNKNOWN_METHOD, whole(grpc::frame(0, b"")))),
    ] {
        let answer = call.send(target).await?;
        demand(!answer.status.is_retryable(), || format!("{what} was answered {:?}", answer.code()))?;
    }
    Ok("no permanent fault has a code that clients retry; those that pass: line 18".to_owned())
}
