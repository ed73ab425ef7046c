//! The form of an objective: what its fields hold, what is sent of them, and which problem belongs to which.
//!
//! Fields are parameters of the address over what is kept, so that a link reproduces a form that is half filled in. Keys
//! that the form does not show go through it as they are.

use super::address::Address;
use crate::json::{self, RawObject, quoted};
use wire::{FieldProblem, ProposalRow};

/// Names of the fields: keys of the API, and parameters of the address.
pub const FIELDS: [&str; 10] = [
    "service",
    "indicator",
    "threshold",
    "target",
    "period",
    "operation",
    "filter",
    "receivers",
    "name",
    "id",
];
/// Address of an empty form.
pub const NEW: &str = "/new-slo";
/// How far back an objective is tried.
const SINCE: &str = "now-14d";
/// As long as ids may be.
const ID_CHARS_MAX: usize = 63;

/// For who would rather write it down.
pub const OPENSLO_EXAMPLE: &str = "apiVersion: openslo/v1
kind: SLO
metadata:
  name: checkout-availability
spec:
  service: checkout
  indicator:
    metadata: {name: checkout-availability}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: firstfault, spec: {signal: spans, good: no_error}}}
        total: {metricSource: {type: firstfault, spec: {signal: spans}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
";

/// What is kept of an objective: keys, or OpenSLO.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Definition {
    pub is_configured: bool,
    pub objective: Option<RawObject>,
    pub openslo: Option<String>,
}

/// What the fields hold, as text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Form {
    values: Vec<(&'static str, String)>,
    /// Other keys, with their values as JSON.
    rest: Vec<(String, String)>,
}

impl Form {
    /// What the address says, else what is kept, else what most would choose.
    pub fn of(address: &Address, kept: Option<&RawObject>) -> Self {
        let known: &[(String, String)] = match kept {
            Some(kept) => &kept.0,
            None => &[],
        };
        let value = |name: &'static str| {
            let before = || known.iter().find(|(key, _)| key == name).map(|(_, raw)| text_of(raw));
            // What is kept and says nothing of a key has reasons: a calendar has no period.
            let default = || if kept.is_none() { default_of(name) } else { "" }.to_owned();
            let said = address.param(name).map(str::to_owned);
            (name, said.or_else(before).unwrap_or_else(default))
        };
        let is_other = |pair: &&(String, String)| !FIELDS.contains(&pair.0.as_str());
        Self { values: FIELDS.map(value).into(), rest: known.iter().filter(is_other).cloned().collect() }
    }

    pub fn get(&self, name: &str) -> &str {
        self.values.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text.as_str())
    }

    /// The lines of a field that holds several.
    pub fn lines(&self, name: &str) -> Vec<String> {
        lines(self.get(name)).map(str::to_owned).collect()
    }

    pub fn is_latency(&self) -> bool {
        self.get("indicator") == "latency"
    }

    /// What is tried, and kept; none before there is a service.
    pub fn body(&self) -> Option<String> {
        if self.get("service").trim().is_empty() {
            return None;
        }
        let fields =
            self.values.iter().filter_map(|(name, text)| Some((*name, self.raw(name, text.trim())?)));
        let rest = self.rest.iter().map(|(key, raw)| (key.as_str(), raw.clone()));
        let pairs: Vec<String> =
            fields.chain(rest).map(|(key, raw)| format!("{}:{raw}", quoted(key))).collect();
        Some(format!("{{\"objective\":{{{}}},\"from\":\"{SINCE}\"}}", pairs.join(",")))
    }

    /// A field as JSON; none where it says nothing.
    fn raw(&self, name: &str, text: &str) -> Option<String> {
        match name {
            "threshold" if !self.is_latency() => None,
            "id" if text.is_empty() => Some(quoted(&self.suggested_id())),
            _ if text.is_empty() => None,
            "filter" | "receivers" => {
                let items: Vec<String> = lines(text).map(quoted).collect();
                Some(format!("[{}]", items.join(",")))
            }
            "target" => Some(number(text).unwrap_or_else(|| quoted(text))),
            _ => Some(quoted(text)),
        }
    }

    /// An id for who has no better one: `checkout-availability`.
    pub fn suggested_id(&self) -> String {
        let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let service: String = self.get("service").trim().chars().map(letter).collect();
        let kind = self.get("indicator");
        let n_max = ID_CHARS_MAX.saturating_sub(kind.len() + 1);
        let service: String = service.trim_matches('-').chars().take(n_max).collect();
        format!("{}-{kind}", service.trim_end_matches('-')).trim_matches('-').to_owned()
    }
}

/// As `Form::body`, of documents.
pub fn openslo_body(text: &str) -> Option<String> {
    let is_there = !text.trim().is_empty();
    is_there.then(|| format!("{{\"openslo\":{},\"from\":\"{SINCE}\"}}", quoted(text)))
}

/// The form, filled in with what is proposed.
pub fn proposed(row: &ProposalRow) -> Address {
    let mut address = Address::parse(NEW);
    for (name, value) in [
        ("service", Some(&row.service)),
        ("indicator", Some(&row.indicator)),
        ("threshold", row.threshold.as_ref()),
        ("target", Some(&row.target)),
        ("period", Some(&row.period)),
        ("id", Some(&row.id)),
    ] {
        address.params.extend(value.map(|value| (name.to_owned(), value.clone())));
    }
    address
}

/// What is wrong with a field, and what to do about it.
pub fn problem_of(problems: &[FieldProblem], field: &str) -> Option<String> {
    let own = problems.iter().filter(|problem| problem.field.as_deref() == Some(field));
    let told: Vec<String> = own.map(told).collect();
    (!told.is_empty()).then(|| told.join(". "))
}

/// Problems that belong to no field of the form, each with its place.
pub fn other_problems(problems: &[FieldProblem]) -> Vec<String> {
    let is_other =
        |problem: &&FieldProblem| !problem.field.as_deref().is_some_and(|field| FIELDS.contains(&field));
    let line = |problem: &FieldProblem| {
        let line = problem.line.map(|line| format!("line {line}"));
        let place: Vec<String> = line.into_iter().chain(problem.field.clone()).collect();
        if place.is_empty() { told(problem) } else { format!("{}: {}", place.join(", "), told(problem)) }
    };
    problems.iter().filter(is_other).map(line).collect()
}

fn told(problem: &FieldProblem) -> String {
    match &problem.hint {
        Some(hint) => format!("{}; {hint}", problem.message),
        None => problem.message.clone(),
    }
}

fn default_of(name: &str) -> &'static str {
    match name {
        "indicator" => "availability",
        "threshold" => "300ms",
        "target" => "99.9",
        "period" => "30d",
        _ => "",
    }
}

/// A value of JSON as people write it.
fn text_of(raw: &str) -> String {
    if let Ok(text) = json::read::<String>(raw) {
        return text;
    }
    json::read::<Vec<String>>(raw).map_or_else(|_| raw.to_owned(), |items| items.join("\n"))
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// A percentage as a number of JSON; none where it is no number.
fn number(text: &str) -> Option<String> {
    let text = text.strip_suffix('%').unwrap_or(text).trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(part) {
        return None;
    }
    // JSON knows no zeros in front.
    let digits = text.trim_start_matches('0');
    Some(if digits.starts_with(|c: char| c.is_ascii_digit()) {
        digits.to_owned()
    } else {
        format!("0{digits}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(href: &str) -> Form {
        Form::of(&Address::parse(href), None)
    }

    fn keys(body: &str) -> serde_json::Value {
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["from"], "now-14d");
        body["objective"].clone()
    }

    /// Scenario: an empty form, one with a service, and one with every field.
    /// Guarantees: nothing is sent without a service; with one, what most would choose; else what was written, as the
    /// API wants it.
    #[test]
    fn fields_are_sent_as_keys() {
        assert_eq!(form("/new-slo").body(), None);
        let body = form("/new-slo?service=Order%20API").body().expect("a body");
        let expected = serde_json::json!({
            "service": "Order API", "indicator": "availability", "target": 99.9, "period": "30d",
            "id": "order-api-availability",
        });
        assert_eq!(keys(&body), expected);
        let all = "/new-slo?service=cart&indicator=latency&threshold=1s&target=99.50%20%25&period=&id=a&name=%22A%22\
                   &operation=GET%20%2F&filter=a%3Db%0A%20c%3Dd%20%0A&receivers=on-call%0Ateam&from=now-1h";
        let expected = serde_json::json!({
            "service": "cart", "indicator": "latency", "threshold": "1s", "target": 99.5, "id": "a", "name": "\"A\"",
            "operation": "GET /", "filter": ["a=b", "c=d"], "receivers": ["on-call", "team"],
        });
        assert_eq!(keys(&form(all).body().expect("a body")), expected);
    }

    /// Scenario: an objective that is kept, with keys that the form does not show; the address changes a field, empties
    /// another.
    /// Guarantees: the rest stays as it was, also what nobody said; the bound of a latency leaves with it.
    #[test]
    fn what_is_kept_stays() {
        let text = r#"{"id":"a","service":"cart","indicator":"latency","threshold":"1s","target":99.5,
            "calendar":"1M","filter":["a=b","c=d"],"events_min":50,"name":"A"}"#;
        let kept: RawObject = json::read(text).expect("an object");
        let with = |href| keys(&Form::of(&Address::parse(href), Some(&kept)).body().expect("a body"));
        let before: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(with("/slos/a/edit"), before);
        let mut changed = before;
        changed["target"] = 99.into();
        changed["indicator"] = "availability".into();
        for gone in ["name", "threshold"] {
            changed.as_object_mut().expect("an object").remove(gone);
        }
        assert_eq!(with("/slos/a/edit?target=99&name=&indicator=availability"), changed);
    }

    /// Scenario: percentages as people write them.
    /// Guarantees: numbers are numbers of JSON; what is none is sent as it is, for the server to refuse.
    #[test]
    fn percentages_are_numbers() {
        let found = ["99.9", "99", "099.90 %", "0.5", "00.5"].map(|text| number(text).expect(text));
        assert_eq!(found, ["99.9", "99", "99.90", "0.5", "0.5"]);
        for text in ["", "99,9", ".5", "5.", "1e2", "-1", "a"] {
            assert_eq!(number(text), None, "{text}");
        }
        let body = form("/new-slo?service=a&target=99,9").body().expect("a body");
        assert_eq!(keys(&body)["target"], "99,9");
    }

    /// Scenario: names of services that make no id as they are.
    /// Guarantees: what is suggested is one.
    #[test]
    fn ids_are_suggested() {
        let id = |service: &str| {
            let params = vec![("service".to_owned(), service.to_owned())];
            Form::of(&Address { path: NEW.to_owned(), params }, None).suggested_id()
        };
        assert_eq!(id("shop/Cart.v2"), "shop-cart-v2-availability");
        assert_eq!(id("/"), "availability");
        let long = id(&"x-".repeat(60));
        assert!(long.len() <= ID_CHARS_MAX && long.ends_with("x-availability"), "{long}");
    }

    /// Scenario: a proposal with a bound.
    /// Guarantees: its link leads to a form that sends what is proposed.
    #[test]
    fn proposals_fill_the_form() {
        let text = |text: &str| text.to_owned();
        let row = ProposalRow {
            id: text("cart-latency-2"),
            service: text("cart & co"),
            indicator: text("latency"),
            threshold: Some(text("50ms")),
            target: text("99.5"),
            period: text("28d"),
            ..ProposalRow::default()
        };
        let body = form(&proposed(&row).href()).body().expect("a body");
        let expected = serde_json::json!({
            "id": "cart-latency-2", "service": "cart & co", "indicator": "latency", "threshold": "50ms",
            "target": 99.5, "period": "28d",
        });
        assert_eq!(keys(&body), expected);
        assert_eq!(openslo_body(" \n"), None);
        assert!(
            openslo_body("kind: SLO\n").is_some_and(|body| body.starts_with(r#"{"openslo":"kind: SLO\n","#))
        );
    }

    /// Scenario: problems of fields, of keys that have none, and of a document.
    /// Guarantees: each is shown once, by its field or by its place.
    #[test]
    fn problems_find_their_fields() {
        let problem = |field: &str, line, hint: Option<&str>| FieldProblem {
            field: (!field.is_empty()).then(|| field.to_owned()),
            line,
            message: "is wrong".to_owned(),
            hint: hint.map(str::to_owned),
        };
        let problems = [
            problem("target", None, Some("add one")),
            problem("spec.objectives[0].target", Some(12), None),
            problem("calendar", None, None),
            problem("", None, None),
        ];
        assert_eq!(problem_of(&problems, "target").as_deref(), Some("is wrong; add one"));
        assert_eq!(problem_of(&problems, "id"), None);
        let expected = ["line 12, spec.objectives[0].target: is wrong", "calendar: is wrong", "is wrong"];
        assert_eq!(other_problems(&problems), expected);
    }

    /// Scenario: the server's answer about what is kept, as keys and as a document.
    /// Guarantees: it is read, with keys that this page does not know.
    #[test]
    fn definitions_are_read() {
        let keys = r#"{"is_configured":false,"objective":{"id":"a","new":[1]},"updated_at":"7"}"#;
        let definition: Definition = json::read(keys).expect("a definition");
        let rest = Form::of(&Address::default(), definition.objective.as_ref()).rest;
        assert_eq!(rest, [("new".to_owned(), "[1]".to_owned())]);
        let openslo: Definition = json::read(r#"{"is_configured":true,"openslo":"kind: SLO"}"#).expect("one");
        assert_eq!((openslo.is_configured, openslo.openslo.as_deref()), (true, Some("kind: SLO")));
    }
}
