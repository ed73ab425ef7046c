//! OTLP/JSON, straight into the messages that prost knows.
//!
//! The mapping is protobuf's with OTLP's exceptions: lowerCamelCase keys only, unknown keys ignored,
//! enums as integers only, ids as hex, null as absent. The text is read as a stream; there is no tree
//! between it and the messages, so memory is bounded by the messages alone, and an error knows its
//! line and column. serde_json bounds the nesting at 128 levels.

mod common;
mod logs;
mod metrics;
mod scalar;
mod traces;
pub(super) mod zipkin;

use super::text::printable;
use super::{Error, Report, Request, decoded_bytes_max};
use crate::telemetry::Reason;
use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::mem::size_of;
use storage::Signal;

/// Different unknown keys that are remembered for the warning.
const UNKNOWN_KEYS_MAX: usize = 8;
/// Characters of an unknown key that are remembered.
const UNKNOWN_KEY_CHARS_MAX: usize = 40;

pub(super) fn decode(signal: Signal, body: &Bytes, report: &mut Report) -> Result<Request, Error> {
    let bytes_max = decoded_bytes_max(body);
    let context = Context::new(bytes_max);
    // Of no bytes protobuf is an empty message, and JSON nothing at all.
    if body.trim_ascii().is_empty() {
        let source = serde_json::Error::custom("the body is empty, and an empty request is {}");
        return Err(Error::Json { source });
    }
    let request = match signal {
        Signal::Traces => read(&context, body).map(Request::Traces),
        Signal::Logs => read(&context, body).map(Request::Logs),
        Signal::Metrics => read(&context, body).map(Request::Metrics),
    };
    match request {
        Ok(request) => {
            context.warn(is_without_resource(&request), report);
            Ok(request)
        }
        Err(_) if context.bytes.get() > bytes_max => Err(Error::TooLarge { bytes_max }),
        Err(source) => Err(Error::Json { source }),
    }
}

fn read<T: Message>(context: &Context, body: &[u8]) -> Result<T, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let message = Object::new(context).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(message)
}

fn is_without_resource(request: &Request) -> bool {
    match request {
        Request::Traces(traces) => traces.resource_spans.is_empty(),
        Request::Logs(logs) => logs.resource_logs.is_empty(),
        Request::Metrics(metrics) => metrics.resource_metrics.is_empty(),
    }
}

/// A message with named fields.
trait Message: Default {
    /// The type's name in error messages.
    const NAME: &'static str;

    /// Reads one field; `Ok(false)` leaves an unknown one unread.
    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error>;
}

/// `Type { "key": method(field), ... }`: messages each of whose keys fills a field, by a method of `FieldValue`. What is
/// not called by its type's name in error messages has `as "name"`.
macro_rules! messages {
    (@name $message:ident) => {
        stringify!($message)
    };
    (@name $message:ident $name:literal) => {
        $name
    };
    ($($message:ident $(as $name:literal)? { $($key:literal: $method:ident($field:ident)),* })*) => {$(
        impl $crate::decode::json::Message for $message {
            const NAME: &'static str = messages!(@name $message $($name)?);

            fn field<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                name: &str,
                value: &mut $crate::decode::json::FieldValue<'_, A>,
            ) -> Result<bool, A::Error> {
                match name {
                    $($key => value.$method(&mut self.$field)?,)*
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }
    )*};
}
use messages;

/// What one decoding run remembers beside its messages.
struct Context {
    bytes: Cell<usize>,
    bytes_max: usize,
    unknown: RefCell<UnknownKeys>,
}

#[derive(Default)]
struct UnknownKeys {
    n_snake_case: u64,
    snake_case: BTreeSet<String>,
    others: BTreeSet<String>,
}

impl Context {
    fn new(bytes_max: usize) -> Self {
        Self { bytes: Cell::new(0), bytes_max, unknown: RefCell::default() }
    }

    fn charge<T, E: serde::de::Error>(&self) -> Result<(), E> {
        self.bytes.set(self.bytes.get().saturating_add(size_of::<T>()));
        if self.bytes.get() > self.bytes_max {
            return Err(E::custom("request is too large when decoded"));
        }
        Ok(())
    }

    fn note_unknown(&self, key: &str) {
        let mut unknown = self.unknown.borrow_mut();
        let is_snake_case = key.contains('_');
        unknown.n_snake_case += u64::from(is_snake_case);
        let keys = if is_snake_case { &mut unknown.snake_case } else { &mut unknown.others };
        if keys.len() < UNKNOWN_KEYS_MAX {
            keys.insert(printable(key, UNKNOWN_KEY_CHARS_MAX));
        }
    }

    /// Unknown keys are ignored, as the specification asks, but not silently where data went with them:
    /// no OTLP key has an underscore, and a body without a single resource came from something else.
    fn warn(self, is_without_resource: bool, report: &mut Report) {
        let unknown = self.unknown.into_inner();
        if unknown.n_snake_case > 0 {
            report.add(Reason::JsonSnakeCaseKey, unknown.n_snake_case, || {
                format!(
                    "ignored unknown keys {}: OTLP/JSON keys are lowerCamelCase",
                    listed(&unknown.snake_case)
                )
            });
        }
        if is_without_resource && !unknown.others.is_empty() {
            report.add(Reason::JsonWithoutData, 1, || {
                format!("nothing to store: unknown keys {}", listed(&unknown.others))
            });
        }
    }
}

fn listed(keys: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("'{key}'")).collect();
    quoted.join(", ")
}

/// Reads an object into a message.
struct Object<'c, T> {
    context: &'c Context,
    message: PhantomData<T>,
}

impl<T> Clone for Object<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Object<'_, T> {}

impl<'c, T> Object<'c, T> {
    fn new(context: &'c Context) -> Self {
        Self { context, message: PhantomData }
    }
}

impl<'de, T: Message> DeserializeSeed<'de> for Object<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Message> Visitor<'de> for Object<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        self.context.charge::<T, A::Error>()?;
        let mut message = T::default();
        while let Some(key) = map.next_key_seed(scalar::Key)? {
            let mut value = FieldValue { map: &mut map, context: self.context };
            if !message.field(&key, &mut value)? {
                self.context.note_unknown(&key);
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(message)
    }
}

/// Makes null read as absent.
struct Nullable<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Nullable<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Nullable<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

/// The value of the field in hand. Reading null leaves the target as it is.
struct FieldValue<'a, A> {
    map: &'a mut A,
    context: &'a Context,
}

impl<'de, A: MapAccess<'de>> FieldValue<'_, A> {
    fn scalar<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.map.next_value_seed(Nullable(seed))
    }

    fn into<S: DeserializeSeed<'de>>(&mut self, seed: S, target: &mut S::Value) -> Result<(), A::Error> {
        if let Some(value) = self.scalar(seed)? {
            *target = value;
        }
        Ok(())
    }

    fn text(&mut self, target: &mut String) -> Result<(), A::Error> {
        self.into(scalar::Text, target)
    }

    fn id(&mut self, target: &mut Vec<u8>) -> Result<(), A::Error> {
        self.into(scalar::Id, target)
    }

    fn u64(&mut self, target: &mut u64) -> Result<(), A::Error> {
        self.into(scalar::U64, target)
    }

    fn u32(&mut self, target: &mut u32) -> Result<(), A::Error> {
        let mut wide = u64::from(*target);
        self.u64(&mut wide)?;
        *target = u32::try_from(wide).map_err(|_| A::Error::custom("number does not fit 32 bits"))?;
        Ok(())
    }

    fn i32(&mut self, target: &mut i32) -> Result<(), A::Error> {
        let mut wide = i64::from(*target);
        self.into(scalar::I64, &mut wide)?;
        *target = i32::try_from(wide).map_err(|_| A::Error::custom("number does not fit 32 bits"))?;
        Ok(())
    }

    fn enumeration(&mut self, target: &mut i32) -> Result<(), A::Error> {
        self.into(scalar::Enumeration, target)
    }

    fn f64(&mut self, target: &mut f64) -> Result<(), A::Error> {
        self.into(scalar::F64, target)
    }

    fn bool(&mut self, target: &mut bool) -> Result<(), A::Error> {
        self.into(scalar::Bool, target)
    }

    fn u64s(&mut self, target: &mut Vec<u64>) -> Result<(), A::Error> {
        self.into(scalar::Each(scalar::U64), target)
    }

    fn f64s(&mut self, target: &mut Vec<f64>) -> Result<(), A::Error> {
        self.into(scalar::Each(scalar::F64), target)
    }

    fn texts(&mut self, target: &mut Vec<String>) -> Result<(), A::Error> {
        self.into(scalar::Each(scalar::Text), target)
    }

    fn object<T: Message>(&mut self, target: &mut Option<T>) -> Result<(), A::Error> {
        let object = Object::new(self.context);
        if let Some(message) = self.scalar(object)? {
            *target = Some(message);
        }
        Ok(())
    }

    fn list<T: Message>(&mut self, target: &mut Vec<T>) -> Result<(), A::Error> {
        self.into(scalar::Each(Object::new(self.context)), target)
    }

    fn attributes(&mut self, target: &mut Vec<KeyValue>) -> Result<(), A::Error> {
        self.list(target)
    }

    fn any_value(&mut self, target: &mut Option<AnyValue>) -> Result<(), A::Error> {
        self.object(target)
    }
}
