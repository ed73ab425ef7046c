//! Rows of the `heard` table: from when to when a service was heard from, by any signal.
//!
//! Counts alone cannot tell "no traffic" from "no data". This record can, and it survives restarts.

use crate::Error;
use rusqlite::{Connection, Transaction, params};

/// The service sent something at `from_at`, at `to_at`, and often enough in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub service: String,
    pub from_at: i64,
    pub to_at: i64,
}

/// Writes an interval, or extends the one that began at the same moment.
pub(super) fn put(transaction: &Transaction<'_>, heard: &Heard) -> Result<(), Error> {
    let sql = "INSERT INTO heard (service, from_at, to_at) VALUES (?1, ?2, ?3)
        ON CONFLICT (service, from_at) DO UPDATE SET to_at = max(to_at, excluded.to_at)";
    let values = params![heard.service, heard.from_at, heard.to_at];
    transaction.execute(sql, values).map_err(Error::sqlite("write who was heard"))?;
    Ok(())
}

/// Oldest first.
pub(super) fn of_service(connection: &Connection, service: &str) -> Result<Vec<Heard>, Error> {
    let failed = || Error::sqlite("read who was heard");
    let sql = "SELECT service, from_at, to_at FROM heard WHERE service = ?1 ORDER BY from_at";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let rows = statement
        .query_map([service], |row| {
            Ok(Heard { service: row.get(0)?, from_at: row.get(1)?, to_at: row.get(2)? })
        })
        .map_err(failed())?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed())
}

pub(super) fn prune(transaction: &Transaction<'_>, before: i64) -> Result<(), Error> {
    let sql = "DELETE FROM heard WHERE to_at < ?1";
    transaction.execute(sql, [before]).map_err(Error::sqlite("prune who was heard"))?;
    Ok(())
}
