//! `google.rpc.Status` in its three forms: protobuf and JSON bodies, and the trailers of gRPC.

use super::Encoding;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use prost::Message as _;
use serde_json::Value;
use tonic::Code;
use tonic_types::pb;

/// gRPC sends bytes in headers as base64, with or without padding.
const HEADER_BYTES: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Codes after which a client sends the same again, RESOURCE_EXHAUSTED aside.
const RETRYABLE: [Code; 6] = [
    Code::Cancelled,
    Code::DeadlineExceeded,
    Code::Aborted,
    Code::OutOfRange,
    Code::Unavailable,
    Code::DataLoss,
];

/// A status and the names of its details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RpcStatus {
    pub(crate) code: i32,
    pub(crate) message: String,
    /// Full names of their types, such as `google.rpc.RetryInfo`.
    details: Vec<String>,
}

impl RpcStatus {
    /// The status that a body of OTLP/HTTP holds; an error says why it holds none.
    pub(crate) fn of_body(encoding: Encoding, body: &[u8]) -> Result<Self, String> {
        if body.is_empty() {
            return Err("an empty body".to_owned());
        }
        match encoding {
            Encoding::Protobuf => {
                let status = pb::Status::decode(body).map_err(|error| format!("no Status: {error}"))?;
                Ok(Self::from(status))
            }
            Encoding::Json => Self::of_json(body),
        }
    }

    fn of_json(body: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?;
        let members = value.as_object().filter(|members| !members.is_empty());
        let members = members.ok_or("JSON that is no object, or an empty one")?;
        if let Some(unknown) =
            members.keys().find(|key| !["code", "message", "details"].contains(&key.as_str()))
        {
            return Err(format!("an object with '{unknown}', which a Status has not"));
        }
        let details = members.get("details").and_then(Value::as_array).cloned().unwrap_or_default();
        let name = |detail: &Value| type_name(detail["@type"].as_str().unwrap_or_default());
        Ok(Self {
            code: members
                .get("code")
                .and_then(Value::as_i64)
                .and_then(|code| code.try_into().ok())
                .unwrap_or(0),
            message: members.get("message").and_then(Value::as_str).unwrap_or_default().to_owned(),
            details: details.iter().map(name).collect(),
        })
    }

    /// The status among headers or trailers; nothing where there is none.
    pub(crate) fn of_grpc(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let code = text("grpc-status")?.parse().ok()?;
        let details = text("grpc-status-details-bin").and_then(|details| HEADER_BYTES.decode(details).ok());
        let details = details.and_then(|details| pb::Status::decode(details.as_slice()).ok());
        let details = details.map(|status| Self::from(status).details).unwrap_or_default();
        Some(Self { code, message: percent_decoded(text("grpc-message").unwrap_or_default()), details })
    }

    /// Whether a detail of a type is among the details.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.details.iter().any(|detail| detail.strip_prefix("google.rpc.") == Some(name))
    }

    /// Whether a gRPC client sends the same again.
    pub(crate) fn is_retryable(&self) -> bool {
        let code = Code::from_i32(self.code);
        RETRYABLE.contains(&code) || (code == Code::ResourceExhausted && self.has("RetryInfo"))
    }
}

impl From<pb::Status> for RpcStatus {
    fn from(status: pb::Status) -> Self {
        let details = status.details.iter().map(|detail| type_name(&detail.type_url)).collect();
        Self { code: status.code, message: status.message, details }
    }
}

/// What follows the last slash of a type's URL.
fn type_name(url: &str) -> String {
    url.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Text with its `%20` as blanks; what is no such escape stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%');
        let escaped = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    use tonic_types::{ErrorDetails, StatusExt as _};

    /// Scenario: the same status as protobuf, as JSON, and as trailers with and without padding.
    /// Guarantees: all are read alike.
    #[test]
    fn three_forms_are_one_status() {
        let details = ErrorDetails::with_retry_info(None);
        let status = tonic::Status::with_error_details(Code::Unavailable, "come 100% later", details);
        let expected = RpcStatus {
            code: 14,
            message: "come 100% later".to_owned(),
            details: vec!["google.rpc.RetryInfo".to_owned()],
        };
        assert_eq!(RpcStatus::of_body(Encoding::Protobuf, status.details()), Ok(expected.clone()));
        let json = br#"{"code":14,"message":"come 100% later","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo"}]}"#;
        assert_eq!(RpcStatus::of_body(Encoding::Json, json), Ok(expected.clone()));
        let mut trailers = HeaderMap::new();
        status.add_header(&mut trailers).expect("headers");
        assert_eq!(RpcStatus::of_grpc(&trailers), Some(expected.clone()));
        for details in [STANDARD.encode(status.details()), STANDARD_NO_PAD.encode(status.details())] {
            trailers.insert("grpc-status-details-bin", details.parse().expect("a value"));
            assert_eq!(RpcStatus::of_grpc(&trailers), Some(expected.clone()));
        }
        assert!(expected.has("RetryInfo") && !expected.has("Info") && expected.is_retryable());
    }

    /// Scenario: bodies of servers that send no Status: nothing, text, HTML, JSON of their own.
    /// Guarantees: none passes for a Status.
    #[test]
    fn other_bodies_are_no_status() {
        for body in ["", "404 page not found", "Not Found", "<html></html>", "{\"error\":\"x\"}", "[]"] {
            for encoding in Encoding::ALL {
                assert!(RpcStatus::of_body(encoding, body.as_bytes()).is_err(), "{encoding:?} {body}");
            }
        }
    }
}
