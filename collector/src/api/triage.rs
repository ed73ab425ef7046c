//! `POST /api/v1/triage`, and `GET /api/v1/alerts/{id}/triage`: where did it break first?

use super::changes::{Expected, check_content_type, read_json};
use super::params::Params;
use super::{Api, Failure, NameInPath, convert, triage_report};
use crate::triage::{Asked, BASELINES_MAX, WINDOW_MAX, investigate};
use crate::units::{self, MOMENT_HINT, nanos};
use ::triage::Symptom;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::Uri;
use http::header::CONTENT_TYPE;
use std::time::Duration;
use storage::TimeRange;
use wire::{TriageBaseline, TriageMoment, TriageRequest, TriageStretch};

const EXPECTED: Expected =
    Expected { bytes_max: 32 << 10, example: "{\"from\": \"now-15m\", \"service\": \"checkout\"}" };
/// Metrics come up to minutes late: where nobody says when the question is from, they are read for so much longer.
const METRICS_LATE: Duration = Duration::from_secs(240);
/// And at most for so long after the window.
const ASKED_LATER_MAX: Duration = Duration::from_secs(3600);
const INDICATORS: [(&str, Symptom); 2] =
    [("availability", Symptom::Availability), ("latency", Symptom::Latency)];

/// It changes nothing, and is a `POST` for its body; like SQL it has to be JSON, which a form cannot send.
pub(super) async fn post(
    State(api): State<Api>,
    request: Request,
) -> Result<Json<wire::TriageReport>, Failure> {
    let now = api.now();
    Params::read(request.uri(), now, &[])?;
    check_content_type(request.headers(), EXPECTED)?;
    let (engine, board) = (api.engine()?, api.board()?);
    let asked = asked(read_json(request.into_body(), EXPECTED).await?, now)?;
    let history = board.history(asked.window).await.map_err(convert::state_failure)?;
    let answer = investigate(engine, &api.triage, asked, &history).await;
    answer.map(triage_report).map(Json).map_err(convert::triage_failure)
}

/// The newest report about an alert, as it was kept.
pub(super) async fn of_alert(
    State(api): State<Api>,
    NameInPath(id): NameInPath,
    uri: Uri,
) -> Result<Response, Failure> {
    Params::read(&uri, api.now(), &[])?;
    match api.board()?.triage(&id).await.map_err(convert::state_failure)? {
        Some(stored) => Ok(([(CONTENT_TYPE, "application/json")], stored.report).into_response()),
        None => Err(Failure::not_found(format!("there is no report about an alert {id:?}")).hint(
            "a report is made when an alert begins to fire, within seconds; ids are those of /api/v1/alerts",
        )),
    }
}

fn asked(request: TriageRequest, now: i64) -> Result<Asked, Failure> {
    let window = TimeRange {
        from: moment("from", &request.from, now)?,
        to: request.to.as_ref().map_or(Ok(now), |to| moment("to", to, now))?,
    };
    check("the window", window)?;
    if window.to.saturating_sub(window.from) > nanos(WINDOW_MAX) {
        return Err(Failure::bad_request("the window is longer than a day")
            .hint("ask about the time in which it began: minutes, or some hours"));
    }
    let baselines = baselines(request.baseline, window, now)?;
    let late = window.to.saturating_add(nanos(METRICS_LATE)).min(now);
    let asked_at = request.asked_at.as_ref().map_or(Ok(late), |at| moment("asked_at", at, now))?;
    let symptom = request.indicator.as_deref().map(symptom).transpose()?;
    if request.operation.is_some() && request.service.is_none() {
        return Err(Failure::bad_request("operation comes without service")
            .hint("name the service whose operation it is"));
    }
    if request.threshold_ns.is_some_and(|threshold_ns| threshold_ns <= 0) {
        return Err(Failure::bad_request("threshold_ns is not above 0"));
    }
    let latest = window.to.saturating_add(nanos(ASKED_LATER_MAX));
    Ok(Asked {
        window,
        baselines,
        asked_at: asked_at.clamp(window.to, latest),
        service: request.service,
        operation: request.operation,
        symptom,
        threshold_ns: request.threshold_ns,
    })
}

/// Oldest first, whatever order they came in.
fn baselines(
    baseline: Option<TriageBaseline>,
    window: TimeRange,
    now: i64,
) -> Result<Vec<TimeRange>, Failure> {
    let stretches = match baseline {
        None => return Ok(Vec::new()),
        Some(TriageBaseline::One(one)) => vec![one],
        Some(TriageBaseline::Several(several)) => several,
    };
    if stretches.len() > BASELINES_MAX {
        return Err(Failure::bad_request(format!("baseline has more than {BASELINES_MAX} stretches")));
    }
    let range = |stretch: &TriageStretch| {
        let range = TimeRange {
            from: moment("baseline.from", &stretch.from, now)?,
            to: moment("baseline.to", &stretch.to, now)?,
        };
        check("a baseline", range)?;
        match range.to <= window.from {
            true => Ok(range),
            false => Err(Failure::bad_request("a baseline ends after the window begins")
                .hint("compare with time that was over before anything was wrong")),
        }
    };
    let mut ranges = stretches.iter().map(range).collect::<Result<Vec<_>, _>>()?;
    ranges.sort_by_key(|range| (range.from, range.to));
    if ranges.windows(2).any(|pair| pair[1].from < pair[0].to) {
        return Err(Failure::bad_request("stretches of baseline overlap"));
    }
    Ok(ranges)
}

pub(super) fn check(what: &str, range: TimeRange) -> Result<(), Failure> {
    match range.from < range.to {
        true => Ok(()),
        false => Err(Failure::bad_request(format!("{what} ends before it begins")).hint(MOMENT_HINT)),
    }
}

pub(super) fn moment(name: &str, moment: &TriageMoment, now: i64) -> Result<i64, Failure> {
    let text = match moment {
        TriageMoment::Millis(millis) => millis.to_string(),
        TriageMoment::Text(text) => text.clone(),
    };
    units::moment(&text, now).ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        Failure::bad_request(format!("{name}: {shown:?} is not a time")).hint(MOMENT_HINT)
    })
}

fn symptom(text: &str) -> Result<Symptom, Failure> {
    let known = INDICATORS.into_iter().find(|(word, _)| *word == text).map(|(_, symptom)| symptom);
    known.ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        Failure::bad_request(format!("indicator: {shown:?} is not known"))
            .hint("write availability or latency")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const MINUTE: i64 = 60_000_000_000;
    const NOW: i64 = 1_769_860_800_000_000_000;

    fn read(question: Value) -> Result<Asked, Failure> {
        asked(serde_json::from_value(question).expect("a question"), NOW)
    }

    /// Scenario: the shortest question, and one with everything.
    /// Guarantees: what is absent is now or chosen later; stretches are oldest first.
    #[test]
    fn questions_are_completed() {
        let least = read(json!({"from": "now-15m"})).expect("asked");
        assert_eq!(least.window, TimeRange { from: NOW - 15 * MINUTE, to: NOW });
        assert_eq!((least.asked_at, least.baselines.len(), least.symptom), (NOW, 0, None));
        let all = read(json!({
            "from": "now-30m", "to": "now-20m", "asked_at": "now-18m", "service": "cart", "operation": "GET /",
            "indicator": "latency", "threshold_ns": 5,
            "baseline": [{"from": "now-40m", "to": "now-35m"}, {"from": "now-60m", "to": "now-50m"}],
        }));
        let all = all.expect("asked");
        assert_eq!(all.asked_at, NOW - 18 * MINUTE);
        assert_eq!(all.baselines[0], TimeRange { from: NOW - 60 * MINUTE, to: NOW - 50 * MINUTE });
        assert_eq!(all.symptom, Some(Symptom::Latency));
        let late = read(json!({"from": "now-30m", "to": "now-20m"})).expect("asked");
        assert_eq!(late.asked_at, NOW - 16 * MINUTE);
    }

    /// Scenario: times that are none, empty and endless windows, baselines in the window or over each other, words that
    /// are not known.
    /// Guarantees: each is refused, and the message names the field.
    #[test]
    fn bad_questions_are_refused() {
        let stretch = |from: &str, to: &str| json!({"from": from, "to": to});
        let of = |baseline: Value| json!({"from": "now-15m", "baseline": baseline});
        for (question, words) in [
            (json!({"from": "yesterday"}), "from: \"yesterday\""),
            (json!({"from": "now-5m", "to": "now-5m"}), "the window ends"),
            (json!({"from": "now-2d"}), "longer than a day"),
            (of(stretch("now-20m", "now-10m")), "ends after the window"),
            (of(stretch("now-20m", "now-30m")), "a baseline ends"),
            (of(json!([stretch("now-40m", "now-30m"), stretch("now-35m", "now-20m")])), "overlap"),
            (of(json!(vec![stretch("now-20m", "now-19m"); 65])), "more than 64"),
            (json!({"from": "now-5m", "indicator": "speed"}), "indicator: \"speed\""),
            (json!({"from": "now-5m", "operation": "GET /"}), "without service"),
            (json!({"from": "now-5m", "threshold_ns": 0}), "threshold_ns"),
        ] {
            let failure = read(question.clone()).expect_err("refused");
            assert!(failure.message.contains(words), "{question}: {}", failure.message);
        }
    }
}
