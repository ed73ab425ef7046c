//! Rows of the `delivery` and `attempt` tables: the queue and its ledger.

use super::{
    AlertRecord, Attempt, Delivery, DeliveryState, Due, NewDelivery, Parcel, ReceiverCounts, Ruling,
};
use crate::{Error, Event};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeMap;

/// The first waiting row of its receiver and alert. A resolve waits until its firing was delivered
/// or given up, so that the receiver learns both, in the order in which they happened.
const IS_HEAD: &str = "state = 'waiting' AND NOT EXISTS (
    SELECT 1 FROM delivery AS earlier
    WHERE earlier.receiver = delivery.receiver AND earlier.slo_id = delivery.slo_id
        AND earlier.severity = delivery.severity AND earlier.state = 'waiting' AND earlier.seq < delivery.seq)";

pub(super) fn enqueue(
    transaction: &Transaction<'_>,
    alert: &AlertRecord,
    delivery: &NewDelivery,
    now: i64,
) -> Result<(), Error> {
    let sql = "INSERT INTO delivery
            (id, alert_id, slo_id, severity, receiver, event, body, state, created_at, next_attempt_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8, ?8) ON CONFLICT (id) DO NOTHING";
    let severity = alert.severity.name();
    let values = params![
        delivery.id,
        alert.id,
        alert.slo_id,
        severity,
        delivery.receiver,
        delivery.event.name(),
        delivery.body,
        now
    ];
    transaction.execute(sql, values).map_err(Error::sqlite("enqueue a notification"))?;
    // News must not sit behind an older notification that waits out its back-off, which may be hours.
    let sql = "UPDATE delivery SET next_attempt_at = min(next_attempt_at, ?4)
        WHERE receiver = ?1 AND slo_id = ?2 AND severity = ?3 AND state = 'waiting'";
    let group = params![delivery.receiver, alert.slo_id, severity, now];
    transaction.execute(sql, group).map_err(Error::sqlite("hurry older notifications"))?;
    Ok(())
}

pub(super) fn due(connection: &Connection, receiver: &str, now: i64, limit: u32) -> Result<Due, Error> {
    let failed = || Error::sqlite("read due notifications");
    let sql = format!(
        "SELECT id, event, body, created_at, (SELECT count(*) FROM attempt WHERE delivery_seq = seq)
         FROM delivery WHERE receiver = ?1 AND {IS_HEAD} AND next_attempt_at <= ?2
         ORDER BY next_attempt_at, seq LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed())?;
    let mut rows = statement.query(params![receiver, now, limit]).map_err(failed())?;
    let mut parcels = Vec::new();
    while let Some(row) = rows.next().map_err(failed())? {
        parcels.push(parcel(row).map_err(failed())??);
    }
    let sql = format!("SELECT min(next_attempt_at) FROM delivery WHERE receiver = ?1 AND {IS_HEAD}");
    let next_at = connection.query_row(&sql, [receiver], |row| row.get(0)).map_err(failed())?;
    Ok(Due { parcels, next_at })
}

pub(super) fn record(
    transaction: &Transaction<'_>,
    id: &str,
    attempt: &Attempt,
    ruling: Ruling,
) -> Result<(), Error> {
    let failed = || Error::sqlite("record an attempt");
    let find = "SELECT seq FROM delivery WHERE id = ?1";
    let seq = transaction.query_row(find, [id], |row| row.get::<_, i64>(0)).optional().map_err(failed())?;
    let seq = seq.ok_or_else(|| Error::Corrupt { what: "no notification", value: id.to_owned() })?;
    insert_attempt(transaction, seq, attempt).map_err(failed())?;
    let finished_at = attempt.at.saturating_add(attempt.duration_ns);
    match ruling {
        Ruling::RetryAt(at) => {
            transaction.execute("UPDATE delivery SET next_attempt_at = ?2 WHERE seq = ?1", params![seq, at])
        }
        Ruling::Delivered | Ruling::Dead => {
            let state = if ruling == Ruling::Dead { DeliveryState::Dead } else { DeliveryState::Delivered };
            let sql = "UPDATE delivery SET state = ?2, finished_at = ?3 WHERE seq = ?1";
            transaction.execute(sql, params![seq, state.name(), finished_at])
        }
    }
    .map_err(failed())?;
    Ok(())
}

fn insert_attempt(transaction: &Transaction<'_>, seq: i64, attempt: &Attempt) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO attempt (delivery_seq, n, at, duration_ns, status, error, answer, address)
        SELECT ?1, count(*) + 1, ?2, ?3, ?4, ?5, ?6, ?7 FROM attempt WHERE delivery_seq = ?1";
    let Attempt { at, duration_ns, status, error, answer, address } = attempt;
    transaction.execute(sql, params![seq, at, duration_ns, status, error, answer, address])
}

pub(super) fn of_alert(connection: &Connection, alert_id: &str) -> Result<Vec<Delivery>, Error> {
    let failed = || Error::sqlite("read notifications");
    let sql = "SELECT seq, id, receiver, event, state, created_at, next_attempt_at, finished_at
        FROM delivery WHERE alert_id = ?1 ORDER BY seq";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut rows = statement.query([alert_id]).map_err(failed())?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next().map_err(failed())? {
        let attempts = attempts(connection, row.get(0).map_err(failed())?).map_err(failed())?;
        deliveries.push(delivery(row, alert_id, attempts).map_err(failed())??);
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

pub(super) fn told(connection: &Connection, alert_id: &str) -> Result<Vec<String>, Error> {
    let failed = || Error::sqlite("read who was told");
    let sql = "SELECT receiver FROM delivery WHERE alert_id = ?1 AND event = 'firing' ORDER BY seq";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let rows = statement.query_map([alert_id], |row| row.get(0)).map_err(failed())?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed())
}

pub(super) fn counts(connection: &Connection) -> Result<BTreeMap<String, ReceiverCounts>, Error> {
    let failed = || Error::sqlite("count notifications");
    let sql = "SELECT receiver, sum(state = 'waiting'), sum(state = 'dead') FROM delivery GROUP BY receiver";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let rows = statement
        .query_map([], |row| {
            Ok((row.get(0)?, ReceiverCounts { n_waiting: row.get(1)?, n_dead: row.get(2)? }))
        })
        .map_err(failed())?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed())
}

pub(super) fn bury_strangers(
    connection: &mut Connection,
    configured: &[String],
    now: i64,
) -> Result<usize, Error> {
    let failed = || Error::sqlite("bury notifications");
    let transaction = connection.transaction().map_err(failed())?;
    let strangers: Vec<(i64, String)> = {
        let sql = "SELECT seq, receiver FROM delivery WHERE state = 'waiting'";
        let mut statement = transaction.prepare(sql).map_err(failed())?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed())?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed())?
    };
    let mut n_buried = 0;
    for (seq, _) in strangers.into_iter().filter(|(_, receiver)| !configured.contains(receiver)) {
        let attempt = Attempt {
            at: now,
            duration_ns: 0,
            status: None,
            error: "the receiver is no longer configured".to_owned(),
            answer: String::new(),
            address: None,
        };
        insert_attempt(&transaction, seq, &attempt).map_err(failed())?;
        let sql = "UPDATE delivery SET state = 'dead', finished_at = ?2 WHERE seq = ?1";
        n_buried += transaction.execute(sql, params![seq, now]).map_err(failed())?;
    }
    transaction.commit().map_err(failed())?;
    Ok(n_buried)
}

/// What an open alert told is kept: its end goes to those who heard of its beginning.
pub(super) fn prune(transaction: &Transaction<'_>, before: i64) -> Result<(), Error> {
    let sql = "DELETE FROM delivery WHERE state <> 'waiting' AND finished_at < ?1 AND NOT EXISTS
        (SELECT 1 FROM alert WHERE alert.id = delivery.alert_id AND alert.phase IN ('pending', 'firing'))";
    transaction.execute(sql, [before]).map_err(Error::sqlite("prune notifications"))?;
    Ok(())
}

fn parcel(row: &Row<'_>) -> rusqlite::Result<Result<Parcel, Error>> {
    let event: String = row.get(1)?;
    let (id, body, created_at, n_attempts) = (row.get(0)?, row.get(2)?, row.get(3)?, row.get(4)?);
    Ok(event_of(event).map(|event| Parcel { id, event, body, created_at, n_attempts }))
}

fn delivery(
    row: &Row<'_>,
    alert_id: &str,
    attempts: Vec<Attempt>,
) -> rusqlite::Result<Result<Delivery, Error>> {
    let (id, receiver) = (row.get(1)?, row.get(2)?);
    let (event, state): (String, String) = (row.get(3)?, row.get(4)?);
    let (created_at, next_attempt_at, finished_at) = (row.get(5)?, row.get(6)?, row.get(7)?);
    Ok(event_of(event).and_then(|event| {
        let state = state_of(&state)?;
        let alert_id = alert_id.to_owned();
        let next_attempt_at = Some(next_attempt_at).filter(|_| state == DeliveryState::Waiting);
        Ok(Delivery {
            id,
            alert_id,
            receiver,
            event,
            state,
            created_at,
            next_attempt_at,
            finished_at,
            attempts,
        })
    }))
}

fn event_of(name: String) -> Result<Event, Error> {
    Event::parse(&name).ok_or(Error::Corrupt { what: "the event", value: name })
}

fn state_of(name: &str) -> Result<DeliveryState, Error> {
    let all = [DeliveryState::Waiting, DeliveryState::Delivered, DeliveryState::Dead];
    let found = all.into_iter().find(|state| state.name() == name);
    found.ok_or_else(|| Error::Corrupt { what: "the delivery state", value: name.to_owned() })
}
