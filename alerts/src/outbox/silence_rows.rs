//! Rows of the `silence` table. They are ended, not deleted, until they are forgotten.

use super::{Hand, Store};
use crate::{Error, Expiry, RecurrenceSpec, Silence, SilenceSpec, StoredSilence};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::time::Duration;

/// Silences that are not over: each is looked at for each alert that fires.
const SILENCES_MAX: u32 = 200;

const COLUMNS: &str = "id, matchers, starts_at, ends_at, days, at, duration_s, zone, author, comment, created_at, \
                       expired_at, expired_by";
const IS_LEFT: &str = "(expired_at IS NULL OR expired_at > ?1) AND (ends_at IS NULL OR ends_at > ?1)";

/// What became of the wish to end a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expired {
    Done,
    NotFound,
    /// It was over already.
    Over,
}

impl Store {
    /// Keeps a silence; none where too many are not over.
    pub async fn put_silence(&self, silence: Silence, now: i64) -> Result<Option<StoredSilence>, Error> {
        self.writer.call(move |connection| put(connection, silence, now)).await
    }

    /// Those that are not over at a moment, oldest first.
    pub async fn silences_left(&self, now: i64) -> Result<Vec<StoredSilence>, Error> {
        self.writer
            .call(move |connection| {
                let sql = format!("SELECT {COLUMNS} FROM silence WHERE {IS_LEFT} ORDER BY id");
                select(connection, &sql, params![now])
            })
            .await
    }

    /// Newest first, those that are not over before the others.
    pub async fn silences(&self, now: i64, limit: u32) -> Result<Vec<StoredSilence>, Error> {
        self.writer
            .call(move |connection| {
                let sql = format!("SELECT {COLUMNS} FROM silence ORDER BY {IS_LEFT} DESC, id DESC LIMIT ?2");
                select(connection, &sql, params![now, limit])
            })
            .await
    }

    /// Ends a silence at once.
    pub async fn expire_silence(&self, id: u32, hand: Hand) -> Result<Expired, Error> {
        self.writer.call(move |connection| expire(connection, id, &hand)).await
    }
}

fn put(connection: &mut Connection, silence: Silence, now: i64) -> Result<Option<StoredSilence>, Error> {
    let failed = || Error::sqlite("write a silence");
    let transaction = connection.transaction().map_err(failed())?;
    let sql = format!("SELECT count(*) FROM silence WHERE {IS_LEFT}");
    let n_left: u32 = transaction.query_row(&sql, [now], |row| row.get(0)).map_err(failed())?;
    if n_left >= SILENCES_MAX {
        return Ok(None);
    }
    let id = insert(&transaction, silence.spec(), now)?;
    transaction.commit().map_err(failed())?;
    Ok(Some(StoredSilence { id, silence, created_at: now, expired: None }))
}

fn insert(transaction: &Transaction<'_>, spec: &SilenceSpec, now: i64) -> Result<u32, Error> {
    let sql =
        "INSERT INTO silence (matchers, starts_at, ends_at, days, at, duration_s, zone, author, comment,
            created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id";
    let SilenceSpec { matchers, starts_at, ends_at, recurrence, author, comment } = spec;
    let matchers = serde_json::to_string(matchers).expect("a list of texts always serializes");
    let recurrence = recurrence.as_ref();
    let values = params![
        matchers,
        starts_at,
        ends_at,
        recurrence.map(|recurrence| recurrence.days.join(" ")),
        recurrence.map(|recurrence| recurrence.at.as_str()),
        recurrence.map(|recurrence| u32::try_from(recurrence.duration.as_secs()).unwrap_or(u32::MAX)),
        recurrence.map(|recurrence| recurrence.zone.as_str()),
        author,
        comment,
        now,
    ];
    transaction.query_row(sql, values, |row| row.get(0)).map_err(Error::sqlite("write a silence"))
}

fn expire(connection: &mut Connection, id: u32, hand: &Hand) -> Result<Expired, Error> {
    let failed = || Error::sqlite("end a silence");
    let transaction = connection.transaction().map_err(failed())?;
    let sql = format!("SELECT {IS_LEFT} FROM silence WHERE id = ?2");
    let is_left = transaction.query_row(&sql, params![hand.at, id], |row| row.get::<_, bool>(0)).optional();
    match is_left.map_err(failed())? {
        None => return Ok(Expired::NotFound),
        Some(false) => return Ok(Expired::Over),
        Some(true) => {}
    }
    let sql = "UPDATE silence SET expired_at = ?2, expired_by = ?3 WHERE id = ?1";
    transaction.execute(sql, params![id, hand.at, hand.by]).map_err(failed())?;
    transaction.commit().map_err(failed())?;
    Ok(Expired::Done)
}

/// Those that were over before then.
pub(super) fn prune(transaction: &Transaction<'_>, before: i64) -> Result<(), Error> {
    let sql = "DELETE FROM silence WHERE expired_at < ?1 OR ends_at < ?1";
    transaction.execute(sql, [before]).map_err(Error::sqlite("prune silences"))?;
    Ok(())
}

fn select(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<StoredSilence>, Error> {
    let failed = || Error::sqlite("read silences");
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut rows = statement.query(values).map_err(failed())?;
    let mut silences = Vec::new();
    while let Some(row) = rows.next().map_err(failed())? {
        silences.push(parse(row).map_err(failed())??);
    }
    Ok(silences)
}

/// A row can fail twice: SQLite cannot read it, or its text is none of ours.
fn parse(row: &Row<'_>) -> rusqlite::Result<Result<StoredSilence, Error>> {
    let (id, created_at): (u32, i64) = (row.get(0)?, row.get(10)?);
    let matchers: String = row.get(1)?;
    let (at, duration_s, zone): (Option<String>, Option<u32>, Option<String>) =
        (row.get(5)?, row.get(6)?, row.get(7)?);
    let days: Option<String> = row.get(4)?;
    let recurrence = at.map(|at| RecurrenceSpec {
        days: days.unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        at,
        duration: Duration::from_secs(u64::from(duration_s.unwrap_or_default())),
        zone: zone.unwrap_or_default(),
    });
    let expired_at: Option<i64> = row.get(11)?;
    let by = row.get(12)?;
    let expired = expired_at.map(|at| Expiry { at, by });
    let (starts_at, ends_at, author, comment) = (row.get(2)?, row.get(3)?, row.get(8)?, row.get(9)?);
    let Ok(matchers) = serde_json::from_str(&matchers) else {
        return Ok(Err(Error::Corrupt { what: "the matchers", value: matchers }));
    };
    let spec = SilenceSpec { matchers, starts_at, ends_at, recurrence, author, comment };
    Ok(match Silence::new(spec) {
        Ok(silence) => Ok(StoredSilence { id, silence, created_at, expired }),
        Err(error) => Err(Error::Corrupt { what: "the silence", value: format!("{id}: {error}") }),
    })
}

#[cfg(test)]
mod tests;
