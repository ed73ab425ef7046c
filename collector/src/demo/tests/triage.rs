//! The shop's faults and its quiet hours, as triage sees them through the engine.

use super::super::faults::{Fault, FaultChoice, Script};
use super::super::otlp::{self, Request};
use super::super::world::World;
use super::SECOND_NS;
use crate::api::{triage_report, triage_summary};
use crate::decode::Encoding;
use crate::replay;
use crate::triage::{Asked, Case, Finding, History, Lane, investigate};
use alerts::{Indicator, Slo, SloSpec, Store};
use prost::Message;
use std::sync::Arc;
use std::time::Duration;
use storage::{Engine, Options, Signal, TimeRange, WalRecord};

/// 2026-01-31T12:00:00Z.
const START: i64 = 1_769_860_800 * SECOND_NS;
/// Healthy time before a fault, and how long it lasts.
const AFTER_S: i64 = 600;
const FOR_S: i64 = 180;
/// Alerts fire about so long after the onset, and the question comes a minute later.
const NOTICED_S: i64 = 20;
const ASKED_S: i64 = 80;

struct Scene {
    engine: Engine,
    dir: tempfile::TempDir,
}

impl Scene {
    /// The shop from its start for so many seconds.
    async fn of(choice: FaultChoice, seed: u64, seconds: i64) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let decode = |record| replay::rows(record).map_err(Into::into);
        let (engine, _) = Engine::open(Options::new(dir.path()), decode).await.expect("opens");
        let script =
            Script { choice, start_ns: START, after_ns: AFTER_S * SECOND_NS, for_ns: FOR_S * SECOND_NS };
        let mut world = World::new(seed, 8.0, script);
        for request in otlp::requests(&world.advance(START + seconds * SECOND_NS)) {
            let (signal, payload) = match request {
                Request::Traces(body, _) => (Signal::Traces, body.encode_to_vec()),
                Request::Logs(body, _) => (Signal::Logs, body.encode_to_vec()),
                Request::Metrics(body, _) => (Signal::Metrics, body.encode_to_vec()),
            };
            let encoding = Encoding::Protobuf.code();
            let record = WalRecord { signal, encoding, received_at: START, payload: payload.into() };
            let columns = replay::rows(record.clone()).expect("valid");
            let logged = engine.log(record).await.expect("logged");
            engine.insert(logged, columns);
        }
        Self { engine, dir }
    }

    /// What is said about a window, in seconds from the start, of which the shop's front complains.
    async fn report(&self, from_s: i64, to_s: i64) -> wire::TriageReport {
        let window = TimeRange { from: START + from_s * SECOND_NS, to: START + to_s * SECOND_NS };
        let asked = Asked {
            window,
            baselines: Vec::new(),
            asked_at: window.to,
            service: Some("web-frontend".to_owned()),
            operation: None,
            symptom: None,
            threshold_ns: None,
        };
        let answer = investigate(&self.engine, &Lane::new(), asked, &History::default()).await;
        triage_report(answer.expect("a report"))
    }

    /// What is kept with an alert about the shop's front that was noticed at a second from the start, a minute later.
    /// Where it began is for the objective's own events to say.
    async fn finding(&self, indicator: Indicator, noticed_s: i64) -> Finding {
        let (id, service) = ("front".to_owned(), "web-frontend".to_owned());
        let spec = SloSpec { id, service, indicator, target_percent: 99.0, ..SloSpec::default() };
        let pending_at = START + noticed_s * SECOND_NS;
        let case = Case {
            slo: Arc::new(Slo::new(spec).expect("valid")),
            pending_at,
            now: pending_at + (ASKED_S - NOTICED_S) * SECOND_NS,
            known_from: None,
        };
        let store = Store::open(&self.dir.path().join("state.sqlite")).expect("opens");
        let finding = Finding::of(&self.engine, &store, &Lane::new(), &case).await.expect("a report");
        store.close().await.expect("closes");
        finding
    }
}

/// Requests of the front that take longer are bad: most take a tenth of it.
fn latency() -> Indicator {
    Indicator::Latency { threshold: Duration::from_millis(500) }
}

/// The report about a fault, a minute after it was noticed, and the one that its alert keeps at that moment.
async fn of_fault(choice: FaultChoice, indicator: Indicator) -> [wire::TriageReport; 2] {
    let scene = Scene::of(choice, 5, AFTER_S + ASKED_S + 5).await;
    let report = scene.report(AFTER_S + NOTICED_S, AFTER_S + ASKED_S).await;
    let again = scene.report(AFTER_S + NOTICED_S, AFTER_S + ASKED_S).await;
    assert_eq!(
        wire::TriageReport { elapsed_ms: 0, ..report.clone() },
        wire::TriageReport { elapsed_ms: 0, ..again }
    );
    let finding = scene.finding(indicator, AFTER_S + NOTICED_S).await;
    assert_eq!(finding.summary["headline"], finding.headline.as_str());
    let kept: wire::TriageReport = serde_json::from_str(&finding.report).expect("the whole report");
    [report, kept]
}

/// The faulty service comes first, and what must be true of every report.
fn check(report: &wire::TriageReport, fault: Fault) {
    let truth = fault.truth();
    let first = report.suspects.first().unwrap_or_else(|| panic!("nobody: {report:#?}"));
    assert_eq!(first.service, truth.root_cause_service, "{:#?}", report.suspects);
    assert_ne!(report.verdict, wire::TriageVerdict::NoClearOrigin, "{}", report.headline);
    assert!(report.headline.contains(truth.root_cause_service), "{}", report.headline);
    assert!(report.confidence > 0.5, "{}", report.confidence);
    assert!(!first.evidence.is_empty() && first.evidence.iter().all(|one| !one.sentence.is_empty()));
    assert!(first.evidence.is_sorted_by(|a, b| a.weight >= b.weight), "{:#?}", first.evidence);
    let onset = report.onset.expect("an onset");
    let late_s = (onset.at.0 - START) / SECOND_NS - AFTER_S;
    assert!((-30..=40).contains(&late_s), "{late_s} s after the fault");
    assert!(
        report.n_bad > 0 && report.n_requests > report.n_bad,
        "{} of {}",
        report.n_bad,
        report.n_requests
    );
    assert_eq!(report.requests.len() as u32, report.axis.n_steps);
    assert!(report.exemplars.iter().any(|one| one.kind == "bad"), "{:?}", report.exemplars);
    assert!(report.affected.iter().any(|one| one.n_hops == Some(0)), "{:?}", report.affected);
    if let Some(latency) = &report.latency {
        let added: f64 = latency.parts.iter().map(|part| part.added_ns).sum();
        let whole = latency.now_ns - latency.before_ns;
        assert!((added - whole).abs() <= 1e-6 * whole.abs().max(1e6), "{added} of {whole}");
    }
    let summary = serde_json::to_string(&triage_summary(report)).expect("serializes");
    assert!(summary.len() < 8 << 10, "{} bytes", summary.len());
}

fn has_evidence(report: &wire::TriageReport, kinds: &[&str]) -> bool {
    report.suspects[0].evidence.iter().any(|one| kinds.contains(&one.kind.as_str()))
}

/// Scenario: a release locks a table, and its queries take a second.
/// Guarantees: the service that waits for them is named first, by its latency.
#[tokio::test]
async fn a_slow_query_is_named() {
    let reports = of_fault(FaultChoice::SlowQuery, latency()).await;
    for report in &reports {
        check(report, Fault::SlowQuery);
        assert!(has_evidence(report, &["own_time", "call_time"]), "{:#?}", report.suspects[0]);
    }
}

/// Scenario: an external provider fails for one kind of tenants.
/// Guarantees: the service that asks it is named first, by its errors, and the provider as what it depends on.
#[tokio::test]
async fn a_failing_dependency_is_named() {
    let reports = of_fault(FaultChoice::FailingDependency, Indicator::Availability).await;
    for report in &reports {
        check(report, Fault::FailingDependency);
        assert!(has_evidence(report, &["errors"]), "{:#?}", report.suspects[0]);
    }
    for report in &reports {
        let dependency = report.suspects.iter().find(|one| one.kind == "dependency");
        assert!(
            dependency.is_some_and(|one| one.name.contains("api.acquirer.example")),
            "{:#?}",
            report.suspects
        );
    }
}

/// Scenario: a service sheds load, and its caller repeats every call up to three times.
/// Guarantees: the one that sheds is named first, not the one that reports or repeats.
#[tokio::test]
async fn a_retry_storm_is_named() {
    let reports = of_fault(FaultChoice::RetryStorm, Indicator::Availability).await;
    for report in &reports {
        check(report, Fault::RetryStorm);
        assert!(has_evidence(report, &["errors"]), "{:#?}", report.suspects[0]);
    }
}

/// Scenario: three stretches of a healthy shop.
/// Guarantees: none has a suspect that is called the origin, and each says so in its first sentence.
#[tokio::test]
async fn quiet_times_have_no_origin() {
    let scene = Scene::of(FaultChoice::None, 9, 1_000).await;
    for from_s in [500, 700, 900] {
        let report = scene.report(from_s, from_s + 60).await;
        assert_eq!(
            report.verdict,
            wire::TriageVerdict::NoClearOrigin,
            "{}: {:#?}",
            report.headline,
            report.suspects
        );
        assert!(report.headline.contains("No clear origin"), "{}", report.headline);
    }
}

/// Scenario: alerts that fire in three stretches of a healthy shop, about its errors and about its latency.
/// Guarantees: neither what is kept nor what is sent has an origin.
#[tokio::test]
async fn false_alarms_have_no_origin() {
    let scene = Scene::of(FaultChoice::None, 11, 1_000).await;
    for noticed_s in [500, 700, 900] {
        for indicator in [Indicator::Availability, latency()] {
            let finding = scene.finding(indicator, noticed_s).await;
            assert_eq!(finding.summary["verdict"], "no_clear_origin", "{noticed_s}: {}", finding.report);
            assert!(finding.headline.contains("No clear origin"), "{}", finding.headline);
        }
    }
}
