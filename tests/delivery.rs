//! Notifications judged by others: a library that verifies signatures, a real Alertmanager; and by a receiver that the
//! server is killed in front of.

use crate::support::alertmanager::Alertmanager;
use crate::support::demo::Demo;
use crate::support::hook::Hook;
use crate::support::server::{Home, Server};
use crate::support::tool;
use crate::support::wait::eventually;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// The demo takes a while until its fault is seen, and until it is over.
const LIMIT: Duration = Duration::from_secs(180);
const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A receiver, and an objective of the demo that tells it. With a period of one day the first tier's windows are two
/// minutes and ten seconds.
fn config(receiver: &str) -> String {
    format!(
        r#"
[evaluation]
interval = "1s"
lag = "1s"

[[receivers]]
name = "team"
allow_private_targets = true
{receiver}

[[slos]]
id = "payments"
service = "payment-api"
indicator = "availability"
target = 99
period = "1d"
events_min = 10
keep_firing = "2s"
receivers = ["team"]
"#
    )
}

/// Scenario: a receiver of generic JSON with two secrets, one of which it does not know yet, is tested.
/// Guarantees: a Standard Webhooks library verifies the request by either secret, and refuses a changed body, another id
/// and an old time; the answer of the API shows the request and no secret.
#[tokio::test]
async fn signatures_are_verified_by_a_library() {
    let Some(python) = tool("signatures_are_verified_by_a_library", "FIRSTFAULT_TEST_PYTHON") else { return };
    let hook = Hook::start().await;
    let dir = tempfile::tempdir().expect("a folder");
    let secret = dir.path().join("secret");
    std::fs::write(&secret, format!("{NEW}\n{OLD}\n")).expect("written");
    let receiver = format!(
        "kind = \"standard-webhooks\"\nurl = \"{}\"\nsecret_file = \"{}\"",
        hook.url,
        secret.display()
    );
    let home = Home::new("delivery-signed", &config(&receiver));
    let server = home.start().await;
    let tested = test(&server, "team").await;
    assert_eq!(tested["is_delivered"], true, "{tested}");
    assert!(!tested.to_string().contains("whsec_"), "{tested}");
    let [taken] = hook.taken().try_into().expect("one request");
    assert_eq!(taken.headers["idempotency-key"], taken.id());
    assert_eq!(tested["delivery_id"], taken.id());
    let case = json!({ "secrets": [NEW, OLD], "headers": taken.headers, "body": taken.body });
    let found = verify(&python, &case).await;
    assert_eq!((&found[NEW], &found[OLD]), (&json!("verified"), &json!("verified")), "{found}");
    for refused in ["changed_body", "other_id"] {
        assert_eq!(found[refused], "No matching signature found", "{refused}");
    }
    assert_eq!(found["old_timestamp"], "Message timestamp too old");
    server.assert_quiet(&[]);
}

async fn test(server: &Server, receiver: &str) -> Value {
    let url = format!("{}/api/v1/receivers/{receiver}/test", server.dashboard());
    let answer = server.http.post(url).json(&json!({})).send().await.expect("the API answers");
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.expect("JSON")
}

async fn verify(python: &Path, case: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python/webhooks.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("python starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(case.to_string().as_bytes()).await.expect("written");
    drop(stdin);
    let output = child.wait_with_output().await.expect("it ends");
    assert!(output.status.success(), "the library failed");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Scenario: a fault pages while the receiver takes requests and answers none; the server is killed with a request under
/// way, and started again; the receiver answers now.
/// Guarantees: what was sent and not marked is sent again with the same id and the same bytes, and no third time; the
/// ledger has it delivered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_send_and_mark_repeats_one_id() {
    let hook = Hook::start().await;
    hook.be_silent(true);
    let home = Home::new("delivery-killed", &config(&format!("url = \"{}\"", hook.url)));
    let server = home.start().await;
    let faulty = faulty(&server);
    eventually("a request is under way", LIMIT, || {
        let taken = !hook.taken().is_empty();
        async move { taken.then_some(()) }
    })
    .await;
    server.kill();
    drop(faulty);
    hook.be_silent(false);
    let first = hook.taken().remove(0);

    let server = home.start().await;
    let alerts = eventually("the ledger has everything delivered", LIMIT, || async {
        let alerts = server.api("/api/v1/alerts").await;
        let all = deliveries(&alerts);
        let is_done = !all.is_empty() && all.iter().all(|one| one["state"] == "delivered");
        is_done.then_some(alerts)
    })
    .await;
    let taken = hook.taken();
    let again: Vec<_> = taken.iter().filter(|one| one.id() == first.id()).collect();
    assert_eq!(again.len(), 2, "once before and once after the kill");
    assert_eq!(again[0].body, again[1].body);
    for delivery in deliveries(&alerts) {
        let n_sent = taken.iter().filter(|one| delivery["id"] == one.id()).count();
        assert!((1..=2).contains(&n_sent), "{delivery} was sent {n_sent} times");
    }
}

fn faulty(server: &Server) -> Demo {
    Demo::start(server, &["--fault", "failing-dependency", "--fault-after", "0s", "--fault-for", "1h"])
}

fn deliveries(alerts: &Value) -> Vec<&Value> {
    let alerts = alerts["alerts"].as_array().expect("alerts").iter();
    alerts.flat_map(|alert| alert["deliveries"].as_array().expect("deliveries")).collect()
}

/// Scenario: a fault pages, for a real Alertmanager with one member that is not there; the server is killed and started
/// again while it goes on; then the fault ends.
/// Guarantees: the alert is there with its labels, annotations and link, and once, also after it was sent again; it holds
/// longer then; it leaves when it ends; the ledger says which member did not take it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alertmanager_is_told() {
    let Some(binary) = tool("a_real_alertmanager_is_told", "FIRSTFAULT_TEST_ALERTMANAGER") else { return };
    let alertmanager = Alertmanager::start(&binary, "delivery").await;
    let receiver =
        format!("kind = \"alertmanager\"\nurls = [\"{}\", \"http://127.0.0.1:9\"]", alertmanager.url);
    let home = Home::new("delivery-alertmanager", &config(&receiver));
    let server = home.start().await;
    assert_eq!(test(&server, "team").await["is_delivered"], true);
    assert_eq!(alertmanager.alerts("alertname", "ReceiverTest").await.len(), 1);

    let firing = faulty(&server);
    let page = page_of(&alertmanager, |_| true).await;
    assert_eq!(page["labels"]["alertname"], "ErrorBudgetBurn");
    assert_eq!(page["labels"]["service"], "payment-api");
    assert!(page["annotations"]["summary"].as_str().is_some_and(|text| text.contains("payment")), "{page}");
    assert!(page["generatorURL"].as_str().is_some_and(|url| url.ends_with("/slos/payments")), "{page}");
    server.kill();
    drop(firing);
    let server = home.start().await;
    let firing = faulty(&server);
    let again = page_of(&alertmanager, |now| now["endsAt"].as_str() > page["endsAt"].as_str()).await;
    assert_eq!((&again["fingerprint"], &again["startsAt"]), (&page["fingerprint"], &page["startsAt"]));
    let attempt = eventually("the ledger has an attempt that one member took", LIMIT, || async {
        let alerts = server.api("/api/v1/alerts").await;
        let taken = |one: &&Value| one["attempts"][0]["status"] == 200;
        deliveries(&alerts).into_iter().find(taken).map(|one| one["attempts"][0].clone())
    })
    .await;
    assert!(attempt["error"].as_str().is_some_and(|error| error.starts_with("1 of 2 did not take it")));

    drop(firing);
    let healthy = Demo::start(&server, &["--fault", "none"]);
    eventually("the page has left the Alertmanager", LIMIT, || async {
        pages(&alertmanager).await.is_empty().then_some(())
    })
    .await;
    drop(healthy);
}

async fn pages(alertmanager: &Alertmanager) -> Vec<Value> {
    let alerts = alertmanager.alerts("slo", "payments").await;
    alerts.into_iter().filter(|alert| alert["labels"]["severity"] == "page").collect()
}

/// The only page there, once it is as wanted.
async fn page_of(alertmanager: &Alertmanager, is_wanted: impl Fn(&Value) -> bool) -> Value {
    eventually("the page is in the Alertmanager", LIMIT, || async {
        let pages = pages(alertmanager).await;
        assert!(pages.len() <= 1, "{pages:?}");
        pages.into_iter().find(|page| is_wanted(page))
    })
    .await
}
