//! Objectives that come over the API and from the dashboard: tried, kept, changed, adopted and deleted, over restarts.

use crate::support::browser::{APPEARS, Browser};
use crate::support::demo::Demo;
use crate::support::otlp;
use crate::support::receiver::Receiver;
use crate::support::server::{Home, Server};
use crate::support::tool;
use crate::support::wait::eventually;
use prost::Message as _;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use thirtyfour::prelude::*;

const CONFIG: &str = r#"
[evaluation]
interval = "1s"
lag = "1s"

[[slos]]
id = "configured"
service = "checkout"
indicator = "availability"
target = 99
period = "7d"
"#;

/// Status and body of a request that may change something.
async fn send(server: &Server, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let request = server.http.request(method, format!("{}{path}", server.dashboard())).json(body);
    let answer = request.send().await.expect("the API answers");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn ids(server: &Server) -> Vec<String> {
    let list = server.api("/api/v1/slos").await;
    let slos = list["slos"].as_array().expect("objectives");
    slos.iter().map(|slo| slo["id"].as_str().expect("an id").to_owned()).collect()
}

/// Scenario: an objective is created, the server is killed; it is changed, the server is stopped; it is deleted, the
/// server is stopped again.
/// Guarantees: each start knows what was said last, and judges it; the configuration's own is never touched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objectives_survive_restarts() {
    let home = Home::new("slo-write", CONFIG);
    let server = home.start().await;
    let objective = json!({ "id": "carts", "service": "cart", "indicator": "availability", "target": 99.9 });
    let (status, saved) =
        send(&server, Method::POST, "/api/v1/slos", &json!({ "objective": objective })).await;
    assert_eq!(
        (status, saved["sentence"].as_str()),
        (201, Some("99.9 % of cart requests succeed over 30 d"))
    );
    assert_eq!(ids(&server).await, ["configured", "carts"]);
    server.kill();

    let server = home.start().await;
    assert_eq!(ids(&server).await, ["configured", "carts"]);
    let definition = server.api("/api/v1/slos/carts/definition").await;
    assert_eq!(definition["objective"], objective);
    let changed = json!({ "objective": { "service": "cart", "indicator": "availability", "target": 99 } });
    let (status, _) = send(&server, Method::PUT, "/api/v1/slos/carts", &changed).await;
    assert_eq!(status, 200);
    for method in [Method::PUT, Method::DELETE] {
        let (status, refused) = send(&server, method, "/api/v1/slos/configured", &changed).await;
        assert_eq!((status, refused["error"]["code"].as_str()), (409, Some("configured")));
    }
    assert!(server.stop().await.success());

    let server = home.start().await;
    eventually("the kept objective is judged", Duration::from_secs(30), || async {
        let slo = server.api("/api/v1/slos/carts").await;
        // Nothing is known of the service, which is told of tiers that are judged only.
        let reason = &slo["slo"]["tiers"][0]["reason"];
        (slo["slo"]["target"] == 0.99 && reason.is_string()).then_some(())
    })
    .await;
    let (status, _) = send(&server, Method::DELETE, "/api/v1/slos/carts", &Value::Null).await;
    assert_eq!(status, 204);
    assert!(server.stop().await.success());

    let server = home.start().await;
    assert_eq!(ids(&server).await, ["configured"]);
    server.assert_quiet(&[]);
}

/// Scenario: an objective with a receiver is created while its service fails; it is deleted while its page fires.
/// Guarantees: the receiver is told that it burns, and then that it is over, although the fault goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_objective_tells_that_it_is_over() {
    let receiver = Receiver::start().await;
    let receivers = format!(
        "[evaluation]\ninterval = \"1s\"\nlag = \"1s\"\n\n[[receivers]]\nname = \"team\"\nurl = \"{}\"\n\
         allow_private_targets = true\n",
        receiver.url
    );
    let home = Home::new("slo-delete", &receivers);
    let server = home.start().await;
    let fault = ["--fault", "failing-dependency", "--fault-after", "0s", "--fault-for", "1h"];
    let _demo = Demo::start(&server, &fault);
    let objective = json!({
        "id": "payments", "service": "payment-api", "indicator": "availability", "target": 99, "period": "1d",
        "receivers": ["team"],
    });
    let (status, _) = send(&server, Method::POST, "/api/v1/slos", &json!({ "objective": objective })).await;
    assert_eq!(status, 201);
    let page = |status: &'static str| {
        receiver.delivered().into_iter().find(|one| {
            one.document["status"] == status && one.document["commonLabels"]["severity"] == "page"
        })
    };
    let limit = Duration::from_secs(120);
    let firing = eventually("the page is delivered", limit, || std::future::ready(page("firing"))).await;
    let (status, _) = send(&server, Method::DELETE, "/api/v1/slos/payments", &Value::Null).await;
    assert_eq!(status, 204);
    let resolved = eventually("its end is delivered", limit, || std::future::ready(page("resolved"))).await;
    let fingerprint = |document: &Value| document["alerts"][0]["fingerprint"].clone();
    assert_eq!(fingerprint(&firing.document), fingerprint(&resolved.document));
    assert!(ids(&server).await.is_empty());
}

/// Scenario: somebody with four days of a service's requests opens the form, mistypes, mends it, looks at the back-test,
/// saves, changes the name, and deletes the objective.
/// Guarantees: what is wrong stands beside its field; the address reproduces the form; what was tried is listed as soon
/// as it is saved, and gone when it is deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_tries_and_keeps_an_objective() {
    let test = "a_form_tries_and_keeps_an_objective";
    let Some(chromedriver) = tool(test, "FIRSTFAULT_TEST_CHROMEDRIVER") else { return };
    let home = Home::new("slo-form", CONFIG);
    let server = home.start().await;
    send_days(&server, "shop").await;
    let browser = Browser::start(&chromedriver, 1440, 900).await;

    browser.open(&format!("{}/slos", server.dashboard())).await;
    browser.click("[data-testid=slo-new]").await;
    browser.find("[data-testid=slo-preview-none]").await;
    assert_eq!(browser.path().await, "/new-slo");
    fill(&browser, "service", "shop").await;
    browser.text_with("[data-testid=slo-preview-sentence]", "14 d").await;
    browser.text_with("[data-testid=slo-preview-evidence]", "1,200 events").await;
    fill(&browser, "target", "100").await;
    browser.text_with("[data-testid=slo-target-problem]", "is out of range").await;
    fill(&browser, "target", "99").await;
    gone(&browser, "[data-testid=slo-target][aria-invalid=true]").await;
    browser.find("[data-testid=slo-preview-chart]").await;
    browser.screenshot("slo-form").await;

    let address = browser.driver.current_url().await.expect("a URL");
    browser.open(address.as_str()).await;
    let target = browser.find("[data-testid=slo-target]").await;
    assert_eq!(target.value().await.expect("a value").as_deref(), Some("99"));
    browser.text_with("[data-testid=slo-preview-sentence]", "14 d").await;
    browser.click("[data-testid=slo-save]").await;
    browser.find("[data-testid=slo-edit]").await;
    assert_eq!(browser.path().await, "/slos/shop-availability");
    assert_eq!(ids(&server).await, ["configured", "shop-availability"]);

    browser.click("[data-testid=slo-edit]").await;
    fill(&browser, "name", "The shop is open").await;
    // As with the keyboard alone.
    let name = browser.find("[data-testid=slo-name]").await;
    name.send_keys(Key::Enter).await.expect("keys are taken");
    browser.find("[data-testid=slo-edit]").await;
    browser.open(&format!("{}/slos", server.dashboard())).await;
    let row = "[data-testid=slo-row][data-slo=shop-availability]";
    browser.text_with(row, "The shop is open").await;

    browser.open(&format!("{}/slos/shop-availability", server.dashboard())).await;
    browser.click("[data-testid=slo-delete]").await;
    browser.screenshot("slo-delete").await;
    browser.click("[data-testid=slo-delete-confirm]").await;
    browser.find("[data-testid=slo-row][data-slo=configured]").await;
    gone(&browser, row).await;
    assert_eq!(ids(&server).await, ["configured"]);
    browser.open(&format!("{}/slos/configured", server.dashboard())).await;
    browser.find("[data-testid=slo-is-configured]").await;
    assert_eq!(browser.count("[data-testid=slo-edit]").await, 0);
    browser.stop().await;
    server.assert_quiet(&[]);
}

/// Scenario: four days of a service's requests are stored; its proposals are looked at, one is opened in the form and
/// another one adopted.
/// Guarantees: the form is filled in with what is proposed; the click keeps the other, which is listed then and proposed
/// no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_click_adopts_a_proposal() {
    let test = "one_click_adopts_a_proposal";
    let Some(chromedriver) = tool(test, "FIRSTFAULT_TEST_CHROMEDRIVER") else { return };
    let home = Home::new("slo-adopt", "");
    let server = home.start().await;
    send_days(&server, "shop").await;
    let browser = Browser::start(&chromedriver, 1440, 900).await;
    let proposals = format!("{}/slos?tab=proposals", server.dashboard());
    browser.open(&proposals).await;
    let latency = "[data-testid=slo-proposal][data-proposal=shop-latency]";
    browser.click(&format!("{latency} [data-testid=slo-proposal-form]")).await;
    let threshold = browser.find("[data-testid=slo-threshold]").await;
    assert_eq!(threshold.value().await.expect("a value").as_deref(), Some("5ms"));
    browser.text_with("[data-testid=slo-preview-evidence]", "1,200 events").await;

    browser.open(&proposals).await;
    let availability = "[data-testid=slo-proposal][data-proposal=shop-availability]";
    browser.screenshot("slo-proposals").await;
    browser.click(&format!("{availability} [data-testid=slo-adopt]")).await;
    browser.text_with("[data-testid=by-hand-said]", "shop-availability is kept").await;
    assert_eq!(ids(&server).await, ["shop-availability"]);
    browser.click("[data-testid=tab-list]").await;
    browser.find("[data-testid=slo-row][data-slo=shop-availability]").await;
    browser.stop().await;
}

/// 1,200 requests of a service over four days, none of which fails.
async fn send_days(server: &Server, service: &str) {
    const N: u64 = 1_200;
    let (now, step) = (otlp::now(), 4 * 86_400 * 1_000_000_000 / N);
    let spans = (0..N).map(|number| {
        let mut span = otlp::span(number, false);
        span.start_time_unix_nano = now - (N - number) * step;
        span.end_time_unix_nano = span.start_time_unix_nano + 4_500_000;
        span
    });
    let request = otlp::traces(service, spans.collect()).encode_to_vec();
    let answer = server.http.post(format!("{}/v1/traces", server.otlp_http()));
    let answer = answer.header("content-type", "application/x-protobuf").body(request).send().await;
    assert_eq!(answer.expect("an answer").status(), 200);
}

/// Writes into a field in place of what it holds, and leaves it.
async fn fill(browser: &Browser, name: &str, text: &str) {
    let field = browser.find(&format!("[data-testid=slo-{name}]")).await;
    field.clear().await.expect("the field is emptied");
    field.send_keys(text).await.expect("keys are taken");
    field.send_keys(Key::Tab).await.expect("keys are taken");
}

async fn gone(browser: &Browser, css: &str) {
    eventually(&format!("{css} is gone"), APPEARS, || async move {
        browser.driver.find_all(By::Css(css)).await.ok()?.is_empty().then_some(())
    })
    .await;
}
