//! What a back-test says, in words and as lanes over its time.

use super::slo_view::precise_percent;
use crate::format;
use wire::{BacktestRow, EpisodeRow};

/// Tiers are counted from 1; objectives with conditions of their own have more than four.
const TIERS_MAX: u32 = 8;
const MINUTE_NS: i64 = 60_000_000_000;
/// What can be seen of a short episode, in percent of the time.
const BAR_MIN: f64 = 0.4;

/// The episodes of one tier: each begins at a percentage of the time and is so many percent long.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    pub label: String,
    pub is_page: bool,
    pub bars: Vec<(f64, f64)>,
}

/// What the alerts would have done, in one sentence.
pub fn sentence(row: &BacktestRow) -> String {
    // Steps of seconds do not end where days do.
    let minutes = (row.to.0.saturating_sub(row.from.0) + MINUTE_NS / 2) / MINUTE_NS;
    let days = format::duration(minutes.saturating_mul(MINUTE_NS));
    if row.n_total == 0 {
        return format!("No events in {days}: nothing can be said about this objective.");
    }
    let of = |severity: &str| row.episodes.iter().filter(|one| one.severity == severity).count();
    let counted =
        |n: usize, one: &str, many: &str| format::counted(u64::try_from(n).unwrap_or(u64::MAX), one, many);
    match (of("page"), of("ticket")) {
        (0, 0) => format!("It would have kept quiet for {days}."),
        (pages, 0) => format!("It would have paged {} in {days}.", counted(pages, "time", "times")),
        (0, tickets) => {
            format!("It would have opened {} in {days}.", counted(tickets, "ticket", "tickets"))
        }
        (pages, tickets) => format!(
            "It would have paged {} and opened {} in {days}.",
            counted(pages, "time", "times"),
            counted(tickets, "ticket", "tickets")
        ),
    }
}

/// What was good of what was there.
pub fn evidence(row: &BacktestRow) -> String {
    let good = row.compliance.map_or_else(|| format::MISSING.to_owned(), precise_percent);
    format!(
        "{good} good: {} of {} were bad; {} of the time was measured.",
        format::count(row.n_total.saturating_sub(row.n_good)),
        format::counted(row.n_total, "event", "events"),
        format::percent(row.coverage)
    )
}

/// Tiers with episodes, in order.
pub fn lanes(row: &BacktestRow) -> Vec<Lane> {
    let (from, to) = (row.from.0, row.to.0);
    let span = to.saturating_sub(from).max(1) as f64;
    let percent = |at: i64| (at.saturating_sub(from) as f64 / span * 100.0).clamp(0.0, 100.0);
    let bar = |one: &EpisodeRow| {
        let start = percent(one.firing_at.0).min(100.0 - BAR_MIN);
        let end = percent(one.resolved_at.unwrap_or(row.to).0);
        (start, (end - start).max(BAR_MIN))
    };
    let lane = |tier: u32| {
        let own: Vec<&EpisodeRow> = row.episodes.iter().filter(|one| one.tier == tier).collect();
        let first = own.first()?;
        Some(Lane {
            label: format!("{} {tier}", first.severity),
            is_page: first.severity == "page",
            bars: own.iter().map(|one| bar(one)).collect(),
        })
    };
    (1..=TIERS_MAX).filter_map(lane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::UnixNanos;

    const DAY_MS: i64 = 86_400_000;

    fn at(days: f64) -> UnixNanos {
        UnixNanos::from_millis((days * DAY_MS as f64) as i64)
    }

    fn episode(severity: &str, tier: u32, from: f64, to: Option<f64>) -> EpisodeRow {
        EpisodeRow {
            severity: severity.to_owned(),
            tier,
            firing_at: at(from),
            resolved_at: to.map(at),
            ..EpisodeRow::default()
        }
    }

    fn row(episodes: Vec<EpisodeRow>) -> BacktestRow {
        BacktestRow {
            to: UnixNanos(at(10.0).0 - 10_000_000_000),
            n_good: 995,
            n_total: 1_000,
            compliance: Some(0.995),
            coverage: 1.0,
            episodes,
            ..BacktestRow::default()
        }
    }

    /// Scenario: back-tests with pages, with tickets, with both, with neither, and without events.
    /// Guarantees: one sentence says what would have happened; without events nothing is promised.
    #[test]
    fn outcomes_have_a_sentence() {
        let (page, ticket) = (episode("page", 1, 1.0, Some(2.0)), episode("ticket", 3, 1.0, None));
        assert_eq!(sentence(&row(vec![])), "It would have kept quiet for 10 d.");
        assert_eq!(sentence(&row(vec![page.clone()])), "It would have paged 1 time in 10 d.");
        assert_eq!(sentence(&row(vec![ticket.clone(); 2])), "It would have opened 2 tickets in 10 d.");
        assert_eq!(
            sentence(&row(vec![page, ticket])),
            "It would have paged 1 time and opened 1 ticket in 10 d."
        );
        let nothing = BacktestRow { n_good: 0, n_total: 0, compliance: None, ..row(vec![]) };
        assert!(sentence(&nothing).starts_with("No events in 10 d"));
        assert_eq!(
            evidence(&row(vec![])),
            "99.5 % good: 5 of 1,000 events were bad; 100 % of the time was measured."
        );
    }

    /// Scenario: episodes of two tiers, a short one, and one that goes on at the end.
    /// Guarantees: tiers are in order, with their bars within the time; a short one can be seen.
    #[test]
    fn lanes_span_the_time() {
        let row = |episodes| BacktestRow { to: at(10.0), ..row(episodes) };
        let found = lanes(&row(vec![
            episode("ticket", 3, 2.0, Some(4.0)),
            episode("page", 1, 5.0, Some(5.0)),
            episode("page", 1, 9.0, None),
        ]));
        let labels: Vec<_> = found.iter().map(|lane| (lane.label.as_str(), lane.is_page)).collect();
        assert_eq!(labels, [("page 1", true), ("ticket 3", false)]);
        assert_eq!(found[0].bars, [(50.0, BAR_MIN), (90.0, 10.0)]);
        assert_eq!(found[1].bars, [(20.0, 20.0)]);
        let last = lanes(&row(vec![episode("page", 2, 10.0, None)]));
        assert!(last[0].bars[0].0 + last[0].bars[0].1 <= 100.000_001);
    }
}
