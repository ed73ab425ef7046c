//! Protobuf requests: read where they lie if they are plain, through prost if they are not.

mod grammar;
mod plain;
mod weigh;

pub(super) use grammar::{Shape, Type};
pub(super) use weigh::weigh;

use super::{Error, Form, Request, decoded_bytes_max};
use bytes::Bytes;
use grammar::Kind;
use storage::Signal;

pub(super) fn decode(signal: Signal, body: &Bytes) -> Result<Form, Error> {
    let bytes_max = decoded_bytes_max(body);
    match plain::weigh(Kind::root(signal), body) {
        // Rows take about what messages do, so the bound is the same.
        Some(bytes) if bytes > bytes_max => Err(Error::TooLarge { bytes_max }),
        Some(_) => Ok(Form::Wire { signal, body: body.clone() }),
        None => decode_by_prost(signal, body).map(Form::Messages),
    }
}

/// Is the request one that is read without prost?
pub(super) fn is_plain(signal: Signal, body: &[u8]) -> bool {
    plain::weigh(Kind::root(signal), body).is_some()
}

/// By prost, whether or not the request is plain.
pub(super) fn decode_by_prost(signal: Signal, body: &Bytes) -> Result<Request, Error> {
    let bytes_max = decoded_bytes_max(body);
    if weigh(Kind::root(signal), body, bytes_max).is_none() {
        return Err(Error::TooLarge { bytes_max });
    }
    let body = body.clone();
    let request = match signal {
        Signal::Traces => prost_decode(body).map(Request::Traces),
        Signal::Logs => prost_decode(body).map(Request::Logs),
        Signal::Metrics => prost_decode(body).map(Request::Metrics),
    };
    request.map_err(|source| Error::Protobuf { source })
}

fn prost_decode<T: prost::Message + Default>(body: Bytes) -> Result<T, prost::DecodeError> {
    T::decode(body)
}
