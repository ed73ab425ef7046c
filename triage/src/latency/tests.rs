//! Time that services and calls gained, on traces made by hand.

use super::charge::charged_edges;
use super::units::exclusive_ns;
use super::{LatencyEvidence, Unit, latency};
use crate::strings::Symbol;
use crate::test_rows::{MS, SpanRow, input, spans};
use crate::{Limits, Tables};
use proptest::prelude::*;

/// A request every 5 ms, 20 before the window and 20 in it.
fn requests(spans_of: impl Fn(u128, i64, bool) -> Vec<SpanRow>) -> Vec<SpanRow> {
    (0..40_i64).flat_map(|at| spans_of(at as u128 + 1, 5 * at * MS, at >= 20)).collect()
}

fn found(rows: &[SpanRow]) -> (Tables, LatencyEvidence) {
    let spans = [spans(rows)];
    let input = input(&spans);
    let tables = Tables::read(&input, &Limits::default()).expect("readable rows");
    let evidence = latency(&input, &tables);
    (tables, evidence)
}

fn of(tables: &Tables, evidence: &LatencyEvidence, service: &str) -> f64 {
    evidence.of_service(tables.strings.find(service).expect("a service"))
}

/// Scenario: children overlap, one outlives its parent, one lies outside of it.
/// Guarantees: what they cover of the parent counts once.
#[test]
fn exclusive_time_is_what_no_child_covers() {
    let child = |id, start, end| SpanRow::new(1, id, "a", "child").child_of(1).at(start, end);
    let rows = [
        SpanRow::new(1, 1, "a", "parent").at(0, 100),
        child(2, 10, 30),
        child(3, 20, 40),
        child(4, 25, 28),
        child(5, 90, 150),
        child(6, 120, 130),
    ];
    let tables = crate::test_rows::tables(&[spans(&rows)]);
    assert_eq!(exclusive_ns(&tables.traces, 0), 60);
}

/// Scenario: an operation takes 20 ms in the window and took 10 ms before.
/// Guarantees: growth is the lower bound of the logarithm, a little reduced; the slowest trace and instance are named.
#[test]
fn own_time_that_grew_is_evidence() {
    let rows = requests(|trace, start, is_slow| {
        let length = if is_slow { 20 } else { 10 };
        vec![SpanRow::new(trace, 1, "cart", "add").at(start, start + length * MS).on("cart-1")]
    });
    let (tables, evidence) = found(&rows);
    let error = (0.1_f64 / 38.0 * 0.1).sqrt();
    let expected = ((20.1_f64 / 10.1).ln() - 3.0 * error) * 10.0 / 11.0;
    assert!((of(&tables, &evidence, "cart") - expected).abs() < 1e-9, "{evidence:?} is not {expected}");
    let unit = &evidence.units[0];
    assert_eq!((unit.onset_ns, unit.n_before, unit.n_after), (Some(100 * MS), 20.0, 20.0));
    assert_eq!((unit.before_ms, unit.after_ms, unit.slowest_trace), (10.0, 20.0, Some(20)));
    assert_eq!(tables.strings.text(unit.instance), "cart-1");
}

/// A call from one service to another, of which both sides take as long as they are told.
fn call(trace: u128, id: u64, (caller, callee): (&str, &str), start: i64, gap: i64) -> [SpanRow; 2] {
    let client = SpanRow::new(trace, id, caller, "call").child_of(1).at(start, start + (2 + gap) * MS);
    let server = SpanRow::new(trace, id + 1, callee, "serve").child_of(id).at(start, start + 2 * MS);
    [client, server]
}

/// Scenario: calls of one service to two others become slow on the way; in another system, calls of two to one.
/// Guarantees: the gap belongs to the edge, and is charged to the side that all slow calls have in common.
#[test]
fn slow_calls_are_charged_to_the_common_side() {
    let gap = |is_slow| if is_slow { 20 } else { 1 };
    let starved = requests(|trace, start, is_slow| {
        let mut rows = vec![SpanRow::new(trace, 1, "web", "all").at(start, start + 60 * MS)];
        rows.extend(call(trace, 2, ("web", "cart"), start, gap(is_slow)));
        rows.extend(call(trace, 4, ("web", "pay"), start + 30 * MS, gap(is_slow)));
        rows
    });
    let (tables, evidence) = found(&starved);
    assert!(evidence.units.iter().any(|unit| unit.growth > 1.0 && matches!(unit.unit, Unit::Gap { .. })));
    // Both callees are slow in all calls to them too, so half stays with them: one each, of two against the caller.
    assert!(of(&tables, &evidence, "web") > of(&tables, &evidence, "cart") - 1e-9);
    let delayed = requests(|trace, start, is_slow| {
        let caller = if trace % 2 == 0 { "web" } else { "app" };
        let mut rows = vec![SpanRow::new(trace, 1, caller, "all").at(start, start + 60 * MS)];
        rows.extend(call(trace, 2, (caller, "cart"), start, gap(is_slow)));
        rows.extend(call(trace, 4, (caller, "pay"), start + 30 * MS, 1));
        rows
    });
    let (tables, evidence) = found(&delayed);
    assert!(of(&tables, &evidence, "cart") > 1.0, "{evidence:?}");
    assert!(
        ["web", "app", "pay"].iter().all(|other| of(&tables, &evidence, other).abs() < 0.2),
        "{evidence:?}"
    );
}

proptest! {
    /// Scenario: any edges between a few services, with any growth.
    /// Guarantees: what both sides get, times the calls that it is the mean of, adds up to the growth of each edge.
    #[test]
    fn charges_add_up(growths in prop::collection::btree_map((0..5_u32, 0..5_u32), 0.0..3.0_f64, 1..15)) {
        let edges = growths.into_iter().map(|((a, b), growth)| ((Symbol(a), Symbol(b)), growth)).collect();
        let charged = charged_edges(edges);
        for edge in &charged {
            let n_out = charged.iter().filter(|other| other.caller == edge.caller).count() as f64;
            let n_into = charged.iter().filter(|other| other.callee == edge.callee).count() as f64;
            prop_assert!((edge.to_caller * n_out + edge.to_callee * n_into - edge.growth).abs() < 1e-9);
            prop_assert!(edge.to_caller >= 0.0 && edge.to_callee >= 0.0);
        }
    }

    /// Scenario: any spans of one trace.
    /// Guarantees: exclusive time is neither negative nor longer than the span.
    #[test]
    fn exclusive_time_is_within_the_span(
        rows in prop::collection::vec((1..9_u64, 0..9_u64, -50..50_i64, 0..60_i64), 1..12),
    ) {
        let row = |(id, parent, start, length): &(u64, u64, i64, i64)| {
            SpanRow::new(1, *id, "a", "op").child_of(*parent).at(*start, start + length)
        };
        let tables = crate::test_rows::tables(&[spans(&rows.iter().map(row).collect::<Vec<_>>())]);
        for (at, span) in tables.traces.spans().iter().enumerate() {
            let exclusive = exclusive_ns(&tables.traces, at);
            prop_assert!((0..=span.end_ns - span.start_ns).contains(&exclusive));
        }
    }
}
