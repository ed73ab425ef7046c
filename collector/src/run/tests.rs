//! Tests of the whole process in one process: start, answer, stop, start again.

use super::*;
use crate::config::{Sources, load};
use serde_json::json;
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

pub(crate) fn config(data_dir: &Path) -> Config {
    let text = format!(
        "[listen]\notlp_grpc = \"127.0.0.1:0\"\notlp_http = \"127.0.0.1:0\"\napi = \"127.0.0.1:0\"\n\
         [storage]\ndata_dir = {data_dir:?}\n"
    );
    load(&Sources { file: Some(("test.toml".into(), text)), env: BTreeMap::new(), flags: Vec::new() })
        .unwrap_or_else(|problems| panic!("{problems}"))
}

pub(crate) struct Running {
    endpoints: wire::Endpoints,
    asked: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), Error>>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.asked.cancel();
        self.task.await.expect("no panic").expect("a clean end");
    }
}

pub(crate) async fn start(data_dir: &Path) -> Running {
    let (asked, (tell, told)) = (CancellationToken::new(), oneshot::channel());
    let ready = |started: &Started<'_>| tell.send(started.endpoints.clone()).expect("the test listens");
    let task = tokio::spawn(run_until(asked.clone(), config(data_dir), ready));
    Running { endpoints: told.await.expect("it starts"), asked, task }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

async fn n_spans(running: &Running) -> serde_json::Value {
    let url = format!("{}/api/v1/sql", running.endpoints.dashboard);
    let answer =
        client().post(url).json(&json!({"sql": "SELECT count(*) FROM spans"})).send().await.expect("answers");
    let answer: wire::SqlAnswer = answer.json().await.expect("JSON");
    answer.rows[0][0].clone()
}

/// All that the port of OTLP/HTTP answers to these bytes, until it closes.
async fn answered(running: &Running, request: &str) -> String {
    let address = running.endpoints.otlp_http.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    read.expect("it closes").expect("answers");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Scenario: a client announces a gigabyte and waits to be told to go on; another announces little; a body in chunks has
/// a length that is no number.
/// Guarantees: the first is refused at once and not told to go on, the second is; broken chunks are the sender's mistake,
/// which repeating would not mend.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_refused_before_they_are_sent() {
    let dir = tempfile::tempdir().expect("a folder");
    let running = start(dir.path()).await;
    let head = "POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let asks = format!("{head}content-length: 1073741824\r\nexpect: 100-continue\r\n\r\n");
    let large = answered(&running, &asks).await;
    assert!(large.starts_with("HTTP/1.1 413 "), "{large}");
    let small =
        answered(&running, &format!("{head}content-length: 2\r\nexpect: 100-continue\r\n\r\n{{}}")).await;
    assert!(small.contains("HTTP/1.1 200 OK"), "{small}");
    let broken =
        answered(&running, &format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n")).await;
    assert!(broken.starts_with("HTTP/1.1 400 ") && broken.contains("body_malformed"), "{broken}");
    assert!(!broken.to_ascii_lowercase().contains("retry-after"), "{broken}");
    running.stop().await;
}

/// Scenario: a server takes a span over OTLP/HTTP, is asked to end, and is started again.
/// Guarantees: it answers on the ports that it writes down, ends cleanly, leaves no endpoints behind,
/// and holds the span exactly once after the restart. A second server on the directory is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starts_stops_and_starts_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let running = start(dir.path()).await;
    let written = std::fs::read(dir.path().join("endpoints.json")).expect("written");
    assert_eq!(serde_json::from_slice::<wire::Endpoints>(&written).expect("JSON"), running.endpoints);
    let span = json!({"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "x",
        "startTimeUnixNano": "1769860800000000000", "endTimeUnixNano": "1769860800100000000"});
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]});
    let url = format!("{}/v1/traces", running.endpoints.otlp_http);
    let answer = client().post(url).json(&body).send().await.expect("answers");
    assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    assert_eq!(n_spans(&running).await, json!(1));
    let ready =
        client().get(format!("{}/readyz", running.endpoints.dashboard)).send().await.expect("answers");
    assert_eq!(ready.text().await.expect("text"), "ready\n");

    let second =
        run_until(CancellationToken::new(), config(dir.path()), |_| panic!("it must not start")).await;
    assert!(matches!(second, Err(Error::Open { source: storage::Error::Locked { .. } })), "{second:?}");

    let dashboard = running.endpoints.dashboard.clone();
    running.stop().await;
    assert!(!dir.path().join("endpoints.json").exists());
    client().get(&dashboard).send().await.expect_err("the port is closed");

    let again = start(dir.path()).await;
    assert_eq!(n_spans(&again).await, json!(1));
    again.stop().await;
}

/// Scenario: the list of endpoints of a killed process is there, and a new one cannot be written.
/// Guarantees: the server starts and answers all the same, and the old list is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starts_without_a_list_of_endpoints() {
    let dir = tempfile::tempdir().expect("a folder");
    let list = dir.path().join("endpoints.json");
    std::fs::write(&list, "{}").expect("written");
    std::fs::create_dir(dir.path().join("endpoints.json.new")).expect("a folder");
    let running = start(dir.path()).await;
    assert_eq!(n_spans(&running).await, json!(0));
    assert!(!list.exists());
    running.stop().await;
}

/// Scenario: the server is told to end while clients have sent half of a question for the alerts, then the rest.
/// Guarantees: each gets its answer: what answers are made of is closed after them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_under_way_can_read_the_alerts() {
    let dir = tempfile::tempdir().expect("a folder");
    let running = start(dir.path()).await;
    let address = running.endpoints.dashboard.trim_start_matches("http://").to_owned();
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = TcpStream::connect(&address).await.expect("connects");
        let half = format!("GET /api/v1/alerts HTTP/1.1\r\nhost: {address}\r\n");
        client.write_all(half.as_bytes()).await.expect("sent");
        clients.push(client);
    }
    assert_eq!(n_spans(&running).await, json!(0), "by now the halves have been read");
    running.asked.cancel();
    let otlp = running.endpoints.otlp_http.trim_start_matches("http://");
    while TcpStream::connect(otlp).await.is_ok() {}
    for mut client in clients {
        client.write_all(b"\r\n").await.expect("sent");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("answered");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    running.stop().await;
}
