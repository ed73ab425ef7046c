//! Whole reports over a small shop: a front that calls a service, a tenth of a second before and a tenth in trouble.

use super::*;
use crate::test_rows::{LogRow, MS, MetricRow, SpanRow, input, logs, metrics, spans};
use crate::{Limits, SuspectKind, Symptom};
use arrow::array::RecordBatch;
use proptest::prelude::*;

/// A request every millisecond; `change` makes trouble of the rows of those in the window.
fn shop(change: impl Fn(i64, &mut [SpanRow; 3])) -> Vec<SpanRow> {
    let mut rows = Vec::new();
    for n in 0..200 {
        let at = n * MS;
        let span = |id: u64, service: &str, name: &str, kind: &'static str, (from, to): (i64, i64)| {
            SpanRow::new(n as u128 + 1, id, service, name).kind(kind).at(at + from, at + to)
        };
        let tenant = if n % 2 == 0 { "enterprise" } else { "free" };
        let mut request = [
            span(1, "web", "GET /", "server", (0, 400_000)).with("tenant", tenant),
            span(2, "web", "charge", "client", (50_000, 350_000)).child_of(1),
            span(3, "pay", "charge", "server", (60_000, 340_000)).child_of(2),
        ];
        if n >= 100 {
            change(n, &mut request);
        }
        rows.extend(request);
    }
    rows
}

fn fails(row: &SpanRow) -> SpanRow {
    row.clone().failed("card store is gone")
}

fn failing() -> Vec<SpanRow> {
    shop(|n, request| {
        if n % 2 == 0 {
            request.iter_mut().for_each(|row| *row = fails(row));
        }
    })
}

fn slow() -> Vec<SpanRow> {
    shop(|_, request| {
        for row in request {
            row.end += 20 * MS;
        }
    })
}

fn report(batches: &[RecordBatch], symptom: Option<Symptom>) -> Report {
    let scope = crate::Scope { service: Some("web".to_owned()), operation: None, symptom };
    let input = crate::TriageInput { scope: &scope, ..input(batches) };
    let question = Question { input, threshold_ns: None, releases: &[], sampling: Sampling::default() };
    triage(&question, &Limits::default()).expect("readable rows")
}

/// Scenario: a service fails for some tenants.
/// Guarantees: it is named, with its errors; the bad requests are counted and drawn; the tenant is what they have in
/// common; the front is affected one call away; a bad and a good trace are shown.
#[test]
fn a_failing_service_is_the_origin() {
    let report = report(&[spans(&failing())], Some(Symptom::Availability));
    assert_eq!(report.verdict, Verdict::Origin, "{report:#?}");
    assert_eq!((report.suspects[0].kind, report.suspects[0].name.as_str()), (SuspectKind::Service, "pay"));
    assert!(report.headline.starts_with("pay broke first at 00:00:00 UTC"), "{}", report.headline);
    assert!(report.sentences[0].contains("card store is gone"), "{:?}", report.sentences);
    assert_eq!((report.requests.n, report.requests.n_bad, report.requests.n_bad_before), (100, 50, 0));
    assert_eq!(report.requests.bad_lane.iter().flatten().sum::<f64>(), 50.0);
    let group = &report.errors[0];
    assert_eq!((group.service.as_str(), group.state, group.n_now), ("pay", ErrorState::New, 50));
    let attributes = report.attributes.expect("requests");
    assert_eq!(attributes.kept[0].pairs[0].value.as_deref(), Some("enterprise"), "{attributes:#?}");
    assert_eq!((attributes.kept[0].share_bad, attributes.kept[0].share_good), (1.0, 0.0));
    let affected: Vec<_> = report.affected.iter().map(|one| (one.service.as_str(), one.n_hops)).collect();
    assert_eq!(affected, [("pay", Some(0)), ("web", Some(1))]);
    let kinds: Vec<_> = report.exemplars.iter().map(|one| one.kind).collect();
    assert!(kinds.contains(&ExemplarKind::Bad) && kinds.contains(&ExemplarKind::Good), "{kinds:?}");
    assert_eq!(report.edges[0].callee, "pay");
    assert!(report.not_known.iter().any(|sentence| sentence.contains("no logs")));
}

/// Scenario: a service takes 20 ms more.
/// Guarantees: it is named by its own time, the onset is where it began, and the parts of what was added sum to the whole.
#[test]
fn added_time_is_dealt_out() {
    let report = report(&[spans(&slow())], Some(Symptom::Latency));
    assert_eq!(report.suspects[0].name, "pay", "{:#?}", report.suspects);
    let onset = report.onset.expect("an onset");
    assert!(onset.earliest_ns <= 100 * MS && 100 * MS <= onset.latest_ns, "{onset:?}");
    let latency = report.latency.expect("slower requests");
    let added: f64 = latency.parts.iter().map(|part| part.now_ns - part.before_ns).sum();
    assert!((added - (latency.now_ns - latency.before_ns)).abs() < 1.0, "{latency:#?}");
    assert_eq!((latency.parts[0].service.as_str(), latency.parts[0].operation.as_str()), ("pay", "charge"));
    assert!(latency.parts[0].share > 0.9, "{latency:#?}");
}

/// Scenario: a service fails, and its process takes all of its processor from that moment on; a release was posted just
/// before.
/// Guarantees: the metric that changed is told with both levels and drawn, and the release is near enough to matter.
#[test]
fn what_changed_is_told() {
    let cpu = |n: i64| {
        let share = if n < 10 { 0.2 + 0.01 * (n % 3) as f64 } else { 0.95 + 0.01 * (n % 3) as f64 };
        let name = "process.cpu.utilization";
        MetricRow::gauge("pay", name, n * 10 * MS, share).in_unit("1").of("pay-1").with("cpu", "0")
    };
    let points = [metrics(&(0..20).map(cpu).collect::<Vec<_>>())];
    let rows = [spans(&failing())];
    let release = Release {
        service: "pay".to_owned(),
        version: "2.0".to_owned(),
        at_ns: 90 * MS,
        title: Some("new card store".to_owned()),
        is_marker: true,
    };
    let input = crate::TriageInput { metrics: &points, ..input(&rows) };
    let releases = [release];
    let sampling = Sampling::default();
    let question = Question { input, threshold_ns: None, releases: &releases, sampling };
    let report = triage(&question, &Limits::default()).expect("readable rows");
    let metric = report.metrics.first().expect("a metric");
    assert_eq!((metric.name.as_str(), metric.instance.as_str()), ("process.cpu.utilization", "pay-1"));
    assert!(metric.value.before < Some(0.3) && metric.value.now > Some(0.9), "{metric:?}");
    assert!(metric.lane.iter().flatten().count() > 0, "{metric:?}");
    let change = report.changes.first().expect("a change");
    assert_eq!((change.kind, change.is_near), (ChangeKind::Deployment, true), "{change:?}");
    assert!(change.sentence.contains("pay 2.0 (new card store) was deployed"), "{}", change.sentence);
}

/// Scenario: the shop without trouble; no rows at all.
/// Guarantees: nobody is accused, there is nothing to say for it, and what is missing is told.
#[test]
fn health_has_no_origin() {
    for rows in [spans(&shop(|_, _| {})), spans(&[])] {
        let report = report(&[rows], None);
        assert_eq!(report.verdict, Verdict::NoClearOrigin, "{:#?}", report.suspects);
        assert!(report.headline.starts_with("No clear origin") && report.sentences.is_empty());
        assert!(report.latency.is_none() && report.edges.is_empty() && report.errors.is_empty());
        assert!(!report.not_known.is_empty());
    }
}

/// Scenario: the same rows in another order, and cut into several batches.
/// Guarantees: the same report, to the last number.
#[test]
fn the_order_of_rows_is_of_no_matter() {
    let rows = failing();
    let whole = report(&[spans(&rows)], None);
    let mut other = rows.clone();
    other.reverse();
    let (first, second) = other.split_at(77);
    assert_eq!(report(&[spans(second), spans(first)], None), whole);
}

/// Scenario: a trace of another service that has nothing to do with the shop, before and in the window.
/// Guarantees: who is accused, and by how much, stays the same.
#[test]
fn an_unrelated_trace_changes_no_suspect() {
    let mut rows = failing();
    let whole = report(&[spans(&rows)], Some(Symptom::Availability));
    for n in [3, 150] {
        rows.push(
            SpanRow::new(9_000 + n as u128, 1, "cron", "tidy").kind("internal").at(n * MS, n * MS + 1_000),
        );
    }
    let more = report(&[spans(&rows)], Some(Symptom::Availability));
    assert_eq!(more.suspects, whole.suspects);
    assert_eq!(more.requests, whole.requests);
}

/// Rows of all signals: trouble of any kind at any requests of the window, with lines and a busy processor to it.
#[derive(Clone, Debug)]
struct Signals {
    spans: Vec<SpanRow>,
    logs: Vec<LogRow>,
    points: Vec<MetricRow>,
}

/// `trouble` says of each request of the window whether it fails, and how much longer it takes.
fn signals(trouble: &[(bool, i64)]) -> Signals {
    let spans = shop(|n, request| {
        let (fails_here, more_ns) = trouble[(n - 100) as usize % trouble.len()];
        for row in request.iter_mut() {
            row.end += more_ns;
            if fails_here {
                *row = fails(row);
            }
        }
    });
    let line = |n: i64| {
        let body = if n < 100 { format!("charged {n}") } else { format!("no answer to {n}") };
        LogRow::new(n * MS + 100_000, "pay", &body).in_span(n as u128 + 1, 3).severity(if n < 100 {
            9
        } else {
            17
        })
    };
    let point = |n: i64| {
        let share = if n < 10 { 0.2 + 0.01 * (n % 3) as f64 } else { 0.95 };
        MetricRow::gauge("pay", "process.cpu.utilization", n * 10 * MS, share).in_unit("1").of("pay-1")
    };
    Signals { spans, logs: (0..200).map(line).collect(), points: (0..20).map(point).collect() }
}

/// The rows in several batches, cut anywhere.
fn whole_report(rows: &Signals, cut: usize) -> Report {
    let (first, second) = rows.spans.split_at(cut % rows.spans.len());
    let span_batches = [spans(first), spans(second)];
    let (first, second) = rows.logs.split_at(cut % rows.logs.len());
    let log_batches = [logs(first), logs(second)];
    let (first, second) = rows.points.split_at(cut % rows.points.len());
    let point_batches = [metrics(first), metrics(second)];
    let input = crate::TriageInput { logs: &log_batches, metrics: &point_batches, ..input(&span_batches) };
    let question = Question { input, threshold_ns: None, releases: &[], sampling: Sampling::default() };
    triage(&question, &Limits::default()).expect("readable rows")
}

fn any_trouble() -> impl Strategy<Value = Vec<(bool, i64)>> {
    prop::collection::vec((any::<bool>(), prop_oneof![Just(0), 0..30 * MS]), 1..100)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Scenario: any trouble in all signals; the same rows in any order, in other batches.
    /// Guarantees: the same document, to the last digit.
    #[test]
    fn neither_order_nor_batches_change_a_report(
        (rows, shuffled) in any_trouble().prop_flat_map(|trouble| {
            let rows = signals(&trouble);
            let spans = Just(rows.spans.clone()).prop_shuffle();
            let logs = Just(rows.logs.clone()).prop_shuffle();
            let points = Just(rows.points.clone()).prop_shuffle();
            let shuffled = (spans, logs, points).prop_map(|(spans, logs, points)| Signals { spans, logs, points });
            (Just(rows), shuffled)
        }),
        cut in 0..1_000_usize,
    ) {
        prop_assert_eq!(whole_report(&shuffled, cut), whole_report(&rows, 0));
    }

    /// Scenario: any trouble; then a service that nobody asks runs its job once in a while, logs the same line each time,
    /// and sends its memory.
    /// Guarantees: who is accused, since when, by what, and everything said of the requests of the shop stays the same.
    #[test]
    fn unrelated_rows_change_nothing_that_is_said(trouble in any_trouble(), at in 0..200_i64) {
        let mut rows = signals(&trouble);
        let scope = crate::Scope { service: Some("web".to_owned()), operation: None, symptom: None };
        let said = |rows: &Signals| {
            let (spans, logs, metrics) = ([spans(&rows.spans)], [logs(&rows.logs)], [metrics(&rows.points)]);
            let input = crate::TriageInput { scope: &scope, logs: &logs, metrics: &metrics, ..input(&spans) };
            let question = Question { input, threshold_ns: None, releases: &[], sampling: Sampling::default() };
            let report = triage(&question, &Limits::default()).expect("readable rows");
            let Report { verdict, headline, onset, requests, suspects, latency, errors, attributes, exemplars, .. } = report;
            ((verdict, headline, onset, suspects), (requests, latency, errors, attributes, exemplars))
        };
        let before = said(&rows);
        for n in [at, at / 2] {
            let job = SpanRow::new(9_000 + n as u128, 1, "cron", "tidy").kind("internal");
            rows.spans.push(job.at(n * MS, n * MS + 1_000));
            rows.logs.push(LogRow::new(n * MS, "cron", "tidied").in_span(9_000 + n as u128, 1));
            rows.points.push(MetricRow::gauge("cron", "process.memory.usage", n * MS, 1e6).in_unit("By"));
        }
        prop_assert_eq!(said(&rows), before);
    }

    /// Scenario: any trouble.
    /// Guarantees: the parts of added time add up to the difference, the evidence of a service to its score, the lanes of
    /// requests to their counts, and shares are shares.
    #[test]
    fn parts_of_a_report_add_up(trouble in any_trouble()) {
        let report = whole_report(&signals(&trouble), 0);
        if let Some(latency) = &report.latency {
            let added: f64 = latency.parts.iter().map(|part| part.now_ns - part.before_ns).sum();
            prop_assert!((added - (latency.now_ns - latency.before_ns)).abs() < 1.0, "{latency:?}");
        }
        for suspect in report.suspects.iter().filter(|suspect| suspect.kind == SuspectKind::Service) {
            let sum: f64 = suspect.evidence.iter().map(|one| one.weight).sum();
            prop_assert!((sum - suspect.score).abs() < 1e-9, "{suspect:?}");
        }
        let requests = &report.requests;
        let in_lane = |lane: &Lane| lane.iter().flatten().sum::<f64>();
        prop_assert_eq!(in_lane(&requests.lane), (requests.n + requests.n_before) as f64);
        prop_assert_eq!(in_lane(&requests.bad_lane), (requests.n_bad + requests.n_bad_before) as f64);
        for attribute in report.attributes.iter().flat_map(|found| &found.kept) {
            for share in [attribute.share_bad, attribute.share_good, attribute.precision] {
                prop_assert!((0.0..=1.0).contains(&share), "{attribute:?}");
            }
        }
    }
}
