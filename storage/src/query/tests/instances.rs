//! Services, versions and instances: the same answers wherever the rows are.

use super::engines::{Data, everywhere};
use super::rows::{EPOCH, log, millis, point, span};
use crate::query::TimeRange;
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use std::fmt::Write as _;

const HOUR_MS: i64 = 3_600_000;

fn who(version: &str, instance: &str, environment: &str, language: &str) -> Value {
    let sdk = json!({ "telemetry.sdk.language": language, "telemetry.sdk.name": "opentelemetry" });
    json!({
        "service_version": version, "service_instance_id": instance, "environment": environment, "resource": sdk,
    })
}

/// The shop goes from 1.0 to 2.0 after an hour, with a canary in staging before; a batch job only logs.
fn data() -> Data {
    let (stable, canary) = (who("1.0", "a", "production", "java"), who("2.0", "c", "staging", "java"));
    let next = who("2.0", "b", "production", "java");
    let served = |trace: u8, at: i64, who: &Value| {
        span(trace, 1, None, "shop", "pay", "server", (at, at + 100), who.clone())
    };
    Data {
        spans: vec![
            served(1, 0, &stable),
            served(2, 60_000, &stable),
            served(3, 1_800_000, &canary),
            served(4, HOUR_MS + 60_000, &next),
            served(5, HOUR_MS + 120_000, &next),
        ],
        logs: vec![
            log(30_000, "shop", "info", "up", stable),
            log(
                90_000,
                "nightly",
                "info",
                "done",
                json!({ "resource": { "telemetry.sdk.language": "python" } }),
            ),
        ],
        points: vec![point(1, "shop", "heap", "gauge", HOUR_MS + 180_000, next)],
    }
}

fn all() -> TimeRange {
    TimeRange { from: millis(0), to: millis(3 * HOUR_MS) }
}

fn seconds(at: i64) -> i64 {
    (at - EPOCH) / 1_000_000_000
}

async fn check(range: TimeRange, service: Option<&str>, expected: Expect) {
    let mut first = None;
    for stored in everywhere(&data()).await {
        let mut text = String::new();
        for one in stored.engine.service_instances(range, service).await.expect("reads") {
            let names = [&one.service, &one.version, &one.instance, &one.environment, &one.language];
            let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
            let (from, to) = (seconds(one.first_at), seconds(one.last_at));
            let counts = format!("{} {} {}", one.n_spans, one.n_logs, one.n_points);
            writeln!(text, "{} [{from}s..{to}s] {counts}", names.join("/")).expect("writes");
        }
        assert_eq!(*first.get_or_insert_with(|| text.clone()), text, "{}", stored.place);
    }
    expected.assert_eq(&first.unwrap_or_default());
}

/// Scenario: instances of two services over two hours, by all signals.
/// Guarantees: each is there once with its counts and its exact first and last moments, the latest first.
#[tokio::test]
async fn instances_are_listed() {
    check(
        all(),
        None,
        expect![[r#"
            shop/2.0/b/production/java [3660s..3780s] 2 0 1
            shop/2.0/c/staging/java [1800s..1800s] 1 0 0
            nightly////python [90s..90s] 0 1 0
            shop/1.0/a/production/java [0s..60s] 2 1 0
        "#]],
    )
    .await;
    check(
        all(),
        Some("nightly"),
        expect![[r#"
            nightly////python [90s..90s] 0 1 0
        "#]],
    )
    .await;
}

/// Scenario: a range that begins and ends within an hour of the read model.
/// Guarantees: who was not there any more, or not yet, is left out.
#[tokio::test]
async fn ranges_are_exact() {
    let range = TimeRange { from: millis(80_000), to: millis(HOUR_MS + 60_000) };
    check(
        range,
        None,
        expect![[r#"
            shop/2.0/c/staging/java [1800s..1800s] 1 0 0
            nightly////python [90s..90s] 0 1 0
        "#]],
    )
    .await;
}

/// Scenario: the versions and the services of the same rows.
/// Guarantees: a version has its first moment in each environment; a service all its environments and languages.
#[tokio::test]
async fn versions_and_services_are_told() {
    for stored in everywhere(&data()).await {
        let versions = stored.engine.service_versions(all(), Some("shop")).await.expect("reads");
        let versions: Vec<_> = versions
            .iter()
            .map(|one| (one.version.as_str(), one.environment.as_str(), seconds(one.first_at), one.n_items))
            .collect();
        let expected =
            [("2.0", "production", 3_660, 3), ("2.0", "staging", 1_800, 1), ("1.0", "production", 0, 3)];
        assert_eq!(versions, expected, "{}", stored.place);
        let services = stored.engine.services_seen(all()).await.expect("reads");
        let [nightly, shop] = services.as_slice() else { panic!("{}: {services:?}", stored.place) };
        assert_eq!((nightly.service.as_str(), nightly.environments.len()), ("nightly", 0));
        assert_eq!(shop.environments, ["production", "staging"]);
        assert_eq!((shop.languages.as_slice(), seconds(shop.last_at)), (&["java".to_owned()][..], 3_780));
    }
}
