//! Objectives: exports, back-tests and proposals.

use super::*;
use crate::config::{self, Sources};
use crate::openslo;
use std::path::PathBuf;

const SECOND_NS: i64 = 1_000_000_000;

/// Entry spans of the cart, each by its end and whether it failed; all of them took 42 ms.
fn requests(ends: impl Iterator<Item = (i64, bool)>) -> Value {
    let span = |(n, (end, is_error)): (usize, (i64, bool))| {
        json!({
            "traceId": format!("{:032x}", n + 1), "spanId": format!("{:016x}", n + 1), "name": "GET /cart", "kind": 2,
            "startTimeUnixNano": (end - 42 * MILLI_NS).to_string(), "endTimeUnixNano": end.to_string(),
            "status": {"code": if is_error { 2 } else { 0 }},
        })
    };
    let spans: Vec<Value> = ends.enumerate().map(span).collect();
    json!({"resourceSpans": [{"resource": resource(), "scopeSpans": [{"spans": spans}]}]})
}

async fn backtest(server: &Server, body: Value) -> Answer {
    let request = http::Request::post("/api/v1/slos/backtest").header("content-type", "application/json");
    server
        .send(request.header("host", "localhost:4320").body(Body::from(body.to_string())).expect("valid"))
        .await
}

const OPENSLO: &str = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: tried}\nspec:\n  service: cart\n  indicator:\n    \
     metadata: {name: tried}\n    spec:\n      ratioMetric:\n        \
     good: {metricSource: {spec: {signal: spans, good: no_error}}}\n        \
     total: {metricSource: {spec: {signal: spans}}}\n  timeWindow: [{duration: 1d, isRolling: true}]\n  \
     budgetingMethod: Occurrences\n  objectives: [{target: 0.999}]\n";

/// Scenario: twenty minutes of requests, of which all of one minute fail, and an objective that is not saved.
/// Guarantees: the page fires after the first bad slice and the lag, and resolves when the running evaluation would; an
/// objective that is saved is tested by its id.
#[tokio::test]
async fn the_past_is_judged_again() {
    let server = Server::open_empty(|_| ()).await;
    let ends = (0..1_200).step_by(2).map(|s| (AT + s * SECOND_NS, (600..660).contains(&s)));
    store(server.api.engine().expect("open"), Signal::Traces, &requests(ends)).await;
    let (from, to) = ("2026-01-31T12:00:00Z", "2026-01-31T12:20:00Z");
    let answer = backtest(&server, json!({ "openslo": OPENSLO, "from": from, "to": to })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list: wire::BacktestList = serde_json::from_slice(&answer.body).expect("JSON");
    let [row] = list.backtests.as_slice() else { panic!("{list:?}") };
    assert_eq!((row.id.as_str(), row.n_good, row.n_total), ("tried", 570, 600));
    let keys = json!({
        "id": "tried", "service": "cart", "indicator": "availability", "target": 99.9, "period": "1d",
    });
    let answer = backtest(&server, json!({ "objective": keys, "from": from, "to": to })).await;
    let same: wire::BacktestList = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(same, list);
    let second = |at: wire::UnixNanos| (at.0 - AT) / SECOND_NS;
    let pages: Vec<_> = row.episodes.iter().filter(|episode| episode.severity == "page").collect();
    let [page] = pages.as_slice() else { panic!("{row:?}") };
    assert_eq!((second(page.onset_at), second(page.firing_at)), (600, 640));
    assert_eq!((page.resolved_at.map(second), page.detection_s), (Some(1_050), 40.0));
    assert!(row.pages_per_week > 500.0 && row.budget_spent.is_some_and(|spent| spent > 0.5), "{row:?}");

    let answer = backtest(&server, json!({ "slo": "cart-ok", "from": from, "to": to })).await;
    let list: wire::BacktestList = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((list.backtests[0].id.as_str(), list.backtests[0].n_total), ("cart-ok", 600));
    let detail: wire::SloDetail = server.read("/api/v1/slos/cart-ok").await;
    assert!(detail.period_from < detail.period_to);
}

/// Scenario: requests for a back-test that say too little, too much, or what is wrong; exports in forms that there are
/// and one that there is not.
/// Guarantees: each is refused with its place and a hint; an export reads back as the objective.
#[tokio::test]
async fn exports_and_refusals() {
    let server = Server::open_empty(|_| ()).await;
    for (body, expected) in [
        (json!({}), "either slo, objective or openslo"),
        (json!({ "slo": "a", "openslo": "b" }), "either slo, objective or openslo"),
        (json!({ "objective": { "service": "cart" } }), "id: is missing (add id = "),
        (json!({ "slo": "cart-ok", "from": "yesterday" }), "is not a time"),
        (json!({ "slo": "cart-ok", "from": "now-200d" }), "at most 100 days"),
        (
            json!({ "openslo": OPENSLO.replace("0.999", "99.9") }),
            "openslo:14:25: document 1, spec.objectives[0].target",
        ),
        (json!({ "openslo": "kind: [" }), "this is no YAML"),
    ] {
        let answer = backtest(&server, body).await;
        assert!(answer.status == 400 && answer.text().contains(expected), "{}", answer.text());
    }
    assert_eq!(backtest(&server, json!({ "slo": "cart-okay" })).await.status, 404);
    let answer = server.get("/api/v1/slos/cart-ok/export").await;
    assert_eq!(
        (answer.status, answer.headers["content-type"].as_bytes()),
        (200, &b"application/yaml; charset=utf-8"[..])
    );
    let file = openslo::File { name: "a".to_owned(), text: answer.text() };
    let imported = openslo::import(&[file], &[]).expect("reads back");
    assert_eq!(
        imported.objectives[0].spec,
        *server.api.board().expect("open").slo("cart-ok").expect("there").slo.spec()
    );
    let rules = server.get("/api/v1/slos/cart-ok/export?format=prometheus").await.text();
    assert!(rules.contains("sloth-slo-alerts-cart-cart-ok") && rules.contains("/slos/cart-ok"), "{rules}");
    assert_eq!(server.get("/api/v1/slos/cart-ok/export?format=xml").await.status, 400);
}

/// Scenario: a service with four days of requests, one in five hundred of which fails; a service that is new.
/// Guarantees: the first gets both objectives, at what its history supports, as texts that the configuration reads; of
/// the other it is said what is lacking.
#[tokio::test]
async fn history_proposes_objectives() {
    let server = Server::open_empty(|_| ()).await;
    let engine = server.api.engine().expect("open");
    let (now, day) = (Clock.now(), 86_400 * SECOND_NS);
    let ends = (0..2_000).map(|n| (now - 4 * day + n * 2 * 86 * SECOND_NS, n % 500 == 0));
    store(engine, Signal::Traces, &requests(ends)).await;
    let mut young = requests(std::iter::once((now - 60 * SECOND_NS, false)));
    young["resourceSpans"][0]["resource"]["attributes"][0]["value"] = json!({"stringValue": "young"});
    store(engine, Signal::Traces, &young).await;
    let list: wire::ProposalList = server.read("/api/v1/slos/proposals").await;
    let told: Vec<_> = list
        .proposals
        .iter()
        .map(|row| (row.id.as_str(), row.sentence.as_str(), row.is_configured))
        .collect();
    let expected = [
        ("cart-availability", "99.5 % of cart requests succeed over 30 d", true),
        ("cart-latency", "99.5 % of cart requests take at most 50 ms over 30 d", false),
    ];
    assert_eq!(told, expected, "{list:?}");
    assert!(list.proposals[0].reason.starts_with("in 4w, 4 of 2000 requests failed: 40 % of"), "{list:?}");
    let skipped: Vec<_> = list.skipped.iter().map(|row| row.service.as_str()).collect();
    assert_eq!(skipped, ["young"]);
    let latency = &list.proposals[1];
    assert_eq!(
        (latency.threshold.as_deref(), latency.target.as_str(), latency.period.as_str()),
        (Some("50ms"), "99.5", "30d")
    );
    for row in &list.proposals {
        let file = openslo::File { name: row.id.clone(), text: row.openslo.clone() };
        let imported = openslo::import(&[file], &[]).expect("valid");
        let env = [("HOME".to_owned(), "/".to_owned())].into();
        let file = Some((PathBuf::from("a.toml"), row.toml.clone()));
        let config = config::load(&Sources { file, env, flags: Vec::new() }).expect("valid");
        assert_eq!(*config.slos[0].spec(), imported.objectives[0].spec);
    }
}
