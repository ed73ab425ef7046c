//! Suspects of small incidents, in order, with their evidence.

use super::{EvidenceKind, Ranking, SuspectKind, Verdict, findings, rank};
use crate::test_rows::{LogRow, MS, MetricRow, SpanRow, input, logs, metrics, spans};
use crate::{Limits, Tables, TriageInput};
use proptest::prelude::*;

/// `web` calls `cart` every 5 ms. In the window the database of `cart` refuses, and its processor is busy.
fn incident() -> (Vec<SpanRow>, Vec<LogRow>, Vec<MetricRow>) {
    let (mut spans, mut logs, mut metrics) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..40_i64 {
        let (trace, start, is_bad) = (at as u128 + 1, 5 * at * MS, at >= 22);
        spans.push(SpanRow::new(trace, 1, "web", "checkout").at(start, start + 4 * MS).kind("server"));
        let call = SpanRow::new(trace, 2, "web", "POST").child_of(1).at(start + 1, start + 3 * MS);
        spans.push(call.kind("client"));
        let add = SpanRow::new(trace, 3, "cart", "add").child_of(2).at(start + 2, start + 2 * MS);
        let add = add.kind("server").on("cart-1");
        let query =
            SpanRow::new(trace, 4, "cart", "SELECT").child_of(3).at(start + 3, start + MS).kind("client");
        let query = query.on("cart-1").with("net.peer.name", "db");
        spans.extend(if is_bad { [add.failed("oops"), query.failed("refused")] } else { [add, query] });
        logs.push(LogRow::new(start + 4, "cart", "asking for rows").in_span(trace, 3));
        let busy = if is_bad { 90.0 } else { 10.0 };
        metrics.push(MetricRow::gauge("cart", "CpuUsageRate(%)", start, busy).of("cart-1"));
    }
    (spans, logs, metrics)
}

fn ranking(span_rows: &[SpanRow], log_rows: &[LogRow], metric_rows: &[MetricRow]) -> Ranking {
    // More than one batch, as it comes from an engine.
    let (first, second) = span_rows.split_at(span_rows.len() / 3);
    let (spans, logs) = ([spans(first), spans(second)], [logs(log_rows)]);
    let metrics = [metrics(metric_rows)];
    let input = TriageInput { logs: &logs, metrics: &metrics, ..input(&spans) };
    let tables = Tables::read(&input, &Limits::default()).expect("readable rows");
    rank(&tables, &findings(&input, &tables, &Limits::default()))
}

/// Scenario: a database refuses, and the service that asks it is busy.
/// Guarantees: that service is the origin with the expected parts; its database, instance and operation follow it.
#[test]
fn an_incident_has_one_origin() {
    let (spans, logs, metrics) = incident();
    let ranking = ranking(&spans, &logs, &metrics);
    assert_eq!(ranking.verdict, Verdict::Origin);
    let first = &ranking.suspects[0];
    assert_eq!((first.kind, first.name.as_str()), (SuspectKind::Service, "cart"));
    let weight = |kind| first.evidence.iter().filter(|of| of.kind == kind).map(|of| of.weight).sum::<f64>();
    let statistic = -2.0 * (18.0 * 0.45_f64.ln() + 22.0 * 0.55_f64.ln());
    assert!((weight(EvidenceKind::Errors) - (1.0 + statistic / 20.0).ln()).abs() < 1e-9);
    assert!((weight(EvidenceKind::Saturation) - 1.6).abs() < 1e-9);
    assert_eq!(weight(EvidenceKind::Flow), 0.0);
    let named = |kind| ranking.suspects.iter().find(|of| of.kind == kind).map(|of| of.name.as_str());
    assert_eq!(named(SuspectKind::Dependency), Some("db"));
    assert_eq!(named(SuspectKind::Instance), Some("cart-1"));
    assert_eq!(named(SuspectKind::Operation), Some("SELECT"));
    assert_eq!(named(SuspectKind::Release), None);
    assert!(first.confidence() > 0.6 && first.confidence() < 1.0);
    let sentences: Vec<_> = first.evidence.iter().map(|of| of.sentence.as_str()).collect();
    assert_eq!(
        sentences[0],
        "In SELECT of cart \"refused\" began, calling db in 18 of 18 traces, before in 0 of 22: new."
    );
    assert!(
        sentences.contains(&"CpuUsageRate(%) of cart-1 rose to 90 % of its limit, before 10 %."),
        "{sentences:?}"
    );
}

/// Scenario: nothing happens, or nothing is there.
/// Guarantees: there is no clear origin.
#[test]
fn no_incident_has_no_origin() {
    let (spans, ..) = incident();
    let calm: Vec<_> = spans.into_iter().map(|row| SpanRow { error: None, ..row }).collect();
    assert_eq!(ranking(&calm, &[], &[]).verdict, Verdict::NoClearOrigin);
    assert_eq!(ranking(&[], &[], &[]), Ranking { verdict: Verdict::NoClearOrigin, suspects: Vec::new() });
}

/// Scenario: two services that nothing connects begin to fail alike.
/// Guarantees: both are named, neither as the origin.
#[test]
fn two_that_are_as_likely_are_only_possible() {
    let row = |at: i64, service, id| {
        let row =
            SpanRow::new((2 * at + id) as u128 + 1, 1, service, "op").at(5 * at * MS, (5 * at + 1) * MS);
        if at >= 20 { row.failed("refused") } else { row }
    };
    let rows: Vec<_> = (0..40).flat_map(|at| [row(at, "cart", 0), row(at, "pay", 1)]).collect();
    let ranking = ranking(&rows, &[], &[]);
    assert_eq!(ranking.verdict, Verdict::Possible);
    let names =
        ranking.suspects.iter().filter(|of| of.kind == SuspectKind::Service).map(|of| of.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["cart", "pay"]);
}

/// Scenario: the failing spans are of one version while both versions run.
/// Guarantees: the release is a suspect, not above its service.
#[test]
fn a_release_is_named_where_versions_differ() {
    let row = |at: i64| {
        let row = SpanRow::new(at as u128 + 1, 1, "cart", "add").at(5 * at * MS, (5 * at + 1) * MS);
        if at >= 20 { row.failed("refused").version("2.0") } else { row.version("1.0") }
    };
    let ranking = ranking(&(0..40).map(row).collect::<Vec<_>>(), &[], &[]);
    let release = ranking.suspects.iter().find(|of| of.kind == SuspectKind::Release).expect("a release");
    assert_eq!((release.service.as_str(), release.name.as_str()), ("cart", "2.0"));
    assert!(release.score <= ranking.suspects[0].score && ranking.suspects[0].kind == SuspectKind::Service);
}

/// Spans that fit together or not, with ids that repeat.
fn any_spans() -> impl Strategy<Value = Vec<SpanRow>> {
    let fields =
        (1..30_u128, 1..6_u64, 0..6_u64, 0..4_usize, 0..3_usize, 0..200_i64, 0..20_i64, any::<bool>());
    let row = fields.prop_map(|(trace, id, parent, service, name, start, length, fails)| {
        let service = ["web", "cart", "pay", "mail"][service];
        let row = SpanRow::new(trace, id, service, ["a", "b", "c"][name]).child_of(parent);
        let row = row.at(start * MS, (start + length) * MS);
        if fails { row.failed("refused") } else { row }
    });
    prop::collection::vec(row, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Scenario: an incident among any other spans, in any order of rows.
    /// Guarantees: the ranking is the same to the last digit, evidence and sentences included.
    #[test]
    fn the_order_of_rows_changes_nothing(
        (rows, shuffled) in any_spans().prop_flat_map(|mut rows| {
            rows.extend(incident().0);
            (Just(rows.clone()), Just(rows).prop_shuffle())
        }),
        lines in Just(incident().1).prop_shuffle(),
        points in Just(incident().2).prop_shuffle(),
    ) {
        let (_, logs, metrics) = incident();
        prop_assert_eq!(ranking(&rows, &logs, &metrics), ranking(&shuffled, &lines, &points));
    }

    /// Scenario: a span that has to do with nothing comes in a trace of its own.
    /// Guarantees: nobody's score, evidence or rank changes.
    #[test]
    fn an_unrelated_span_changes_no_score(rows in any_spans(), start in 0..200_i64, length in 0..50_i64) {
        let mut rows = [rows, incident().0].concat();
        let before = ranking(&rows, &[], &[]);
        let row = SpanRow::new(999, 1, "elsewhere", "other").at(start * MS, (start + length) * MS);
        rows.push(row);
        prop_assert_eq!(ranking(&rows, &[], &[]), before);
    }

    /// Scenario: any incident.
    /// Guarantees: the evidence of a service adds up to its score, parts never outrank their service, order is by score.
    #[test]
    fn parts_add_up_and_never_outrank_the_whole(rows in any_spans()) {
        let (spans, logs, metrics) = incident();
        let ranking = ranking(&[rows, spans].concat(), &logs, &metrics);
        for suspect in &ranking.suspects {
            let whole = ranking.suspects.iter().find(|of| of.kind == SuspectKind::Service && of.name == suspect.service);
            let whole = whole.expect("the service of a part is a suspect");
            prop_assert!(suspect.score <= whole.score + 1e-12);
            let sum: f64 = suspect.evidence.iter().map(|of| of.weight).sum();
            prop_assert!((sum - suspect.score).abs() < 1e-12);
        }
        prop_assert!(ranking.suspects.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
}
