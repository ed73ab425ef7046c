//! An answer held against the truth: where the cause stands, and what stands before it.

use crate::answer;
use crate::incident::Incident;
use anyhow::Result;
use serde_json::Value;

/// Names of services that are told of an answer.
const FIRST: usize = 5;

/// Whether attributes that mark bad requests only together were found so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Together {
    /// One finding has all of them.
    Yes,
    /// Each is in some finding.
    Apart,
    No,
}

impl Together {
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "together",
            Self::Apart => "apart",
            Self::No => "no",
        }
    }
}

/// What came of one incident.
#[derive(Debug, Clone)]
pub struct Judged {
    pub id: String,
    /// From 1, in the set's file.
    pub place: usize,
    pub groups: Vec<String>,
    pub is_counted: bool,
    pub cause: String,
    /// From 1, among services; none where it is no suspect.
    pub rank: Option<usize>,
    /// The likeliest services.
    pub first: Vec<String>,
    /// Whether the likeliest instance is the one that was broken, where the labels name one.
    pub is_instance_named: Option<bool>,
    pub verdict: Option<String>,
    /// Distractors that stand before the cause, of those that the labels name.
    pub distractors: Option<Vec<String>>,
    pub attributes: Option<Together>,
    /// Texts that good evidence has, and whether it does.
    pub evidence: Vec<(String, String, bool)>,
    /// Why there is no answer.
    pub trouble: Option<String>,
    pub elapsed_ms: u64,
}

pub(crate) fn judge(incident: &Incident, answer: Result<Value>, elapsed_ms: u64) -> Judged {
    let (report, trouble) = match answer {
        Ok(report) => (report, None),
        Err(error) => (Value::Null, Some(format!("{error:#}"))),
    };
    let truth = &incident.truth;
    let mut services = answer::services(&report);
    if !services.contains(&truth.service.as_str()) {
        services = answer::services_and_dependencies(&report);
    }
    let place = |name: &str| services.iter().position(|service| *service == name).map(|idx| idx + 1);
    let rank = place(&truth.service);
    let is_before = |name: &&String| place(name).is_some_and(|before| rank.is_none_or(|rank| before < rank));
    let distractors = truth.below.iter().filter(is_before).cloned().collect();
    let instance = answer::instances(&report).first().copied();
    let evidence = truth
        .evidence
        .iter()
        .map(|(what, text)| (what.clone(), text.clone(), answer::mentions(&report, text)));
    Judged {
        id: incident.id.clone(),
        place: incident.place,
        groups: incident.groups.clone(),
        is_counted: incident.is_counted,
        cause: truth.service.clone(),
        rank,
        first: services.iter().take(FIRST).map(|name| (*name).to_owned()).collect(),
        is_instance_named: truth.instance.as_deref().map(|broken| instance == Some(broken)),
        verdict: answer::verdict(&report).map(str::to_owned),
        distractors: (!truth.below.is_empty()).then_some(distractors),
        attributes: together(&report, &truth.attributes),
        evidence: evidence.collect(),
        trouble,
        elapsed_ms,
    }
}

/// Nothing where the labels name no attributes.
fn together(report: &Value, wanted: &[(String, String)]) -> Option<Together> {
    if wanted.is_empty() {
        return None;
    }
    let findings = answer::attributes(report);
    if findings.iter().any(|finding| wanted.iter().all(|one| has(finding, one))) {
        return Some(Together::Yes);
    }
    let is_somewhere = |one: &(String, String)| findings.iter().any(|finding| has(finding, one));
    Some(if wanted.iter().all(is_somewhere) { Together::Apart } else { Together::No })
}

fn has(finding: &[(&str, &str)], (key, value): &(String, String)) -> bool {
    finding.contains(&(key.as_str(), value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{Question, Stretch, Truth};
    use anyhow::anyhow;
    use serde_json::json;

    fn incident() -> Incident {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        Incident {
            id: "one".to_owned(),
            place: 1,
            groups: Vec::new(),
            is_counted: true,
            question: Question {
                window: Stretch { from: 0, to: 1 },
                baselines: Vec::new(),
                asked_at: 1,
                noticed: None,
            },
            truth: Truth {
                service: "pay".to_owned(),
                instance: Some("pay-1".to_owned()),
                below: vec!["cdn".to_owned(), "mail".to_owned()],
                attributes: vec![pair("tier", "gold"), pair("hit", "false")],
                evidence: vec![pair("peer", "db.internal")],
            },
        }
    }

    fn report(services: &[&str], findings: Value) -> Value {
        let suspects: Vec<Value> =
            services.iter().map(|name| json!({ "kind": "service", "name": name })).collect();
        json!({ "verdict": "origin", "suspects": suspects, "attributes": { "kept": findings } })
    }

    fn attribute(key: &str, value: &str) -> Value {
        json!({ "key": key, "value": value })
    }

    /// Scenario: the cause comes second behind one of two distractors; then first; then not at all.
    /// Guarantees: the place counts from one, and only what stands before the cause is held against the answer.
    #[test]
    fn distractors_count_where_they_come_first() {
        let of = |services: &[&str]| {
            let judged = judge(&incident(), Ok(report(services, json!([]))), 7);
            (judged.rank, judged.distractors.expect("some are named"))
        };
        assert_eq!(of(&["cdn", "pay", "mail"]), (Some(2), vec!["cdn".to_owned()]));
        assert_eq!(of(&["pay", "cdn", "mail"]), (Some(1), vec![]));
        assert_eq!(of(&["other", "mail"]), (None, vec!["mail".to_owned()]));
    }

    /// Scenario: both attributes in one finding, in two, one of them only.
    /// Guarantees: the three are told apart.
    #[test]
    fn attributes_are_found_together_or_apart() {
        let of = |findings: Value| judge(&incident(), Ok(report(&["pay"], findings)), 7).attributes;
        let (tier, hit) = (attribute("tier", "gold"), attribute("hit", "false"));
        assert_eq!(of(json!([{ "pairs": [hit, tier] }])), Some(Together::Yes));
        assert_eq!(of(json!([{ "pairs": [tier] }, { "pairs": [hit] }])), Some(Together::Apart));
        assert_eq!(of(json!([{ "pairs": [tier] }])), Some(Together::No));
    }

    /// Scenario: a dependency is the cause; the instance and the peer are named; then there is no answer.
    /// Guarantees: a dependency counts where no service of its name does; without an answer nothing is found, and it is
    /// said why.
    #[test]
    fn everything_else_is_judged_too() {
        let report = json!({ "suspects": [
            { "kind": "service", "name": "shop", "evidence": [{ "sentence": "db.internal timed out" }] },
            { "kind": "dependency", "name": "pay" },
            { "kind": "instance", "name": "pay-1" },
        ]});
        let judged = judge(&incident(), Ok(report), 7);
        assert_eq!((judged.rank, judged.is_instance_named), (Some(2), Some(true)));
        assert_eq!(judged.evidence, [("peer".to_owned(), "db.internal".to_owned(), true)]);
        let judged = judge(&incident(), Err(anyhow!("gone").context("POST")), 7);
        assert_eq!((judged.rank, judged.trouble.as_deref()), (None, Some("POST: gone")));
        assert_eq!((judged.is_instance_named, judged.attributes), (Some(false), Some(Together::No)));
    }
}
