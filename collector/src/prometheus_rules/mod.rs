//! Objectives as recording and alerting rules of Prometheus.
//!
//! Names, labels, windows and factors are Sloth's, so that dashboards made for its rules go on working. What differs is
//! on purpose: budgets are exact decimals, and the period is a ratio of events rather than a mean of ratios, in which
//! quiet hours would weigh as much as busy ones. The guard against little traffic has no counterpart there.

mod queries;
mod write;

#[cfg(test)]
mod tests;

use alerts::{Comparison, Severity, Slo, Target, Tier, slo_url};
use queries::Queries;
use std::collections::BTreeMap;
use std::time::Duration;
use write::{Group, Rule, RuleKind};

/// Why an objective is nothing that Prometheus could evaluate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unexportable {
    #[error("{id} counts with an SQL statement, which Prometheus does not read: export it as OpenSLO")]
    Statement { id: String },
}

/// What the rules of one objective are made of.
struct RuleSet<'a> {
    /// Service and objective, with a hyphen between.
    id: String,
    service: &'a str,
    slo: &'a str,
    target: Target,
    period: Duration,
    tiers: &'a [Tier],
    queries: Queries,
    labels: BTreeMap<String, String>,
    alert: Alert,
    /// For people, at the top.
    comments: Vec<String>,
}

/// What all alerts of an objective have in common.
#[derive(Default)]
struct Alert {
    name: String,
    severities: Vec<Severity>,
    annotations: BTreeMap<String, String>,
    page_for: Duration,
    ticket_for: Duration,
    keep_firing: Duration,
}

/// The rules of all objectives, as a rule file. `external_url` is where people open the dashboard.
pub(crate) fn export<'a>(
    slos: impl IntoIterator<Item = &'a Slo>,
    external_url: &str,
) -> Result<String, Unexportable> {
    let mut text = String::from("# Rules of objectives, exported by Firstfault.\n");
    let mut groups = Vec::new();
    for slo in slos {
        let set = rule_set(slo, external_url)?;
        for comment in &set.comments {
            text.push_str(&format!("# {}: {comment}\n", slo.id()));
        }
        groups.extend(self::groups(&set));
    }
    write::groups(&mut text, &groups);
    Ok(text)
}

fn rule_set<'a>(slo: &'a Slo, external_url: &str) -> Result<RuleSet<'a>, Unexportable> {
    let (queries, mut comments) =
        queries::of(slo).ok_or_else(|| Unexportable::Statement { id: slo.id().to_owned() })?;
    if let Some(calendar) = slo.calendar() {
        comments.push(format!("{calendar} is a rolling window of its length here"));
    }
    comments.push(format!(
        "without the guard, which takes {} events of which {} are bad",
        slo.spec().n_events_min,
        slo.spec().n_bad_min
    ));
    let mut annotations = BTreeMap::from([
        ("summary".to_owned(), format!("{} burns its error budget too fast", slo.name())),
        ("description".to_owned(), slo.sentence()),
        ("dashboard_url".to_owned(), slo_url(external_url, slo.id())),
    ]);
    annotations.extend(slo.spec().runbook_url.iter().map(|url| ("runbook_url".to_owned(), url.clone())));
    Ok(RuleSet {
        id: format!("{}-{}", slo.service(), slo.id()),
        service: slo.service(),
        slo: slo.id(),
        target: slo.target(),
        period: slo.period(),
        tiers: slo.tiers(),
        queries,
        labels: slo.spec().labels.clone(),
        alert: Alert {
            name: "ErrorBudgetBurn".to_owned(),
            severities: Severity::ALL.to_vec(),
            annotations,
            page_for: slo.pending_for(Severity::Page),
            ticket_for: slo.pending_for(Severity::Ticket),
            keep_firing: slo.spec().keep_firing,
        },
        comments,
    })
}

fn groups(set: &RuleSet<'_>) -> Vec<Group> {
    let group = |name: &str, rules: Vec<Rule>| Group { name: format!("sloth-slo-{name}-{}", set.id), rules };
    let mut groups = vec![
        group("sli-recordings", recordings(set)),
        group("meta-recordings", meta_recordings(set)),
        group("alerts", alerts(set)),
    ];
    groups.retain(|group| !group.rules.is_empty());
    groups
}

/// Every window once, the shortest first.
fn windows(set: &RuleSet<'_>) -> Vec<Duration> {
    let mut windows: Vec<_> = set.tiers.iter().flat_map(|tier| [tier.short, tier.long]).collect();
    windows.sort();
    windows.dedup();
    windows
}

fn recordings(set: &RuleSet<'_>) -> Vec<Rule> {
    let mut windows = windows(set);
    windows.push(set.period);
    windows.dedup();
    let recording = |window: Duration| {
        let mut labels = labels(set);
        labels.insert("sloth_window".to_owned(), duration(window));
        Rule {
            kind: RuleKind::Record(record(window)),
            expr: set.queries.error_ratio(&duration(window)),
            labels,
        }
    };
    windows.into_iter().map(recording).collect()
}

fn meta_recordings(set: &RuleSet<'_>) -> Vec<Rule> {
    let selector = selector(set);
    let budget = format!("slo:error_budget:ratio{selector}");
    let over_budget = |window: Duration| {
        format!("{}{selector}\n/ on(sloth_id, sloth_slo, sloth_service) group_left\n{budget}", record(window))
    };
    let shortest = windows(set).first().copied().unwrap_or(set.period);
    let days = set.period.as_secs_f64() / 86_400.0;
    let named = [
        ("slo:objective:ratio", format!("vector({})", set.target.share_decimal())),
        ("slo:error_budget:ratio", format!("vector({})", set.target.budget_decimal())),
        ("slo:time_period:days", format!("vector({days})")),
        ("slo:current_burn_rate:ratio", over_budget(shortest)),
        ("slo:period_burn_rate:ratio", over_budget(set.period)),
        ("slo:period_error_budget_remaining:ratio", format!("1 - slo:period_burn_rate:ratio{selector}")),
        ("sloth_slo_info", "vector(1)".to_owned()),
    ];
    let rule = |(name, expr): (&str, String)| {
        let mut labels = labels(set);
        if name == "sloth_slo_info" {
            labels.insert("sloth_objective".to_owned(), set.target.percent_decimal());
            labels.insert("sloth_mode".to_owned(), "firstfault-export".to_owned());
        }
        Rule { kind: RuleKind::Record(name.to_owned()), expr, labels }
    };
    named.into_iter().map(rule).collect()
}

fn alerts(set: &RuleSet<'_>) -> Vec<Rule> {
    let of_severity = |severity: &Severity| {
        let tiers = set.tiers.iter().filter(|tier| tier.severity == *severity);
        let pairs: Vec<String> = tiers.map(|tier| pair(set, *tier)).collect();
        (!pairs.is_empty()).then(|| alert(set, *severity, pairs.join("\nor\n")))
    };
    set.alert.severities.iter().filter_map(of_severity).collect()
}

fn alert(set: &RuleSet<'_>, severity: Severity, expr: String) -> Rule {
    let name = severity.name();
    let mut labels = set.labels.clone();
    labels.insert("severity".to_owned(), name.to_owned());
    labels.insert("sloth_severity".to_owned(), name.to_owned());
    let title = format!(
        "({name}) {{{{$labels.sloth_service}}}} {{{{$labels.sloth_slo}}}} SLO error budget burn rate is too fast."
    );
    let alert = &set.alert;
    let kind = RuleKind::Alert {
        name: alert.name.clone(),
        hold: if severity == Severity::Page { alert.page_for } else { alert.ticket_for },
        keep_firing: alert.keep_firing,
        title,
        annotations: alert.annotations.clone(),
    };
    Rule { kind, expr, labels }
}

/// Both windows of a tier past its threshold.
fn pair(set: &RuleSet<'_>, tier: Tier) -> String {
    let selector = selector(set);
    let bound = format!("({} * {})", tier.threshold(), set.target.budget_decimal());
    let past = |window: Duration| {
        let (record, sign) = (record(window), Comparison::sign(tier.comparison));
        format!("    max({record}{selector} {sign} {bound}) without (sloth_window)")
    };
    format!("(\n{}\n    and\n{}\n)", past(tier.short), past(tier.long))
}

fn labels(set: &RuleSet<'_>) -> BTreeMap<String, String> {
    let mut labels = set.labels.clone();
    for (name, value) in
        [("sloth_id", set.id.as_str()), ("sloth_service", set.service), ("sloth_slo", set.slo)]
    {
        labels.insert(name.to_owned(), value.to_owned());
    }
    labels
}

fn selector(set: &RuleSet<'_>) -> String {
    let quote = queries::quote;
    format!(
        "{{sloth_id={}, sloth_service={}, sloth_slo={}}}",
        quote(&set.id),
        quote(set.service),
        quote(set.slo)
    )
}

fn record(window: Duration) -> String {
    format!("slo:sli_error:ratio_rate{}", duration(window))
}

/// A duration as Prometheus writes it: `5m`, `1h24m`, `30d`.
fn duration(duration: Duration) -> String {
    let mut seconds = duration.as_secs();
    if seconds > 0 && seconds.is_multiple_of(86_400) {
        return format!("{}d", seconds / 86_400);
    }
    let mut text = String::new();
    for (size, unit) in [(3_600, 'h'), (60, 'm'), (1, 's')] {
        if seconds >= size {
            text.push_str(&format!("{}{unit}", seconds / size));
            seconds %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}
