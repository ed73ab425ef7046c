//! One generated incident with distractors: spans and logs with all their attributes, and checks for machines.

mod telemetry;

pub(super) use telemetry::produce;

use crate::incident::{Incident, Labelled, Question, Stretch, Truth};
use crate::json;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::path::Path;

pub(super) const LABELS: &str = "ground-truth.json";

#[derive(Debug, Deserialize)]
struct GroundTruth {
    scenario: String,
    now_unix_nano: i64,
    incident_window: Period,
    baseline_window: Option<Period>,
    checks: Checks,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Period {
    start_unix_nano: i64,
    end_unix_nano: i64,
}

/// Those that a machine can judge; others are for people.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Checks {
    top_service: Option<String>,
    must_rank_below_cause: Vec<String>,
    segment_all_of: Vec<Condition>,
    root_cause_span: Option<String>,
    root_cause_error_type: Option<String>,
    error_type: Option<String>,
    root_cause_peer: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Condition {
    attribute: String,
    value: String,
}

pub(super) fn read(dir: &Path) -> Result<Labelled> {
    let truth: GroundTruth = json::read(&dir.join(LABELS))?;
    let baselines = truth.baseline_window.map(Period::stretch).into_iter().collect();
    let window = truth.incident_window.stretch();
    let incident = Incident {
        id: truth.scenario.clone(),
        place: 1,
        groups: Vec::new(),
        is_counted: true,
        question: Question { window, baselines, asked_at: truth.now_unix_nano.max(window.to), noticed: None },
        truth: truth.checks.truth()?,
    };
    Ok(Labelled { app: truth.scenario, incidents: vec![incident] })
}

impl Period {
    fn stretch(self) -> Stretch {
        Stretch { from: self.start_unix_nano, to: self.end_unix_nano }
    }
}

impl Checks {
    fn truth(self) -> Result<Truth> {
        let evidence = [
            ("operation", self.root_cause_span),
            ("error type", self.root_cause_error_type.or(self.error_type)),
            ("peer", self.root_cause_peer),
        ];
        Ok(Truth {
            service: self.top_service.with_context(|| format!("{LABELS}: checks name no top_service"))?,
            instance: None,
            below: self.must_rank_below_cause,
            attributes: self.segment_all_of.into_iter().map(|one| (one.attribute, one.value)).collect(),
            evidence: evidence
                .into_iter()
                .filter_map(|(what, text)| Some((what.to_owned(), text?)))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a ground truth with all checks and some that nobody knows.
    /// Guarantees: they become a truth; the question has the windows and no label.
    #[test]
    fn checks_become_a_truth() {
        let dir = tempfile::tempdir().expect("a folder");
        let labels = serde_json::json!({
            "scenario": "s", "now_unix_nano": 30, "onset_unix_nano": 15,
            "incident_window": { "start_unix_nano": 10, "end_unix_nano": 20 },
            "baseline_window": { "start_unix_nano": 0, "end_unix_nano": 10 },
            "checks": {
                "top_service": "pay", "must_rank_below_cause": ["cdn"], "error_type": "Refused",
                "segment_all_of": [{ "attribute": "tier", "value": "gold" }], "root_cause_span": "charge",
                "note": "any", "user_facing": ["shop"],
            },
        });
        std::fs::write(dir.path().join(LABELS), labels.to_string()).expect("written");
        let incident = read(dir.path()).expect("reads").incidents.remove(0);
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            incident.truth,
            Truth {
                service: "pay".to_owned(),
                instance: None,
                below: vec!["cdn".to_owned()],
                attributes: vec![pair("tier", "gold")],
                evidence: vec![pair("operation", "charge"), pair("error type", "Refused")],
            }
        );
        assert_eq!(incident.question.baselines, [Stretch { from: 0, to: 10 }]);
        assert_eq!((incident.question.asked_at, incident.question.noticed), (30, None));
        let without = serde_json::json!({
            "scenario": "s", "now_unix_nano": 30, "checks": {},
            "incident_window": { "start_unix_nano": 10, "end_unix_nano": 20 },
        });
        std::fs::write(dir.path().join(LABELS), without.to_string()).expect("written");
        assert!(read(dir.path()).expect_err("no cause").to_string().contains("top_service"));
    }
}
