//! Which entities a resource is of, as OTLP/JSON.

use crate::decode::views::{EntityRef, List, Text};
use serde_json::{Map, Value};

/// The references as an array without blanks; none if there are none.
pub(super) fn json<'a>(references: List<'a, EntityRef<'a>>) -> Option<String> {
    if references.is_empty() {
        return None;
    }
    let references: Value = references.into_iter().map(reference).collect();
    Some(references.to_string())
}

/// Members that are empty are left out.
fn reference(reference: EntityRef<'_>) -> Value {
    let members = [
        ("schemaUrl", text(reference.schema_url)),
        ("type", text(reference.entity_type)),
        ("idKeys", reference.id_keys.into_iter().map(text).collect()),
        ("descriptionKeys", reference.description_keys.into_iter().map(text).collect()),
    ];
    let is_empty = |value: &Value| match value {
        Value::Array(items) => items.is_empty(),
        other => *other == "",
    };
    let members = members.into_iter().filter(|(_, value)| !is_empty(value));
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect::<Map<String, Value>>())
}

fn text(text: Text<'_>) -> Value {
    Value::from(text.as_str())
}
