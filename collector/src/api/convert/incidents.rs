//! Incidents: their alerts with the reasons, what they cost, and one timeline of what was written down, of
//! notifications and of what went out near the time.

use super::catalogue::{ownership, release_rows};
use crate::evaluate::{Events, Muting, Owned, SloStatus};
use alerts::{
    AlertRecord, Delivery, DeliveryState, Entry, EntryKind, IncidentFile, IncidentLine, IncidentStatus,
    Member, Membership, Muted, Phase, ReasonKind,
};
use std::collections::{BTreeMap, BTreeSet};
use storage::{SeenVersion, TimeRange};
use wire::{MutedBy, TimelineEntry, TimelineKind, UnixNanos};

/// Entries of one answer: the newest.
const TIMELINE_MAX: usize = 2_000;
/// As many of those that are written down are asked for.
const WRITTEN_MAX: usize = 1_000;

/// Of alerts their incidents, and what mutes them.
pub(in super::super) struct Marks(BTreeMap<String, (Option<u32>, Option<MutedBy>)>);

impl Marks {
    pub(in super::super) fn of<'a>(
        alerts: impl Iterator<Item = &'a AlertRecord>,
        memberships: &BTreeMap<String, Membership>,
        muting: &Muting,
    ) -> Self {
        let mark = |alert: &AlertRecord| {
            let membership = memberships.get(&alert.id);
            let withheld = membership.and_then(|membership| membership.withheld.as_ref());
            let incident = membership.map(|membership| membership.incident);
            (alert.id.clone(), (incident, muted_by(alert, withheld, muting)))
        };
        Self(alerts.map(mark).collect())
    }

    pub(in super::super) fn put(&self, rows: &mut [wire::AlertRow]) {
        for row in rows {
            if let Some((incident, muted_by)) = self.0.get(&row.id) {
                row.incident = *incident;
                row.muted_by.clone_from(muted_by);
            }
        }
    }
}

/// Why nobody is told of an alert, if it fires and nobody is.
fn muted_by(alert: &AlertRecord, withheld: Option<&Muted>, muting: &Muting) -> Option<MutedBy> {
    if !matches!(alert.phase, Phase::Firing { .. }) {
        return None;
    }
    if let Some(id) = muting.silence_of(alert) {
        return Some(MutedBy { silence: Some(id), alert_id: None });
    }
    match withheld {
        Some(Muted::Inhibited { by }) => Some(MutedBy { silence: None, alert_id: Some(by.clone()) }),
        // One that is over is told of in a moment.
        Some(Muted::Silence(_)) | None => None,
    }
}

/// What is known of an incident beside its file.
pub(in super::super) struct AboutIncident {
    pub(in super::super) now: i64,
    pub(in super::super) owners: BTreeMap<String, Owned>,
    /// Short forms of reports, by alert.
    pub(in super::super) summaries: BTreeMap<String, String>,
    pub(in super::super) muting: Muting,
    pub(in super::super) releases: Vec<Released>,
    pub(in super::super) objectives: Vec<wire::IncidentObjective>,
    pub(in super::super) not_known: Vec<String>,
}

/// What went out of a service.
pub(in super::super) struct Released {
    service: String,
    rows: Vec<wire::ReleaseRow>,
}

impl Released {
    /// A service's first version is no release: that is when it was first heard.
    pub(in super::super) fn new(
        service: &str,
        range: TimeRange,
        versions: Vec<SeenVersion>,
        markers: Vec<alerts::Deployment>,
    ) -> Self {
        let mut rows = release_rows(range, &versions, markers);
        rows.retain(|row| row.kind == wire::ReleaseKind::Marker || row.previous.is_some());
        Self { service: service.to_owned(), rows }
    }
}

pub(in super::super) fn incident_row(line: &IncidentLine, muting: &Muting) -> wire::IncidentRow {
    let IncidentLine { incident, members, triage } = line;
    let firing: Vec<&Member> = members.iter().filter(|member| member.is_firing()).collect();
    let is_muted = |member: &&Member| muted_by(&member.alert, member.withheld.as_ref(), muting).is_some();
    let services: BTreeSet<&String> = members.iter().map(|member| &member.alert.service).collect();
    let acknowledged = incident.stage.acknowledgement();
    wire::IncidentRow {
        number: incident.number,
        title: incident.title.clone(),
        severity: incident.severity.name().to_owned(),
        status: match incident.stage.status() {
            IncidentStatus::Open => wire::IncidentStatus::Open,
            IncidentStatus::Acknowledged => wire::IncidentStatus::Acknowledged,
            IncidentStatus::Resolved => wire::IncidentStatus::Resolved,
        },
        origin: incident.origin.service.clone(),
        origin_source: match incident.origin.is_reported {
            true => wire::OriginSource::Report,
            false => wire::OriginSource::Graph,
        },
        owner: incident.owner.clone(),
        opened_at: UnixNanos(incident.opened_at),
        acknowledged_at: acknowledged.map(|acknowledged| UnixNanos(acknowledged.at)),
        acknowledged_by: acknowledged.and_then(|acknowledged| acknowledged.by.clone()),
        resolved_at: incident.stage.resolved_at().map(UnixNanos),
        n_reopened: incident.n_reopened,
        services: services.into_iter().cloned().collect(),
        n_alerts: count(members.len()),
        n_firing: count(firing.len()),
        is_muted: !firing.is_empty() && firing.iter().all(is_muted),
        headline: triage
            .as_ref()
            .and_then(|(_, summary)| short_report(summary))
            .map(|report| report.headline),
    }
}

pub(in super::super) fn incident_detail(file: IncidentFile, about: AboutIncident) -> wire::IncidentDetail {
    let AboutIncident { now, owners, summaries, muting, releases, objectives, not_known } = about;
    let incident = incident_row(&file.line, &muting);
    let written_all = file.entries.len() < WRITTEN_MAX;
    let mut timeline = timeline(&file, releases);
    let n_more = timeline.len().saturating_sub(TIMELINE_MAX);
    timeline.drain(..n_more);
    let IncidentFile { line, deliveries, .. } = file;
    let triage = line.triage.as_ref().and_then(|(_, summary)| short_report(summary));
    let alert_of = |(member, deliveries): (Member, Vec<Delivery>)| {
        let Member { alert, joined_at, reason, withheld } = member;
        let muted_by = muted_by(&alert, withheld.as_ref(), &muting);
        let row = super::alert_row((alert, deliveries), &owners, &summaries);
        wire::IncidentAlert {
            alert: wire::AlertRow { incident: Some(incident.number), muted_by, ..row },
            joined_at: UnixNanos(joined_at),
            reason_text: reason.sentence(),
            reason: membership_reason(reason.kind),
            path: reason.path,
        }
    };
    wire::IncidentDetail {
        now: UnixNanos(now),
        ownership: owners.get(&incident.origin).cloned().map(ownership),
        alerts: line.members.into_iter().zip(deliveries).map(alert_of).collect(),
        objectives,
        timeline,
        timeline_truncated: n_more > 0 || !written_all,
        triage_alert_id: triage.as_ref().and(line.triage).map(|(alert_id, _)| alert_id),
        triage,
        not_known,
        incident,
    }
}

/// What an incident cost an objective: of bad events those of the range that was read.
pub(in super::super) fn incident_objective(
    alert: &AlertRecord,
    status: Option<&SloStatus>,
    events: Option<&Events>,
) -> wire::IncidentObjective {
    let judgement = status.and_then(|status| status.judged.as_ref()).map(|(_, judgement)| judgement);
    let sums = events.map(|events| {
        let n_total: u64 = events.buckets.iter().map(|bucket| bucket.n_total).sum();
        let n_good: u64 = events.buckets.iter().map(|bucket| bucket.n_good).sum();
        (n_total.saturating_sub(n_good), n_total)
    });
    // Bad events that the whole period may have.
    let allowed = status
        .zip(judgement)
        .map(|(status, judgement)| status.slo.target().budget() * judgement.period.n_total as f64);
    let spent = |(n_bad, _): (u64, u64)| {
        allowed.filter(|allowed| *allowed > 0.0).map(|allowed| n_bad as f64 / allowed)
    };
    wire::IncidentObjective {
        slo_id: alert.slo_id.clone(),
        slo_name: alert.slo_name.clone(),
        service: alert.service.clone(),
        is_configured: status.is_some(),
        n_bad: sums.map(|(n_bad, _)| n_bad),
        n_total: sums.map(|(_, n_total)| n_total),
        budget_spent: sums.and_then(spent),
        budget_remaining: judgement.and_then(|judgement| judgement.budget_remaining),
    }
}

/// What was written down, notifications and releases, in order of time.
fn timeline(file: &IncidentFile, releases: Vec<Released>) -> Vec<TimelineEntry> {
    let mut timeline: Vec<TimelineEntry> = file.entries.iter().map(written).collect();
    for (member, deliveries) in file.line.members.iter().zip(&file.deliveries) {
        timeline.extend(deliveries.iter().map(|delivery| notified(&member.alert, delivery)));
    }
    for Released { service, rows } in releases {
        timeline.extend(rows.into_iter().map(|row| released(&service, row)));
    }
    // Keeps the order of what is of the same moment.
    timeline.sort_by_key(|entry| entry.at);
    timeline
}

fn written(entry: &Entry) -> TimelineEntry {
    let Entry { at, kind, text, by, alert_id } = entry;
    TimelineEntry {
        at: UnixNanos(*at),
        kind: match kind {
            EntryKind::Opened => TimelineKind::Opened,
            EntryKind::AlertFired => TimelineKind::AlertFired,
            EntryKind::AlertResolved => TimelineKind::AlertResolved,
            EntryKind::AlertMoved => TimelineKind::AlertMoved,
            EntryKind::Muted => TimelineKind::Muted,
            EntryKind::Unmuted => TimelineKind::Unmuted,
            EntryKind::Report => TimelineKind::Report,
            EntryKind::Origin => TimelineKind::Origin,
            EntryKind::Acknowledged => TimelineKind::Acknowledged,
            EntryKind::Assigned => TimelineKind::Assigned,
            EntryKind::Note => TimelineKind::Note,
            EntryKind::Resolved => TimelineKind::Resolved,
            EntryKind::Reopened => TimelineKind::Reopened,
        },
        text: text.clone(),
        by: by.clone(),
        alert_id: alert_id.clone(),
        ..TimelineEntry::default()
    }
}

fn notified(alert: &AlertRecord, delivery: &Delivery) -> TimelineEntry {
    let (receiver, event, name) = (&delivery.receiver, delivery.event.name(), &alert.slo_name);
    let text = match delivery.state {
        DeliveryState::Delivered => format!("{receiver} was told: {event}, {name}"),
        DeliveryState::Waiting => format!("{receiver} has still to be told: {event}, {name}"),
        DeliveryState::Dead => format!("{receiver} was not reached: {event}, {name}"),
    };
    let is_delivered = delivery.state == DeliveryState::Delivered;
    let error = delivery.attempts.last().map(|attempt| attempt.error.clone()).unwrap_or_default();
    TimelineEntry {
        at: UnixNanos(delivery.created_at),
        kind: TimelineKind::Notified,
        text,
        alert_id: Some(alert.id.clone()),
        delivery: Some(wire::TimelineDelivery {
            id: delivery.id.clone(),
            receiver: receiver.clone(),
            event: event.to_owned(),
            state: delivery.state.name().to_owned(),
            n_attempts: count(delivery.attempts.len()),
            delivered_at: delivery.finished_at.filter(|_| is_delivered).map(UnixNanos),
            error,
        }),
        ..TimelineEntry::default()
    }
}

fn released(service: &str, row: wire::ReleaseRow) -> TimelineEntry {
    let environment = match row.environment.as_str() {
        "" => String::new(),
        environment => format!(" in {environment}"),
    };
    let text = match (row.title, row.previous) {
        (Some(title), _) => format!("{service} {}{environment}: {title}", row.version),
        (None, Some(previous)) => format!("{service} {}{environment}, after {previous}", row.version),
        (None, None) => format!("{service} {}{environment}", row.version),
    };
    TimelineEntry {
        at: row.at,
        kind: TimelineKind::Release,
        text,
        service: Some(service.to_owned()),
        url: row.url,
        ..TimelineEntry::default()
    }
}

fn membership_reason(kind: ReasonKind) -> wire::MembershipReason {
    match kind {
        ReasonKind::Opened => wire::MembershipReason::Opened,
        ReasonKind::SameObjective => wire::MembershipReason::SameObjective,
        ReasonKind::SameService => wire::MembershipReason::SameService,
        ReasonKind::Calls => wire::MembershipReason::Calls,
        ReasonKind::CalledBy => wire::MembershipReason::CalledBy,
        ReasonKind::Moved => wire::MembershipReason::Moved,
    }
}

/// One that a later version wrote is not shown.
fn short_report(summary: &str) -> Option<wire::TriageSummary> {
    serde_json::from_str(summary).ok()
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
