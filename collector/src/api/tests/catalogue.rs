//! Ownership, releases and comparisons, asked of the API as clients do.

use super::*;
use http::request::Builder;

const OWNERSHIP: &str = "/api/v1/services/cart/ownership";

fn json_request(method: Method, path: &str) -> Builder {
    let request = http::Request::builder().method(method).uri(path).header("host", "localhost:4320");
    request.header("content-type", "application/json")
}

async fn send(server: &Server, method: Method, path: &str, body: &Value) -> Answer {
    server.send(json_request(method, path).body(Body::from(body.to_string())).expect("valid")).await
}

fn facts() -> Value {
    json!({
        "owner": "payments", "contact": "#payments", "tier": "1", "repository": "https://git.example.com/cart",
        "playbooks": ["https://wiki.example.com/cart"],
    })
}

/// Scenario: facts about a service are set, seen wherever the service is, set again, and forgotten.
/// Guarantees: each answer has the latest of them, with where they are from; what is forgotten is gone.
#[tokio::test]
async fn ownership_is_set_over_the_api() {
    let server = Server::open().await;
    assert_eq!(server.get(OWNERSHIP).await.failure().1, "not_found");
    let answer = send(&server, Method::PUT, OWNERSHIP, &facts()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let owned: wire::Ownership = server.read(OWNERSHIP).await;
    assert_eq!((owned.owner.as_deref(), owned.source.as_str()), (Some("payments"), "api"));
    assert_eq!(serde_json::from_slice::<wire::Ownership>(&answer.body).expect("JSON"), owned);
    let detail: wire::ServiceDetail = server.read(&format!("/api/v1/services/cart?{RANGE}")).await;
    assert_eq!(detail.ownership, Some(owned));
    let list: wire::ServiceList = server.read(&format!("/api/v1/services?{RANGE}")).await;
    let row = &list.services[0];
    assert_eq!((row.owner.as_deref(), row.tier.as_deref()), (Some("payments"), Some("1")));
    let graph: wire::Graph = server.read(&format!("/api/v1/graph?{RANGE}")).await;
    let node = graph.nodes.iter().find(|node| node.id == "service/cart").expect("drawn");
    assert_eq!(node.owner.as_deref(), Some("payments"));
    send(&server, Method::PUT, OWNERSHIP, &json!({ "owner": "web" })).await;
    let owned: wire::Ownership = server.read(OWNERSHIP).await;
    assert_eq!((owned.owner.as_deref(), owned.tier, owned.playbooks.len()), (Some("web"), None, 0));
    assert_eq!(send(&server, Method::DELETE, OWNERSHIP, &Value::Null).await.status, 204);
    assert_eq!(send(&server, Method::DELETE, OWNERSHIP, &Value::Null).await.failure().0, 404);
    assert_eq!(server.get(OWNERSHIP).await.failure().0, 404);
}

/// Scenario: requests to set facts that are wrong in one way each, from other pages too.
/// Guarantees: each is refused with its own status and code, and nothing is kept.
#[tokio::test]
async fn ownership_is_strict() {
    let server = Server::open().await;
    for (body, word) in [
        (json!({}), "no fact"),
        (json!({ "owner": "" }), "owner"),
        (json!({ "ownr": "payments" }), "unknown field"),
        (json!({ "repository": "javascript:alert(1)" }), "repository"),
        (json!({ "playbooks": ["https://ada:secret@example.com/"] }), "playbooks"),
        (json!({ "receiver": "on-call" }), "no receiver is called"),
        (json!([]), "expected"),
    ] {
        let answer = send(&server, Method::PUT, OWNERSHIP, &body).await;
        assert_eq!((answer.status, answer.failure().1.as_str()), (400, "bad_request"), "{body}");
        assert!(answer.text().contains(word), "{body}: {}", answer.text());
    }
    let large = send(&server, Method::PUT, OWNERSHIP, &json!({ "owner": "x".repeat(200_000) })).await;
    assert_eq!(large.failure().1, "body_too_large");
    let form =
        http::Request::put(OWNERSHIP).header("host", "localhost:4320").header("content-type", "text/plain");
    let form = server.send(form.body(Body::from(facts().to_string())).expect("valid")).await;
    assert_eq!(form.failure().1, "unsupported_media_type");
    for method in [Method::PUT, Method::DELETE] {
        let foreign = json_request(method, OWNERSHIP).header("origin", "http://localhost:3000");
        let foreign = server.send(foreign.body(Body::from(facts().to_string())).expect("valid")).await;
        assert_eq!((foreign.status, foreign.failure().1.as_str()), (403, "origin_not_allowed"));
    }
    let asked = json_request(Method::OPTIONS, OWNERSHIP).header("origin", "http://localhost:3000");
    let asked = server.send(asked.body(Body::empty()).expect("valid")).await;
    assert_eq!(asked.status, 405);
    assert!(!asked.headers.contains_key("access-control-allow-origin"));
    assert_eq!(server.get(OWNERSHIP).await.failure().0, 404);
    let own = json_request(Method::PUT, OWNERSHIP).header("origin", "http://localhost:4320");
    assert_eq!(server.send(own.body(Body::from(facts().to_string())).expect("valid")).await.status, 200);
}

/// Scenario: the configuration says whose a service is.
/// Guarantees: that is told with its source, and neither replaced nor forgotten over the API.
#[tokio::test]
async fn the_configuration_wins() {
    let server = Server::open().await;
    let path = "/api/v1/services/billing/ownership";
    let owned: wire::Ownership = server.read(path).await;
    assert_eq!((owned.owner.as_deref(), owned.source.as_str()), (Some("finance"), "configuration"));
    for method in [Method::PUT, Method::DELETE] {
        let (status, code, hint) = send(&server, method, path, &facts()).await.failure();
        assert_eq!((status, code.as_str()), (409, "configured"));
        assert!(hint.is_some_and(|hint| hint.contains("[[services]]")));
    }
    let after: wire::Ownership = server.read(path).await;
    assert_eq!(after, owned);
}

/// Scenario: a service that only logs, and one with spans.
/// Guarantees: both are listed; pages say since when they are there, and what is known of their instances.
#[tokio::test]
async fn services_of_any_signal_are_known() {
    let server = Server::open().await;
    let record = json!({ "timeUnixNano": AT.to_string(), "body": { "stringValue": "done" } });
    let resource = json!({ "attributes": [
        { "key": "service.name", "value": { "stringValue": "nightly" } },
        { "key": "telemetry.sdk.language", "value": { "stringValue": "python" } },
        { "key": "deployment.environment.name", "value": { "stringValue": "production" } },
    ] });
    let request =
        json!({ "resourceLogs": [{ "resource": resource, "scopeLogs": [{ "logRecords": [record] }] }] });
    store(server.api.engine().expect("open"), Signal::Logs, &request).await;
    let list: wire::ServiceList = server.read(&format!("/api/v1/services?{RANGE}")).await;
    let nightly = list.services.iter().find(|row| row.service == "nightly").expect("listed");
    assert_eq!(
        (nightly.languages.join(" "), nightly.environments.join(" ")),
        ("python".into(), "production".into())
    );
    assert_eq!((nightly.last_seen_at, nightly.red.n_requests), (Some(wire::UnixNanos(AT)), 0));
    let detail: wire::ServiceDetail = server.read(&format!("/api/v1/services/nightly?{RANGE}")).await;
    assert_eq!((detail.n_instances, detail.instances[0].n_logs, detail.languages.len()), (1, 1, 1));
    assert_eq!(detail.first_seen_at, Some(wire::UnixNanos(AT)));
    let cart: wire::ServiceDetail = server.read(&format!("/api/v1/services/cart?{RANGE}")).await;
    let [instance] = cart.instances.as_slice() else { panic!("{:?}", cart.instances) };
    assert_eq!((instance.version.as_str(), instance.n_spans, instance.n_logs), ("1.2", 2, 1));
    assert_eq!(instance.red.as_ref().map(|red| red.n_requests), Some(1));
    assert_eq!(cart.versions[0].first_seen_at, wire::UnixNanos(AT));
}

/// Scenario: a marker is posted, posted again, and posted with faults; then the releases are asked for.
/// Guarantees: it is kept once; faults are refused by name; the range has the marker, another one the version.
#[tokio::test]
async fn releases_are_told() {
    let server = Server::open().await;
    let at = (Clock.now() / MILLI_NS - 60_000).to_string();
    let body = json!({ "service": "cart", "version": "2.0", "environment": "production", "at": at, "title": "blue" });
    let first = send(&server, Method::POST, "/api/v1/releases", &body).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let again = json!({ "service": "cart", "version": "2.0", "environment": "production", "at": at });
    let again = send(&server, Method::POST, "/api/v1/releases", &again).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    for (body, word) in [
        (json!({ "service": "cart" }), "version"),
        (json!({ "service": "", "version": "1" }), "service"),
        (json!({ "service": "cart", "version": "1", "url": "javascript:x" }), "url"),
        (
            json!({ "service": "cart", "version": "1", "at": "2200-01-01T00:00:00Z" }),
            "more than an hour ahead",
        ),
        (json!({ "service": "cart", "version": "1", "at": "1999-01-01T00:00:00Z" }), "longer ago"),
        (json!({ "service": "cart", "version": "1", "at": "yesterday" }), "is not a time"),
        (json!({ "service": "cart", "version": "1", "owner": "x" }), "unknown field"),
    ] {
        let answer = send(&server, Method::POST, "/api/v1/releases", &body).await;
        assert_eq!((answer.status, answer.text().contains(word)), (400, true), "{body}: {}", answer.text());
    }
    let releases = async |range: &str| -> Vec<(String, wire::ReleaseKind)> {
        let list: wire::ReleaseList = server.read(&format!("/api/v1/services/cart/releases?{range}")).await;
        list.releases.into_iter().map(|row| (row.version, row.kind)).collect()
    };
    assert_eq!(releases("from=now-1h").await, [("2.0".to_owned(), wire::ReleaseKind::Marker)]);
    assert_eq!(releases(RANGE).await, [("1.2".to_owned(), wire::ReleaseKind::Version)]);
}

/// Requests of a version: when each began in minutes, and whether it failed.
async fn serve(server: &Server, version: &str, minutes: std::ops::Range<i64>, took_ms: i64, is_bad: bool) {
    let span = |minute: i64| {
        let start = AT + minute * 60_000 * MILLI_NS;
        json!({
            "traceId": format!("{:032x}", start), "spanId": format!("{:016x}", start), "name": "pay", "kind": 2,
            "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + took_ms * MILLI_NS).to_string(),
            "status": { "code": if is_bad { 2 } else { 0 } },
        })
    };
    let resource = json!({ "attributes": [
        { "key": "service.name", "value": { "stringValue": "shop" } },
        { "key": "service.version", "value": { "stringValue": version } },
    ] });
    let spans: Vec<Value> = minutes.map(span).collect();
    let request = json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "spans": spans }] }] });
    store(server.api.engine().expect("open"), Signal::Traces, &request).await;
}

/// Scenario: a stable version over twenty minutes, a slower canary that fails over the last ten of them and some more.
/// Guarantees: both are measured over the time together; the differences are the canary's less the stable one's; a
/// version that was not there is not found.
#[tokio::test]
async fn versions_are_compared() {
    let server = Server::open().await;
    serve(&server, "1.0", 0..20, 100, false).await;
    serve(&server, "2.0", 10..25, 300, true).await;
    let path = |versions: &str| format!("/api/v1/services/shop/compare?versions={versions}&{RANGE}");
    let found: wire::VersionComparison = server.read(&path("1.0,2.0")).await;
    assert!(found.is_simultaneous);
    assert_eq!((found.stable.red.n_requests, found.canary.red.n_requests), (10, 10));
    assert_eq!((found.stable.red.error_ratio, found.canary.red.error_ratio), (Some(0.0), Some(1.0)));
    assert_eq!(found.difference.error_ratio, Some(1.0));
    for ns in [found.difference.p50_ns, found.difference.p90_ns, found.difference.p999_ns] {
        let ns = ns.expect("both have one");
        assert!((ns - 200 * MILLI_NS).abs() <= 4 * MILLI_NS, "{ns}");
    }
    assert!(found.difference.rate_per_s.abs() < 1e-9, "{}", found.difference.rate_per_s);
    let (status, _, hint) = server.get(&path("1.0,3.0")).await.failure();
    assert_eq!((status, hint.is_some()), (404, true));
    for versions in ["", "1.0", "1.0,1.0", "1.0,2.0,3.0"] {
        assert_eq!(server.get(&path(versions)).await.failure().0, 400, "{versions}");
    }
}
