//! Encryption, credentials, rates and pages of other origins, at the real sockets of the real binary.

use crate::support::authority::{Authority, tls_section};
use crate::support::otlp;
use crate::support::server::{Home, Server, http_client, signal};
use crate::support::wait::{eventually, eventually_eq};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Response};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tonic::Code;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

/// Longest wait for a change of files to be noticed, or a debt to be paid.
const LIMIT: Duration = Duration::from_secs(30);

const TOKEN: &str = "token-of-the-checkout-service";
const NEXT_TOKEN: &str = "next-token-of-the-checkout-service";
const WRONG_TOKEN: &str = "token-of-somebody-else-entirely";
const PASSWORD: &str = "battery-staple";

/// Scenario: a server with a certificate takes spans over HTTP and gRPC, answers the API, the commands that talk to
/// it, clients that trust somebody else, and clients that speak plain HTTP. Then the certificate is replaced, and then
/// its key by another one's.
/// Guarantees: who trusts the authority is served at every port; who does not is not, and is counted; the new
/// certificate is seen without a restart while a connection from before goes on; a bad pair changes nothing and is told
/// once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_at_every_port_with_a_certificate_that_changes() {
    let (authority, dir) = (Authority::new("ours"), tempfile::tempdir().expect("a folder"));
    let first = authority.certify();
    first.write(dir.path());
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, authority.pem()).expect("written");
    let home = Home::new("tls", &tls_section(dir.path(), ""));
    let server = home.start_for(authority.client().build().expect("a client")).await;
    for endpoint in [server.otlp_grpc(), server.otlp_http(), server.dashboard()] {
        assert!(endpoint.starts_with("https://127.0.0.1:"), "{endpoint}");
    }

    assert_eq!(send(&server.http, &server, 0, None).await.status(), 200);
    let mut grpc = TraceServiceClient::new(channel(&server, &authority).await);
    grpc.export(otlp::traces("secured", vec![otlp::span(1, false)])).await.expect("accepted");
    assert_eq!(server.number("SELECT count(*) FROM spans").await, 2);
    commands_reach_it(&server, &ca_file).await;
    others_do_not(&server).await;

    assert_eq!(certificate(&authority, &server).await, Some(first.der));
    let second = authority.certify();
    second.write(dir.path());
    let seen = || certificate(&authority, &server);
    eventually_eq("the new certificate is seen", LIMIT, Some(second.der.clone()), seen).await;
    grpc.export(otlp::traces("secured", vec![otlp::span(2, false)])).await.expect("the connection goes on");

    std::fs::write(dir.path().join("key.pem"), authority.certify().key).expect("written");
    signal(server.pid(), "HUP");
    let told = || std::future::ready(server.log().contains("cannot be read again").then_some(()));
    eventually("the bad pair is told", LIMIT, told).await;
    assert_eq!(certificate(&authority, &server).await, Some(second.der));
    let third = authority.certify();
    third.write(dir.path());
    let seen = || certificate(&authority, &server);
    eventually_eq("the third certificate is seen", LIMIT, Some(third.der), seen).await;
    assert_eq!(server.log().matches("cannot be read again").count(), 1, "{}", server.log());
    server.assert_quiet(&["cannot be read again"]);
    assert!(server.stop().await.success());
}

/// `query` and `demo`, with the authority, and `query` without.
async fn commands_reach_it(server: &Server, ca_file: &Path) {
    let (dashboard, otlp_grpc) = (server.dashboard(), server.otlp_grpc());
    let sql = ["query", "SELECT count(*) FROM spans", "--format", "csv", "--url", dashboard.as_str()];
    let output = run(command(&sql).arg("--ca-file").arg(ca_file));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().last(), Some("2"));
    let output = run(&mut command(&sql));
    let message = text(&output.stderr);
    assert!(!output.status.success() && message.contains("certificate"), "the cause is told: {message}");
    let demo = ["demo", "--history", "10s", "--duration", "0s", "--endpoint", otlp_grpc.as_str()];
    let output = run(command(&demo).env("FIRSTFAULT_CA_FILE", ca_file));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(server.number("SELECT count(*) FROM spans").await > 2);
}

/// Clients that trust somebody else, and clients without TLS.
async fn others_do_not(server: &Server) {
    let stranger = Authority::new("theirs").client().build().expect("a client");
    let health = format!("{}/healthz", server.dashboard());
    stranger.get(&health).send().await.expect_err("the certificate is not of that authority");
    let answer = http_client().get(health.replace("https://", "http://")).send().await.expect("an answer");
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.expect("text").contains("https"));
    let reasons = ["tls_handshake_failed", "plaintext_on_tls_port"];
    let counted = || async {
        let rejections = rejections(server).await;
        Some(()).filter(|()| reasons.iter().all(|reason| rejections.iter().any(|(known, _)| known == reason)))
    };
    eventually("both are counted", LIMIT, counted).await;
}

/// Scenario: client certificates are required. Clients come with one of the authority, with one of another, and with
/// none, over HTTP and gRPC; the dashboard is asked by one without.
/// Guarantees: telemetry is taken from the first alone; the dashboard does not want certificates.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn required_client_certificates() {
    let (authority, dir) = (Authority::new("ours"), tempfile::tempdir().expect("a folder"));
    authority.certify().write(dir.path());
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, authority.pem()).expect("written");
    let section = format!("client_ca_file = {ca_file:?}\nclient_auth = \"require\"");
    let home = Home::new("mtls", &tls_section(dir.path(), &section));
    let server = home.start_for(authority.client().build().expect("a client")).await;
    let theirs = Authority::new("theirs").certify();
    for refused in [authority.client(), authority.client().identity(theirs.of_client())] {
        let refused = refused.build().expect("a client");
        let request = refused.post(format!("{}/v1/traces", server.otlp_http()));
        request.body("").send().await.expect_err("no certificate of ours");
    }
    let ours = authority.certify();
    let known = authority.client().identity(ours.of_client()).build().expect("a client");
    assert_eq!(send(&known, &server, 0, None).await.status(), 200);
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem()));
    let bare = Endpoint::from_shared(server.otlp_grpc()).expect("an address");
    let bare = bare.tls_config(tls.clone()).expect("a configuration").connect_lazy();
    let request = otlp::traces("secured", vec![otlp::span(1, false)]);
    TraceServiceClient::new(bare).export(request.clone()).await.expect_err("no certificate");
    let identity = tonic::transport::Identity::from_pem(&ours.certificate, &ours.key);
    let shown = Endpoint::from_shared(server.otlp_grpc()).expect("an address");
    let shown = shown.tls_config(tls.identity(identity)).expect("a configuration").connect_lazy();
    TraceServiceClient::new(shown).export(request).await.expect("accepted");
    assert_eq!(server.number("SELECT count(*) FROM spans").await, 2);
    server.assert_quiet(&[]);
}

/// A token in a file, and the user `ada`.
fn credentials(dir: &TempDir, more: &str) -> String {
    let (token, password) = (dir.path().join("token"), dir.path().join("password"));
    std::fs::write(&token, TOKEN).expect("written");
    std::fs::write(&password, format!("{PASSWORD}\n")).expect("written");
    format!(
        "[[auth.tokens]]\nname = \"checkout\"\nsecret_file = {token:?}\n{more}\n\
         [[auth.users]]\nname = \"ada\"\npassword_file = {password:?}\n"
    )
}

/// A client that is `ada` wherever it asks.
fn ada() -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    let header = HeaderValue::from_static("Basic YWRhOmJhdHRlcnktc3RhcGxl");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, header)]);
    let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30));
    builder.default_headers(headers).build().expect("a client")
}

/// Scenario: a server knows a token and a user. Spans come with the right token, with a wrong one, with none, with the
/// user's password, over HTTP and gRPC, from the demo with and without the token; the dashboard is asked with and
/// without the password. Then the token is replaced in two steps.
/// Guarantees: strangers are refused in the protocol's own way and stored nothing; each secret counts while its line is
/// in the file; no secret and no guess is in the log or in any answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_and_users() {
    let dir = tempfile::tempdir().expect("a folder");
    let home = Home::new("credentials", &credentials(&dir, ""));
    let (server, stranger) = (home.start_for(ada()).await, http_client());
    let bearer = |token: &str| format!("Bearer {token}");
    let mut answers = String::new();
    for (number, header) in [(1, None), (2, Some(bearer(WRONG_TOKEN))), (3, Some("Bearer".to_owned()))] {
        let answer = send(&stranger, &server, number, header.as_deref()).await;
        assert_eq!(answer.status(), 401);
        assert!(answer.headers().contains_key("www-authenticate"));
        assert_eq!(answer.headers()["content-type"], "application/x-protobuf");
        answers.push_str(&String::from_utf8_lossy(&answer.bytes().await.expect("a body")));
    }
    assert_eq!(send(&stranger, &server, 4, Some(&bearer(TOKEN))).await.status(), 200);
    assert_eq!(send(&server.http, &server, 5, None).await.status(), 200, "a user may send");
    for (number, token, code) in [(6, WRONG_TOKEN, Some(Code::Unauthenticated)), (7, TOKEN, None)] {
        let mut client = TraceServiceClient::connect(server.otlp_grpc()).await.expect("connects");
        let mut request = tonic::Request::new(otlp::traces("secured", vec![otlp::span(number, false)]));
        request.metadata_mut().insert("authorization", bearer(token).parse().expect("metadata"));
        assert_eq!(client.export(request).await.err().map(|status| status.code()), code);
    }
    assert_eq!(server.number("SELECT count(*) FROM spans").await, 3);
    answers += &looking_wants_the_password(&server, &stranger).await;
    the_demo_wants_the_token(&server);

    let token_file = dir.path().join("token");
    std::fs::write(&token_file, format!("{TOKEN}\n{NEXT_TOKEN}\n")).expect("written");
    let accepted = |token: &'static str, number| is_accepted(&stranger, &server, token, number);
    eventually_eq("the next token counts", LIMIT, true, || accepted(NEXT_TOKEN, 8)).await;
    assert!(accepted(TOKEN, 9).await, "and the old one still");
    std::fs::write(&token_file, NEXT_TOKEN).expect("written");
    eventually_eq("the old token has expired", LIMIT, false, || accepted(TOKEN, 10)).await;
    assert!(accepted(NEXT_TOKEN, 11).await);

    answers += &server.api("/api/v1/status").await.to_string();
    let metrics = server.http.get(format!("{}/metrics", server.dashboard())).send().await.expect("an answer");
    answers += &metrics.text().await.expect("text");
    let log = server.log();
    for secret in [TOKEN, NEXT_TOKEN, WRONG_TOKEN, PASSWORD, "YWRhOmJhdHRlcnktc3RhcGxl", "a-guess"] {
        assert!(!log.contains(secret) && !answers.contains(secret), "{secret} is told: {log}{answers}");
    }
    server.assert_quiet(&[]);
}

/// The answers that strangers got.
async fn looking_wants_the_password(server: &Server, stranger: &reqwest::Client) -> String {
    let url = |path: &str| format!("{}{path}", server.dashboard());
    let mut answers = String::new();
    for path in ["/", "/api/v1/status", "/metrics"] {
        let answer = stranger.get(url(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "{path}");
        let challenge = answer.headers()["www-authenticate"].to_str().expect("text").to_owned();
        assert!(challenge.starts_with("Basic "), "{challenge}");
        answers += &answer.text().await.expect("text");
    }
    let guess = stranger.get(url("/api/v1/status")).basic_auth("ada", Some("a-guess-of-mine"));
    let answer = guess.send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    answers += &answer.text().await.expect("text");
    let token = stranger.get(url("/api/v1/status")).bearer_auth(TOKEN).send().await.expect("an answer");
    assert_eq!(token.status(), 401, "a token is not for looking");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(stranger.get(url(path)).send().await.expect("an answer").status(), 200, "{path}");
    }
    let dashboard = server.dashboard();
    let sql = ["query", "SELECT count(*) FROM spans", "--format", "csv", "--url", dashboard.as_str()];
    let output = run(&mut command(&sql));
    let message = text(&output.stderr);
    assert!(!output.status.success() && message.contains("FIRSTFAULT_PASSWORD"), "{message}");
    let output = run(command(&sql).args(["--user", "ada"]).env("FIRSTFAULT_PASSWORD", PASSWORD));
    assert!(output.status.success(), "{}", text(&output.stderr));
    answers
}

fn the_demo_wants_the_token(server: &Server) {
    let otlp_grpc = server.otlp_grpc();
    let demo = ["demo", "--history", "10s", "--duration", "0s", "--endpoint", otlp_grpc.as_str()];
    let output = run(&mut command(&demo));
    let message = text(&output.stderr);
    assert!(!output.status.success() && message.contains("FIRSTFAULT_TOKEN"), "{message}");
    let output = run(command(&demo).env("FIRSTFAULT_TOKEN", TOKEN));
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Scenario: a token with a rate of 50 spans a second sends 250 at once, and one more again and again.
/// Guarantees: the first request is taken whole; the next is told when to come back, and is taken when the time has
/// passed; the refusals are counted.
#[tokio::test]
async fn rates_of_a_token() {
    let dir = tempfile::tempdir().expect("a folder");
    let home = Home::new("rates", &credentials(&dir, "items_per_second = 50"));
    let (server, sender) = (home.start_for(ada()).await, http_client());
    let spans = (0..250).map(|number| otlp::span(number, false)).collect();
    let body = otlp::traces("secured", spans).encode_to_vec();
    let request = sender.post(format!("{}/v1/traces", server.otlp_http())).bearer_auth(TOKEN).body(body);
    let answer = request.header("content-type", "application/x-protobuf").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let bearer = format!("Bearer {TOKEN}");
    let answer = send(&sender, &server, 250, Some(&bearer)).await;
    assert_eq!(answer.status(), 429);
    let seconds = answer.headers()["retry-after"].to_str().expect("text").to_owned();
    assert!(["1", "2", "3", "4"].contains(&seconds.as_str()), "four seconds at most: {seconds}");
    let accepted = || async {
        let status = send(&sender, &server, 250, Some(&bearer)).await.status();
        assert!(status == 200 || status == 429, "{status}");
        status == 200
    };
    eventually_eq("the debt is paid", LIMIT, true, accepted).await;
    assert_eq!(server.number("SELECT count(*) FROM spans").await, 251);
    let rejections = rejections(&server).await;
    assert!(rejections.iter().any(|(reason, n)| reason == "rate_limited" && *n >= 1), "{rejections:?}");
    server.assert_quiet(&[]);
}

/// Scenario: a page of the named origin, and one of another, ask whether they may send; the first sends.
/// Guarantees: the first is allowed to, its answer too carries the header; the other gets none.
#[tokio::test]
async fn pages_of_other_origins() {
    let home = Home::new("cors", "[cors]\nallowed_origins = [\"https://app.example.com\"]\n");
    let server = home.start().await;
    let url = format!("{}/v1/traces", server.otlp_http());
    let ask = |origin: &'static str| preflight(&server, &url, origin);
    let header = |answer: &Response, name: &str| {
        answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned())
    };
    let answer = ask("https://app.example.com").await;
    assert_eq!(answer.status(), 204);
    let allowed = |answer: &Response| header(answer, "access-control-allow-origin");
    assert_eq!(allowed(&answer).as_deref(), Some("https://app.example.com"));
    assert_eq!(header(&answer, "access-control-allow-methods").as_deref(), Some("POST"));
    let headers = header(&answer, "access-control-allow-headers").expect("headers");
    assert!(headers.contains("content-type") && headers.contains("authorization"), "{headers}");
    let answer = ask("https://evil.example.com").await;
    assert_eq!((answer.status().as_u16(), allowed(&answer)), (403, None));
    let request = server.http.post(&url).header("origin", "https://app.example.com").body("{}");
    let answer = request.header("content-type", "application/json").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(allowed(&answer).as_deref(), Some("https://app.example.com"));
    assert_eq!(rejections(&server).await, [("origin_not_allowed".to_owned(), 1)]);
}

/// What a browser asks before a page of that origin may send.
async fn preflight(server: &Server, url: &str, origin: &str) -> Response {
    let request = server.http.request(Method::OPTIONS, url).header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    request.header("access-control-request-headers", "content-type").send().await.expect("an answer")
}

async fn is_accepted(client: &reqwest::Client, server: &Server, token: &str, number: u64) -> bool {
    send(client, server, number, Some(&format!("Bearer {token}"))).await.status() == 200
}

/// One span over OTLP/HTTP.
async fn send(client: &reqwest::Client, server: &Server, number: u64, header: Option<&str>) -> Response {
    let body = otlp::traces("secured", vec![otlp::span(number, false)]).encode_to_vec();
    let mut request = client.post(format!("{}/v1/traces", server.otlp_http())).body(body);
    if let Some(header) = header {
        request = request.header(AUTHORIZATION, header);
    }
    request.header("content-type", "application/x-protobuf").send().await.expect("an answer")
}

async fn channel(server: &Server, authority: &Authority) -> Channel {
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem()));
    let endpoint = Endpoint::from_shared(server.otlp_grpc()).expect("an address");
    endpoint.tls_config(tls).expect("a configuration").connect().await.expect("connects")
}

/// The certificate that a new connection sees.
async fn certificate(authority: &Authority, server: &Server) -> Option<Vec<u8>> {
    let client = authority.client().tls_info(true).build().expect("a client");
    let answer = client.get(format!("{}/healthz", server.dashboard())).send().await.expect("an answer");
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>()?;
    info.peer_certificate().map(<[u8]>::to_vec)
}

/// Reasons and counts on the status page.
async fn rejections(server: &Server) -> Vec<(String, u64)> {
    let status = server.api("/api/v1/status").await;
    let rejections = status["rejections"].as_array().expect("rejections");
    let reason = |one: &Value| one["reason"].as_str().expect("a reason").to_owned();
    rejections.iter().map(|one| (reason(one), one["n"].as_u64().expect("a count"))).collect()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firstfault"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Output {
    command.output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
