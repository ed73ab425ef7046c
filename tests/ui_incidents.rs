//! From an incident to the trace that shows its cause, in a real browser; and the same for any stretch of time.

use crate::support::browser::Browser;
use crate::support::demo::Demo;
use crate::support::server::{Home, Server};
use crate::support::tool;
use crate::support::wait::eventually;
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Longest wait for an alert of a fault that begins now, and for its report.
const ALERTED: Duration = Duration::from_secs(120);

/// With a period of one day the first tier's windows are 2 minutes and 10 seconds.
const SLO: &str = r#"
[evaluation]
interval = "1s"
lag = "1s"

[[slos]]
id = "payments"
service = "payment-api"
indicator = "availability"
target = 99.5
period = "1d"
events_min = 10
"#;

/// Scenario: a dependency failed for five minutes; somebody on the page of the service that called it asks what
/// happened, follows the evidence to a trace, and goes back.
/// Guarantees: the page says what the API says: the same suspects in the same order, the first one in the headline;
/// the range is kept, the trace is one of the evidence, and Back shows the verdict again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_leads_to_a_trace() {
    let test = "what_happened_leads_to_a_trace";
    let Some(chromedriver) = tool(test, "FIRSTFAULT_TEST_CHROMEDRIVER") else { return };
    let (home, server) = Server::fresh("ui-triage").await;
    let (service, from, to) = send_fault(&home, &server).await;
    let report = ask(&server, &json!({ "from": from, "to": to, "service": service })).await;
    assert_ne!(report["verdict"], "no_clear_origin", "{report}");

    let browser = Browser::start(&chromedriver, 1440, 900).await;
    browser.open(&format!("{}/services/{service}?from={from}&to={to}", server.dashboard())).await;
    browser.click("[data-testid=service-triage]").await;
    check_report(&browser, &report).await;
    let url = browser.driver.current_url().await.expect("a URL");
    assert_eq!(url.path(), "/triage");
    let query = url.query().unwrap_or_default();
    assert!(query.contains(&format!("from={from}&to={to}")), "the range is kept: {query}");
    browser.screenshot("triage").await;

    let trace = follow_evidence(&browser).await;
    let of_first = report["suspects"][0]["evidence"].as_array().expect("evidence").iter();
    let mut traces = of_first.flat_map(|one| one["trace_ids"].as_array().expect("traces"));
    assert!(traces.any(|id| *id == trace), "{trace}");
    browser.driver.back().await.expect("there is a page to go back to");
    check_report(&browser, &report).await;
    phone(&browser).await;
    browser.screenshot("triage-phone").await;
    browser.stop().await;
    server.assert_quiet(&[]);
}

/// Scenario: a dependency that was well begins to fail, until an alert fires; somebody opens the list of incidents, the incident, says that
/// they look after it, writes a note, and follows the evidence to a trace.
/// Guarantees: the incident shows its report; what was said is in the API and in the timeline; the number with its
/// prefix is an address, and one that there is not says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_leads_to_its_cause() {
    let test = "an_incident_leads_to_its_cause";
    let Some(chromedriver) = tool(test, "FIRSTFAULT_TEST_CHROMEDRIVER") else { return };
    let home = Home::new("ui-incident", SLO);
    let server = home.start().await;
    let browser = Browser::start(&chromedriver, 1440, 900).await;
    browser.open(&format!("{}/incidents", server.dashboard())).await;
    browser.text_with("[data-testid=incidents-sentence]", "Nothing is burning.").await;
    // Three minutes that are well, two that are not, and on from there.
    let history =
        ["--history", "5m", "--fault", "failing-dependency", "--fault-after", "3m", "--fault-for", "1h"];
    let faulty = Demo::start(&server, &history);
    let number = incident_with_report(&server).await;

    browser.text_with("[data-testid=incidents-sentence]", "open").await;
    browser.screenshot("incidents").await;
    browser.click(&format!("[data-testid=incidents-row][data-number='{number}'] a")).await;
    browser.find("[data-testid=verdict-line]").await;
    assert_eq!(browser.path().await, format!("/incidents/{number}"));
    browser.screenshot("incident").await;
    look_after(&browser, &server, &number).await;
    drop(faulty);
    follow_evidence(&browser).await;

    browser.open(&format!("{}/incidents/INC-{number}", server.dashboard())).await;
    browser.text_with("[data-testid=incident-state]", "acknowledged").await;
    phone(&browser).await;
    browser.screenshot("incident-phone").await;
    browser.open(&format!("{}/incidents/999999", server.dashboard())).await;
    browser.text_with("[data-testid=panel-empty]", "There is no incident 999999.").await;
    browser.stop().await;
}

/// Fifteen minutes with a failing dependency in the middle; the service that called it, and when it failed.
async fn send_fault(home: &Home, server: &Server) -> (String, i64, i64) {
    let truth_file = home.data_dir().join("../truth.json");
    let (endpoint, file) = (server.otlp_grpc(), truth_file.clone());
    let run = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firstfault"));
        command.args(["demo", "--history", "15m", "--duration", "0s", "--rate", "5"]);
        command.args(["--fault", "failing-dependency", "--fault-after", "5m", "--fault-for", "5m"]);
        command.arg("--endpoint").arg(endpoint).arg("--truth-file").arg(file);
        command.stdin(Stdio::null()).output().expect("the demo starts")
    });
    let output = run.await.expect("the demo ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let truth: Value = serde_json::from_slice(&std::fs::read(&truth_file).expect("truth")).expect("JSON");
    let fault = &truth["faults"][0];
    let at = |key: &str| fault[key].as_i64().unwrap_or_else(|| panic!("no {key} in {fault}"));
    let service = fault["edge"]["caller"].as_str().expect("caller").to_owned();
    (service, at("started_at_unix_ms"), at("ended_at_unix_ms"))
}

async fn ask(server: &Server, question: &Value) -> Value {
    let request = server.http.post(format!("{}/api/v1/triage", server.dashboard())).json(question);
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let body = answer.text().await.expect("a body");
    assert!(status.is_success(), "{question}: {status} {body}");
    serde_json::from_str(&body).expect("JSON")
}

/// The page has the report's suspects in its order, and the first service in its headline.
async fn check_report(browser: &Browser, report: &Value) {
    let suspects = report["suspects"].as_array().expect("suspects");
    let service = suspects.iter().find(|one| one["kind"] == "service").expect("a service");
    let name = service["name"].as_str().expect("a name");
    browser.text_with("[data-testid=verdict-line]", name).await;
    let shown = browser
        .script("return [...document.querySelectorAll('[data-testid=suspect]')].map(one => one.dataset.name)")
        .await;
    let names: Vec<&Value> = suspects.iter().take(8).map(|one| &one["name"]).collect();
    assert_eq!(shown, json!(names));
    let n_rows = browser.count("[data-testid=evidence-row]").await;
    let n_told: usize =
        suspects.iter().take(8).map(|one| one["evidence"].as_array().expect("evidence").len()).sum();
    assert_eq!(n_rows, n_told);
    browser.find("[data-testid=not-known]").await;
}

/// Opens the first trace of the first suspect's evidence and gives its id.
async fn follow_evidence(browser: &Browser) -> String {
    browser.click("details[open] [data-testid=evidence-trace]").await;
    browser.find("[data-testid=span-row]").await;
    let path = browser.path().await;
    path.strip_prefix("/trace/").unwrap_or_else(|| panic!("{path} is no trace")).to_owned()
}

/// The number of the first incident, once a report names suspects.
async fn incident_with_report(server: &Server) -> String {
    eventually("an incident with a report", ALERTED, || async {
        let list = server.api("/api/v1/incidents").await;
        let number = list["incidents"][0]["number"].as_u64()?;
        let detail = server.api(&format!("/api/v1/incidents/{number}")).await;
        let suspects = detail["triage"]["suspects"].as_array()?;
        (!suspects.is_empty()).then(|| number.to_string())
    })
    .await
}

/// Acknowledges with a name, and writes a note.
async fn look_after(browser: &Browser, server: &Server, number: &str) {
    type_into(browser, "[data-testid=desk-who]", "ann").await;
    browser.click("[data-testid=desk-Acknowledge]").await;
    eventually("the API knows who acknowledged it", Duration::from_secs(20), || async {
        let detail = server.api(&format!("/api/v1/incidents/{number}")).await;
        (detail["incident"]["acknowledged_by"] == "ann").then_some(())
    })
    .await;
    browser.text_with("[data-testid=incident-state]", "acknowledged").await;
    type_into(browser, "[data-testid=desk-note]", "the provider answers 503").await;
    browser.click("[data-testid=desk-Note]").await;
    browser.text_with("[data-testid=timeline]", "the provider answers 503").await;
}

async fn type_into(browser: &Browser, css: &str, text: &str) {
    browser.find(css).await.send_keys(text).await.expect("the field takes text");
}

/// The width of a phone; nothing may be wider than the page.
async fn phone(browser: &Browser) {
    browser.driver.set_window_rect(0, 0, 390, 844).await.expect("the window has a new size");
    let overflow = browser
        .script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        .await;
    assert_eq!(overflow, 0, "the page is wider than the phone");
}
