//! Lines that say that something failed, and lines that only look so.

use super::says_error;
use crate::test_rows::{LogRow, SpanRow, input, logs, spans};
use crate::{Limits, Tables, TriageInput};

fn tables(logs: &[arrow::array::RecordBatch]) -> Tables {
    let spans = [spans(&[SpanRow::new(7, 71, "cart", "add").at(1, 9)])];
    Tables::read(&TriageInput { logs, ..input(&spans) }, &Limits::default()).expect("readable rows")
}

/// Scenario: lines with and without span, of a trace that is here and one that is not, latest first.
/// Guarantees: lines lie by time, know their span and template; a template of failing lines is an error.
#[test]
fn lines_find_their_span_and_template() {
    let rows = [
        LogRow::new(5, "cart", "stored item 3").in_span(7, 71),
        LogRow::new(4, "cart", "ERROR no item 4").in_span(7, 99),
        LogRow::new(3, "cart", "stored item 1").in_span(8, 71),
        LogRow::new(2, "web", "stored item 1").severity(18),
    ];
    let tables = tables(&[logs(&rows[..2]), logs(&rows[2..])]);
    let places: Vec<_> =
        tables.logs.lines().iter().map(|line| (line.time_ns, line.trace, line.span)).collect();
    assert_eq!(places, [(2, None, None), (3, None, None), (4, Some(0), None), (5, Some(0), Some(0))]);
    let templates: Vec<_> =
        tables.logs.templates().iter().map(|of| (of.text.as_str(), of.is_error, of.n_lines)).collect();
    assert_eq!(
        templates,
        [("stored item *", true, 1), ("stored item *", false, 2), ("ERROR no item *", true, 1)]
    );
    let ids = tables.logs.templates().iter().map(|of| of.id);
    assert_eq!(ids.collect::<std::collections::HashSet<_>>().len(), 3);
}

/// Scenario: lines without a severity begin with a level, or only hold its letters.
/// Guarantees: a level counts as a word of its own near the beginning.
#[test]
fn a_level_is_a_word_near_the_beginning() {
    assert!(says_error("16:42:09.486 ERROR t.c.Cart#11"));
    assert!(says_error("[CRITICAL] disk"));
    assert!(!says_error("16:42:09 INFO NoERRORHere"));
    assert!(!says_error(&format!("{} ERROR", "x".repeat(40))));
}
