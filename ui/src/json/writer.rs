//! Writes the few questions that have a body: flat objects of texts.

/// An object of those fields that have a value.
pub fn object(fields: &[(&str, Option<&str>)]) -> String {
    let pair = |(key, value): &(&str, Option<&str>)| Some(format!("{}:{}", quoted(key), quoted((*value)?)));
    let pairs: Vec<String> = fields.iter().filter_map(pair).collect();
    format!("{{{}}}", pairs.join(","))
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::object;

    /// Scenario: fields with every kind of character, an empty one and one that is absent.
    /// Guarantees: a general reader finds the same texts, and nothing of what is absent.
    #[test]
    fn objects_are_read_back() {
        let text = "\" \\ / \u{8} \n \0 \u{1f} \u{7f} \u{e9} \u{1f600} </script>";
        let written = object(&[("a \"key\"", Some(text)), ("none", None), ("empty", Some(""))]);
        let read: serde_json::Value = serde_json::from_str(&written).expect(&written);
        assert_eq!(read, serde_json::json!({ "a \"key\"": text, "empty": "" }));
        assert_eq!(object(&[]), "{}");
    }
}
