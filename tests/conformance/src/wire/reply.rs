//! The answer to an export that was accepted, wholly or in part.

use super::{Encoding, Signal, grpc, http};
use crate::outcome::{Stop, demand, fail};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use serde_json::Value;
use tonic::Code;

/// What the server says of an export that it took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Whether `partial_success` is there at all.
    pub(crate) is_partial: bool,
    pub(crate) n_rejected: i64,
    /// Why, or a warning.
    pub(crate) message: String,
}

impl Reply {
    /// Fails unless the answer is a success that can be read.
    pub(crate) fn of_http(answer: &http::Answer, signal: Signal, encoding: Encoding) -> Result<Self, Stop> {
        let http::Answer { status, body, .. } = answer;
        let what = format!("{} as {}", signal.name(), encoding.name());
        demand(*status == 200, || format!("{what}: answered {status}: {}", shown(encoding, body)))?;
        let read = match encoding {
            Encoding::Protobuf => Self::of_protobuf(body),
            Encoding::Json => Self::of_json(signal, body),
        };
        read.or_else(|why| fail(format!("{what}: answered 200 with {why}")))
    }

    pub(crate) fn of_grpc(answer: &grpc::Answer, signal: Signal) -> Result<Self, Stop> {
        let what = format!("{} over gRPC", signal.name());
        let code = answer.code();
        demand(code == Code::Ok, || format!("{what}: answered {code:?}: {}", answer.status.message))?;
        Self::of_protobuf(&answer.message).or_else(|why| fail(format!("{what}: answered OK with {why}")))
    }

    /// On the wire the responses of the three signals are alike.
    fn of_protobuf(body: &[u8]) -> Result<Self, String> {
        let response = ExportTraceServiceResponse::decode(body);
        let response = response.map_err(|error| format!("a body that is no export response: {error}"))?;
        Ok(response.partial_success.map_or_else(Self::default, |partial| Self {
            is_partial: true,
            n_rejected: partial.rejected_spans,
            message: partial.error_message,
        }))
    }

    fn of_json(signal: Signal, body: &[u8]) -> Result<Self, String> {
        let response: Value =
            serde_json::from_slice(body).map_err(|error| format!("a body that is no JSON: {error}"))?;
        let response = response.as_object().ok_or("JSON that is no object")?;
        let partial = match response.get("partialSuccess") {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(Value::Object(partial)) => partial,
            Some(_) => return Err("a partialSuccess that is no object".to_owned()),
        };
        let key = match signal {
            Signal::Traces => "rejectedSpans",
            Signal::Logs => "rejectedLogRecords",
            Signal::Metrics => "rejectedDataPoints",
        };
        let n_rejected = match partial.get(key) {
            None | Some(Value::Null) => Some(0),
            Some(Value::String(text)) => text.parse().ok(),
            Some(number) => number.as_i64(),
        };
        Ok(Self {
            is_partial: true,
            n_rejected: n_rejected.ok_or_else(|| format!("a {key} that is no number"))?,
            message: partial.get("errorMessage").and_then(Value::as_str).unwrap_or_default().to_owned(),
        })
    }

    /// Fails when anything was rejected.
    pub(crate) fn whole(&self) -> Result<(), Stop> {
        self.rejected(0)
    }

    /// Fails unless exactly so many items were rejected.
    pub(crate) fn rejected(&self, n_wanted: i64) -> Result<(), Stop> {
        let Self { n_rejected, message, .. } = self;
        demand(*n_rejected == n_wanted, || {
            format!("rejected {n_rejected} items instead of {n_wanted}: '{message}'")
        })
    }
}

/// What a refusal says of itself: the message of a Status, else the first bytes.
fn shown(encoding: Encoding, body: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 120;
    match super::RpcStatus::of_body(encoding, body) {
        Ok(status) => status.message,
        Err(_) => String::from_utf8_lossy(&body[..body.len().min(SHOWN_BYTES_MAX)]).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(signal: Signal, body: &str) -> Result<Reply, String> {
        Reply::of_json(signal, body.as_bytes())
    }

    /// Scenario: JSON responses: unset, null, empty, with counts as text and as numbers, broken.
    /// Guarantees: set and unset are told apart, counts are read, and what is broken is an error.
    #[test]
    fn json_responses_are_read() {
        assert_eq!(json(Signal::Traces, "{}"), Ok(Reply::default()));
        assert_eq!(json(Signal::Logs, r#"{"partialSuccess":null}"#), Ok(Reply::default()));
        assert!(json(Signal::Logs, r#"{"partialSuccess":{}}"#).expect("read").is_partial);
        for count in ["3", "\"3\""] {
            let body =
                format!(r#"{{"partialSuccess":{{"rejectedDataPoints":{count},"errorMessage":"why"}}}}"#);
            let reply = json(Signal::Metrics, &body).expect("read");
            assert_eq!((reply.n_rejected, reply.message.as_str()), (3, "why"));
        }
        for body in ["", "[]", "OK", r#"{"partialSuccess":1}"#, r#"{"partialSuccess":{"rejectedSpans":"x"}}"#]
        {
            assert!(json(Signal::Traces, body).is_err(), "{body}");
        }
    }
}
