//! Nodes with metrics and a graph of calls, no spans: issues against a fault-free stretch that was recorded apart.

mod placement;
mod telemetry;

pub(super) use telemetry::produce;

use crate::incident::{Incident, Labelled, Question, Stretch, Truth};
use crate::json;
use anyhow::Result;
use placement::Placement;
use serde::Deserialize;
use std::path::Path;

pub(super) const LABELS: &str = "issues.json";
/// Windows have the point at their end, too.
const END_INCLUDED: i64 = 1_000_000;

#[derive(Debug, Deserialize)]
struct Issues {
    variant: String,
    baseline: Baseline,
    issues: Vec<Issue>,
}

#[derive(Debug, Deserialize)]
struct Baseline {
    id: String,
    start_unix_nano: i64,
    end_unix_nano: i64,
}

#[derive(Debug, Deserialize)]
struct Issue {
    id: String,
    split: String,
    target: Target,
    root_cause_node: String,
    window_start_unix_nano: i64,
    window_end_unix_nano: i64,
}

/// Where it was noticed: not a label, but the question.
#[derive(Debug, Deserialize)]
struct Target {
    node: String,
    metric: String,
}

/// Who calls whom.
#[derive(Debug, Deserialize)]
struct Graph {
    edges: Vec<(String, String)>,
}

pub(super) fn read(dir: &Path) -> Result<Labelled> {
    let issues: Issues = json::read(&dir.join(LABELS))?;
    let placement = Placement::of(&issues);
    let incidents = issues.issues.iter().enumerate().map(|(idx, issue)| {
        let moved = placement.shift(&issue.id);
        let end = issue.window_end_unix_nano + moved + END_INCLUDED;
        Incident {
            id: issue.id.clone(),
            place: idx + 1,
            groups: vec![format!("metric:{}", issue.target.metric), format!("split:{}", issue.split)],
            is_counted: true,
            question: Question {
                window: Stretch { from: issue.window_start_unix_nano + moved, to: end },
                baselines: vec![baseline(&issues.baseline)],
                asked_at: end,
                noticed: Some((issue.target.node.clone(), issue.target.metric.clone())),
            },
            truth: Truth { service: issue.root_cause_node.clone(), ..Truth::default() },
        }
    });
    Ok(Labelled { incidents: incidents.collect(), app: issues.variant.clone() })
}

fn baseline(baseline: &Baseline) -> Stretch {
    Stretch { from: baseline.start_unix_nano, to: baseline.end_unix_nano + END_INCLUDED }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::SECOND;

    /// Scenario: two issues from months before the fault-free stretch, one of them noticed by failures.
    /// Guarantees: the questions lie behind that stretch, an hour and more apart, with the last point inside; what is
    /// told is where it was noticed.
    #[test]
    fn issues_come_after_healthy_time() {
        let dir = tempfile::tempdir().expect("a folder");
        let issue = |id: &str, metric: &str, from: i64| {
            serde_json::json!({
                "id": id, "split": "test", "root_cause_node": "db",
                "target": { "node": "site", "metric": metric, "statistic": "Average", "time_unix_nano": 0 },
                "window_start_unix_nano": from * SECOND, "window_end_unix_nano": (from + 1_200) * SECOND,
            })
        };
        let labels = serde_json::json!({
            "variant": "low",
            "baseline": { "id": "quiet", "start_unix_nano": 90_000 * SECOND, "end_unix_nano": 99_000 * SECOND },
            "issues": [issue("a", "latency", 1_000), issue("b", "availability", 1_500)],
        });
        std::fs::write(dir.path().join(LABELS), labels.to_string()).expect("written");
        let Labelled { app, incidents } = read(dir.path()).expect("reads");
        assert_eq!((app.as_str(), incidents.len()), ("low", 2));
        let [a, b] = [&incidents[0].question, &incidents[1].question];
        let healthy = Stretch { from: 90_000 * SECOND, to: 99_000 * SECOND + END_INCLUDED };
        assert_eq!(a.baselines, [healthy]);
        assert_eq!(b.baselines, [healthy]);
        assert!(
            a.window.from >= healthy.to + 3_600 * SECOND && b.window.from >= a.window.to + 3_600 * SECOND
        );
        assert_eq!(a.window.to - a.window.from, 1_200 * SECOND + END_INCLUDED);
        assert_eq!(a.asked_at, a.window.to);
        assert_eq!(b.noticed, Some(("site".to_owned(), "availability".to_owned())));
        assert_eq!(incidents[1].groups, ["metric:availability", "split:test"]);
    }
}
