//! Messages that the signals share.

use super::{Fields, List, Text, View};
use opentelemetry_proto::tonic::common::v1 as message;
use opentelemetry_proto::tonic::common::v1::any_value::Value as MessageValue;
use opentelemetry_proto::tonic::resource::v1::Resource as MessageResource;

/// Attributes, or the entries of a map.
pub(crate) type KeyValues<'a> = List<'a, KeyValue<'a>>;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyValue<'a> {
    pub(crate) key: Text<'a>,
    pub(crate) value: Option<AnyValue<'a>>,
    pub(crate) key_strindex: i32,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AnyValue<'a> {
    pub(crate) value: Option<Value<'a>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(Text<'a>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'a [u8]),
    Array(List<'a, AnyValue<'a>>),
    Map(KeyValues<'a>),
    /// A place in a table that only profiles have.
    StringTable,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Resource<'a> {
    pub(crate) attributes: KeyValues<'a>,
    pub(crate) dropped_attributes_count: u32,
    pub(crate) entity_refs: List<'a, EntityRef<'a>>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EntityRef<'a> {
    pub(crate) schema_url: Text<'a>,
    pub(crate) entity_type: Text<'a>,
    pub(crate) id_keys: List<'a, Text<'a>>,
    pub(crate) description_keys: List<'a, Text<'a>>,
}

/// An instrumentation scope.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scope<'a> {
    pub(crate) name: Text<'a>,
    pub(crate) version: Text<'a>,
    pub(crate) attributes: KeyValues<'a>,
    pub(crate) dropped_attributes_count: u32,
}

impl<'a> View<'a> for KeyValue<'a> {
    type Message = message::KeyValue;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            key: Text::of(&message.key),
            value: message.value.as_ref().map(AnyValue::of_message),
            key_strindex: message.key_strindex,
        }
    }

    #[inline]
    fn of_wire(message: &'a [u8]) -> Self {
        let mut pair = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => pair.key = Text::of_wire(field.bytes),
                2 => pair.value = Some(AnyValue::of_wire(field.bytes)),
                3 => pair.key_strindex = field.i32(),
                _ => {}
            }
        }
        pair
    }
}

impl<'a> View<'a> for AnyValue<'a> {
    type Message = message::AnyValue;

    fn of_message(message: &'a Self::Message) -> Self {
        let value = message.value.as_ref().map(|value| match value {
            MessageValue::StringValue(text) => Value::Text(Text::of(text)),
            MessageValue::BoolValue(flag) => Value::Bool(*flag),
            MessageValue::IntValue(int) => Value::Int(*int),
            MessageValue::DoubleValue(double) => Value::Double(*double),
            MessageValue::BytesValue(bytes) => Value::Bytes(bytes),
            MessageValue::ArrayValue(array) => Value::Array(List::Messages(&array.values)),
            MessageValue::KvlistValue(list) => Value::Map(List::Messages(&list.values)),
            MessageValue::StringValueStrindex(_) => Value::StringTable,
        });
        Self { value }
    }

    /// Of several values the last one counts.
    #[inline]
    fn of_wire(message: &'a [u8]) -> Self {
        let mut any = Self::default();
        for field in Fields::of(message) {
            any.value = Some(match field.number {
                1 => Value::Text(Text::of_wire(field.bytes)),
                2 => Value::Bool(field.bool()),
                3 => Value::Int(field.i64()),
                4 => Value::Double(field.f64()),
                5 => Value::Array(List::of_field(field.bytes, 1)),
                6 => Value::Map(List::of_field(field.bytes, 1)),
                7 => Value::Bytes(field.bytes),
                8 => Value::StringTable,
                _ => continue,
            });
        }
        any
    }
}

impl<'a> View<'a> for Resource<'a> {
    type Message = MessageResource;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            attributes: List::Messages(&message.attributes),
            dropped_attributes_count: message.dropped_attributes_count,
            entity_refs: List::Messages(&message.entity_refs),
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut resource = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => resource.attributes.add(field),
                2 => resource.dropped_attributes_count = field.u32(),
                3 => resource.entity_refs.add(field),
                _ => {}
            }
        }
        resource
    }
}

impl<'a> View<'a> for EntityRef<'a> {
    type Message = message::EntityRef;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            schema_url: Text::of(&message.schema_url),
            entity_type: Text::of(&message.r#type),
            id_keys: List::Messages(&message.id_keys),
            description_keys: List::Messages(&message.description_keys),
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut reference = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => reference.schema_url = Text::of_wire(field.bytes),
                2 => reference.entity_type = Text::of_wire(field.bytes),
                3 => reference.id_keys.add(field),
                4 => reference.description_keys.add(field),
                _ => {}
            }
        }
        reference
    }
}

impl<'a> View<'a> for Scope<'a> {
    type Message = message::InstrumentationScope;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            name: Text::of(&message.name),
            version: Text::of(&message.version),
            attributes: List::Messages(&message.attributes),
            dropped_attributes_count: message.dropped_attributes_count,
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut scope = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => scope.name = Text::of_wire(field.bytes),
                2 => scope.version = Text::of_wire(field.bytes),
                3 => scope.attributes.add(field),
                4 => scope.dropped_attributes_count = field.u32(),
                _ => {}
            }
        }
        scope
    }
}
