//! Rows of the `alert` table.

use super::AlertRecord;
use crate::{Error, Phase, Severity};
use rusqlite::{Connection, Row, Transaction, params};

const COLUMNS: &str = "id, slo_id, slo_name, service, severity, phase, pending_at, firing_at, quiet_since, \
                       resolved_at, summary";

pub(super) fn put(transaction: &Transaction<'_>, alert: &AlertRecord) -> Result<(), Error> {
    let quiet_since = match alert.phase {
        Phase::Firing { quiet_since, .. } => quiet_since,
        _ => None,
    };
    let sql = format!(
        "INSERT INTO alert ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (id) DO UPDATE SET phase = ?6, firing_at = ?8, quiet_since = ?9, resolved_at = ?10,
             summary = ?11"
    );
    let values = params![
        alert.id,
        alert.slo_id,
        alert.slo_name,
        alert.service,
        alert.severity.name(),
        alert.phase.name(),
        alert.pending_at,
        alert.phase.firing_at(),
        quiet_since,
        alert.phase.resolved_at(),
        alert.summary,
    ];
    transaction.execute(&sql, values).map_err(Error::sqlite("write an alert"))?;
    Ok(())
}

pub(super) fn latest(connection: &Connection) -> Result<Vec<AlertRecord>, Error> {
    // SQLite takes the other columns from the row that holds the maximum. An open alert comes before any
    // closed one (2^62 is more than any time), because the clock may have stepped back in between.
    let sql = format!(
        "SELECT {COLUMNS}, max((phase IN ('pending', 'firing')) * 4611686018427387904 + pending_at)
         FROM alert GROUP BY slo_id, severity ORDER BY slo_id, severity"
    );
    select(connection, &sql, params![])
}

pub(super) fn list(
    connection: &Connection,
    slo_id: Option<&str>,
    limit: u32,
) -> Result<Vec<AlertRecord>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM alert WHERE ?1 IS NULL OR slo_id = ?1
         ORDER BY phase IN ('pending', 'firing') DESC, pending_at DESC, id LIMIT ?2"
    );
    select(connection, &sql, params![slo_id, limit])
}

pub(super) fn one(connection: &Connection, id: &str) -> Result<Option<AlertRecord>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM alert WHERE id = ?1");
    Ok(select(connection, &sql, params![id])?.pop())
}

/// Alerts of an incident in the order in which they joined.
pub(super) fn of_incident(connection: &Connection, number: u32) -> Result<Vec<AlertRecord>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM incident_alert JOIN alert ON alert.id = incident_alert.alert_id
         WHERE incident = ?1 ORDER BY joined_at, incident_alert.rowid"
    );
    select(connection, &sql, params![number])
}

/// Closed alerts whose notifications are already forgotten.
pub(super) fn prune(transaction: &Transaction<'_>, before: i64) -> Result<(), Error> {
    let sql = "DELETE FROM alert WHERE phase NOT IN ('pending', 'firing')
                   AND coalesce(resolved_at, pending_at) < ?1
                   AND NOT EXISTS (SELECT 1 FROM delivery WHERE alert_id = alert.id)";
    transaction.execute(sql, [before]).map_err(Error::sqlite("prune alerts"))?;
    Ok(())
}

fn select(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<AlertRecord>, Error> {
    let failed = || Error::sqlite("read alerts");
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    // A row can fail twice: SQLite cannot read it, or its text is none of ours.
    let mut rows = statement.query(values).map_err(failed())?;
    let mut alerts = Vec::new();
    while let Some(row) = rows.next().map_err(failed())? {
        alerts.push(parse(row).map_err(failed())??);
    }
    Ok(alerts)
}

fn parse(row: &Row<'_>) -> rusqlite::Result<Result<AlertRecord, Error>> {
    let severity: String = row.get(4)?;
    let pending_at = row.get(6)?;
    let phase = phase_of(&row.get::<_, String>(5)?, pending_at, row.get(7)?, row.get(8)?, row.get(9)?);
    let (id, slo_id, slo_name) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (service, summary) = (row.get(3)?, row.get(10)?);
    Ok(phase.and_then(|phase| {
        let severity =
            Severity::parse(&severity).ok_or(Error::Corrupt { what: "the severity", value: severity })?;
        Ok(AlertRecord { id, slo_id, slo_name, service, severity, phase, pending_at, summary })
    }))
}

fn phase_of(
    name: &str,
    pending_at: i64,
    firing_at: Option<i64>,
    quiet_since: Option<i64>,
    resolved_at: Option<i64>,
) -> Result<Phase, Error> {
    match (name, firing_at, resolved_at) {
        ("inactive", ..) => Ok(Phase::Inactive),
        ("pending", ..) => Ok(Phase::Pending { pending_at }),
        ("firing", Some(firing_at), _) => Ok(Phase::Firing { pending_at, firing_at, quiet_since }),
        ("resolved", Some(firing_at), Some(resolved_at)) => {
            Ok(Phase::Resolved { pending_at, firing_at, resolved_at })
        }
        _ => Err(Error::Corrupt { what: "the phase", value: name.to_owned() }),
    }
}
