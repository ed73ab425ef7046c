//! Outcomes for people, as a table, and for machines, as JSON.

use crate::{Level, Outcome, Verdict};
use serde_json::{Value, json};

/// Whether the run as a whole failed: on a MUST, and with `is_strict` on any line.
pub fn is_failed(outcomes: &[Outcome], is_strict: bool) -> bool {
    let is_held = |outcome: &&Outcome| is_strict || outcome.level == Level::Must;
    outcomes.iter().filter(is_held).any(|outcome| outcome.verdict == Verdict::Fail)
}

/// One row per line, and a sum below.
pub fn table(outcomes: &[Outcome]) -> String {
    let width = outcomes.iter().map(|outcome| outcome.statement.len()).max().unwrap_or(0);
    let width = width.max("statement".len());
    let row = |number: &str, level: &str, verdict: &str, statement: &str, seen: &str| {
        let row = format!("{number:>2}  {level:<6}  {verdict:<4}  {statement:<width$}  {seen}");
        row.trim_end().to_owned() + "\n"
    };
    let mut text = row("#", "level", "", "statement", "seen");
    for outcome in outcomes {
        let Outcome { number, level, statement, verdict, seen } = outcome;
        text.push_str(&row(&number.to_string(), level.name(), verdict.name(), statement, seen));
    }
    text + &sum(outcomes)
}

fn sum(outcomes: &[Outcome]) -> String {
    let n_musts = outcomes
        .iter()
        .filter(|outcome| outcome.verdict == Verdict::Fail && outcome.level == Level::Must)
        .count();
    let [passed, failed, skipped] = counts(outcomes);
    format!("\n{passed} passed, {failed} failed ({n_musts} of them a MUST), {skipped} skipped\n")
}

fn counts(outcomes: &[Outcome]) -> [usize; 3] {
    [Verdict::Pass, Verdict::Fail, Verdict::Skip]
        .map(|verdict| outcomes.iter().filter(|outcome| outcome.verdict == verdict).count())
}

/// The same for machines.
pub fn as_json(outcomes: &[Outcome]) -> Value {
    let [passed, failed, skipped] = counts(outcomes);
    let line = |outcome: &Outcome| {
        json!({
            "number": outcome.number,
            "level": outcome.level.name(),
            "statement": outcome.statement,
            "verdict": outcome.verdict.name(),
            "seen": outcome.seen,
        })
    };
    json!({
        "passed": passed,
        "failed": failed,
        "skipped": skipped,
        "lines": outcomes.iter().map(line).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(number: u8, level: Level, verdict: Verdict) -> Outcome {
        let statement = if number == 1 { "short" } else { "a longer statement" };
        Outcome { number, level, statement, verdict, seen: format!("seen {number}") }
    }

    /// Scenario: one line of each verdict.
    /// Guarantees: columns line up, the sum counts, and JSON says the same.
    #[test]
    fn table_and_json_say_the_same() {
        let outcomes = [
            outcome(1, Level::Must, Verdict::Pass),
            outcome(2, Level::Should, Verdict::Fail),
            outcome(10, Level::Ours, Verdict::Skip),
        ];
        expect_test::expect![[r#"
             #  level         statement           seen
             1  MUST    pass  short               seen 1
             2  SHOULD  fail  a longer statement  seen 2
            10  OURS    skip  a longer statement  seen 10

            1 passed, 1 failed (0 of them a MUST), 1 skipped
        "#]]
        .assert_eq(&table(&outcomes));
        let json = as_json(&outcomes);
        assert_eq!((&json["failed"], &json["lines"][1]["verdict"]), (&json!(1), &json!("fail")));
    }

    /// Scenario: a SHOULD fails, then a MUST.
    /// Guarantees: the first fails a strict run only, the second any.
    #[test]
    fn only_a_must_fails_a_run_that_is_not_strict() {
        let should = [outcome(2, Level::Should, Verdict::Fail)];
        assert_eq!([false, true].map(|is_strict| is_failed(&should, is_strict)), [false, true]);
        let must = [outcome(1, Level::Must, Verdict::Fail)];
        assert!(is_failed(&must, false));
        assert!(!is_failed(&[outcome(1, Level::Must, Verdict::Skip)], true));
    }
}
