//! From a failing dependency to a delivered webhook, through a receiver that is down at first and a
//! server that is killed in between.

use crate::support::demo::Demo;
use crate::support::receiver::{Delivery, Receiver};
use crate::support::server::{Home, Server};
use crate::support::wait::eventually;
use serde_json::Value;
use std::time::Duration;

/// A fast objective, whose service says who is told: with a period of one day the first tier's windows are 2 minutes and 10 seconds.
fn config(url: &str) -> String {
    format!(
        r#"
[evaluation]
interval = "1s"
lag = "1s"

[[receivers]]
name = "team"
url = "{url}"
allow_private_targets = true

[[slos]]
id = "payments"
service = "payment-api"
indicator = "availability"
target = 99
period = "1d"
events_min = 10
keep_firing = "2s"
runbook_url = "https://example.org/payments"

[[services]]
name = "payment-api"
owner = "payments"
repository = "https://example.org/payment-api"
receiver = "team"
"#
    )
}

/// Scenario: the demo's payment provider fails; the receiver answers 503 to the first attempt of each notification;
/// the server is killed while the notification waits, and started again; then the fault ends.
/// Guarantees: the receiver gets exactly one firing and later one resolved Alertmanager v4 document
/// for the page, each with an id of its own, and the ledger shows the failed attempts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_firing_and_one_resolved_survive_a_receiver_and_a_restart() {
    let receiver = Receiver::start().await;
    let home = Home::new("slo-webhook", &config(&receiver.url));
    let server = home.start().await;
    let faulty =
        Demo::start(&server, &["--fault", "failing-dependency", "--fault-after", "0s", "--fault-for", "1h"]);
    // An attempt that the kill comes upon is not in the ledger: it is made again.
    eventually("the ledger has the refused attempts", Duration::from_secs(120), || async {
        let alerts = server.api("/api/v1/alerts").await;
        let first = |delivery: &Value| delivery["attempts"][0]["status"] == 503;
        let all = deliveries(&alerts);
        (receiver.n_refused() > 0 && all.len() == receiver.n_refused() && all.into_iter().all(first))
            .then_some(())
    })
    .await;
    server.kill();
    drop(faulty);

    let server = home.start().await;
    let firing = wait_for("the page is delivered", || page(&receiver, "firing").pop()).await;
    let early = receiver.delivered();
    assert!(early.iter().all(|one| one.document["status"] == "firing"), "nothing ended before it began");
    let healthy = Demo::start(&server, &["--fault", "none"]);
    let resolved = wait_for("the end is delivered", || page(&receiver, "resolved").pop()).await;
    drop(healthy);

    assert_eq!(page(&receiver, "firing").len(), 1, "one firing document");
    assert_eq!(page(&receiver, "resolved").len(), 1, "one resolved document");
    assert_ne!(firing.id, resolved.id);
    check_document(&firing.document, "firing");
    check_document(&resolved.document, "resolved");
    for key in ["groupKey", "groupLabels"] {
        assert_eq!(firing.document[key], resolved.document[key], "{key} is stable");
    }
    let fingerprint = |document: &Value| document["alerts"][0]["fingerprint"].clone();
    assert_eq!(fingerprint(&firing.document), fingerprint(&resolved.document));
    check_ledger(&server, &firing.id).await;
}

/// Documents of the page alert with a status; the ticket alert is another group.
fn page(receiver: &Receiver, status: &str) -> Vec<Delivery> {
    let delivered = receiver.delivered().into_iter();
    delivered
        .filter(|one| one.document["status"] == status && one.document["commonLabels"]["severity"] == "page")
        .collect()
}

fn check_document(document: &Value, status: &str) {
    assert_eq!(document["version"], "4");
    assert_eq!(document["status"], status);
    assert_eq!(document["receiver"], "team");
    assert_eq!(document["truncatedAlerts"], 0);
    let alert = &document["alerts"][0];
    assert_eq!(alert["status"], status);
    assert_eq!(alert["labels"]["service"], "payment-api");
    assert_eq!(alert["labels"]["slo"], "payments");
    assert!(alert["labels"]["alertname"].is_string(), "{alert}");
    assert!(alert["annotations"]["summary"].as_str().is_some_and(|text| text.contains("payment")), "{alert}");
    assert_eq!(alert["annotations"]["runbook_url"], "https://example.org/payments");
    assert_eq!(alert["annotations"]["owner"], "payments");
    assert_eq!(document["firstfault"]["ownership"]["repository"], "https://example.org/payment-api");
    assert_eq!(alert["fingerprint"].as_str().map(str::len), Some(16), "{alert}");
    assert!(alert["startsAt"].as_str().is_some_and(|at| at.starts_with("20")), "{alert}");
    let ends = alert["endsAt"].as_str().expect("endsAt");
    assert_eq!(ends == "0001-01-01T00:00:00Z", status == "firing", "{ends}");
}

/// The API shows the delivery with its failed attempts before the successful one.
async fn check_ledger(server: &Server, id: &str) {
    let alerts = server.api("/api/v1/alerts").await;
    let deliveries = deliveries(&alerts);
    let delivery =
        deliveries.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("{id} in {alerts}"));
    assert_eq!(delivery["state"], "delivered");
    let statuses: Vec<_> =
        delivery["attempts"].as_array().expect("attempts").iter().map(|one| &one["status"]).collect();
    assert!(statuses.len() >= 2, "{delivery}");
    assert_eq!(statuses.first().and_then(|status| status.as_i64()), Some(503), "{delivery}");
    assert_eq!(statuses.last().and_then(|status| status.as_i64()), Some(200), "{delivery}");
}

fn deliveries(alerts: &Value) -> Vec<&Value> {
    let alerts = alerts["alerts"].as_array().expect("alerts").iter();
    alerts.flat_map(|alert| alert["deliveries"].as_array().expect("deliveries")).collect()
}

async fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    eventually(what, Duration::from_secs(120), || {
        let found = probe();
        async move { found }
    })
    .await
}
