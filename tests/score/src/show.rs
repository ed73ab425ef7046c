//! Scores for people, as tables, and for machines, as JSON.

mod json;
mod tables;

pub use json::as_json;
pub use tables::table;

use crate::judge::Judged;

/// What came of one incident, in a line.
pub(crate) fn line(judged: &Judged) -> String {
    let Judged { id, cause, rank, verdict, elapsed_ms, .. } = judged;
    if let Some(trouble) = &judged.trouble {
        return format!("{id}: no answer after {elapsed_ms} ms: {trouble}");
    }
    let verdict = verdict.as_deref().unwrap_or("no verdict");
    let place = rank.map_or_else(|| "is no suspect".to_owned(), |rank| format!("is number {rank}"));
    let first: Vec<&str> = judged.first.iter().map(String::as_str).take_while(|name| name != cause).collect();
    let behind = if first.is_empty() { String::new() } else { format!(" behind {}", first.join(", ")) };
    format!("{id}: {cause} {place}{behind}; {verdict}, {elapsed_ms} ms")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::tests::ranked;

    /// Scenario: a cause that comes second, one that comes first, one that is not there, and no answer.
    /// Guarantees: each line says where the cause stands and behind what.
    #[test]
    fn a_line_says_where_the_cause_stands() {
        let second = ranked(1, Some(2), "type:a", true);
        assert_eq!(line(&second), "i-1: cart is number 2 behind shop; origin, 5 ms");
        let first = Judged { rank: Some(1), first: vec!["cart".to_owned()], ..second.clone() };
        assert_eq!(line(&first), "i-1: cart is number 1; origin, 5 ms");
        let absent = Judged { rank: None, first: vec!["shop".to_owned()], verdict: None, ..second.clone() };
        assert_eq!(line(&absent), "i-1: cart is no suspect behind shop; no verdict, 5 ms");
        let silent = Judged { trouble: Some("gone".to_owned()), ..second };
        assert_eq!(line(&silent), "i-1: no answer after 5 ms: gone");
    }
}
