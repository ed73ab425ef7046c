//! The reader of answers held against serde, on every type of `wire` and on damaged texts.

use super::types::Words;
use super::{Fill, RawObject, Unreadable, quoted, read};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use wire::*;

/// Reads what the server's own serializer writes, and compares with its own reader.
fn check<T>(value: &T)
where
    T: Fill + Default + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let text = serde_json::to_string_pretty(value).expect("serializes");
    let theirs: T = serde_json::from_str(&text).expect("reads");
    assert_eq!((read::<T>(&text).as_ref(), value), (Ok(&theirs), value), "{text}");
}

/// One of everything in a list, so that the types inside are read too.
fn one<T: Default>() -> Vec<T> {
    vec![T::default()]
}

/// Scenario: every answer of the API with one of everything it can hold, its options empty.
/// Guarantees: each key is known and each field is filled as the general reader fills it.
#[test]
fn every_answer_is_read() {
    let status = Status {
        signals: one(),
        rejections: one(),
        last_received_at: Some(UnixNanos(7)),
        ..Status::default()
    };
    check(&status);
    check(&RejectionLog { by_reason: one(), recent: one(), ..RejectionLog::default() });
    check(&ServiceList {
        services: vec![ServiceRow {
            points: vec![RedPoint { estimate: Some(Estimate::default()), ..RedPoint::default() }],
            red: Figures {
                estimate: Some(Estimate { n_requests: 4.0, n_errors: 1.5 }),
                ..Default::default()
            },
            alert_state: Some(AlertState::Firing),
            ..Default::default()
        }],
        is_coarser: true,
        ..ServiceList::default()
    });
    check(&ServiceDetail {
        points: one(),
        operations: one(),
        callers: one(),
        callees: vec![EdgeRow { peer_kind: PeerKind::Messaging, ..EdgeRow::default() }],
        versions: one(),
        environments: one(),
        ownership: Some(Ownership { owner: Some("a".to_owned()), playbooks: one(), ..Default::default() }),
        ..ServiceDetail::default()
    });
    check(&TraceList {
        traces: vec![TraceSummary { services: one(), ..Default::default() }],
        ..Default::default()
    });
    check(&Trace { spans: one(), critical_path: one(), path_by_service: one(), ..Trace::default() });
    let typed = |value_type| Attribute { value_type, ..Attribute::default() };
    let kinds = [AttributeType::Int, AttributeType::Map, AttributeType::Empty];
    check(&SpanDetail {
        attributes: kinds.map(typed).to_vec(),
        resource: one(),
        events: one(),
        links: one(),
        ..SpanDetail::default()
    });
    let record = LogRow { severity: Severity::Fatal, attributes: one(), ..LogRow::default() };
    check(&LogList { rows: vec![record], histogram: one(), ..LogList::default() });
    check(&MetricList { metrics: one(), ..MetricList::default() });
    check(&MetricDetail {
        view: MetricView::Quantiles,
        series: vec![MetricSeries { labels: one(), points: one() }],
        ..MetricDetail::default()
    });
    let line = SaturationSeries { labels: one(), points: one(), ..Default::default() };
    check(&Saturation {
        metrics: vec![SaturationMetric { series: vec![line], ..Default::default() }],
        recognised: vec![RecognisedMetrics { names: one(), ..Default::default() }],
        ..Default::default()
    });
    check(&SloList { slos: vec![SloRow { tiers: one(), ..SloRow::default() }], ..SloList::default() });
    check(&SloDetail { points: one(), burndown: one(), alerts: one(), ..SloDetail::default() });
    let test = BacktestRow { episodes: one(), burndown: one(), notes: one(), ..BacktestRow::default() };
    check(&BacktestList { backtests: vec![test], warnings: one() });
    check(&ProposalList { proposals: one(), skipped: one(), ..ProposalList::default() });
    check(&SavedSlo { id: "a".to_owned(), ..SavedSlo::default() });
    let delivery = DeliveryRow { attempts: one(), ..DeliveryRow::default() };
    let triage = Some(TriageSummary { sentences: one(), ..TriageSummary::default() });
    let alert = AlertRow { deliveries: vec![delivery], triage, ..AlertRow::default() };
    check(&AlertList { alerts: vec![alert], receivers: one(), ..AlertList::default() });
    check(&TestAnswer { is_delivered: true, ..TestAnswer::default() });
    check(&ErrorBody::default());
    let problem = FieldProblem { field: Some("id".to_owned()), line: Some(3), ..FieldProblem::default() };
    check(&ErrorBody { error: ApiError { problems: vec![problem], ..ApiError::default() } });
}

/// Scenario: a report of triage with one of everything, its options empty and filled.
/// Guarantees: each key that a page draws is known and filled as the general reader fills it.
#[test]
fn reports_are_read() {
    let evidence = TriageEvidence { trace_ids: vec!["7c1f".to_owned()], ..Default::default() };
    let suspect = TriageSuspect { evidence: vec![evidence], ..Default::default() };
    let attribute = TriageAttribute { pairs: one(), same: one(), ..Default::default() };
    let points = vec![Some(1.5), None];
    let report = TriageReport {
        verdict: TriageVerdict::Possible,
        sentences: one(),
        onset: Some(TriageOnset::default()),
        requests: points.clone(),
        bad: points.clone(),
        suspects: vec![suspect],
        edges: one(),
        latency: Some(TriageLatency { parts: one(), ..Default::default() }),
        errors: one(),
        attributes: Some(TriageAttributes { kept: vec![attribute], ruled_out: one(), ..Default::default() }),
        templates: vec![TriageTemplate { points: points.clone(), ..Default::default() }],
        metrics: vec![TriageMetric { points, ..Default::default() }],
        changes: one(),
        affected: one(),
        exemplars: one(),
        marks: one(),
        not_known: one(),
        ..TriageReport::default()
    };
    check(&report);
    check(&TriageReport::default());
}

/// Scenario: incidents with one of everything.
/// Guarantees: each key that a page draws is known and filled as the general reader fills it.
#[test]
fn incidents_are_read() {
    let row = IncidentRow { services: one(), owner: Some("a".to_owned()), ..IncidentRow::default() };
    check(&IncidentList { incidents: vec![row.clone()], ..IncidentList::default() });
    let delivery = Some(TimelineDelivery::default());
    let entry = TimelineEntry { delivery, kind: TimelineKind::Notified, ..TimelineEntry::default() };
    let alert = AlertRow { incident: Some(7), ..AlertRow::default() };
    let alerts = vec![IncidentAlert { alert, ..IncidentAlert::default() }];
    let timeline = vec![entry, TimelineEntry::default()];
    let incident = row;
    check(&IncidentDetail { incident, alerts, objectives: one(), timeline, ..IncidentDetail::default() });
}

/// Scenario: every word of every kind.
/// Guarantees: it is read as the general reader reads it.
#[test]
fn every_word_is_read() {
    AlertState::ALL.iter().for_each(check);
    AttributeType::ALL.iter().for_each(check);
    Credentials::ALL.iter().for_each(check);
    MetricView::ALL.iter().for_each(check);
    PeerKind::ALL.iter().for_each(check);
    Severity::ALL.iter().for_each(check);
    IncidentStatus::ALL.iter().for_each(check);
    TimelineKind::ALL.iter().for_each(check);
    TriageVerdict::ALL.iter().for_each(check);
}

/// Scenario: numbers at the ends of their types, times past 2^53, strings with every kind of escape.
/// Guarantees: nothing is lost.
#[test]
fn values_keep_every_digit_and_letter() {
    check(&vec![u64::MAX, 0]);
    check(&vec![i64::MIN, i64::MAX]);
    check(&vec![0.1, -3.5e-9, 1.7976931348623157e308, 0.30000000000000004]);
    check(&vec![UnixNanos(1_764_000_000_123_456_789), UnixNanos(-1)]);
    check(&vec!["\" \\ / \u{8} \u{c} \n \r \t \0 \u{1f600} \u{e9} \u{202e}".to_owned(), String::new()]);
    assert_eq!(read(r#"["\ud83d\ude00\u00e9\/"]"#), Ok(vec!["\u{1f600}\u{e9}/".to_owned()]));
    assert_eq!(read(r#""\ud83d!""#), Ok("\u{fffd}!".to_owned()));
    assert_eq!(read(" 12 "), Ok(UnixNanos(12)));
}

/// Scenario: an object of values of every kind, and texts with what JSON escapes.
/// Guarantees: raw values are what was written; texts that are written are read back.
#[test]
fn what_is_not_known_goes_through() {
    let text = r#"{ "a" : [1, {"b": "]"}] , "c": -1.50, "d":"x\"" }"#;
    let pair = |key: &str, raw: &str| (key.to_owned(), raw.to_owned());
    let expected =
        RawObject(vec![pair("a", r#"[1, {"b": "]"}]"#), pair("c", "-1.50"), pair("d", r#""x\"""#)]);
    assert_eq!(read(text), Ok(expected));
    for text in ["", "a\"b\\c", "line\nnext\ttab\u{1}", "\u{1f600}\u{e9}</script>"] {
        assert_eq!(read(&quoted(text)), Ok(text.to_owned()));
    }
}

/// Scenario: a newer server sends fields that this page does not know, of every kind.
/// Guarantees: they are passed over.
#[test]
fn unknown_fields_are_passed_over() {
    let text = r#"{"new": {"a": [1, {"b": null}, "]}", true, -1.5e3]}, "key": "k", "value": "v", "x": []}"#;
    assert_eq!(read(text), Ok(MetricLabel { key: "k".to_owned(), value: "v".to_owned() }));
}

/// Scenario: a service with what no page shows.
/// Guarantees: that is passed over, and the rest is read.
#[test]
fn what_no_page_shows_is_passed_over() {
    let whole = ServiceDetail {
        instances: one(),
        releases: one(),
        languages: vec!["java".to_owned()],
        ..ServiceDetail::default()
    };
    let text = serde_json::to_string(&whole).expect("serializes");
    let shown = ServiceDetail { instances: Vec::new(), releases: Vec::new(), ..whole };
    assert_eq!(read::<ServiceDetail>(&text), Ok(shown));
}

/// Scenario: answers that are cut, that lack a field, hold the wrong kind, or nest without end.
/// Guarantees: each is refused, with the place where it goes wrong.
#[test]
fn broken_answers_are_refused() {
    let label = |text| read::<MetricLabel>(text).expect_err(text);
    assert_eq!(label(r#"{"key": "k"}"#), Unreadable::Lacking(12));
    assert_eq!(label(r#"{"key": 1}"#), Unreadable::Expected("a string", 8));
    assert_eq!(label("<html>"), Unreadable::Expected("an object", 0));
    assert_eq!(label(r#"{"key": "k", "value": "v"} x"#), Unreadable::Expected("the end", 27));
    let whole = r#"{"key": "k\n", "value": "v"}"#;
    for n in 0..whole.len() {
        label(&whole[..n]);
    }
    let deep = format!(r#"{{"new": {}"#, "[".repeat(100_000));
    assert!(matches!(label(&deep), Unreadable::Expected("less depth", _)));
    assert!(read::<u16>("70000").is_err() && read::<u64>("-1").is_err() && read::<bool>("nul").is_err());
}
