//! The demo's ground truth, held against the server's own numbers.

use crate::support::server::Server;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// The demo's services that call others, with those they call.
const CALLS: [(&str, &[&str]); 3] = [
    ("web-frontend", &["auth", "cart", "catalog", "checkout", "pricing", "recommendation"]),
    ("checkout", &["cart", "inventory", "order-service", "payment-api", "pricing", "shipping"]),
    ("recommendation", &["catalog"]),
];

/// Scenario: fifteen minutes of the demo with one failing dependency in the middle are sent at once.
/// Guarantees: nothing is rejected, the calls between services are found by name, so is the faulty edge, a service's
/// pool of connections is found with its limit, and the services' error ratio in the faulty minutes is where the ground
/// truth says, and not in the healthy ones; the graph has each peer once, and the commands of the API's page are
/// answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_sees_what_the_demo_did() {
    let (home, server) = Server::fresh("demo").await;
    let truth_file = home.data_dir().join("../truth.json");
    let output = Command::new(env!("CARGO_BIN_EXE_firstfault"))
        .args([
            "demo",
            "--history",
            "15m",
            "--duration",
            "0s",
            "--rate",
            "5",
            "--fault",
            "failing-dependency",
        ])
        .args(["--fault-after", "5m", "--fault-for", "5m", "--endpoint"])
        .arg(server.otlp_grpc())
        .arg("--truth-file")
        .arg(&truth_file)
        .stdin(Stdio::null())
        .output()
        .expect("the demo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let truth: Value = serde_json::from_slice(&std::fs::read(&truth_file).expect("truth")).expect("JSON");
    let fault = &truth["faults"][0];
    let service = fault["root_cause"]["service"].as_str().expect("service");
    let (from, to) = (&fault["started_at_unix_ms"], &fault["ended_at_unix_ms"]);
    let faulty = error_ratio(&server, service, &format!("from={from}&to={to}")).await;
    let healthy = error_ratio(&server, service, &format!("from=now-1h&to={from}")).await;
    assert!(faulty > 0.1, "{service} fails while its dependency does: {faulty}");
    assert!(healthy < 0.02, "{service} is well before: {healthy}");
    let edge = &fault["edge"];
    let caller = edge["caller"].as_str().expect("caller");
    let callee = edge["callee"].as_str().expect("callee");
    let called = callees(&server, caller, &format!("from={from}&to={to}")).await;
    let is_callee = |peer: &str| peer.split(':').next() == Some(callee);
    assert!(called.iter().any(|(peer, _)| is_callee(peer)), "{caller} calls {callee}: {called:?}");
    for (caller, expected) in CALLS {
        let called = callees(&server, caller, "from=now-1h&to=now").await;
        let services = called.iter().filter(|(_, kind)| kind == "service").map(|(peer, _)| peer.as_str());
        assert_eq!(services.collect::<BTreeSet<_>>(), expected.iter().copied().collect(), "{caller}");
    }
    let saturation = server.api("/api/v1/services/cart/saturation?from=now-1h&to=now").await;
    let pool = &saturation["metrics"][0];
    assert_eq!(pool["name"], "db.client.connection.count", "{saturation}");
    assert_eq!(pool["series"][0]["limit"], 10.0, "{saturation}");
    check_graph(&server).await;
    check_page(&server).await;
    for signal in server.api("/api/v1/status").await["signals"].as_array().expect("signals") {
        assert_eq!(signal["n_rejected"], 0, "{signal}");
        assert!(signal["n_accepted"].as_u64() > Some(0), "{signal}");
    }
    server.assert_quiet(&[]);
}

/// Each peer of the shop is one node: 12 services, 6 stores, a topic, and two hosts of others.
async fn check_graph(server: &Server) {
    let graph = server.api("/api/v1/graph?from=now-1h&to=now").await;
    let nodes = graph["nodes"].as_array().expect("nodes");
    let n_of_kind = |kind: &str| nodes.iter().filter(|node| node["kind"] == kind).count();
    let kinds = ["service", "database", "messaging", "external"].map(n_of_kind);
    assert_eq!(kinds, [12, 6, 1, 2], "{nodes:#?}");
    assert!(nodes.iter().all(|node| (node["kind"] == "service") == (node["is_instrumented"] == true)));
    let edges = graph["edges"].as_array().expect("edges");
    assert_eq!(edges.len(), 25, "{edges:#?}");
    for edge in edges.iter().filter(|edge| !edge["gap"].is_null()) {
        assert!(edge["gap"]["mean_ns"].as_i64() >= Some(0), "{edge}");
    }
    let requests = server.api("/api/v1/red?from=now-1h&to=now&service=web-frontend").await;
    let heatmap = server.api("/api/v1/heatmap?from=now-1h&to=now&service=web-frontend").await;
    assert_eq!(heatmap["n_spans"], requests["groups"][0]["red"]["n_requests"]);
}

/// The commands of the API's page have answers.
async fn check_page(server: &Server) {
    let page = include_str!("../docs/api.md");
    let paths =
        page.lines().filter_map(|line| line.strip_prefix("curl -s 'localhost:4320")?.strip_suffix('\''));
    let paths: Vec<&str> = paths.collect();
    assert!(paths.len() >= 8, "{paths:?}");
    for path in paths {
        let answer = server.api(path).await;
        let lists = ["groups", "nodes", "cells"].map(|name| answer[name].as_array().map_or(0, Vec::len));
        assert!(lists.iter().sum::<usize>() > 0, "{path}: {answer}");
    }
}

async fn error_ratio(server: &Server, service: &str, range: &str) -> f64 {
    let detail = server.api(&format!("/api/v1/services/{service}?{range}")).await;
    detail["red"]["error_ratio"].as_f64().unwrap_or_else(|| panic!("no requests: {detail}"))
}

/// Name and kind of each.
async fn callees(server: &Server, service: &str, range: &str) -> Vec<(String, String)> {
    let detail = server.api(&format!("/api/v1/services/{service}?{range}")).await;
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let rows = detail["callees"].as_array().expect("callees");
    rows.iter().map(|row| (text(&row["peer"]), text(&row["peer_kind"]))).collect()
}
