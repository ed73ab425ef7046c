//! Where the evidence of a report leads: pages of the same stretch of time, with what it is about chosen.
//!
//! Paths without the zone and other parameters of the page; `url_state::link` adds them.

use super::address::{Address, segment};
use super::time_range::TimeRange;
use crate::json;

/// A part of a log line that is shorter finds anything.
const LITERAL_CHARS_MIN: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportLinks {
    pub from_ms: i64,
    pub to_ms: i64,
}

impl ReportLinks {
    pub fn service(&self, name: &str) -> String {
        self.with(format!("/services/{}", segment(name)), &[])
    }

    /// Traces with a span of this kind.
    pub fn traces(&self, service: &str, operation: Option<&str>, is_failed: bool) -> String {
        let status = is_failed.then_some("error");
        self.with(
            "/traces".to_owned(),
            &[("service", Some(service)), ("operation", operation), ("status", status)],
        )
    }

    pub fn logs(&self, service: &str, text: Option<&str>) -> String {
        self.with("/logs".to_owned(), &[("service", Some(service)), ("q", text)])
    }

    pub fn metric(&self, service: &str, name: &str) -> String {
        self.with("/metrics".to_owned(), &[("service", Some(service)), ("name", Some(name))])
    }

    fn with(&self, path: String, fields: &[(&str, Option<&str>)]) -> String {
        let (from, to) = (self.from_ms.to_string(), self.to_ms.to_string());
        let range = [("from", Some(from.as_str())), ("to", Some(to.as_str()))];
        let filled = fields.iter().chain(&range).filter_map(|(name, value)| Some((*name, (*value)?)));
        let filled = filled.filter(|(_, value)| !value.is_empty());
        let params = filled.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Address { path, params }.href()
    }
}

/// The page that asks what happened to a service, or to everything, within the range of the page that links to it.
pub fn what_happened(service: &str) -> String {
    let params = vec![("service".to_owned(), service.to_owned())];
    Address { path: "/triage".to_owned(), params }.href()
}

/// The body of the question that an address asks: its range, and what it narrows the question to.
pub fn question(address: &Address) -> String {
    let range = TimeRange::of(address.param("from"), address.param("to"));
    let told = |name: &'static str| (name, address.param(name).filter(|value| !value.is_empty()));
    let range = [("from", Some(range.from.as_str())), ("to", Some(range.to.as_str()))];
    let narrowed = ["service", "operation", "indicator"].map(told);
    json::object(&[range.as_slice(), narrowed.as_slice()].concat())
}

/// The longest part of a template that all its lines have in common; none where that says too little.
pub fn literal(template: &str) -> Option<&str> {
    let parts = template.split('*').map(str::trim);
    let longest = parts.max_by_key(|part| part.chars().count())?;
    (longest.chars().count() >= LITERAL_CHARS_MIN).then_some(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: names with every character that an address cannot hold as it is.
    /// Guarantees: each comes back from the address, beside the range of the report.
    #[test]
    fn names_survive_the_address() {
        let links = ReportLinks { from_ms: 1_000, to_ms: 2_000 };
        let name = "a/b?c=1&d#e \u{202e}";
        let address = Address::parse(&links.traces(name, Some("GET /x?y=1"), true));
        assert_eq!((address.path.as_str(), address.param("service")), ("/traces", Some(name)));
        let rest = ["operation", "status", "from", "to"].map(|param| address.param(param));
        assert_eq!(rest, [Some("GET /x?y=1"), Some("error"), Some("1000"), Some("2000")]);
        assert_eq!(Address::parse(&links.service("..")).segments(), ["services", ".."]);
        assert_eq!(links.logs("web", None), "/logs?service=web&from=1000&to=2000");
        assert_eq!(links.traces("web", Some(""), false), "/traces?service=web&from=1000&to=2000");
        assert_eq!(what_happened("a&b"), "/triage?service=a%26b");
    }

    /// Scenario: addresses that ask about a service, and about everything, with and without a range.
    /// Guarantees: the question has the range and what is named, and nothing that is empty.
    #[test]
    fn addresses_ask_questions() {
        let asked = |href| question(&Address::parse(href));
        assert_eq!(asked("/triage"), r#"{"from":"now-1h","to":"now"}"#);
        assert_eq!(
            asked("/triage?service=a%22b&operation=&indicator=latency&from=1000&to=2000&open=x"),
            r#"{"from":"1000","to":"2000","service":"a\"b","indicator":"latency"}"#
        );
    }

    /// Scenario: templates of words and holes, and one that is nearly all holes.
    /// Guarantees: the longest fixed part is looked for; too short a one is not.
    #[test]
    fn templates_have_a_literal() {
        assert_eq!(
            literal("could not obtain connection within * (active=*)"),
            Some("could not obtain connection within")
        );
        assert_eq!(literal("* id * x *"), None);
        assert_eq!(literal(""), None);
    }
}
