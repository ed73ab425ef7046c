//! Structured values as people read them: plain JSON instead of OTLP's wrapped form.
//!
//! Only for showing. SQL and exports keep the wrapped form, which knows the types.

use serde_json::Value;
use std::borrow::Cow;

/// `{"message":"order placed"}` for a map, `["a",1]` for an array; any other text as it is.
/// `letter` is the type of the text, see `storage::schema::ATTRIBUTE_TYPES_DOC`.
pub(super) fn plain<'a>(letter: &str, text: &'a str) -> Cow<'a, str> {
    if !matches!(letter, "a" | "m") {
        return Cow::Borrowed(text);
    }
    match serde_json::from_str(text) {
        Ok(any) => Cow::Owned(unwrapped(&any)),
        // A value that was cut at its size limit no longer parses; what is left of it is still shown.
        Err(_) => Cow::Borrowed(text),
    }
}

/// The depth is that of what `columns` wrote, which is bounded.
fn unwrapped(any: &Value) -> String {
    let Some((kind, value)) = any.as_object().and_then(|object| object.iter().next()) else {
        return "null".to_owned();
    };
    match kind.as_str() {
        "arrayValue" => format!("[{}]", joined(value, unwrapped)),
        "kvlistValue" => format!("{{{}}}", joined(value, entry)),
        // 64-bit integers travel as strings there; here they are read, not parsed.
        "intValue" => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        _ => value.to_string(),
    }
}

fn entry(entry: &Value) -> String {
    format!("{}:{}", entry["key"], unwrapped(&entry["value"]))
}

fn joined(list: &Value, item: impl Fn(&Value) -> String) -> String {
    let items = list["values"].as_array().into_iter().flatten();
    items.map(item).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::plain;

    /// Scenario: a structured log body, an array, a body that was cut, and plain text that looks alike.
    /// Guarantees: structure is unwrapped in order, everything else stays as it is.
    #[test]
    fn structure_is_unwrapped() {
        let map = r#"{"kvlistValue":{"values":[{"key":"z","value":{"stringValue":"a\"b"}},{"key":"n","value":{"intValue":"9007199254740993"}},{"key":"l","value":{"arrayValue":{"values":[{"boolValue":true},{}]}}}]}}"#;
        assert_eq!(plain("m", map), r#"{"z":"a\"b","n":9007199254740993,"l":[true,null]}"#);
        assert_eq!(plain("a", r#"{"arrayValue":{}}"#), "[]");
        assert_eq!(plain("m", &map[..40]), &map[..40]);
        assert_eq!(plain("s", map), map);
    }
}
