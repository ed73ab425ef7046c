//! What is told, and the document of webhooks: Alertmanager's format, version 4.
//!
//! Existing receivers read it as they read Alertmanager's; one more top-level object, `firstfault`,
//! carries the evidence. Labels say only which alert it is, annotations say what happened. The document
//! is made once, when the notification is enqueued, and never again. Other kinds of receivers make theirs of the same
//! notice.

use crate::{
    Event, Judgement, Ownership, Severity, Slo, TierJudgement,
    outbox::{AlertRecord, event_id},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// What Go prints for a time that is not set; Alertmanager sends it as the end of a firing alert.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";
const ALERT_NAME: &str = "ErrorBudgetBurn";

/// Everything a document says, apart from its receiver.
#[derive(Debug)]
pub struct Notice<'a> {
    pub alert: &'a AlertRecord,
    pub event: Event,
    pub identity: &'a Identity,
    /// Who burned what, or none for an SLO that is no longer configured.
    pub judged: Option<(&'a Slo, &'a Judgement)>,
    /// Whose the service is. No label tells it: facts may change while an alert lives, and labels must not.
    pub ownership: Option<&'a Ownership>,
    /// What was found out about the cause: JSON that is passed on as it is.
    pub triage: Option<&'a Value>,
    /// The number of the incident that the alert belongs to.
    pub incident: Option<u32>,
    /// Flat text: `summary`, `dashboard_url`, `exemplar_trace_1` and so on.
    pub annotations: &'a BTreeMap<String, String>,
    /// The address under which people open Firstfault.
    pub external_url: &'a str,
    /// The moment of the evaluation, in unix nanoseconds.
    pub now: i64,
    /// Somebody tries whether the receiver is reached; nothing is wrong.
    pub is_test: bool,
}

impl Notice<'_> {
    /// Where the alert is shown with all that became of it.
    pub(super) fn alert_url(&self) -> String {
        let page = format!("{}/alerts", self.external_url.trim_end_matches('/'));
        if self.is_of_our_own() { page } else { format!("{page}?open={}", self.alert.id) }
    }

    /// Where its cause is shown.
    pub(super) fn source_url(&self) -> String {
        if self.is_of_our_own() { self.alert_url() } else { slo_url(self.external_url, &self.alert.slo_id) }
    }

    /// The incident's number, and where it is shown.
    pub(super) fn incident(&self) -> Option<(u32, String)> {
        self.incident.map(|number| (number, incident_url(self.external_url, number)))
    }

    /// A test, or trouble with a receiver: no objective is behind it.
    fn is_of_our_own(&self) -> bool {
        self.alert.slo_id.is_empty()
    }
}

/// The labels of an alert: the same from its first to its last notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity(BTreeMap<String, String>);

impl Identity {
    pub fn new(slo: &Slo, severity: Severity) -> Self {
        Self::with(slo.id(), slo.service(), slo.operation(), severity, slo.spec().labels.clone())
    }

    /// For an SLO that is no longer configured, from what is known about its alert.
    pub fn of_orphan(alert: &AlertRecord) -> Self {
        Self::with(&alert.slo_id, &alert.service, None, alert.severity, BTreeMap::new())
    }

    /// For what Firstfault has to say about a receiver.
    pub fn of_receiver(alert_name: &str, receiver: &str, severity: Severity) -> Self {
        let labels = [
            ("alertname", alert_name),
            ("receiver", receiver),
            ("service", "firstfault"),
            ("severity", severity.name()),
        ];
        Self(labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    /// Names and values, which matchers of routes look at.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    fn with(
        slo: &str,
        service: &str,
        operation: Option<&str>,
        severity: Severity,
        mut labels: BTreeMap<String, String>,
    ) -> Self {
        let mut put = |name: &str, value: &str| labels.insert(name.to_owned(), value.to_owned());
        put("alertname", ALERT_NAME);
        put("service", service);
        put("severity", severity.name());
        put("slo", slo);
        if let Some(operation) = operation {
            put("operation", operation);
        }
        Self(labels)
    }

    /// 16 hexadecimal digits over the label set: FNV-1a over names and values, as Prometheus does it.
    pub fn fingerprint(&self) -> String {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut take = |text: &str| {
            for byte in text.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        for (name, value) in &self.0 {
            take(name);
            take(value);
        }
        format!("{hash:016x}")
    }
}

/// The bytes for one receiver.
pub(super) fn document(notice: &Notice<'_>, receiver: &str) -> Vec<u8> {
    let document = compose(notice, receiver);
    serde_json::to_vec(&document).expect("maps with text keys and numbers always serialize")
}

fn compose<'a>(notice: &Notice<'a>, receiver: &'a str) -> Document<'a> {
    let Notice { event, identity, annotations, external_url, .. } = *notice;
    let status = event.status();
    let group_labels = group_labels(identity);
    Document {
        version: "4",
        group_key: group_key(receiver, &group_labels),
        truncated_alerts: 0,
        status,
        receiver,
        group_labels,
        common_labels: identity.labels(),
        common_annotations: annotations,
        external_url,
        alerts: [Alert {
            status,
            labels: identity.labels(),
            annotations,
            starts_at: starts_at(notice),
            ends_at: ends_at(notice).unwrap_or_else(|| ZERO_TIME.to_owned()),
            generator_url: notice.source_url(),
            fingerprint: identity.fingerprint(),
        }],
        firstfault: evidence(notice, receiver),
    }
}

pub(super) fn starts_at(notice: &Notice<'_>) -> String {
    rfc3339(notice.alert.phase.firing_at().unwrap_or(notice.alert.pending_at))
}

/// None while it goes on.
pub(super) fn ends_at(notice: &Notice<'_>) -> Option<String> {
    notice.alert.phase.resolved_at().map(rfc3339)
}

/// Where an SLO is shown.
pub fn slo_url(external_url: &str, slo_id: &str) -> String {
    format!("{}/slos/{slo_id}", external_url.trim_end_matches('/'))
}

/// Where an incident is shown.
pub fn incident_url(external_url: &str, number: u32) -> String {
    format!("{}/incidents/{number}", external_url.trim_end_matches('/'))
}

/// One group per alert: nothing else would be in it, and its key is stable.
fn group_labels(identity: &Identity) -> BTreeMap<&'static str, &str> {
    let named = |name: &'static str| Some((name, identity.0.get(name)?.as_str()));
    let of = if identity.0.contains_key("slo") {
        ["alertname", "severity", "slo"]
    } else {
        ["alertname", "receiver", "severity"]
    };
    of.into_iter().filter_map(named).collect()
}

/// Opaque to receivers; the shape is Alertmanager's: a routing path, then the group's labels.
fn group_key(receiver: &str, labels: &BTreeMap<&'static str, &str>) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let pairs: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", quoted(value))).collect();
    format!("{{}}/{{receiver=\"{}\"}}:{{{}}}", quoted(receiver), pairs.join(", "))
}

/// RFC 3339 in UTC. Times past the year 9999 cannot come from a clock.
pub(super) fn rfc3339(at: i64) -> String {
    Timestamp::from_nanosecond(i128::from(at)).map_or_else(|_| ZERO_TIME.to_owned(), |at| at.to_string())
}

pub(super) fn evidence<'a>(notice: &Notice<'a>, receiver: &str) -> Evidence<'a> {
    Evidence {
        version: 1,
        event_id: event_id(&notice.alert.id, notice.event, receiver),
        alert_id: notice.alert.id.clone(),
        evaluated_at: rfc3339(notice.now),
        summary: notice.alert.summary.clone(),
        slo: notice.judged.map(|(slo, _)| objective(slo)),
        budget: notice.judged.map(|(_, judgement)| budget(judgement)),
        tiers: notice.judged.map_or_else(Vec::new, |(_, judgement)| {
            let of_alert = judgement.tiers.iter().filter(|tier| tier.tier.severity == notice.alert.severity);
            of_alert.map(burn).collect()
        }),
        ownership: notice.ownership.map(owned),
        incident: notice.incident().map(|(number, url)| IncidentLink { number, url }),
        triage: notice.triage,
    }
}

fn owned(ownership: &Ownership) -> Owned {
    let spec = ownership.spec().clone();
    Owned {
        owner: spec.owner,
        contact: spec.contact,
        repository: spec.repository,
        tier: spec.tier,
        playbooks: spec.playbooks,
    }
}

fn objective(slo: &Slo) -> Objective {
    Objective {
        id: slo.id().to_owned(),
        name: slo.name().to_owned(),
        sentence: slo.sentence(),
        service: slo.service().to_owned(),
        operation: slo.operation().map(str::to_owned),
        indicator: slo.indicator().name(),
        threshold_ns: slo.indicator().threshold_ns(),
        target: slo.target().share(),
        period_s: slo.period().as_secs(),
    }
}

fn budget(judgement: &Judgement) -> Budget {
    Budget {
        n_good: judgement.period.n_good,
        n_total: judgement.period.n_total,
        coverage: judgement.period.coverage.share(),
        compliance: judgement.compliance,
        remaining: judgement.budget_remaining,
        exhaustion_s: judgement.exhaustion_s,
    }
}

fn burn(judged: &TierJudgement) -> Burn {
    let window = |length: Duration, counts: crate::WindowCounts, burn: Option<f64>| Window {
        seconds: length.as_secs(),
        n_total: counts.n_total,
        n_bad: counts.n_bad(),
        burn,
        coverage: counts.coverage.share(),
    };
    Burn {
        tier: judged.tier.index,
        severity: judged.tier.severity.name(),
        threshold: judged.tier.threshold(),
        verdict: judged.verdict.name(),
        long: window(judged.tier.long, judged.long, judged.burn_long),
        short: window(judged.tier.short, judged.short, judged.burn_short),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    version: &'static str,
    group_key: String,
    truncated_alerts: u32,
    status: &'static str,
    receiver: &'a str,
    group_labels: BTreeMap<&'static str, &'a str>,
    common_labels: &'a BTreeMap<String, String>,
    common_annotations: &'a BTreeMap<String, String>,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    alerts: [Alert<'a>; 1],
    firstfault: Evidence<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert<'a> {
    status: &'static str,
    labels: &'a BTreeMap<String, String>,
    annotations: &'a BTreeMap<String, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    fingerprint: String,
}

/// What was found, exact and for programs.
#[derive(Serialize)]
pub(super) struct Evidence<'a> {
    version: u32,
    event_id: String,
    alert_id: String,
    evaluated_at: String,
    summary: String,
    slo: Option<Objective>,
    budget: Option<Budget>,
    tiers: Vec<Burn>,
    ownership: Option<Owned>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<IncidentLink>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triage: Option<&'a Value>,
}

#[derive(Serialize)]
struct IncidentLink {
    number: u32,
    url: String,
}

#[derive(Serialize)]
struct Owned {
    owner: Option<String>,
    contact: Option<String>,
    repository: Option<String>,
    tier: Option<String>,
    playbooks: Vec<String>,
}

#[derive(Serialize)]
struct Objective {
    id: String,
    name: String,
    sentence: String,
    service: String,
    operation: Option<String>,
    indicator: &'static str,
    threshold_ns: Option<i64>,
    target: f64,
    period_s: u64,
}

#[derive(Serialize)]
struct Budget {
    n_good: u64,
    n_total: u64,
    coverage: f64,
    compliance: Option<f64>,
    remaining: Option<f64>,
    exhaustion_s: Option<f64>,
}

#[derive(Serialize)]
struct Burn {
    tier: u8,
    severity: &'static str,
    threshold: f64,
    verdict: &'static str,
    long: Window,
    short: Window,
}

#[derive(Serialize)]
struct Window {
    seconds: u64,
    n_total: u64,
    n_bad: u64,
    burn: Option<f64>,
    coverage: f64,
}

#[cfg(test)]
mod tests;
