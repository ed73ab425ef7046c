//! The loop's questions to a real engine.

use super::*;
use crate::decode::Encoding;
use crate::replay;
use alerts::{Part, Ratio, SloSpec, Source};
use bytes::Bytes;
use std::time::Duration;
use storage::{Options, Signal, WalRecord};

const SECOND: i64 = 1_000_000_000;
/// A whole minute.
const T0: i64 = 1_795_341_600 * SECOND;

struct Scene {
    engine: Engine,
    _dir: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { data_dir: dir.path().to_owned(), ..Options::default() };
        let opened = Engine::open(options, |record| replay::rows(record).map_err(Into::into)).await;
        Self { engine: opened.unwrap().0, _dir: dir }
    }

    async fn receive(&self, signal: Signal, json: String, received_at: i64) {
        let record =
            WalRecord { signal, encoding: Encoding::Json.code(), received_at, payload: Bytes::from(json) };
        let columns = replay::rows(record.clone()).unwrap();
        let logged = self.engine.log(record).await.unwrap();
        self.engine.insert(logged, columns);
    }

    async fn heard(&self, services: &[&str], since: i64) -> Vec<String> {
        let services: Vec<_> = services.iter().map(|name| (*name).to_owned()).collect();
        let mut heard = self.engine.heard(&services, since).await.unwrap();
        heard.sort();
        heard
    }
}

fn resource(service: &str) -> String {
    format!(r#""resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}}"#)
}

/// One server span that ends at the given second and takes so many milliseconds.
fn span(service: &str, trace: u8, end_s: i64, millis: i64, is_error: bool) -> String {
    let end = T0 + end_s * SECOND;
    let (start, code) = (end - millis * 1_000_000, if is_error { 2 } else { 0 });
    format!(
        r#"{{"resourceSpans":[{{{},"scopeSpans":[{{"spans":[{{
            "traceId":"{trace:032x}","spanId":"{trace:016x}","name":"POST /pay","kind":2,
            "startTimeUnixNano":"{start}","endTimeUnixNano":"{end}","status":{{"code":{code}}}}}]}}]}}]}}"#,
        resource(service)
    )
}

fn log(service: &str, at_s: i64) -> String {
    format!(
        r#"{{"resourceLogs":[{{{},"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"{}","body":{{"stringValue":"hi"}}}}]}}]}}]}}"#,
        resource(service),
        T0 + at_s * SECOND
    )
}

fn metric(service: &str, at_s: i64) -> String {
    format!(
        r#"{{"resourceMetrics":[{{{},"scopeMetrics":[{{"metrics":[{{"name":"up","gauge":{{"dataPoints":[
            {{"timeUnixNano":"{}","asInt":"1"}}]}}}}]}}]}}]}}"#,
        resource(service),
        T0 + at_s * SECOND
    )
}

fn slo(indicator: Indicator) -> Slo {
    Slo::new(SloSpec {
        id: "slo".to_owned(),
        service: "it's checkout".to_owned(),
        indicator,
        period: Duration::from_secs(86_400),
        ..SloSpec::default()
    })
    .unwrap()
}

/// Scenario: a service with spans, one with logs, one with metrics, one silent; asked at once and later.
/// Guarantees: any signal counts, by when it arrived; names with quotes are names.
#[tokio::test]
async fn any_signal_is_a_sign_of_life() {
    let scene = Scene::new().await;
    let all = ["it's checkout", "cart", "mail", "silent"];
    assert!(scene.heard(&all, T0).await.is_empty());
    scene.receive(Signal::Traces, span("it's checkout", 1, -5, 100, false), T0).await;
    scene.receive(Signal::Logs, log("cart", -300), T0).await;
    scene.receive(Signal::Metrics, metric("mail", -5), T0).await;
    assert_eq!(scene.heard(&all, T0).await, ["cart", "it's checkout", "mail"]);
    assert_eq!(scene.heard(&["mail", "silent"], T0 - SECOND).await, ["mail"]);
    assert!(scene.heard(&all, T0 + 60 * SECOND).await.is_empty());
}

/// Scenario: good, failed and slow requests in two slices.
/// Guarantees: both indicators count what they should, and the examples are the bad traces.
#[tokio::test]
async fn events_and_examples() {
    let scene = Scene::new().await;
    for (trace, end_s, millis, is_error) in
        [(1, 2, 100, false), (2, 5, 100, true), (3, 12, 900, false), (4, 15, 100, false)]
    {
        let json = span("it's checkout", trace, end_s, millis, is_error);
        scene.receive(Signal::Traces, json, T0 + 20 * SECOND).await;
    }
    let range = TimeRange { from: T0, to: T0 + 20 * SECOND };
    let availability = slo(Indicator::Availability);
    let latency = slo(Indicator::Latency { threshold: Duration::from_millis(300) });
    let counts = async |slo: &Slo| {
        let buckets = scene.engine.events(slo, range).await.unwrap().buckets;
        buckets
            .iter()
            .map(|bucket| ((bucket.at - T0) / SECOND, bucket.n_good, bucket.n_total))
            .collect::<Vec<_>>()
    };
    assert_eq!(counts(&availability).await, [(0, 1, 2), (10, 2, 2)]);
    assert_eq!(counts(&latency).await, [(0, 2, 2), (10, 1, 2)]);
    let examples = async |slo: &Slo| scene.engine.exemplars(slo, range).await.unwrap();
    assert_eq!(examples(&availability).await, [format!("{:032x}", 2)]);
    assert_eq!(examples(&latency).await, [format!("{:032x}", 3)]);
}

/// A counter of jobs that ended well or not, as of the given second.
fn jobs(ok: bool, at_s: i64, value: i64) -> String {
    format!(
        r#"{{"resourceMetrics":[{{{},"scopeMetrics":[{{"metrics":[{{"name":"jobs","sum":{{
            "aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{{"startTimeUnixNano":"{}",
            "timeUnixNano":"{}","asInt":"{value}",
            "attributes":[{{"key":"ok","value":{{"stringValue":"{ok}"}}}}]}}]}}}}]}}]}}]}}"#,
        resource("it's checkout"),
        T0 - 3_600 * SECOND,
        T0 + at_s * SECOND
    )
}

/// Scenario: counters of jobs that end well and of those that do not, and log records; ratios of both kinds.
/// Guarantees: what counters grew by and what statements answer are the events, slice by slice; there are no example
/// traces of them.
#[tokio::test]
async fn ratios_count_what_they_are_told_to() {
    let scene = Scene::new().await;
    for (at_s, n_ok, n_failed) in [(-5, 100, 10), (5, 109, 11), (15, 118, 12)] {
        scene.receive(Signal::Metrics, jobs(true, at_s, n_ok), T0 + 20 * SECOND).await;
        scene.receive(Signal::Metrics, jobs(false, at_s, n_failed), T0 + 20 * SECOND).await;
    }
    for at_s in [2, 3, 12] {
        scene.receive(Signal::Logs, log("it's checkout", at_s), T0 + 20 * SECOND).await;
    }
    let metric = |attributes: &[(&str, &str)]| Source::Metric {
        name: "jobs".to_owned(),
        service: None,
        attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
    };
    let statement = |more: &str| {
        Source::Sql(format!(
            "SELECT date_bin($step, time) AS at, count(*) AS n FROM logs \
             WHERE time >= $from AND time < $to{more} GROUP BY at"
        ))
    };
    let ratio = |part, source, total| slo(Indicator::Ratio(Ratio { part, source, total }));
    let range = TimeRange { from: T0, to: T0 + 20 * SECOND };
    for (slo, expected) in [
        (ratio(Part::Bad, metric(&[("ok", "false")]), metric(&[])), [(0, 9, 10), (10, 9, 10)]),
        (ratio(Part::Good, metric(&[("ok", "true")]), metric(&[])), [(0, 9, 10), (10, 9, 10)]),
        (ratio(Part::Good, statement(" AND body = 'hi'"), statement("")), [(0, 2, 2), (10, 1, 1)]),
        (ratio(Part::Bad, statement(" AND body = 'no'"), statement("")), [(0, 2, 2), (10, 1, 1)]),
    ] {
        let buckets = scene.engine.events(&slo, range).await.unwrap().buckets;
        let found = buckets.iter().map(|bucket| ((bucket.at - T0) / SECOND, bucket.n_good, bucket.n_total));
        assert_eq!(found.collect::<Vec<_>>(), expected, "{:?}", slo.indicator());
        assert!(scene.engine.exemplars(&slo, range).await.unwrap().is_empty());
    }
    let wrong = ratio(Part::Good, Source::Sql("SELECT 1 AS x -- $from $to $step".to_owned()), statement(""));
    let refused = scene.engine.events(&wrong, range).await.unwrap_err().to_string();
    assert!(refused.contains("name its columns at and n"), "{refused}");
}
