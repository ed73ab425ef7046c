//! Objectives that come from elsewhere, held to what the configuration holds its own to, and told the same.
//!
//! Their keys are those of `[[slos]]`, as JSON; the same readers read them.

use super::super::Problems;
use super::super::problem::{Origin, Problem};
use super::super::raw::{self, OBJECTIVE};
use super::slos;
use crate::units;
use alerts::Slo;
use serde_json::{Map, Value};
use storage::Retention;

/// What there is to say beside [`unkept`].
pub(crate) const UNKEPT_HINT: &str = "the objective could never be measured in full";

/// What is wrong with an objective, and with which of its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyProblem {
    /// None where it is the objective as a whole.
    pub(crate) key: Option<String>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Reads one objective. Receivers are those that it may name.
pub(crate) fn objective(
    keys: &Map<String, Value>,
    receivers: &[&str],
    retention: &Retention,
) -> Result<Slo, Vec<KeyProblem>> {
    let mut problems = Problems::default();
    let section = raw::slo_of_json(keys, &mut problems);
    let slo = slos::one(&section, receivers, retention, &mut problems);
    match slo {
        Some(slo) if problems.is_empty() => Ok(slo),
        _ => Err(problems.into_vec().into_iter().map(key_problem).collect()),
    }
}

/// Messages about a key begin with the section and the key; others have the key as their place.
fn key_problem(problem: Problem) -> KeyProblem {
    let Problem { origin, message, hint, .. } = problem;
    let rest = message.strip_prefix(OBJECTIVE).and_then(|rest| rest.strip_prefix('.'));
    let parts = rest.and_then(|rest| rest.split_once(": "));
    if let Some((key, message)) = parts {
        return KeyProblem { key: Some(key.to_owned()), message: message.to_owned(), hint };
    }
    let key = match origin {
        Origin::Other(key) if !key.is_empty() => Some(key),
        _ => None,
    };
    KeyProblem { key, message, hint }
}

/// Why an objective could never be measured in full, where it could not.
pub(crate) fn unkept(slo: &Slo, retention: &Retention) -> Option<String> {
    let spec = slo.spec();
    let (key, kept) = slos::kept(Some(&spec.indicator), &spec.attributes, retention)?;
    let shown = units::show_duration(kept);
    (slo.period_max() > kept).then(|| format!("the time window is longer than {key} ({shown})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(keys: Value) -> Result<Slo, Vec<(String, String, Option<String>)>> {
        let Value::Object(keys) = keys else { panic!("no object") };
        let told = |problem: KeyProblem| (problem.key.unwrap_or_default(), problem.message, problem.hint);
        objective(&keys, &["on-call"], &Retention::default())
            .map_err(|problems| problems.into_iter().map(told).collect())
    }

    /// Scenario: an objective with many keys, some of them null.
    /// Guarantees: it is the one that the configuration would make of them.
    #[test]
    fn keys_make_an_objective() {
        let slo = read(json!({
            "id": "cart-latency", "service": "cart", "operation": "GET /cart", "filter": ["tenant=acme"],
            "indicator": "latency", "threshold": "300ms", "target": 99.5, "period": "7d", "receivers": ["on-call"],
            "events_min": 20, "description": null, "calendar": null,
        }));
        let spec = slo.unwrap().spec().clone();
        assert_eq!((spec.id.as_str(), spec.target_percent, spec.n_events_min), ("cart-latency", 99.5, 20));
        assert_eq!(spec.attributes, [("tenant".to_owned(), "acme".to_owned())]);
        assert_eq!(spec.receivers, ["on-call"]);
    }

    /// Scenario: objectives with one or two faults each.
    /// Guarantees: every fault is told with its key, and in the words of the configuration.
    #[test]
    fn faults_have_their_keys() {
        let good = json!({ "id": "a", "service": "cart", "indicator": "availability", "target": 99 });
        let with = |changes: Value| {
            let mut keys = good.clone();
            for (key, value) in changes.as_object().expect("an object") {
                keys[key] = value.clone();
            }
            read(keys).expect_err("refused")
        };
        let one = |changes: Value, key: &str, part: &str| {
            let told = with(changes);
            let [(found, message, _)] = told.as_slice() else { panic!("{told:?}") };
            assert!(found == key && message.contains(part), "{told:?}");
        };
        assert!(read(good.clone()).is_ok());
        one(json!({ "target": null }), "target", "is missing");
        one(json!({ "target": "99" }), "target", "is not a percentage");
        one(json!({ "target": 100 }), "target", "is out of range");
        one(json!({ "id": "Cart" }), "id", "is not usable");
        one(json!({ "service": " " }), "service", "is empty");
        one(json!({ "period": "30" }), "period", "is not a duration");
        one(json!({ "period": "9000d" }), "period", "is not between");
        one(json!({ "indicator": "latency" }), "threshold", "is missing");
        one(json!({ "threshold": "1s" }), "threshold", "has no effect");
        one(json!({ "filter": ["tenant"] }), "filter", "is not key=value");
        one(json!({ "filter": "a=b" }), "filter", "is not a list");
        one(json!({ "name": { "en": "a" } }), "name", "an object is not text");
        one(json!({ "receivers": ["oncall"] }), "receivers", "no receiver is called");
        one(json!({ "runbook_url": "ftp://x" }), "runbook_url", "http");
        one(json!({ "tragets": 1 }), "tragets", "unknown key");
        let told = with(json!({ "target": null, "receivers": ["oncall"] }));
        let keys: Vec<&str> = told.iter().map(|(key, ..)| key.as_str()).collect();
        assert_eq!(keys, ["target", "receivers"]);
        assert_eq!(told[1].2.as_deref(), Some("did you mean \"on-call\"?"));
    }
}
