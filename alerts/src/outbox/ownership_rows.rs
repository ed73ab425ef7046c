//! Rows of the `ownership` table: facts about services that came over the API.

use crate::{Error, Ownership, OwnershipSpec};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Services with facts of their own; with the longest facts that is 250 MB.
const SERVICES_MAX: u32 = 10_000;

const COLUMNS: &str = "service, owner, contact, repository, tier, receiver, playbooks, updated_at";

/// Facts about a service, and when they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOwnership {
    pub service: String,
    pub ownership: Ownership,
    pub updated_at: i64,
}

/// Writes the facts of a service in the place of those before; false where too many services have some.
pub(super) fn put(connection: &mut Connection, stored: &StoredOwnership) -> Result<bool, Error> {
    let failed = || Error::sqlite("write an ownership");
    let transaction = connection.transaction().map_err(failed())?;
    let count = "SELECT count(*) FROM ownership WHERE service <> ?1";
    let n_others: u32 = transaction.query_row(count, [&stored.service], |row| row.get(0)).map_err(failed())?;
    if n_others >= SERVICES_MAX {
        return Ok(false);
    }
    let spec = stored.ownership.spec();
    let sql = format!("INSERT OR REPLACE INTO ownership ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    // No link has a line break.
    let values = params![
        stored.service,
        spec.owner,
        spec.contact,
        spec.repository,
        spec.tier,
        spec.receiver,
        spec.playbooks.join("\n"),
        stored.updated_at,
    ];
    transaction.execute(&sql, values).map_err(failed())?;
    transaction.commit().map_err(failed())?;
    Ok(true)
}

/// Forgets the facts of a service; false where there were none.
pub(super) fn delete(connection: &Connection, service: &str) -> Result<bool, Error> {
    let n = connection.execute("DELETE FROM ownership WHERE service = ?1", [service]);
    Ok(n.map_err(Error::sqlite("forget an ownership"))? > 0)
}

pub(super) fn of_service(connection: &Connection, service: &str) -> Result<Option<StoredOwnership>, Error> {
    let failed = || Error::sqlite("read an ownership");
    let sql = format!("SELECT {COLUMNS} FROM ownership WHERE service = ?1");
    let mut statement = connection.prepare_cached(&sql).map_err(failed())?;
    statement.query_row([service], parse).optional().map_err(failed())?.transpose()
}

/// By service.
pub(super) fn all(connection: &Connection) -> Result<Vec<StoredOwnership>, Error> {
    let failed = || Error::sqlite("read ownerships");
    let sql = format!("SELECT {COLUMNS} FROM ownership ORDER BY service");
    let mut statement = connection.prepare_cached(&sql).map_err(failed())?;
    let mut rows = statement.query([]).map_err(failed())?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed())? {
        all.push(parse(row).map_err(failed())??);
    }
    Ok(all)
}

/// A row can fail twice: SQLite cannot read it, or its text is none of ours.
fn parse(row: &Row<'_>) -> rusqlite::Result<Result<StoredOwnership, Error>> {
    let service: String = row.get(0)?;
    let playbooks: String = row.get(6)?;
    let spec = OwnershipSpec {
        owner: row.get(1)?,
        contact: row.get(2)?,
        repository: row.get(3)?,
        tier: row.get(4)?,
        receiver: row.get(5)?,
        playbooks: playbooks.lines().map(str::to_owned).collect(),
    };
    let updated_at = row.get(7)?;
    Ok(match Ownership::new(spec) {
        Ok(ownership) => Ok(StoredOwnership { service, ownership, updated_at }),
        Err(error) => Err(Error::Corrupt { what: "the ownership", value: format!("{service}: {error}") }),
    })
}
