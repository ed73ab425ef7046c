//! The ledger and what is done by hand, asked of the API as clients do.

use super::*;
use http::request::Builder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TEST: &str = "/api/v1/receivers/on-call/test";

fn post(path: &str) -> Builder {
    let request = http::Request::builder().method(Method::POST).uri(path).header("host", "localhost:4320");
    request.header("content-type", "application/json")
}

async fn send(server: &Server, path: &str, body: &Value) -> Answer {
    server.send(post(path).body(Body::from(body.to_string())).expect("valid")).await
}

/// A server with one receiver, which answers each request with the next of these statuses, the last one for ever.
async fn telling(statuses: Vec<&'static str>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        let mut n = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            // Documents are JSON objects, and come whole.
            while !bytes.ends_with(b"}") {
                if stream.read_buf(&mut bytes).await.expect("a request") == 0 {
                    break;
                }
            }
            let status = statuses[n.min(statuses.len() - 1)];
            n += 1;
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone");
            stream.write_all(answer.as_bytes()).await.expect("written");
        }
    });
    let url = format!("http://127.0.0.1:{port}/hook/s3cret");
    let target = ::alerts::ReceiverUrl::parse(&url, true).expect("an address");
    let bearer = ::alerts::Token::parse("t0ken");
    let kind = ::alerts::Kind::Webhook(::alerts::Hook { target, secret: None, bearer });
    Server::open_telling(vec![::alerts::Receiver::new("on-call", kind)], |_| ()).await
}

/// Scenario: a receiver takes a test, then refuses one; the ledger is asked for, then one of its entries.
/// Guarantees: the answer has request and answer without secrets; the ledger has both tests, by state as well; a failed
/// test is sent again by hand, with its id.
#[tokio::test]
async fn receivers_are_tested() {
    let server = telling(vec!["200 OK", "404 Not Found", "200 OK"]).await;
    let answer = send(&server, TEST, &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.text().contains("s3cret") && !answer.text().contains("t0ken"), "{}", answer.text());
    let first: wire::TestAnswer = serde_json::from_slice(&answer.body).expect("JSON");
    assert!(first.is_delivered);
    assert_eq!((first.attempt.status, first.attempt.answer.as_str()), (Some(200), "done"));
    assert_eq!(first.request.method, "POST");
    let hidden = wire::SentHeader { name: "authorization".to_owned(), value: "***".to_owned() };
    assert!(first.request.headers.contains(&hidden), "{:?}", first.request.headers);
    let document: Value = serde_json::from_str(&first.request.body).expect("JSON");
    assert_eq!(document["commonLabels"]["alertname"], "ReceiverTest");

    let second: wire::TestAnswer =
        serde_json::from_slice(&send(&server, TEST, &json!({})).await.body).expect("JSON");
    assert_eq!((second.is_delivered, second.attempt.error.as_str()), (false, "the receiver answered 404"));
    assert_ne!(first.delivery_id, second.delivery_id);
    let list: wire::DeliveryList = server.read("/api/v1/deliveries?receiver=on-call").await;
    let seen: Vec<_> = list.deliveries.iter().map(|one| (one.id.as_str(), one.state.as_str())).collect();
    assert_eq!(seen, [(second.delivery_id.as_str(), "dead"), (first.delivery_id.as_str(), "delivered")]);
    assert!(list.deliveries.iter().all(|one| one.is_test && one.alert_id.is_none() && one.kind == "webhook"));
    let dead: wire::DeliveryList = server.read("/api/v1/deliveries?state=dead&limit=1").await;
    assert_eq!((dead.deliveries.len(), dead.truncated), (1, false));
    let detail: wire::DeliveryDetail =
        server.read(&format!("/api/v1/deliveries/{}", first.delivery_id)).await;
    assert_eq!(detail.body, first.request.body);

    let path = format!("/api/v1/deliveries/{}/replay", second.delivery_id);
    let replayed = send(&server, &path, &json!({})).await;
    assert_eq!(replayed.status, 200, "{}", replayed.text());
    assert_eq!(send(&server, &path, &json!({})).await.failure().1, "waiting");
    let alerts: wire::AlertList = server.read("/api/v1/alerts").await;
    let row = &alerts.receivers[0];
    assert_eq!((row.kind.as_str(), row.state.as_str(), row.n_waiting), ("webhook", "well", 1));
}

/// Scenario: a receiver says that it is gone; then it is repaired, and tested.
/// Guarantees: nothing is sent again to it before the test succeeds; tests are not among a range of dead letters.
#[tokio::test]
async fn nothing_is_replayed_to_the_gone() {
    let server = telling(vec!["410 Gone", "200 OK"]).await;
    let gone: wire::TestAnswer =
        serde_json::from_slice(&send(&server, TEST, &json!({})).await.body).expect("JSON");
    assert!(!gone.is_delivered);
    let one = format!("/api/v1/deliveries/{}/replay", gone.delivery_id);
    let range = json!({ "receiver": "on-call", "from": "1970-01-01T00:00:00Z", "to": "now" });
    for (path, body) in [(one.as_str(), &json!({})), ("/api/v1/deliveries/replay", &range)] {
        let refused = send(&server, path, body).await;
        assert_eq!((refused.status, refused.failure().1.as_str()), (409, "receiver_gone"), "{path}");
    }
    let alerts: wire::AlertList = server.read("/api/v1/alerts").await;
    assert_eq!(alerts.receivers[0].state, "gone");
    assert!(alerts.receivers[0].trouble.as_ref().is_some_and(|trouble| trouble.contains("410")));

    let repaired: wire::TestAnswer =
        serde_json::from_slice(&send(&server, TEST, &json!({})).await.body).expect("JSON");
    assert!(repaired.is_delivered);
    let answer = send(&server, "/api/v1/deliveries/replay", &range).await;
    let replayed: wire::ReplayedRange = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(replayed, wire::ReplayedRange::default());
    assert_eq!(send(&server, &one, &json!({})).await.status, 200);
    let unknown = json!({ "receiver": "on-cal", "from": "now-1h" });
    let refused = send(&server, "/api/v1/deliveries/replay", &unknown).await;
    assert_eq!((refused.status, refused.failure().1.as_str()), (409, "receiver_unknown"));
}

/// Scenario: requests that are wrong in one way each, from other pages too.
/// Guarantees: each is refused with its own status and code.
#[tokio::test]
async fn hands_are_checked() {
    let server = telling(vec!["200 OK"]).await;
    let unknown = send(&server, "/api/v1/receivers/oncall/test", &json!({})).await;
    assert_eq!(
        unknown.failure(),
        (404, "not_found".to_owned(), Some("did you mean \"on-call\"?".to_owned()))
    );
    assert_eq!(send(&server, "/api/v1/deliveries/0/replay", &json!({})).await.failure().0, 404);
    assert_eq!(server.get("/api/v1/deliveries/0").await.failure().0, 404);
    assert_eq!(server.get("/api/v1/deliveries?state=lost").await.failure().0, 400);
    assert_eq!(server.get("/api/v1/deliveries?limit=501").await.failure().0, 400);
    for (body, word) in [
        (json!({ "receiver": "on-call" }), "from"),
        (json!({ "receiver": "on-call", "from": "soon" }), "is not a time"),
        (json!({ "receiver": "on-call", "from": "now", "to": "now-1h" }), "before"),
        (json!({ "receiver": "on-call", "from": "now-1h", "state": "dead" }), "unknown field"),
    ] {
        let answer = send(&server, "/api/v1/deliveries/replay", &body).await;
        assert_eq!(answer.failure().1, "bad_request", "{body}");
        assert!(answer.text().contains(word), "{body}: {}", answer.text());
    }
    for path in [TEST, "/api/v1/deliveries/0/replay", "/api/v1/deliveries/replay"] {
        let foreign = post(path).header("origin", "http://localhost:3000");
        let foreign = server.send(foreign.body(Body::from("{}")).expect("valid")).await;
        assert_eq!(foreign.failure().1, "origin_not_allowed");
        let form = http::Request::post(path).header("host", "localhost:4320");
        let form = server.send(form.body(Body::empty()).expect("valid")).await;
        assert_eq!(form.failure().1, "unsupported_media_type");
        assert_eq!(server.get(path).await.status, 405, "{path}");
    }
}
