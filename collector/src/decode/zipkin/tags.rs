//! The tags of a span, and what OpenTelemetry's exporters have put among them.

use crate::decode::owner::text_of;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

/// Attributes of resources, by the conventions. `service.name` is not among them: the local endpoint has it.
const RESOURCE_KEYS: [&str; 5] = [
    "service.namespace",
    "service.version",
    "service.instance.id",
    "deployment.environment.name",
    "deployment.environment",
];
const RESOURCE_PREFIXES: [&str; 7] =
    ["telemetry.", "host.", "os.", "process.", "container.", "k8s.", "cloud."];

/// Tags that were not taken yet, in the sender's order.
#[derive(Debug)]
pub(super) struct Tags(Vec<(String, String)>);

impl Tags {
    pub(super) fn new(tags: Vec<(String, String)>) -> Self {
        Self(tags)
    }

    pub(super) fn put(&mut self, key: &str, text: String) {
        self.0.push((key.to_owned(), text));
    }

    pub(super) fn take(&mut self, key: &str) -> Option<String> {
        let place = self.place(key)?;
        Some(self.0.remove(place).1)
    }

    /// A number; one that cannot be read stays.
    pub(super) fn take_count(&mut self, key: &str) -> u32 {
        let Some(place) = self.place(key) else { return 0 };
        let Ok(count) = self.0[place].1.parse() else { return 0 };
        self.0.remove(place);
        count
    }

    pub(super) fn take_resource(&mut self) -> Vec<(String, String)> {
        let tags = std::mem::take(&mut self.0);
        let (resource, rest) = tags.into_iter().partition(|(key, _)| is_of_resource(key));
        self.0 = rest;
        resource
    }

    /// A status that was sent as such is final. Without it any `error` is a failure, as it is for Zipkin, unless
    /// it says `false`; its text is the message, unless it only says `true`.
    pub(super) fn take_status(&mut self) -> Option<Status> {
        let code = self.get("otel.status_code").and_then(status_code);
        let code = match code {
            Some(code) => code,
            None if self.get("error").is_some_and(|text| !is(text, "false")) => StatusCode::Error,
            None => return None,
        };
        self.take("otel.status_code");
        let description = self.take("otel.status_description").unwrap_or_default();
        let error = if code == StatusCode::Error { self.take("error") } else { None };
        let message = error.filter(|text| !text.is_empty() && !is(text, "true") && !is(text, "false"));
        Some(Status { message: message.unwrap_or(description), code: code as i32 })
    }

    pub(super) fn into_attributes(self) -> Vec<KeyValue> {
        self.0.into_iter().map(|(key, text)| text_of(key, text)).collect()
    }

    fn get(&self, key: &str) -> Option<&str> {
        Some(self.0[self.place(key)?].1.as_str())
    }

    fn place(&self, key: &str) -> Option<usize> {
        self.0.iter().position(|(name, _)| name == key)
    }
}

fn is(text: &str, word: &str) -> bool {
    text.eq_ignore_ascii_case(word)
}

/// Exporters of different languages spell it in different cases; `Unset` is never sent.
fn status_code(text: &str) -> Option<StatusCode> {
    if is(text, "OK") {
        return Some(StatusCode::Ok);
    }
    is(text, "ERROR").then_some(StatusCode::Error)
}

fn is_of_resource(key: &str) -> bool {
    RESOURCE_KEYS.contains(&key) || RESOURCE_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}
