//! A report as any client reads it: by the names of the API's fields, and no more of it than is judged.

use serde_json::Value;

/// Suspects of these kinds are parts of the system as the labels name them.
const SERVICE: &str = "service";
const DEPENDENCY: &str = "dependency";
const INSTANCE: &str = "instance";

/// Names of suspects that are services, likeliest first, each once.
pub(crate) fn services(report: &Value) -> Vec<&str> {
    named(report, &[SERVICE])
}

/// The same with what services depend on: nodes without telemetry of their own.
pub(crate) fn services_and_dependencies(report: &Value) -> Vec<&str> {
    named(report, &[SERVICE, DEPENDENCY])
}

pub(crate) fn instances(report: &Value) -> Vec<&str> {
    named(report, &[INSTANCE])
}

pub(crate) fn verdict(report: &Value) -> Option<&str> {
    report["verdict"].as_str()
}

/// Conditions of each finding about attributes, the weightiest first.
pub(crate) fn attributes(report: &Value) -> Vec<Vec<(&str, &str)>> {
    let kept = list(&report["attributes"]["kept"]).iter();
    kept.map(|finding| list(&finding["pairs"]).iter().filter_map(condition).collect()).collect()
}

/// None where the key must be absent: no label is like that.
fn condition(pair: &Value) -> Option<(&str, &str)> {
    Some((pair["key"].as_str()?, pair["value"].as_str()?))
}

/// What is no list is empty.
fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Does the evidence name it: suspects, calls, groups of errors?
pub(crate) fn mentions(report: &Value, text: &str) -> bool {
    ["suspects", "edges", "errors", "templates"].iter().any(|part| has_text(&report[*part], text))
}

fn has_text(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found.contains(text),
        Value::Array(values) => values.iter().any(|value| has_text(value, text)),
        Value::Object(members) => members.values().any(|value| has_text(value, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn named<'a>(report: &'a Value, kinds: &[&str]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for suspect in list(&report["suspects"]) {
        let is_of_kind = suspect["kind"].as_str().is_some_and(|kind| kinds.contains(&kind));
        if let Some(name) = suspect["name"].as_str().filter(|name| is_of_kind && !names.contains(name)) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Scenario: a report with suspects of all kinds, one twice; then one with nothing.
    /// Guarantees: each kind has its own order, and what is missing is nothing.
    #[test]
    fn suspects_are_read_by_kind() {
        let suspect = |kind: &str, name: &str| json!({ "kind": kind, "name": name, "evidence": [{ "sentence": "db.x" }] });
        let report = json!({
            "verdict": "possible",
            "suspects": [
                suspect("service", "a"), suspect("instance", "a-1"), suspect("dependency", "db"),
                suspect("service", "b"), suspect("service", "a"),
            ],
            "attributes": { "kept": [{ "pairs": [{ "key": "k", "value": "v" }, { "key": "l", "value": null }] }] },
        });
        assert_eq!(services(&report), ["a", "b"]);
        assert_eq!(services_and_dependencies(&report), ["a", "db", "b"]);
        assert_eq!(instances(&report), ["a-1"]);
        assert_eq!(verdict(&report), Some("possible"));
        assert_eq!(attributes(&report), [[("k", "v")]]);
        assert!(mentions(&report, "db.x") && !mentions(&report, "possible"));
        assert!(services(&Value::Null).is_empty() && attributes(&json!([])).is_empty());
    }
}
