//! The table of known metrics against itself and against its page.

use super::*;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/saturation.md");

fn names(names: &[&str], between: &str) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(between)
}

/// An entry as the page has it.
fn row(known: &Known) -> String {
    let only = known.only.map(|only| format!(" where {} is `{}`", names(only.keys, " or "), only.value));
    let limit = match known.bound {
        Bound::None => String::new(),
        Bound::Whole => "1".to_owned(),
        Bound::Metric(limits) => names(limits, " or "),
    };
    format!(
        "| `{}` | {} | {}{} | `{}` | {} | {limit} | {} |",
        known.name,
        known.kind.name(),
        known.read.words(),
        only.unwrap_or_default(),
        known.unit,
        names(known.by, ", "),
        known.unless.map(|newer| format!("`{newer}`")).unwrap_or_default(),
    )
}

/// Scenario: the table of `docs/saturation.md`.
/// Guarantees: it is the one of the code, entry by entry.
#[test]
fn the_page_shows_the_table() {
    let shown: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    let rows: Vec<String> = all().map(row).collect();
    for (shown, row) in shown.iter().zip(&rows) {
        assert_eq!(shown, row);
    }
    assert_eq!(shown.len(), rows.len());
}

/// Scenario: every entry of the table.
/// Guarantees: names are there once, a bound is no entry of its own, newer names are known and of the same kind and
/// unit, and shares have a unit of one.
#[test]
fn the_table_is_sound() {
    let names: BTreeSet<&str> = all().map(|known| known.name).collect();
    assert_eq!(names.len(), all().count());
    for known in all() {
        assert!(known.limits().iter().all(|limit| !names.contains(limit)), "{}", known.name);
        assert!(known.bound != Bound::Whole || known.unit == "1", "{}", known.name);
        if let Some(newer) = known.unless {
            let newer = all().find(|other| other.name == newer).expect(newer);
            assert_eq!((newer.kind, newer.unit), (known.kind, known.unit), "{}", known.name);
        }
    }
    let kinds: BTreeSet<Kind> = all().map(|known| known.kind).collect();
    assert_eq!(kinds, BTreeSet::from(Kind::ALL));
}
