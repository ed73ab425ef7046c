//! Messages that the signals share.

use super::{FieldValue, Message, scalar};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde::de::MapAccess;

impl Message for Resource {
    const NAME: &'static str = "Resource";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "attributes" => value.attributes(&mut self.attributes)?,
            "droppedAttributesCount" => value.u32(&mut self.dropped_attributes_count)?,
            "entityRefs" => value.list(&mut self.entity_refs)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for EntityRef {
    const NAME: &'static str = "EntityRef";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "schemaUrl" => value.text(&mut self.schema_url)?,
            "type" => value.text(&mut self.r#type)?,
            "idKeys" => value.texts(&mut self.id_keys)?,
            "descriptionKeys" => value.texts(&mut self.description_keys)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for InstrumentationScope {
    const NAME: &'static str = "InstrumentationScope";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "name" => value.text(&mut self.name)?,
            "version" => value.text(&mut self.version)?,
            "attributes" => value.attributes(&mut self.attributes)?,
            "droppedAttributesCount" => value.u32(&mut self.dropped_attributes_count)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for KeyValue {
    const NAME: &'static str = "KeyValue";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "key" => value.text(&mut self.key)?,
            "value" => value.any_value(&mut self.value)?,
            "keyStrindex" => value.i32(&mut self.key_strindex)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
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

impl Message for ArrayValue {
    const NAME: &'static str = "ArrayValue";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "values" => value.list(&mut self.values)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for KeyValueList {
    const NAME: &'static str = "KeyValueList";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "values" => value.attributes(&mut self.values)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
