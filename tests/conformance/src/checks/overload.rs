//! Too much: bombs, and more in flight than a server has room for. These lines are checked one at a time.

use crate::messages::{self, attribute, text};
use crate::outcome::{Checked, Stop, demand, fail, skip, with_causes};
use crate::target::Target;
use crate::wire::http::Call;
use crate::wire::{Body, Encoding, RpcStatus, Signal, Trouble, compress, grpc, unfinished};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use prost::Message as _;
use std::iter;
use std::time::Duration;
use tokio::time::{interval, timeout};
use tonic::Code;

/// A gibibyte of zeros.
const BOMB_MIB: usize = 1024;
/// Bodies that are held open at once, and MiB of each that are sent: each below the usual limit of a request, all
/// together more than a server should hold.
const N_HOLDERS: usize = 8;
const HELD_MIB: usize = 60;
/// A server may read on for a while before it refuses a body that is still sent; one that is only slow to come is
/// usually cut later than this.
const PRESSURE_TIME: Duration = Duration::from_secs(20);
/// Afterwards it must be itself again.
const RECOVERY_ATTEMPTS: usize = 100;
const RECOVERY_PAUSE: Duration = Duration::from_millis(200);

/// 7
pub(crate) async fn bombs_are_refused(target: &Target) -> Checked {
    let bomb = compress::bomb(BOMB_MIB);
    let answer = grpc_bomb(target, &bomb).await?;
    let code = answer.code();
    demand(code == Code::ResourceExhausted, || format!("over gRPC: {code:?}: {}", answer.status.message))?;
    let n_bytes = bomb.len();
    let call = Call::export(Signal::Traces, Encoding::Protobuf, bomb).compressed("gzip");
    let status = call.send(target).await?.status;
    demand(status == 413, || format!("over HTTP: {status} to {n_bytes} bytes of gzip that hold 1 GiB"))?;
    Ok(format!("413 and RESOURCE_EXHAUSTED to {n_bytes} bytes of gzip that hold 1 GiB"))
}

/// 8
pub(crate) async fn too_large_is_final(target: &Target) -> Checked {
    let answer = grpc_bomb(target, &compress::bomb(BOMB_MIB)).await?;
    let code = answer.code();
    if code != Code::ResourceExhausted {
        return skip(format!("a message of 1 GiB was answered {code:?}: line 7 judges that"));
    }
    demand(!answer.status.has("RetryInfo"), || format!("with RetryInfo: {}", answer.status.message))?;
    Ok(format!("without RetryInfo: '{}'", answer.status.message))
}

async fn grpc_bomb(target: &Target, bomb: &[u8]) -> Result<grpc::Answer, Trouble> {
    grpc::Call::compressed(Signal::Traces, "gzip", bomb).send(target).await
}

/// How a body was answered that had not ended.
#[derive(Debug)]
enum Refusal {
    /// With the protocol's own "come again", and when.
    Retry(String),
    /// For its own size or slowness: the server was not full.
    Unrelated,
    Other(String),
}

/// 18: bodies that never end are held by the server, and nothing of them is ever stored.
pub(crate) async fn overload_asks_to_retry(target: &Target) -> Checked {
    let piece = piece(target);
    let over_http = pressed(|| Box::pin(over_http(target, piece.clone()))).await;
    recovered(target).await?;
    let over_grpc = pressed(|| Box::pin(over_grpc(target, piece.clone()))).await;
    recovered(target).await?;
    match (over_http?, over_grpc?) {
        (Some(over_http), Some(over_grpc)) => Ok(format!("{over_http}; {over_grpc}")),
        _ => skip(format!(
            "the server did not refuse with {} MiB in flight, in bodies of {HELD_MIB} MiB",
            N_HOLDERS * HELD_MIB
        )),
    }
}

/// A mebibyte of an export request; any number of them, one after the other, are one request.
fn piece(target: &Target) -> Bytes {
    let mut span = messages::span("held");
    span.attributes = vec![attribute("held", text(&"x".repeat(1 << 20)))];
    Bytes::from(messages::traces(&target.service(18), vec![span]).encode_to_vec())
}

/// The first refusal of bodies that are all held open at once; nothing where there is none.
async fn pressed<'a>(
    mut holder: impl FnMut() -> LocalBoxFuture<'a, Result<Refusal, Stop>>,
) -> Result<Option<String>, Stop> {
    let mut holders: FuturesUnordered<_> = (0..N_HOLDERS).map(|_| holder()).collect();
    // Dropped at the end, and with them their connections.
    match timeout(PRESSURE_TIME, holders.next()).await {
        Err(_) | Ok(None) | Ok(Some(Ok(Refusal::Unrelated))) => Ok(None),
        Ok(Some(Ok(Refusal::Retry(seen)))) => Ok(Some(seen)),
        Ok(Some(Ok(Refusal::Other(seen)))) => fail(seen),
        Ok(Some(Err(stop))) => Err(stop),
    }
}

async fn over_http(target: &Target, piece: Bytes) -> Result<Refusal, Stop> {
    let encoding = Encoding::Protobuf;
    let body = held(None, piece);
    let answer = Call::export(Signal::Traces, encoding, "").body(body).send(target).await?;
    Ok(match answer.status {
        408 | 413 => Refusal::Unrelated,
        status @ (429 | 503) => match answer.header("retry-after") {
            Some(after) => Refusal::Retry(format!("{status} with Retry-After: {after}")),
            None => Refusal::Other(format!("{status} without Retry-After")),
        },
        status => {
            let message = RpcStatus::of_body(encoding, &answer.body).map(|status| status.message);
            Refusal::Other(format!("a full server answered {status}: {}", message.unwrap_or_default()))
        }
    })
}

async fn over_grpc(target: &Target, piece: Bytes) -> Result<Refusal, Stop> {
    // A little more is announced than is ever sent.
    let n_bytes = u32::try_from((HELD_MIB + 1) * piece.len()).unwrap_or(u32::MAX);
    let body = held(Some(Bytes::copy_from_slice(&grpc::frame_header(0, n_bytes))), piece);
    let answer = grpc::Call::new(Signal::Traces.method(), body).send(target).await?;
    let (code, has_delay) = (answer.code(), answer.status.has("RetryInfo"));
    Ok(match code {
        Code::Unavailable | Code::ResourceExhausted if has_delay => {
            Refusal::Retry(format!("{code:?} with RetryInfo"))
        }
        Code::ResourceExhausted => Refusal::Unrelated,
        code => Refusal::Other(format!("{code:?} without RetryInfo: {}", answer.status.message)),
    })
}

fn held(head: Option<Bytes>, piece: Bytes) -> Body {
    unfinished(head.into_iter().chain(iter::repeat_n(piece, HELD_MIB)))
}

/// Waits until a small request is taken again.
async fn recovered(target: &Target) -> Result<(), Stop> {
    let mut pause = interval(RECOVERY_PAUSE);
    let mut last = String::new();
    for _ in 0..RECOVERY_ATTEMPTS {
        pause.tick().await;
        let body = messages::sample(Signal::Traces, &target.service(18));
        match Call::export(Signal::Traces, Encoding::Protobuf, body).send(target).await {
            Ok(answer) if answer.status == 200 => return Ok(()),
            Ok(answer) => last = answer.status.to_string(),
            Err(trouble) => last = with_causes(&trouble),
        }
    }
    fail(format!("after the pressure a small request was answered {last}"))
}
