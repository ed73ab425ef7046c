//! The tables of the state file, their version, and how an older file becomes a newer one.
//!
//! Every upgrade is one step from version n to n + 1 inside one transaction with the new number. A
//! file from a newer program is refused, never guessed at. docs/formats/state.md explains each field.

use crate::Error;
use rusqlite::{Connection, OpenFlags, Transaction};
use std::{fs::File, path::Path, time::Duration};

/// "FFST": tells our files from other people's.
const APPLICATION_ID: i64 = 0x4646_5354;
/// `UPGRADES[n]` leads from version n to n + 1.
const UPGRADES: [&str; 6] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6];
/// Nobody else should hold the file; a backup tool may for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const VERSION_1: &str = "
CREATE TABLE alert (
    id TEXT PRIMARY KEY,
    slo_id TEXT NOT NULL,
    slo_name TEXT NOT NULL,
    service TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('page', 'ticket')),
    phase TEXT NOT NULL CHECK (phase IN ('inactive', 'pending', 'firing', 'resolved')),
    pending_at INTEGER NOT NULL,
    firing_at INTEGER,
    quiet_since INTEGER,
    resolved_at INTEGER,
    summary TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX alert_open ON alert (slo_id, severity) WHERE phase IN ('pending', 'firing');
CREATE INDEX alert_newest ON alert (slo_id, severity, pending_at);

CREATE TABLE delivery (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    alert_id TEXT NOT NULL REFERENCES alert (id),
    slo_id TEXT NOT NULL,
    severity TEXT NOT NULL,
    receiver TEXT NOT NULL,
    event TEXT NOT NULL CHECK (event IN ('firing', 'resolved')),
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    created_at INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX delivery_waiting ON delivery (receiver, slo_id, severity, seq) WHERE state = 'waiting';
CREATE INDEX delivery_of_alert ON delivery (alert_id, seq);

CREATE TABLE attempt (
    delivery_seq INTEGER NOT NULL REFERENCES delivery (seq) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    at INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    status INTEGER,
    error TEXT NOT NULL,
    answer TEXT NOT NULL,
    address TEXT,
    PRIMARY KEY (delivery_seq, n)
) STRICT;

CREATE TABLE heard (
    service TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL CHECK (to_at >= from_at),
    PRIMARY KEY (service, from_at)
) STRICT;
";

const VERSION_2: &str = "
CREATE TABLE ownership (
    service TEXT PRIMARY KEY,
    owner TEXT,
    contact TEXT,
    repository TEXT,
    tier TEXT,
    receiver TEXT,
    playbooks TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE deployment (
    service TEXT NOT NULL,
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    at INTEGER NOT NULL,
    title TEXT,
    url TEXT,
    posted_at INTEGER NOT NULL,
    PRIMARY KEY (service, version, environment, at)
) STRICT;
CREATE INDEX deployment_of_service ON deployment (service, at);
CREATE INDEX deployment_newest ON deployment (at);
";

/// Notifications gain what replays, tests and kinds of receivers need. The tables are made anew, because a column
/// cannot lose its NOT NULL; the ledger moves first, or it would go with the table that it hangs on.
const VERSION_3: &str = "
CREATE TABLE delivery_new (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    alert_id TEXT REFERENCES alert (id),
    slo_id TEXT NOT NULL,
    severity TEXT NOT NULL,
    receiver TEXT NOT NULL,
    kind TEXT NOT NULL,
    event TEXT NOT NULL CHECK (event IN ('firing', 'acknowledged', 'resolved')),
    is_test INTEGER NOT NULL CHECK (is_test IN (0, 1)),
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    created_at INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
INSERT INTO delivery_new SELECT seq, id, alert_id, slo_id, severity, receiver, 'webhook', event, 0, body, state,
    created_at, created_at, next_attempt_at, finished_at FROM delivery;

CREATE TABLE attempt_new (
    delivery_seq INTEGER NOT NULL REFERENCES delivery_new (seq) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    at INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    status INTEGER,
    error TEXT NOT NULL,
    answer TEXT NOT NULL,
    address TEXT,
    PRIMARY KEY (delivery_seq, n)
) STRICT;
INSERT INTO attempt_new SELECT delivery_seq, n, at, duration_ns, status, error, answer, address FROM attempt;

DROP TABLE attempt;
DROP TABLE delivery;
ALTER TABLE delivery_new RENAME TO delivery;
ALTER TABLE attempt_new RENAME TO attempt;
CREATE INDEX delivery_waiting ON delivery (receiver, slo_id, severity, seq) WHERE state = 'waiting';
CREATE INDEX delivery_of_alert ON delivery (alert_id, seq);
CREATE INDEX delivery_of_receiver ON delivery (receiver, state, created_at);
";

/// Alerts gain reports.
const VERSION_4: &str = "
CREATE TABLE triage (
    alert_id TEXT PRIMARY KEY REFERENCES alert (id) ON DELETE CASCADE,
    made_at INTEGER NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    summary TEXT NOT NULL,
    report TEXT NOT NULL
) STRICT;
";

/// Alerts gain incidents, and silences. Numbers and ids are never used twice.
const VERSION_5: &str = "
CREATE TABLE incident (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('page', 'ticket')),
    origin TEXT NOT NULL,
    is_reported INTEGER NOT NULL CHECK (is_reported IN (0, 1)),
    status TEXT NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved')),
    owner TEXT,
    opened_at INTEGER NOT NULL,
    reopened_at INTEGER,
    n_reopened INTEGER NOT NULL,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    resolved_at INTEGER
) STRICT;
CREATE INDEX incident_of_status ON incident (status, number);

CREATE TABLE incident_alert (
    alert_id TEXT PRIMARY KEY REFERENCES alert (id) ON DELETE CASCADE,
    incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE,
    joined_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    path TEXT NOT NULL,
    told_from INTEGER NOT NULL,
    withheld_by TEXT CHECK (withheld_by IN ('silence', 'alert')),
    withheld_of TEXT
) STRICT;
CREATE INDEX incident_alert_of ON incident_alert (incident);

CREATE TABLE incident_entry (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    incident INTEGER NOT NULL REFERENCES incident (number) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    actor TEXT,
    alert_id TEXT
) STRICT;
CREATE INDEX incident_entry_of ON incident_entry (incident, seq);

CREATE TABLE silence (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    matchers TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER,
    days TEXT,
    at TEXT,
    duration_s INTEGER,
    zone TEXT,
    author TEXT NOT NULL,
    comment TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expired_at INTEGER,
    expired_by TEXT
) STRICT;
";

/// Objectives come over the API, too.
const VERSION_6: &str = "
CREATE TABLE objective (
    id TEXT PRIMARY KEY,
    form TEXT NOT NULL CHECK (form IN ('keys', 'openslo')),
    definition TEXT NOT NULL,
    since INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
";

pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    let failed = |source| Error::Open { path: path.to_owned(), source };
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let (id, version) = identity(&connection).map_err(failed)?;
    check(path, id, version)?;
    configure(&connection).map_err(failed)?;
    upgrade(&mut connection, version).map_err(failed)?;
    Ok(connection)
}

/// Writes a copy of a state file, which may be in use, to a new file. All of it is of one moment.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let failed = |source| Error::Open { path: from.to_owned(), source };
    // Never makes a file where there is none.
    let connection = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let (id, version) = identity(&connection).map_err(failed)?;
    check(from, id, version)?;
    let name = to.to_string_lossy();
    connection.execute("VACUUM INTO ?1", [&name]).map_err(Error::sqlite("copy everything"))?;
    let sync = File::open(to).and_then(|file| file.sync_all());
    sync.map_err(|source| Error::Sync { path: to.to_owned(), source })
}

fn identity(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((pragma("application_id")?, pragma("user_version")?))
}

fn check(path: &Path, id: i64, version: i64) -> Result<(), Error> {
    let known = UPGRADES.len() as i64;
    if id != APPLICATION_ID && (id != 0 || version != 0) {
        return Err(Error::Foreign { path: path.to_owned(), found: id });
    }
    if !(0..=known).contains(&version) {
        return Err(Error::TooNew { path: path.to_owned(), found: version, known });
    }
    Ok(())
}

/// `synchronous = FULL` makes a commit in WAL mode survive a power cut; at a few commits in ten
/// seconds its cost does not show.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)
}

fn upgrade(connection: &mut Connection, version: i64) -> rusqlite::Result<()> {
    for (n, script) in UPGRADES.iter().enumerate().skip(usize::try_from(version).unwrap_or(0)) {
        let transaction = connection.transaction()?;
        apply(&transaction, script, n as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

fn apply(transaction: &Transaction<'_>, script: &str, version: i64) -> rusqlite::Result<()> {
    transaction.execute_batch(script)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", version)
}

/// A file as an older program left it.
#[cfg(test)]
pub(super) fn open_as(path: &Path, version: usize) -> Connection {
    let mut connection = Connection::open(path).unwrap();
    configure(&connection).unwrap();
    for (n, script) in UPGRADES[..version].iter().enumerate() {
        let transaction = connection.transaction().unwrap();
        apply(&transaction, script, n as i64 + 1).unwrap();
        transaction.commit().unwrap();
    }
    connection
}
