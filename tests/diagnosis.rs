//! The mistakes that newcomers make, at the real sockets: each is named in the answer, and found with its hint and its
//! sender in the list of rejections. And the ways in which a body may be compressed.

use crate::support::otlp;
use crate::support::server::Server;
use crate::support::wait::eventually;
use bytes::{BufMut as _, BytesMut};
use flate2::read::DeflateDecoder;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use flate2::{Compress, Compression, FlushCompress};
use http_body_util::{BodyExt as _, Full};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message as _;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::transport::Channel;

/// A way to compress.
type Squeeze = fn(&[u8]) -> Vec<u8>;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
/// Longest wait for what was done to be seen.
const SEEN: Duration = Duration::from_secs(10);

async fn list(server: &Server) -> Value {
    server.api("/api/v1/ingest/rejections").await
}

/// The newest entry, once it has this reason. What is no HTTP is counted when its connection ends.
async fn newest(server: &Server, reason: &str) -> Value {
    eventually(&format!("{reason} is in the list"), SEEN, || async move {
        let newest = list(server).await["recent"][0].clone();
        (newest["reason"] == reason).then_some(newest)
    })
    .await
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key} in {value}"))
}

/// Status and body, as text.
async fn post(url: &str, content_type: &str, encoding: Option<&str>, body: Vec<u8>) -> (u16, String) {
    let mut request =
        crate::support::server::http_client().post(url).header("content-type", content_type).body(body);
    if let Some(encoding) = encoding {
        request = request.header("content-encoding", encoding);
    }
    let answer = request.send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
    let status = answer.status().as_u16();
    (status, String::from_utf8_lossy(&answer.bytes().await.expect("a body")).into_owned())
}

fn traces(number: u64) -> Vec<u8> {
    otlp::traces("sender", vec![otlp::span(number, false)]).encode_to_vec()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("gzip");
    encoder.finish().expect("gzip")
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("zlib");
    encoder.finish().expect("zlib")
}

fn raw_deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("deflate");
    encoder.finish().expect("deflate")
}

fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::encode_all(body, 3).expect("zstd")
}

struct Mistake {
    path: &'static str,
    content_type: &'static str,
    encoding: Option<&'static str>,
    body: Vec<u8>,
    status: u16,
    reason: &'static str,
    /// A part of the hint.
    hint: &'static str,
}

fn mistakes() -> Vec<Mistake> {
    let wrong_path = |path, hint| Mistake {
        path,
        content_type: JSON,
        encoding: None,
        body: b"{}".to_vec(),
        status: 404,
        reason: "path_unknown",
        hint,
    };
    let wrong_body = |content_type, encoding, body, reason, hint| Mistake {
        path: "/v1/traces",
        content_type,
        encoding,
        body,
        status: 400,
        reason,
        hint,
    };
    vec![
        wrong_path("/v1/trace", "/v1/traces"),
        wrong_path("/v1/spans", "/v1/traces"),
        wrong_path("/", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        wrong_path("/v1/logs/", "exactly as /v1/logs"),
        wrong_path("/v1/traces/v1/traces", "there twice"),
        wrong_path("/metrics", "/v1/metrics"),
        wrong_path("/api/v2/spans", "Zipkin"),
        wrong_path("/api/traces", "Jaeger"),
        wrong_path("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "OTLP/gRPC"),
        Mistake { reason: "profiles_unsupported", ..wrong_path("/v1development/profiles", "profiles") },
        wrong_body(PROTOBUF, Some("gzip"), gzip(&gzip(&traces(1))), "compressed_twice", "in one place"),
        wrong_body(PROTOBUF, None, gzip(&traces(1)), "compression_undeclared", "Content-Encoding"),
        wrong_body(PROTOBUF, None, b"{\"resourceSpans\":[]}".to_vec(), "json_as_protobuf", JSON),
        wrong_body(JSON, None, traces(1), "protobuf_as_json", PROTOBUF),
        wrong_body(PROTOBUF, Some("zstd"), zstd(&traces(1))[..20].to_vec(), "zstd_malformed", "cut"),
        wrong_body(PROTOBUF, Some("deflate"), zlib(&traces(1))[..20].to_vec(), "deflate_malformed", "cut"),
    ]
}

/// Scenario: wrong paths, and bodies that are compressed or encoded in another way than they say, over HTTP.
/// Guarantees: each has the protocol's status, an answer that says what to do where that is known, and an entry in
/// the list with its reason, path, sender and hint; the counts of the list, the status and the metrics agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_over_http_are_named() {
    let (_home, server) = Server::fresh("mistakes-http").await;
    assert_eq!(list(&server).await["recent"], serde_json::json!([]));
    let mistakes = mistakes();
    for mistake in &mistakes {
        let url = format!("{}{}", server.otlp_http(), mistake.path);
        let (status, answer) = post(&url, mistake.content_type, mistake.encoding, mistake.body.clone()).await;
        let one = newest(&server, mistake.reason).await;
        let seen =
            (status, text(&one, "path"), text(&one, "peer"), text(&one, "transport"), text(&one, "class"));
        assert_eq!(seen, (mistake.status, mistake.path, "127.0.0.1", "http", "request"), "{one}");
        assert!(text(&one, "hint").contains(mistake.hint), "{one}");
        assert!(answer.contains(text(&one, "message")), "{}: {answer}", mistake.path);
        let is_told = !mistake.reason.ends_with("_malformed") && mistake.reason != "profiles_unsupported";
        assert_eq!(answer.contains(text(&one, "hint")), is_told, "{}: {answer}", mistake.path);
    }
    assert_eq!(server.number("SELECT count(*) FROM spans").await, 0);
    assert_counts_agree(&server, mistakes.len() as u64).await;
    server.assert_quiet(&[]);
}

/// The status, the list and the metrics have the same counts by reason, so many in all.
async fn assert_counts_agree(server: &Server, n: u64) {
    let (list, status) = (list(server).await, server.api("/api/v1/status").await);
    assert_eq!(list["by_reason"], status["rejections"]);
    let metrics = server.http.get(format!("{}/metrics", server.dashboard())).send().await.expect("metrics");
    let metrics = metrics.text().await.expect("text");
    let mut n_all = 0;
    for one in list["by_reason"].as_array().expect("reasons") {
        let label = format!("reason=\"{}\"}} ", text(one, "reason"));
        let lines = metrics.lines().filter(|line| line.starts_with("firstfault_refused_requests_total"));
        let counts = lines.filter_map(|line| line.split_once(&label)?.1.parse::<u64>().ok());
        let n_reason = counts.sum::<u64>();
        assert_eq!(one["n"], n_reason, "{one}\n{metrics}");
        n_all += n_reason;
    }
    assert_eq!(n_all, n, "{metrics}");
    let recent = list["recent"].as_array().expect("requests");
    assert_eq!(recent.iter().filter_map(|one| one["n"].as_u64()).sum::<u64>(), n);
}

/// Sends raw bytes to the port of a URL and reads the answer to its end.
async fn say(url: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.expect("connects");
    stream.write_all(bytes).await.expect("sent");
    let mut answer = Vec::new();
    tokio::time::timeout(SEEN, stream.read_to_end(&mut answer)).await.expect("it ends").expect("bytes");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The newest entry has this reason, came to the port of this transport, and its hint names the right place.
async fn assert_newest(server: &Server, reason: &str, transport: &str, right: &str) {
    let one = newest(server, reason).await;
    assert_eq!((text(&one, "transport"), text(&one, "peer")), (transport, "127.0.0.1"), "{one}");
    assert!(text(&one, "hint").contains(right), "{one}");
}

/// The first bytes of a client of TLS 1.3.
const CLIENT_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

/// Scenario: HTTP at the port of gRPC, gRPC at that of HTTP, TLS at both, Thrift, a protocol of lines, and OTLP and TLS
/// at the port of the dashboard.
/// Guarantees: each is answered as far as its protocol has words, with the address that it should have come to, and
/// is in the list with the transport of the port.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_ports_are_named() {
    let (_home, server) = Server::fresh("wrong-ports").await;
    let (grpc, http, api) = (server.otlp_grpc(), server.otlp_http(), server.dashboard());

    let (status, answer) = post(&format!("{grpc}/v1/traces"), JSON, None, b"{}".to_vec()).await;
    assert!(status == 400 && answer.contains(&http), "{status} {answer}");
    assert_newest(&server, "http_on_grpc_port", "grpc", &http).await;

    let mut client = TraceServiceClient::connect(http.clone()).await.expect("connects");
    let error = client.export(otlp::traces("wrong", vec![otlp::span(1, false)])).await.expect_err("refused");
    assert_eq!(error.code(), Code::Unimplemented, "{error:?}");
    assert!(error.message().contains(&grpc), "{error:?}");
    assert_newest(&server, "grpc_on_http_port", "http", &grpc).await;

    for (url, transport) in [(&grpc, "grpc"), (&http, "http")] {
        let answer = say(url, CLIENT_HELLO).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("plain text"), "{answer}");
        assert_newest(&server, "tls_on_plaintext_port", transport, url).await;
        assert!(say(url, b"\x80\x01\x00\x01\x00\x00\x00\x09emitBatch").await.contains("OTLP"));
        assert_newest(&server, "not_http", transport, "OTLP").await;
    }
    let n_before = list(&server).await["recent"][0]["n"].clone();
    assert!(say(&http, b"put sys.cpu.user 1356998400 42.5\n").await.starts_with("HTTP/1.1 400 "));
    eventually("the lines are counted", SEEN, || async {
        let newest = list(&server).await["recent"][0].clone();
        (newest["reason"] == "not_http" && newest["n"] != n_before).then_some(())
    })
    .await;

    let (status, answer) = post(&format!("{api}/v1/traces"), PROTOBUF, None, traces(1)).await;
    assert!(status == 404 && answer.contains(&http), "{status} {answer}");
    assert_newest(&server, "otlp_on_api_port", "http", &http).await;
    let answer = say(&api, CLIENT_HELLO).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains(&api), "{answer}");
    assert_newest(&server, "tls_on_plaintext_port", "http", &api).await;
    assert_counts_agree(&server, 9).await;
    server.assert_quiet(&[]);
}

/// Scenario: a client repeats a mistake three hundred times, among the mistakes of others and a request of which one
/// span is rejected.
/// Guarantees: it is one entry with its count; the others are still there, the rejected span among them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_looping_client_hides_nobody() {
    let (_home, server) = Server::fresh("looping").await;
    let url = |path: &str| format!("{}{path}", server.otlp_http());
    post(&url("/other"), JSON, None, b"{}".to_vec()).await;
    let mut spans = vec![otlp::span(1, false), otlp::span(2, false)];
    spans[1].trace_id.pop();
    let half = otlp::traces("half", spans).encode_to_vec();
    assert_eq!(post(&url("/v1/traces"), PROTOBUF, None, half).await.0, 200);
    let looping = url("/v1/trace");
    for _ in 0..300 {
        let answer = server.http.post(&looping).header("content-type", JSON).body("{}").send().await;
        assert_eq!(answer.expect("an answer").status(), 404);
    }
    let list = list(&server).await;
    let entries = list["recent"].as_array().expect("entries").iter();
    let shown: Vec<String> = entries
        .map(|one| {
            format!("{} {} {} {}", one["n"], text(one, "class"), text(one, "reason"), text(one, "path"))
        })
        .collect();
    let expected = [
        "300 request path_unknown /v1/trace",
        "1 item trace_id_invalid /v1/traces",
        "1 request path_unknown /other",
    ];
    assert_eq!(shown, expected);
}

/// A unary call made by hand, because the official client has no way to ask for other compressions.
async fn call(server: &Server, encoding: &str, message: &[u8]) -> tonic::Status {
    let mut channel =
        Channel::from_shared(server.otlp_grpc()).expect("a URL").connect().await.expect("connects");
    std::future::poll_fn(|context| GrpcService::<Body>::poll_ready(&mut channel, context))
        .await
        .expect("ready");
    let mut frame = BytesMut::new();
    frame.put_u8(1);
    frame.put_u32(u32::try_from(message.len()).expect("a small message"));
    frame.put_slice(message);
    let request = http::Request::post("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-encoding", encoding)
        .body(Body::new(Full::new(frame.freeze())))
        .expect("a request");
    let (parts, body) = channel.call(request).await.expect("an answer").into_parts();
    if let Some(status) = tonic::Status::from_header_map(&parts.headers) {
        return status;
    }
    let whole = body.collect().await.expect("a body");
    let trailers = whole.trailers().expect("trailers");
    tonic::Status::from_header_map(trailers).expect("a status")
}

/// Scenario: every compression over HTTP, zstd and deflate over gRPC, and one that nobody knows.
/// Guarantees: the spans are stored; the unknown one is refused with those that are known, in each protocol's words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_compression_is_stored() {
    let (_home, server) = Server::fresh("compressions").await;
    let url = format!("{}/v1/traces", server.otlp_http());
    let ways: [(&str, Squeeze); 4] =
        [("gzip", gzip), ("zstd", zstd), ("deflate", zlib), ("deflate", raw_deflate)];
    let mut number = 0;
    for (encoding, compress) in ways {
        let (status, answer) = post(&url, PROTOBUF, Some(encoding), compress(&traces(number))).await;
        assert_eq!((status, answer.as_str()), (200, ""), "{encoding}");
        let status = call(&server, encoding, &compress(&traces(number + 1))).await;
        assert_eq!(status.code(), Code::Ok, "{encoding}: {status:?}");
        number += 2;
    }
    assert_eq!(server.number("SELECT count(*) FROM spans").await, number as i64);
    let answer =
        server.http.post(&url).header("content-type", JSON).header("content-encoding", "br").body("{}");
    let answer = answer.send().await.expect("an answer");
    assert_eq!(answer.status(), 415);
    assert_eq!(answer.headers()["accept-encoding"], "zstd, gzip, deflate, identity");
    assert_eq!(call(&server, "snappy", &traces(99)).await.code(), Code::Unimplemented);
    server.assert_quiet(&[]);
}

/// The most memory that a process ever had, in bytes.
fn memory_bytes_max(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a high-water mark");
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
    kib * 1024
}

/// Scenario: a gibibyte of zeros in some kilobytes of zstd, over both transports; as one frame that tells its size,
/// and as a stream that does not.
/// Guarantees: 413 and RESOURCE_EXHAUSTED, and the memory of the server stays flat.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_of_zstd_is_refused_with_flat_memory() {
    let (_home, server) = Server::fresh("zstd-bomb").await;
    let zeros = || std::io::repeat(0).take(1 << 30);
    let stream = zstd::encode_all(zeros(), 1).expect("zstd");
    let mut sized = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
    sized.set_pledged_src_size(Some(1 << 30)).expect("a size");
    std::io::copy(&mut zeros(), &mut sized).expect("zstd");
    let sized = sized.finish().expect("zstd");
    assert!(stream.len() < 1 << 20 && sized.len() < 1 << 20);
    assert_refused_with_flat_memory(&server, "zstd", [stream, sized]).await;
}

async fn assert_refused_with_flat_memory(server: &Server, encoding: &str, bombs: [Vec<u8>; 2]) {
    let before = memory_bytes_max(server.pid());
    let url = format!("{}/v1/traces", server.otlp_http());
    for bomb in bombs {
        let (status, _) = post(&url, PROTOBUF, Some(encoding), bomb.clone()).await;
        assert_eq!(status, 413);
        assert_eq!(call(server, encoding, &bomb).await.code(), Code::ResourceExhausted);
    }
    let grown = memory_bytes_max(server.pid()) - before;
    assert!(grown < 256 << 20, "{grown} bytes more than before");
}

/// MiB of zeros in deflate of a thousandth of that. A full flush ends on a whole byte and forgets what was before it,
/// so that what one MiB became can be repeated.
fn deflated_zeros(n_mib: usize) -> Vec<u8> {
    let mut mib = Vec::with_capacity(1 << 20);
    let mut stream = Compress::new(Compression::best(), false);
    stream.compress_vec(&vec![0; 1 << 20], &mut mib, FlushCompress::Full).expect("zeros are compressed");
    let last_block = vec![3, 0];
    [mib.repeat(n_mib), last_block].concat()
}

/// Scenario: a gibibyte of zeros in about a mebibyte of deflate, over both transports; without a header, and with the
/// header and the checksum of zlib.
/// Guarantees: 413 and RESOURCE_EXHAUSTED, and the memory of the server stays flat.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_of_deflate_is_refused_with_flat_memory() {
    let mut small = Vec::new();
    DeflateDecoder::new(&deflated_zeros(2)[..]).read_to_end(&mut small).expect("sound");
    assert!(small.len() == 2 << 20 && small.iter().all(|byte| *byte == 0));
    // Adler-32 of a gibibyte of zeros.
    let checksum = (((1_u32 << 30) % 65_521) << 16) | 1;
    let (_home, server) = Server::fresh("deflate-bomb").await;
    let raw = deflated_zeros(1024);
    let zlib = [b"\x78\xda".to_vec(), raw.clone(), checksum.to_be_bytes().to_vec()].concat();
    assert!(zlib.len() < 3 << 19, "{} bytes", zlib.len());
    assert_refused_with_flat_memory(&server, "deflate", [raw, zlib]).await;
}
