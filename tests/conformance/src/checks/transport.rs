//! Doors, paths and bodies: does the server speak both protocols as clients do?

use super::post;
use crate::messages::{self, json};
use crate::outcome::{Checked, Stop, demand, fail, with_causes};
use crate::target::Target;
use crate::wire::http::Call;
use crate::wire::{
    Body, Encoding, Reply, RpcStatus, Signal, compress, grpc, http, in_chunks, unfinished, whole,
};
use bytes::Bytes;
use futures::future::try_join_all;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message as _;
use std::pin::pin;
use std::time::Duration;
use tonic::Code;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a chunk of a chunked body.
const CHUNK_BYTES: usize = 400;
/// Requests that are under way at once.
const AT_ONCE: usize = 8;
const PROFILES_METHOD: &str = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export";

/// 1: with the official client, which is what users have.
pub(crate) async fn grpc_exports(target: &Target) -> Checked {
    let channel = channel(target).await?;
    let service = target.service(1);
    let spans = messages::traces(&service, vec![messages::span("over gRPC")]);
    let answer = TraceServiceClient::new(channel.clone()).export(request(target, spans)).await;
    official(Signal::Traces, answer.err())?;
    let logs = messages::logs(&service, vec![messages::log("over gRPC")]);
    let answer = LogsServiceClient::new(channel.clone()).export(request(target, logs)).await;
    official(Signal::Logs, answer.err())?;
    let gauge = messages::points::gauge("conformance.grpc", 1);
    let metrics = messages::metrics(&service, vec![gauge]);
    let answer = MetricsServiceClient::new(channel).export(request(target, metrics)).await;
    official(Signal::Metrics, answer.err())?;
    Ok("OK for traces, logs and metrics".to_owned())
}

async fn channel(target: &Target) -> Result<Channel, Stop> {
    let unusable =
        |error: tonic::transport::Error| Stop::Fail(format!("{}: {}", target.grpc(), with_causes(&error)));
    let mut endpoint = Endpoint::from_shared(target.grpc().url("")).map_err(unusable)?;
    if let Some(tls) = target.grpc().tls() {
        endpoint = endpoint.tls_config(tls.official()).map_err(unusable)?;
    }
    endpoint.connect_timeout(CONNECT_TIMEOUT).connect().await.map_err(unusable)
}

fn request<T>(target: &Target, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    *request.metadata_mut() = MetadataMap::from_headers(target.headers().clone());
    request
}

fn official(signal: Signal, refusal: Option<tonic::Status>) -> Result<(), Stop> {
    match refusal {
        None => Ok(()),
        Some(status) => fail(format!("{}: {:?}: {}", signal.name(), status.code(), status.message())),
    }
}

/// 2
pub(crate) async fn http_paths(target: &Target) -> Checked {
    for signal in Signal::ALL {
        let body = messages::sample(signal, &target.service(2));
        post(target, signal, Encoding::Protobuf, body).await?.whole()?;
    }
    Ok("200 for /v1/traces, /v1/logs and /v1/metrics".to_owned())
}

/// 3
pub(crate) async fn one_port_for_both(target: &Target) -> Checked {
    let service = target.service(3);
    for signal in Signal::ALL {
        let protobuf = messages::sample(signal, &service);
        let json = json::sample(signal, &service).to_string();
        for (encoding, content_type, body) in [
            (Encoding::Protobuf, "application/x-protobuf", Bytes::from(protobuf.clone())),
            (Encoding::Protobuf, "application/x-protobuf; v=1", Bytes::from(protobuf)),
            (Encoding::Json, "application/json", Bytes::from(json.clone())),
            (Encoding::Json, "application/json; charset=utf-8", Bytes::from(json)),
        ] {
            let call = Call::export(signal, encoding, body).header("content-type", content_type);
            Reply::of_http(&call.send(target).await?, signal, encoding)?.whole()?;
        }
    }
    Ok("200 for protobuf and JSON, with and without parameters".to_owned())
}

/// 6: a body without its last chunk must be seen to be cut, or the whole was not read.
pub(crate) async fn chunked_bodies(target: &Target) -> Checked {
    let service = target.service(6);
    let spans = (0..50).map(|n| json::span(&format!("chunked {n}"))).collect();
    let json = Bytes::from(json::traces(&service, spans).to_string());
    let spans = (0..50).map(|n| messages::span(&format!("chunked {n}"))).collect();
    let zipped = compress::gzip(&messages::traces(&service, spans).encode_to_vec());
    let chunked = |encoding, body: Body| Call::export(Signal::Traces, encoding, "").body(body);
    let answer = chunked(Encoding::Json, in_chunks(json.clone(), CHUNK_BYTES)).send(target).await?;
    Reply::of_http(&answer, Signal::Traces, Encoding::Json)?.whole()?;
    let call = chunked(Encoding::Protobuf, in_chunks(zipped, CHUNK_BYTES)).compressed("gzip");
    let answer = call.send(target).await?;
    Reply::of_http(&answer, Signal::Traces, Encoding::Protobuf)?.whole()?;
    let cut = in_chunks(json.slice(..json.len() - 4), CHUNK_BYTES);
    let status = chunked(Encoding::Json, cut).send(target).await?.status;
    demand(status != 200, || "a chunked body whose end was missing was answered 200".to_owned())?;
    Ok(format!("200 for JSON and gzipped protobuf, {status} for JSON without its end"))
}

/// 46
pub(crate) async fn profiles_are_refused(target: &Target) -> Checked {
    for encoding in Encoding::ALL {
        let body = if encoding == Encoding::Json { "{}" } else { "" };
        let answer = Call::post("/v1development/profiles", encoding, body).send(target).await?;
        let (name, status) = (encoding.name(), answer.status);
        demand(status == 404, || format!("profiles as {name} were answered {status}"))?;
        RpcStatus::of_body(encoding, &answer.body)
            .or_else(|why| fail(format!("profiles as {name} were answered 404 with {why}")))?;
    }
    let answer = grpc::Call::new(PROFILES_METHOD, whole(grpc::frame(0, b""))).send(target).await?;
    let code = answer.code();
    demand(code == Code::Unimplemented, || format!("profiles over gRPC were answered {code:?}"))?;
    Ok("404 with a Status, UNIMPLEMENTED over gRPC".to_owned())
}

/// 48: no timing is needed: a call that never ends is under way while others are answered.
pub(crate) async fn served_in_parallel(target: &Target) -> Checked {
    let connection = grpc::Connection::open(target.grpc()).await?;
    let signal = Signal::Traces;
    let head = Bytes::from(grpc::frame_header(0, 1_000).to_vec());
    let stalled = grpc::Call::new(signal.method(), unfinished(std::iter::once(head)));
    let mut stalled = pin!(connection.send(stalled, target.headers()));
    let bodies = (0..AT_ONCE).map(|_| messages::sample(signal, &target.service(48)));
    let calls = bodies.map(|body| connection.send(grpc::Call::export(signal, &body), target.headers()));
    let answers = tokio::select! {
        // First, so that it is under way before the others.
        biased;
        early = stalled.as_mut() => {
            let how = early.map_or_else(|trouble| with_causes(&trouble), |answer| format!("{:?}", answer.code()));
            return fail(format!("a call that had not ended was answered: {how}"));
        }
        answers = try_join_all(calls) => answers?,
    };
    for answer in &answers {
        Reply::of_grpc(answer, signal)?.whole()?;
    }
    kept_alive(target).await?;
    Ok(format!("{AT_ONCE} calls were answered beside one that stalls; HTTP/1 connections are kept alive"))
}

/// Two requests on each of some connections at once.
async fn kept_alive(target: &Target) -> Result<(), Stop> {
    let (signal, encoding) = (Signal::Traces, Encoding::Protobuf);
    let connections = (0..AT_ONCE).map(|_| async {
        let mut connection = http::Connection::open(target.http()).await?;
        for _ in 0..2 {
            let call = Call::export(signal, encoding, messages::sample(signal, &target.service(48)));
            let answer = connection.send(call, target.headers()).await?;
            Reply::of_http(&answer, signal, encoding)?.whole()?;
        }
        Ok::<_, Stop>(())
    });
    try_join_all(connections).await?;
    Ok(())
}
