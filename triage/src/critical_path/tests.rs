//! Tests of the critical path: shape by shape, other people's cases, and properties of any input.

use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::Value;
use std::path::PathBuf;

fn id(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

fn span(number: u64, parent: u64, start_ns: i64, end_ns: i64) -> PathSpan {
    let parent_span_id = (parent != 0).then(|| id(parent));
    PathSpan { span_id: id(number), parent_span_id, start_ns, end_ns, kind: PathKind::Other }
}

fn check(spans: &[PathSpan], expected: Expect) {
    let lines = critical_path(spans).into_iter().map(|section| {
        let id = u64::from_be_bytes(spans[section.span].span_id);
        format!("{id}: {}..{}\n", section.from_ns, section.to_ns)
    });
    expected.assert_eq(&lines.collect::<String>());
}

/// Scenario: a root calls two children one after the other, with work of its own between them.
/// Guarantees: each child owns its stretch, and the gaps belong to the root.
#[test]
fn gaps_belong_to_the_parent() {
    check(
        &[span(1, 0, 0, 100_000), span(2, 1, 10_000, 40_000), span(3, 1, 60_000, 90_000)],
        expect![[r#"
            1: 0..10000
            2: 10000..40000
            1: 40000..60000
            3: 60000..90000
            1: 90000..100000
        "#]],
    );
}

/// Scenario: two calls run at the same time and the shorter one ends first.
/// Guarantees: only the one that finished last was waited for.
#[test]
fn of_parallel_calls_the_last_to_finish_counts() {
    check(
        &[span(1, 0, 0, 100_000), span(2, 1, 10_000, 50_000), span(3, 1, 10_000, 90_000)],
        expect![[r#"
            1: 0..10000
            3: 10000..90000
            1: 90000..100000
        "#]],
    );
}

/// Scenario: a call starts at the very moment its sibling ends, or a moment less than a microsecond before.
/// Guarantees: both are on the path, and no moment is counted twice.
#[test]
fn back_to_back_calls_are_both_on_the_path() {
    check(
        &[
            span(1, 0, 0, 90_000),
            span(2, 1, 0, 30_000),
            span(3, 1, 30_000, 60_500),
            span(4, 1, 60_000, 90_000),
        ],
        expect![[r#"
            2: 0..30000
            3: 30000..60000
            4: 60000..90000
        "#]],
    );
}

/// Scenario: children that start before their parent, outlive it, or lie wholly outside, with grandchildren.
/// Guarantees: a child is cut to its parent, top down; what lies outside is left out with all below it.
#[test]
fn children_are_cut_to_their_parent() {
    check(
        &[
            span(1, 0, 10_000, 50_000),
            span(2, 1, 0, 20_000),
            span(3, 1, 30_000, 53_000),
            span(4, 3, 40_000, 95_000),
            span(5, 1, 60_000, 70_000),
            span(6, 5, 20_000, 30_000),
        ],
        expect![[r#"
            2: 10000..20000
            1: 20000..30000
            3: 30000..40000
            4: 40000..50000
        "#]],
    );
}

/// Scenario: a producer with a consumer below it, and a server with a consumer below it.
/// Guarantees: the producer is not held up by the consumer; any other parent waits for its child.
#[test]
fn a_producer_does_not_wait_for_its_consumer() {
    let mut spans = vec![span(1, 0, 0, 30_000), span(2, 1, 10_000, 20_000), span(3, 2, 12_000, 14_000)];
    spans[1].kind = PathKind::Consumer;
    check(
        &spans,
        expect![[r#"
            1: 0..10000
            2: 10000..12000
            3: 12000..14000
            2: 14000..20000
            1: 20000..30000
        "#]],
    );
    spans[0].kind = PathKind::Producer;
    check(
        &spans,
        expect![[r#"
            1: 0..30000
        "#]],
    );
}

/// Scenario: a request starts work that goes on long after the answer, calls another service, and sends a message
/// whose reader is still busy when the answer is out.
/// Guarantees: none of the answer's time is charged to what nobody waited for.
#[test]
fn nobody_waits_for_what_goes_on_after_the_answer() {
    let mut spans = vec![
        span(1, 0, 0, 100_000),
        span(2, 1, 10_000, 80_000),
        span(3, 1, 20_000, 500_000),
        span(4, 1, 30_000, 101_500),
    ];
    spans[3].kind = PathKind::Consumer;
    check(
        &spans,
        expect![[r#"
            1: 0..10000
            2: 10000..80000
            1: 80000..100000
        "#]],
    );
    let asynchronous: Vec<_> = spans.iter().map(|child| is_asynchronous(&spans[0], child)).collect();
    assert_eq!(asynchronous, [false, false, true, true]);
}

/// Scenario: the last of two calls ends a little after its caller, and an only call ends long after.
/// Guarantees: both were waited for: ends are not that exact, and clocks of two hosts differ.
#[test]
fn a_late_end_alone_does_not_make_a_call_asynchronous() {
    check(
        &[span(1, 0, 0, 100_000), span(2, 1, 0, 40_000), span(3, 1, 50_000, 109_000)],
        expect![[r#"
            2: 0..40000
            1: 40000..50000
            3: 50000..100000
        "#]],
    );
    check(
        &[span(1, 0, 0, 100_000), span(2, 1, 30_000, 180_000)],
        expect![[r#"
            1: 0..30000
            2: 30000..100000
        "#]],
    );
}

/// Scenario: the path of a span inside a trace, of one in a ring of parents, and of one that is not there.
/// Guarantees: its own time is covered, whatever is above it.
#[test]
fn any_span_can_be_the_top_of_a_path() {
    let spans = [span(1, 0, 0, 100_000), span(2, 1, 10_000, 80_000), span(3, 2, 20_000, 50_000)];
    assert_covers(&critical_path_below(&spans, 1), 10_000, 80_000);
    assert_eq!(critical_path_below(&spans, 1).len(), 3);
    let ring = [span(1, 2, 0, 50_000), span(2, 1, 0, 50_000), span(3, 3, 0, 50_000)];
    assert_covers(&critical_path_below(&ring, 0), 0, 50_000);
    assert_covers(&critical_path_below(&ring, 2), 0, 50_000);
    assert_eq!(critical_path_below(&ring, 3), []);
}

/// Scenario: two requests share a trace id one after the other, beside a short stray root and one marked by
/// a parent id of zeros.
/// Guarantees: each request has its path; a root inside another's time has none.
#[test]
fn several_roots_follow_each_other() {
    let mut spans = vec![
        span(1, 0, 50_000, 90_000),
        span(2, 0, 0, 40_000),
        span(3, 2, 10_000, 20_000),
        span(4, 0, 39_000, 41_000),
    ];
    spans[0].parent_span_id = Some([0; 8]);
    check(
        &spans,
        expect![[r#"
            2: 0..10000
            3: 10000..20000
            2: 20000..40000
            1: 50000..90000
        "#]],
    );
    assert_eq!(path_roots(&spans), [1, 0]);
}

/// Scenario: a span that is its own parent, two that are each other's, an orphan, an id used twice, and spans
/// without or with negative length.
/// Guarantees: whatever no root leads to is left out, and the first holder of an id is the parent.
#[test]
fn broken_parents_are_survived() {
    check(
        &[
            span(1, 0, 0, 50_000),
            span(2, 2, 0, 50_000),
            span(3, 4, 0, 50_000),
            span(4, 3, 0, 50_000),
            span(5, 99, 0, 50_000),
            span(6, 1, 10_000, 40_000),
            span(6, 1, 10_000, 40_000),
            span(7, 6, 20_000, 30_000),
            span(8, 1, 45_000, 45_000),
            span(9, 1, 48_000, 42_000),
        ],
        expect![[r#"
            1: 0..10000
            6: 10000..20000
            7: 20000..30000
            6: 30000..40000
            1: 40000..50000
        "#]],
    );
    check(&[span(5, 99, 0, 50_000)], expect![[""]]);
    check(&[span(1, 0, 50, 40)], expect![[""]]);
    check(&[], expect![[""]]);
}

/// Scenario: timestamps at both ends of what 64 bits hold.
/// Guarantees: nothing overflows.
#[test]
fn extreme_timestamps_are_survived() {
    check(
        &[span(1, 0, i64::MIN, i64::MAX), span(2, 1, 0, i64::MAX), span(3, 0, i64::MAX, i64::MIN)],
        expect![[r#"
            1: -9223372036854775808..0
            2: 0..9223372036854775807
        "#]],
    );
}

/// Scenario: a chain of calls 10,000 deep, and a root with 100,000 children that all overlap.
/// Guarantees: both end, without recursion and without looking at each pair.
#[test]
fn deep_and_wide_traces_end() {
    let deep: Vec<_> = (1..=10_000).map(|n| span(n, n - 1, n as i64, 40_000 - n as i64)).collect();
    let sections = critical_path(&deep);
    assert_eq!(sections.len(), 2 * 10_000 - 1);
    assert_covers(&sections, 1, 39_999);
    let mut wide: Vec<_> =
        (2..100_000).map(|n| span(n, 1, n as i64 * 2_000, n as i64 * 2_000 + 10_000)).collect();
    wide.push(span(1, 0, 0, 300_000_000));
    assert_covers(&critical_path(&wide), 0, 300_000_000);
}

fn assert_covers(sections: &[Section], from_ns: i64, to_ns: i64) {
    assert_eq!(sections.first().map(|section| section.from_ns), Some(from_ns));
    assert_eq!(sections.last().map(|section| section.to_ns), Some(to_ns));
    assert!(sections.iter().all(|section| section.from_ns < section.to_ns));
    assert!(sections.windows(2).all(|pair| pair[0].to_ns == pair[1].from_ns));
}

proptest! {
    /// Scenario: any spans, with clashing ids, any parents and any times.
    /// Guarantees: sections are in time order, not empty, do not overlap, and lie within their own span.
    #[test]
    fn sections_of_any_input_are_sound(spans in prop::collection::vec(any_span(), 0..60)) {
        let sections = critical_path(&spans);
        for section in &sections {
            prop_assert!(section.from_ns < section.to_ns);
            prop_assert!(spans[section.span].start_ns <= section.from_ns);
            prop_assert!(section.to_ns <= spans[section.span].end_ns);
        }
        prop_assert!(sections.windows(2).all(|pair| pair[0].to_ns <= pair[1].from_ns));
        let on_path: i128 = sections.iter().map(|section| i128::from(section.to_ns - section.from_ns)).sum();
        let in_roots: i128 = path_roots(&spans).into_iter().map(|at| length_ns(&spans[at])).sum();
        prop_assert_eq!(on_path, in_roots);
    }

    /// Scenario: one root over spans whose parent is the root or an earlier span, at any times.
    /// Guarantees: the sections cover the root's time from start to end without a gap.
    #[test]
    fn sections_cover_one_root(children in prop::collection::vec((any::<prop::sample::Index>(), 0..90_000i64, 1..60_000i64), 0..40)) {
        let mut spans = vec![span(1, 0, 5_000, 80_000)];
        for (parent, start_ns, length_ns) in children {
            let parent = u64::from_be_bytes(spans[parent.index(spans.len())].span_id);
            spans.push(span(spans.len() as u64 + 1, parent, start_ns, start_ns + length_ns));
        }
        assert_covers(&critical_path(&spans), 5_000, 80_000);
    }

    /// Scenario: spans of one trace arrive in another order, and one comes with them that no parent links to it.
    /// Guarantees: the same spans are on the path at the same times.
    #[test]
    fn neither_order_nor_strangers_change_the_path(
        children in prop::collection::vec((any::<prop::sample::Index>(), 0..90_000i64, 1..60_000i64), 0..20),
        shift in 0..20usize,
    ) {
        let mut spans = vec![span(1, 0, 5_000, 80_000)];
        for (parent, start_ns, length_ns) in children {
            let parent = u64::from_be_bytes(spans[parent.index(spans.len())].span_id);
            let number = spans.len() as u64 + 1;
            spans.push(span(number, parent, start_ns, start_ns + length_ns));
        }
        let expected = by_id(&spans);
        let n_spans = spans.len();
        spans.rotate_left(shift % n_spans);
        spans.push(span(999, 998, 20_000, 70_000));
        prop_assert_eq!(by_id(&spans), expected);
    }
}

fn by_id(spans: &[PathSpan]) -> Vec<([u8; 8], i64, i64)> {
    let sections = critical_path(spans).into_iter();
    sections.map(|section| (spans[section.span].span_id, section.from_ns, section.to_ns)).collect()
}

fn any_span() -> impl Strategy<Value = PathSpan> {
    let kind = prop_oneof![Just(PathKind::Other), Just(PathKind::Producer), Just(PathKind::Consumer)];
    (1..20u64, 0..20u64, 0..50_000i64, 0..50_000i64, kind)
        .prop_map(|(number, parent, start, end, kind)| PathSpan { kind, ..span(number, parent, start, end) })
}

/// Scenario: traces of other projects with the sections they expect.
/// Guarantees: the same sections; where they expect the complaint that there is no root, no root is found.
#[test]
fn known_traces_have_the_expected_path() {
    let Some(fixture) = fixture() else { return };
    for case in fixture["cases"].as_array().unwrap() {
        let (spans, ids) = read_spans(&case["spans"]);
        let found: Vec<_> =
            critical_path(&spans).into_iter().rev().map(|section| read_section(&ids, &section)).collect();
        match case.get("expected_sections") {
            Some(expected) => assert_eq!(&Value::from(found), expected, "case {}", case["id"]),
            None => assert!(path_roots(&spans).is_empty() && found.is_empty(), "case {}", case["id"]),
        }
    }
}

/// Scenario: traces of other projects with the bounds they expect after cutting children to parents.
/// Guarantees: the same bounds, and the same spans left out.
#[test]
fn known_traces_are_cut_as_expected() {
    let Some(fixture) = fixture() else { return };
    for case in fixture["sanitize"].as_array().unwrap() {
        let (spans, ids) = read_spans(&case["spans"]);
        let children = children_by_parent(&spans);
        let mut found = serde_json::Map::new();
        for node in path_roots(&spans).into_iter().flat_map(|root| clip_tree(&spans, &children, root)) {
            let bounds = [node.start_ns / 1_000, (node.end_ns - node.start_ns) / 1_000];
            found.insert(ids[node.span].clone(), bounds.to_vec().into());
        }
        assert_eq!(&Value::from(found), &case["expected"], "case {}", case["name"]);
    }
}

/// Scenario: children of one span, with and without a moment by which they must have ended.
/// Guarantees: the same child is chosen as in other projects.
#[test]
fn known_children_are_chosen_as_expected() {
    let Some(fixture) = fixture() else { return };
    for case in fixture["last_finishing_child"].as_array().unwrap() {
        let (mut spans, mut ids) = read_spans(&case["children"]);
        let parent = case["children"][0]["parent"].as_str().map_or(0, |id| number_of(&mut ids, id));
        spans.push(span(parent, 0, 0, 10_000_000));
        let tree = clip_tree(&spans, &children_by_parent(&spans), spans.len() - 1);
        let before_ns = case["before_us"].as_i64().map_or(tree[0].end_ns, |us| us * 1_000);
        let found = last_finishing(&tree, &mut opened(&tree, 0, before_ns));
        let found = found.map_or(Value::Null, |at| ids[tree[at].span].clone().into());
        assert_eq!(&found, &case["expected"], "case {}", case["name"]);
    }
}

fn fixture() -> Option<Value> {
    let folder = std::env::var_os("FIRSTFAULT_FIXTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures")),
        PathBuf::from,
    );
    let path = folder.join("jaeger/critical_path.json");
    if !path.exists() {
        println!("SKIPPED critical_path: {} not found", path.display());
        return None;
    }
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

/// Spans in input order with their ids. A span that only follows from another is what OTLP calls a link: it
/// is left out, and with it everything below.
fn read_spans(values: &Value) -> (Vec<PathSpan>, Vec<String>) {
    let mut ids = Vec::new();
    let values: Vec<_> =
        values.as_array().into_iter().flatten().filter(|value| value["relation"] != "FOLLOWS_FROM").collect();
    for value in &values {
        number_of(&mut ids, value["id"].as_str().unwrap());
    }
    let mut names = ids.clone();
    let spans = values.iter().map(|value| read_span(&mut names, value)).collect();
    (spans, ids)
}

fn read_span(ids: &mut Vec<String>, value: &Value) -> PathSpan {
    let number = number_of(ids, value["id"].as_str().unwrap());
    let parent = value["parent"].as_str().map_or(0, |parent| number_of(ids, parent));
    let start_us = value["start_us"].as_i64().unwrap();
    let end_us = start_us + value["duration_us"].as_i64().unwrap();
    let kind = match value["kind"].as_str() {
        Some("producer") => PathKind::Producer,
        Some("consumer") => PathKind::Consumer,
        _ => PathKind::Other,
    };
    PathSpan { kind, ..span(number, parent, start_us * 1_000, end_us * 1_000) }
}

/// Numbers count from 1 in order of first appearance, so that span 0 stands for "no parent".
fn number_of(ids: &mut Vec<String>, id: &str) -> u64 {
    let at = ids.iter().position(|known| known == id).unwrap_or_else(|| {
        ids.push(id.to_owned());
        ids.len() - 1
    });
    at as u64 + 1
}

fn read_section(ids: &[String], section: &Section) -> Value {
    let (start_us, end_us) = (section.from_ns / 1_000, section.to_ns / 1_000);
    serde_json::json!({ "span": ids[section.span], "start_us": start_us, "end_us": end_us })
}
