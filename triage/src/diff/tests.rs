//! Tests of the comparison of traces.

use super::*;
use crate::Tables;
use crate::test_rows::{SpanRow, spans, tables};
use proptest::prelude::*;

fn entry(tables: &Tables, trace: u128) -> usize {
    let at = tables.traces.trace_at(&trace.to_be_bytes()).expect("the trace");
    tables.traces.traces()[at].entry
}

fn shown(tables: &Tables, diff: &TreeDiff) -> Vec<String> {
    let one = |node: &DiffNode| {
        let [first, second] = node.sides.map(|side| format!("{}x {}", side.n_spans, side.duration_ns));
        let name = tables.strings.text(node.operation);
        format!("{}{name}: {first} | {second} {:?}", "  ".repeat(node.depth), node.presence())
    };
    diff.nodes.iter().map(one).collect()
}

/// Scenario: two requests of one kind: one reads its items one by one and misses its cache, the other asks once.
/// Guarantees: repeated calls are one node with a count, what is on one side only is told, in the order of the request.
#[test]
fn what_differs_is_told() {
    let one = |trace: u128, id: u64, parent: u64, name: &str, from: i64, to: i64| {
        SpanRow::new(trace, id, "shop", name).child_of(parent).at(from, to)
    };
    let tables = tables(&[spans(&[
        one(1, 1, 0, "GET", 0, 100),
        one(1, 2, 1, "query", 30, 60),
        one(1, 3, 1, "cache", 5, 10),
        one(2, 1, 0, "GET", 1_000, 1_400),
        one(2, 2, 1, "cache", 1_005, 1_010),
        one(2, 3, 2, "fill", 1_006, 1_009),
        one(2, 4, 1, "query", 1_030, 1_060),
        one(2, 5, 1, "query", 1_070, 1_160).failed("no"),
    ])]);
    let diff = tree_diff(&tables.traces, &[entry(&tables, 1)], &[entry(&tables, 2)]);
    let expected = [
        "GET: 1x 100 | 1x 400 Both",
        "  cache: 1x 5 | 1x 5 Both",
        "    fill: 0x 0 | 1x 3 OnlySecond",
        "  query: 1x 30 | 2x 120 Both",
    ];
    assert_eq!(shown(&tables, &diff), expected);
    assert_eq!((diff.nodes[3].sides[1].n_errors, diff.nodes[2].parent), (1, Some(1)));
    assert_eq!(tree_diff(&tables.traces, &[], &[99]), TreeDiff::default());
}

/// Scenario: a trace ten thousand spans deep, and one with as many names as spans.
/// Guarantees: neither recursion nor an endless tree; what is left out is counted.
#[test]
fn deep_and_many_names_are_survived() {
    let deep: Vec<_> =
        (1..=9_000).map(|id| SpanRow::new(1, id, "a", "op").child_of(id - 1).at(0, 100)).collect();
    let wide = (2..=12_000).map(|id| SpanRow::new(2, id, "a", &format!("op {id}")).child_of(1).at(0, 1));
    let mut rows = deep;
    rows.push(SpanRow::new(2, 1, "a", "root").at(0, 100));
    rows.extend(wide);
    let tables = tables(&[spans(&rows)]);
    let diff = tree_diff(&tables.traces, &[entry(&tables, 1)], &[entry(&tables, 2)]);
    assert_eq!((diff.nodes.len(), diff.n_left_out), (N_NODES_MAX, [0, 11_000]));
}

proptest! {
    /// Scenario: two cohorts of any traces.
    /// Guarantees: nodes add up to the spans of their side; a cohort does not differ from itself; neither order nor other
    /// traces change anything.
    #[test]
    fn nodes_add_up(parents in prop::collection::vec((0..9u64, 0..3u8), 2..40), shift in 0..40usize) {
        let mut rows: Vec<_> = parents
            .iter()
            .enumerate()
            .map(|(at, (parent, name))| {
                let (trace, id) = (at as u128 % 4 + 1, at as u64 / 4 + 1);
                let parent = if id == 1 { 0 } else { parent % (id - 1) + 1 };
                let start = 10 * at as i64;
                SpanRow::new(trace, id, "a", ["x", "y", "z"][*name as usize]).child_of(parent).at(start, start + 50)
            })
            .collect();
        let read = |rows: &[SpanRow]| {
            let tables = tables(&[spans(rows)]);
            let entries: Vec<_> =
                tables.traces.traces().iter().filter(|trace| trace.trace_id[15] != 99).map(|trace| trace.entry).collect();
            let (one, two) = entries.split_at(entries.len() / 2);
            let diff = tree_diff(&tables.traces, one, two);
            let twice = tree_diff(&tables.traces, one, one);
            (shown(&tables, &diff), diff, twice)
        };
        let (lines, diff, twice) = read(&rows);
        let n_spans: u64 = diff.nodes.iter().flat_map(|node| node.sides).map(|side| side.n_spans).sum();
        prop_assert_eq!(n_spans, rows.len() as u64);
        prop_assert!(twice.nodes.iter().all(|node| node.sides[0] == node.sides[1]));
        let n_rows = rows.len();
        rows.rotate_left(shift % n_rows);
        rows.push(SpanRow::new(99, 1, "other", "job").at(0, 1));
        prop_assert_eq!(read(&rows).0, lines);
    }
}
