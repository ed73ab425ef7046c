//! Tables for people: hit rates beside their yardsticks, and below them each cause that did not come first.

use super::line;
use crate::judge::Judged;
use crate::tally::{self, ALL, Rate};
use crate::{Scores, SetScore};
use std::fmt::Write as _;

const NAME_WIDTH: usize = 24;
const HITS_WIDTH: usize = 20;

/// A table for each set.
pub fn table(scores: &Scores) -> String {
    let mut text = String::new();
    for (idx, set) in scores.sets.iter().enumerate() {
        if idx > 0 {
            text.push('\n');
        }
        write_set(&mut text, set);
    }
    text
}

fn write_set(text: &mut String, set: &SetScore) {
    let sent = set.sent;
    put(
        text,
        &format!(
            "{} ({}): {} spans, {} log records, {} points",
            set.name, set.app, sent.n_spans, sent.n_logs, sent.n_points
        ),
    );
    put(
        text,
        &columns(
            "",
            "n",
            ["@1 / @3 / @5", "trivial rankers", "published", "goal @1 / @5"].map(str::to_owned),
        ),
    );
    for rate in tally::rates(&set.judged) {
        put(text, &row(set, &rate));
    }
    for floor in set.yardsticks.floors.iter().filter(|floor| floor.group == ALL) {
        put(text, &format!("  trivial: {:<66} n {:>2}  {}", floor.ranker, floor.n, hits(&floor.hits)));
    }
    for (ranker, rank) in &set.yardsticks.ranks {
        put(text, &format!("  trivial: {ranker}: number {rank}"));
    }
    for judged in &set.judged {
        write_checks(text, judged);
    }
    for judged in set.judged.iter().filter(|judged| judged.rank != Some(1)) {
        put(text, &format!("  {}", line(judged)));
    }
}

fn row(set: &SetScore, rate: &Rate) -> String {
    // Published figures and goals are about all incidents.
    let is_all = rate.group == ALL;
    let best = set.yardsticks.best(&rate.group).map(|best| hits(&best));
    let published = set.yardsticks.published.filter(|_| is_all).map(|published| hits(&published));
    let goal = set.yardsticks.goal.filter(|_| is_all).map(|goal| hits(&goal));
    let figures = [Some(hits(&rate.hits)), best, published, goal].map(Option::unwrap_or_default);
    columns(&rate.group, &rate.n.to_string(), figures)
}

fn columns(name: &str, n: &str, figures: [String; 4]) -> String {
    let mut text = format!("  {name:<NAME_WIDTH$}{n:>3}");
    for figure in figures {
        let _ = write!(text, "{figure:>HITS_WIDTH$}");
    }
    text
}

/// Percent at 1, 3 and 5, or at 1 and 5.
fn hits(percent: &[f64]) -> String {
    percent.iter().map(|percent| format!("{percent:5.1}")).collect::<Vec<_>>().join(" ")
}

/// What the labels say beyond the cause.
fn write_checks(text: &mut String, judged: &Judged) {
    let place =
        |rank: Option<usize>| rank.map_or_else(|| "no suspect".to_owned(), |rank| format!("number {rank}"));
    if let Some(distractors) = &judged.distractors {
        let before = if distractors.is_empty() { "none".to_owned() } else { distractors.join(", ") };
        put(
            text,
            &format!("  cause {}: {}; distractors before it: {before}", judged.cause, place(judged.rank)),
        );
    }
    if let Some(attributes) = judged.attributes {
        put(text, &format!("  attributes of the bad requests found: {}", attributes.name()));
    }
    for (what, named, is_there) in &judged.evidence {
        let there = if *is_there { "is" } else { "is not" };
        put(text, &format!("  {what} {named} {there} among the evidence"));
    }
}

/// Nothing of a line is of blanks only.
fn put(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sent;
    use crate::floors::{Floor, Yardsticks};
    use crate::judge::Together;
    use crate::tally::tests::ranked;

    /// Scenario: a set of three incidents beside floors, published figures and a goal; and one with checks.
    /// Guarantees: columns line up, yardsticks stand beside their group, and what did not come first is listed.
    #[test]
    fn scores_stand_beside_their_yardsticks() {
        let floor = Floor { group: ALL.to_owned(), ranker: "p95".to_owned(), n: 2, hits: [25.0, 50.0, 50.0] };
        let day = SetScore {
            name: "nezha/day".to_owned(),
            app: "shop".to_owned(),
            sent: Sent { n_spans: 10, n_logs: 2, n_points: 3, n_rejected: 0 },
            is_cached: false,
            judged: vec![
                ranked(1, Some(1), "type:return", true),
                ranked(2, Some(2), "type:return", true),
                ranked(3, Some(1), "type:return", false),
            ],
            yardsticks: Yardsticks {
                floors: vec![floor],
                ranks: Vec::new(),
                published: Some([92.9, 96.4, 96.4]),
                goal: Some([90.0, 97.0]),
            },
        };
        let checked = Judged {
            distractors: Some(vec!["cdn".to_owned()]),
            attributes: Some(Together::Apart),
            evidence: vec![("peer".to_owned(), "db".to_owned(), false)],
            ..ranked(1, Some(1), "x", true)
        };
        let scenario = SetScore {
            name: "hdx/s".to_owned(),
            app: "s".to_owned(),
            sent: Sent::default(),
            is_cached: true,
            judged: vec![Judged { groups: Vec::new(), ..checked }],
            yardsticks: Yardsticks { ranks: vec![("by rise".to_owned(), 4.0)], ..Yardsticks::default() },
        };
        expect_test::expect![[r#"
            nezha/day (shop): 10 spans, 2 log records, 3 points
                                        n        @1 / @3 / @5     trivial rankers           published        goal @1 / @5
              all                       2    50.0 100.0 100.0    25.0  50.0  50.0    92.9  96.4  96.4          90.0  97.0
              odd: chosen on            1   100.0 100.0 100.0
              even: reported on         1     0.0 100.0 100.0
              type:return               2    50.0 100.0 100.0
              without traces            1   100.0 100.0 100.0
              trivial: p95                                                                n  2   25.0  50.0  50.0
              i-2: cart is number 2 behind shop; origin, 5 ms

            hdx/s (s): 0 spans, 0 log records, 0 points
                                        n        @1 / @3 / @5     trivial rankers           published        goal @1 / @5
              all                       1   100.0 100.0 100.0
              odd: chosen on            1   100.0 100.0 100.0
              trivial: by rise: number 4
              cause cart: number 1; distractors before it: cdn
              attributes of the bad requests found: apart
              peer db is not among the evidence
        "#]]
        .assert_eq(&table(&Scores { sets: vec![day, scenario] }));
    }
}
