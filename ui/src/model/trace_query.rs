//! Filters of the trace search: what people type, the chips they see, the parameters they become.
//!
//! The parameters of the page are those of the API, so a filter is one name and one value.

use crate::model::address::Address;
use crate::model::time_range::span_ms;

/// Parameters with one value each.
const SINGLE: [&str; 6] = ["service", "operation", "status", "min", "max", "order"];
/// The repeatable one: `key=value`.
pub const ATTRIBUTE: &str = "attr";
/// Rows asked for; more cannot be read anyway, and the answer says when there are more.
const LIMIT: &str = "200";

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub param: &'static str,
    pub value: String,
}

/// How a condition reads: `duration`, `>`, `50ms`.
pub fn parts(filter: &Filter) -> (String, &'static str, String) {
    match filter.param {
        "min" => ("duration".to_owned(), "\u{2265}", filter.value.clone()),
        "max" => ("duration".to_owned(), "\u{2264}", filter.value.clone()),
        ATTRIBUTE => {
            let (key, value) = filter.value.split_once('=').unwrap_or((&filter.value, ""));
            (key.to_owned(), "=", value.to_owned())
        }
        param => (param.to_owned(), "=", filter.value.clone()),
    }
}

/// Conditions of an address, in the order of the bar.
pub fn filters(address: &Address) -> Vec<Filter> {
    let single = SINGLE.iter().filter(|param| **param != "order").filter_map(|param| {
        let value = address.param(param).filter(|value| !value.is_empty())?;
        Some(Filter { param, value: value.to_owned() })
    });
    let attributes = address.params(ATTRIBUTE).into_iter().filter(|pair| pair.contains('='));
    single.chain(attributes.map(|value| Filter { param: ATTRIBUTE, value })).collect()
}

/// The question for the API, without the range.
pub fn api_path(address: &Address) -> String {
    let mut target = Address { path: "/traces".to_owned(), params: Vec::new() };
    for Filter { param, value } in filters(address) {
        target.params.push((param.to_owned(), value));
    }
    if let Some(order) = address.param("order") {
        target.params.push(("order".to_owned(), order.to_owned()));
    }
    target.params.push(("limit".to_owned(), LIMIT.to_owned()));
    target.href()
}

/// Reads `service = checkout`, `status=error`, `duration > 50ms`, `duration <= 2s` or `key = value`.
pub fn parse(text: &str) -> Result<Filter, String> {
    let text = text.trim();
    let at = text.find(['=', '<', '>', '\u{2265}', '\u{2264}']).filter(|at| *at > 0);
    let at = at.ok_or_else(|| "Write a condition such as service = checkout.".to_owned())?;
    let (key, rest) = (text[..at].trim(), &text[at..]);
    let value = rest.trim_start_matches(['=', '<', '>', '\u{2265}', '\u{2264}']).trim();
    let value = value.trim_matches('"').to_owned();
    let is_less = rest.starts_with(['<', '\u{2264}']);
    let is_equal = rest.starts_with('=');
    if value.is_empty() {
        return Err(format!("What should {key} be?"));
    }
    match key {
        "duration" | "min" | "max" if is_equal && key == "duration" => {
            Err("Compare a duration with > or <.".to_owned())
        }
        "duration" | "min" | "max" => {
            let param = if is_less || key == "max" { "max" } else { "min" };
            check_duration(&value).map(|()| Filter { param, value })
        }
        _ if !is_equal => {
            let operator: String = rest.chars().take(1).collect();
            Err(format!("Only a duration can be compared with {operator}."))
        }
        "service" => Ok(Filter { param: "service", value }),
        "operation" => Ok(Filter { param: "operation", value }),
        "status" if value == "error" || value == "ok" => Ok(Filter { param: "status", value }),
        "status" => Err("The status is error or ok.".to_owned()),
        key => Ok(Filter { param: ATTRIBUTE, value: format!("{key}={value}") }),
    }
}

/// `100ms`, `1.5s`, `2m`: what the API accepts.
fn check_duration(text: &str) -> Result<(), String> {
    let message = || format!("Cannot read the duration \u{201c}{text}\u{201d}; write 50ms, 1.5s or 2m.");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '\u{b5}');
    let unit = &text[digits.len()..];
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number =
        [whole, part].iter().all(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()));
    let is_unit = matches!(unit, "ns" | "us" | "\u{b5}s" | "ms") || span_ms(&format!("1{unit}")).is_ok();
    if is_number && is_unit { Ok(()) } else { Err(message()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, param: &str, value: &str) {
        let filter = parse(text).expect(text);
        assert_eq!((filter.param, filter.value.as_str()), (param, value), "{text}");
    }

    /// Scenario: each kind of condition is typed, with and without spaces.
    /// Guarantees: it becomes the parameter that the API takes.
    #[test]
    fn reads_conditions() {
        check("service = checkout", "service", "checkout");
        check("operation=POST /v1/checkout", "operation", "POST /v1/checkout");
        check("status = error", "status", "error");
        check("duration > 50ms", "min", "50ms");
        check("duration<=1.5s", "max", "1.5s");
        check("http.route = /a=b", "attr", "http.route=/a=b");
        check("tenant = \"a b\"", "attr", "tenant=a b");
    }

    /// Scenario: conditions that mean nothing.
    /// Guarantees: the message says what to write.
    #[test]
    fn explains_refusals() {
        let refusal = |text| parse(text).expect_err(text);
        assert_eq!(refusal("status = slow"), "The status is error or ok.");
        assert_eq!(refusal("service > a"), "Only a duration can be compared with >.");
        assert_eq!(refusal("service \u{2265} a"), "Only a duration can be compared with \u{2265}.");
        assert!(refusal("duration > soon").starts_with("Cannot read the duration"));
        assert!(refusal("checkout").starts_with("Write a condition"));
        assert_eq!(refusal("service ="), "What should service be?");
    }

    /// Scenario: an address with every filter, a broken attribute and parameters of other pages.
    /// Guarantees: chips and question hold the filters and nothing else.
    #[test]
    fn turns_an_address_into_a_question() {
        let address =
            Address::parse("/traces?from=1&service=a%2Fb&attr=k%3Dv&attr=broken&order=slowest&tab=x");
        let chips: Vec<_> = filters(&address).iter().map(parts).collect();
        assert_eq!(chips[0], ("service".to_owned(), "=", "a/b".to_owned()));
        assert_eq!(chips[1], ("k".to_owned(), "=", "v".to_owned()));
        assert_eq!(chips.len(), 2);
        assert_eq!(api_path(&address), "/traces?service=a%2Fb&attr=k%3Dv&order=slowest&limit=200");
    }
}
