//! The question the log page asks: its parameters in the address bar and in the API.
//!
//! Both use the same names, so a link is a query and a query is a link. Checks what a person typed
//! before the server has to refuse it.

use super::address::Address;
use super::name_text;

/// Severities that can be asked for as a minimum, with their words.
pub const SEVERITIES: [(&str, &str); 7] = [
    ("", "any severity"),
    ("trace", "trace and above"),
    ("debug", "debug and above"),
    ("info", "info and above"),
    ("warn", "warn and above"),
    ("error", "error and above"),
    ("fatal", "fatal only"),
];

/// Most records one answer carries to the page; the list is virtual, the limit is the network's.
pub const LIMIT: u32 = 500;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogQuery {
    pub text: Option<String>,
    pub service: Option<String>,
    pub severity: Option<String>,
    pub trace_id: Option<String>,
    pub span_id: Option<String>,
    /// `key=value` each.
    pub attributes: Vec<String>,
}

impl LogQuery {
    /// The path below `/api/v1`, without the time range.
    pub fn path(&self) -> String {
        let mut address = Address { path: "/logs".to_owned(), params: Vec::new() };
        let mut push = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                address.params.push((name.to_owned(), value.clone()));
            }
        };
        push("q", &self.text);
        push("service", &self.service);
        push("severity", &self.severity);
        push("trace_id", &self.trace_id);
        push("span_id", &self.span_id);
        address.params.extend(self.attributes.iter().map(|pair| ("attr".to_owned(), pair.clone())));
        address.params.push(("limit".to_owned(), LIMIT.to_string()));
        address.href()
    }

    /// True when something narrows the list beyond the time range.
    pub fn is_filtered(&self) -> bool {
        *self != Self::default()
    }

    /// What was looked for, for the sentence of an empty list.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        if let Some(severity) = &self.severity {
            parts.push(format!("at {severity} or above"));
        }
        if let Some(service) = &self.service {
            parts.push(format!("from {}", name_text::inline(service)));
        }
        if let Some(text) = &self.text {
            parts.push(format!("with \u{201c}{}\u{201d}", name_text::inline(text)));
        }
        parts.extend(self.trace_id.iter().map(|id| format!("in trace {}", crate::format::short_id(id))));
        parts.extend(self.span_id.iter().map(|id| format!("in span {id}")));
        parts.extend(self.attributes.iter().map(|pair| format!("where {}", name_text::inline(pair))));
        parts.join(", ")
    }
}

/// A trace id as typed or pasted: trimmed and in lower case, or what is wrong with it.
pub fn trace_id(text: &str) -> Result<Option<String>, String> {
    let id = text.trim().to_ascii_lowercase();
    match id.len() {
        0 => Ok(None),
        32 if id.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(Some(id)),
        n if id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Err(format!("A trace id has 32 hex digits, this has {n}."))
        }
        _ => Err("A trace id has hex digits only.".to_owned()),
    }
}

/// `key=value` as typed; `key = value` is meant the same.
pub fn attribute(text: &str) -> Result<String, String> {
    let (key, value) = text.split_once('=').ok_or("Write key=value.")?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() {
        Err("Write a key before the equals sign.".to_owned())
    } else {
        Ok(format!("{key}={value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: every filter is set, with characters that mean something in an address.
    /// Guarantees: the path carries all of them, encoded, and repeats attributes.
    #[test]
    fn path_carries_every_filter() {
        let query = LogQuery {
            text: Some("50% & more".to_owned()),
            service: Some("a/b".to_owned()),
            severity: Some("warn".to_owned()),
            trace_id: Some("0af7651916cd43dd8448eb211c80319c".to_owned()),
            span_id: None,
            attributes: vec!["k=v".to_owned(), "http.route=/a?b".to_owned()],
        };
        assert_eq!(
            query.path(),
            "/logs?q=50%25%20%26%20more&service=a%2Fb&severity=warn\
             &trace_id=0af7651916cd43dd8448eb211c80319c&attr=k%3Dv&attr=http.route%3D%2Fa%3Fb&limit=500"
        );
        assert_eq!(LogQuery::default().path(), "/logs?limit=500");
        assert!(query.is_filtered() && !LogQuery::default().is_filtered());
    }

    /// Scenario: ids with spaces and capitals, too short ones, and words.
    /// Guarantees: good ones are normalised, bad ones are named.
    #[test]
    fn trace_ids_are_checked() {
        assert_eq!(
            trace_id(" 0AF7651916CD43DD8448EB211C80319C "),
            Ok(Some("0af7651916cd43dd8448eb211c80319c".to_owned()))
        );
        assert_eq!(trace_id("  "), Ok(None));
        assert_eq!(trace_id("abc"), Err("A trace id has 32 hex digits, this has 3.".to_owned()));
        assert!(trace_id("checkout").is_err());
    }

    /// Scenario: attribute filters with and without blanks, values with equals signs, and half of one.
    /// Guarantees: the first equals sign divides; a missing key or sign is named.
    #[test]
    fn attributes_are_checked() {
        assert_eq!(attribute("http.route = /a=b"), Ok("http.route=/a=b".to_owned()));
        assert_eq!(attribute("empty="), Ok("empty=".to_owned()));
        assert!(attribute("lonely").is_err() && attribute(" = x").is_err());
    }

    /// Scenario: an empty answer has to say what was looked for.
    /// Guarantees: the filters read as words.
    #[test]
    fn filters_read_as_words() {
        let query = LogQuery {
            text: Some("timeout".to_owned()),
            service: Some("checkout".to_owned()),
            severity: Some("error".to_owned()),
            ..LogQuery::default()
        };
        assert_eq!(query.words(), "at error or above, from checkout, with \u{201c}timeout\u{201d}");
        assert_eq!(LogQuery::default().words(), "");
    }
}
