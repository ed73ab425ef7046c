//! Who is told, by the labels of an alert, and who else when nothing comes of it.
//!
//! Routes are tried in order: the first that matches counts, and those behind it only where it says so. Matchers read
//! as Alertmanager's do: a label that is absent is an empty one, and a pattern has to match the whole value.

use crate::Identity;
use regex::{Regex, RegexBuilder};
use std::{collections::BTreeMap, time::Duration};

/// A compiled pattern takes at most so many bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Where alerts with some labels go.
#[derive(Debug, Clone)]
pub struct Route {
    /// All of them have to match; none matches every alert.
    pub matchers: Vec<Matcher>,
    pub receivers: Vec<String>,
    /// Routes behind it are tried as well.
    pub goes_on: bool,
    pub escalation: Option<Escalation>,
}

/// Who is told of an alert that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// Between two steps, and before the first.
    pub after: Duration,
    /// One receiver for each step.
    pub to: Vec<String>,
}

impl Escalation {
    /// Those whose step has come for an alert that fires since then.
    pub fn due(&self, firing_at: i64, now: i64) -> &[String] {
        let after = i64::try_from(self.after.as_nanos()).unwrap_or(i64::MAX).max(1);
        let n_steps = now.saturating_sub(firing_at).max(0) / after;
        let n_steps = usize::try_from(n_steps).unwrap_or(usize::MAX).min(self.to.len());
        &self.to[..n_steps]
    }
}

/// A condition on one label: `severity="page"`.
#[derive(Debug, Clone)]
pub struct Matcher {
    label: String,
    wanted: Wanted,
    /// It matches what is not wanted.
    is_negated: bool,
}

#[derive(Debug, Clone)]
enum Wanted {
    Text(String),
    Pattern(Regex),
}

/// Why a matcher was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    #[error("a matcher is a label, one of = != =~ !~ and a value, such as severity=\"page\"")]
    Form,

    #[error("{label:?} is no name of a label: it has letters, digits and _, and no digit at its beginning")]
    Label { label: String },

    #[error("the pattern cannot be read: {reason}")]
    Pattern { reason: String },
}

impl Matcher {
    /// Reads `label=value`, also `!=`, and `=~` and `!~` for patterns; the value may stand in quotation marks.
    pub fn parse(text: &str) -> Result<Self, MatcherError> {
        let at = text.find(['=', '!']).ok_or(MatcherError::Form)?;
        let (label, rest) = text.split_at(at);
        let (is_negated, is_pattern, value) = operator(rest).ok_or(MatcherError::Form)?;
        let label = label.trim();
        if !is_label(label) {
            return Err(MatcherError::Label { label: label.to_owned() });
        }
        let value = unquoted(value.trim()).ok_or(MatcherError::Form)?;
        let wanted = if is_pattern { Wanted::Pattern(whole(value)?) } else { Wanted::Text(value.to_owned()) };
        Ok(Self { label: label.to_owned(), wanted, is_negated })
    }

    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        let is_wanted = match &self.wanted {
            Wanted::Text(text) => text == value,
            Wanted::Pattern(pattern) => pattern.is_match(value),
        };
        is_wanted != self.is_negated
    }
}

/// Whether it negates, whether a pattern follows, and what follows. Longer operators come before their beginnings.
fn operator(text: &str) -> Option<(bool, bool, &str)> {
    let operators = [("!=", true, false), ("!~", true, true), ("=~", false, true), ("=", false, false)];
    operators.into_iter().find_map(|(operator, is_negated, is_pattern)| {
        Some((is_negated, is_pattern, text.strip_prefix(operator)?))
    })
}

fn is_label(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    text.bytes().next().is_some_and(is_letter)
        && text.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// A value in quotation marks holds none of its own; one without them is taken as it is.
fn unquoted(text: &str) -> Option<&str> {
    match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').filter(|inner| !inner.contains('"')),
        None => Some(text).filter(|text| !text.contains('"')),
    }
}

fn whole(pattern: &str) -> Result<Regex, MatcherError> {
    let built = |text: &str| RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build();
    // By itself first: with `a)|(b` the anchors would hold on to halves.
    built(pattern).and_then(|_| built(&format!("^(?s:{pattern})$"))).map_err(|error| {
        // Its last line says what is wrong; those before it draw the pattern.
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        MatcherError::Pattern { reason }
    })
}

/// The routes that count for an alert.
pub fn matching<'a>(routes: &'a [Route], identity: &Identity) -> Vec<&'a Route> {
    let mut counting = Vec::new();
    for route in routes {
        if route.matchers.iter().all(|matcher| matcher.matches(identity.labels())) {
            counting.push(route);
            if !route.goes_on {
                break;
            }
        }
    }
    counting
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Severity, Slo, SloSpec};

    fn matches(matcher: &str, labels: &[(&str, &str)]) -> bool {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let labels: BTreeMap<String, String> = labels.iter().map(pair).collect();
        Matcher::parse(matcher).unwrap().matches(&labels)
    }

    /// Scenario: each operator against a value that fits, one that does not, and an absent label.
    /// Guarantees: Alertmanager's meaning: patterns are anchored, an absent label is empty.
    #[test]
    fn matchers() {
        let page = [("severity", "page"), ("team", "payments")];
        for matcher in [
            "severity=\"page\"",
            " severity = page ",
            "severity=~\"page|ticket\"",
            "team=~pay.*",
            "team!=search",
            "team!~\"pay\"",
            "other=\"\"",
            "other=~\".*\"",
            "other!=x",
        ] {
            assert!(matches(matcher, &page), "{matcher}");
        }
        for matcher in ["severity=ticket", "team=~pay", "team!=payments", "team!~pay.*", "other=~.+"] {
            assert!(!matches(matcher, &page), "{matcher}");
        }
        assert!(matches("a=~x.y", &[("a", "x\ny")]), "a line break is a character");
    }

    /// Scenario: texts that are no matchers.
    /// Guarantees: each is refused for its own reason.
    #[test]
    fn refusals() {
        let refused = |text: &str| Matcher::parse(text).unwrap_err();
        for text in ["", "severity", "a ! b", "a=\"b", "a=b\"", "a=\"b\"c\""] {
            assert_eq!(refused(text), MatcherError::Form, "{text}");
        }
        for text in ["=x", "1a=x", "a b=x", "a-b=x"] {
            assert!(matches!(refused(text), MatcherError::Label { .. }), "{text}");
        }
        for text in ["a=~(", "a=~a)|(b"] {
            assert!(matches!(refused(text), MatcherError::Pattern { .. }), "{text}");
        }
        let large = format!("a=~\"(x{{1000}}){{1000}}{}\"", "y{1000}");
        assert!(matches!(refused(&large), MatcherError::Pattern { .. }));
    }

    fn route(matchers: &[&str], receiver: &str, goes_on: bool) -> Route {
        let matchers = matchers.iter().map(|text| Matcher::parse(text).unwrap()).collect();
        Route { matchers, receivers: vec![receiver.to_owned()], goes_on, escalation: None }
    }

    /// Scenario: routes of which some match, the first of these goes on, the second does not.
    /// Guarantees: these two count, in order; without matchers everything matches.
    #[test]
    fn the_first_that_matches_counts() {
        let routes = [
            route(&["severity=ticket"], "a", false),
            route(&["service=~check.*"], "b", true),
            route(&["slo=x", "severity=page"], "c", false),
            route(&[], "d", false),
        ];
        let told = |id: &str, severity| {
            let spec = SloSpec { id: id.to_owned(), service: "checkout".to_owned(), ..SloSpec::default() };
            let identity = Identity::new(&Slo::new(spec).unwrap(), severity);
            let counting = matching(&routes, &identity);
            counting.iter().map(|route| route.receivers[0].clone()).collect::<Vec<_>>()
        };
        assert_eq!(told("x", Severity::Page), ["b", "c"]);
        assert_eq!(told("y", Severity::Page), ["b", "d"]);
        assert_eq!(told("y", Severity::Ticket), ["a"]);
    }

    /// Scenario: an alert that fires for longer and longer, and a clock that steps back.
    /// Guarantees: one more receiver after each step, all of them at last, none before the first.
    #[test]
    fn escalations_go_step_by_step() {
        let minute = 60_000_000_000;
        let to = ["lead", "head"].map(str::to_owned).to_vec();
        let escalation = Escalation { after: Duration::from_secs(15 * 60), to };
        let due = |minutes: i64| escalation.due(100, 100 + minutes * minute).len();
        assert_eq!([-5, 0, 14, 15, 29, 30, 1_000].map(due), [0, 0, 0, 1, 1, 2, 2]);
    }
}
