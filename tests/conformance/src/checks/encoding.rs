//! Compression, of bodies and of messages.

use super::{call, post};
use crate::messages::{self, json};
use crate::outcome::{Checked, Stop, demand};
use crate::target::Target;
use crate::wire::http::{Answer, Call};
use crate::wire::{Encoding, Reply, RpcStatus, Signal, compress, grpc};
use bytes::Bytes;
use prost::Message as _;
use tonic::Code;

/// A name that no server knows.
const UNKNOWN_ENCODING: &str = "x-conformance";

/// A body of one span in either encoding.
fn span(service: &str, encoding: Encoding) -> Bytes {
    match encoding {
        Encoding::Protobuf => Bytes::from(messages::sample(Signal::Traces, service)),
        Encoding::Json => Bytes::from(json::sample(Signal::Traces, service).to_string()),
    }
}

/// 4
pub(crate) async fn gzip_and_none(target: &Target) -> Checked {
    let service = target.service(4);
    for encoding in Encoding::ALL {
        post(target, Signal::Traces, encoding, span(&service, encoding)).await?.whole()?;
        let zipped = compress::gzip(&span(&service, encoding));
        taken_over_http(target, encoding, "gzip", zipped).await?;
    }
    let request = messages::traces(&service, vec![messages::span("plain")]);
    call(target, Signal::Traces, &request).await?.whole()?;
    let request = messages::traces(&service, vec![messages::span("zipped")]);
    taken_over_grpc(target, "gzip", &compress::gzip(&request.encode_to_vec())).await?;
    Ok("200 and OK for both".to_owned())
}

/// 5
pub(crate) async fn zstd_and_unknown(target: &Target) -> Checked {
    let service = target.service(5);
    for encoding in Encoding::ALL {
        taken_over_http(target, encoding, "zstd", compress::zstd(&span(&service, encoding))).await?;
        let refused = Call::export(Signal::Traces, encoding, span(&service, encoding));
        let status = refused.compressed(UNKNOWN_ENCODING).send(target).await?.status;
        demand(status == 415, || format!("an unknown content encoding was answered {status}"))?;
    }
    let request = span(&service, Encoding::Protobuf);
    taken_over_grpc(target, "zstd", &compress::zstd(&request)).await?;
    let answer = grpc::Call::compressed(Signal::Traces, UNKNOWN_ENCODING, &request).send(target).await?;
    let code = answer.code();
    demand(code == Code::Unimplemented, || format!("an unknown grpc-encoding was answered {code:?}"))?;
    Ok("zstd is taken; unknown encodings are answered 415 and UNIMPLEMENTED".to_owned())
}

/// 45: a body that was compressed twice holds, once inflated, another gzip file.
pub(crate) async fn deflate_and_twice(target: &Target) -> Checked {
    let service = target.service(45);
    for encoding in Encoding::ALL {
        let deflated = compress::deflate(&span(&service, encoding));
        taken_over_http(target, encoding, "deflate", deflated).await?;
    }
    let mut seen = Vec::new();
    for encoding in Encoding::ALL {
        let twice = compress::gzip(&compress::gzip(&span(&service, encoding)));
        let call = Call::export(Signal::Traces, encoding, twice).compressed("gzip");
        seen.push(recognised(&call.send(target).await?, encoding)?);
    }
    Ok(format!("deflate is taken; compressed twice: {}", seen.join(", ")))
}

/// Either the server reads on, or its refusal says what is wrong.
fn recognised(answer: &Answer, encoding: Encoding) -> Result<String, Stop> {
    if answer.status == 200 {
        Reply::of_http(answer, Signal::Traces, encoding)?.whole()?;
        return Ok("200".to_owned());
    }
    let message = RpcStatus::of_body(encoding, &answer.body).map(|status| status.message).unwrap_or_default();
    let says = ["twice", "compress", "gzip"].iter().any(|word| message.to_lowercase().contains(word));
    demand(says, || {
        format!("a body that is gzip inside was answered {} without saying so: '{message}'", answer.status)
    })?;
    Ok(format!("{} '{message}'", answer.status))
}

async fn taken_over_http(
    target: &Target,
    encoding: Encoding,
    compression: &'static str,
    body: Vec<u8>,
) -> Result<(), Stop> {
    let call = Call::export(Signal::Traces, encoding, body).compressed(compression);
    let reply = Reply::of_http(&call.send(target).await?, Signal::Traces, encoding);
    reply.and_then(|reply| reply.whole()).map_err(|stop| stop.at(compression))
}

async fn taken_over_grpc(target: &Target, compression: &'static str, message: &[u8]) -> Result<(), Stop> {
    let answer = grpc::Call::compressed(Signal::Traces, compression, message).send(target).await?;
    let reply = Reply::of_grpc(&answer, Signal::Traces);
    reply.and_then(|reply| reply.whole()).map_err(|stop| stop.at(compression))
}
