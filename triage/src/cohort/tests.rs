//! Tests of the cohort critical path: what is planted is found, and parts add up.

use super::*;
use crate::Tables;
use crate::test_rows::{MS, SpanRow, spans, tables};
use proptest::prelude::*;

/// A request through web and cart to a database without spans: work of cart, way to cart and time of the database
/// in milliseconds, beside 10 of web.
fn request(trace: u128, cart: i64, way: i64, database: i64) -> Vec<SpanRow> {
    let (base, mut rows) = (trace as i64 * 1_000 * MS, Vec::new());
    let mut add = |id: u64, service: &str, name: &str, kind: &'static str, from: i64, to: i64| {
        let row = SpanRow::new(trace, id, service, name).child_of(id - 1).kind(kind);
        rows.push(row.at(base + from * MS, base + to * MS));
    };
    add(1, "web", "GET /", "server", 0, 10 + way + cart + database);
    add(2, "web", "call", "client", 5, 5 + way + cart + database);
    add(3, "cart", "add", "server", 5 + way / 2, 5 + way / 2 + cart + database);
    add(4, "cart", "SELECT", "client", 5 + way / 2 + cart / 2, 5 + way / 2 + cart / 2 + database);
    rows
}

fn compare(rows: &[SpanRow], n_bad: usize, limits: &CohortLimits) -> (Tables, CohortPath) {
    let tables = tables(&[spans(rows)]);
    let entries = tables.traces.traces().iter().map(|trace| CohortRequest { span: trace.entry, weight: 1 });
    let entries: Vec<_> = entries.collect();
    let path = cohort_path(&tables.traces, &entries[..n_bad], &entries[n_bad..], limits);
    (tables, path)
}

fn name(tables: &Tables, part: &PathPart) -> String {
    let text = |symbol| tables.strings.text(symbol);
    match part {
        PathPart::Work { service, operation } => format!("{} {}", text(*service), text(*operation)),
        PathPart::Between { caller, callee, .. } => format!("{} > {}", text(*caller), text(*callee)),
        PathPart::Unseen { caller, peer } => format!("{} > {peer}?", text(*caller)),
        PathPart::Others => "others".to_owned(),
    }
}

fn excesses(tables: &Tables, path: &CohortPath) -> Vec<(String, i64)> {
    path.parts.iter().map(|part| (name(tables, &part.part), part.excess.excess_ns / MS)).collect()
}

/// Scenario: in slow requests the way to a service takes 40 ms longer, a database 7 ms longer, and its own work
/// 2 ms less.
/// Guarantees: each is told with its own excess, the way as a part of its own, and they add up.
#[test]
fn each_part_has_its_own_excess() {
    let mut rows: Vec<_> = (1..=30).flat_map(|trace| request(trace, 18, 46, 17)).collect();
    rows.extend((31..=90).flat_map(|trace| request(trace, 20, 6, 10)));
    let (tables, path) = compare(&rows, 30, &CohortLimits::default());
    let expected = [("web > cart", 40), ("cart > ?", 7), ("web GET /", 0), ("cart add", -2)];
    assert_eq!(excesses(&tables, &path), expected.map(|(name, ms)| (name.to_owned(), ms)));
    assert_eq!((path.n_bad, path.n_baseline), (30, 60));
    assert_eq!(
        (path.whole.bad_ns, path.whole.baseline_ns, path.whole.excess_ns),
        (91 * MS, 46 * MS, 45 * MS)
    );
    assert!((path.parts[0].share - 40.0 / 45.0).abs() < 1e-9);
    assert_eq!((path.parts[0].excess.low_ns, path.parts[0].excess.high_ns), (40 * MS, 40 * MS));
}

/// Scenario: one slow request in ten waits for a database a hundred times as long, and other parts are the same.
/// Guarantees: intervals hold the excess; that of the database is wide, those of the others nothing.
#[test]
fn intervals_tell_how_sure_it_is() {
    let mut rows: Vec<_> =
        (1..=40).flat_map(|trace| request(trace, 20, 6, if trace % 10 == 0 { 1_000 } else { 10 })).collect();
    rows.extend((41..=80).flat_map(|trace| request(trace, 20, 6, 10)));
    let (tables, path) = compare(&rows, 40, &CohortLimits::default());
    let TimeExcess { excess_ns, low_ns, high_ns, .. } = path.parts[0].excess;
    assert_eq!((name(&tables, &path.parts[0].part), excess_ns), ("cart > ?".to_owned(), 99 * MS));
    assert!((0..60 * MS).contains(&low_ns) && high_ns > 150 * MS, "{low_ns}..{high_ns}");
    assert_eq!(path.whole.low_ns, low_ns);
    assert!(path.parts[1..].iter().all(|part| (part.excess.low_ns, part.excess.high_ns) == (0, 0)));
}

/// Scenario: a request that stands for nine others, cohorts without requests, more parts and requests than are told.
/// Guarantees: weights count, nothing is said without a cohort, and what is not told is one part.
#[test]
fn weights_and_limits_are_kept() {
    let rows: Vec<_> = [(1, 20), (2, 120), (3, 20)]
        .into_iter()
        .flat_map(|(trace, cart)| request(trace, cart, 6, 10))
        .collect();
    let tables = tables(&[spans(&rows)]);
    let entry = |at: usize, weight| CohortRequest { span: tables.traces.traces()[at].entry, weight };
    let (bad, base) = ([entry(0, 9), entry(1, 1)], [entry(2, 0)]);
    let compare =
        |bad: &[CohortRequest], limits: CohortLimits| cohort_path(&tables.traces, bad, &base, &limits);
    assert_eq!(compare(&bad, CohortLimits::default()).whole.excess_ns, 10 * MS);
    assert_eq!(compare(&[], CohortLimits::default()), CohortPath::default());
    let few = CohortLimits { n_parts_max: 1, n_requests_max: 1, ..CohortLimits::default() };
    let path = compare(&bad, few);
    assert_eq!((path.n_bad, path.parts.len()), (1, 2));
    assert!(path.parts.iter().any(|part| part.part == PathPart::Others));
}

proptest! {
    /// Scenario: cohorts of any requests, with as many parts told as one likes.
    /// Guarantees: parts add up to the whole on both sides and in the difference, exactly; neither the order of rows
    /// nor traces in no cohort change anything.
    #[test]
    fn parts_add_up_exactly(
        times in prop::collection::vec((0..40i64, 0..9i64, 0..50i64, 0..1_000_000i64), 2..25),
        n_bad in 1..25usize,
        n_parts_max in 1..6usize,
        shift in 0..60usize,
    ) {
        let mut rows = Vec::new();
        for (at, (cart, way, database, more_ns)) in times.iter().enumerate() {
            let mut of_one = request(at as u128 + 1, *cart, *way, *database);
            of_one[0].end += more_ns;
            rows.extend(of_one);
        }
        let n_bad = n_bad.min(times.len() - 1);
        let limits = CohortLimits { n_parts_max, n_draws: 5, ..CohortLimits::default() };
        let (_, path) = compare(&rows, n_bad, &limits);
        let sum = |of: fn(&TimeExcess) -> i64| path.parts.iter().map(|part| of(&part.excess)).sum::<i64>();
        prop_assert_eq!(sum(|excess| excess.excess_ns), path.whole.excess_ns);
        prop_assert_eq!(sum(|excess| excess.bad_ns), path.whole.bad_ns);
        prop_assert_eq!(sum(|excess| excess.baseline_ns), path.whole.baseline_ns);
        let tables_before = tables(&[spans(&rows)]);
        let exact: i64 = tables_before.traces.traces()[..n_bad]
            .iter()
            .map(|trace| tables_before.traces.spans()[trace.entry].end_ns - trace.started_ns)
            .sum();
        prop_assert_eq!(path.whole.bad_ns, exact / n_bad as i64);

        let n_rows = rows.len();
        rows.rotate_left(shift % n_rows);
        rows.push(SpanRow::new(u128::MAX, 1, "other", "job").at(0, 5_000 * MS));
        let tables = tables(&[spans(&rows)]);
        let entries = tables.traces.traces().iter().map(|trace| CohortRequest { span: trace.entry, weight: 1 });
        let entries: Vec<_> = entries.take(times.len()).collect();
        let again = cohort_path(&tables.traces, &entries[..n_bad], &entries[n_bad..], &limits);
        let named = |tables: &Tables, path: &CohortPath| {
            path.parts.iter().map(|part| (name(tables, &part.part), part.excess)).collect::<Vec<_>>()
        };
        prop_assert_eq!(named(&tables, &again), named(&tables_before, &path));
    }
}
