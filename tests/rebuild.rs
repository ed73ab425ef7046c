//! Read models that the command made again, held against those that the server kept.

use crate::support::server::{Home, Server};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// The tables that are made of no others.
const ITEMS: [&str; 3] = ["spans", "logs", "metric_points"];

/// Scenario: minutes of the demo are shown; the command is tried beside the server, which then ends; all read models are
/// put aside, as an operator does with damaged segments; the command runs, and the server starts again.
/// Guarantees: the command is refused with the reason while the server runs; afterwards groups, calls, services and
/// instances are to the last number what they were, from the finest tables, and nothing is wrong with the directory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_makes_again_what_was_shown() {
    let home = Home::new("rebuild", "");
    let server = home.start().await;
    send_demo(&server);
    let range = last_hours(&server).await;
    let wanted = shown(&server, &range).await;
    let sizes = ["groups", "edges", "services"].map(|name| n_of(&wanted, name));
    assert!(sizes[0] > 20 && sizes[1] > 15 && sizes[2] > 10, "{sizes:?}");

    let refused = home.storage("rebuild-read-models");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("is in use by another process") && told.contains("stop it first"), "{told}");
    assert!(server.stop().await.success());
    let n_put_aside = put_aside(&home.data_dir().join("segments"));
    assert!(n_put_aside >= 10, "{n_put_aside}");

    let rebuilt = home.storage("rebuild-read-models");
    let told = String::from_utf8_lossy(&rebuilt.stdout).into_owned();
    assert!(rebuilt.status.success(), "{told} {}", String::from_utf8_lossy(&rebuilt.stderr));
    assert!(told.starts_with("read models made again of ") && told.lines().count() == 1, "{told}");
    let verified = home.storage("verify");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));

    let server = home.start().await;
    for (found, wanted) in shown(&server, &range).await.iter().zip(&wanted) {
        assert_eq!(found, wanted);
    }
    server.assert_quiet(&[]);
}

fn send_demo(server: &Server) {
    let output = Command::new(env!("CARGO_BIN_EXE_firstfault"))
        .args(["demo", "--history", "10m", "--duration", "0s", "--rate", "5", "--endpoint"])
        .arg(server.otlp_grpc())
        .stdin(Stdio::null())
        .output()
        .expect("the demo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A range that stays the same while time goes on.
async fn last_hours(server: &Server) -> String {
    let graph = server.api("/api/v1/graph?from=now-2h&to=now").await;
    let millis = |name: &str| {
        let nanos: i64 = graph[name].as_str().and_then(|nanos| nanos.parse().ok()).expect("a moment");
        nanos / 1_000_000
    };
    format!("from={}&to={}", millis("from"), millis("to"))
}

/// What pages show, but for what is made of more than read models.
async fn shown(server: &Server, range: &str) -> [Value; 4] {
    let by = "service,operation,kind,status_class,version,environment,instance";
    let groups = server.api(&format!("/api/v1/red?{range}&spans=all&limit=1000&by={by}")).await;
    let graph = server.api(&format!("/api/v1/graph?{range}")).await;
    let mut services = server.api(&format!("/api/v1/services?{range}")).await;
    let rows = services["services"].as_array_mut().expect("services");
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        row.remove("alert_state");
    }
    let columns = "service, service_version, instance, language, signal";
    let instances = format!(
        "SELECT {columns}, sum(n_items) AS n, min(first_at) AS first_at, max(last_at) AS last_at \
         FROM service_instances GROUP BY {columns} ORDER BY {columns}"
    );
    let instances = server.sql(&instances).await;
    [groups, graph, services, instances.into_iter().map(Value::from).collect()]
}

/// Items of the list of this name in any of the answers.
fn n_of(answers: &[Value], name: &str) -> usize {
    answers.iter().filter_map(|answer| answer.get(name)?.as_array()).map(Vec::len).sum()
}

/// Gives segments of read models the name that says to go on without them. Returns how many there were.
fn put_aside(segments: &Path) -> usize {
    let entries =
        |path: &Path| std::fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path());
    let tables = entries(segments).filter(|table| !ITEMS.iter().any(|items| table.ends_with(items)));
    let files = tables.flat_map(|table| entries(&table));
    let segments = files.filter(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    segments
        .map(|path| std::fs::rename(&path, path.with_extension("parquet.damaged")).expect("rename"))
        .count()
}
