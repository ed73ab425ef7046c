//! Rows of the `objective` table: objectives that came over the API.
//!
//! What an objective says is text to this crate: whoever reads it checks it, as the configuration is checked.

use crate::Error;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Objectives that are kept: as many as are evaluated every few seconds on a small machine.
const OBJECTIVES_MAX: u32 = 1_000;
/// Bytes of what one says: two statements at their longest, with room for escapes.
pub const OBJECTIVE_BYTES_MAX: usize = 256 << 10;

const COLUMNS: &str = "id, form, definition, since, created_at, updated_at";

/// How an objective is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectiveForm {
    /// A JSON object with the keys of the configuration.
    Keys,
    /// OpenSLO v1, as YAML.
    OpenSlo,
}

impl ObjectiveForm {
    pub fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::OpenSlo => "openslo",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Keys, Self::OpenSlo].into_iter().find(|form| form.name() == name)
    }
}

/// An objective as somebody sent it, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObjective {
    pub id: String,
    pub form: ObjectiveForm,
    /// At most [`OBJECTIVE_BYTES_MAX`] long.
    pub definition: String,
    /// Since when it counts what it counts now. Alerts that began before belong to what it counted then.
    pub since: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

/// What became of a new objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    Created,
    /// Another one has its id.
    Exists,
    /// As many as are kept are there.
    TooMany,
}

pub(super) fn create(connection: &mut Connection, objective: &StoredObjective) -> Result<Creation, Error> {
    let failed = || Error::sqlite("write an objective");
    let transaction = connection.transaction().map_err(failed())?;
    let count = "SELECT count(*), count(*) FILTER (WHERE id = ?1) FROM objective";
    let counts = transaction.query_row(count, [&objective.id], |row| Ok((row.get(0)?, row.get(1)?)));
    let (n_all, n_same): (u32, u32) = counts.map_err(failed())?;
    if n_same > 0 {
        return Ok(Creation::Exists);
    }
    if n_all >= OBJECTIVES_MAX {
        return Ok(Creation::TooMany);
    }
    let StoredObjective { id, form, definition, since, created_at, updated_at } = objective;
    let sql = format!("INSERT INTO objective ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    let values = params![id, form.name(), definition, since, created_at, updated_at];
    transaction.execute(&sql, values).map_err(failed())?;
    transaction.commit().map_err(failed())?;
    Ok(Creation::Created)
}

/// Writes an objective in the place of the one before, which keeps its time of creation; false where there was none.
pub(super) fn replace(connection: &Connection, objective: &StoredObjective) -> Result<bool, Error> {
    let StoredObjective { id, form, definition, since, updated_at, .. } = objective;
    let sql = "UPDATE objective SET form = ?2, definition = ?3, since = ?4, updated_at = ?5 WHERE id = ?1";
    let n = connection.execute(sql, params![id, form.name(), definition, since, updated_at]);
    Ok(n.map_err(Error::sqlite("change an objective"))? > 0)
}

/// Forgets an objective; false where there was none. Its alerts stay.
pub(super) fn delete(connection: &Connection, id: &str) -> Result<bool, Error> {
    let n = connection.execute("DELETE FROM objective WHERE id = ?1", [id]);
    Ok(n.map_err(Error::sqlite("forget an objective"))? > 0)
}

pub(super) fn one(connection: &Connection, id: &str) -> Result<Option<StoredObjective>, Error> {
    let failed = || Error::sqlite("read an objective");
    let sql = format!("SELECT {COLUMNS} FROM objective WHERE id = ?1");
    connection.query_row(&sql, [id], parse).optional().map_err(failed())?.transpose()
}

/// In order of creation.
pub(super) fn all(connection: &Connection) -> Result<Vec<StoredObjective>, Error> {
    let failed = || Error::sqlite("read objectives");
    let sql = format!("SELECT {COLUMNS} FROM objective ORDER BY created_at, id");
    let mut statement = connection.prepare_cached(&sql).map_err(failed())?;
    let mut rows = statement.query([]).map_err(failed())?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed())? {
        all.push(parse(row).map_err(failed())??);
    }
    Ok(all)
}

/// A row can fail twice: SQLite cannot read it, or its text is none of ours.
fn parse(row: &Row<'_>) -> rusqlite::Result<Result<StoredObjective, Error>> {
    let form: String = row.get(1)?;
    let Some(form) = ObjectiveForm::parse(&form) else {
        return Ok(Err(Error::Corrupt { what: "an objective's form", value: form }));
    };
    Ok(Ok(StoredObjective {
        id: row.get(0)?,
        form,
        definition: row.get(2)?,
        since: row.get(3)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
    }))
}
