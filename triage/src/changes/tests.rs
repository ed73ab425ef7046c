//! Tests of changes near an onset.

use super::*;
use crate::test_rows::{MS, SpanRow, WINDOW, input, spans, tables};
use proptest::prelude::*;

/// A request each millisecond of 200, by its number; the window begins at 100 ms.
fn requests(of: impl Fn(u64) -> SpanRow) -> Vec<SpanRow> {
    let at = |at: u64| {
        let start = at as i64 * MS;
        of(at).at(start, start + MS / 2)
    };
    (1..200).map(at).collect()
}

fn request(at: u64) -> SpanRow {
    SpanRow::new(at.into(), at, "web", "GET")
}

fn found(rows: &[SpanRow], onset_ns: i64, markers: &[Marker]) -> Vec<Change> {
    let tables = tables(&[spans(rows)]);
    let batches = [];
    let reach = ChangeReach { before_ns: 60 * MS, after_ns: 30 * MS, n_max: 10 };
    changes(&input(&batches), &tables.traces, &tables.strings, onset_ns, markers, &reach)
}

/// Scenario: one of two instances is replaced by another shortly before the onset; a third sends few spans, by chance none at
/// first.
/// Guarantees: the one that came is told with the one that went; the one that is seldom seen is not.
#[test]
fn instances_that_came_and_went_are_told() {
    let rows = requests(|at| {
        let instance = match (at % 2, at) {
            (_, 60 | 90 | 140) => "seldom",
            (0, ..95) => "old",
            (0, _) => "new",
            _ => "stays",
        };
        request(at).on(instance)
    });
    let changes = found(&rows, WINDOW.from_ns, &[]);
    let what = ChangeKind::Started { instance: "new".to_owned(), instead_of: Some("old".to_owned()) };
    assert_eq!(changes, [Change { at_ns: 96 * MS, lead_ns: 4 * MS, service: "web".to_owned(), what }]);
}

/// Scenario: a service goes from one version to the next in steps, shortly before the onset; another has one version all
/// the time.
/// Guarantees: the release is told with what ran before, when it came, and how much of the window it serves.
#[test]
fn releases_are_told() {
    let mut rows = requests(|at| {
        let version = if at >= 90 && at % 2 == 0 { "1.1" } else { "1.0" };
        request(at).version(version)
    });
    rows.extend((1..200).map(|at| {
        let start = at as i64 * MS;
        SpanRow::new(1_000 + at, 1, "cart", "add").version("7").at(start, start + 1)
    }));
    let changes = found(&rows, WINDOW.from_ns, &[]);
    let [Change { at_ns, service, what: ChangeKind::Release { from, to, share }, .. }] = changes.as_slice()
    else {
        panic!("{changes:?}");
    };
    assert_eq!((*at_ns, service.as_str(), from.as_str(), to.as_str()), (90 * MS, "web", "1.0", "1.1"));
    assert!((share - 0.5).abs() < 0.01, "{share}");
}

/// Scenario: an instance is gone after the onset, and nothing comes for it.
/// Guarantees: it is told as what came after.
#[test]
fn what_comes_after_the_onset_is_told_as_that() {
    let rows = requests(|at| request(at).on(if at % 2 == 0 && at < 120 { "gone" } else { "stays" }));
    let changes = found(&rows, WINDOW.from_ns, &[]);
    assert_eq!(changes.iter().map(|change| change.lead_ns).collect::<Vec<_>>(), [-18 * MS]);
    assert_eq!(changes[0].what, ChangeKind::Stopped { instance: "gone".to_owned() });
}

/// Scenario: one kind of request comes four times as often in the window, another as often as before.
/// Guarantees: the first is told with both rates.
#[test]
fn traffic_that_changed_is_told() {
    let mut rows = requests(request);
    rows.extend((0..120).map(|at| {
        let start = if at < 24 { at * 4 * MS } else { (100 + at - 24) * MS };
        SpanRow::new(10_000 + at as u128, 1, "web", "POST").at(start, start + 1)
    }));
    let changes = found(&rows, WINDOW.from_ns, &[]);
    let [Change { what: ChangeKind::Traffic { operation, per_second, before }, .. }] = changes.as_slice()
    else {
        panic!("{changes:?}");
    };
    assert_eq!((operation.as_str(), per_second.round(), before.round()), ("POST", 960.0, 240.0));
}

/// Scenario: marks before, after and far from the onset.
/// Guarantees: the near ones are told, those before it first.
#[test]
fn marks_are_told_where_they_are_near() {
    let mark =
        |at_ms: i64, text: &str| Marker { at_ns: at_ms * MS, service: String::new(), text: text.to_owned() };
    let marks = [mark(110, "after"), mark(70, "flag on"), mark(10, "long ago"), mark(199, "late")];
    let changes = found(&requests(request), WINDOW.from_ns, &marks);
    let texts: Vec<_> = changes.iter().map(|change| name(&change.what).1).collect();
    assert_eq!(texts, ["flag on", "after"]);
}

proptest! {
    /// Scenario: requests of a service that changes nothing, in any order, with another service beside it.
    /// Guarantees: nothing is told, in any order.
    #[test]
    fn nothing_changed_is_nothing_told(shift in 0..199usize, n_instances in 1..4u64) {
        let names = ["a", "b", "c"];
        let mut rows = requests(|at| request(at).on(names[(at % n_instances) as usize]));
        rows.push(SpanRow::new(u128::MAX, 1, "other", "job").at(50 * MS, 51 * MS).on("x"));
        rows.rotate_left(shift);
        prop_assert_eq!(found(&rows, WINDOW.from_ns, &[]), []);
    }
}
