//! Rows of the `incident_alert` table: which incident an alert belongs to, why, and whether anybody was told.

use super::alert_rows;
use crate::incident::REOPEN_WITHIN;
use crate::{Candidate, Error, Member, Muted, Reason, ReasonKind};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeMap;

/// Incidents that alerts may join, at once: far more than anybody has open.
const CANDIDATES_MAX: u32 = 1_000;

/// The incident of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub incident: u32,
    /// It fired, and nobody was told of it yet.
    pub withheld: Option<Muted>,
}

/// Whether somebody has still to be told of an alert that fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attention {
    /// Nobody looks after it; steps of escalation are counted from then on.
    Wanted { since: i64 },
    /// Somebody said that they look after it, or that it is over.
    Given,
    /// It is muted since it fired: nobody was told of it.
    Withheld,
}

pub(super) fn insert(
    transaction: &Transaction<'_>,
    alert_id: &str,
    number: u32,
    (reason, withheld): (&Reason, Option<&Muted>),
    now: i64,
) -> Result<(), Error> {
    let sql =
        "INSERT INTO incident_alert (alert_id, incident, joined_at, reason, path, told_from, withheld_by,
            withheld_of)
        VALUES (?1, ?2, ?3, ?4, ?5, ?3, ?6, ?7)";
    let (by, of) = columns(withheld);
    let values = params![alert_id, number, now, reason.kind.name(), path_text(reason), by, of];
    transaction.execute(sql, values).map_err(Error::sqlite("write a member of an incident"))?;
    Ok(())
}

/// Somebody says that it belongs elsewhere.
pub(super) fn rehome(
    transaction: &Transaction<'_>,
    alert_id: &str,
    number: u32,
    now: i64,
) -> Result<(), Error> {
    let reason = Reason::from(ReasonKind::Moved);
    let sql =
        "UPDATE incident_alert SET incident = ?2, joined_at = ?3, reason = ?4, path = ?5, told_from = ?3
        WHERE alert_id = ?1";
    let values = params![alert_id, number, now, reason.kind.name(), path_text(&reason)];
    transaction.execute(sql, values).map_err(Error::sqlite("move a member of an incident"))?;
    Ok(())
}

/// From now on they are told of the alert.
pub(super) fn release(transaction: &Transaction<'_>, alert_id: &str, now: i64) -> Result<(), Error> {
    let sql = "UPDATE incident_alert SET withheld_by = NULL, withheld_of = NULL, told_from = ?2
        WHERE alert_id = ?1";
    transaction.execute(sql, params![alert_id, now]).map_err(Error::sqlite("unmute an alert"))?;
    Ok(())
}

/// Nobody looks after the alerts of an incident any more: escalation begins anew.
pub(super) fn tell_anew(transaction: &Transaction<'_>, number: u32, now: i64) -> Result<(), Error> {
    let sql = "UPDATE incident_alert SET told_from = ?2 WHERE incident = ?1";
    transaction.execute(sql, params![number, now]).map_err(Error::sqlite("reopen an incident"))?;
    Ok(())
}

pub(super) fn of_alert(connection: &Connection, alert_id: &str) -> Result<Option<Membership>, Error> {
    let failed = || Error::sqlite("read a member of an incident");
    let sql = "SELECT incident, withheld_by, withheld_of FROM incident_alert WHERE alert_id = ?1";
    let read = |row: &Row<'_>| {
        let incident = row.get(0)?;
        Ok(withheld(row, 1)?.map(|withheld| Membership { incident, withheld }))
    };
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    statement.query_row([alert_id], read).optional().map_err(failed())?.transpose()
}

/// Alerts of an incident in the order in which they joined.
pub(super) fn of_incident(connection: &Connection, number: u32) -> Result<Vec<Member>, Error> {
    let failed = || Error::sqlite("read members of an incident");
    let alerts = alert_rows::of_incident(connection, number)?;
    let sql =
        "SELECT joined_at, reason, path, withheld_by, withheld_of FROM incident_alert WHERE incident = ?1
        ORDER BY joined_at, rowid";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut rows = statement.query([number]).map_err(failed())?;
    let mut members = Vec::with_capacity(alerts.len());
    for alert in alerts {
        // Every member is an alert, so both lists have the same length and order.
        let Some(row) = rows.next().map_err(failed())? else { break };
        let joined_at = row.get(0).map_err(failed())?;
        let (kind, path): (String, String) = (row.get(1).map_err(failed())?, row.get(2).map_err(failed())?);
        let reason = reason(kind, &path)?;
        let withheld = withheld(row, 3).map_err(failed())??;
        members.push(Member { alert, joined_at, reason, withheld });
    }
    Ok(members)
}

/// What alerts that begin to fire may join.
pub(super) fn candidates(connection: &Connection, now: i64) -> Result<Vec<Candidate>, Error> {
    let failed = || Error::sqlite("read open incidents");
    let within = i64::try_from(REOPEN_WITHIN.as_nanos()).unwrap_or(i64::MAX);
    let sql = "SELECT number, coalesce(reopened_at, opened_at), resolved_at, origin FROM incident
        WHERE status <> 'resolved' OR resolved_at >= ?1 ORDER BY number DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let values = params![now.saturating_sub(within), CANDIDATES_MAX];
    let rows = statement.query_map(values, candidate).map_err(failed())?;
    let mut candidates: Vec<Candidate> = rows.collect::<rusqlite::Result<_>>().map_err(failed())?;
    let sql = "SELECT service, slo_id FROM incident_alert JOIN alert ON alert.id = incident_alert.alert_id
        WHERE incident = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    for one in &mut candidates {
        let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        for pair in statement.query_map([one.number], read).map_err(failed())? {
            let (service, objective) = pair.map_err(failed())?;
            one.services.insert(service);
            one.objectives.insert(objective);
        }
    }
    Ok(candidates)
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    Ok(Candidate {
        number: row.get(0)?,
        since: row.get(1)?,
        resolved_at: row.get(2)?,
        services: [row.get(3)?].into(),
        objectives: [].into(),
    })
}

/// Of every alert that fires.
pub(super) fn attention(connection: &Connection) -> Result<BTreeMap<String, Attention>, Error> {
    let failed = || Error::sqlite("read who is looked after");
    let sql = "SELECT incident_alert.alert_id, incident.status = 'open', told_from, withheld_by IS NOT NULL
        FROM incident_alert
            JOIN incident ON incident.number = incident_alert.incident
            JOIN alert ON alert.id = incident_alert.alert_id
        WHERE alert.phase = 'firing'";
    let read = |row: &Row<'_>| {
        let attention = match (row.get(1)?, row.get(3)?) {
            (false, _) => Attention::Given,
            (true, true) => Attention::Withheld,
            (true, false) => Attention::Wanted { since: row.get(2)? },
        };
        Ok((row.get(0)?, attention))
    };
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let rows = statement.query_map([], read).map_err(failed())?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed())
}

fn path_text(reason: &Reason) -> String {
    serde_json::to_string(&reason.path).expect("a list of texts always serializes")
}

fn reason(kind: String, path: &str) -> Result<Reason, Error> {
    let kind =
        ReasonKind::parse(&kind).ok_or(Error::Corrupt { what: "the reason of a member", value: kind })?;
    let path = serde_json::from_str(path)
        .map_err(|_| Error::Corrupt { what: "the path of a member", value: path.to_owned() })?;
    Ok(Reason { kind, path })
}

fn columns(withheld: Option<&Muted>) -> (Option<&'static str>, Option<String>) {
    match withheld {
        None => (None, None),
        Some(Muted::Silence(id)) => (Some("silence"), Some(id.to_string())),
        Some(Muted::Inhibited { by }) => (Some("alert"), Some(by.clone())),
    }
}

/// A row can fail twice: SQLite cannot read it, or its text is none of ours.
fn withheld(row: &Row<'_>, at: usize) -> rusqlite::Result<Result<Option<Muted>, Error>> {
    let (by, of): (Option<String>, Option<String>) = (row.get(at)?, row.get(at + 1)?);
    let (Some(by), Some(of)) = (by, of) else { return Ok(Ok(None)) };
    let muted = match by.as_str() {
        "silence" => of.parse().ok().map(Muted::Silence),
        "alert" => Some(Muted::Inhibited { by: of }),
        _ => None,
    };
    Ok(muted.map(Some).ok_or(Error::Corrupt { what: "what mutes an alert", value: by }))
}
