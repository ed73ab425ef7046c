//! Messages that the signals share.

use super::{FieldValue, Message, messages, scalar};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde::de::MapAccess;

messages! {
    Resource {
        "attributes": attributes(attributes), "droppedAttributesCount": u32(dropped_attributes_count),
        "entityRefs": list(entity_refs)
    }
    EntityRef {
        "schemaUrl": text(schema_url), "type": text(r#type), "idKeys": texts(id_keys),
        "descriptionKeys": texts(description_keys)
    }
    InstrumentationScope {
        "name": text(name), "version": text(version), "attributes": attributes(attributes),
        "droppedAttributesCount": u32(dropped_attributes_count)
    }
    KeyValue { "key": text(key), "value": any_value(value), "keyStrindex": i32(key_strindex) }
    ArrayValue { "values": list(values) }
    KeyValueList { "values": attributes(values) }
}

impl Message for AnyValue {
    const NAME: &'static str = "AnyValue";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        let read = match name {
            "stringValue" => value.scalar(scalar::Text)?.map(Value::StringValue),
            "boolValue" => value.scalar(scalar::Bool)?.map(Value::BoolValue),
            "intValue" => value.scalar(scalar::I64)?.map(Value::IntValue),
            "doubleValue" => value.scalar(scalar::F64)?.map(Value::DoubleValue),
            "bytesValue" => value.scalar(scalar::Base64)?.map(Value::BytesValue),
            "arrayValue" => {
                let mut array = None;
                value.object(&mut array)?;
                array.map(Value::ArrayValue)
            }
            "kvlistValue" => {
                let mut list = None;
                value.object(&mut list)?;
                list.map(Value::KvlistValue)
            }
            "stringValueStrindex" => {
                let mut index = 0;
                value.i32(&mut index)?;
                Some(Value::StringValueStrindex(index))
            }
            _ => return Ok(false),
        };
        if read.is_some() {
            self.value = read;
        }
        Ok(true)
    }
}
