//! Incidents in the file: opened, joined, reopened, moved, told of, over restarts.

use super::super::*;
use super::*;
use crate::ReasonKind;

const SECOND: i64 = 1_000_000_000;

fn alert_of(slo_id: &str, service: &str, severity: Severity, at: i64) -> AlertRecord {
    AlertRecord {
        id: occurrence_id(slo_id, severity, at),
        slo_id: slo_id.to_owned(),
        slo_name: format!("{slo_id} works"),
        service: service.to_owned(),
        severity,
        phase: Phase::Firing { pending_at: at, firing_at: at, quiet_since: None },
        pending_at: at,
        summary: format!("{slo_id} burns"),
    }
}

fn page(slo_id: &str, at: i64) -> AlertRecord {
    alert_of(slo_id, slo_id, Severity::Page, at)
}

fn over(alert: &AlertRecord, resolved_at: i64) -> AlertRecord {
    let Phase::Firing { pending_at, firing_at, .. } = alert.phase else { panic!("not firing") };
    AlertRecord { phase: Phase::Resolved { pending_at, firing_at, resolved_at }, ..alert.clone() }
}

fn bare(alert: &AlertRecord) -> Change {
    Change { alert: alert.clone(), deliveries: Vec::new() }
}

fn delivery(alert: &AlertRecord, event: Event) -> NewDelivery {
    NewDelivery {
        id: event_id(&alert.id, event, "pager"),
        receiver: "pager".to_owned(),
        kind: "pagerduty",
        event,
        body: Vec::new(),
    }
}

fn placing(alert: &AlertRecord, incident: u32, kind: ReasonKind) -> Placing {
    let placement = Placement { alert_id: alert.id.clone(), incident, reason: kind.into() };
    Placing { placement, suspect: None, withheld: None }
}

fn placed(placings: Vec<Placing>) -> Placed {
    Placed { placings, ..Placed::default() }
}

/// An alert fires and opens an incident of the next number, which is returned.
async fn fire(store: &Store, alert: &AlertRecord, now: i64) -> u32 {
    let number = store.ground(now).await.unwrap().next;
    let placed = placed(vec![placing(alert, number, ReasonKind::Opened)]);
    store.commit_placed(vec![bare(alert)], placed, Vec::new(), now).await.unwrap();
    number
}

async fn join(store: &Store, alert: &AlertRecord, number: u32, now: i64) {
    let placed = placed(vec![placing(alert, number, ReasonKind::Calls)]);
    store.commit_placed(vec![bare(alert)], placed, Vec::new(), now).await.unwrap();
}

async fn end(store: &Store, alert: &AlertRecord, now: i64) {
    store.commit(vec![bare(&over(alert, now))], Vec::new(), now).await.unwrap();
}

async fn file(store: &Store, number: u32) -> IncidentFile {
    store.incident(number, 1_000).await.unwrap().unwrap()
}

async fn status(store: &Store, number: u32) -> IncidentStatus {
    file(store, number).await.line.incident.stage.status()
}

async fn kinds(store: &Store, number: u32) -> Vec<EntryKind> {
    file(store, number).await.entries.into_iter().map(|entry| entry.kind).collect()
}

fn ada(at: i64) -> Hand {
    Hand { by: Some("ada".to_owned()), at }
}

fn scene() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    (dir, store)
}

/// Scenario: two alerts share an incident; the process dies after each commit; one ends, then the other.
/// Guarantees: the incident is as it was after each restart; it is over with the last alert; the timeline tells all
/// of it in order; the next incident has the next number, also when the first is forgotten.
#[tokio::test]
async fn an_incident_lives_as_long_as_its_alerts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sqlite");
    let (first, second) = (page("orders", 5), page("web", 6));
    let store = Store::open(&path).unwrap();
    assert_eq!(fire(&store, &first, 10).await, 1);
    drop(store);
    let store = Store::open(&path).unwrap();
    join(&store, &second, 1, 20).await;
    drop(store);
    let store = Store::open(&path).unwrap();
    let open = file(&store, 1).await;
    let incident = &open.line.incident;
    assert_eq!(incident.title, "orders: orders works and 1 more");
    assert_eq!((incident.opened_at, incident.severity), (5, Severity::Page));
    let joined: Vec<_> = open
        .line
        .members
        .iter()
        .map(|one| (one.alert.slo_id.as_str(), one.joined_at, one.reason.kind))
        .collect();
    assert_eq!(joined, [("orders", 10, ReasonKind::Opened), ("web", 20, ReasonKind::Calls)]);
    end(&store, &first, 30).await;
    assert_eq!(status(&store, 1).await, IncidentStatus::Open);
    end(&store, &second, 40).await;
    assert_eq!(file(&store, 1).await.line.incident.stage.resolved_at(), Some(40));
    use EntryKind::{AlertFired, AlertResolved, Opened, Resolved};
    let told = [Opened, AlertFired, AlertFired, AlertResolved, AlertResolved, Resolved];
    assert_eq!(kinds(&store, 1).await, told);

    store.prune(100, 100).await.unwrap();
    assert!(store.incident(1, 10).await.unwrap().is_none());
    assert_eq!(store.ground(200).await.unwrap().next, 2);
}

/// Scenario: a change that breaks a rule of the file places its alerts.
/// Guarantees: nothing of it is kept: no incident, no line, no number.
#[tokio::test]
async fn places_are_written_with_their_alerts() {
    let (_dir, store) = scene();
    let alerts = [page("orders", 1), page("orders", 2)];
    let placings = alerts.iter().map(|alert| placing(alert, 1, ReasonKind::Opened)).collect();
    let changes = alerts.iter().map(bare).collect();
    store.commit_placed(changes, placed(placings), Vec::new(), 10).await.unwrap_err();
    assert!(store.incident(1, 10).await.unwrap().is_none());
    assert_eq!(store.ground(10).await.unwrap().next, 1);
}

/// Scenario: an objective fires again soon after its incident was over, and another one after half an hour.
/// Guarantees: the incident is offered again only in time; then it is open, nobody looks after it, and it counts.
#[tokio::test]
async fn what_comes_back_reopens() {
    let (_dir, store) = scene();
    let first = page("orders", 5);
    fire(&store, &first, 10).await;
    store.acknowledge(1, Vec::new(), ada(12)).await.unwrap();
    end(&store, &first, 20).await;
    let soon = 20 + 1_800 * SECOND;
    assert_eq!(store.ground(soon).await.unwrap().candidates[0].resolved_at, Some(20));
    assert!(store.ground(soon + 1).await.unwrap().candidates.is_empty());
    join(&store, &page("orders", 30), 1, 30).await;
    let incident = file(&store, 1).await.line.incident;
    assert_eq!((incident.stage, incident.n_reopened, incident.reopened_at), (Stage::Open, 1, Some(30)));
    assert_eq!(incident.owner.as_deref(), Some("ada"));
    assert_eq!(kinds(&store, 1).await.last(), Some(&EntryKind::Reopened));
}

/// Scenario: a ticket is acknowledged, then a page joins, then another; and somebody acknowledges twice.
/// Guarantees: the first page makes it open again, because nobody knew of it; the second does not; two cannot take the
/// same thing.
#[tokio::test]
async fn worse_than_acknowledged_is_open() {
    let (_dir, store) = scene();
    let ticket = alert_of("orders", "orders", Severity::Ticket, 5);
    fire(&store, &ticket, 10).await;
    assert_eq!(store.acknowledge(1, Vec::new(), ada(11)).await.unwrap(), Handled::Done);
    assert!(matches!(store.acknowledge(1, Vec::new(), ada(12)).await.unwrap(), Handled::Illegal(_)));
    assert_eq!(store.attention().await.unwrap()[&ticket.id], Attention::Given);
    join(&store, &page("orders", 20), 1, 20).await;
    assert_eq!(status(&store, 1).await, IncidentStatus::Open);
    assert_eq!(store.attention().await.unwrap()[&ticket.id], Attention::Wanted { since: 20 });
    store.acknowledge(1, Vec::new(), ada(21)).await.unwrap();
    join(&store, &page("web", 30), 1, 30).await;
    assert_eq!(status(&store, 1).await, IncidentStatus::Acknowledged);
    assert_eq!(file(&store, 1).await.line.incident.n_reopened, 0);
}

/// Scenario: an incident with an alert that fires and one that is over is acknowledged, and its receivers are told.
/// Guarantees: a notification is enqueued with it for the alert that fires, and none for the other; an incident that is
/// not there is said to be so.
#[tokio::test]
async fn who_acknowledges_is_told_of() {
    let (_dir, store) = scene();
    let (firing, ended) = (page("orders", 5), page("web", 5));
    fire(&store, &firing, 10).await;
    join(&store, &ended, 1, 10).await;
    end(&store, &ended, 20).await;
    let told = |alert: &AlertRecord| Change {
        alert: alert.clone(),
        deliveries: vec![delivery(alert, Event::Acknowledged)],
    };
    let changes = || vec![told(&firing), told(&ended)];
    assert_eq!(store.acknowledge(2, changes(), ada(30)).await.unwrap(), Handled::NotFound);
    assert_eq!(store.acknowledge(1, changes(), ada(30)).await.unwrap(), Handled::Done);
    let file = file(&store, 1).await;
    assert_eq!(file.line.incident.owner.as_deref(), Some("ada"));
    let events: Vec<Vec<Event>> =
        file.deliveries.iter().map(|all| all.iter().map(|one| one.event).collect()).collect();
    assert_eq!(events, [vec![Event::Acknowledged], vec![]]);
    let last = file.entries.last().unwrap();
    assert_eq!((last.kind, last.by.as_deref(), last.at), (EntryKind::Acknowledged, Some("ada"), 30));
}

/// Scenario: an incident is given to somebody, gets a note, is resolved by hand while its alert fires, and a second
/// time; then its alert ends.
/// Guarantees: each is in the timeline with who did it; the second is refused; the alert escalates no more and its end
/// changes nothing.
#[tokio::test]
async fn hands_leave_traces() {
    let (_dir, store) = scene();
    let alert = page("orders", 5);
    fire(&store, &alert, 10).await;
    store.assign(1, Some("grace".to_owned()), ada(11)).await.unwrap();
    store.note(1, "the disk is full".to_owned(), ada(12)).await.unwrap();
    assert_eq!(store.resolve_incident(1, ada(13)).await.unwrap(), Handled::Done);
    assert!(matches!(store.resolve_incident(1, ada(14)).await.unwrap(), Handled::Illegal(_)));
    assert_eq!(store.attention().await.unwrap()[&alert.id], Attention::Given);
    end(&store, &alert, 20).await;
    let file = file(&store, 1).await;
    assert_eq!(file.line.incident.stage.resolved_at(), Some(13));
    assert_eq!(file.line.incident.owner.as_deref(), Some("grace"));
    let by_hand: Vec<_> =
        file.entries.iter().filter(|one| one.by.is_some()).map(|one| one.text.as_str()).collect();
    assert_eq!(by_hand, ["grace looks after it", "the disk is full", "somebody says that it is over"]);
    assert_eq!(store.incident_counts().await.unwrap(), (0, 0));
}

/// Scenario: an alert is moved to a new incident, to another one, and to one that is over; to itself, to none, and from
/// one where it is not.
/// Guarantees: it is where it was moved to, with the reason, and both timelines say so; an incident without alerts that
/// fire is over, and one that gains such an alert is open.
#[tokio::test]
async fn alerts_are_moved_by_hand() {
    let (_dir, store) = scene();
    let (orders, web) = (page("orders", 5), page("web", 6));
    fire(&store, &orders, 10).await;
    join(&store, &web, 1, 11).await;
    let moved =
        async |from, to, alert: &AlertRecord| store.move_alert((from, to), &alert.id, ada(20)).await.unwrap();
    assert_eq!(moved(1, None, &web).await, MovedAlert::Moved(2));
    let new = file(&store, 2).await;
    assert_eq!(new.line.incident.title, "web: web works");
    assert_eq!((new.line.members[0].reason.kind, new.line.incident.opened_at), (ReasonKind::Moved, 6));
    assert_eq!(file(&store, 1).await.line.incident.title, "orders: orders works");
    assert_eq!(kinds(&store, 1).await.last(), Some(&EntryKind::AlertMoved));

    assert_eq!(moved(1, Some(2), &orders).await, MovedAlert::Moved(2));
    assert_eq!(status(&store, 1).await, IncidentStatus::Resolved);
    assert_eq!(moved(2, Some(1), &web).await, MovedAlert::Moved(1));
    assert_eq!(status(&store, 1).await, IncidentStatus::Open);
    assert_eq!(moved(1, Some(1), &web).await, MovedAlert::Same);
    assert_eq!(moved(1, Some(7), &web).await, MovedAlert::NoTarget);
    assert_eq!(moved(2, Some(1), &web).await, MovedAlert::NotAMember);
    assert_eq!(moved(9, None, &web).await, MovedAlert::NotFound);
    assert_eq!(store.ground(30).await.unwrap().next, 3);
}

/// Scenario: reports about two alerts of an incident, that name nobody, and then services.
/// Guarantees: what a report says is in the timeline once; the service that the first alert's report names is where it
/// comes from, and what calls say does not change that.
#[tokio::test]
async fn reports_name_the_origin() {
    let (_dir, store) = scene();
    let (orders, web) = (page("orders", 5), page("web", 6));
    fire(&store, &orders, 10).await;
    join(&store, &web, 1, 11).await;
    let report = async |alert: &AlertRecord, headline: &str, suspect: Option<&str>, at| {
        store.reported(&alert.id, headline.to_owned(), suspect.map(str::to_owned), at).await.unwrap();
    };
    report(&orders, "no clear origin", None, 12).await;
    report(&orders, "no clear origin", None, 13).await;
    report(&orders, "orders-db broke first", Some("orders-db"), 14).await;
    report(&web, "mail broke first", Some("mail"), 15).await;
    let placings = vec![placing(&page("cart", 20), 1, ReasonKind::Calls)];
    let origins = BTreeMap::from([(1, "cart".to_owned())]);
    let placed = Placed { placings, origins, ..Placed::default() };
    store.commit_placed(vec![bare(&page("cart", 20))], placed, Vec::new(), 20).await.unwrap();
    let file = file(&store, 1).await;
    let origin = Origin { service: "orders-db".to_owned(), is_reported: true };
    assert_eq!(file.line.incident.origin, origin);
    assert_eq!(file.line.incident.title, "orders-db: seen by orders, orders works and 2 more");
    let of = |kind| file.entries.iter().filter(|one| one.kind == kind).count();
    assert_eq!((of(EntryKind::Report), of(EntryKind::Origin)), (3, 1));
}

/// Scenario: an alert fires while it is muted; later nothing mutes it.
/// Guarantees: it is in its incident, withheld; once it is released somebody has still to be told, from then on.
#[tokio::test]
async fn muted_alerts_have_their_place() {
    let (_dir, store) = scene();
    let alert = page("orders", 5);
    let mut muted = placing(&alert, 1, ReasonKind::Opened);
    muted.withheld = Some(Muted::Silence(3));
    store.commit_placed(vec![bare(&alert)], placed(vec![muted]), Vec::new(), 10).await.unwrap();
    assert_eq!(store.attention().await.unwrap()[&alert.id], Attention::Withheld);
    let membership = store.memberships(vec![alert.id.clone(), "none".to_owned()]).await.unwrap();
    assert_eq!(membership.len(), 1);
    assert_eq!(membership[&alert.id], Membership { incident: 1, withheld: Some(Muted::Silence(3)) });
    let released = Placed { released: vec![alert.id.clone()], ..Placed::default() };
    store.commit_placed(Vec::new(), released, Vec::new(), 50).await.unwrap();
    assert_eq!(store.attention().await.unwrap()[&alert.id], Attention::Wanted { since: 50 });
    use EntryKind::{AlertFired, Muted as Silenced, Opened, Unmuted};
    assert_eq!(kinds(&store, 1).await, [Opened, AlertFired, Silenced, Unmuted]);
}

/// Scenario: more incidents than a page has, of every status.
/// Guarantees: the newest come first, of the statuses asked for, from a number on; how many there are is counted.
#[tokio::test]
async fn incidents_are_listed() {
    let (_dir, store) = scene();
    for n in 1..=6 {
        fire(&store, &page(&format!("slo-{n}"), n), n).await;
    }
    store.acknowledge(2, Vec::new(), ada(10)).await.unwrap();
    store.resolve_incident(5, ada(10)).await.unwrap();
    let listed = async |statuses: &[IncidentStatus], before| {
        let filter = IncidentFilter { statuses: statuses.to_vec(), before, limit: 3 };
        let lines = store.incident_lines(filter).await.unwrap();
        lines.into_iter().map(|line| line.incident.number).collect::<Vec<_>>()
    };
    assert_eq!(listed(&IncidentStatus::ALL, None).await, [6, 5, 4]);
    assert_eq!(listed(&IncidentStatus::ALL, Some(4)).await, [3, 2, 1]);
    assert_eq!(listed(&[IncidentStatus::Open], None).await, [6, 4, 3]);
    assert_eq!(listed(&[IncidentStatus::Acknowledged, IncidentStatus::Resolved], None).await, [5, 2]);
    assert_eq!(store.incident_counts().await.unwrap(), (4, 1));
}
