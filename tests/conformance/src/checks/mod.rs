//! The checks, by subject. Each is a function from a target to what was seen.

pub(crate) mod answers;
pub(crate) mod encoding;
pub(crate) mod fidelity;
pub(crate) mod hardening;
pub(crate) mod items;
pub(crate) mod json;
pub(crate) mod metrics;
pub(crate) mod overload;
pub(crate) mod readback;
pub(crate) mod refusals;
pub(crate) mod transport;

mod marked;

use crate::outcome::{Checked, Stop};
use crate::target::Target;
use crate::wire::{Encoding, Reply, Signal, grpc, http};
use bytes::Bytes;
use prost::Message;
use serde_json::Value;

/// Exports over HTTP; fails unless it is taken, wholly or in part.
async fn post(
    target: &Target,
    signal: Signal,
    encoding: Encoding,
    body: impl Into<Bytes>,
) -> Result<Reply, Stop> {
    let answer = http::Call::export(signal, encoding, body).send(target).await?;
    Reply::of_http(&answer, signal, encoding)
}

async fn post_json(target: &Target, signal: Signal, body: &Value) -> Result<Reply, Stop> {
    post(target, signal, Encoding::Json, body.to_string()).await
}

async fn post_protobuf(target: &Target, signal: Signal, message: &impl Message) -> Result<Reply, Stop> {
    post(target, signal, Encoding::Protobuf, message.encode_to_vec()).await
}

/// Exports over gRPC; fails unless it is taken, wholly or in part.
async fn call(target: &Target, signal: Signal, message: &impl Message) -> Result<Reply, Stop> {
    let answer = grpc::Call::export(signal, &message.encode_to_vec()).send(target).await?;
    Reply::of_grpc(&answer, signal)
}

/// Passes a line of which the server has taken everything, and that says no more where nothing can be read back.
async fn read_back(
    target: &Target,
    accepted: &str,
    reading: impl Future<Output = Result<(), Stop>>,
) -> Checked {
    if target.query().is_none() {
        return Ok(format!("{accepted}; not read back"));
    }
    reading.await?;
    Ok(format!("{accepted}, and read back"))
}
