//! The sender against a server in the same process, and the command line.

use super::super::faults::FaultChoice;
use super::super::otlp;
use super::super::send::{Client, Tally};
use super::super::{Args, Error};
use super::{SECOND_NS, live};
use clap::Parser;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tonic::transport::server::{Router, TcpIncoming};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

type Answer = Result<i64, Status>;

/// Gives the answers it was told to, then accepts everything.
#[derive(Clone, Default)]
struct Scripted {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    received: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

#[tonic::async_trait]
impl TraceService for Scripted {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let rejected_spans = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(0))?;
        self.received.lock().unwrap().push(request.into_inner());
        let error_message = "too old".to_owned();
        let partial_success =
            (rejected_spans > 0).then_some(ExportTracePartialSuccess { rejected_spans, error_message });
        Ok(Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

async fn serve(server: Scripted) -> String {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap();
    let router: Router = tonic::transport::Server::builder().add_service(TraceServiceServer::new(server));
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
    let client = Client::connect(&serve(server.clone()).await).await.unwrap();
    let request = one_request();
    let mut tally = Tally::default();
    client.send_all(vec![request.clone()], &mut tally).await.unwrap();
    let n_spans = n_items(&request) - 3;
    assert_eq!(tally, Tally { n_spans, n_rejected: 3, n_retries: 2, ..Tally::default() });
    assert_eq!(server.received.lock().unwrap().len(), 1);
}

/// Scenario: a server that refuses a request for good and takes the next.
/// Guarantees: the refused one is dropped and counted, not sent again, and sending goes on.
#[tokio::test]
async fn a_refusal_is_counted_and_not_repeated() {
    let server = Scripted::default();
    server.answers.lock().unwrap().push_back(Err(Status::invalid_argument("no")));
    let client = Client::connect(&serve(server.clone()).await).await.unwrap();
    let request = one_request();
    let mut tally = Tally::default();
    client.send_all(vec![request.clone()], &mut tally).await.unwrap();
    client.send_all(vec![request.clone()], &mut tally).await.unwrap();
    let n = n_items(&request);
    assert_eq!(tally, Tally { n_spans: n, n_dropped: n, ..Tally::default() });
}

/// Scenario: an address that is none.
/// Guarantees: the error names it and says how to write one.
#[tokio::test]
async fn a_bad_address_is_refused() {
    let error = Client::connect("not an address").await.unwrap_err();
    assert!(matches!(error, Error::Endpoint { .. }));
    assert!(error.to_string().contains("\"not an address\""), "{error}");
}

#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

/// Scenario: command lines as people write them, right and wrong.
/// Guarantees: units and ranges are checked before anything is sent.
#[test]
fn the_command_line_is_checked() {
    let parse = |line: &str| Command::try_parse_from(format!("demo {line}").split_whitespace());
    let args =
        parse("--history 15m --duration 0s --rate 2.5 --fault retry-storm --truth-file t.json").unwrap().args;
    assert_eq!((args.history, args.duration), (Duration::from_secs(900), Some(Duration::ZERO)));
    assert_eq!((args.rate, args.fault, args.seed), (2.5, FaultChoice::RetryStorm, 1));
    assert_eq!(parse("").unwrap().args.fault, FaultChoice::Script);
    for wrong in
        ["--rate 0", "--rate NaN", "--history 15", "--fault-for 0s", "--duration 9000w", "--fault fire"]
    {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}
