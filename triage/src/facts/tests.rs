//! Tests of the facts of one trace.

use super::*;
use crate::Tables;
use crate::test_rows::{SpanRow, spans, tables};
use proptest::prelude::*;

fn read(rows: &[SpanRow]) -> (Tables, TraceFacts) {
    let tables = tables(&[spans(rows)]);
    let facts = trace_facts(&tables.traces, 0).expect("a trace");
    (tables, facts)
}

/// Scenario: a request with overlapping calls, work that goes on afterwards, a database without spans, and a span whose
/// parent never came.
/// Guarantees: self time is what no child covers, services are told with their part, and what is missing is marked.
#[test]
fn a_trace_is_summed_up() {
    let (tables, facts) = read(&[
        SpanRow::new(1, 1, "web", "GET").kind("server").at(0, 100_000),
        SpanRow::new(1, 2, "web", "a").child_of(1).at(10_000, 40_000),
        SpanRow::new(1, 3, "web", "b").child_of(1).at(20_000, 60_000).failed("no"),
        SpanRow::new(1, 4, "web", "read").kind("client").child_of(3).at(30_000, 50_000),
        SpanRow::new(1, 5, "web", "later").child_of(1).at(90_000, 400_000),
        SpanRow::new(1, 6, "mail", "lost").child_of(99).at(70_000, 80_000),
    ]);
    assert_eq!(facts.self_ns, [40_000, 30_000, 20_000, 20_000, 10_000, 310_000]);
    assert_eq!((facts.duration_ns, facts.entry_ns, facts.depth, facts.n_errors), (400_000, 100_000, 3, 1));
    let services: Vec<_> =
        facts.services.iter().map(|of| (tables.strings.text(of.service), of.n_spans, of.path_ns)).collect();
    assert_eq!(services, [("web", 5, 100_000), ("mail", 1, 0)]);
    let marks = TraceMarks {
        n_orphans: 1,
        n_missing: 1,
        n_without_server: 1,
        n_asynchronous: 1,
        ..TraceMarks::default()
    };
    assert_eq!(facts.marks, marks);
}

/// Scenario: the root of a trace never came; two of its children did.
/// Guarantees: it is marked, one parent is missing, and the path is that of the earliest span.
#[test]
fn a_missing_root_is_told() {
    let (_, facts) = read(&[
        SpanRow::new(1, 2, "web", "a").child_of(1).at(10, 40),
        SpanRow::new(1, 3, "cart", "b").child_of(1).at(50, 60),
        SpanRow::new(1, 4, "cart", "c").child_of(2).at(20, 30),
    ]);
    assert_eq!((facts.marks.is_root_missing, facts.marks.n_orphans, facts.marks.n_missing), (true, 2, 1));
    let path: i64 = facts.path.iter().map(|section| section.to_ns - section.from_ns).sum();
    assert_eq!((path, facts.entry_ns), (30, 30));
}

/// Scenario: a server's clock is far ahead of its client's.
/// Guarantees: the client's own time is what is left beside the server's, and the trace is as long as the request.
#[test]
fn clocks_are_corrected_before_times_are_compared() {
    let (_, facts) = read(&[
        SpanRow::new(1, 1, "web", "call").kind("client").at(0, 100),
        SpanRow::new(1, 2, "cart", "serve").kind("server").child_of(1).at(9_000, 9_060),
    ]);
    assert_eq!((facts.self_ns.as_slice(), facts.duration_ns), (&[40, 60][..], 100));
    assert_eq!((facts.marks.n_moved_clocks, facts.marks.n_asynchronous), (1, 0));
}

proptest! {
    /// Scenario: calls below one root, each inside its parent, siblings one after the other.
    /// Guarantees: self times and the sections of the path both add up to the root's duration, and services' parts to
    /// the same; an unrelated trace changes nothing.
    #[test]
    fn parts_add_up(widths in prop::collection::vec(1..50i64, 1..30), split in 1..4usize) {
        let mut rows = vec![SpanRow::new(7, 1, "s0", "root").at(0, 1_000_000)];
        let mut next = vec![0; widths.len() + 2];
        for (at, width) in widths.iter().enumerate() {
            let parent = at / split;
            let outer = (rows[parent].start, rows[parent].end);
            let start = outer.0 + next[parent];
            let end = (start + (outer.1 - outer.0) * width / 200).min(outer.1);
            next[parent] = end - outer.0;
            let row = SpanRow::new(7, at as u64 + 2, &format!("s{}", at % 3), "op").child_of(parent as u64 + 1);
            rows.push(row.at(start, end));
        }
        let (_, facts) = read(&rows);
        prop_assert_eq!(facts.self_ns.iter().sum::<i64>(), 1_000_000);
        prop_assert_eq!(facts.services.iter().map(|of| of.path_ns).sum::<i64>(), 1_000_000);
        prop_assert_eq!(facts.services.iter().map(|of| of.self_ns).sum::<i64>(), 1_000_000);
        rows.push(SpanRow::new(8, 1, "s0", "other").at(5, 10));
        rows.rotate_left(widths.len() / 2);
        let (_, again) = read(&rows);
        prop_assert_eq!(again.self_ns, facts.self_ns);
        prop_assert_eq!(again.path, facts.path);
    }
}
