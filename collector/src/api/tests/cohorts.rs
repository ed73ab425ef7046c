//! Comparisons over HTTP: what is asked, what is answered, and what is refused.

use super::triage::open;
use super::*;

async fn ask(server: &Server, question: &Value) -> Answer {
    let request = http::Request::post("/api/v1/compare").header("content-type", "application/json");
    server.send(request.body(Body::from(question.to_string())).expect("valid")).await
}

async fn compared(server: &Server, question: &Value) -> wire::CompareReport {
    let answer = ask(server, question).await;
    assert_eq!(answer.status, 200, "{question}: {}", answer.text());
    let report: wire::CompareReport = serde_json::from_slice(&answer.body).expect("the documented type");
    assert_eq!(report.version, wire::COMPARE_VERSION);
    wire::CompareReport { elapsed_ms: 0, asked_at: wire::UnixNanos(0), ..report }
}

/// Scenario: failed requests of half a minute beside all others of that time.
/// Guarantees: both sides are counted, read and traced; what only failed ones say is ruled out; the parts of the
/// difference add up; the same question has the same answer.
#[tokio::test]
async fn failed_requests_are_held_against_the_others() {
    let server = open().await;
    let question = json!({"first": {
        "from": "2026-01-31T12:00:00Z", "to": "2026-01-31T12:00:31Z", "service": "web", "status": "error",
    }});
    let report = compared(&server, &question).await;
    let (first, second) = (&report.first, &report.second);
    assert_eq!(
        (first.n_requests, first.n_errors, first.n_read, first.n_traced),
        (30, 30, 30, 30),
        "{report:#?}"
    );
    assert_eq!((second.n_requests, second.n_errors, second.n_traced), (30, 0, 30), "{report:#?}");
    assert_eq!(first.p50_ns, Some(100 * MILLI_NS));
    assert!(first.window.is_some() && !first.trace_ids.is_empty());
    let attributes = report.attributes.as_ref().expect("requests");
    assert!(attributes.ruled_out.iter().any(|said| said.contains("error.type")), "{attributes:#?}");
    let latency = report.latency.as_ref().expect("traces");
    let added: f64 = latency.parts.iter().map(|part| part.added_ns).sum();
    assert!((added - (latency.first_ns - latency.second_ns)).abs() < 1.0, "{latency:#?}");
    let names: Vec<_> = report.tree.iter().map(|node| (node.service.as_str(), node.depth)).collect();
    assert_eq!(names, [("web", 0), ("web", 1), ("pay", 2)]);
    assert_eq!((report.tree[2].first.error_ratio, report.tree[2].second.error_ratio), (Some(1.0), Some(0.0)));
    assert_eq!(compared(&server, &question).await, report);
}

/// Scenario: two windows, one of which is empty, and two traces, one of which is not stored.
/// Guarantees: what is there is told, and what is not claims nothing.
#[tokio::test]
async fn windows_and_traces_are_compared() {
    let server = open().await;
    let window = |from: &str, to: &str| {
        let moment = |time: &str| format!("2026-01-31T{time}Z");
        json!({"from": moment(from), "to": moment(to), "service": "web"})
    };
    let question = json!({"first": window("12:00:00", "12:00:31"), "second": window("08:00:00", "08:01:00")});
    let report = compared(&server, &question).await;
    assert_eq!((report.first.n_requests, report.second.n_requests, report.second.p50_ns), (60, 0, None));
    assert!(report.latency.is_none() && report.attributes.is_some_and(|found| found.silent.is_some()));
    assert!(report.marks.iter().any(|mark| mark.kind == "low_support"), "{:?}", report.marks);
    let trace = |number: i64| json!({"trace_id": format!("{number:032x}")});
    let report = compared(&server, &json!({"first": trace(121), "second": trace(122)})).await;
    assert_eq!((report.first.n_requests, report.first.n_errors, report.second.n_errors), (1, 1, 0));
    assert!(report.attributes.is_none() && report.latency.is_some() && report.tree.len() == 3, "{report:#?}");
    let report = compared(&server, &json!({"first": trace(121), "second": trace(99_999)})).await;
    assert_eq!((report.first.n_requests, report.second.n_requests), (1, 0));
}

/// Scenario: bodies with unknown fields, without a time, without a rest; a form; the wrong method.
/// Guarantees: each failure has the one shape and says what to do.
#[tokio::test]
async fn bad_comparisons_have_one_shape() {
    let server = open().await;
    for (question, words) in [
        (json!({"first": {"from": "now-5m", "sevice": "web"}}), "sevice"),
        (json!({"second": {"from": "now-5m"}}), "first"),
        (json!({"first": {"service": "web"}}), "from"),
        (json!({"first": {"from": "now-5m", "service": "web"}}), "no other requests"),
    ] {
        let answer = ask(&server, &question).await;
        let (status, code, hint) = answer.failure();
        assert_eq!((status, code.as_str()), (400, "bad_request"), "{question}");
        assert!(answer.text().contains(words) && hint.is_some(), "{question}: {}", answer.text());
    }
    let form = http::Request::post("/api/v1/compare").header("content-type", "text/plain");
    assert_eq!(server.send(form.body(Body::from("{}")).expect("valid")).await.failure().0, 415);
    assert_eq!(server.get("/api/v1/compare").await.failure().0, 405);
}
