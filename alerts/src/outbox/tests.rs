//! The state file: transactions, order, restarts, versions.

use super::*;
use crate::{Ownership, OwnershipSpec};
use proptest::prelude::*;
use rusqlite::Connection;

const SECOND: i64 = 1_000_000_000;

fn alert(severity: Severity, pending_at: i64) -> AlertRecord {
    AlertRecord {
        id: occurrence_id("slo", severity, pending_at),
        slo_id: "slo".to_owned(),
        slo_name: "An SLO".to_owned(),
        service: "checkout".to_owned(),
        severity,
        phase: Phase::Firing { pending_at, firing_at: pending_at, quiet_since: None },
        pending_at,
        summary: "it burns".to_owned(),
    }
}

fn resolved(alert: &AlertRecord, resolved_at: i64) -> AlertRecord {
    let Phase::Firing { pending_at, firing_at, .. } = alert.phase else { panic!("not firing") };
    AlertRecord { phase: Phase::Resolved { pending_at, firing_at, resolved_at }, ..alert.clone() }
}

fn change(alert: &AlertRecord, receivers: &[&str]) -> Change {
    let event = if matches!(alert.phase, Phase::Firing { .. }) { Event::Firing } else { Event::Resolved };
    let delivery = |receiver: &&str| NewDelivery {
        id: event_id(&alert.id, event, receiver),
        receiver: (*receiver).to_owned(),
        kind: "webhook",
        event,
        body: event.name().into(),
    };
    Change { alert: alert.clone(), deliveries: receivers.iter().map(delivery).collect() }
}

fn attempt(at: i64, status: Option<u16>) -> Attempt {
    Attempt {
        at,
        duration_ns: 5,
        status,
        error: if status == Some(200) { String::new() } else { "refused".to_owned() },
        answer: "ok".to_owned(),
        address: None,
    }
}

async fn due_events(store: &Store, now: i64) -> Vec<(String, Event)> {
    let due = store.due("hook", now, 10, true).await.unwrap();
    due.parcels.into_iter().map(|parcel| (parcel.id, parcel.event)).collect()
}

/// Scenario: an alert fires, the process dies after the commit and before the send, twice; then it is
/// sent, and dies again before that is noted.
/// Guarantees: after every restart the same notification is due with the same id, and the alert still fires.
#[tokio::test]
async fn a_crash_keeps_the_id() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sqlite");
    let page = alert(Severity::Page, 7);
    let store = Store::open(&path).unwrap();
    store.commit(vec![change(&page, &["hook"])], Vec::new(), 10).await.unwrap();
    let expected = vec![(event_id(&page.id, Event::Firing, "hook"), Event::Firing)];
    assert_eq!(due_events(&store, 10).await, expected);
    drop(store);
    for _ in 0..2 {
        let store = Store::open(&path).unwrap();
        assert_eq!(store.latest().await.unwrap(), vec![page.clone()]);
        assert_eq!(due_events(&store, 10).await, expected);
        // The same move committed again changes nothing.
        store.commit(vec![change(&page, &["hook"])], Vec::new(), 11).await.unwrap();
        assert_eq!(due_events(&store, 11).await, expected);
        store.close().await.unwrap();
    }
}

/// Scenario: the firing is refused for now, and the alert resolves meanwhile; another alert goes on.
/// Guarantees: the resolve waits for its firing, other alerts do not, and both arrive in order.
#[tokio::test]
async fn a_resolve_never_overtakes_its_firing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let (page, ticket) = (alert(Severity::Page, 1), alert(Severity::Ticket, 2));
    let id = |alert: &AlertRecord, event| event_id(&alert.id, event, "hook");
    store.commit(vec![change(&page, &["hook"])], Vec::new(), 10).await.unwrap();
    let retry_at = Ruling::RetryAt(100);
    store.record(&id(&page, Event::Firing), attempt(11, Some(503)), retry_at).await.unwrap();
    let second = vec![change(&resolved(&page, 20), &["hook"]), change(&ticket, &["hook"])];
    store.commit(second, Vec::new(), 20).await.unwrap();

    let firings = [(id(&page, Event::Firing), Event::Firing), (id(&ticket, Event::Firing), Event::Firing)];
    assert_eq!(due_events(&store, 50).await, firings);
    store.record(&id(&page, Event::Firing), attempt(50, Some(503)), Ruling::RetryAt(100)).await.unwrap();
    store.record(&id(&ticket, Event::Firing), attempt(51, Some(200)), Ruling::Delivered).await.unwrap();
    let due = store.due("hook", 50, 10, true).await.unwrap();
    assert!(due.parcels.is_empty());
    assert_eq!(due.next_at, Some(100));
    assert_eq!(due_events(&store, 100).await, [(id(&page, Event::Firing), Event::Firing)]);
    store.record(&id(&page, Event::Firing), attempt(101, Some(200)), Ruling::Delivered).await.unwrap();
    assert_eq!(due_events(&store, 101).await, [(id(&page, Event::Resolved), Event::Resolved)]);
    store.record(&id(&page, Event::Resolved), attempt(102, Some(204)), Ruling::Delivered).await.unwrap();
    assert_eq!(store.due("hook", 103, 10, true).await.unwrap().next_at, None);
}

/// Scenario: attempts of every kind, then the list of alerts.
/// Guarantees: the ledger holds each attempt in order; open alerts come first, then the newest; counts
/// per receiver are right.
#[tokio::test]
async fn the_ledger_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let (old, newer, open) = (alert(Severity::Page, 1), alert(Severity::Page, 2), alert(Severity::Ticket, 0));
    for alert in [&old, &newer] {
        store.commit(vec![change(alert, &["hook", "mail"])], Vec::new(), 10).await.unwrap();
        store.commit(vec![change(&resolved(alert, 20), &[])], Vec::new(), 20).await.unwrap();
    }
    store.commit(vec![change(&open, &["hook"])], Vec::new(), 30).await.unwrap();
    let id = event_id(&old.id, Event::Firing, "hook");
    store.record(&id, attempt(40, None), Ruling::RetryAt(45)).await.unwrap();
    store.record(&id, attempt(45, Some(400)), Ruling::Dead).await.unwrap();

    let listed = store.alerts(10).await.unwrap();
    let order: Vec<_> = listed.iter().map(|(alert, _)| alert.id.as_str()).collect();
    assert_eq!(order, [open.id.as_str(), &newer.id, &old.id]);
    let delivery = &listed[2].1[0];
    assert_eq!((delivery.state, delivery.next_attempt_at), (DeliveryState::Dead, None));
    assert_eq!(delivery.finished_at, Some(50));
    assert_eq!(delivery.attempts, [attempt(40, None), attempt(45, Some(400))]);
    assert_eq!(store.alerts(1).await.unwrap().len(), 1);
    assert_eq!(store.alerts_of("other", 10).await.unwrap(), []);
    assert_eq!(store.told(&old.id).await.unwrap(), ["hook", "mail"]);
    let counts = store.receiver_counts().await.unwrap();
    assert_eq!(counts["hook"], ReceiverCounts { n_waiting: 2, n_dead: 1 });
    assert_eq!(counts["mail"], ReceiverCounts { n_waiting: 2, n_dead: 0 });
}

/// Scenario: a change whose second alert breaks a rule of the file.
/// Guarantees: nothing of it is kept, neither the first alert nor its notification.
#[tokio::test]
async fn changes_are_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    // Two open occurrences of one alert cannot be.
    let both =
        vec![change(&alert(Severity::Page, 1), &["hook"]), change(&alert(Severity::Page, 2), &["hook"])];
    let heard = vec![Heard { service: "a".to_owned(), from_at: 1, to_at: 2 }];
    let refused = store.commit(both, heard, 10).await.unwrap_err();
    assert_eq!(refused.to_string(), "cannot write an alert in the state file");
    assert_eq!(store.latest().await.unwrap(), []);
    assert_eq!(store.heard("a").await.unwrap(), []);
    assert_eq!(due_events(&store, 10).await, []);
}

/// Scenario: a receiver was removed from the configuration with notifications waiting.
/// Guarantees: they become dead letters with a reason; other receivers keep theirs.
#[tokio::test]
async fn strangers_are_buried() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    store.commit(vec![change(&alert(Severity::Page, 1), &["gone", "hook"])], Vec::new(), 1).await.unwrap();
    assert_eq!(store.bury_strangers(vec!["hook".to_owned()], 9).await.unwrap(), 1);
    let (_, deliveries) = store.alerts(1).await.unwrap().remove(0);
    assert_eq!(deliveries[0].state, DeliveryState::Dead);
    assert_eq!(deliveries[0].attempts[0].error, "the receiver is no longer configured");
    assert_eq!(deliveries[1].state, DeliveryState::Waiting);
}

/// Scenario: old finished notifications, closed alerts and silent services beside current ones.
/// Guarantees: pruning forgets the former, and never what waits or is open.
#[tokio::test]
async fn pruning_forgets_only_what_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let (closed, waiting, open) =
        (alert(Severity::Page, 1), alert(Severity::Page, 2), alert(Severity::Ticket, 3));
    for alert in [&closed, &waiting] {
        store.commit(vec![change(alert, &["hook"])], Vec::new(), 10).await.unwrap();
        store.commit(vec![change(&resolved(alert, 20), &[])], Vec::new(), 20).await.unwrap();
    }
    let heard = [(1, 2), (50, 60)].map(|(from_at, to_at)| Heard { service: "a".to_owned(), from_at, to_at });
    store.commit(vec![change(&open, &[])], heard.to_vec(), 30).await.unwrap();
    let id = event_id(&closed.id, Event::Firing, "hook");
    store.record(&id, attempt(40, Some(200)), Ruling::Delivered).await.unwrap();

    store.prune(46, 50).await.unwrap();
    let left: Vec<_> = store.alerts(10).await.unwrap().into_iter().map(|(alert, _)| alert.id).collect();
    assert_eq!(left, [open.id.clone(), waiting.id.clone()]);
    assert_eq!(store.heard("a").await.unwrap(), [heard[1].clone()]);
}

/// Scenario: an alert fires for longer than delivered notifications are kept, and its clock once stepped back.
/// Guarantees: who heard of its beginning is still known, and it is the latest of its objective.
#[tokio::test]
async fn an_open_alert_outlives_pruning_and_clock_steps() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let (closed, open) = (alert(Severity::Page, 100), alert(Severity::Page, 50));
    store.commit(vec![change(&closed, &[])], Vec::new(), 100).await.unwrap();
    store.commit(vec![change(&resolved(&closed, 110), &[])], Vec::new(), 110).await.unwrap();
    store.commit(vec![change(&open, &["hook"])], Vec::new(), 50).await.unwrap();
    let id = event_id(&open.id, Event::Firing, "hook");
    store.record(&id, attempt(60, Some(200)), Ruling::Delivered).await.unwrap();

    store.prune(1_000, 0).await.unwrap();
    assert_eq!(store.told(&open.id).await.unwrap(), ["hook"]);
    let latest: Vec<_> = store.latest().await.unwrap().into_iter().map(|alert| alert.id).collect();
    assert_eq!(latest, [open.id]);
}

/// Scenario: a notification waits out hours of back-off when the alert it belongs to has news.
/// Guarantees: it is due at once, so that the news behind it is not held up.
#[tokio::test]
async fn news_hurries_what_waits_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let firing = alert(Severity::Page, 1);
    store.commit(vec![change(&firing, &["hook"])], Vec::new(), 10).await.unwrap();
    let id = event_id(&firing.id, Event::Firing, "hook");
    store.record(&id, attempt(11, None), Ruling::RetryAt(9_999)).await.unwrap();
    assert!(due_events(&store, 20).await.is_empty());

    store.commit(vec![change(&resolved(&firing, 20), &["hook"])], Vec::new(), 20).await.unwrap();
    assert_eq!(due_events(&store, 20).await, [(id, Event::Firing)]);
}

/// Scenario: a service is heard again and again, and extends its interval.
/// Guarantees: one row per interval, and its end never moves back.
#[tokio::test]
async fn intervals_grow() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let heard = |from_at, to_at| Heard { service: "a".to_owned(), from_at, to_at };
    for interval in [heard(1, 1), heard(1, 9), heard(1, 5), heard(20, 30)] {
        store.commit(Vec::new(), vec![interval], 0).await.unwrap();
    }
    assert_eq!(store.heard("a").await.unwrap(), [heard(1, 9), heard(20, 30)]);
}

/// Scenario: a file from a newer program, another program's file, and something that is no database.
/// Guarantees: each is refused with what to do, and left as it was.
#[test]
fn other_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open_error = |name: &str| Store::open(&dir.path().join(name)).unwrap_err().to_string();
    drop(Store::open(&dir.path().join("newer")).unwrap());
    let newer = Connection::open(dir.path().join("newer")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    assert!(open_error("newer").contains("has schema version 99, and this program knows up to 4"));
    let foreign = Connection::open(dir.path().join("foreign")).unwrap();
    foreign.pragma_update(None, "application_id", 42).unwrap();
    assert!(open_error("foreign").contains("belongs to another program (application id 42)"));
    std::fs::write(dir.path().join("text"), "this is no database, whatever its name says".repeat(99))
        .unwrap();
    assert!(open_error("text").starts_with("cannot open the state file"));
    let version: i64 = newer.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

/// Scenario: a new file.
/// Guarantees: commits are synced to the disk, and the write-ahead log is used.
#[tokio::test]
async fn commits_are_durable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sqlite");
    let store = Store::open(&path).unwrap();
    let pragma = |name: &'static str| {
        store.writer.call(move |connection| {
            let read = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
            connection.pragma_query_value(None, name, read).map_err(Error::sqlite("read a pragma"))
        })
    };
    assert_eq!(pragma("journal_mode").await.unwrap(), rusqlite::types::Value::Text("wal".to_owned()));
    assert_eq!(pragma("synchronous").await.unwrap(), rusqlite::types::Value::Integer(2));
    assert_eq!(pragma("user_version").await.unwrap(), rusqlite::types::Value::Integer(4));
    store.clone().close().await.unwrap();
    assert!(matches!(store.latest().await, Err(Error::Closed)));
}

/// Scenario: files as versions 1 and 2 left them, with an alert, a notification that waits after an attempt, and one
/// that is delivered.
/// Guarantees: they gain the tables of later versions and keep what they had, the ledger included; what is enqueued
/// later comes behind it.
#[tokio::test]
async fn older_files_are_upgraded() {
    for version in [1, 2] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.sqlite");
        let firing = alert(Severity::Page, SECOND);
        let older = schema::open_as(&path, version);
        let rows = format!(
            "INSERT INTO alert VALUES ('{}', 'slo', 'An SLO', 'checkout', 'page', 'firing', {SECOND}, {SECOND}, NULL,
                NULL, 'it burns');
            INSERT INTO delivery VALUES (7, 'one', '{}', 'slo', 'page', 'hook', 'firing', x'01', 'waiting', 5, 9, NULL),
                (8, 'two', '{}', 'slo', 'page', 'mail', 'firing', x'02', 'delivered', 5, 5, 6);
            INSERT INTO attempt VALUES (7, 1, 6, 5, 503, 'refused', 'ok', NULL),
                (8, 1, 6, 5, 200, '', 'ok', NULL);",
            firing.id, firing.id, firing.id
        );
        older.execute_batch(&rows).unwrap();
        older.close().unwrap();

        let store = Store::open(&path).unwrap();
        assert_eq!(store.latest().await.unwrap(), std::slice::from_ref(&firing));
        assert!(store.put_ownership(owned("cart", "payments", 1)).await.unwrap());
        assert!(store.put_deployment(deployment("1.0", 1)).await.unwrap());
        assert!(store.put_triage(triage(&firing, 5, "{}")).await.unwrap());
        let (delivery, body) = store.delivery("one").await.unwrap().unwrap();
        assert_eq!((delivery.kind.as_str(), delivery.is_test, body), ("webhook", false, vec![1]));
        assert_eq!(delivery.attempts, [attempt(6, Some(503))]);
        let waiting = store.due("hook", 9, 10, true).await.unwrap().parcels;
        assert_eq!((waiting.len(), waiting[0].queued_at, waiting[0].n_attempts), (1, 5, 1));
        store.commit(vec![change(&resolved(&firing, 20), &["hook"])], Vec::new(), 20).await.unwrap();
        let sequence = store.writer.call(|connection| {
            let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
            connection.query_row("SELECT max(seq) FROM delivery", [], read).map_err(Error::sqlite("look"))
        });
        assert_eq!(sequence.await.unwrap(), 9);
    }
}

fn triage(alert: &AlertRecord, from_at: i64, report: &str) -> StoredTriage {
    StoredTriage {
        alert_id: alert.id.clone(),
        made_at: from_at + 9,
        from_at,
        to_at: from_at + 8,
        summary: "{\"headline\":\"db broke first\"}".to_owned(),
        report: report.to_owned(),
    }
}

/// Scenario: reports about an alert, about none, and one that is too long; then the alert is forgotten.
/// Guarantees: the newest stands, the others are refused, and reports leave with their alerts.
#[tokio::test]
async fn the_newest_report_of_an_alert_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let page = alert(Severity::Page, 20);
    store.commit(vec![change(&page, &[])], Vec::new(), 20).await.unwrap();
    assert!(store.put_triage(triage(&page, 10, "{\"n\":1}")).await.unwrap());
    let newest = triage(&page, 11, "{\"n\":2}");
    assert!(store.put_triage(newest.clone()).await.unwrap());
    assert!(!store.put_triage(triage(&alert(Severity::Page, 99), 1, "{}")).await.unwrap());
    assert!(!store.put_triage(triage(&page, 12, &"x".repeat(TRIAGE_BYTES_MAX + 1))).await.unwrap());
    assert_eq!(store.triage(&page.id).await.unwrap(), Some(newest.clone()));
    let ids = vec![page.id.clone(), "none".to_owned()];
    assert_eq!(store.triage_summaries(ids).await.unwrap(), [(page.id.clone(), newest.summary)].into());
    store.commit(vec![change(&resolved(&page, 30), &[])], Vec::new(), 30).await.unwrap();
    store.prune(1_000, 1_000).await.unwrap();
    assert_eq!(store.triage(&page.id).await.unwrap(), None);
}

/// Scenario: a page that is over, one that fires and has a report, and a ticket.
/// Guarantees: pages are incidents, from where their report says that they began; those out of reach are left out.
#[tokio::test]
async fn incidents_are_pages_from_their_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let (over, open, ticket) =
        (alert(Severity::Page, 100), alert(Severity::Page, 200), alert(Severity::Ticket, 210));
    store.commit(vec![change(&over, &[])], Vec::new(), 100).await.unwrap();
    store.commit(vec![change(&resolved(&over, 150), &[])], Vec::new(), 150).await.unwrap();
    store.commit(vec![change(&open, &[]), change(&ticket, &[])], Vec::new(), 210).await.unwrap();
    assert!(store.put_triage(triage(&open, 190, "{}")).await.unwrap());
    let time = |from_at, to_at| IncidentTime { from_at, to_at };
    assert_eq!(store.incidents(0, 300).await.unwrap(), [time(100, Some(150)), time(190, None)]);
    assert_eq!(store.incidents(150, 300).await.unwrap(), [time(190, None)]);
    assert_eq!(store.incidents(0, 190).await.unwrap(), [time(100, Some(150))]);
}

fn owned(service: &str, owner: &str, updated_at: i64) -> StoredOwnership {
    let playbooks = vec!["https://wiki.example.com/a".to_owned(), "https://wiki.example.com/b".to_owned()];
    let spec = OwnershipSpec { owner: Some(owner.to_owned()), playbooks, ..OwnershipSpec::default() };
    StoredOwnership { service: service.to_owned(), ownership: Ownership::new(spec).unwrap(), updated_at }
}

/// Scenario: facts about two services are written, replaced, read after a restart, and forgotten.
/// Guarantees: the latest are there with every link, those of the other service are untouched, and forgetting twice
/// says so.
#[tokio::test]
async fn ownership_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sqlite");
    let store = Store::open(&path).unwrap();
    for one in [owned("cart", "payments", 1), owned("shop", "web", 2), owned("cart", "checkout", 3)] {
        assert!(store.put_ownership(one).await.unwrap());
    }
    store.close().await.unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(store.ownership("cart").await.unwrap(), Some(owned("cart", "checkout", 3)));
    assert_eq!(store.ownerships().await.unwrap(), [owned("cart", "checkout", 3), owned("shop", "web", 2)]);
    assert!(store.delete_ownership("cart").await.unwrap());
    assert!(!store.delete_ownership("cart").await.unwrap());
    assert_eq!(store.ownership("cart").await.unwrap(), None);
    assert_eq!(store.ownerships().await.unwrap(), [owned("shop", "web", 2)]);
}

fn deployment(version: &str, at: i64) -> Deployment {
    Deployment {
        service: "cart".to_owned(),
        version: version.to_owned(),
        environment: "production".to_owned(),
        at,
        title: Some("a title".to_owned()),
        url: None,
        posted_at: 9,
    }
}

/// Scenario: markers come twice, out of order, with one that differs in each part, and are read by range.
/// Guarantees: each is there once, in order of time, the newest where there are more than asked for.
#[tokio::test]
async fn deployments_are_kept_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let staging = Deployment { environment: "staging".to_owned(), ..deployment("1.0", 5) };
    let other = Deployment { service: "shop".to_owned(), ..deployment("1.0", 5) };
    for one in [deployment("2.0", 7), deployment("1.0", 5), staging.clone(), other] {
        assert!(store.put_deployment(one).await.unwrap());
    }
    let again = Deployment { title: None, posted_at: 10, ..deployment("1.0", 5) };
    assert!(!store.put_deployment(again).await.unwrap());
    let all = store.deployments("cart", 0, 100, 10).await.unwrap();
    assert_eq!(all, [staging.clone(), deployment("1.0", 5), deployment("2.0", 7)]);
    assert!(store.deployments("cart", 6, 7, 10).await.unwrap().is_empty());
    assert_eq!(store.deployments("cart", 5, 8, 1).await.unwrap(), [deployment("2.0", 7)]);
    store.prune(0, 6).await.unwrap();
    assert_eq!(store.deployments("cart", 0, 100, 10).await.unwrap(), [deployment("2.0", 7)]);
}

/// Scenario: a service gets more markers than are kept of one.
/// Guarantees: the oldest leave, and those of another service stay.
#[tokio::test]
async fn old_deployments_make_room() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sqlite");
    let store = Store::open(&path).unwrap();
    let other = Deployment { service: "shop".to_owned(), ..deployment("1.0", 0) };
    store.put_deployment(other.clone()).await.unwrap();
    let filled = store.writer.call(|connection| {
        let sql = "WITH RECURSIVE n (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < 1000)
            INSERT INTO deployment SELECT 'cart', 'v', 'production', at, NULL, NULL, 0 FROM n";
        connection.execute(sql, []).map_err(Error::sqlite("fill a test's table"))
    });
    assert_eq!(filled.await.unwrap(), 1_000);
    assert!(store.put_deployment(deployment("2.0", 2_000)).await.unwrap());
    let kept = store.deployments("cart", 0, 10_000, 10_000).await.unwrap();
    assert_eq!((kept.len(), kept[0].at, kept[999].at), (1_000, 2, 2_000));
    assert_eq!(store.deployments("shop", 0, 10, 10).await.unwrap(), [other]);
}

async fn finish(store: &Store, id: &str, at: i64, status: u16, ruling: Ruling) {
    store.record(id, attempt(at, Some(status)), ruling).await.unwrap();
}

/// Scenario: a dead letter is replayed, waits, is delivered, and is replayed again; then something unknown.
/// Guarantees: it has its id, its bytes and its ledger, its attempts are counted from the replay on, and what waits is
/// not queued twice.
#[tokio::test]
async fn a_dead_letter_is_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let page = alert(Severity::Page, 1);
    store.commit(vec![change(&page, &["hook"])], Vec::new(), 10).await.unwrap();
    let id = event_id(&page.id, Event::Firing, "hook");
    finish(&store, &id, 11, 503, Ruling::RetryAt(12)).await;
    finish(&store, &id, 12, 400, Ruling::Dead).await;

    let queued = Replayed::Queued { receiver: "hook".to_owned() };
    assert_eq!(store.replay(&id, 50).await.unwrap(), queued);
    assert_eq!(store.replay(&id, 50).await.unwrap(), Replayed::Waiting);
    let parcel = store.due("hook", 50, 10, false).await.unwrap().parcels.remove(0);
    assert_eq!((parcel.id.as_str(), parcel.n_attempts, parcel.queued_at), (id.as_str(), 0, 50));
    assert_eq!(parcel.body, b"firing");
    finish(&store, &id, 51, 200, Ruling::Delivered).await;
    let (delivery, _) = store.delivery(&id).await.unwrap().unwrap();
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 3));
    assert_eq!(store.replay(&id, 60).await.unwrap(), queued);
    assert_eq!(store.replay("other", 60).await.unwrap(), Replayed::NotFound);
}

/// Scenario: of one alert the firing is dead and the end was delivered; of another both are dead; a range is replayed,
/// then a part of it.
/// Guarantees: an older state never overtakes a newer one that the receiver knows; the rest is queued in order; the
/// limit says that there is more.
#[tokio::test]
async fn a_range_is_replayed_without_overtaking() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let (page, ticket) = (alert(Severity::Page, 1), alert(Severity::Ticket, 2));
    let id = |alert: &AlertRecord, event| event_id(&alert.id, event, "hook");
    for (alert, end) in [(&page, Ruling::Delivered), (&ticket, Ruling::Dead)] {
        store.commit(vec![change(alert, &["hook"])], Vec::new(), 10).await.unwrap();
        finish(&store, &id(alert, Event::Firing), 11, 400, Ruling::Dead).await;
        store.commit(vec![change(&resolved(alert, 20), &["hook"])], Vec::new(), 20).await.unwrap();
        finish(&store, &id(alert, Event::Resolved), 21, 400, end).await;
    }
    assert_eq!(store.replay(&id(&page, Event::Firing), 50).await.unwrap(), Replayed::Overtaken);
    let none = store.replay_range("hook", (30, 40), 10, 50).await.unwrap();
    assert_eq!(none, ReplayedRange::default());
    let some = store.replay_range("hook", (0, 40), 2, 50).await.unwrap();
    assert_eq!(some, ReplayedRange { n_queued: 1, n_overtaken: 1, has_more: true });
    let rest = store.replay_range("hook", (0, 40), 10, 50).await.unwrap();
    assert_eq!(rest, ReplayedRange { n_queued: 1, n_overtaken: 1, has_more: false });
    assert_eq!(due_events(&store, 50).await, [(id(&ticket, Event::Firing), Event::Firing)]);
    finish(&store, &id(&ticket, Event::Firing), 51, 200, Ruling::Delivered).await;
    assert_eq!(due_events(&store, 51).await, [(id(&ticket, Event::Resolved), Event::Resolved)]);
}

fn own(name: &str, is_test: bool) -> OwnNotice {
    let delivery = NewDelivery {
        id: name.to_owned(),
        receiver: "hook".to_owned(),
        kind: "slack",
        event: Event::Firing,
        body: name.into(),
    };
    OwnNotice {
        delivery,
        group: format!("@{name}"),
        severity: Severity::Ticket,
        is_test,
        first_attempt_at: 100,
    }
}

/// Scenario: a test and a notice that no alert caused, beside a notification of an alert; the test fails.
/// Guarantees: they are listed, newest first, by receiver and by state; they wait until their time and for nobody; a
/// failed test is not counted among dead letters; all of them are forgotten in time.
#[tokio::test]
async fn own_notices_are_deliveries() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let page = alert(Severity::Page, 1);
    store.commit(vec![change(&page, &["hook", "mail"])], Vec::new(), 10).await.unwrap();
    store.enqueue(vec![own("test", true), own("trouble", false)], 20).await.unwrap();
    store.enqueue(vec![own("trouble", false)], 30).await.unwrap();
    let listed = async |receiver: Option<&str>, state, limit| {
        let receiver = receiver.map(str::to_owned);
        let filter = DeliveryFilter { receiver, state, from: 0, to: 25, limit };
        let found = store.deliveries(filter).await.unwrap();
        found.into_iter().map(|one| (one.id, one.alert_id.is_some())).collect::<Vec<_>>()
    };
    let of_alert = (event_id(&page.id, Event::Firing, "hook"), true);
    let (test, trouble) = (("test".to_owned(), false), ("trouble".to_owned(), false));
    assert_eq!(listed(Some("hook"), None, 10).await, [trouble.clone(), test.clone(), of_alert.clone()]);
    assert_eq!(listed(None, None, 1).await, std::slice::from_ref(&trouble));
    assert_eq!(due_events(&store, 99).await, [(of_alert.0.clone(), Event::Firing)]);
    assert_eq!(due_events(&store, 100).await.len(), 3);
    finish(&store, "test", 101, 404, Ruling::Dead).await;
    assert_eq!(listed(Some("hook"), Some(DeliveryState::Dead), 10).await, [test]);
    assert_eq!(store.receiver_counts().await.unwrap()["hook"], ReceiverCounts { n_waiting: 2, n_dead: 0 });
    store.prune(1_000, 0).await.unwrap();
    assert_eq!(listed(Some("hook"), None, 10).await, [trouble, of_alert]);
}

/// Scenario: a retry and a first attempt are due while retries are not wanted.
/// Guarantees: only the first attempt is given out.
#[tokio::test]
async fn retries_can_be_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let (page, ticket) = (alert(Severity::Page, 1), alert(Severity::Ticket, 2));
    store.commit(vec![change(&page, &["hook"])], Vec::new(), 10).await.unwrap();
    let id = event_id(&page.id, Event::Firing, "hook");
    finish(&store, &id, 11, 503, Ruling::RetryAt(12)).await;
    store.commit(vec![change(&ticket, &["hook"])], Vec::new(), 13).await.unwrap();
    let fresh = store.due("hook", 20, 10, false).await.unwrap().parcels;
    let fresh: Vec<_> = fresh.into_iter().map(|parcel| parcel.id).collect();
    assert_eq!(fresh, [event_id(&ticket.id, Event::Firing, "hook")]);
    assert_eq!(due_events(&store, 20).await.len(), 2);
}

/// Scenario: pages of which one reached nobody yet, one is dead, one was delivered, one is over; and a ticket.
/// Guarantees: those that fire and did not get through are late, from their time on; what was tried in vain for long
/// makes its receiver stuck.
#[tokio::test]
async fn what_does_not_get_through_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let (page, ticket) = (alert(Severity::Page, 1), alert(Severity::Ticket, 2));
    store.commit(vec![change(&page, &["hook", "mail", "chat"])], Vec::new(), 10).await.unwrap();
    store.commit(vec![change(&ticket, &["hook"])], Vec::new(), 10).await.unwrap();
    let id = |receiver| event_id(&page.id, Event::Firing, receiver);
    finish(&store, &id("mail"), 11, 400, Ruling::Dead).await;
    finish(&store, &id("chat"), 11, 200, Ruling::Delivered).await;
    assert!(store.late_pages(9).await.unwrap().is_empty());
    let mut late: Vec<_> = store.late_pages(10).await.unwrap().into_iter().map(|(_, name)| name).collect();
    late.sort_unstable();
    assert_eq!(late, ["hook", "mail"]);
    assert!(store.stuck(10).await.unwrap().is_empty(), "nothing was tried");
    finish(&store, &id("hook"), 11, 503, Ruling::RetryAt(12)).await;
    assert!(store.stuck(9).await.unwrap().is_empty());
    let stuck = Stuck { receiver: "hook".to_owned(), delivery_id: id("hook"), since: 10 };
    assert_eq!(store.stuck(10).await.unwrap(), [stuck]);
    store.commit(vec![change(&resolved(&page, 20), &[])], Vec::new(), 20).await.unwrap();
    assert!(store.late_pages(30).await.unwrap().is_empty());
}

/// Scenario: an Alertmanager is told of two alerts; one ends, and the moment of its end passes.
/// Guarantees: what it was last told of each stands while the alert fires, and for a while after its end; what has not
/// reached it does not stand.
#[tokio::test]
async fn what_an_alertmanager_was_told_stands() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    let (page, ticket) = (alert(Severity::Page, 1), alert(Severity::Ticket, 2));
    let told = |alert: &AlertRecord| {
        let mut change = change(alert, &["hook"]);
        change.deliveries[0].kind = "alertmanager";
        change.deliveries[0].body =
            [alert.severity.name(), change.deliveries[0].event.name()].join(" ").into();
        change
    };
    let standing = async |after| {
        let bodies = store.standing("hook", after).await.unwrap();
        let mut bodies: Vec<_> = bodies.into_iter().map(|body| String::from_utf8(body).unwrap()).collect();
        bodies.sort_unstable();
        bodies
    };
    store.commit(vec![told(&page), told(&ticket)], Vec::new(), 10).await.unwrap();
    finish(&store, &event_id(&page.id, Event::Firing, "hook"), 11, 200, Ruling::Delivered).await;
    assert_eq!(standing(0).await, ["page firing"]);
    finish(&store, &event_id(&ticket.id, Event::Firing, "hook"), 11, 200, Ruling::Delivered).await;
    assert_eq!(standing(0).await, ["page firing", "ticket firing"]);
    store.commit(vec![told(&resolved(&page, 20))], Vec::new(), 20).await.unwrap();
    assert_eq!(standing(0).await, ["ticket firing"]);
    finish(&store, &event_id(&page.id, Event::Resolved, "hook"), 21, 200, Ruling::Delivered).await;
    assert_eq!(standing(26).await, ["page resolved", "ticket firing"]);
    assert_eq!(standing(27).await, ["ticket firing"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Scenario: firings and resolves of one alert, delivered, refused or given up in any pattern, with
    /// a restart after every step.
    /// Guarantees: each notification leaves the queue exactly once, in the order in which it was enqueued.
    #[test]
    fn order_survives_restarts(rulings in prop::collection::vec(0_u8..3, 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("state.sqlite");
            let mut expected = Vec::new();
            let store = Store::open(&path).unwrap();
            for n in 0..3 {
                let firing = alert(Severity::Page, n);
                let over = resolved(&firing, n);
                for alert in [&firing, &over] {
                    let change = change(alert, &["hook"]);
                    expected.push(change.deliveries[0].id.clone());
                    store.commit(vec![change], Vec::new(), n).await.unwrap();
                }
            }
            store.close().await.unwrap();
            let mut finished = Vec::new();
            for (n, ruling) in (0_i64..).zip(rulings) {
                let store = Store::open(&path).unwrap();
                let now = 100 * SECOND + n;
                let due = store.due("hook", now, 10, true).await.unwrap();
                assert!(due.parcels.len() <= 1);
                if let Some(parcel) = due.parcels.first() {
                    let ruling = [Ruling::Delivered, Ruling::RetryAt(now), Ruling::Dead][ruling as usize];
                    store.record(&parcel.id, attempt(now, Some(500)), ruling).await.unwrap();
                    if !matches!(ruling, Ruling::RetryAt(_)) {
                        finished.push(parcel.id.clone());
                    }
                }
                store.close().await.unwrap();
            }
            assert_eq!(finished, expected[..finished.len()]);
        });
    }
}

/// Scenario: a state file is copied while its owner has it open; then to a name that is taken, and from one that
/// is not there.
/// Guarantees: the copy opens with the same alerts and notifications; nothing is replaced, nothing is made.
#[tokio::test]
async fn an_open_file_is_copied() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("state.sqlite"), dir.path().join("copy.sqlite"));
    let store = Store::open(&path).unwrap();
    let firing = alert(Severity::Page, SECOND);
    store.commit(vec![change(&firing, &["hook"])], Vec::new(), SECOND).await.unwrap();
    copy_state(&path, &copy).unwrap();

    let copied = Store::open(&copy).unwrap();
    assert_eq!(due_events(&copied, 3 * SECOND).await, due_events(&store, 3 * SECOND).await);
    copy_state(&path, &copy).expect_err("it is there");
    copy_state(&dir.path().join("none"), &dir.path().join("new")).expect_err("nothing to copy");
    assert!(!dir.path().join("none").exists() && !dir.path().join("new").exists());
}
