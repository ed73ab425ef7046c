//! Rows of the `delivery` table as a queue, and of the `attempt` table as they are written. `ledger_rows` reads both.

use super::{
    AlertRecord, Attempt, DeliveryState, Due, NewDelivery, OwnNotice, Parcel, ReceiverCounts, Ruling,
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
    let severity = alert.severity.name();
    let group = Group { alert_id: Some(&alert.id), slo_id: &alert.slo_id, severity, is_test: false };
    insert(transaction, &group, delivery, now, now)?;
    // News must not sit behind an older notification that waits out its back-off, which may be hours.
    let sql = "UPDATE delivery SET next_attempt_at = min(next_attempt_at, ?4)
        WHERE receiver = ?1 AND slo_id = ?2 AND severity = ?3 AND state = 'waiting'";
    let group = params![delivery.receiver, alert.slo_id, severity, now];
    transaction.execute(sql, group).map_err(Error::sqlite("hurry older notifications"))?;
    Ok(())
}

pub(super) fn enqueue_own(transaction: &Transaction<'_>, notice: &OwnNotice, now: i64) -> Result<(), Error> {
    let OwnNotice { delivery, group, severity, is_test, first_attempt_at } = notice;
    let group = Group { alert_id: None, slo_id: group, severity: severity.name(), is_test: *is_test };
    insert(transaction, &group, delivery, now, *first_attempt_at)
}

/// What a notification belongs to.
struct Group<'a> {
    alert_id: Option<&'a str>,
    slo_id: &'a str,
    severity: &'static str,
    is_test: bool,
}

fn insert(
    transaction: &Transaction<'_>,
    group: &Group<'_>,
    delivery: &NewDelivery,
    now: i64,
    first_attempt_at: i64,
) -> Result<(), Error> {
    let sql =
        "INSERT INTO delivery (id, alert_id, slo_id, severity, receiver, kind, event, is_test, body, state,
            created_at, queued_at, next_attempt_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'waiting', ?10, ?10, ?11) ON CONFLICT (id) DO NOTHING";
    let values = params![
        delivery.id,
        group.alert_id,
        group.slo_id,
        group.severity,
        delivery.receiver,
        delivery.kind,
        delivery.event.name(),
        group.is_test,
        delivery.body,
        now,
        first_attempt_at,
    ];
    transaction.execute(sql, values).map_err(Error::sqlite("enqueue a notification"))?;
    Ok(())
}

/// Attempts since it was enqueued, or replayed.
const N_ATTEMPTS: &str = "(SELECT count(*) FROM attempt WHERE delivery_seq = seq AND at >= queued_at)";

pub(super) fn due(
    connection: &Connection,
    receiver: &str,
    now: i64,
    limit: u32,
    with_retries: bool,
) -> Result<Due, Error> {
    let failed = || Error::sqlite("read due notifications");
    let sql = format!(
        "SELECT id, kind, event, body, queued_at, {N_ATTEMPTS}
         FROM delivery WHERE receiver = ?1 AND {IS_HEAD} AND next_attempt_at <= ?2
             AND (?4 OR {N_ATTEMPTS} = 0)
         ORDER BY next_attempt_at, seq LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed())?;
    let mut rows = statement.query(params![receiver, now, limit, with_retries]).map_err(failed())?;
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

pub(super) fn told(connection: &Connection, alert_id: &str) -> Result<Vec<String>, Error> {
    let failed = || Error::sqlite("read who was told");
    let sql = "SELECT receiver FROM delivery WHERE alert_id = ?1 AND event = 'firing' ORDER BY seq";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let rows = statement.query_map([alert_id], |row| row.get(0)).map_err(failed())?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed())
}

pub(super) fn counts(connection: &Connection) -> Result<BTreeMap<String, ReceiverCounts>, Error> {
    let failed = || Error::sqlite("count notifications");
    // A test that failed is no letter that anybody misses.
    let sql = "SELECT receiver, sum(state = 'waiting'), sum(state = 'dead' AND NOT is_test)
        FROM delivery GROUP BY receiver";
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
    let event: String = row.get(2)?;
    let (id, kind, body) = (row.get(0)?, row.get(1)?, row.get(3)?);
    let (queued_at, n_attempts) = (row.get(4)?, row.get(5)?);
    let event = Event::parse(&event).ok_or(Error::Corrupt { what: "the event", value: event });
    Ok(event.map(|event| Parcel { id, kind, event, body, queued_at, n_attempts }))
}
