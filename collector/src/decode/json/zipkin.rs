//! Zipkin's v2 spans as their JSON has them. What they mean is the business of `decode::zipkin`.
//!
//! The reader is that of OTLP/JSON: a stream without a tree, null as absent, 64-bit numbers also as text, memory
//! charged before it is taken. A body is a list; keys that v2 does not have are ignored and reported.

use super::{Context, FieldValue, Message, Nullable, Object, listed, messages, scalar};
use crate::decode::{Error, Report};
use crate::telemetry::Reason;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use std::fmt;

/// A span as sent; what was not sent is empty, zero or false.
#[derive(Debug, Default)]
pub(crate) struct Span {
    /// Ids are hex text of at most 32, 16 and 16 digits.
    pub(crate) trace_id: String,
    pub(crate) id: String,
    pub(crate) parent_id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) timestamp_us: u64,
    pub(crate) duration_us: u64,
    pub(crate) is_debug: bool,
    /// The server's half of a span whose id the client's half has, too.
    pub(crate) is_shared: bool,
    pub(crate) local: Option<Endpoint>,
    pub(crate) remote: Option<Endpoint>,
    pub(crate) annotations: Vec<Annotation>,
    pub(crate) tags: Vec<(String, String)>,
}

#[derive(Debug, Default)]
pub(crate) struct Endpoint {
    pub(crate) service_name: String,
    pub(crate) ipv4: String,
    pub(crate) ipv6: String,
    pub(crate) port: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Annotation {
    pub(crate) timestamp_us: u64,
    pub(crate) value: String,
}

/// The spans of a body.
pub(crate) fn read(body: &[u8], bytes_max: usize, report: &mut Report) -> Result<Vec<Span>, Error> {
    let context = Context::new(bytes_max);
    match read_list(&context, body) {
        Ok(spans) => {
            warn(context, report);
            Ok(spans)
        }
        Err(_) if context.bytes.get() > bytes_max => Err(Error::TooLarge { bytes_max }),
        Err(source) => Err(Error::Zipkin { source }),
    }
}

fn read_list(context: &Context, body: &[u8]) -> Result<Vec<Span>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let spans = scalar::Each(Object::<Span>::new(context)).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(spans)
}

fn warn(context: Context, report: &mut Report) {
    let unknown = context.unknown.into_inner();
    let mut keys = unknown.others;
    keys.extend(unknown.snake_case);
    if !keys.is_empty() {
        report.add(Reason::ZipkinKeyUnknown, keys.len() as u64, || {
            format!("ignored keys that Zipkin's v2 spans do not have: {}", listed(&keys))
        });
    }
}

impl Message for Span {
    const NAME: &'static str = "Zipkin span";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "traceId" => value.text(&mut self.trace_id)?,
            "id" => value.text(&mut self.id)?,
            "parentId" => value.text(&mut self.parent_id)?,
            "name" => value.text(&mut self.name)?,
            "kind" => value.text(&mut self.kind)?,
            "timestamp" => value.u64(&mut self.timestamp_us)?,
            "duration" => value.u64(&mut self.duration_us)?,
            "debug" => value.bool(&mut self.is_debug)?,
            "shared" => value.bool(&mut self.is_shared)?,
            "localEndpoint" => value.object(&mut self.local)?,
            "remoteEndpoint" => value.object(&mut self.remote)?,
            "annotations" => value.list(&mut self.annotations)?,
            "tags" => {
                let tags = Tags { context: value.context };
                value.into(tags, &mut self.tags)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

messages! {
    Endpoint as "Zipkin endpoint" {
        "serviceName": text(service_name), "ipv4": text(ipv4), "ipv6": text(ipv6), "port": u32(port)
    }
    Annotation as "Zipkin annotation" { "timestamp": u64(timestamp_us), "value": text(value) }
}

/// An object whose keys are the sender's own.
struct Tags<'c> {
    context: &'c Context,
}

impl<'de> DeserializeSeed<'de> for Tags<'_> {
    type Value = Vec<(String, String)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Tags<'_> {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object (Zipkin tags)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tags = Vec::new();
        while let Some(key) = map.next_key_seed(scalar::Text)? {
            // What it becomes takes more than the pair.
            self.context.charge::<KeyValue, A::Error>()?;
            if let Some(text) = map.next_value_seed(Nullable(TagText))? {
                tags.push((key, text));
            }
        }
        Ok(tags)
    }
}

/// The value of a tag: text, but some clients send numbers and flags as they are.
#[derive(Clone, Copy)]
struct TagText;

impl<'de> DeserializeSeed<'de> for TagText {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for TagText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tag's value as text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<String, E> {
        Ok(flag.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }
}
