//! Rows of the `delivery` and `attempt` tables as people read them, and what is done by hand: queueing a notification
//! again.

use super::{Attempt, Delivery, DeliveryState};
use crate::{Error, Event};
use rusqlite::{Connection, OptionalExtension, Row, params};

const COLUMNS: &str = "seq, id, alert_id, receiver, kind, event, is_test, state, created_at, next_attempt_at, \
                       finished_at";

/// Something newer about the same alert reached the receiver.
const IS_OVERTAKEN: &str = "EXISTS (SELECT 1 FROM delivery AS later
    WHERE later.receiver = delivery.receiver AND later.slo_id = delivery.slo_id
        AND later.severity = delivery.severity AND later.state = 'delivered' AND later.seq > delivery.seq)";

/// Which notifications are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFilter {
    pub receiver: Option<String>,
    pub state: Option<DeliveryState>,
    /// Enqueued from this moment (included) to that (excluded).
    pub from: i64,
    pub to: i64,
    pub limit: u32,
}

/// What became of a wish to send something again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// It waits for this receiver.
    Queued {
        receiver: String,
    },
    /// It waits already.
    Waiting,
    /// The receiver knows something newer of the same alert, which an older state must not overtake.
    Overtaken,
    NotFound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayedRange {
    pub n_queued: u32,
    /// The receiver knows something newer of their alerts.
    pub n_overtaken: u32,
    /// There are more in the range.
    pub has_more: bool,
}

/// A receiver that does not take what waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    pub receiver: String,
    /// The notification that has waited longest.
    pub delivery_id: String,
    pub since: i64,
}

pub(super) fn of_alert(connection: &Connection, alert_id: &str) -> Result<Vec<Delivery>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM delivery WHERE alert_id = ?1 ORDER BY seq");
    select(connection, &sql, params![alert_id])
}

pub(super) fn list(connection: &Connection, filter: &DeliveryFilter) -> Result<Vec<Delivery>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM delivery WHERE (?1 IS NULL OR receiver = ?1) AND (?2 IS NULL OR state = ?2)
             AND created_at >= ?3 AND created_at < ?4
         ORDER BY seq DESC LIMIT ?5"
    );
    let DeliveryFilter { receiver, state, from, to, limit } = filter;
    select(connection, &sql, params![receiver, state.map(DeliveryState::name), from, to, limit])
}

pub(super) fn one(connection: &Connection, id: &str) -> Result<Option<(Delivery, Vec<u8>)>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM delivery WHERE id = ?1");
    let Some(delivery) = select(connection, &sql, params![id])?.pop() else { return Ok(None) };
    let sql = "SELECT body FROM delivery WHERE id = ?1";
    let body = connection.query_row(sql, [id], |row| row.get(0));
    Ok(Some((delivery, body.map_err(Error::sqlite("read a notification's body"))?)))
}

pub(super) fn replay(connection: &mut Connection, id: &str, now: i64) -> Result<Replayed, Error> {
    let failed = || Error::sqlite("replay a notification");
    let transaction = connection.transaction().map_err(failed())?;
    let sql = format!("SELECT receiver, state = 'waiting', {IS_OVERTAKEN} FROM delivery WHERE id = ?1");
    let found = transaction
        .query_row(&sql, [id], |row| Ok((row.get(0)?, row.get::<_, bool>(1)?, row.get::<_, bool>(2)?)))
        .optional()
        .map_err(failed())?;
    let receiver = match found {
        None => return Ok(Replayed::NotFound),
        Some((_, true, _)) => return Ok(Replayed::Waiting),
        Some((_, _, true)) => return Ok(Replayed::Overtaken),
        Some((receiver, false, false)) => receiver,
    };
    requeue(&transaction, id, now).map_err(failed())?;
    transaction.commit().map_err(failed())?;
    Ok(Replayed::Queued { receiver })
}

pub(super) fn replay_range(
    connection: &mut Connection,
    receiver: &str,
    (from, to): (i64, i64),
    limit: u32,
    now: i64,
) -> Result<ReplayedRange, Error> {
    let failed = || Error::sqlite("replay notifications");
    let transaction = connection.transaction().map_err(failed())?;
    let found: Vec<(String, bool)> = {
        let sql = format!(
            "SELECT id, {IS_OVERTAKEN} FROM delivery
             WHERE receiver = ?1 AND state = 'dead' AND created_at >= ?2 AND created_at < ?3 AND NOT is_test
             ORDER BY seq LIMIT ?4"
        );
        let mut statement = transaction.prepare(&sql).map_err(failed())?;
        // One more than may be, to know whether there are more.
        let values = params![receiver, from, to, i64::from(limit) + 1];
        let rows = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed())?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed())?
    };
    let n_max = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut replayed = ReplayedRange { has_more: found.len() > n_max, ..ReplayedRange::default() };
    for (id, is_overtaken) in found.into_iter().take(n_max) {
        if is_overtaken {
            replayed.n_overtaken += 1;
        } else {
            requeue(&transaction, &id, now).map_err(failed())?;
            replayed.n_queued += 1;
        }
    }
    transaction.commit().map_err(failed())?;
    Ok(replayed)
}

/// Its attempts so far stay in the ledger, and count no more towards giving up.
fn requeue(connection: &Connection, id: &str, now: i64) -> rusqlite::Result<usize> {
    let sql = "UPDATE delivery SET state = 'waiting', finished_at = NULL, next_attempt_at = ?2,
            queued_at = max(?2, coalesce((SELECT max(at) + 1 FROM attempt WHERE delivery_seq = seq), ?2))
        WHERE id = ?1";
    connection.execute(sql, params![id, now])
}

pub(super) fn late_pages(connection: &Connection, before: i64) -> Result<Vec<(String, String)>, Error> {
    let failed = || Error::sqlite("read late pages");
    let sql = "SELECT alert_id, receiver FROM delivery JOIN alert ON alert.id = delivery.alert_id
        WHERE delivery.event = 'firing' AND delivery.severity = 'page' AND delivery.state <> 'delivered'
            AND delivery.created_at <= ?1 AND alert.phase = 'firing'";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let rows = statement.query_map([before], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed())?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed())
}

pub(super) fn stuck(connection: &Connection, before: i64) -> Result<Vec<Stuck>, Error> {
    let failed = || Error::sqlite("read who takes nothing");
    // SQLite takes the other columns from the row that holds the minimum.
    let sql = "SELECT receiver, id, min(queued_at) FROM delivery
        WHERE state = 'waiting' AND alert_id IS NOT NULL AND queued_at <= ?1
            AND EXISTS (SELECT 1 FROM attempt WHERE delivery_seq = seq)
        GROUP BY receiver ORDER BY receiver";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let rows = statement.query_map([before], stuck_of).map_err(failed())?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed())
}

fn stuck_of(row: &Row<'_>) -> rusqlite::Result<Stuck> {
    Ok(Stuck { receiver: row.get(0)?, delivery_id: row.get(1)?, since: row.get(2)? })
}

pub(super) fn standing(
    connection: &Connection,
    receiver: &str,
    resolved_after: i64,
) -> Result<Vec<Vec<u8>>, Error> {
    let failed = || Error::sqlite("read what stands");
    // As above, for the newest of each alert. One that waits takes the place of what was delivered before it.
    let sql = "SELECT body FROM (
            SELECT delivery.body, delivery.state, delivery.event, delivery.finished_at, alert.phase,
                max(delivery.seq)
            FROM delivery JOIN alert ON alert.id = delivery.alert_id
            WHERE delivery.receiver = ?1 AND delivery.kind = 'alertmanager'
            GROUP BY delivery.slo_id, delivery.severity)
        WHERE state = 'delivered'
            AND (event = 'firing' AND phase = 'firing' OR event = 'resolved' AND finished_at >= ?2)";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let rows = statement.query_map(params![receiver, resolved_after], |row| row.get(0)).map_err(failed())?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed())
}

fn select(connection: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<Vec<Delivery>, Error> {
    let failed = || Error::sqlite("read notifications");
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut rows = statement.query(values).map_err(failed())?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next().map_err(failed())? {
        let attempts = attempts(connection, row.get(0).map_err(failed())?).map_err(failed())?;
        deliveries.push(parse(row, attempts).map_err(failed())??);
    }
    Ok(deliveries)
}

fn attempts(connection: &Connection, seq: i64) -> rusqlite::Result<Vec<Attempt>> {
    let sql = "SELECT at, duration_ns, status, error, answer, address FROM attempt
        WHERE delivery_seq = ?1 ORDER BY n";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([seq], |row| {
        Ok(Attempt {
            at: row.get(0)?,
            duration_ns: row.get(1)?,
            status: row.get(2)?,
            error: row.get(3)?,
            answer: row.get(4)?,
            address: row.get(5)?,
        })
    })?;
    rows.collect()
}

/// A row can fail twice: SQLite cannot read it, or its text is none of ours.
fn parse(row: &Row<'_>, attempts: Vec<Attempt>) -> rusqlite::Result<Result<Delivery, Error>> {
    let (id, alert_id, receiver, kind) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
    let (event, is_test, state): (String, bool, String) = (row.get(5)?, row.get(6)?, row.get(7)?);
    let (created_at, next_attempt_at, finished_at) = (row.get(8)?, row.get(9)?, row.get(10)?);
    let Some(event_read) = Event::parse(&event) else {
        return Ok(Err(Error::Corrupt { what: "the event", value: event }));
    };
    let Some(state_read) = DeliveryState::parse(&state) else {
        return Ok(Err(Error::Corrupt { what: "the delivery state", value: state }));
    };
    Ok(Ok(Delivery {
        id,
        alert_id,
        receiver,
        kind,
        event: event_read,
        is_test,
        state: state_read,
        created_at,
        next_attempt_at: Some(next_attempt_at).filter(|_| state_read == DeliveryState::Waiting),
        finished_at,
        attempts,
    }))
}
