//! Silences as they are asked for, kept and shown.

use super::alert_state;
use crate::api::failure::Failure;
use crate::evaluate::SloStatus;
use crate::units::{self, DURATION_HINT, MOMENT_HINT, nanos, show_duration};
use alerts::{AlertRecord, Membership, RecurrenceSpec, Severity, SilenceSpec, StoredSilence};
use std::collections::BTreeMap;
use wire::{SilenceRequest, SilenceState, UnixNanos};

/// What somebody wants to be silent, in the terms of `alerts`.
pub(in super::super) fn silence_spec(
    request: SilenceRequest,
    author: String,
    now: i64,
) -> Result<SilenceSpec, Failure> {
    let SilenceRequest { matchers, starts, ends, duration, recurrence, comment, .. } = request;
    let starts_at = starts.as_deref().map_or(Ok(now), |text| moment("starts", text, now))?;
    let ends_at = match (ends, duration) {
        (Some(_), Some(_)) => {
            return Err(Failure::bad_request("ends and duration are both given").hint("write one of them"));
        }
        (Some(ends), None) => Some(moment("ends", &ends, now)?),
        (None, Some(duration)) => Some(starts_at.saturating_add(length("duration", &duration)?)),
        (None, None) => None,
    };
    if ends_at.is_some_and(|ends_at| ends_at <= now) {
        return Err(Failure::bad_request("it would be over already").hint(MOMENT_HINT));
    }
    let recurrence = recurrence.map(recurrence_spec).transpose()?;
    Ok(SilenceSpec { matchers, starts_at, ends_at, recurrence, author, comment })
}

fn recurrence_spec(recurrence: wire::Recurrence) -> Result<RecurrenceSpec, Failure> {
    let wire::Recurrence { days, at, duration, time_zone } = recurrence;
    let duration = units::duration(&duration).ok_or_else(|| no_duration("recurrence.duration", &duration))?;
    Ok(RecurrenceSpec { days, at, duration, zone: time_zone.unwrap_or_else(|| "UTC".to_owned()) })
}

fn moment(name: &str, text: &str, now: i64) -> Result<i64, Failure> {
    units::moment(text, now).ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        Failure::bad_request(format!("{name}: {shown:?} is not a time")).hint(MOMENT_HINT)
    })
}

fn length(name: &str, text: &str) -> Result<i64, Failure> {
    units::duration(text).map(nanos).ok_or_else(|| no_duration(name, text))
}

fn no_duration(name: &str, text: &str) -> Failure {
    let shown: String = text.chars().take(80).collect();
    Failure::bad_request(format!("{name}: {shown:?} is not a duration")).hint(DURATION_HINT)
}

/// `firing` are the alerts that fire, each with its labels.
pub(in super::super) fn silence_row(
    stored: &StoredSilence,
    firing: &[BTreeMap<String, String>],
    now: i64,
) -> wire::SilenceRow {
    let spec = stored.silence.spec();
    let (active_until, next_at) = (stored.active_until(now), stored.next_at(now));
    let state = match (active_until, next_at) {
        (Some(_), _) => SilenceState::Active,
        (None, Some(_)) => SilenceState::Pending,
        (None, None) => SilenceState::Expired,
    };
    let n_muted = firing.iter().filter(|labels| stored.mutes(labels, now)).count();
    wire::SilenceRow {
        id: stored.id,
        matchers: spec.matchers.clone(),
        state,
        starts_at: UnixNanos(spec.starts_at),
        ends_at: spec.ends_at.map(UnixNanos),
        recurrence: spec.recurrence.as_ref().map(recurrence_row),
        active_until: active_until.map(UnixNanos),
        next_at: next_at.filter(|_| active_until.is_none()).map(UnixNanos),
        author: spec.author.clone(),
        comment: spec.comment.clone(),
        created_at: UnixNanos(stored.created_at),
        expired_at: stored.expired.as_ref().map(|expiry| UnixNanos(expiry.at)),
        expired_by: stored.expired.as_ref().and_then(|expiry| expiry.by.clone()),
        n_muted: u32::try_from(n_muted).unwrap_or(u32::MAX),
    }
}

fn recurrence_row(spec: &RecurrenceSpec) -> wire::Recurrence {
    wire::Recurrence {
        days: spec.days.clone(),
        at: spec.at.clone(),
        duration: show_duration(spec.duration),
        time_zone: Some(spec.zone.clone()),
    }
}

/// What a silence would mute: alerts that wait or fire, and objectives.
pub(in super::super) fn silence_preview(
    silence: &alerts::Silence,
    alerts: &[AlertRecord],
    memberships: &BTreeMap<String, Membership>,
    objectives: &[(SloStatus, Vec<Severity>)],
    now: i64,
) -> wire::SilencePreview {
    let next_at = silence.next_at(now);
    let previewed = |alert: &AlertRecord| wire::PreviewedAlert {
        id: alert.id.clone(),
        slo_id: alert.slo_id.clone(),
        slo_name: alert.slo_name.clone(),
        service: alert.service.clone(),
        severity: alert.severity.name().to_owned(),
        state: alert_state(alert.phase),
        incident: memberships.get(&alert.id).map(|membership| membership.incident),
    };
    let objective = |(status, severities): &(SloStatus, Vec<Severity>)| wire::PreviewedObjective {
        slo_id: status.slo.id().to_owned(),
        slo_name: status.slo.name().to_owned(),
        service: status.slo.service().to_owned(),
        severities: severities.iter().map(|severity| severity.name().to_owned()).collect(),
    };
    wire::SilencePreview {
        is_active_now: silence.active_until(now).is_some(),
        next_at: next_at.map(UnixNanos),
        active_until: next_at.and_then(|at| silence.active_until(at)).map(UnixNanos),
        alerts: alerts.iter().map(previewed).collect(),
        objectives: objectives.iter().map(objective).collect(),
    }
}
