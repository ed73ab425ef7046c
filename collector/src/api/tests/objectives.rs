//! Objectives that come over the API, as clients send them.

use super::*;
use http::request::Builder;

const SLOS: &str = "/api/v1/slos";
const SHOP: &str = "/api/v1/slos/shop-ok";

fn request(method: Method, path: &str) -> Builder {
    let request = http::Request::builder().method(method).uri(path).header("host", "localhost:4320");
    request.header("content-type", "application/json")
}

async fn send(server: &Server, method: Method, path: &str, body: &Value) -> Answer {
    server.send(request(method, path).body(Body::from(body.to_string())).expect("valid")).await
}

fn objective(changes: Value) -> Value {
    let mut keys = json!({
        "id": "shop-ok", "service": "shop", "indicator": "availability", "target": 99.9, "receivers": ["on-call"],
    });
    for (key, value) in changes.as_object().expect("an object") {
        keys[key] = value.clone();
    }
    json!({ "objective": keys })
}

fn receivers() -> Vec<::alerts::Receiver> {
    let target = ::alerts::ReceiverUrl::parse("http://127.0.0.1:9/hook", true).expect("an address");
    let kind = ::alerts::Kind::Webhook(::alerts::Hook { target, secret: None, bearer: None });
    vec![::alerts::Receiver::new("on-call", kind)]
}

async fn ids(server: &Server) -> Vec<(String, bool)> {
    let list: wire::SloList = server.read(SLOS).await;
    list.slos.into_iter().map(|slo| (slo.id, slo.is_configured)).collect()
}

/// Fields and messages of a failure that names what is wrong.
fn problems(answer: &Answer) -> Vec<(String, String)> {
    let body: wire::ErrorBody = serde_json::from_slice(&answer.body).expect("JSON");
    let told = |problem: wire::FieldProblem| (problem.field.unwrap_or_default(), problem.message);
    body.error.problems.into_iter().map(told).collect()
}

/// Scenario: an objective is tried, kept with the same body, changed, defined as OpenSLO, and deleted.
/// Guarantees: it is listed behind those of the configuration as soon as it is kept; its definition is what was sent, and
/// keeps it as it is when it is sent again; when it is deleted it is gone.
#[tokio::test]
async fn objectives_are_kept_changed_and_deleted() {
    let server = Server::open_evaluating(receivers()).await;
    let mut body = objective(json!({}));
    body["from"] = json!("now-14d");
    assert_eq!(send(&server, Method::POST, "/api/v1/slos/backtest", &body).await.status, 200);
    let answer = send(&server, Method::POST, SLOS, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let saved: wire::SavedSlo = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(saved.sentence, "99.9 % of shop requests succeed over 30 d");
    assert_eq!(ids(&server).await, [("cart-ok".to_owned(), true), ("shop-ok".to_owned(), false)]);
    let detail: wire::SloDetail = server.read(SHOP).await;
    assert!(!detail.slo.is_configured);

    let definition: wire::SloDefinition = server.read("/api/v1/slos/shop-ok/definition").await;
    assert_eq!(json!({ "objective": definition.objective }), objective(json!({})));
    let again = serde_json::to_value(&definition).expect("JSON");
    assert_eq!(send(&server, Method::PUT, SHOP, &again).await.status, 200);
    let mut changed = objective(json!({ "target": 99, "name": "The shop is open" }));
    changed["objective"].as_object_mut().expect("an object").remove("id");
    let answer = send(&server, Method::PUT, SHOP, &changed).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let detail: wire::SloDetail = server.read(SHOP).await;
    assert_eq!((detail.slo.target, detail.slo.name.as_str()), (0.99, "The shop is open"));

    let openslo = server.get("/api/v1/slos/shop-ok/export").await.text().replace("0.99", "0.95");
    let answer = send(&server, Method::PUT, SHOP, &json!({ "openslo": openslo })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let definition: wire::SloDefinition = server.read("/api/v1/slos/shop-ok/definition").await;
    assert_eq!((definition.openslo.as_ref(), definition.objective), (Some(&openslo), None));
    let detail: wire::SloDetail = server.read(SHOP).await;
    assert_eq!((detail.slo.target, detail.slo.name.as_str()), (0.95, "The shop is open"));

    assert_eq!(send(&server, Method::DELETE, SHOP, &json!({})).await.status, 204);
    assert_eq!(ids(&server).await, [("cart-ok".to_owned(), true)]);
    let gone = send(&server, Method::DELETE, SHOP, &json!({})).await;
    assert_eq!(gone.failure().1, "not_found");
    assert_eq!(server.get("/api/v1/slos/shop-ok/definition").await.status, 404);
}

/// Scenario: objectives with faults, as keys and as OpenSLO.
/// Guarantees: each fault is told with its field, in the words of the configuration, and nothing is kept.
#[tokio::test]
async fn faults_are_told_by_field() {
    let server = Server::open_evaluating(receivers()).await;
    let faulty = objective(json!({ "target": 100, "receivers": ["oncall"], "period": "30" }));
    let answer = send(&server, Method::POST, SLOS, &faulty).await;
    assert_eq!(answer.failure().1, "bad_request");
    let told = problems(&answer);
    let fields: Vec<&str> = told.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["period", "receivers", "target"], "{told:?}");
    assert!(answer.text().contains("did you mean"), "{}", answer.text());
    let same = send(&server, Method::POST, "/api/v1/slos/backtest", &faulty).await;
    assert_eq!(problems(&same), told);

    let openslo = server.get("/api/v1/slos/cart-ok/export").await.text();
    let faulty = json!({ "openslo": openslo.replace("0.999", "99.9") });
    let answer = send(&server, Method::POST, SLOS, &faulty).await;
    assert_eq!(problems(&answer)[0].0, "spec.objectives[0].target");
    assert!(answer.text().contains("\"line\":"), "{}", answer.text());
    for (body, word) in [
        (json!({}), "either objective or openslo"),
        (json!({ "slo": "cart-ok" }), "either objective or openslo"),
        (objective(json!({ "id": "backtest" })), "is a path of the API"),
        (json!({ "objective": [] }), "not as expected"),
    ] {
        let answer = send(&server, Method::POST, SLOS, &body).await;
        assert!(answer.status == 400 && answer.text().contains(word), "{body}: {}", answer.text());
    }
    let large = "x".repeat(::alerts::OBJECTIVE_BYTES_MAX);
    let answer = send(&server, Method::POST, SLOS, &objective(json!({ "description": large }))).await;
    assert_eq!((answer.status, answer.failure().1.as_str()), (413, "body_too_large"));
    assert_eq!(ids(&server).await.len(), 1);
}

/// Scenario: an id is used twice, one of the configuration is created, changed and deleted, another id is given to a path,
/// and what is not there is changed.
/// Guarantees: each is refused with its own code, those of ids next to the id; the configuration's stays.
#[tokio::test]
async fn ids_are_kept_apart() {
    let server = Server::open_evaluating(receivers()).await;
    assert_eq!(send(&server, Method::POST, SLOS, &objective(json!({}))).await.status, 201);
    let configured = objective(json!({ "id": "cart-ok" }));
    for (method, path, body, status, code) in [
        (Method::POST, SLOS, &objective(json!({})), 409, "exists"),
        (Method::POST, SLOS, &configured, 409, "configured"),
        (Method::PUT, "/api/v1/slos/cart-ok", &configured, 409, "configured"),
        (Method::DELETE, "/api/v1/slos/cart-ok", &json!({}), 409, "configured"),
        (Method::PUT, SHOP, &objective(json!({ "id": "shop-well" })), 400, "bad_request"),
        (Method::PUT, "/api/v1/slos/shop-o", &objective(json!({ "id": "shop-o" })), 404, "not_found"),
        (Method::PUT, "/api/v1/slos/backtest", &configured, 405, "method_not_allowed"),
    ] {
        let answer = send(&server, method.clone(), path, body).await;
        let (got_status, got_code, hint) = answer.failure();
        assert_eq!((got_status, got_code.as_str()), (status, code), "{method} {path}: {}", answer.text());
        assert!(hint.is_some() || status == 400 || status == 405, "{method} {path}: {}", answer.text());
        if method == Method::POST || status == 400 {
            assert_eq!(problems(&answer)[0].0, "id", "{method} {path}: {}", answer.text());
        }
    }
    assert_eq!(ids(&server).await, [("cart-ok".to_owned(), true), ("shop-ok".to_owned(), false)]);
    let definition: wire::SloDefinition = server.read("/api/v1/slos/cart-ok/definition").await;
    assert!(
        definition.is_configured && definition.openslo.is_some_and(|text| text.contains("name: cart-ok"))
    );
}

/// Scenario: pages of other origins and forms want to create, change and delete.
/// Guarantees: they may not.
#[tokio::test]
async fn foreign_pages_change_nothing() {
    let server = Server::open_evaluating(receivers()).await;
    for (method, path) in [(Method::POST, SLOS), (Method::PUT, SHOP), (Method::DELETE, SHOP)] {
        let foreign = request(method.clone(), path).header("origin", "https://evil.example");
        let foreign =
            server.send(foreign.body(Body::from(objective(json!({})).to_string())).expect("valid")).await;
        assert_eq!(foreign.failure().1, "origin_not_allowed", "{method}");
        if method != Method::DELETE {
            let form = http::Request::builder().method(method).uri(path).header("host", "localhost:4320");
            let form = server.send(form.body(Body::empty()).expect("valid")).await;
            assert_eq!(form.failure().1, "unsupported_media_type");
        }
    }
    assert_eq!(ids(&server).await.len(), 1);
}
