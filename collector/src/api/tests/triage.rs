//! Triage over HTTP: what is asked, what is answered, and what is refused.

use super::*;

/// A minute of healthy requests before AT, and half a minute in which a service below them fails.
fn shop() -> Value {
    let second = 1_000 * MILLI_NS;
    let span = |n: i64, id: i64, parent: i64, kind: i64, (from_ms, to_ms): (i64, i64), fails: bool| {
        let start = AT - 60 * second + n * second / 2;
        json!({
            "traceId": format!("{:032x}", n + 1), "spanId": format!("{id:016x}"),
            "parentSpanId": if parent == 0 { String::new() } else { format!("{parent:016x}") },
            "name": if id == 1 { "GET /shop" } else { "charge" }, "kind": kind,
            "startTimeUnixNano": (start + from_ms * MILLI_NS).to_string(),
            "endTimeUnixNano": (start + to_ms * MILLI_NS).to_string(),
            "status": {"code": if fails { 2 } else { 0 }, "message": if fails { "card store is gone" } else { "" }},
            "attributes": [{"key": "error.type", "value": {"stringValue": if fails { "Gone" } else { "" }}}],
        })
    };
    let of = |service: &str, spans: Vec<Value>| {
        let name = json!([{"key": "service.name", "value": {"stringValue": service}}]);
        json!({"resource": {"attributes": name}, "scopeSpans": [{"spans": spans}]})
    };
    let fails = |n: i64| n >= 120 && n % 2 == 0;
    let web =
        (0..180).flat_map(|n| [span(n, 1, 0, 2, (0, 100), fails(n)), span(n, 2, 1, 3, (10, 90), fails(n))]);
    let pay = (0..180).map(|n| span(n, 3, 2, 2, (12, 88), fails(n)));
    json!({"resourceSpans": [of("web", web.collect()), of("pay", pay.collect())]})
}

async fn ask(server: &Server, question: Value) -> Answer {
    let request = http::Request::post("/api/v1/triage").header("content-type", "application/json");
    server.send(request.body(Body::from(question.to_string())).expect("valid")).await
}

pub(super) async fn open() -> Server {
    let server = Server::open_empty(|_| ()).await;
    store(server.api.engine().expect("open"), Signal::Traces, &shop()).await;
    server
}

/// Scenario: a service below the front begins to fail; it is asked about that half minute.
/// Guarantees: the answer is the documented type, names that service and what failed, draws both sides on one axis,
/// and is the same when it is asked again; SQL beside the evidence runs.
#[tokio::test]
async fn a_failing_service_is_named() {
    let server = open().await;
    let question = json!({"from": "2026-01-31T12:00:00Z", "to": "2026-01-31T12:00:30Z", "service": "web"});
    let answer = ask(&server, question.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut report: wire::TriageReport = serde_json::from_slice(&answer.body).expect("the documented type");
    assert_eq!(report.version, wire::TRIAGE_VERSION);
    assert_eq!((report.n_requests, report.n_bad), (60, 30));
    assert_eq!(report.suspects[0].name, "pay", "{:#?}", report.suspects);
    assert!(
        report.errors.iter().any(|group| group.identity == "Gone" && group.service == "pay"),
        "{:?}",
        report.errors
    );
    assert_eq!(report.scope.service.as_deref(), Some("web"));
    assert!(report.baselines.iter().all(|baseline| baseline.to <= report.window.from));
    assert_eq!(report.requests.len(), report.axis.n_steps as usize);
    assert_eq!(report.bad.iter().flatten().sum::<f64>(), 30.0);
    let sql = report.suspects[0].evidence[0].sql.clone().expect("a statement");
    assert_eq!(server.sql(&sql, "application/json").await.status, 200, "{sql}");
    report.elapsed_ms = 0;
    let again = ask(&server, question).await;
    let again: wire::TriageReport = serde_json::from_slice(&again.body).expect("the documented type");
    assert_eq!(wire::TriageReport { elapsed_ms: 0, ..again }, report);
}

/// Scenario: the minute before, and a time without any data.
/// Guarantees: no origin is named, and what could not be seen is said.
#[tokio::test]
async fn nothing_wrong_has_no_origin() {
    let server = open().await;
    for (from, to) in
        [("2026-01-31T11:59:40Z", "2026-01-31T12:00:00Z"), ("2026-01-31T08:00:00Z", "2026-01-31T08:05:00Z")]
    {
        let answer = ask(&server, json!({"from": from, "to": to})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let report: wire::TriageReport = serde_json::from_slice(&answer.body).expect("the documented type");
        assert_eq!(report.verdict, wire::TriageVerdict::NoClearOrigin, "{}", report.headline);
        assert!(!report.headline.is_empty() && report.sentences.is_empty(), "{report:#?}");
        assert!(
            report.not_known.iter().any(|sentence| sentence.contains("no logs")),
            "{:?}",
            report.not_known
        );
    }
}

/// Scenario: bodies that are no JSON, that have unknown fields, no beginning, or a time that is none; the wrong method;
/// an alert that has no report.
/// Guarantees: each failure has the one shape and says what to do.
#[tokio::test]
async fn bad_questions_have_one_shape() {
    let server = open().await;
    for (question, words) in [
        (json!({"from": "now-5m", "sevice": "web"}), "sevice"),
        (json!({"to": "now"}), "from"),
        (json!({"from": "soon"}), "from"),
        (json!([]), "body"),
    ] {
        let answer = ask(&server, question.clone()).await;
        let (status, code, hint) = answer.failure();
        assert_eq!((status, code.as_str()), (400, "bad_request"), "{question}");
        assert!(answer.text().contains(words) && hint.is_some(), "{question}: {}", answer.text());
    }
    let form = http::Request::post("/api/v1/triage").header("content-type", "text/plain");
    assert_eq!(server.send(form.body(Body::from("{}")).expect("valid")).await.failure().0, 415);
    assert_eq!(server.get("/api/v1/triage").await.failure().0, 405);
    let (status, _, hint) = server.get("/api/v1/alerts/none/triage").await.failure();
    assert_eq!((status, hint.is_some()), (404, true));
}

/// Every path to a field of a document, with how often a list was gone through.
fn paths(value: &Value, path: &str, found: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            paths(value, &format!("{path}{dot}{key}"), found);
        }),
        Value::Array(items) if items.iter().any(|item| item.is_object()) => {
            items.iter().for_each(|item| paths(item, &format!("{path}[]"), found));
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

/// Scenario: a report with one of everything.
/// Guarantees: the fields of version 1 are these; taking one away is a new version.
#[test]
fn the_fields_of_a_report_are_stable() {
    let report = wire::TriageReport {
        baselines: vec![Default::default()],
        onset: Some(Default::default()),
        suspects: vec![wire::TriageSuspect { evidence: vec![Default::default()], ..Default::default() }],
        edges: vec![Default::default()],
        latency: Some(wire::TriageLatency { parts: vec![Default::default()], ..Default::default() }),
        errors: vec![Default::default()],
        attributes: Some(wire::TriageAttributes {
            kept: vec![wire::TriageAttribute { pairs: vec![Default::default()], ..Default::default() }],
            ..Default::default()
        }),
        templates: vec![Default::default()],
        metrics: vec![Default::default()],
        changes: vec![Default::default()],
        affected: vec![Default::default()],
        exemplars: vec![Default::default()],
        marks: vec![Default::default()],
        ..Default::default()
    };
    let mut found = std::collections::BTreeSet::new();
    paths(&serde_json::to_value(&report).expect("serializes"), "", &mut found);
    let listed = found.into_iter().collect::<Vec<_>>().join("\n");
    assert_eq!(listed, include_str!("triage_fields.txt").trim_end());
}
