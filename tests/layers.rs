//! The crate-edge table of ARCHITECTURE.md, held against `cargo metadata`.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Crate, the crates of ours it may use, and third-party crates it must never name.
const EDGES: [(&str, &[&str], &[&str]); 11] = [
    ("wire", &[], &["tokio", "arrow", "datafusion", "leptos", "chrono", "jiff"]),
    ("ui", &["wire"], &["tokio", "arrow", "datafusion", "reqwest", "axum", "tonic", "chrono", "regex"]),
    ("storage", &[], &["tonic", "axum", "opentelemetry-proto", "prost", "reqwest", "leptos", "rusqlite"]),
    ("alerts", &[], &["datafusion", "arrow", "parquet", "axum", "tonic", "opentelemetry-proto", "leptos"]),
    ("triage", &[], &["datafusion", "parquet", "tokio", "jiff", "chrono", "reqwest", "rand"]),
    ("collector", &["storage", "alerts", "triage", "wire"], &["leptos", "datafusion", "parquet", "rusqlite"]),
    ("firstfault", &["collector"], &["leptos", "datafusion", "parquet"]),
    ("conformance", &[], &["leptos", "datafusion", "arrow", "axum", "reqwest", "rusqlite"]),
    ("score", &[], &["leptos", "datafusion", "axum", "tonic", "rusqlite"]),
    ("fuzz", &["collector", "storage"], &["leptos", "datafusion", "arrow", "axum", "tonic", "tokio"]),
    ("xtask", &[], &["leptos", "datafusion", "tokio"]),
];

/// Scenario: a crate gains a dependency.
/// Guarantees: an edge that is not in the table fails here, and so does a crate the table does not know.
#[test]
fn crates_use_only_what_the_table_allows() {
    let table: BTreeMap<_, _> = EDGES.iter().map(|(name, ours, never)| (*name, (*ours, *never))).collect();
    let mut failures = Vec::new();
    let packages = [packages("Cargo.toml"), packages("fuzz/Cargo.toml")].concat();
    for (name, dependencies) in &packages {
        let Some((ours, never)) = table.get(name.as_str()) else {
            failures.push(format!("crate {name} is not in the table"));
            continue;
        };
        for dependency in dependencies {
            let is_ours = table.contains_key(dependency.as_str());
            if is_ours && !ours.contains(&dependency.as_str()) {
                failures.push(format!("{name} must not use {dependency}"));
            }
            if never.contains(&dependency.as_str()) {
                failures.push(format!("{name} must not see {dependency}"));
            }
        }
    }
    assert_eq!(packages.len(), EDGES.len(), "the table and the workspaces differ: {packages:?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Each package of a workspace with its normal (not test, not build) dependencies.
fn packages(manifest: &str) -> Vec<(String, Vec<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest))
        .output()
        .expect("cargo metadata starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|package| (text(&package["name"]), normal_dependencies(package))).collect()
}

fn normal_dependencies(package: &Value) -> Vec<String> {
    let dependencies = package["dependencies"].as_array().expect("dependencies");
    dependencies.iter().filter(|one| one["kind"].is_null()).map(|one| text(&one["name"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}
