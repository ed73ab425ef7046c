//! Errors on their way up: where they began, and how they differ from before.

use super::{ErrorEvidence, ErrorTrend, errors};
use crate::test_rows::{MS, SpanRow, input, spans};
use crate::{Limits, SpanKind, Tables, TriageInput, Window};

/// A request every 5 ms, 20 before the window and 20 in it.
fn requests(spans_of: impl Fn(u128, i64) -> Vec<SpanRow>) -> Vec<SpanRow> {
    (0..40_i64).flat_map(|at| spans_of(at as u128 + 1, 5 * at * MS)).collect()
}

/// `web` calls `cart`, which asks its database; where it fails, all three fail.
fn cascade(trace: u128, start: i64, message: Option<&'static str>) -> Vec<SpanRow> {
    let rows = [
        SpanRow::new(trace, 1, "web", "checkout").at(start, start + 4 * MS).kind("server"),
        SpanRow::new(trace, 2, "cart", "add").child_of(1).at(start, start + 3 * MS).kind("server"),
        SpanRow::new(trace, 3, "cart", "SELECT").child_of(2).at(start, start + MS).kind("client"),
    ];
    let database = |row: SpanRow| if row.id == 3 { row.with("net.peer.name", "db:5432") } else { row };
    rows.map(|row| database(message.map_or(row.clone(), |message| row.failed(message)))).to_vec()
}

fn found(rows: &[SpanRow], baselines: &[Window]) -> (Tables, ErrorEvidence) {
    let spans = [spans(rows)];
    let input = TriageInput { baselines, ..input(&spans) };
    let tables = Tables::read(&input, &Limits::default()).expect("readable rows");
    let evidence = errors(&input, &tables);
    (tables, evidence)
}

const BASELINE: [Window; 1] = crate::test_rows::BASELINES;

/// Scenario: from 120 ms on a database refuses, with another number each time, and everything above fails with it.
/// Guarantees: the one group is that of the deepest span, new, with its counts, entry and database.
#[test]
fn the_deepest_failing_span_is_the_origin() {
    let messages = ["refused 1", "refused 22"];
    let rows = requests(|trace, start| {
        cascade(trace, start, (start >= 120 * MS).then(|| messages[(trace % 2) as usize]))
    });
    let (tables, evidence) = found(&rows, &BASELINE);
    let [group] = evidence.groups.as_slice() else { panic!("one group: {evidence:?}") };
    assert_eq!((tables.strings.text(group.service), group.identity.as_str()), ("cart", "refused *"));
    assert_eq!((group.kind, group.dependency.as_deref()), (SpanKind::Client, Some("db:5432")));
    let counts = group.counts;
    assert_eq!([counts.k_before, counts.n_before, counts.k_after, counts.n_after], [0.0, 24.0, 16.0, 16.0]);
    assert!((group.g + 2.0 * (16.0 * 0.4_f64.ln() + 24.0 * 0.6_f64.ln())).abs() < 1e-9);
    assert_eq!((group.trend, group.n_window, group.n_nearest), (ErrorTrend::New, 16, 0));
    let entry = group.entries.iter().map(|entry| tables.strings.text(entry.1));
    assert_eq!(entry.collect::<Vec<_>>(), ["checkout"]);
    assert_eq!(evidence.explained.iter().filter(|is_explained| **is_explained).count(), 16);
    assert!(group.is_finding());
}

/// Scenario: a request that nobody made before fails each time; another one fails as often as ever.
/// Guarantees: neither is a finding: one has nothing to compare with, the other is steady.
#[test]
fn what_has_no_past_or_no_change_is_no_finding() {
    let rows = requests(|trace, start| {
        if start >= 100 * MS && trace % 2 == 0 {
            return vec![SpanRow::new(trace, 1, "web", "burst").at(start, start + MS).failed("odd")];
        }
        cascade(trace, start, (trace % 4 == 1).then_some("refused"))
    });
    let (_, evidence) = found(&rows, &BASELINE);
    let mut groups: Vec<_> = evidence
        .groups
        .iter()
        .map(|group| (group.identity.as_str(), group.trend, group.is_finding()))
        .collect();
    groups.sort_by_key(|group| group.0);
    assert_eq!(groups, [("odd", ErrorTrend::NoBaseline, false), ("refused", ErrorTrend::Steady, false)]);
}

/// Scenario: an error of an older baseline is back; another one was there all the time and is now four times as frequent.
/// Guarantees: they are told apart.
#[test]
fn groups_come_back_or_escalate() {
    let old = Window { from_ns: 0, to_ns: 50 * MS };
    let near = Window { from_ns: 50 * MS, to_ns: 100 * MS };
    let trend = |fails: fn(u128, i64) -> bool| {
        let rows = requests(|trace, start| cascade(trace, start, fails(trace, start).then_some("refused")));
        let (_, evidence) = found(&rows, &[old, near]);
        evidence.groups[0].trend
    };
    assert_eq!(trend(|trace, start| start >= 100 * MS || trace == 3), ErrorTrend::Regressed);
    assert_eq!(trend(|trace, start| start >= 100 * MS || trace == 15), ErrorTrend::Escalating);
}

/// Scenario: spans name what failed as an exception, as an error type, or only in words.
/// Guarantees: the exception counts before the type, and the type before the words.
#[test]
fn the_most_telling_name_is_the_identity() {
    let row = |trace| SpanRow::new(trace, 1, "a", "op").at(150 * MS, 151 * MS).failed("no row 7");
    let rows = [
        row(1).with("exception.type", "java.io.IOException").with("error.type", "500"),
        row(2).with("error.type", "timeout"),
        row(3),
    ];
    let (_, evidence) = found(&rows, &BASELINE);
    let identities: Vec<_> = evidence.groups.iter().map(|group| group.identity.as_str()).collect();
    assert_eq!(identities, ["java.io.IOException", "no row *", "timeout"]);
}
