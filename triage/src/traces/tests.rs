//! Rows become traces: order, parents and stretches of time.

use super::{SpanKind, Traces};
use crate::test_rows::{SpanRow, spans, tables};

fn names(tables: &crate::Tables) -> Vec<String> {
    let of = |symbol| tables.strings.text(symbol).to_owned();
    tables.traces.spans().iter().map(|span| of(span.operation)).collect()
}

fn parents(traces: &Traces) -> Vec<Option<usize>> {
    (0..traces.spans().len()).map(|span| traces.parent(span)).collect()
}

/// Scenario: two traces arrive interleaved, children first, one span twice.
/// Guarantees: traces lie together by id, spans by start, parents and children are found, the copy counts once.
#[test]
fn spans_lie_trace_by_trace() {
    let rows = [
        SpanRow::new(2, 21, "web", "index").at(50, 90),
        SpanRow::new(1, 12, "cart", "add").child_of(11).at(20, 30).kind("server"),
        SpanRow::new(1, 11, "web", "checkout").at(10, 40),
        SpanRow::new(1, 12, "cart", "add").child_of(11).at(20, 30).kind("server"),
    ];
    let tables = tables(&[spans(&rows[..1]), spans(&rows[1..])]);
    let traces = &tables.traces;
    assert_eq!(names(&tables), ["checkout", "add", "index"]);
    assert_eq!(parents(traces), [None, Some(0), None]);
    assert_eq!((traces.children(0), traces.children(1)), (&[1][..], &[][..]));
    assert_eq!((traces.callee(0), traces.callee(1)), (Some(1), None));
    assert_eq!(traces.traces().iter().map(|trace| trace.entry).collect::<Vec<_>>(), [0, 2]);
    assert_eq!((traces.n_duplicates, traces.spans()[1].kind), (1, SpanKind::Server));
}

/// Scenario: a span is its own parent, three form a ring, one names a parent that never came.
/// Guarantees: the first of each is a root, so that walking up always ends; only the last is an orphan without a ring.
#[test]
fn parents_form_a_forest() {
    let rows = [
        SpanRow::new(1, 11, "a", "self").child_of(11).at(1, 9),
        SpanRow::new(2, 21, "a", "first").child_of(23).at(1, 9),
        SpanRow::new(2, 22, "a", "second").child_of(21).at(2, 9),
        SpanRow::new(2, 23, "a", "third").child_of(22).at(3, 9),
        SpanRow::new(3, 31, "a", "lost").child_of(99).at(1, 9),
    ];
    let tables = tables(&[spans(&rows)]);
    assert_eq!(parents(&tables.traces), [None, None, Some(1), Some(2), None]);
    assert!(tables.traces.is_orphan(4));
}

/// Scenario: there are four times as many spans as the limit.
/// Guarantees: about a quarter of the traces is kept, each whole.
#[test]
fn whole_traces_are_left_out_above_the_limit() {
    let rows: Vec<_> = (1..=2_000_u64)
        .map(|at| SpanRow::new(at.div_ceil(2) as u128, at, "a", "op").at(at as i64, at as i64 + 1))
        .collect();
    let limits = crate::Limits { n_spans_max: 500, ..crate::Limits::default() };
    let tables = crate::test_rows::tables_within(&[spans(&rows)], &limits);
    let n_traces = tables.traces.traces().len();
    assert!((200..300).contains(&n_traces), "kept {n_traces}");
    assert!(tables.traces.traces().iter().all(|trace| trace.spans.len() == 2));
}
