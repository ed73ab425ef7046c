//! The words of an alert: its sentence, its annotations, and the documents made from them.
//!
//! Names of services and operations come from telemetry and configuration; they are put into JSON
//! strings and nowhere else. Numbers are rounded for people here, and exact in the evidence beside them.

use alerts::{
    AlertRecord, Change, Event, Identity, Indicator, Judgement, NewDelivery, Notice, Ownership, Phase,
    Receiver, Route, Severity, Slo, Transition, event_id, exhaustion_s, matching, slo_url,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is known when an alert moves.
pub(super) struct Context<'a> {
    pub(super) slo: &'a Slo,
    pub(super) judgement: Option<&'a Judgement>,
    pub(super) ownership: Option<&'a Ownership>,
    pub(super) receivers: &'a BTreeMap<String, Receiver>,
    pub(super) external_url: &'a str,
    pub(super) exemplars: &'a [String],
    /// The short form of the report about it.
    pub(super) triage: Option<&'a Value>,
    pub(super) now: i64,
}

/// The move with its sentence and one notification per receiver that is to be told.
pub(super) fn change(
    context: &Context<'_>,
    mut alert: AlertRecord,
    transition: Transition,
    told: &[String],
) -> Change {
    alert.summary = summary(context, alert.severity, transition);
    let Some(event) = transition.event() else { return Change { alert, deliveries: Vec::new() } };
    let notice = Notice {
        alert: &alert,
        event,
        identity: &Identity::new(context.slo, alert.severity),
        judged: context.judgement.map(|judgement| (context.slo, judgement)),
        ownership: context.ownership,
        triage: context.triage,
        annotations: &annotations(context, &alert),
        external_url: context.external_url,
        now: context.now,
        is_test: false,
    };
    let deliveries = deliveries(&notice, context.receivers, told);
    Change { alert, deliveries }
}

/// The firing of an alert for receivers who are told later than others, and why they are.
pub(super) fn also(context: &Context<'_>, alert: &AlertRecord, told: &[String], why: &str) -> Change {
    let mut annotations = annotations(context, alert);
    annotations.insert("escalation".to_owned(), why.to_owned());
    let notice = Notice {
        alert,
        event: Event::Firing,
        identity: &Identity::new(context.slo, alert.severity),
        judged: context.judgement.map(|judgement| (context.slo, judgement)),
        ownership: context.ownership,
        triage: context.triage,
        annotations: &annotations,
        external_url: context.external_url,
        now: context.now,
        is_test: false,
    };
    Change { alert: alert.clone(), deliveries: deliveries(&notice, context.receivers, told) }
}

/// Ends an alert whose objective was removed from the configuration.
pub(super) fn close_orphan(
    mut alert: AlertRecord,
    told: &[String],
    receivers: &BTreeMap<String, Receiver>,
    ownership: Option<&Ownership>,
    external_url: &str,
    now: i64,
) -> Change {
    alert.summary = format!("{} was removed from the configuration while it was burning", alert.slo_name);
    let Phase::Firing { pending_at, firing_at, .. } = alert.phase else {
        alert.phase = Phase::Inactive;
        return Change { alert, deliveries: Vec::new() };
    };
    alert.phase = Phase::Resolved { pending_at, firing_at, resolved_at: now };
    let mut annotations = BTreeMap::from([("summary".to_owned(), alert.summary.clone())]);
    annotate(&mut annotations, ownership);
    let notice = Notice {
        alert: &alert,
        event: Event::Resolved,
        identity: &Identity::of_orphan(&alert),
        judged: None,
        ownership,
        triage: None,
        annotations: &annotations,
        external_url,
        now,
        is_test: false,
    };
    let deliveries = deliveries(&notice, receivers, told);
    Change { alert, deliveries }
}

/// Who is told that an objective burns: its own receivers, or else those of the routes that match the alert's labels,
/// or else the one that its service names.
pub(super) fn told(
    slo: &Slo,
    severity: Severity,
    ownership: Option<&Ownership>,
    routes: &[Route],
    receivers: &BTreeMap<String, Receiver>,
) -> Vec<String> {
    let own = &slo.spec().receivers;
    if !own.is_empty() {
        return own.clone();
    }
    let mut routed: Vec<String> = Vec::new();
    for name in matching(routes, &Identity::new(slo, severity)).into_iter().flat_map(|route| &route.receivers)
    {
        if !routed.contains(name) {
            routed.push(name.clone());
        }
    }
    if !routed.is_empty() {
        return routed;
    }
    match ownership.and_then(|ownership| ownership.spec().receiver.as_ref()) {
        Some(receiver) if !receivers.contains_key(receiver) => {
            let (slo, service) = (slo.id(), slo.service());
            tracing::warn!(slo, service, receiver, "the receiver of the service's alerts is not configured");
            Vec::new()
        }
        Some(receiver) => vec![receiver.clone()],
        None => Vec::new(),
    }
}

fn deliveries(
    notice: &Notice<'_>,
    receivers: &BTreeMap<String, Receiver>,
    told: &[String],
) -> Vec<NewDelivery> {
    let wants = |receiver: &&Receiver| receiver.wants(notice.event);
    told.iter()
        .filter_map(|name| receivers.get(name))
        .filter(wants)
        .map(|receiver| delivery(notice, receiver))
        .collect()
}

pub(super) fn delivery(notice: &Notice<'_>, receiver: &Receiver) -> NewDelivery {
    NewDelivery {
        id: event_id(&notice.alert.id, notice.event, &receiver.name),
        receiver: receiver.name.clone(),
        kind: receiver.kind.name(),
        event: notice.event,
        body: receiver.document(notice),
    }
}

/// "checkout burns its 99.9 % availability budget 52 times too fast; it is gone in 13 h at this rate"
fn summary(context: &Context<'_>, severity: Severity, transition: Transition) -> String {
    let slo = context.slo;
    let subject = match slo.operation() {
        Some(operation) => format!("{} {operation}", slo.service()),
        None => slo.service().to_owned(),
    };
    let budget = match slo.indicator() {
        Indicator::Availability => format!("{} availability budget", slo.target()),
        Indicator::Latency { threshold } => {
            format!("{} latency budget ({} ms)", slo.target(), threshold.as_secs_f64() * 1e3)
        }
        Indicator::Ratio(_) => format!("{} budget of {}", slo.target(), slo.name()),
    };
    let remaining = context.judgement.and_then(|judgement| judgement.budget_remaining);
    match transition {
        Transition::Pending | Transition::Firing => {
            let rate = context.judgement.and_then(|judgement| judgement.worst(severity)?.burn_long);
            let times = rate.map_or_else(String::new, |rate| format!(" {} times", rounded(rate)));
            format!("{subject} burns its {budget}{times} too fast{}", gone(slo, remaining, rate))
        }
        Transition::Resolved | Transition::Cancelled => {
            format!("{subject} no longer burns its {budget} too fast{}", left(remaining))
        }
    }
}

fn gone(slo: &Slo, remaining: Option<f64>, rate: Option<f64>) -> String {
    if remaining.is_some_and(|remaining| remaining <= 0.0) {
        return "; it is already spent".to_owned();
    }
    exhaustion_s(remaining, rate, slo.period())
        .map_or_else(String::new, |seconds| format!("; it is gone in {} at this rate", span(seconds)))
}

fn left(remaining: Option<f64>) -> String {
    match remaining {
        None => String::new(),
        Some(remaining) if remaining < 0.0 => {
            format!("; it is overspent by {} %", rounded(-remaining * 100.0))
        }
        Some(remaining) => format!("; {} % of it is left", rounded(remaining * 100.0)),
    }
}

fn annotations(context: &Context<'_>, alert: &AlertRecord) -> BTreeMap<String, String> {
    let slo = context.slo;
    let mut annotations = BTreeMap::new();
    let mut put = |name: &str, text: String| annotations.insert(name.to_owned(), text);
    put("summary", alert.summary.clone());
    put("description", slo.sentence());
    put("dashboard_url", slo_url(context.external_url, slo.id()));
    let playbooks = context.ownership.map(|ownership| ownership.spec().playbooks.as_slice());
    let playbook = playbooks.and_then(|playbooks| playbooks.first());
    if let Some(url) = slo.spec().runbook_url.as_ref().or(playbook) {
        put("runbook_url", url.clone());
    }
    if let Some(worst) = context.judgement.and_then(|judgement| judgement.worst(alert.severity)) {
        put("tier", worst.tier.index.to_string());
        put("coverage", format!("{} %", rounded(worst.long.coverage.share() * 100.0)));
        let remaining = context.judgement.and_then(|judgement| judgement.budget_remaining);
        if let Some(seconds) = exhaustion_s(remaining, worst.burn_long, slo.period()) {
            put("time_to_exhaustion", span(seconds));
        }
    }
    if let Some(headline) = context.triage.and_then(|triage| triage["headline"].as_str()) {
        put("origin", headline.to_owned());
    }
    for (n, trace_id) in context.exemplars.iter().enumerate() {
        put(&format!("exemplar_trace_{}", n + 1), trace_id.clone());
    }
    annotate(&mut annotations, context.ownership);
    annotations
}

/// Whose the service is. `tier` is the one of the burn rate already.
fn annotate(annotations: &mut BTreeMap<String, String>, ownership: Option<&Ownership>) {
    let Some(spec) = ownership.map(Ownership::spec) else { return };
    let facts = [
        ("owner", &spec.owner),
        ("contact", &spec.contact),
        ("repository", &spec.repository),
        ("service_tier", &spec.tier),
    ];
    let mut put = |name: String, text: &String| annotations.insert(name, text.clone());
    for (name, fact) in facts {
        if let Some(fact) = fact {
            put(name.to_owned(), fact);
        }
    }
    for (n, playbook) in spec.playbooks.iter().enumerate() {
        put(format!("playbook_{}", n + 1), playbook);
    }
}

/// Two significant digits below ten, whole numbers above.
fn rounded(number: f64) -> String {
    if number < 9.95 {
        let text = format!("{number:.1}");
        return text.strip_suffix(".0").unwrap_or(&text).to_owned();
    }
    format!("{number:.0}")
}

/// A span of time in the unit that leaves it above one and a half of it.
pub(super) fn span(seconds: f64) -> String {
    let units = [(86_400.0, "d", 48.0 * 3600.0), (3600.0, "h", 90.0 * 60.0), (60.0, "min", 90.0)];
    let unit = units.into_iter().find(|(_, _, from)| seconds >= *from);
    let (size, name, _) = unit.unwrap_or((1.0, "s", 0.0));
    format!("{} {name}", rounded(seconds / size))
}

#[cfg(test)]
mod tests;
