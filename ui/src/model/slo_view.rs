//! Words, marks and bar lengths for objectives: what an `SloRow` means to a reader.
//!
//! Only judges what the API says and never computes a burn rate itself. Missing evidence gets words
//! of its own; it is never drawn as good.

use crate::format;
use crate::model::decimal::fixed;
use wire::{AlertState, BurnTier, SloDetail, SloRow};

/// Below this share of measured time a number carries a coverage mark.
pub const COVERAGE_MIN: f64 = 0.9;

/// Shape, colour and word of a state; the three always go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Disc.
    Well,
    /// Triangle.
    Warning,
    /// Diamond.
    Failing,
    /// Broken ring.
    NoData,
    /// Clock.
    Pending,
}

/// The objective as a whole: standing and word.
pub fn standing(slo: &SloRow) -> (Standing, &'static str) {
    if slo.state == AlertState::Firing {
        return match fires_as_page(slo) {
            true => (Standing::Failing, "failing"),
            false => (Standing::Warning, "warning"),
        };
    }
    if slo.compliance.is_none() || slo.n_total == 0 {
        return (Standing::NoData, "no data");
    }
    if slo.state == AlertState::Pending {
        return (Standing::Pending, "pending");
    }
    if slo.budget_remaining.is_some_and(|left| left < 0.0) {
        return (Standing::Warning, "overspent");
    }
    if slo.tiers.iter().all(|tier| tier.verdict == "frozen_no_data") && !slo.tiers.is_empty() {
        return (Standing::NoData, "frozen");
    }
    (Standing::Well, "well")
}

/// One tier: standing and what it does now, in words.
pub fn verdict(tier: &BurnTier) -> (Standing, String) {
    let (standing, words) = match (tier.verdict.as_str(), tier.severity.as_str()) {
        ("ok", _) => (Standing::Well, "ok"),
        ("burning", "page") => (Standing::Failing, "burning"),
        ("burning", _) => (Standing::Warning, "burning"),
        ("held_low_traffic", _) => (Standing::Pending, "held, low traffic"),
        ("frozen_no_data", _) => (Standing::NoData, "frozen, no data"),
        (other, _) => (Standing::NoData, other),
    };
    (standing, words.to_owned())
}

/// Length of a burn bar between 0 and 1 on a logarithmic scale with the threshold in the middle:
/// a tenth of it is empty, ten times it is full.
pub fn burn_share(burn: f64, threshold: f64) -> f64 {
    if burn <= 0.0 || threshold <= 0.0 {
        return 0.0;
    }
    (0.5 + 0.5 * (burn / threshold).log10()).clamp(0.0, 1.0)
}

/// True when a window burns above the threshold of its tier; strictly, as the rule does.
pub fn exceeds(burn: Option<f64>, threshold: f64) -> bool {
    burn.is_some_and(|burn| burn > threshold)
}

/// True when a number over the period needs the coverage mark.
pub fn needs_coverage_mark(coverage: f64) -> bool {
    coverage < COVERAGE_MIN
}

/// How many tiers burn, out of how many.
pub fn n_burning(slo: &SloRow) -> (usize, usize) {
    (slo.tiers.iter().filter(|tier| tier.verdict == "burning").count(), slo.tiers.len())
}

/// Over the list: what a reader should know first.
pub fn list_sentence(slos: &[SloRow]) -> String {
    let of = |wanted| slos.iter().filter(|slo| standing(slo).0 == wanted).count();
    let (failing, warning, silent) = (of(Standing::Failing), of(Standing::Warning), of(Standing::NoData));
    let n = slos.len();
    let objectives = if n == 1 { "objective" } else { "objectives" };
    let mut parts = Vec::new();
    if failing > 0 {
        parts.push(format!("{failing} of {n} {objectives} {} too fast", spend(failing)));
    }
    if warning > 0 {
        parts.push(format!("{warning} {} a warning", if warning == 1 { "shows" } else { "show" }));
    }
    if silent > 0 {
        parts.push(format!("{silent} {} no data", if silent == 1 { "has" } else { "have" }));
    }
    match (parts.is_empty(), n) {
        (true, 1) => "The objective is within its budget.".to_owned(),
        (true, n) => format!("All {n} objectives are within their budgets."),
        (false, _) if failing == 0 && n > 1 => format!("Of {n} objectives, {}.", parts.join(", ")),
        (false, _) => format!("{}.", sentence_case(&parts.join(", "))),
    }
}

/// Above the tier table: which windows are past their thresholds.
pub fn tiers_sentence(tiers: &[BurnTier]) -> String {
    let n = tiers.len();
    let burning = tiers.iter().filter(|tier| tier.verdict == "burning").count();
    let held = tiers.iter().filter(|tier| tier.verdict == "held_low_traffic").count();
    let frozen = tiers.iter().filter(|tier| tier.verdict == "frozen_no_data").count();
    let mut text = match burning {
        0 => "No tier burns above its threshold in both windows.".to_owned(),
        b if b == n => "Every tier burns above its threshold in both windows.".to_owned(),
        b => format!("{b} of {n} tiers {} above the threshold in both windows.", burn_verb(b)),
    };
    if held > 0 {
        text.push_str(&format!(" {held} held back: too few events to judge."));
    }
    if frozen > 0 {
        text.push_str(&format!(" {frozen} frozen: part of the window was not measured."));
    }
    text
}

/// Bad events and all events of the range; `None` without events.
pub fn events_in_range(detail: &SloDetail) -> Option<(u64, u64)> {
    let total: u64 = detail.points.iter().map(|point| point.n_total).sum();
    let good: u64 = detail.points.iter().map(|point| point.n_good).sum();
    (total > 0).then(|| (total.saturating_sub(good), total))
}

/// A share close to one with three decimals, rounded down so that a miss never reads as met.
pub fn precise_percent(ratio: f64) -> String {
    let thousandths = (ratio * 100_000.0 + 1e-6).floor() / 1_000.0;
    let text = fixed(thousandths, 3);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// What is left of the budget, with a true minus when it is overspent.
pub fn budget_text(remaining: Option<f64>) -> String {
    remaining.map_or_else(
        || format::MISSING.to_owned(),
        |left| format!("{} %", fixed(left * 100.0, 1)).replace('-', "\u{2212}"),
    )
}

/// A burn rate, or the mark for none.
pub fn burn_text(burn: Option<f64>) -> String {
    burn.map_or_else(|| format::MISSING.to_owned(), format::three_digits)
}

/// A window or period in its largest whole unit: `5 min`, `1 h`, `30 d`.
pub fn window_text(seconds: u64) -> String {
    match seconds {
        s if s >= 86_400 && s.is_multiple_of(86_400) => format!("{} d", s / 86_400),
        s if s >= 3_600 && s.is_multiple_of(3_600) => format!("{} h", s / 3_600),
        s if s >= 60 && s.is_multiple_of(60) => format!("{} min", s / 60),
        s => format::duration(i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(1_000_000_000)),
    }
}

/// What counts as bad, and on how much evidence, in two sentences.
pub fn evidence_sentence(slo: &SloRow) -> String {
    let place = match &slo.operation {
        Some(operation) => format!("{operation} of {}", slo.service),
        None => slo.service.clone(),
    };
    if slo.indicator == "ratio" {
        return format!(
            "{} of {} were bad over {}; {} of the period was measured.",
            format::count(slo.n_total.saturating_sub(slo.n_good)),
            format::counted(slo.n_total, "event", "events"),
            window_text(slo.period_s),
            format::percent(slo.coverage)
        );
    }
    let fault = match slo.threshold_ns {
        Some(ns) if slo.indicator == "latency" => format!("takes longer than {}", format::duration(ns)),
        _ => "fails".to_owned(),
    };
    let n_bad = slo.n_total.saturating_sub(slo.n_good);
    format!(
        "Bad is an entry span of {place} that {fault}. {} of {} were bad over {}; {} of the period was measured.",
        format::count(n_bad),
        format::counted(slo.n_total, "event", "events"),
        window_text(slo.period_s),
        format::percent(slo.coverage)
    )
}

/// The block to add to the configuration for a first objective.
pub const CONFIG_EXAMPLE: &str = r#"[[slos]]
id = "checkout-success"
service = "checkout"
indicator = "availability"
target = 99.9
period = "30d"
receivers = ["on-call"]

[[slos]]
id = "checkout-latency"
service = "checkout"
operation = "POST /checkout"
indicator = "latency"
threshold = "800ms"
target = 99.0
period = "30d"
receivers = ["on-call"]

[[receivers]]
name = "on-call"
url = "https://alerts.example.com/hook""#;

/// A page burns, or the alert is kept firing after every window calmed down: then it stays a page.
fn fires_as_page(slo: &SloRow) -> bool {
    slo.tiers.iter().any(|tier| tier.verdict == "burning" && tier.severity == "page")
        || !slo.tiers.iter().any(|tier| tier.verdict == "burning")
}

fn spend(n: usize) -> &'static str {
    if n == 1 { "spends its budget" } else { "spend their budgets" }
}

fn burn_verb(n: usize) -> &'static str {
    if n == 1 { "burns" } else { "burn" }
}

fn sentence_case(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(severity: &str, verdict: &str) -> BurnTier {
        BurnTier {
            tier: 1,
            severity: severity.to_owned(),
            long_s: 3600,
            short_s: 300,
            threshold: 14.4,
            burn_long: Some(1.0),
            burn_short: Some(1.0),
            coverage_long: 1.0,
            verdict: verdict.to_owned(),
            reason: None,
        }
    }

    fn slo(state: AlertState, tiers: Vec<BurnTier>) -> SloRow {
        SloRow {
            id: "checkout-success".to_owned(),
            name: "checkout success".to_owned(),
            service: "checkout".to_owned(),
            operation: None,
            indicator: "availability".to_owned(),
            threshold_ns: None,
            sentence: "99.9 % of checkouts succeed".to_owned(),
            target: 0.999,
            period_s: 30 * 86_400,
            n_good: 999,
            n_total: 1000,
            compliance: Some(0.999),
            budget_remaining: Some(0.4),
            coverage: 1.0,
            exhaustion_s: None,
            state,
            is_configured: true,
            tiers,
        }
    }

    /// Scenario: objectives that fire as page, as ticket, wait, lack events, overspent, or are well.
    /// Guarantees: each gets its own word, and an objective without events is never well.
    #[test]
    fn standing_follows_state_and_evidence() {
        let page = slo(AlertState::Firing, vec![tier("page", "burning")]);
        assert_eq!(standing(&page), (Standing::Failing, "failing"));
        let ticket = slo(AlertState::Firing, vec![tier("page", "ok"), tier("ticket", "burning")]);
        assert_eq!(standing(&ticket), (Standing::Warning, "warning"));
        assert_eq!(standing(&slo(AlertState::Pending, vec![])).0, Standing::Pending);
        assert_eq!(standing(&slo(AlertState::Inactive, vec![])).0, Standing::Well);
        let silent = SloRow { compliance: None, n_total: 0, ..slo(AlertState::Inactive, vec![]) };
        assert_eq!(standing(&silent), (Standing::NoData, "no data"));
        let spent = SloRow { budget_remaining: Some(-0.2), ..slo(AlertState::Inactive, vec![]) };
        assert_eq!(standing(&spent), (Standing::Warning, "overspent"));
        let frozen = slo(AlertState::Inactive, vec![tier("page", "frozen_no_data")]);
        assert_eq!(standing(&frozen).0, Standing::NoData);
    }

    /// Scenario: an alert that keeps firing after its windows have calmed down.
    /// Guarantees: it stays failing; the word does not soften before the alert resolves.
    #[test]
    fn keep_firing_still_counts_as_failing() {
        assert_eq!(standing(&slo(AlertState::Firing, vec![tier("page", "ok")])).0, Standing::Failing);
    }

    /// Scenario: every verdict the API can give, and one it may give in the future.
    /// Guarantees: held and frozen are named as such; an unknown verdict is shown, not hidden.
    #[test]
    fn verdicts_have_words() {
        assert_eq!(verdict(&tier("page", "burning")), (Standing::Failing, "burning".to_owned()));
        assert_eq!(verdict(&tier("ticket", "burning")).0, Standing::Warning);
        assert_eq!(verdict(&tier("page", "held_low_traffic")).1, "held, low traffic");
        assert_eq!(
            verdict(&tier("page", "frozen_no_data")),
            (Standing::NoData, "frozen, no data".to_owned())
        );
        assert_eq!(verdict(&tier("page", "muted")).1, "muted");
    }

    /// Scenario: burn at zero, a tenth of, at, ten times and far above the threshold.
    /// Guarantees: the tick in the middle is the threshold, and the bar stays in its box.
    #[test]
    fn burn_bar_is_logarithmic_around_the_threshold() {
        assert_eq!(burn_share(0.0, 14.4), 0.0);
        assert!(burn_share(1.44, 14.4).abs() < 1e-9);
        assert!((burn_share(14.4, 14.4) - 0.5).abs() < 1e-9);
        assert_eq!(burn_share(14_400.0, 14.4), 1.0);
        assert!(!exceeds(Some(14.4), 14.4) && exceeds(Some(14.5), 14.4) && !exceeds(None, 14.4));
    }

    /// Scenario: shares just below their target, an overspent budget, windows of every size.
    /// Guarantees: nothing is rounded up to a success, and each number has one unit.
    #[test]
    fn numbers_do_not_flatter() {
        assert_eq!(precise_percent(0.999_999), "99.999 %");
        assert_eq!(precise_percent(0.999), "99.9 %");
        assert_eq!(precise_percent(1.0), "100 %");
        assert_eq!(precise_percent(0.999_46), "99.946 %");
        assert_eq!(budget_text(Some(-0.123)), "\u{2212}12.3 %");
        assert_eq!(budget_text(None), "\u{2013}");
        assert_eq!([window_text(300), window_text(21_600), window_text(259_200)], ["5 min", "6 h", "3 d"]);
        assert_eq!(window_text(70), "70 s");
    }

    /// Scenario: an availability and a latency objective.
    /// Guarantees: the words say what bad means and how much was seen.
    #[test]
    fn evidence_is_named() {
        let slo = slo(AlertState::Inactive, vec![]);
        assert_eq!(
            evidence_sentence(&slo),
            "Bad is an entry span of checkout that fails. 1 of 1,000 events were bad over 30 d; \
             100 % of the period was measured."
        );
        let latency = SloRow {
            indicator: "latency".to_owned(),
            threshold_ns: Some(800_000_000),
            operation: Some("POST /checkout".to_owned()),
            ..slo
        };
        assert!(evidence_sentence(&latency).starts_with(
            "Bad is an entry span of POST /checkout of checkout that takes longer than 800 ms."
        ));
    }

    /// Scenario: the list in good, mixed and single states.
    /// Guarantees: the sentence is one a person would say.
    #[test]
    fn sentences_read_aloud() {
        let well = || slo(AlertState::Inactive, vec![]);
        let failing = || slo(AlertState::Firing, vec![tier("page", "burning")]);
        assert_eq!(list_sentence(&[well()]), "The objective is within its budget.");
        assert_eq!(list_sentence(&[well(), well()]), "All 2 objectives are within their budgets.");
        assert_eq!(list_sentence(&[failing(), well()]), "1 of 2 objectives spends its budget too fast.");
        let silent = SloRow { compliance: None, ..well() };
        assert_eq!(list_sentence(&[silent, well()]), "Of 2 objectives, 1 has no data.");
        assert_eq!(
            tiers_sentence(&[tier("page", "burning"), tier("page", "held_low_traffic")]),
            "1 of 2 tiers burns above the threshold in both windows. 1 held back: too few events to judge."
        );
    }
}
