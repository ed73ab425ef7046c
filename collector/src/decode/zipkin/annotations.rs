//! Annotations as events.
//!
//! Zipkin's have a time and a text. OpenTelemetry's exporters write an event with attributes as
//! `"name": {"key": "value"}`, some with braces around it and some without the quotation marks; that is read back.
//! Any other text is the event's name.

use super::nanos;
use crate::decode::json::zipkin::Annotation;
use crate::decode::owner::attribute;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::span::Event;
use serde_json::{Map, Value as Json};
use std::mem::size_of;

/// Longer texts are names: they are parsed into a tree, which takes several times their size.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Makes events, within a bound on the memory of their attributes.
#[derive(Debug)]
pub(super) struct Annotations {
    bytes_left: usize,
}

impl Annotations {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_left: bytes_max }
    }

    pub(super) fn event(&mut self, annotation: Annotation) -> Event {
        let Annotation { timestamp_us, value } = annotation;
        let (name, attributes) = self.read(&value).unwrap_or((value, Vec::new()));
        Event { time_unix_nano: nanos(timestamp_us), name, attributes, dropped_attributes_count: 0 }
    }

    /// Beyond the bound a text stays what it is: nothing of it is lost.
    fn read(&mut self, text: &str) -> Option<(String, Vec<KeyValue>)> {
        if text.len() > TEXT_BYTES_MAX || !text.ends_with('}') {
            return None;
        }
        let (name, members) = parse(text)?;
        let bytes: usize = members.iter().map(|(key, member)| weight(key, member)).sum();
        self.bytes_left = self.bytes_left.checked_sub(bytes)?;
        Some((name, attributes(members)))
    }
}

fn parse(text: &str) -> Option<(String, Map<String, Json>)> {
    if text.starts_with('{') {
        return only_member(text);
    }
    if text.starts_with('"') {
        return only_member(&format!("{{{text}}}"));
    }
    let colon = text.find(": {")?;
    let (name, members) = (&text[..colon], &text[colon + 2..]);
    Some((name.to_owned(), serde_json::from_str(members).ok()?))
}

/// The name and the members of an object in an object.
fn only_member(text: &str) -> Option<(String, Map<String, Json>)> {
    let mut members = serde_json::from_str::<Map<String, Json>>(text).ok()?.into_iter();
    match (members.next(), members.next()) {
        (Some((name, Json::Object(members))), None) => Some((name, members)),
        _ => None,
    }
}

fn attributes(members: Map<String, Json>) -> Vec<KeyValue> {
    members
        .into_iter()
        .map(|(key, member)| match value(member) {
            Some(value) => attribute(key, value),
            None => KeyValue { key, ..KeyValue::default() },
        })
        .collect()
}

/// `None` for null. As deep as serde_json reads: 128 levels.
fn value(json: Json) -> Option<Value> {
    match json {
        Json::Null => None,
        Json::Bool(flag) => Some(Value::BoolValue(flag)),
        Json::Number(number) => match number.as_i64() {
            Some(int) => Some(Value::IntValue(int)),
            None => number.as_f64().map(Value::DoubleValue),
        },
        Json::String(text) => Some(Value::StringValue(text)),
        Json::Array(items) => {
            let values = items.into_iter().map(|item| AnyValue { value: value(item) }).collect();
            Some(Value::ArrayValue(ArrayValue { values }))
        }
        Json::Object(members) => Some(Value::KvlistValue(KeyValueList { values: attributes(members) })),
    }
}

/// Bytes that an attribute takes.
fn weight(key: &str, json: &Json) -> usize {
    let inside: usize = match json {
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(|item| weight("", item)).sum(),
        Json::Object(members) => members.iter().map(|(key, member)| weight(key, member)).sum(),
    };
    size_of::<KeyValue>() + key.len() + inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(texts: &[&str], bytes_max: usize, expected: Expect) {
        let mut annotations = Annotations::new(bytes_max);
        let mut shown = String::new();
        for text in texts {
            let event = annotations.event(Annotation { timestamp_us: 7, value: (*text).to_owned() });
            assert_eq!(event.time_unix_nano, 7_000);
            let attributes = event.attributes.iter().map(|attribute| {
                let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
                format!(" {}={value:?}", attribute.key)
            });
            shown += &format!("{}:{}\n", event.name, attributes.collect::<String>());
        }
        expected.assert_eq(&shown);
    }

    /// Scenario: events as the exporters of Python, of Java and of Go write them, and texts of other origin.
    /// Guarantees: names and attributes come back with their types; every other text is a name as it is.
    #[test]
    fn events_of_exporters_are_read_back() {
        check(
            &[
                r#"{"priced": {"cents": 100, "rate": 0.5, "gross": true}}"#,
                r#""exception": {"exception.type": "ValueError"}"#,
                r#"retry: {"attempt":2,"none":null}"#,
                r#"{"tags": {"list": ["a", 1]}}"#,
                "cache miss",
                r#"{"a": 1}"#,
                r#"{"a": {}, "b": {}}"#,
                r#"{"broken": {"#,
                "odd: {x}",
                "",
            ],
            1 << 20,
            expect![[r#"
                priced: cents=Some(IntValue(100)) rate=Some(DoubleValue(0.5)) gross=Some(BoolValue(true))
                exception: exception.type=Some(StringValue("ValueError"))
                retry: attempt=Some(IntValue(2)) none=None
                tags: list=Some(ArrayValue(ArrayValue { values: [AnyValue { value: Some(StringValue("a")) }, AnyValue { value: Some(IntValue(1)) }] }))
                cache miss:
                {"a": 1}:
                {"a": {}, "b": {}}:
                {"broken": {:
                odd: {x}:
                :
            "#]],
        );
    }

    /// Scenario: attributes beyond what events may take in all.
    /// Guarantees: from there on texts stay names, whole; a text that is very long does so by itself.
    #[test]
    fn attributes_of_events_are_bounded() {
        let text = r#"{"a": {"key": [1, 2, 3]}}"#;
        check(
            &[text, text],
            5 * size_of::<KeyValue>(),
            expect![[r#"
                a: key=Some(ArrayValue(ArrayValue { values: [AnyValue { value: Some(IntValue(1)) }, AnyValue { value: Some(IntValue(2)) }, AnyValue { value: Some(IntValue(3)) }] }))
                {"a": {"key": [1, 2, 3]}}:
            "#]],
        );
        let long = format!(r#"{{"a": {{"key": "{}"}}}}"#, "x".repeat(TEXT_BYTES_MAX));
        let mut annotations = Annotations::new(1 << 30);
        let event = annotations.event(Annotation { timestamp_us: 0, value: long.clone() });
        assert_eq!((event.name, event.attributes), (long, Vec::new()));
    }
}
