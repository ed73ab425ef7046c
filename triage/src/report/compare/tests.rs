//! Tests of comparisons: a shop whose requests differ in tenant, time and calls.

use super::*;
use crate::report::KeyValue;
use crate::test_rows::{MS, SpanRow, spans};
use proptest::prelude::*;

/// A request of a trace: the front, the call it makes and who answers; enterprise tenants also ask for a discount.
fn request(trace: u128, is_enterprise: bool, more_ns: i64) -> Vec<SpanRow> {
    let at = trace as i64 * 100 * MS;
    let span =
        |id: u64, parent: u64, service: &str, name: &str, kind: &'static str, (from, to): (i64, i64)| {
            SpanRow::new(trace, id, service, name).child_of(parent).kind(kind).at(at + from, at + to)
        };
    let tenant = if is_enterprise { "enterprise" } else { "free" };
    let front = span(1, 0, "web", "GET /", "server", (0, 10 * MS + more_ns));
    let mut rows = vec![
        front.with("tenant", tenant).with("side", if more_ns > 0 { "slow" } else { "fast" }),
        span(2, 1, "web", "charge", "client", (MS, 9 * MS + more_ns)),
        span(3, 2, "pay", "charge", "server", (2 * MS, 8 * MS + more_ns)),
    ];
    if is_enterprise {
        rows.push(span(4, 3, "pay", "discount", "internal", (3 * MS, 4 * MS)));
    }
    rows
}

/// Slow requests of enterprise tenants, and as many fast ones of others.
fn both(n: u128) -> [Vec<SpanRow>; 2] {
    let slow = (1..=n).flat_map(|trace| request(trace, true, 20 * MS)).collect();
    [slow, (n + 1..=2 * n).flat_map(|trace| request(trace, false, 0)).collect()]
}

fn fronts(rows: &[SpanRow]) -> RecordBatch {
    spans(&rows.iter().filter(|row| row.service == "web" && row.parent == 0).cloned().collect::<Vec<_>>())
}

fn side(rows: &[RecordBatch]) -> ComparedSide<'_> {
    let n = rows.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
    ComparedSide::Requests { rows, n, n_errors: 0, one_in: 1 }
}

fn compared(sides: &[Vec<SpanRow>; 2], traces: &[SpanRow], known_keys: &[String]) -> Comparison {
    let [first, second] = [[fronts(&sides[0])], [fronts(&sides[1])]];
    let compared = Compared {
        sides: [side(&first), side(&second)],
        traces: &[spans(traces)],
        known_keys,
        is_of_failures: false,
        is_cut: false,
    };
    compare(&compared, &Limits::default()).expect("readable rows")
}

/// Scenario: slow requests beside fast ones; the sides were chosen by an attribute that says so.
/// Guarantees: the tenant tells them apart although only slow ones have it, the attribute they were chosen by does not;
/// the added time is the callee's and its parts add up; the call that only one side makes is in the tree.
#[test]
fn two_cohorts_are_told_apart() {
    let sides = both(60);
    let found = compared(&sides, &sides.concat(), &["side".to_owned()]);
    let [first, second] = &found.sides;
    assert_eq!((first.n, first.n_read, first.n_traced, second.n_traced), (60, 60, 60, 60));
    assert_eq!((first.p50_ns, second.p99_ns), (Some(30 * MS), Some(10 * MS)));
    let attributes = found.attributes.as_ref().expect("requests");
    assert_eq!(attributes.kept[0].pairs[0].value.as_deref(), Some("enterprise"), "{attributes:#?}");
    assert_eq!(attributes.kept[0].precision, 1.0);
    assert!(attributes.ruled_out.iter().any(|said| said.contains("side")), "{:?}", attributes.ruled_out);
    assert!(attributes.kept.iter().all(|one| one.pairs[0].key != "side"), "{attributes:#?}");
    let latency = found.latency.as_ref().expect("traces");
    let added: f64 = latency.parts.iter().map(|part| part.now_ns - part.before_ns).sum();
    assert!((added - (latency.now_ns - latency.before_ns)).abs() < 1.0, "{latency:#?}");
    assert_eq!((latency.parts[0].service.as_str(), latency.parts[0].callee.as_ref()), ("pay", None));
    let discount = found.tree.iter().find(|node| node.operation == "discount").expect("a call");
    assert_eq!(discount.sides.map(|side| side.spans_per_request), [1.0, 0.0]);
    assert_eq!(discount.parent.map(|parent| found.tree[parent].service.as_str()), Some("pay"));
    assert!(found.sentences[0].contains("60 requests") && found.sentences[2].contains("pay"), "{found:?}");
    assert!(found.marks.is_empty(), "{:?}", found.marks);
}

/// Scenario: the slow side failed, and what only failed requests say is not what is looked for.
/// Guarantees: it is ruled out as a symptom, and would be told if it were a difference.
#[test]
fn failures_have_symptoms() {
    let mut sides = both(60);
    for row in sides[0].iter_mut().filter(|row| row.parent == 0) {
        *row = row.clone().with("error.type", "Timeout");
    }
    let [first, second] = [[fronts(&sides[0])], [fronts(&sides[1])]];
    let of =
        |is_of_failures| {
            let traces = [spans(&sides.concat())];
            let sides = [side(&first), side(&second)];
            let compared = Compared { sides, traces: &traces, known_keys: &[], is_of_failures, is_cut: true };
            let found = compare(&compared, &Limits::default()).expect("readable rows");
            assert!(found.marks.iter().any(|mark| mark.kind == "partial"), "{:?}", found.marks);
            let is_it = |key: &KeyValue| key.key == "error.type";
            found.attributes.expect("requests").kept.iter().any(|one| {
                one.pairs.iter().any(is_it) || one.same.iter().any(|same| same.contains("error.type"))
            })
        };
    assert_eq!([true, false].map(of), [false, true]);
}

/// Scenario: two traces by their ids, one of which is not there; then both are.
/// Guarantees: attributes are not compared; what is missing has no figures, and the others say what differs.
#[test]
fn two_traces_are_compared_by_shape() {
    let rows = [request(1, true, 5 * MS), request(2, false, 0)].concat();
    let of = |second: u128| {
        let sides = [1_u128, second].map(|id| ComparedSide::Trace(id.to_be_bytes()));
        let traces = [spans(&rows)];
        let compared =
            Compared { sides, traces: &traces, known_keys: &[], is_of_failures: false, is_cut: false };
        assert_eq!(traces_to_read(sides, 9).expect("ids")[0], [1_u128.to_be_bytes()]);
        compare(&compared, &Limits::default()).expect("readable rows")
    };
    let missing = of(7);
    assert_eq!((missing.sides[0].n, missing.sides[1].n, missing.latency), (1, 0, None));
    let found = of(2);
    assert_eq!((found.sides[0].p50_ns, found.sides[1].p50_ns), (Some(15 * MS), Some(10 * MS)));
    assert!(found.attributes.is_none() && found.tree.len() == 4, "{found:#?}");
    assert_eq!(found.latency.expect("both").parts[0].service, "pay");
}

/// Scenario: no rows at all, and a side that has few.
/// Guarantees: nothing is claimed, and why is said.
#[test]
fn too_little_says_nothing() {
    let sides = both(3);
    for sides in [[sides[0].clone(), Vec::new()], sides] {
        let found = compared(&sides, &sides.concat(), &[]);
        let attributes = found.attributes.expect("requests");
        assert!(attributes.kept.is_empty() && attributes.silent.is_some(), "{attributes:#?}");
        assert!(found.marks.iter().any(|mark| mark.kind == "low_support"), "{:?}", found.marks);
    }
}

/// Scenario: more traces than are to be read, in two orders.
/// Guarantees: as many as asked for, the same ones.
#[test]
fn the_same_traces_are_chosen() {
    let [slow, fast] = both(40);
    let mut other = slow.clone();
    other.reverse();
    let of = |rows: &[SpanRow]| {
        let (first, second) = ([fronts(rows)], [fronts(&fast)]);
        traces_to_read([side(&first), side(&second)], 10).expect("ids")
    };
    assert_eq!(of(&slow), of(&other));
    assert_eq!(of(&slow).map(|ids| ids.len()), [10, 10]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Scenario: requests that take any time longer, in any order of rows, beside a trace that is on no side.
    /// Guarantees: the same document to the last digit, and parts that add up to the whole.
    #[test]
    fn neither_order_nor_strangers_change_a_comparison(
        more in prop::collection::vec((any::<bool>(), 0..50 * MS), 2..40),
        n_first in 1..39_usize,
        shift in 0..100_usize,
    ) {
        let n_first = n_first.min(more.len() - 1);
        let of = |(at, (is_enterprise, more_ns)): (usize, &(bool, i64))| request(at as u128 + 1, *is_enterprise, *more_ns);
        let requests: Vec<Vec<SpanRow>> = more.iter().enumerate().map(of).collect();
        let sides = [requests[..n_first].concat(), requests[n_first..].concat()];
        let whole = compared(&sides, &sides.concat(), &[]);
        let latency = whole.latency.as_ref().expect("traces");
        let sum = |of: fn(&crate::report::Part) -> f64| latency.parts.iter().map(of).sum::<f64>();
        prop_assert!((sum(|part| part.now_ns) - latency.now_ns).abs() < 1.0);
        prop_assert!((sum(|part| part.before_ns) - latency.before_ns).abs() < 1.0);
        let mut traces = sides.concat();
        let n_rows = traces.len();
        traces.rotate_left(shift % n_rows);
        traces.push(SpanRow::new(999, 1, "cron", "tidy").kind("internal").at(0, 5 * MS));
        let mut turned = sides.clone();
        turned.iter_mut().for_each(|rows| rows.reverse());
        prop_assert_eq!(compared(&turned, &traces, &[]), whole);
    }
}
