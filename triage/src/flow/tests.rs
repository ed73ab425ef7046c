//! Requests that take another way than before: which transition changed, when, and who is charged with it.

use super::{FlowEvidence, Step, flow};
use crate::test_rows::{LogRow, MS, SpanRow, input, logs, spans};
use crate::{Limits, Tables, TriageInput};

/// A request every 5 ms, 20 before the window and 20 in it. `is_bad` are those from 120 ms on.
fn requests(spans_of: impl Fn(u128, i64, bool) -> Vec<SpanRow>) -> Vec<SpanRow> {
    (0..40_i64).flat_map(|at| spans_of(at as u128 + 1, 5 * at * MS, at >= 24)).collect()
}

/// `web` loads a cart and charges for it; bad requests end after loading.
fn early_end(trace: u128, start: i64, is_bad: bool) -> Vec<SpanRow> {
    let mut rows = vec![
        SpanRow::new(trace, 1, "web", "checkout").at(start, start + 4 * MS).on("web-1"),
        SpanRow::new(trace, 2, "web", "load").child_of(1).at(start + MS, start + 2 * MS),
    ];
    if !is_bad {
        rows.push(SpanRow::new(trace, 3, "web", "charge").child_of(1).at(start + 2 * MS, start + 3 * MS));
    }
    rows
}

fn found(rows: &[SpanRow], lines: &[LogRow], explained: &[bool]) -> (Tables, FlowEvidence) {
    let (spans, logs) = ([spans(rows)], [logs(lines)]);
    let input = TriageInput { logs: &logs, ..input(&spans) };
    let tables = Tables::read(&input, &Limits::default()).expect("readable rows");
    let evidence = flow(&input, &tables, &Limits::default(), explained);
    (tables, evidence)
}

/// Scenario: from 120 ms on requests end where they used to charge.
/// Guarantees: the transition, its counts, its onset and its statistic are the expected ones; all 16 bad traces are
/// charged to it.
#[test]
fn a_step_that_vanished_is_found() {
    let (tables, evidence) = found(&requests(early_end), &[], &[]);
    let [finding] = evidence.findings.as_slice() else { panic!("one finding: {evidence:?}") };
    let load = tables.strings.find("load").expect("a name");
    assert_eq!(tables.strings.text(finding.service), "web");
    assert_eq!(tables.strings.text(finding.operation), "checkout");
    assert!(matches!(finding.previous, Step::Child(name, _) if name == load));
    assert_eq!(finding.next, Step::End);
    let counts = finding.counts;
    assert_eq!([counts.k_before, counts.n_before, counts.k_after, counts.n_after], [0.0, 24.0, 16.0, 16.0]);
    assert_eq!((finding.onset_ns / MS, finding.n_charged, finding.n_traces), (116, 16, 16));
    let statistic = -2.0 * (16.0 * 0.4_f64.ln() + 24.0 * 0.6_f64.ln());
    assert!((finding.credit - statistic).abs() < 1e-9, "{} is not {statistic}", finding.credit);
}

/// Scenario: the caller of the service that ends early asks again, which it never did.
/// Guarantees: both changes are found, but traces are charged to the one that came first.
#[test]
fn only_the_first_divergence_is_charged() {
    let rows = requests(|trace, start, is_bad| {
        let mut rows = vec![SpanRow::new(trace, 9, "gateway", "ask").at(start - 1, start + 9 * MS)];
        rows.extend(early_end(trace, start, is_bad).into_iter().map(|row| match row.parent {
            0 => row.child_of(9),
            _ => row,
        }));
        let again = if is_bad { "again" } else { "done" };
        rows.push(SpanRow::new(trace, 10, "gateway", again).child_of(9).at(start + 5 * MS, start + 6 * MS));
        rows
    });
    let (tables, evidence) = found(&rows, &[], &[]);
    let charged: Vec<_> = evidence
        .findings
        .iter()
        .map(|of| (tables.strings.text(of.service), of.n_traces, of.n_charged))
        .collect();
    assert_eq!(charged[0], ("web", 16, 16));
    assert!(charged.len() > 1 && charged[1..].iter().all(|of| *of == ("gateway", 16, 0)), "{charged:?}");
}

/// Scenario: the order of events stays, but bad requests log a line that is an error, or one that is none.
/// Guarantees: both are found; the error counts half as much again.
#[test]
fn errors_in_the_log_count_more() {
    let rows = requests(|trace, start, _| early_end(trace, start, false));
    let statistic = |severity| {
        let lines: Vec<_> = (24..40_i64)
            .map(|at| {
                LogRow::new((5 * at + 1) * MS, "web", "cart is odd")
                    .in_span(at as u128 + 1, 2)
                    .severity(severity)
            })
            .collect();
        let (_, evidence) = found(&rows, &lines, &[]);
        assert!(matches!(evidence.findings[0].next, Step::Log(_)), "{evidence:?}");
        evidence.findings[0].g
    };
    assert!((statistic(17) / statistic(9) - 1.5).abs() < 1e-9);
}

/// Scenario: the mix of branches drifts from a third to less than two thirds; then traces are explained by other evidence.
/// Guarantees: drift is no finding, and neither is what is explained.
#[test]
fn drift_and_explained_traces_are_no_findings() {
    let drifting = requests(|trace, start, _| {
        let is_short = if start < 100 * MS { trace % 3 == 0 } else { trace % 5 < 3 };
        early_end(trace, start, is_short)
    });
    assert_eq!(found(&drifting, &[], &[]).1.findings, []);
    let explained: Vec<bool> = (0..40).map(|at| at >= 24).collect();
    assert_eq!(found(&requests(early_end), &[], &explained).1.findings, []);
}

/// Scenario: no spans; and a window without a baseline.
/// Guarantees: nothing is found; what changes inside the window is.
#[test]
fn a_window_without_a_past_is_its_own() {
    assert_eq!(found(&[], &[], &[]).1.findings, []);
    let spans = [spans(&requests(early_end))];
    let input = TriageInput { baselines: &[], ..input(&spans) };
    let tables = Tables::read(&input, &Limits::default()).expect("readable rows");
    let evidence = flow(&input, &tables, &Limits::default(), &[]);
    let [finding] = evidence.findings.as_slice() else { panic!("one finding: {evidence:?}") };
    assert_eq!([finding.counts.n_before, finding.counts.n_after], [4.0, 16.0]);
}
