//! Days of an application with injected faults: spans without kind or status, logs, metrics of pods.

mod kinds;
mod owners;
mod telemetry;

pub(super) use telemetry::produce;

use crate::incident::{Incident, Labelled, Question, SECOND, Stretch, Truth};
use crate::json;
use anyhow::Result;
use serde::Deserialize;
use std::path::Path;

pub(super) const LABELS: &str = "faults.json";
/// Metrics come once a minute and tell of a fault about a minute late: this long after it the question is asked.
const ASKED_AFTER: i64 = 240 * SECOND;
/// How far back healthy time is looked for.
const LOOK_BACK: i64 = 7_200 * SECOND;

#[derive(Debug, Deserialize)]
struct Day {
    app: String,
    day_baseline: Option<Period>,
    faults: Vec<Fault>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Period {
    start_unix_nano: i64,
    end_unix_nano: i64,
}

#[derive(Debug, Deserialize)]
struct Fault {
    id: String,
    inject_time_unix_nano: i64,
    window_start_unix_nano: i64,
    window_end_unix_nano: i64,
    baseline_start_unix_nano: Option<i64>,
    baseline_end_unix_nano: Option<i64>,
    metrics_window_end_unix_nano: Option<i64>,
    root_cause_service: String,
    root_cause_pod: Option<String>,
    fault_type: String,
    level: String,
    has_traces: bool,
}

pub(super) fn read(dir: &Path) -> Result<Labelled> {
    let day: Day = json::read(&dir.join(LABELS))?;
    let incidents = day.faults.iter().enumerate().map(|(idx, fault)| incident(&day, idx, fault));
    Ok(Labelled { incidents: incidents.collect(), app: day.app.clone() })
}

fn incident(day: &Day, idx: usize, fault: &Fault) -> Incident {
    let asked_at = fault.metrics_window_end_unix_nano;
    let window = Stretch { from: fault.window_start_unix_nano, to: fault.window_end_unix_nano };
    Incident {
        id: fault.id.clone(),
        place: idx + 1,
        groups: vec![format!("type:{}", fault.fault_type), format!("level:{}", fault.level)],
        is_counted: fault.has_traces,
        question: Question {
            window,
            baselines: baselines(day, fault),
            asked_at: asked_at.unwrap_or(fault.inject_time_unix_nano + ASKED_AFTER).max(window.to),
            noticed: None,
        },
        truth: Truth {
            service: fault.root_cause_service.clone(),
            instance: fault.root_cause_pod.clone(),
            ..Truth::default()
        },
    }
}

/// What somebody who looks at the window knows to be healthy: the fault's own baseline, and of the last two hours
/// those of other faults and of the day. All that end later than the window begins are left out.
fn baselines(day: &Day, fault: &Fault) -> Vec<Stretch> {
    let begin = fault.window_start_unix_nano;
    let others = day.faults.iter().filter_map(Fault::baseline).chain(day.day_baseline.map(Period::stretch));
    let recent = others.filter(|stretch| stretch.to > begin - LOOK_BACK);
    let mut healthy: Vec<Stretch> = recent
        .chain(fault.baseline())
        .filter(|stretch| stretch.from < stretch.to && stretch.to <= begin)
        .collect();
    healthy.sort();
    let mut joined: Vec<Stretch> = Vec::new();
    for stretch in healthy {
        match joined.last_mut() {
            Some(last) if stretch.from <= last.to => last.to = last.to.max(stretch.to),
            _ => joined.push(stretch),
        }
    }
    joined
}

impl Fault {
    fn baseline(&self) -> Option<Stretch> {
        Some(Stretch { from: self.baseline_start_unix_nano?, to: self.baseline_end_unix_nano? })
    }
}

impl Period {
    fn stretch(self) -> Stretch {
        Stretch { from: self.start_unix_nano, to: self.end_unix_nano }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(
        id: &str,
        window: (i64, i64),
        baseline: Option<(i64, i64)>,
        has_traces: bool,
    ) -> serde_json::Value {
        serde_json::json!({
            "id": id,
            "inject_time_unix_nano": window.0 * SECOND,
            "window_start_unix_nano": window.0 * SECOND,
            "window_end_unix_nano": window.1 * SECOND,
            "baseline_start_unix_nano": baseline.map(|(from, _)| from * SECOND),
            "baseline_end_unix_nano": baseline.map(|(_, to)| to * SECOND),
            "root_cause_service": "cart",
            "root_cause_pod": "cart-1",
            "fault_type": "return",
            "level": "code",
            "has_traces": has_traces,
            "detail": { "any": "thing" },
        })
    }

    /// Scenario: a day of five faults, some with baselines of their own, one of them in the future, one long ago.
    /// Guarantees: only earlier time is compared, of the last two hours but for the fault's own; stretches that touch are
    /// one; the nearest comes last.
    #[test]
    fn only_earlier_healthy_time_is_compared() {
        let dir = tempfile::tempdir().expect("a folder");
        let day = serde_json::json!({
            "app": "shop",
            "day_baseline": { "start_unix_nano": 100 * SECOND, "end_unix_nano": 200 * SECOND },
            "faults": [
                fault("a", (90, 95), Some((100, 200)), true),
                fault("b", (300, 400), Some((200, 250)), true),
                fault("c", (700, 800), Some((600, 700)), true),
                fault("d", (20_000, 20_100), Some((100, 200)), true),
                fault("e", (20_500, 20_600), None, false),
            ],
        });
        std::fs::write(dir.path().join(LABELS), day.to_string()).expect("written");
        let Labelled { app, incidents } = read(dir.path()).expect("reads");
        let compared: Vec<Vec<(i64, i64)>> = incidents
            .iter()
            .map(|incident| {
                let seconds = |stretch: &Stretch| (stretch.from / SECOND, stretch.to / SECOND);
                incident.question.baselines.iter().map(seconds).collect()
            })
            .collect();
        assert_eq!(app, "shop");
        assert_eq!(
            compared,
            [vec![], vec![(100, 250)], vec![(100, 250), (600, 700)], vec![(100, 200)], vec![]]
        );
        let [first, .., last] = incidents.as_slice() else { panic!("five incidents") };
        assert_eq!((first.place, first.question.asked_at), (1, 330 * SECOND));
        assert_eq!(first.groups, ["type:return", "level:code"]);
        assert!(first.is_counted && !last.is_counted);
    }
}
