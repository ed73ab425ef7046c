//! The sender against a server in the same process, and the command line.

use super::super::faults::{FaultChoice, Script};
use super::super::otlp;
use super::super::play::Show;
use super::super::report::Report;
use super::super::send::{Client, Tally};
use super::super::world::World;
use super::super::{Error, SECOND_NS};
use super::{args, live};
use crate::clock::Clock;
use crate::reach::Reach;
use http::StatusCode;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tonic::transport::server::{Router, TcpIncoming};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

type Answer = Result<i64, Status>;

/// Gives the answers it was told to for traces, then accepts everything.
#[derive(Clone, Default)]
struct Scripted {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    spans: Arc<Mutex<Vec<Span>>>,
    n_logs: Arc<AtomicUsize>,
    n_metrics: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl TraceService for Scripted {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let rejected_spans = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(0))?;
        let scopes = request.into_inner().resource_spans.into_iter().flat_map(|one| one.scope_spans);
        self.spans.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
        let error_message = "too old".to_owned();
        let partial_success =
            (rejected_spans > 0).then_some(ExportTracePartialSuccess { rejected_spans, error_message });
        Ok(Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl LogsService for Scripted {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let resources = request.into_inner().resource_logs.into_iter();
        let n_logs = resources.flat_map(|one| one.scope_logs).map(|scope| scope.log_records.len()).sum();
        self.n_logs.fetch_add(n_logs, Ordering::Relaxed);
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Scripted {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let resources = request.into_inner().resource_metrics.into_iter();
        let n_metrics = resources.flat_map(|one| one.scope_metrics).map(|scope| scope.metrics.len()).sum();
        self.n_metrics.fetch_add(n_metrics, Ordering::Relaxed);
        Ok(Response::new(Default::default()))
    }
}

async fn serve(server: Scripted) -> String {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap();
    let router: Router = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(server.clone()))
        .add_service(LogsServiceServer::new(server.clone()))
        .add_service(MetricsServiceServer::new(server));
    tokio::spawn(router.serve_with_incoming(incoming));
    format!("http://{address}")
}

/// One request with spans.
fn one_request() -> otlp::Request {
    let batch = live(1, FaultChoice::None, 10.0, 10, 10 * SECOND_NS);
    otlp::requests(&batch).remove(0)
}

fn n_items(request: &otlp::Request) -> u64 {
    match request {
        otlp::Request::Traces(_, n) => *n as u64,
        other => panic!("{other:?}"),
    }
}

/// Scenario: a server that is busy twice, asking for a short delay, and then rejects three spans.
/// Guarantees: the request is sent again until it is taken, a partial success is counted and not repeated.
#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let busy = |code| {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_millis(1)));
        Err(Status::with_error_details(code, "busy", details))
    };
    let server = Scripted::default();
    server.answers.lock().unwrap().extend([busy(Code::Unavailable), busy(Code::ResourceExhausted), Ok(3)]);
    let client = Client::connect(&serve(server.clone()).await, &Reach::default()).await.unwrap();
    let request = one_request();
    let mut tally = Tally::default();
    client.send_all(vec![request.clone()], &mut tally).await.unwrap();
    let n_spans = n_items(&request) - 3;
    assert_eq!(tally, Tally { n_spans, n_rejected: 3, n_retries: 2, ..Tally::default() });
    assert_eq!(server.spans.lock().unwrap().len() as u64, n_items(&request));
}

/// Scenario: a server that refuses a request for good and takes the next.
/// Guarantees: the refused one is dropped and counted, not sent again, and sending goes on.
#[tokio::test]
async fn a_refusal_is_counted_and_not_repeated() {
    let server = Scripted::default();
    server.answers.lock().unwrap().push_back(Err(Status::invalid_argument("no")));
    let client = Client::connect(&serve(server.clone()).await, &Reach::default()).await.unwrap();
    let request = one_request();
    let mut tally = Tally::default();
    client.send_all(vec![request.clone()], &mut tally).await.unwrap();
    client.send_all(vec![request.clone()], &mut tally).await.unwrap();
    let n = n_items(&request);
    assert_eq!(tally, Tally { n_spans: n, n_dropped: n, ..Tally::default() });
}

/// Gives every connection the same bytes, whatever it asks.
async fn serve_bytes(answer: &'static [u8]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(answer).await;
        }
    });
    format!("http://{address}")
}

async fn serve_http(status: StatusCode) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().fallback(move || std::future::ready((status, "a page")));
    let (stop, drain) = (tokio_util::sync::CancellationToken::new(), Duration::from_secs(1));
    let strangers = crate::serve::Strangers::new(|_, _| String::new());
    let door = crate::serve::Door { router, tls: None, strangers };
    tokio::spawn(crate::serve::serve(listener, door, stop, drain));
    format!("http://{address}")
}

/// Scenario: the address of a gRPC server of something else, of a dashboard, of an old web server.
/// Guarantees: the first request ends the run with one line that says where and what to do.
#[tokio::test]
async fn the_wrong_port_is_told_at_once() {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let elsewhere = format!("http://{}", incoming.local_addr().unwrap());
    let router = tonic::transport::Server::builder().add_service(LogsServiceServer::new(Scripted::default()));
    tokio::spawn(router.serve_with_incoming(incoming));
    let dashboard = serve_http(StatusCode::METHOD_NOT_ALLOWED).await;
    let old = serve_bytes(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    for endpoint in [elsewhere, dashboard, old] {
        let client = Client::connect(&endpoint, &Reach::default()).await.unwrap();
        let error = client.send_all(vec![one_request(); 3], &mut Tally::default()).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::NotOtlp { .. }), "{text}");
        assert!(text.starts_with(&format!("{endpoint} does not take OTLP over gRPC (")), "{text}");
        assert!(text.ends_with("): name that port of the server with --endpoint, 4317 by default"), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

/// Scenario: a server that took something fails once with an internal error.
/// Guarantees: that request is dropped and counted, and the run goes on.
#[tokio::test]
async fn a_fault_during_a_run_does_not_end_it() {
    let server = Scripted::default();
    server.answers.lock().unwrap().extend([Ok(0), Err(Status::internal("oops"))]);
    let client = Client::connect(&serve(server.clone()).await, &Reach::default()).await.unwrap();
    let request = one_request();
    let mut tally = Tally::default();
    for _ in 0..3 {
        client.send_all(vec![request.clone()], &mut tally).await.unwrap();
    }
    let n = n_items(&request);
    assert_eq!(tally, Tally { n_spans: 2 * n, n_dropped: n, ..Tally::default() });
}

/// Scenario: a run that sends a minute of history and stops at the present.
/// Guarantees: it ends by itself once every visit under way has finished, all three signals arrive, the counts
/// it prints are those the server saw, and no span lacks its parent.
#[tokio::test]
async fn history_is_sent_and_finished() {
    let server = Scripted::default();
    let client = Client::connect(&serve(server.clone()).await, &Reach::default()).await.unwrap();
    let (now_ns, args) = (Clock.now(), args("--fault none").unwrap());
    let start_ns = now_ns - 60 * SECOND_NS;
    let script = Script { choice: args.fault, start_ns, after_ns: 0, for_ns: SECOND_NS };
    let mut out = Vec::new();
    let show = Show {
        world: World::new(args.seed, args.rate, script.clone()),
        client,
        report: Report::new(&mut out, script, &args),
        stop_at_ns: now_ns,
        step_ns: 10 * SECOND_NS,
        clock: Clock,
    };
    let (_stop, stopping) = tokio::sync::watch::channel(false);
    show.play(stopping).await.unwrap();
    let spans = server.spans.lock().unwrap();
    let (n_spans, n_logs) = (spans.len(), server.n_logs.load(Ordering::Relaxed));
    assert!(String::from_utf8(out).unwrap().contains(&format!("{n_spans} spans, {n_logs} logs")));
    assert!(n_spans > 5_000 && n_logs > 1_000 && server.n_metrics.load(Ordering::Relaxed) > 100);
    let ids: HashSet<_> = spans.iter().map(|span| &span.span_id).collect();
    assert_eq!(ids.len(), n_spans);
    assert!(spans.iter().all(|span| span.parent_span_id.is_empty() || ids.contains(&span.parent_span_id)));
}

/// Scenario: an address that is none.
/// Guarantees: the error names it and says how to write one.
#[tokio::test]
async fn a_bad_address_is_refused() {
    let error = Client::connect("not an address", &Reach::default()).await.unwrap_err();
    assert!(matches!(error, Error::Endpoint { .. }));
    assert!(error.to_string().contains("\"not an address\""), "{error}");
}

/// Scenario: command lines as people write them, right and wrong.
/// Guarantees: units and ranges are checked before anything is sent.
#[test]
fn the_command_line_is_checked() {
    let right = "--history 15m --duration 0s --rate 2.5 --fault retry-storm --truth-file t.json";
    let parsed = args(right).unwrap();
    assert_eq!((parsed.history, parsed.duration), (Duration::from_secs(900), Some(Duration::ZERO)));
    assert_eq!((parsed.rate, parsed.fault, parsed.seed), (2.5, FaultChoice::RetryStorm, 1));
    assert_eq!(args("").unwrap().fault, FaultChoice::Script);
    for wrong in
        ["--rate 0", "--rate NaN", "--history 15", "--fault-for 0s", "--duration 9000w", "--fault fire"]
    {
        assert!(args(wrong).is_err(), "{wrong}");
    }
}
