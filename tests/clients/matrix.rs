//! The client matrix: every SDK, over every protocol it speaks, with gzip and without, tells the same story in spans,
//! log records and metrics; and so does one behind a forwarding agent.

use super::agent::Agent;
use super::case::{Case, Language, Protocol, Tools};
use super::rust_story;
use super::story::{N_ORDERS, check};
use super::what_it_did;
use crate::support::otlp::now;
use crate::support::server::Server;
use crate::support::tool;
use serde_json::Value;
use tokio::task::JoinSet;

/// Scenario: Python tells the story over HTTP and gRPC, with gzip and without, delta and cumulative.
/// Guarantees: row by row and value by value it is stored as it was told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_is_stored_as_told() {
    tell_all("python_is_stored_as_told", Language::Python).await;
}

/// Scenario: Node tells the story in protobuf and JSON, with gzip and without, in chunked bodies.
/// Guarantees: the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_is_stored_as_told() {
    tell_all("node_is_stored_as_told", Language::Node).await;
}

/// Scenario: Rust tells the story over HTTP and gRPC, with gzip and without.
/// Guarantees: the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_is_stored_as_told() {
    tell_all("rust_is_stored_as_told", Language::Rust).await;
}

/// Scenario: Python tells the story to an agent, which gathers and forwards it, compressed.
/// Guarantees: the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_agent_forwards_is_stored_as_told() {
    let test = "what_an_agent_forwards_is_stored_as_told";
    let (Some(tools), Some(agent)) = (Tools::find(test), tool(test, "FIRSTFAULT_TEST_AGENT")) else { return };
    let (_home, server) = Server::fresh("agent").await;
    let (case, start) = (Case::all_of(Language::Python)[0], now());
    assert_eq!(case.protocol, Protocol::HttpProtobuf);
    let agent = Agent::start(&agent, &server.otlp_grpc()).await;
    let did = tell(case, agent.otlp_http(), start, Some(&tools)).await;
    check(&server, case, start, &did).await;
    server.assert_quiet(&[]);
}

/// All cases of a language tell their stories at the same time, to one server.
async fn tell_all(test: &str, language: Language) {
    // For Rust nothing has to be installed.
    let tools = if language == Language::Rust { None } else { Tools::find(test) };
    if tools.is_none() && language != Language::Rust {
        return;
    }
    let (_home, server) = Server::fresh(test).await;
    let start = now();
    let mut telling = JoinSet::new();
    for case in Case::all_of(language) {
        let (endpoint, tools) = (case.endpoint(&server), tools.clone());
        telling.spawn(async move { (case, tell(case, endpoint, start, tools.as_ref()).await) });
    }
    let mut n_told = 0;
    while let Some(told) = telling.join_next().await {
        let (case, did) = told.expect("the story is told");
        check(&server, case, start, &did).await;
        n_told += 1;
    }
    assert_eq!(n_told, 4, "{language:?}: two protocols, with gzip and without");
    server.assert_quiet(&[]);
}

async fn tell(case: Case, endpoint: String, start: u64, tools: Option<&Tools>) -> Value {
    let Some(tools) = tools else {
        let telling = tokio::task::spawn_blocking(move || rust_story::tell(case, &endpoint, start));
        return telling.await.expect("the story is told");
    };
    let mut command = case.command("story", &endpoint, tools);
    command.arg(N_ORDERS.to_string()).arg(start.to_string());
    what_it_did(command).await
}
