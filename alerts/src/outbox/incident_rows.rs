//! Rows of the `incident` and `incident_entry` tables.

use crate::{Acknowledgement, Entry, EntryKind, Error, Incident, IncidentStatus, Origin, Severity, Stage};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// Lines of one timeline: hours of flapping. The oldest make room.
const ENTRIES_MAX: u32 = 5_000;

const COLUMNS: &str = "number, title, severity, origin, is_reported, status, owner, opened_at, reopened_at, \
                       n_reopened, acknowledged_at, acknowledged_by, resolved_at";

/// Which incidents are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentFilter {
    pub statuses: Vec<IncidentStatus>,
    /// Only those with a smaller number.
    pub before: Option<u32>,
    pub limit: u32,
}

/// The number that the next incident has: also of those that are forgotten none is used again.
pub(super) fn next(connection: &Connection) -> Result<u32, Error> {
    let sql = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'incident'";
    connection.query_row(sql, [], |row| row.get(0)).map_err(Error::sqlite("number an incident"))
}

pub(super) fn put(transaction: &Transaction<'_>, incident: &Incident) -> Result<(), Error> {
    let sql = format!(
        "INSERT INTO incident ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (number) DO UPDATE SET title = ?2, severity = ?3, origin = ?4, is_reported = ?5, status = ?6,
             owner = ?7, opened_at = ?8, reopened_at = ?9, n_reopened = ?10, acknowledged_at = ?11,
             acknowledged_by = ?12, resolved_at = ?13"
    );
    let acknowledged = incident.stage.acknowledgement();
    let values = params![
        incident.number,
        incident.title,
        incident.severity.name(),
        incident.origin.service,
        incident.origin.is_reported,
        incident.stage.status().name(),
        incident.owner,
        incident.opened_at,
        incident.reopened_at,
        incident.n_reopened,
        acknowledged.map(|acknowledged| acknowledged.at),
        acknowledged.and_then(|acknowledged| acknowledged.by.as_deref()),
        incident.stage.resolved_at(),
    ];
    transaction.execute(&sql, values).map_err(Error::sqlite("write an incident"))?;
    Ok(())
}

pub(super) fn one(connection: &Connection, number: u32) -> Result<Option<Incident>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM incident WHERE number = ?1");
    let failed = || Error::sqlite("read an incident");
    let mut statement = connection.prepare_cached(&sql).map_err(failed())?;
    statement.query_row([number], parse).optional().map_err(failed())?.transpose()
}

/// Newest first.
pub(super) fn list(connection: &Connection, filter: &IncidentFilter) -> Result<Vec<Incident>, Error> {
    let failed = || Error::sqlite("read incidents");
    let sql = format!(
        "SELECT {COLUMNS} FROM incident
         WHERE (?1 AND status = 'open' OR ?2 AND status = 'acknowledged' OR ?3 AND status = 'resolved')
             AND (?4 IS NULL OR number < ?4)
         ORDER BY number DESC LIMIT ?5"
    );
    let has = |status| filter.statuses.contains(&status);
    let wanted = IncidentStatus::ALL.map(has);
    let values = params![wanted[0], wanted[1], wanted[2], filter.before, filter.limit];
    let mut statement = connection.prepare_cached(&sql).map_err(failed())?;
    let mut rows = statement.query(values).map_err(failed())?;
    let mut incidents = Vec::new();
    while let Some(row) = rows.next().map_err(failed())? {
        incidents.push(parse(row).map_err(failed())??);
    }
    Ok(incidents)
}

/// How many are open, and how many are acknowledged.
pub(super) fn counts(connection: &Connection) -> Result<(u32, u32), Error> {
    let sql = "SELECT coalesce(sum(status = 'open'), 0), coalesce(sum(status = 'acknowledged'), 0)
        FROM incident WHERE status <> 'resolved'";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    connection.query_row(sql, [], read).map_err(Error::sqlite("count incidents"))
}

/// Those that are over and whose alerts are forgotten.
pub(super) fn prune(transaction: &Transaction<'_>, before: i64) -> Result<(), Error> {
    let sql = "DELETE FROM incident WHERE status = 'resolved' AND resolved_at < ?1
        AND NOT EXISTS (SELECT 1 FROM incident_alert WHERE incident = number)";
    transaction.execute(sql, [before]).map_err(Error::sqlite("prune incidents"))?;
    Ok(())
}

pub(super) fn add_entry(transaction: &Transaction<'_>, number: u32, entry: &Entry) -> Result<(), Error> {
    let failed = || Error::sqlite("write a line of a timeline");
    let sql = "INSERT INTO incident_entry (incident, at, kind, text, actor, alert_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let Entry { at, kind, text, by, alert_id } = entry;
    transaction.execute(sql, params![number, at, kind.name(), text, by, alert_id]).map_err(failed())?;
    let room =
        "DELETE FROM incident_entry WHERE incident = ?1 AND seq <= coalesce((SELECT seq FROM incident_entry
            WHERE incident = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2), 0)";
    transaction.execute(room, params![number, ENTRIES_MAX]).map_err(failed())?;
    Ok(())
}

/// In the order in which they were written; the newest where there are more than asked for.
pub(super) fn entries(connection: &Connection, number: u32, limit: u32) -> Result<Vec<Entry>, Error> {
    let failed = || Error::sqlite("read a timeline");
    let sql = "SELECT at, kind, text, actor, alert_id FROM incident_entry WHERE incident = ?1
        ORDER BY seq DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut rows = statement.query(params![number, limit]).map_err(failed())?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next().map_err(failed())? {
        entries.push(parse_entry(row).map_err(failed())??);
    }
    entries.reverse();
    Ok(entries)
}

/// What the newest report about an alert said, in the timeline of its incident.
pub(super) fn last_report(
    connection: &Connection,
    number: u32,
    alert_id: &str,
) -> Result<Option<String>, Error> {
    let sql = "SELECT text FROM incident_entry WHERE incident = ?1 AND alert_id = ?2 AND kind = 'report'
        ORDER BY seq DESC LIMIT 1";
    let read = |row: &Row<'_>| row.get(0);
    let found = connection.query_row(sql, params![number, alert_id], read).optional();
    found.map_err(Error::sqlite("read a timeline"))
}

/// A row can fail twice: SQLite cannot read it, or its text is none of ours.
fn parse(row: &Row<'_>) -> rusqlite::Result<Result<Incident, Error>> {
    let (severity, status): (String, String) = (row.get(2)?, row.get(5)?);
    let (number, title, owner) = (row.get(0)?, row.get(1)?, row.get(6)?);
    let origin = Origin { service: row.get(3)?, is_reported: row.get(4)? };
    let (opened_at, reopened_at, n_reopened) = (row.get(7)?, row.get(8)?, row.get(9)?);
    let (acknowledged_at, by, resolved_at): (Option<i64>, _, _) = (row.get(10)?, row.get(11)?, row.get(12)?);
    let acknowledged = acknowledged_at.map(|at| Acknowledgement { at, by });
    let Some(severity) = Severity::parse(&severity) else {
        return Ok(Err(Error::Corrupt { what: "the severity", value: severity }));
    };
    let stage =
        IncidentStatus::parse(&status).and_then(|status| Stage::restored(status, acknowledged, resolved_at));
    let Some(stage) = stage else {
        return Ok(Err(Error::Corrupt { what: "the status of an incident", value: status }));
    };
    Ok(Ok(Incident { number, title, severity, origin, stage, owner, opened_at, reopened_at, n_reopened }))
}

fn parse_entry(row: &Row<'_>) -> rusqlite::Result<Result<Entry, Error>> {
    let kind: String = row.get(1)?;
    let (at, text, by, alert_id) = (row.get(0)?, row.get(2)?, row.get(3)?, row.get(4)?);
    let kind = EntryKind::parse(&kind).ok_or(Error::Corrupt { what: "the kind of an entry", value: kind });
    Ok(kind.map(|kind| Entry { at, kind, text, by, alert_id }))
}
