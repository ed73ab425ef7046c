//! Rows of the `triage` table: what was found out about an alert, the newest answer of each.
//!
//! Reports are text to this crate: whoever writes them knows what they say.

use crate::Error;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// Bytes of a report, and of its short form. More than a hundred suspects with their evidence fit.
pub const TRIAGE_BYTES_MAX: usize = 256 << 10;
/// Incidents that are read at once: those of a busy day.
const INCIDENTS_MAX: u32 = 1_000;

/// A report about an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTriage {
    pub alert_id: String,
    pub made_at: i64,
    /// The window that was looked at.
    pub from_at: i64,
    pub to_at: i64,
    /// JSON, both at most [`TRIAGE_BYTES_MAX`] long.
    pub summary: String,
    pub report: String,
}

/// Time in which a page fired, from where its report says that it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentTime {
    pub from_at: i64,
    /// None while it fires.
    pub to_at: Option<i64>,
}

/// Writes a report in the place of the one before; false where the alert is not there, or the report is too long.
pub(super) fn put(connection: &Connection, stored: &StoredTriage) -> Result<bool, Error> {
    let StoredTriage { alert_id, made_at, from_at, to_at, summary, report } = stored;
    if summary.len().max(report.len()) > TRIAGE_BYTES_MAX {
        return Ok(false);
    }
    let sql = "INSERT INTO triage (alert_id, made_at, from_at, to_at, summary, report)
               SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM alert WHERE id = ?1)
               ON CONFLICT (alert_id) DO UPDATE SET made_at = ?2, from_at = ?3, to_at = ?4, summary = ?5, report = ?6";
    let values = params![alert_id, made_at, from_at, to_at, summary, report];
    let n = connection.execute(sql, values).map_err(Error::sqlite("write a report"))?;
    Ok(n > 0)
}

pub(super) fn of_alert(connection: &Connection, alert_id: &str) -> Result<Option<StoredTriage>, Error> {
    let sql = "SELECT alert_id, made_at, from_at, to_at, summary, report FROM triage WHERE alert_id = ?1";
    let parse = |row: &rusqlite::Row<'_>| {
        Ok(StoredTriage {
            alert_id: row.get(0)?,
            made_at: row.get(1)?,
            from_at: row.get(2)?,
            to_at: row.get(3)?,
            summary: row.get(4)?,
            report: row.get(5)?,
        })
    };
    connection.query_row(sql, [alert_id], parse).optional().map_err(Error::sqlite("read a report"))
}

/// The short forms of those that have a report, by alert.
pub(super) fn summaries(
    connection: &Connection,
    alert_ids: &[String],
) -> Result<BTreeMap<String, String>, Error> {
    let failed = || Error::sqlite("read reports");
    let sql = "SELECT summary FROM triage WHERE alert_id = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut summaries = BTreeMap::new();
    for id in alert_ids {
        let found = statement.query_row([id], |row| row.get::<_, String>(0)).optional().map_err(failed())?;
        summaries.extend(found.map(|summary| (id.clone(), summary)));
    }
    Ok(summaries)
}

/// The alert of the newest report about one of an incident's, and its short form.
pub(super) fn newest_of_incident(
    connection: &Connection,
    number: u32,
) -> Result<Option<(String, String)>, Error> {
    let sql = "SELECT triage.alert_id, summary FROM triage
            JOIN incident_alert ON incident_alert.alert_id = triage.alert_id
        WHERE incident = ?1 ORDER BY made_at DESC, triage.alert_id LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    connection.query_row(sql, [number], read).optional().map_err(Error::sqlite("read a report"))
}

/// Pages that fired between two moments, oldest first; the newest where there are more than are read.
pub(super) fn incidents(connection: &Connection, from: i64, to: i64) -> Result<Vec<IncidentTime>, Error> {
    let failed = || Error::sqlite("read incidents");
    let sql = "SELECT min(coalesce(triage.from_at, pending_at), pending_at) AS began_at, resolved_at
               FROM alert LEFT JOIN triage ON triage.alert_id = alert.id
               WHERE severity = 'page' AND phase IN ('firing', 'resolved')
                   AND began_at < ?2 AND (resolved_at IS NULL OR resolved_at > ?1)
               ORDER BY began_at DESC, alert.id LIMIT ?3";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let parse = |row: &rusqlite::Row<'_>| Ok(IncidentTime { from_at: row.get(0)?, to_at: row.get(1)? });
    let rows = statement.query_map(params![from, to, INCIDENTS_MAX], parse).map_err(failed())?;
    let mut incidents: Vec<_> = rows.collect::<rusqlite::Result<_>>().map_err(failed())?;
    incidents.reverse();
    Ok(incidents)
}
