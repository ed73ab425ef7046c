//! Rows of the `deployment` table: markers that somebody posted.

use crate::{Deployment, Error};
use rusqlite::{Connection, Row, Transaction, params};

/// Markers kept of one service: three a day for a year. Older ones make room.
const OF_SERVICE_MAX: u32 = 1_000;
/// And of all services.
const DEPLOYMENTS_MAX: u32 = 50_000;

const COLUMNS: &str = "service, version, environment, at, title, url, posted_at";

/// Keeps a marker; false where it is known, which changes nothing.
pub(super) fn put(connection: &mut Connection, deployment: &Deployment) -> Result<bool, Error> {
    let failed = || Error::sqlite("write a deployment");
    let transaction = connection.transaction().map_err(failed())?;
    let sql = format!(
        "INSERT INTO deployment ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (service, version, environment, at) DO NOTHING"
    );
    let Deployment { service, version, environment, at, title, url, posted_at } = deployment;
    let values = params![service, version, environment, at, title, url, posted_at];
    let n = transaction.execute(&sql, values).map_err(failed())?;
    make_room(&transaction, service).map_err(failed())?;
    transaction.commit().map_err(failed())?;
    Ok(n > 0)
}

/// The oldest beyond the bounds leave.
fn make_room(transaction: &Transaction<'_>, service: &str) -> rusqlite::Result<()> {
    let oldest = |of: &str| {
        format!(
            "DELETE FROM deployment WHERE rowid IN
                 (SELECT rowid FROM deployment {of} ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?1)"
        )
    };
    transaction.execute(&oldest("WHERE service = ?2"), params![OF_SERVICE_MAX, service])?;
    transaction.execute(&oldest(""), [DEPLOYMENTS_MAX])?;
    Ok(())
}

/// Those of a range of time, oldest first; the newest where there are more than asked for.
pub(super) fn of_service(
    connection: &Connection,
    service: &str,
    (from, to): (i64, i64),
    limit: u32,
) -> Result<Vec<Deployment>, Error> {
    let failed = || Error::sqlite("read deployments");
    let sql = format!(
        "SELECT {COLUMNS} FROM deployment WHERE service = ?1 AND at >= ?2 AND at < ?3
         ORDER BY at DESC, version, environment LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed())?;
    let rows = statement.query_map(params![service, from, to, limit], parse).map_err(failed())?;
    let mut deployments: Vec<_> = rows.collect::<rusqlite::Result<_>>().map_err(failed())?;
    deployments.reverse();
    Ok(deployments)
}

/// As `of_service`, of all services.
pub(super) fn between(
    connection: &Connection,
    (from, to): (i64, i64),
    limit: u32,
) -> Result<Vec<Deployment>, Error> {
    let failed = || Error::sqlite("read deployments");
    let sql = format!(
        "SELECT {COLUMNS} FROM deployment WHERE at >= ?1 AND at < ?2
         ORDER BY at DESC, service, version, environment LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed())?;
    let rows = statement.query_map(params![from, to, limit], parse).map_err(failed())?;
    let mut deployments: Vec<_> = rows.collect::<rusqlite::Result<_>>().map_err(failed())?;
    deployments.reverse();
    Ok(deployments)
}

fn parse(row: &Row<'_>) -> rusqlite::Result<Deployment> {
    Ok(Deployment {
        service: row.get(0)?,
        version: row.get(1)?,
        environment: row.get(2)?,
        at: row.get(3)?,
        title: row.get(4)?,
        url: row.get(5)?,
        posted_at: row.get(6)?,
    })
}

pub(super) fn prune(transaction: &Transaction<'_>, before: i64) -> Result<(), Error> {
    let sql = "DELETE FROM deployment WHERE at < ?1";
    transaction.execute(sql, [before]).map_err(Error::sqlite("prune deployments"))?;
    Ok(())
}
