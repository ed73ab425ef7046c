//! The dashboard in a real browser, with the demo's data: service, trace, span, its logs.

use crate::support::browser::Browser;
use crate::support::server::{Home, Server};
use crate::support::tool;
use crate::support::wait::eventually;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use thirtyfour::prelude::*;

const SLO: &str = r#"
[evaluation]
interval = "1s"
lag = "1s"

[[slos]]
id = "checkout"
service = "checkout"
indicator = "availability"
target = 99
period = "7d"
"#;

/// Scenario: somebody opens the dashboard of a store with fifteen minutes of demo data and walks from
/// the services to a failing trace, a span of it, and the span's logs; then looks at a service on a phone.
/// Guarantees: each page shows what the API says, each step is a URL, the walk leaves screenshots; a service with long
/// names of neighbours is no wider than a phone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_from_service_to_span_to_logs() {
    let test = "walks_from_service_to_span_to_logs";
    let Some(chromedriver) = tool(test, "FIRSTFAULT_TEST_CHROMEDRIVER") else { return };
    let home = Home::new("ui", SLO);
    let server = home.start().await;
    send_demo(&server).await;
    let browser = Browser::start(&chromedriver, 1440, 900).await;

    services(&browser, &server).await;
    service(&browser).await;
    let trace = traces(&browser, &server).await;
    span(&browser, &server, &trace).await;
    assert_page_is_clean(&browser).await;

    for theme in ["dark", "light"] {
        gallery(&browser, &server, &trace, theme).await;
    }
    browser.stop().await;
    phone(&chromedriver, &server).await;
    server.assert_quiet(&[]);
}

/// Scenario: the dashboard of an empty store is opened, then the first span arrives.
/// Guarantees: the page shows how to send, and turns live by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_store_shows_how_to_send_and_turns_live() {
    let test = "an_empty_store_shows_how_to_send_and_turns_live";
    let Some(chromedriver) = tool(test, "FIRSTFAULT_TEST_CHROMEDRIVER") else { return };
    let (_home, server) = Server::fresh("ui-empty").await;
    let browser = Browser::start(&chromedriver, 1440, 900).await;
    browser.open(&server.dashboard()).await;
    browser.text_with("[data-testid=send-status]", "Waiting").await;
    let snippet = browser.find("[data-testid=send-snippet]").await.text().await.expect("text");
    assert!(snippet.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{snippet}");
    browser.screenshot("first-run").await;
    send_demo(&server).await;
    browser.text_with("[data-testid=send-status]", "Receiving").await;
    browser.screenshot("first-run-live").await;
    browser.stop().await;
}

/// Scenario: the page on how to send is open, and somebody sends to a path that there is not.
/// Guarantees: the page is calm before, and then names the sender and the right path by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_request_shows_with_what_to_change() {
    let test = "a_refused_request_shows_with_what_to_change";
    let Some(chromedriver) = tool(test, "FIRSTFAULT_TEST_CHROMEDRIVER") else { return };
    let (_home, server) = Server::fresh("ui-refused").await;
    let browser = Browser::start(&chromedriver, 1440, 900).await;
    browser.open(&format!("{}/send", server.dashboard())).await;
    browser.text_with("[data-testid=send-rejections]", "Nothing was refused").await;
    assert_eq!(browser.count("[data-testid=send-rejection]").await, 0);
    let request = server.http.post(format!("{}/v1/trace", server.otlp_http()));
    let answer = request.header("content-type", "application/json").body("{}").send().await;
    assert_eq!(answer.expect("an answer").status(), 404);
    let row = browser.text_with("[data-testid=send-rejection]", "did you mean /v1/traces?").await;
    assert!(row.contains("127.0.0.1") && row.contains("path unknown"), "{row}");
    browser.screenshot("send-refused").await;
    browser.stop().await;
}

/// Fifteen minutes of history with its faults, and nothing live.
async fn send_demo(server: &Server) {
    let arguments = ["demo", "--history", "15m", "--duration", "1s", "--rate", "5", "--endpoint"];
    let endpoint = server.otlp_grpc();
    let run = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firstfault"));
        command.args(arguments).arg(endpoint).stdin(Stdio::null()).output().expect("the demo starts")
    });
    let output = run.await.expect("the demo ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn services(browser: &Browser, server: &Server) {
    browser.open(&server.dashboard()).await;
    browser.find("[data-testid=services-row][data-service=checkout]").await;
    let listed = server.api("/api/v1/services").await;
    let services = listed["services"].as_array().expect("services");
    assert!(services.len() >= 10, "the demo has at least ten services: {}", services.len());
    assert_eq!(browser.count("[data-testid=services-row]").await, services.len());
    browser.screenshot("services").await;
    browser.click("[data-testid=services-row][data-service=checkout] a").await;
}

async fn service(browser: &Browser) {
    browser.find("[data-testid=operations-row]").await;
    assert_eq!(browser.path().await, "/services/checkout");
    // It sends no resource metrics: the page says which would be shown.
    browser.text_with("[data-testid=saturation]", "process.cpu.utilization").await;
    browser.screenshot("service").await;
}

/// The failing traces of a service; opens the first and gives its id.
async fn traces(browser: &Browser, server: &Server) -> String {
    browser.open(&format!("{}/traces?service=payment-api&status=error", server.dashboard())).await;
    let row = browser.find("[data-testid=traces-row]").await;
    let id = row.attr("data-trace-id").await.expect("attribute").expect("a trace id");
    browser.screenshot("traces").await;
    browser.click(&format!("[data-testid=traces-row][data-trace-id='{id}'] a")).await;
    id
}

/// The waterfall agrees with the API; the failing span shows its details and its logs.
async fn span(browser: &Browser, server: &Server, trace_id: &str) {
    browser.find("[data-testid=critical-path]").await;
    browser.find("[data-testid=span-row]").await;
    assert_eq!(browser.path().await, format!("/trace/{trace_id}"));
    let trace = server.api(&format!("/api/v1/traces/{trace_id}")).await;
    let n_spans = trace["spans"].as_array().expect("spans").len();
    let shown = browser.find("[role=treegrid]").await.attr("aria-rowcount").await.expect("attribute");
    assert!(shown.is_some_and(|n| n.parse::<usize>().expect("a number") >= n_spans), "{n_spans} spans");
    let failing = span_with_logs(server, trace_id, &trace).await;
    let id = failing["span_id"].as_str().expect("span id");
    browser.open(&format!("{}/trace/{trace_id}?spanId={id}", server.dashboard())).await;
    let name = failing["name"].as_str().expect("name");
    browser.text_with("[data-testid=span-drawer]", name).await;
    browser.find("[data-testid=span-logs-row]").await;
    browser.screenshot("trace").await;
    let selected = browser.find("[data-testid=span-row][aria-selected=true]").await;
    assert_eq!(selected.attr("data-span-id").await.expect("attribute").as_deref(), Some(id));
}

/// A failing span that wrote logs.
async fn span_with_logs(server: &Server, trace_id: &str, trace: &Value) -> Value {
    let logs = server.api(&format!("/api/v1/logs?trace_id={trace_id}&from=now-1d")).await;
    let wrote = |span: &&Value| {
        logs["rows"].as_array().expect("rows").iter().any(|row| row["span_id"] == span["span_id"])
    };
    let spans = trace["spans"].as_array().expect("spans");
    let failing = spans.iter().filter(|span| span["is_error"] == true).find(wrote);
    failing.or_else(|| spans.iter().find(wrote)).expect("a span with logs").clone()
}

/// Nothing from the page's own code went wrong, and nothing was loaded from elsewhere.
async fn assert_page_is_clean(browser: &Browser) {
    let foreign = browser
        .script(
            "return performance.getEntriesByType('resource').map(one => one.name)\
             .filter(name => !name.startsWith(location.origin))",
        )
        .await;
    assert_eq!(foreign, serde_json::json!([]), "resources from elsewhere");
}

/// One screenshot of every page in a theme.
async fn gallery(browser: &Browser, server: &Server, trace_id: &str, theme: &str) {
    browser.script(&format!("localStorage.setItem('firstfault.theme', '{theme}')")).await;
    let trace = format!("/trace/{trace_id}");
    let pages = [
        ("incidents", "/incidents", "[data-testid=services-row]"),
        ("triage", "/triage?from=now-15m", "[data-testid=verdict]"),
        ("services", "/services", "[data-testid=services-row]"),
        ("service", "/services/checkout", "[data-testid=operations-row]"),
        ("saturation", "/services/cart", "[data-testid=saturation-chart]"),
        ("traces", "/traces", "[data-testid=traces-row]"),
        ("trace", trace.as_str(), "[data-testid=span-row]"),
        ("logs", "/logs", "[data-testid=logs-row]"),
        ("metrics", "/metrics?name=http.server.request.duration", "[data-testid=metric-chart]"),
        ("slos", "/slos", "[data-testid=slo-row]"),
        ("slo", "/slos/checkout", "[data-testid=burn-tier-row]"),
        ("alerts", "/alerts", "h1"),
        ("send", "/send", "[data-testid=send-status]"),
    ];
    for (name, path, shows) in pages {
        browser.open(&format!("{}{path}", server.dashboard())).await;
        browser.find(shows).await;
        settle(browser).await;
        let theme_in_use = browser.script("return document.documentElement.dataset.theme").await;
        assert_eq!(theme_in_use, theme, "{path}");
        browser.screenshot(&format!("{name}-{theme}")).await;
    }
}

/// Services that call databases by host and port, on the narrowest of screens, with figures as wide as they come.
async fn phone(chromedriver: &Path, server: &Server) {
    let browser = Browser::start(chromedriver, 320, 640).await;
    for service in ["cart", "checkout"] {
        browser.open(&format!("{}/services/{service}", server.dashboard())).await;
        browser.find("[data-testid=callees] [data-testid=edge-row]").await;
        settle(&browser).await;
        browser.screenshot(&format!("{service}-phone")).await;
        let n_too_wide = browser
            .script(
                "document.querySelectorAll('[data-testid=callees] td.num').forEach(cell => cell.textContent = '1,234 ms');\
                 const page = document.documentElement; return page.scrollWidth - page.clientWidth",
            )
            .await;
        assert_eq!(n_too_wide, 0, "{service} scrolls sideways");
    }
    browser.stop().await;
}

/// Waits until no panel is loading.
async fn settle(browser: &Browser) {
    eventually("the page has loaded", Duration::from_secs(20), || async {
        let loading = browser.driver.find_all(By::Css("[aria-busy=true]")).await.ok()?;
        loading.is_empty().then_some(())
    })
    .await;
}
