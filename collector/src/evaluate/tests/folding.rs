//! Incidents, silences and inhibition, through the whole loop.

use super::*;
use alerts::{
    EntryKind, Escalation, Expired, Hand, Handled, IncidentFile, IncidentStatus, Matcher, ReasonKind,
    Silence, SilenceSpec,
};

fn at(second: i64) -> i64 {
    T0 + second * SECOND
}

fn slo_of_service(service: &str) -> Slo {
    let spec = SloSpec { id: service.to_owned(), service: service.to_owned(), ..slo().spec().clone() };
    Slo::new(spec).unwrap()
}

fn ada(second: i64) -> Hand {
    Hand { by: Some("ada".to_owned()), at: at(second) }
}

async fn file(board: &Board, number: u32) -> IncidentFile {
    board.incident(number).await.unwrap().unwrap()
}

async fn status(board: &Board, number: u32) -> IncidentStatus {
    file(board, number).await.line.incident.stage.status()
}

/// Receiver, event and second of what was enqueued about alerts of a severity.
async fn told(board: &Board, severity: Severity) -> Vec<(String, &'static str, i64)> {
    let alerts = board.alerts(20).await.unwrap();
    let of_severity = alerts.iter().filter(|(alert, _)| alert.severity == severity);
    let mut told: Vec<_> = of_severity
        .flat_map(|(_, all)| all)
        .map(|one| (one.receiver.clone(), one.event.name(), (one.created_at - T0) / SECOND))
        .collect();
    told.sort_unstable_by_key(|(_, _, second)| *second);
    told
}

/// Scenario: a service and the one that it calls fail in the same minute; the process is restarted; both recover, and
/// fail once more.
/// Guarantees: one incident under the service that is called, whose notifications name it; it is over when all is well,
/// and open again when they fail again soon.
#[tokio::test]
async fn a_cascade_is_one_incident() {
    let scene = Scene::new(Shop::with(&[(0, 9000)], (600, 660)));
    *scene.shop.calls.lock() = vec![("web".to_owned(), "orders".to_owned())];
    let slos = vec![slo_of_service("web"), slo_of_service("orders")];
    let (mut evaluation, board) = scene.open(slos.clone()).await;
    scene.evaluate(&mut evaluation, &board, 0, 640).await;
    let open = file(&board, 1).await;
    assert_eq!(open.line.incident.origin.service, "orders");
    let pages = open.line.members.iter().filter(|one| one.alert.severity == Severity::Page);
    let reasons: Vec<_> = pages.map(|one| (one.alert.service.as_str(), one.reason.kind)).collect();
    assert_eq!(reasons.len(), 2, "{open:?}");
    assert!(reasons.contains(&("web", ReasonKind::Calls)), "{reasons:?}");
    assert!(board.incident(2).await.unwrap().is_none());
    let page = open.line.members.iter().position(|one| one.alert.severity == Severity::Page).unwrap();
    let (_, body) = board.delivery(&open.deliveries[page][0].id).await.unwrap().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["firstfault"]["incident"]["number"], 1);
    assert_eq!(document["commonAnnotations"]["incident_url"], "http://127.0.0.1:4320/incidents/1");

    evaluation.store.clone().close().await.unwrap();
    let (mut evaluation, board) = scene.open(slos).await;
    scene.evaluate(&mut evaluation, &board, 640, 1800).await;
    assert_eq!(status(&board, 1).await, IncidentStatus::Resolved);
    *scene.shop.fault.lock() = (at(1900), at(1960));
    scene.evaluate(&mut evaluation, &board, 1800, 1960).await;
    assert_eq!(status(&board, 1).await, IncidentStatus::Open);
    assert!(file(&board, 1).await.line.incident.n_reopened >= 1);
    assert!(board.incident(2).await.unwrap().is_none());
}

/// Scenario: two services that have nothing to do with each other fail in the same minute.
/// Guarantees: each has an incident of its own.
#[tokio::test]
async fn strangers_have_incidents_of_their_own() {
    let scene = Scene::new(Shop::with(&[(0, 2000)], (600, 660)));
    let slos = vec![slo_of_service("web"), slo_of_service("mail")];
    let (mut evaluation, board) = scene.open(slos).await;
    scene.evaluate(&mut evaluation, &board, 0, 640).await;
    let mut origins = Vec::new();
    for number in [1, 2] {
        origins.push(file(&board, number).await.line.incident.origin.service);
    }
    origins.sort_unstable();
    assert_eq!(origins, ["mail", "web"]);
}

/// Scenario: a page and a ticket of one objective fire at once; the page ends long before the ticket.
/// Guarantees: both are in one incident; nobody is told of the ticket while the page fires, and then they are, once.
#[tokio::test]
async fn a_page_mutes_its_ticket() {
    let scene = Scene::new(Shop::with(&[(-200_000, 9000)], (600, 660)));
    let (mut evaluation, board) = scene.open(vec![slo()]).await;
    scene.evaluate(&mut evaluation, &board, 0, 700).await;
    assert_eq!(told(&board, Severity::Page).await, [("hook".to_owned(), "firing", 620)]);
    assert!(told(&board, Severity::Ticket).await.is_empty());
    let open = file(&board, 1).await;
    assert_eq!(open.line.members.len(), 2, "{open:?}");
    let ticket = open.line.members.iter().find(|one| one.alert.severity == Severity::Ticket).unwrap();
    assert!(ticket.withheld.is_some());
    scene.evaluate(&mut evaluation, &board, 700, 900).await;
    let page = told(&board, Severity::Page).await;
    let ended = page[1].2;
    assert_eq!(page[1], ("hook".to_owned(), "resolved", ended));
    assert!(board.slos()[0].ticket.is_open(), "its windows are longer");
    assert_eq!(told(&board, Severity::Ticket).await, [("hook".to_owned(), "firing", ended)]);
}

fn silence(until_second: i64) -> Silence {
    Silence::new(SilenceSpec {
        matchers: vec!["service=checkout".to_owned()],
        starts_at: T0,
        ends_at: Some(at(until_second)),
        recurrence: None,
        author: "ada".to_owned(),
        comment: "moving the database".to_owned(),
    })
    .unwrap()
}

/// Scenario: a service fails within a silence, and goes on failing when that is ended by hand, over a restart.
/// Guarantees: the incident opens and says what mutes it; nobody is told before the silence ends, then they are, once,
/// and escalation begins there.
#[tokio::test]
async fn a_silence_holds_back_until_it_ends() {
    let scene = Scene::new(Shop::with(&[(0, 9000)], (600, 3000)));
    let route = Route {
        matchers: vec![Matcher::parse("severity=page").unwrap()],
        receivers: Vec::new(),
        goes_on: false,
        escalation: Some(Escalation { after: Duration::from_secs(300), to: vec!["lead".to_owned()] }),
    };
    let settings = Settings { routes: vec![route], ..settings() };
    let receivers = ["hook", "lead"].map(|name| receiver_called(name, 9)).to_vec();
    let (mut evaluation, board) = scene.open_told(settings.clone(), vec![slo()], receivers.clone()).await;
    let kept = board.put_silence(silence(5000), T0).await.unwrap().unwrap();
    scene.evaluate(&mut evaluation, &board, 0, 1000).await;
    assert!(told(&board, Severity::Page).await.is_empty());
    let open = file(&board, 1).await;
    let muting = board.muting(at(990)).await.unwrap();
    assert_eq!(muting.silence_of(&open.line.members[0].alert), Some(kept.id));
    assert!(open.entries.iter().any(|one| one.kind == EntryKind::Muted && one.text.contains("silence 1")));
    assert_eq!(board.expire_silence(kept.id, ada(1000)).await.unwrap(), Expired::Done);
    evaluation.store.clone().close().await.unwrap();

    let (mut evaluation, board) = scene.open_told(settings, vec![slo()], receivers).await;
    scene.evaluate(&mut evaluation, &board, 1000, 1290).await;
    assert_eq!(told(&board, Severity::Page).await, [("hook".to_owned(), "firing", 1000)]);
    assert!(file(&board, 1).await.entries.iter().any(|one| one.kind == EntryKind::Unmuted));
    scene.evaluate(&mut evaluation, &board, 1290, 1400).await;
    assert_eq!(told(&board, Severity::Page).await[1], ("lead".to_owned(), "firing", 1300));
}

/// Scenario: an alert fires and escalates; then somebody acknowledges its incident, and does so again.
/// Guarantees: nobody further is told; a receiver that knows of acknowledging would be, and a webhook is not; the second
/// time is refused; the end is told all the same.
#[tokio::test]
async fn acknowledging_stops_escalation() {
    let scene = Scene::new(Shop::with(&[(0, 9000)], (600, 1200)));
    let to = ["lead", "head"].map(str::to_owned).to_vec();
    let route = Route {
        matchers: vec![Matcher::parse("severity=page").unwrap()],
        receivers: Vec::new(),
        goes_on: false,
        escalation: Some(Escalation { after: Duration::from_secs(100), to }),
    };
    let settings = Settings { routes: vec![route], ..settings() };
    let target = ReceiverUrl::parse("http://127.0.0.1:9/", true).unwrap();
    let receivers = vec![receiver(9), Receiver::new("lead", Kind::Slack(target)), receiver_called("head", 9)];
    let (mut evaluation, board) = scene.open_told(settings, vec![slo()], receivers).await;
    scene.evaluate(&mut evaluation, &board, 0, 760).await;
    assert_eq!(board.acknowledge(1, ada(760)).await.unwrap(), (Handled::Done, 1));
    assert!(matches!(board.acknowledge(1, ada(761)).await.unwrap(), (Handled::Illegal(_), 0)));
    assert_eq!(board.acknowledge(9, ada(761)).await.unwrap(), (Handled::NotFound, 0));
    scene.evaluate(&mut evaluation, &board, 760, 2500).await;
    let of_page = told(&board, Severity::Page).await;
    let events: Vec<_> = of_page.iter().map(|(name, event, _)| (name.as_str(), *event)).collect();
    assert_eq!(events[..3], [("hook", "firing"), ("lead", "firing"), ("lead", "acknowledged")]);
    assert!(events.iter().all(|(name, _)| *name != "head"), "{events:?}");
    assert!(events.contains(&("lead", "resolved")) && events.contains(&("hook", "resolved")));
}

/// Scenario: a file in which an alert fires that has no incident, as earlier programs left it.
/// Guarantees: the next start gives it one, and tells nobody again.
#[tokio::test]
async fn strays_are_adopted() {
    let scene = Scene::new(Shop::with(&[(0, 9000)], (600, 3000)));
    let path = scene.dir.path().join("state.sqlite");
    let store = Store::open(&path).unwrap();
    let firing_at = at(620);
    let alert = alerts::AlertRecord {
        id: alerts::occurrence_id("checkout", Severity::Page, firing_at),
        slo_id: "checkout".to_owned(),
        slo_name: "checkout".to_owned(),
        service: "checkout".to_owned(),
        severity: Severity::Page,
        phase: Phase::Firing { pending_at: firing_at, firing_at, quiet_since: None },
        pending_at: firing_at,
        summary: "it burns".to_owned(),
    };
    let change = Change { alert: alert.clone(), deliveries: Vec::new() };
    store.commit(vec![change], Vec::new(), firing_at).await.unwrap();
    store.close().await.unwrap();
    for _ in 0..2 {
        scene.now.store(at(640), Ordering::Relaxed);
        let (mut evaluation, board) = scene.open(vec![slo()]).await;
        scene.evaluate(&mut evaluation, &board, 640, 660).await;
        let file = file(&board, 1).await;
        assert_eq!(file.line.incident.opened_at, firing_at);
        assert_eq!(file.line.members[0].alert.id, alert.id);
        assert!(told(&board, Severity::Page).await.is_empty());
        evaluation.store.clone().close().await.unwrap();
    }
}
