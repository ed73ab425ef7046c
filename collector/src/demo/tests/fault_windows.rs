//! Faults change what their truth says, when it says, and nothing else.

use super::super::faults::{Fault, FaultChoice, Script};
use super::super::span::{Activity, DemoSpan};
use super::super::topology;
use super::{SECOND_NS, START_NS, edge, live, script};
use std::collections::BTreeMap;

const RATE: f64 = 60.0;
/// Two minutes before the fault, three of it, and three after.
const SECONDS: i64 = 480;
/// After a storm the load on inventory is forgotten only slowly.
const SETTLE_NS: i64 = 60 * SECOND_NS;

type Edge = (&'static str, &'static str);

/// Calls over one edge.
#[derive(Debug, Default)]
struct Calls {
    durations_ns: Vec<i64>,
    n_errors: usize,
}

impl Calls {
    fn error_ratio(&self) -> f64 {
        self.n_errors as f64 / self.durations_ns.len() as f64
    }

    fn p95_ms(&self) -> f64 {
        let mut sorted = self.durations_ns.clone();
        sorted.sort_unstable();
        sorted[sorted.len() * 95 / 100] as f64 / 1e6
    }
}

/// Calls by edge while the fault is active, and while the shop is healthy.
fn measure(spans: &[DemoSpan], choice: FaultChoice) -> [BTreeMap<Edge, Calls>; 2] {
    let script = script(choice);
    let window = script.windows(i64::MAX).remove(0);
    let mut found = [BTreeMap::new(), BTreeMap::new()];
    for span in spans {
        let is_settling = (window.to_ns..window.to_ns + SETTLE_NS).contains(&span.start_ns);
        let Some(edge) = edge(span).filter(|_| !is_settling) else { continue };
        let side = usize::from(script.active_at(span.start_ns).is_none());
        let calls: &mut Calls = found[side].entry(edge).or_default();
        calls.durations_ns.push(span.duration_ns());
        calls.n_errors += usize::from(span.failure.is_some_and(|failure| failure.is_fault()));
    }
    found
}

/// Edges whose calls are slower or fail more often during the fault than in health.
fn changed(spans: &[DemoSpan], choice: FaultChoice) -> (Vec<Edge>, Vec<Edge>) {
    let [during, healthy] = measure(spans, choice);
    let is_slower = |edge: &&Edge| during[edge].p95_ms() > 1.6 * healthy[edge].p95_ms();
    let fails_more = |edge: &&Edge| during[edge].error_ratio() > 0.02 + healthy[edge].error_ratio();
    let edges: Vec<_> = during.keys().collect();
    let slower = edges.iter().copied().filter(is_slower).copied().collect();
    (slower, edges.into_iter().filter(fails_more).copied().collect())
}

/// Scenario: the release with the slow query.
/// Guarantees: exactly the guilty edge and those who wait for it are slower, nothing fails, and every slow
/// query ran on an instance of the bad version.
#[test]
fn the_slow_query_slows_its_edge() {
    let spans = live(11, FaultChoice::SlowQuery, RATE, SECONDS, 10 * SECOND_NS).spans;
    let truth = Fault::SlowQuery.truth();
    let (slower, failing) = changed(&spans, FaultChoice::SlowQuery);
    let waiting = [("checkout", "order-service"), truth.edge, ("web-frontend", "checkout")];
    assert_eq!((slower, failing), (waiting.to_vec(), vec![]));
    let slow: Vec<_> = spans.iter().filter(|span| is_slow_query(span)).collect();
    assert!(slow.len() > 300, "{}", slow.len());
    assert!(slow.iter().all(|span| Some(span.instance.version()) == truth.attribute.2));
    assert!(
        spans.iter().any(|span| span.instance.service.name == "order-service" && is_healthy_in_window(span))
    );
}

fn is_slow_query(span: &DemoSpan) -> bool {
    matches!(span.activity, Activity::Query(_)) && span.duration_ns() > SECOND_NS / 5
}

fn is_healthy_in_window(span: &DemoSpan) -> bool {
    script(FaultChoice::SlowQuery).active_at(span.start_ns).is_some() && !span.instance.is_released()
}

/// Scenario: the payment provider fails for one tier.
/// Guarantees: exactly the guilty edge and those who depend on it fail, nothing is slower, and each failure
/// began at the provider for that tier.
#[test]
fn the_failing_dependency_fails_its_edge() {
    let spans = live(11, FaultChoice::FailingDependency, RATE, SECONDS, 10 * SECOND_NS).spans;
    let truth = Fault::FailingDependency.truth();
    let (slower, failing) = changed(&spans, FaultChoice::FailingDependency);
    assert_eq!(
        (slower, failing),
        (vec![], vec![("checkout", "payment-api"), truth.edge, ("web-frontend", "checkout")])
    );
    let script = script(FaultChoice::FailingDependency);
    let at_provider: Vec<_> = spans.iter().filter(|span| edge(span) == Some(truth.edge)).collect();
    let failed = |tier_fails: bool| {
        let of_tier =
            at_provider.iter().filter(|span| (Some(span.visitor.tier) == truth.attribute.2) == tier_fails);
        of_tier.filter(|span| script.active_at(span.start_ns).is_some() && span.failure.is_some()).count()
    };
    assert!(failed(true) > 150, "{}", failed(true));
    assert!(failed(false) < 5, "{}", failed(false));
}

/// Scenario: inventory sheds load and checkout retries.
/// Guarantees: only the guilty edge and its callers fail, retries happen in the window and nowhere else, at
/// most three for one request, and they multiply the load on inventory.
#[test]
fn the_retry_storm_multiplies_load() {
    let spans = live(11, FaultChoice::RetryStorm, RATE, SECONDS, 10 * SECOND_NS).spans;
    let truth = Fault::RetryStorm.truth();
    let (slower, failing) = changed(&spans, FaultChoice::RetryStorm);
    assert_eq!(failing, vec![truth.edge, ("web-frontend", "checkout")]);
    let waiting = [truth.edge, ("inventory", "inventory-db"), ("web-frontend", "checkout")];
    assert_eq!(slower, waiting);
    let window = script(FaultChoice::RetryStorm).windows(i64::MAX).remove(0);
    for span in &spans {
        if let Activity::Call(call) = span.activity
            && call.resend > 0
        {
            assert!(call.resend <= 3 && edge(span) == Some(truth.edge));
            assert!((window.from_ns..window.to_ns + 10 * SECOND_NS).contains(&span.start_ns));
        }
    }
    let per_s = |from_s: i64, to_s: i64| {
        let within = START_NS + from_s * SECOND_NS..START_NS + to_s * SECOND_NS;
        let reservations = spans.iter().filter(|span| edge(span) == Some(truth.edge));
        reservations.filter(|span| within.contains(&span.start_ns)).count() as f64 / (to_s - from_s) as f64
    };
    assert!(per_s(130, 300) > 2.0 * per_s(0, 120), "{} {}", per_s(130, 300), per_s(0, 120));
}

/// Scenario: a shop without faults.
/// Guarantees: fewer than one entry request in two thousand fails, so that an SLO of 99.9 % holds.
#[test]
fn a_healthy_shop_is_healthy() {
    let spans = live(11, FaultChoice::None, RATE, SECONDS, 10 * SECOND_NS).spans;
    let entries: Vec<_> = spans.iter().filter(|span| span.parent.is_none()).collect();
    let n_errors = entries.iter().filter(|span| span.is_error()).count();
    assert!(n_errors * 2_000 < entries.len(), "{n_errors} of {}", entries.len());
}

/// Scenario: every choice of faults over an hour, looked at each second.
/// Guarantees: the windows and the moment-by-moment view agree, and releases are rolled out and back.
#[test]
fn windows_and_moments_agree() {
    for choice in
        [FaultChoice::None, FaultChoice::SlowQuery, FaultChoice::FailingDependency, FaultChoice::Script]
    {
        let script = script(choice);
        let windows = script.windows(START_NS + 3_600 * SECOND_NS);
        for at_ns in (START_NS - 10 * SECOND_NS..START_NS + 3_600 * SECOND_NS).step_by(SECOND_NS as usize) {
            let expected = windows.iter().find(|window| (window.from_ns..window.to_ns).contains(&at_ns));
            assert_eq!(script.active_at(at_ns), expected.map(|window| window.fault));
            let is_slow = expected.is_some_and(|window| window.fault == Fault::SlowQuery);
            assert_eq!(script.n_rollouts(at_ns) % 2 == 1, is_slow);
        }
    }
    let n_windows = |choice| script(choice).windows(START_NS + 3_600 * SECOND_NS).len();
    assert_eq!([FaultChoice::None, FaultChoice::RetryStorm, FaultChoice::Script].map(n_windows), [0, 1, 12]);
    let without_health = Script { after_ns: 0, ..script(FaultChoice::Script) };
    assert_eq!(without_health.active_at(START_NS), Some(Fault::SlowQuery));
    assert_eq!(topology::ORDERS.n_instances, 3, "the truth says two of three");
}
