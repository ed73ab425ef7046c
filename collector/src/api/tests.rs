//! Tests of the whole API in one process: a router over a real engine in a temporary directory.

mod cohorts;
mod graph_fixtures;
mod incidents;
mod read_models;
mod saturation;
mod triage;

use super::*;
use crate::decode;
use crate::evaluate;
use crate::replay;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use storage::{Options, Signal, WalRecord};
use tower::ServiceExt;

mod catalogue;
mod deliveries;
mod objectives;
mod slos;

/// 2026-01-31T12:00:00Z.
const AT: i64 = 1_769_860_800_000_000_000;
const MILLI_NS: i64 = 1_000_000;
const RANGE: &str = "from=2026-01-31T11:00:00Z&to=2026-01-31T12:30:00Z";
const TRACE: &str = "5b8efff798038103d269b633813fc60c";

static ASSETS: &[Asset] = &[Asset { path: "index.html", plain: b"page", brotli: None, gzip: None }];

struct Server {
    api: Api,
    _dir: tempfile::TempDir,
}

impl Server {
    /// Not open yet.
    fn starting() -> Self {
        Self::starting_behind(Gate::default())
    }

    fn starting_behind(gate: Gate) -> Self {
        let stop = CancellationToken::new();
        let (workers, _) = Workers::new(Clock, stop.clone());
        let endpoints = wire::Endpoints {
            otlp_grpc: "http://127.0.0.1:4317".to_owned(),
            otlp_http: "http://127.0.0.1:4318".to_owned(),
            dashboard: "http://127.0.0.1:4320".to_owned(),
            ..wire::Endpoints::default()
        };
        let api = Api::new(Settings {
            clock: Clock,
            started_at: AT,
            endpoints,
            telemetry: Arc::new(Telemetry::new()),
            workers,
            stop,
            hosts: Hosts::Local,
            gate: Arc::new(gate),
            rows_max: 3,
            assets: ASSETS,
        });
        Self { api, _dir: tempfile::tempdir().expect("a folder") }
    }

    /// With one SLO, two spans of a trace, and one log record of it.
    async fn open() -> Self {
        let server = Self::open_empty(|_| ()).await;
        let engine = server.api.engine().expect("open");
        store(engine, Signal::Traces, &spans()).await;
        store(engine, Signal::Logs, &logs()).await;
        server
    }

    /// With one SLO and no rows.
    async fn open_empty(choose: impl FnOnce(&mut Options)) -> Self {
        Self::open_telling(Vec::new(), choose).await
    }

    /// As `open_empty`, with receivers. Their couriers do not run by themselves.
    async fn open_telling(receivers: Vec<::alerts::Receiver>, choose: impl FnOnce(&mut Options)) -> Self {
        Self::open_parts(receivers, choose).await.0
    }

    /// With one SLO of the configuration, no rows, and an evaluation that runs.
    async fn open_evaluating(receivers: Vec<::alerts::Receiver>) -> Self {
        let (server, evaluation) = Self::open_parts(receivers, |_| ()).await;
        tokio::spawn(evaluation.run(|| (), CancellationToken::new()));
        server
    }

    async fn open_parts(
        receivers: Vec<::alerts::Receiver>,
        choose: impl FnOnce(&mut Options),
    ) -> (Self, evaluate::Evaluation) {
        let server = Self::starting();
        let dir = server._dir.path();
        let mut options = Options::new(dir);
        choose(&mut options);
        let decode = |record| replay::rows(record).map_err(Into::into);
        let (engine, _) = Engine::open(options, decode).await.expect("opens");
        let settings = evaluate::Settings {
            interval: std::time::Duration::from_secs(10),
            lag: std::time::Duration::from_secs(30),
            read_timeout: std::time::Duration::from_secs(60),
            external_url: "http://127.0.0.1:4320".to_owned(),
            retry: ::alerts::RetryPolicy::default(),
            routes: Vec::new(),
            services: configured_services(),
        };
        let spec =
            ::alerts::SloSpec { id: "cart-ok".to_owned(), service: "cart".to_owned(), ..Default::default() };
        let slos = vec![::alerts::Slo::new(spec).expect("valid")];
        let telemetry = Arc::new(engine.clone());
        let state = dir.join("state.sqlite");
        let opened = evaluate::open(settings, slos, receivers, &state, telemetry, Arc::new(|| AT)).await;
        let (evaluation, board) = opened.expect("opens");
        server.api.open(engine, board);
        (server, evaluation)
    }

    async fn send(&self, request: http::Request<Body>) -> Answer {
        let response = self.api.router().oneshot(request).await.expect("infallible");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = to_bytes(response.into_body(), 64 << 20).await.expect("a whole body").to_vec();
        Answer { status, headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(
            http::Request::get(path).header("host", "localhost:4320").body(Body::empty()).expect("valid"),
        )
        .await
    }

    /// The answer of a request that must succeed.
    async fn read<T: DeserializeOwned>(&self, path: &str) -> T {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body)
            .unwrap_or_else(|error| panic!("{path}: {error}: {}", answer.text()))
    }

    async fn sql(&self, sql: &str, accept: &str) -> Answer {
        let body = json!({ "sql": sql }).to_string();
        let request =
            http::Request::post("/api/v1/sql").header("content-type", "application/json; charset=utf-8");
        self.send(request.header("accept", accept).body(Body::from(body)).expect("valid")).await
    }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Status, code and hint of a failure, which always has the one shape.
    fn failure(&self) -> (u16, String, Option<String>) {
        let body: wire::ErrorBody =
            serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()));
        (self.status, body.error.code, body.error.hint)
    }
}

/// What the configuration says of services: that of a single one.
fn configured_services() -> std::collections::BTreeMap<String, ::alerts::Ownership> {
    let owner = Some("finance".to_owned());
    let ownership = ::alerts::Ownership::new(::alerts::OwnershipSpec { owner, ..Default::default() });
    [("billing".to_owned(), ownership.expect("valid"))].into()
}

async fn store(engine: &Engine, signal: Signal, request: &Value) {
    let payload = request.to_string().into();
    let record = WalRecord { signal, encoding: decode::Encoding::Json.code(), received_at: AT, payload };
    let columns = replay::rows(record.clone()).expect("valid");
    let logged = engine.log(record).await.expect("logged");
    engine.insert(logged, columns);
}

fn resource() -> Value {
    json!({"attributes": [
        {"key": "service.name", "value": {"stringValue": "cart"}},
        {"key": "service.version", "value": {"stringValue": "1.2"}},
    ]})
}

fn spans() -> Value {
    let span = |id: &str, parent: &str, kind: i32, start: i64, end: i64| {
        json!({
            "traceId": TRACE, "spanId": id, "parentSpanId": parent, "name": format!("op {kind}"), "kind": kind,
            "startTimeUnixNano": (AT + start * MILLI_NS).to_string(), "endTimeUnixNano": (AT + end * MILLI_NS).to_string(),
            "attributes": [
                {"key": "http.route", "value": {"stringValue": "/cart"}}, {"key": "n", "value": {"intValue": "7"}},
                {"key": "db.system.name", "value": {"stringValue": if kind == 3 { "postgresql" } else { "" }}},
            ],
            "events": [{"timeUnixNano": AT.to_string(), "name": "exception", "attributes": [
                {"key": "exception.type", "value": {"stringValue": "<script>"}}]}],
            "status": {"code": if kind == 2 { 2 } else { 0 }, "message": "boom"},
        })
    };
    let spans =
        [span("00000000000000aa", "", 2, 0, 100), span("00000000000000bb", "00000000000000aa", 3, 20, 80)];
    json!({"resourceSpans": [{"resource": resource(), "scopeSpans": [{"scope": {"name": "lib"}, "spans": spans}]}]})
}

fn logs() -> Value {
    let record = json!({
        "timeUnixNano": AT.to_string(), "severityNumber": 17, "severityText": "ERROR", "traceId": TRACE,
        "spanId": "00000000000000aa", "body": {"stringValue": "Payment failed"},
        "attributes": [{"key": "retry", "value": {"boolValue": true}}],
    });
    json!({"resourceLogs": [{"resource": resource(), "scopeLogs": [{"logRecords": [record]}]}]})
}

/// Scenario: a span and its child are stored, and every page about them is asked for.
/// Guarantees: each answer is the documented type and says what was sent.
#[tokio::test]
async fn spans_reach_every_page() {
    let server = Server::open().await;
    let list: wire::ServiceList = server.read(&format!("/api/v1/services?{RANGE}")).await;
    let [row] = list.services.as_slice() else { panic!("{list:?}") };
    assert_eq!((row.service.as_str(), row.red.n_requests, row.red.n_errors), ("cart", 1, 1));
    assert_eq!((row.red.error_ratio, row.alert_state), (Some(1.0), Some(wire::AlertState::Inactive)));
    assert_eq!(row.points.iter().map(|point| point.n_requests).sum::<u64>(), 1);
    assert_eq!(row.points.len() as u32, 90 * 60 / list.step_s);
    let p50 = row.red.p50_ns.expect("measured");
    assert!((p50 - 100 * MILLI_NS).abs() <= MILLI_NS, "{p50}");

    let detail: wire::ServiceDetail = server.read(&format!("/api/v1/services/cart?{RANGE}")).await;
    assert_eq!(detail.operations[0].operation, "op 2");
    assert_eq!(detail.versions[0].version, "1.2");
    assert_eq!(detail.callees[0].peer_kind, wire::PeerKind::Database);

    let attr = "attr=http.route%3D/cart&status=error&min=50ms";
    let found: wire::TraceList = server.read(&format!("/api/v1/traces?{RANGE}&service=cart&{attr}")).await;
    assert_eq!(found.traces[0].trace_id, TRACE);
    assert_eq!((found.traces[0].n_spans, found.traces[0].n_errors), (2, 1));
    let none: wire::TraceList = server.read(&format!("/api/v1/traces?{RANGE}&min=1s")).await;
    assert!(none.traces.is_empty());

    let trace: wire::Trace = server.read(&format!("/api/v1/traces/{}", TRACE.to_uppercase())).await;
    assert_eq!((trace.spans.len(), trace.critical_path.len(), trace.duration_ns), (2, 3, 100 * MILLI_NS));
    let span: wire::SpanDetail = server.read(&format!("/api/v1/traces/{TRACE}/spans/00000000000000aa")).await;
    assert_eq!((span.status_code.as_str(), span.status_message.as_deref()), ("error", Some("boom")));
    assert_eq!(span.events[0].attributes[0].value, "<script>");
    assert_eq!(span.attributes[1].value_type, wire::AttributeType::Int);

    let logs: wire::LogList =
        server.read(&format!("/api/v1/logs?{RANGE}&q=payment&severity=warn&trace_id={TRACE}")).await;
    assert_eq!((logs.n_matched, logs.rows[0].severity), (1, wire::Severity::Error));
    assert_eq!(logs.histogram.iter().map(|bucket| bucket.n_error).sum::<u64>(), 1);
}

/// Scenario: more services than fit on a page, of which one fails and one has an objective; then a limit of one.
/// Guarantees: the worst ones are answered, by name, with how many there are; the size of the answer is bounded.
#[tokio::test]
async fn services_are_bounded() {
    let server = Server::open_empty(|_| ()).await;
    let span = |n: usize| {
        let mut span = spans()["resourceSpans"][0]["scopeSpans"][0]["spans"][0].clone();
        span["spanId"] = json!(format!("{n:016x}"));
        span["status"] = json!({"code": if n == 400 { 2 } else { 0 }});
        span["attributes"] = json!([]);
        let name = json!([{"key": "service.name", "value": {"stringValue": format!("service-{n:03}")}}]);
        json!({"resource": {"attributes": name}, "scopeSpans": [{"spans": [span]}]})
    };
    let all = json!({"resourceSpans": (1..=600).map(span).collect::<Vec<_>>()});
    store(server.api.engine().expect("open"), Signal::Traces, &all).await;
    let list: wire::ServiceList = server.read(&format!("/api/v1/services?{RANGE}")).await;
    assert_eq!((list.services.len(), list.n_services), (500, 600));
    assert!(list.services.is_sorted_by(|a, b| a.service < b.service));
    assert!(list.services.iter().any(|row| row.red.n_errors > 0));
    let list: wire::ServiceList = server.read(&format!("/api/v1/services?{RANGE}&limit=1")).await;
    let [worst] = list.services.as_slice() else { panic!("{list:?}") };
    assert_eq!((worst.service.as_str(), worst.red.n_errors, list.n_services), ("service-400", 1, 600));
}

/// Scenario: more new services send than are kept apart, then one more.
/// Guarantees: lists say how many spans are counted under others; whoever asks for the last one reads why it has no
/// figures, and that its spans are there.
#[tokio::test]
async fn what_is_folded_is_told() {
    let server = Server::open_empty(|_| ()).await;
    let span = spans()["resourceSpans"][0]["scopeSpans"][0]["spans"][0].clone();
    let of = |service: String| {
        let mut span = span.clone();
        span["attributes"] = json!([]);
        span["events"] = json!([]);
        let name = json!([{"key": "service.name", "value": {"stringValue": service}}]);
        json!({"resource": {"attributes": name}, "scopeSpans": [{"spans": [span]}]})
    };
    let engine = server.api.engine().expect("open");
    let flood: Vec<_> = (0..storage::SERVICES_APART_MAX).map(|n| of(format!("random-{n}"))).collect();
    store(engine, Signal::Traces, &json!({ "resourceSpans": flood })).await;
    let list: wire::ServiceList = server.read(&format!("/api/v1/services?{RANGE}&limit=1")).await;
    assert_eq!(list.n_folded_spans, 0);
    store(engine, Signal::Traces, &json!({ "resourceSpans": [of("late".to_owned())] })).await;
    let list: wire::ServiceList = server.read(&format!("/api/v1/services?{RANGE}&limit=1")).await;
    assert_eq!(list.n_folded_spans, 1);
    let red: wire::RedAnswer = server.read(&format!("/api/v1/red?{RANGE}&service=late&step=10m")).await;
    assert_eq!((red.n_groups, red.n_folded_spans), (0, 1));
    let answer = server.get(&format!("/api/v1/services/late?{RANGE}")).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, 404, "{text}");
    assert!(text.contains("(other)") && text.contains("30000") && text.contains("/api/v1/traces"), "{text}");
    let found: wire::TraceList = server.read(&format!("/api/v1/traces?{RANGE}&service=late")).await;
    assert_eq!(found.traces.len(), 1);
}

/// Scenario: the SQL shown beside the services is run.
/// Guarantees: it gives the numbers that were shown.
#[tokio::test]
async fn shown_sql_gives_the_shown_numbers() {
    let server = Server::open().await;
    let list: wire::ServiceList = server.read(&format!("/api/v1/services?{RANGE}")).await;
    let answer = server.sql(&list.sql, "application/json").await;
    let answer: wire::SqlAnswer = serde_json::from_slice(&answer.body).expect("JSON");
    let red = &list.services[0].red;
    let cell = |name: &str| {
        let column = answer.columns.iter().position(|column| column.name == name);
        answer.rows[0][column.unwrap_or_else(|| panic!("no {name} in {:?}", answer.columns))].clone()
    };
    assert_eq!(answer.rows.len(), 1);
    assert_eq!((cell("service"), cell("n"), cell("n_errors")), (json!("cart"), json!(1), json!(1)));
    assert_eq!((cell("p50_ns"), cell("p99_ns")), (json!(red.p50_ns), json!(red.p99_ns)));
    let trace: wire::Trace = server.read(&format!("/api/v1/traces/{TRACE}")).await;
    let answer = server.sql(&trace.sql, "application/json").await;
    let answer: wire::SqlAnswer = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(answer.rows.len(), 2);
}

/// Scenario: objectives, alerts and status of a server that has evaluated nothing yet.
/// Guarantees: what is not known is absent or frozen, never good.
#[tokio::test]
async fn unknown_is_not_good() {
    let server = Server::open().await;
    let list: wire::SloList = server.read("/api/v1/slos").await;
    assert_eq!((list.slos[0].compliance, list.slos[0].coverage), (None, 0.0));
    assert!(list.slos[0].tiers.iter().all(|tier| tier.verdict == "frozen_no_data"));
    let detail: wire::SloDetail = server.read(&format!("/api/v1/slos/cart-ok?{RANGE}")).await;
    assert_eq!(detail.points.iter().map(|point| point.n_total).sum::<u64>(), 1);
    let alerts: wire::AlertList = server.read("/api/v1/alerts").await;
    assert!(alerts.alerts.is_empty() && alerts.receivers.is_empty());
    let status: wire::Status = server.read("/api/v1/status").await;
    assert!(status.has_data);
    assert_eq!(status.storage.hot_rows, 3);
    let metrics: wire::MetricList = server.read(&format!("/api/v1/metrics?{RANGE}")).await;
    assert!(metrics.metrics.is_empty());
}

/// Scenario: names that were never seen, ids of the wrong form, parameters that do not exist, wrong methods, unknown paths.
/// Guarantees: each failure has the one shape, its own status, and a hint where one is known.
#[tokio::test]
async fn failures_have_one_shape() {
    let server = Server::open().await;
    for (path, status, code, hint) in [
        (
            "/api/v1/services/kart?from=2026-02-07T10:00:00Z&to=2026-02-07T11:00:00Z",
            404,
            "not_found",
            Some("did you mean \"cart\"?"),
        ),
        (
            "/api/v1/services/kart?from=2026-02-07T12:00:00Z&to=2026-02-07T13:00:00Z",
            404,
            "not_found",
            Some("/api/v1/services lists"),
        ),
        ("/api/v1/slos/cart-okay", 404, "not_found", Some("did you mean cart-ok?")),
        ("/api/v1/metrics/none", 404, "not_found", Some("widen the range")),
        ("/api/v1/traces/00000000000000000000000000000001", 404, "not_found", Some("retention.traces")),
        ("/api/v1/traces/5b8efff798038103d269b633813fc60c/spans/0000000000000001", 404, "not_found", None),
        ("/api/v1/traces/xyz", 400, "bad_request", None),
        ("/api/v1/services/%ff", 400, "bad_request", None),
        ("/api/v1/services?form=now", 400, "bad_request", Some("did you mean from?")),
        ("/api/v1/status?x=1", 400, "bad_request", Some("this path takes none")),
        ("/api/v1/traces?min=2s&max=1s", 400, "bad_request", None),
        ("/api/v1/logs?regex=(oops", 400, "bad_request", Some("the Rust crate regex")),
        ("/api/v1/logs?word=a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q", 400, "bad_request", None),
        ("/api/v1/sql", 405, "method_not_allowed", None),
        ("/api/v2/services", 404, "not_found", Some("/api/v1")),
        ("/api", 404, "not_found", Some("/api/v1")),
        ("/v1/traces", 404, "not_found", Some("http://127.0.0.1:4318")),
    ] {
        let answer = server.get(path).await;
        let (got_status, got_code, got_hint) = answer.failure();
        assert_eq!((got_status, got_code.as_str()), (status, code), "{path}: {}", answer.text());
        assert!(
            hint.is_none_or(|hint| got_hint.is_some_and(|got| got.contains(hint))),
            "{path}: {}",
            answer.text()
        );
        assert_eq!(answer.headers["content-type"], "application/json", "{path}");
    }
    assert_eq!(server.get("/services/cart").await.text(), "page");
    for (path, name) in [
        ("/api/v1/services/~..", r#"service \"..\""#),
        ("/api/v1/services/~", r#"service \"\""#),
        ("/api/v1/services/~x", r#"service \"~x\""#),
        ("/api/v1/metrics/~.", r#"metric \".\""#),
    ] {
        let text = server.get(path).await.text();
        assert!(text.contains(name), "{path}: {text}");
    }
    assert_eq!(server.get("/apiary").await.text(), "page");
}

/// Scenario: a sender posts OTLP to the port of the API, a browser looks at the same path, then the rejections are
/// asked for.
/// Guarantees: the sender is in the list once with the right address, the browser is not; the counts are those of the
/// status and of the metrics.
#[tokio::test]
async fn rejections_are_listed() {
    let server = Server::open().await;
    let none: wire::RejectionLog = server.read("/api/v1/ingest/rejections").await;
    assert!(none.recent.is_empty() && none.by_reason.is_empty());
    let request = http::Request::post("/v1/traces").header("host", "localhost:4320");
    let answer = server.send(request.body(Body::from("{}")).expect("valid")).await;
    assert_eq!(answer.failure().0, 404);
    assert_eq!(server.get("/v1/traces").await.status, 404);
    let list: wire::RejectionLog = server.read("/api/v1/ingest/rejections").await;
    let [one] = list.recent.as_slice() else { panic!("{list:?}") };
    assert_eq!((one.reason.as_str(), one.class.as_str(), one.n), ("otlp_on_api_port", "request", 1));
    assert_eq!((one.transport.as_str(), one.path.as_str(), &one.peer), ("http", "/v1/traces", &None));
    assert_eq!(one.hint.as_deref(), Some("send OTLP/HTTP to http://127.0.0.1:4318"));
    let status: wire::Status = server.read("/api/v1/status").await;
    assert_eq!(status.rejections, list.by_reason);
    assert_eq!(list.by_reason[0].hint, one.hint);
    let line = "firstfault_refused_requests_total{signal=\"unknown\",reason=\"otlp_on_api_port\"} 1";
    assert!(server.get("/metrics").await.text().lines().any(|shown| shown == line));
}

/// Scenario: an answer of the API, a failure, a page, and a request under a foreign name.
/// Guarantees: all carry the security headers; API answers are not stored; the foreign one learns nothing.
#[tokio::test]
async fn every_answer_is_guarded() {
    let server = Server::open().await;
    for path in ["/api/v1/status", "/api/v1/nothing", "/", "/healthz"] {
        let headers = server.get(path).await.headers;
        let policy = headers["content-security-policy"].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"), "{path}");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        let cache = if path == "/" { "no-cache" } else { "no-store" };
        assert_eq!(headers["cache-control"], cache, "{path}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
    }
    let request = http::Request::get("/api/v1/services").header("host", "rebound.example:4320");
    let answer = server.send(request.body(Body::empty()).expect("valid")).await;
    assert_eq!(answer.failure().1, "host_not_allowed");
    assert!(answer.headers.contains_key("content-security-policy"));
}

/// Scenario: the engine is still replaying.
/// Guarantees: the process is alive and not ready; questions are answered with when to come back; the page loads.
#[tokio::test]
async fn starting_is_said() {
    let server = Server::starting();
    assert_eq!(server.get("/healthz").await.status, 200);
    let ready = server.get("/readyz").await;
    assert_eq!((ready.status, ready.text().as_str()), (503, "starting: replaying the write-ahead log\n"));
    let answer = server.get("/api/v1/services").await;
    assert_eq!((answer.status, answer.failure().1.as_str()), (503, "starting"));
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(server.get("/metrics").await.status, 503);
    assert_eq!(server.get("/").await.text(), "page");
}

/// Scenario: an open server, then a worker that died, then the end.
/// Guarantees: ready turns to not ready with the reason, and the metrics say the same.
#[tokio::test]
async fn readiness_follows_the_workers() {
    let server = Server::open().await;
    assert_eq!(server.get("/readyz").await.text(), "ready\n");
    assert!(server.get("/metrics").await.text().contains("\nfirstfault_ready 1\n"));
    let workers = &server.api.settings.workers;
    let (gone, noticed) = tokio::sync::oneshot::channel::<()>();
    workers.spawn("flush", None, |_| async move { drop(gone) });
    noticed.await.expect_err("dropped");
    while workers.failing().is_empty() {
        tokio::task::yield_now().await;
    }
    let ready = server.get("/readyz").await;
    assert_eq!((ready.status, ready.text().as_str()), (503, "worker flush is not alive\n"));
    server.api.settings.stop.cancel();
    assert!(server.get("/readyz").await.text().starts_with("shutting down\n"));
    assert!(server.get("/metrics").await.text().contains("\nfirstfault_ready 0\n"));
}

/// Scenario: the disk has less free space than the reserve.
/// Guarantees: the server is not ready and says why, with both numbers; the metrics say the same.
#[tokio::test]
async fn an_almost_full_disk_is_said() {
    let server = Server::open_empty(|options| options.disk_free_bytes_min = u64::MAX).await;
    let (ready, metrics) = (server.get("/readyz").await, server.get("/metrics").await.text());
    assert_eq!(ready.status, 503);
    let free = server.api.engine().expect("open").stats().disk_free_bytes;
    let text = format!(
        "disk is almost full: {free} bytes are free and 18446744073709551615 are kept in reserve, requests are \
         refused\n"
    );
    assert_eq!(ready.text(), text);
    for line in ["firstfault_ready 0", "firstfault_disk_almost_full 1"] {
        assert!(metrics.lines().any(|shown| shown == line), "{line}");
    }
    assert!(metrics.contains("\nfirstfault_disk_reserve_bytes 18446744073709551615\n"));
    let server = Server::open().await;
    assert!(server.get("/metrics").await.text().contains("\nfirstfault_disk_almost_full 0\n"));
}

const SPANS_SQL: &str =
    "SELECT name, duration_ns, start_time, span_id, attributes FROM spans ORDER BY start_time";

/// Scenario: one statement, asked for in each format.
/// Guarantees: the same rows, in each format's own types; the Arrow stream is read back by Arrow itself.
#[tokio::test]
async fn sql_speaks_three_formats() {
    let server = Server::open().await;
    let answer = server.sql(SPANS_SQL, "*/*").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let answer: wire::SqlAnswer = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(
        answer.rows[0][..4],
        [json!("op 2"), json!(100 * MILLI_NS), json!("2026-01-31T12:00:00Z"), json!("00000000000000aa")]
    );
    assert_eq!(answer.rows[0][4]["n"], json!("7"));
    assert!(!answer.truncated);
    let csv =
        server.sql("SELECT name, duration_ns, span_id FROM spans ORDER BY start_time", "text/csv").await;
    assert_eq!(
        csv.text(),
        "name,duration_ns,span_id\r\nop 2,100000000,00000000000000aa\r\nop 3,60000000,00000000000000bb\r\n"
    );
    let arrow = server.sql(SPANS_SQL, "application/vnd.apache.arrow.stream, application/json;q=0.5").await;
    let reader = arrow::ipc::reader::StreamReader::try_new(arrow.body.as_slice(), None).expect("a stream");
    let n_rows: usize = reader.map(|batch| batch.expect("a batch").num_rows()).sum();
    assert_eq!(n_rows, 2);
    let empty = server.sql("SELECT name FROM spans WHERE false", "text/csv").await;
    assert_eq!((empty.status, empty.text().as_str()), (200, "name\r\n"));
}

/// Scenario: more rows than JSON may have, in both kinds of formats.
/// Guarantees: JSON is cut and says so, exactly at the limit it is not; streams are whole.
#[tokio::test]
async fn sql_json_is_cut_at_the_limit() {
    let server = Server::open().await;
    for (n, n_answered, truncated) in [(3, 3, false), (4, 3, true)] {
        let sql = format!("SELECT * FROM (VALUES {}) AS t(a)", vec!["(1)"; n].join(", "));
        let answer = server.sql(&sql, "application/json").await;
        let answer: wire::SqlAnswer = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!((answer.rows.len(), answer.truncated), (n_answered, truncated));
        assert_eq!(server.sql(&sql, "text/csv").await.text().lines().count(), n + 1);
    }
}

/// Scenario: rows of 12 MiB, then a row of 36 MiB: of plain text, and of 6 MiB that JSON writes six times as large.
/// Guarantees: JSON is cut before it has more than 32 MiB; a single row beyond that is refused with what to do.
#[tokio::test]
async fn sql_json_is_bounded_in_bytes() {
    let server = Server::open().await;
    let text = |n_times: usize, part: &str| {
        format!("replace('{}', 'x', '{}')", "x".repeat(256 << 10), part.repeat(n_times))
    };
    let twelve = text(48, "a");
    let answer = server.sql(&format!("SELECT {twelve} AS a FROM generate_series(1, 3)"), "*/*").await;
    assert!(answer.body.len() < 32 << 20, "{}", answer.body.len());
    let answer: wire::SqlAnswer = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((answer.rows.len(), answer.truncated), (2, true));
    for row in [format!("a, a AS b, a AS c FROM (SELECT {twelve} AS a)"), text(24, "\u{1}")] {
        let (status, code, hint) = server.sql(&format!("SELECT {row}"), "*/*").await.failure();
        assert_eq!((status, code.as_str()), (400, "bad_request"));
        assert!(hint.is_some_and(|hint| hint.contains("text/csv")));
    }
}

/// Scenario: statements and requests that must not be answered.
/// Guarantees: each has its own status and code; nothing that a form on another site can send is taken.
#[tokio::test]
async fn sql_refuses_what_it_must() {
    let server = Server::open().await;
    for (sql, status, code) in [
        ("SELEC 1", 400, "bad_request"),
        ("SELECT nope FROM spans", 400, "bad_request"),
        ("  ", 400, "bad_request"),
        ("DROP TABLE spans", 400, "read_only"),
        ("INSERT INTO spans SELECT * FROM spans", 400, "read_only"),
        ("COPY spans TO '/tmp/x'", 400, "read_only"),
        ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'", 400, "read_only"),
        ("SELECT count(*) OVER (ORDER BY trace_id) FROM spans", 400, "bad_request"),
        ("SELECT 1 / 0 FROM spans", 400, "bad_request"),
        ("SELECT CAST(name AS INT) FROM spans", 400, "bad_request"),
        ("SELECT name ~ '(' FROM spans", 400, "bad_request"),
        ("SELECT min(attributes) FROM spans", 400, "bad_request"),
    ] {
        let answer = server.sql(sql, "application/json").await;
        let (got_status, got_code, _) = answer.failure();
        assert_eq!((got_status, got_code.as_str()), (status, code), "{sql}: {}", answer.text());
        assert_eq!(
            code == "read_only",
            answer.text().contains("that starts with SELECT"),
            "{}",
            answer.text()
        );
    }
    let post = |content_type: &str, body: String| {
        let request = http::Request::builder().method(Method::POST).uri("/api/v1/sql");
        request.header("content-type", content_type).body(Body::from(body)).expect("valid")
    };
    let form = server.send(post("text/plain", json!({"sql": "SELECT 1"}).to_string())).await;
    assert_eq!(form.failure().1, "unsupported_media_type");
    let broken = server.send(post("application/json", "{\"sql\": ".to_owned())).await;
    assert_eq!(broken.failure().1, "bad_request");
    let large = server.send(post("application/json", " ".repeat(sql::BODY_BYTES_MAX + 1))).await;
    assert_eq!((large.status, large.failure().1.as_str()), (413, "body_too_large"));
    assert_eq!(server.sql("SELECT 1", "image/png").await.failure().1, "not_acceptable");
}

/// `GET` as somebody, from one address.
async fn look(server: &Server, path: &str, credentials: Option<&str>) -> Answer {
    let mut request = http::Request::get(path).header("host", "localhost:4320");
    if let Some(credentials) = credentials {
        let mut header = "Basic ".to_owned();
        decode::text::write_base64(credentials.as_bytes(), &mut header).expect("a string takes everything");
        request = request.header("authorization", header);
    }
    let mut request = request.body(Body::empty()).expect("valid");
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    request.extensions_mut().insert(crate::serve::Peer { address, has_certificate: false });
    server.send(request).await
}

/// Scenario: there is a user; the API, a page, the figures and the health checks are asked for by nobody, by the user,
/// and by somebody who guesses.
/// Guarantees: everything but the health checks wants the user's credentials, with a challenge that browsers know;
/// guesses are slowed down, with the time to wait, the user is not, and no answer holds what was tried.
#[tokio::test]
async fn users_are_asked_for() {
    let secrets =
        crate::auth::Secrets::parse(crate::auth::Kind::User, "ada", "correct horse").expect("valid");
    let (kind, name, rates) = (crate::auth::Kind::User, "ada".to_owned(), crate::auth::Rates::default());
    let ada = crate::auth::Credential { kind, name, secrets, rates };
    let server = Server::starting_behind(Gate::new(vec![ada], false));
    for path in ["/api/v1/status", "/", "/traces", "/metrics", "/api/v1/nothing"] {
        let answer = look(&server, path, None).await;
        assert_eq!((answer.status, answer.failure().1.as_str()), (401, "unauthenticated"), "{path}");
        let challenge = answer.headers["www-authenticate"].to_str().expect("text");
        assert_eq!(challenge, "Basic realm=\"Firstfault\", charset=\"UTF-8\"");
        assert!(answer.headers.contains_key("content-security-policy"), "{path}");
    }
    assert_eq!(look(&server, "/healthz", None).await.status, 200);
    assert_eq!(look(&server, "/readyz", None).await.text(), "starting: replaying the write-ahead log\n");
    assert_eq!(look(&server, "/", Some("ada:correct horse")).await.text(), "page");
    assert_eq!(look(&server, "/api/v1/status", Some("ada:correct horse")).await.failure().1, "starting");
    for n in 0..10 {
        let answer = look(&server, "/", Some(&format!("ada:battery staple {n}"))).await;
        assert_eq!(answer.status, 401);
        assert!(!answer.text().contains("staple"), "{}", answer.text());
    }
    let answer = look(&server, "/", Some("ada:battery staple")).await;
    assert_eq!((answer.status, answer.failure().1.as_str()), (429, "too_many_failures"));
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(look(&server, "/", Some("ada:correct horse")).await.text(), "page");
}
