//! Incidents and silences over HTTP: what is shown, what is done, and what is refused.

use super::*;
use ::alerts::{
    AlertRecord, Change, Event, Kind, NewDelivery, Phase, Placed, Placement, Placing, ReasonKind, Receiver,
    ReceiverUrl, Severity, Store, event_id, occurrence_id,
};

fn alert(severity: Severity, at: i64) -> AlertRecord {
    AlertRecord {
        id: occurrence_id("cart-ok", severity, at),
        slo_id: "cart-ok".to_owned(),
        slo_name: "cart availability".to_owned(),
        service: "cart".to_owned(),
        severity,
        phase: Phase::Firing { pending_at: at, firing_at: at, quiet_since: None },
        pending_at: at,
        summary: "cart burns".to_owned(),
    }
}

fn told(alert: &AlertRecord) -> NewDelivery {
    NewDelivery {
        id: event_id(&alert.id, Event::Firing, "chat"),
        receiver: "chat".to_owned(),
        kind: "slack",
        event: Event::Firing,
        body: b"{}".to_vec(),
    }
}

/// A server with a page that fires since AT, of which a chat was told, in incident 1.
async fn burning() -> (Server, AlertRecord) {
    let target = ReceiverUrl::parse("https://chat.example.com/x", false).expect("an address");
    let receivers = vec![Receiver::new("chat", Kind::Slack(target))];
    let server = Server::open_telling(receivers, |_| ()).await;
    let store = Store::open(&server._dir.path().join("state.sqlite")).expect("opens");
    let page = alert(Severity::Page, AT);
    let placement = Placement { alert_id: page.id.clone(), incident: 1, reason: ReasonKind::Opened.into() };
    let placings = vec![Placing { placement, suspect: None, withheld: None }];
    let change = Change { alert: page.clone(), deliveries: vec![told(&page)] };
    let placed = Placed { placings, ..Placed::default() };
    store.commit_placed(vec![change], placed, Vec::new(), AT).await.expect("committed");
    store.close().await.expect("closed");
    (server, page)
}

async fn send(server: &Server, method: &str, path: &str, body: Value) -> Answer {
    let request = http::Request::builder().method(method).uri(path).header("host", "localhost:4320");
    let request = request.header("content-type", "application/json");
    server.send(request.body(Body::from(body.to_string())).expect("valid")).await
}

async fn post<T: DeserializeOwned>(server: &Server, path: &str, body: Value) -> T {
    let answer = send(server, "POST", path, body).await;
    assert!((200..300).contains(&answer.status), "{path}: {}", answer.text());
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{path}: {error}: {}", answer.text()))
}

/// Scenario: an incident is listed, opened, acknowledged with a note, given to somebody else, resolved by hand; its
/// post-mortem is read.
/// Guarantees: every answer is the documented type; the timeline has what was done, by whom, with the notifications
/// that it caused; the alert names its incident; the document is Markdown.
#[tokio::test]
async fn an_incident_is_worked_on() {
    let (server, page) = burning().await;
    let list: wire::IncidentList = server.read("/api/v1/incidents?status=open,acknowledged").await;
    assert_eq!((list.n_open, list.n_acknowledged, list.truncated), (1, 0, false));
    let row = &list.incidents[0];
    assert_eq!((row.number, row.severity.as_str(), row.origin.as_str()), (1, "page", "cart"));
    assert_eq!((row.n_alerts, row.n_firing, row.is_muted), (1, 1, false));
    let alerts: wire::AlertList = server.read("/api/v1/alerts").await;
    assert_eq!((alerts.alerts[0].incident, alerts.alerts[0].muted_by.clone()), (Some(1), None));

    let action = json!({"by": "ada", "note": "looking at the disk"});
    let changed: wire::IncidentChanged = post(&server, "/api/v1/incidents/1/acknowledge", action).await;
    assert_eq!((changed.incident.status, changed.n_notified), (wire::IncidentStatus::Acknowledged, 1));
    assert_eq!(changed.incident.owner.as_deref(), Some("ada"));
    let again = send(&server, "POST", "/api/v1/incidents/1/acknowledge", json!({})).await;
    assert_eq!((again.status, again.failure().1.as_str()), (409, "illegal_move"));
    let assigned: wire::IncidentChanged =
        post(&server, "/api/v1/incidents/1/assign", json!({"owner": "grace", "by": "ada"})).await;
    assert_eq!(assigned.incident.owner.as_deref(), Some("grace"));
    let _: wire::IncidentChanged =
        post(&server, "/api/v1/incidents/1/note", json!({"text": "it was full"})).await;
    let resolved: wire::IncidentChanged = post(&server, "/api/v1/incidents/1/resolve", json!({})).await;
    assert_eq!(resolved.incident.status, wire::IncidentStatus::Resolved);

    let detail: wire::IncidentDetail = server.read("/api/v1/incidents/1").await;
    assert_eq!(detail.alerts[0].alert.id, page.id);
    assert_eq!(detail.alerts[0].reason, wire::MembershipReason::Opened);
    assert!(detail.objectives[0].is_configured);
    let of = |kind: wire::TimelineKind| detail.timeline.iter().filter(move |entry| entry.kind == kind);
    let events: Vec<&str> = of(wire::TimelineKind::Notified)
        .filter_map(|entry| entry.delivery.as_ref())
        .map(|delivery| delivery.event.as_str())
        .collect();
    assert_eq!(events, ["firing", "acknowledged"]);
    let notes: Vec<_> =
        of(wire::TimelineKind::Note).map(|entry| (entry.text.as_str(), entry.by.as_deref())).collect();
    assert_eq!(notes, [("looking at the disk", Some("ada")), ("it was full", None)]);
    assert_eq!(of(wire::TimelineKind::Resolved).count(), 1);
    let list: wire::IncidentList = server.read("/api/v1/incidents?status=open").await;
    assert!(list.incidents.is_empty());

    let document = server.get("/api/v1/incidents/1/postmortem").await;
    assert_eq!(document.headers["content-type"], "text/markdown; charset=utf-8");
    assert!(document.text().starts_with("# Incident 1: cart: cart availability\n"), "{}", document.text());
}

/// Scenario: an alert is moved to a new incident, and back.
/// Guarantees: both incidents are answered; numbers go on.
#[tokio::test]
async fn alerts_are_moved() {
    let (server, page) = burning().await;
    let path = format!("/api/v1/incidents/1/alerts/{}/move", page.id);
    let moved: wire::AlertMoved = post(&server, &path, json!({"by": "ada"})).await;
    assert_eq!((moved.from.number, moved.from.n_alerts, moved.to.number, moved.to.n_alerts), (1, 0, 2, 1));
    assert_eq!(moved.from.status, wire::IncidentStatus::Resolved);
    assert_eq!(send(&server, "POST", &path, json!({})).await.failure().0, 404, "it is elsewhere");
    let path = format!("/api/v1/incidents/2/alerts/{}/move", page.id);
    assert_eq!(send(&server, "POST", &path, json!({"to": 2})).await.failure().1, "illegal_move");
    assert_eq!(send(&server, "POST", &path, json!({"to": 9})).await.failure().0, 400);
    let back: wire::AlertMoved = post(&server, &path, json!({"to": 1})).await;
    assert_eq!((back.to.status, back.to.n_reopened), (wire::IncidentStatus::Open, 1));
}

/// Scenario: a silence is tried, set, listed, and ended twice; a maintenance window that recurs.
/// Guarantees: the preview names the alert and the objective; the alert is shown as muted by it while it lasts, and the
/// incident too; an end is final.
#[tokio::test]
async fn silences_are_set_and_ended() {
    let (server, page) = burning().await;
    let wish = json!({"matchers": ["service=\"cart\"", "severity=page"], "duration": "2h"});
    let preview: wire::SilencePreview = post(&server, "/api/v1/silences/preview", wish.clone()).await;
    assert!(preview.is_active_now);
    let found: Vec<_> = preview.alerts.iter().map(|one| (one.id.as_str(), one.incident)).collect();
    assert_eq!(found, [(page.id.as_str(), Some(1))]);
    assert_eq!(preview.objectives[0].severities, ["page"]);

    let mut whole = wish.clone();
    whole["author"] = json!("ada");
    whole["comment"] = json!("moving the disk");
    let answer = send(&server, "POST", "/api/v1/silences", whole).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let row: wire::SilenceRow = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((row.id, row.state, row.n_muted), (1, wire::SilenceState::Active, 1));
    let alerts: wire::AlertList = server.read("/api/v1/alerts").await;
    let muted_by = wire::MutedBy { silence: Some(1), alert_id: None };
    assert_eq!(alerts.alerts[0].muted_by, Some(muted_by));
    let list: wire::IncidentList = server.read("/api/v1/incidents").await;
    assert!(list.incidents[0].is_muted);

    assert_eq!(send(&server, "DELETE", "/api/v1/silences/1", json!({})).await.status, 204);
    assert_eq!(send(&server, "DELETE", "/api/v1/silences/1", json!({})).await.failure().1, "illegal_move");
    assert_eq!(send(&server, "DELETE", "/api/v1/silences/7", json!({})).await.failure().0, 404);
    let recurrence = json!({"days": ["sat"], "at": "22:00", "duration": "4h", "time_zone": "Europe/Berlin"});
    let window = json!({"matchers": ["service=cart"], "recurrence": recurrence, "author": "ada", "comment": "updates"});
    let row: wire::SilenceRow = post(&server, "/api/v1/silences", window).await;
    let shown = row.recurrence.expect("it recurs");
    assert_eq!((shown.at.as_str(), shown.duration.as_str(), row.ends_at), ("22:00", "4h", None));
    let list: wire::SilenceList = server.read("/api/v1/silences").await;
    assert_eq!(list.silences.iter().map(|one| one.id).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(list.silences[1].state, wire::SilenceState::Expired);
}

/// Scenario: requests that are wrong in one way each, from other pages too.
/// Guarantees: each is refused with its own status and code, and changes nothing.
#[tokio::test]
async fn bad_hands_are_refused() {
    let (server, page) = burning().await;
    let silence = |matchers: Value, more: Value| {
        let mut body = json!({"matchers": matchers, "duration": "1h", "author": "ada", "comment": "why"});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        body
    };
    for (path, body, words) in [
        ("/api/v1/incidents/1/note", json!({"text": " "}), "text is empty"),
        ("/api/v1/incidents/1/note", json!({"txt": "a"}), "unknown field"),
        ("/api/v1/incidents/1/assign", json!({"owner": "a\nb"}), "control characters"),
        ("/api/v1/incidents/1/acknowledge", json!({"by": "a".repeat(201)}), "longer than 200"),
        ("/api/v1/silences", silence(json!([]), json!({})), "no matchers"),
        ("/api/v1/silences", silence(json!(["a=~.*"]), json!({})), "mute everything"),
        ("/api/v1/silences", silence(json!(["a~b"]), json!({})), "a matcher is a label"),
        ("/api/v1/silences", silence(json!(["a=b"]), json!({"ends": "now"})), "both given"),
        ("/api/v1/silences", silence(json!(["a=b"]), json!({"duration": "soon"})), "is not a duration"),
        ("/api/v1/silences", silence(json!(["a=b"]), json!({"author": ""})), "author is missing"),
        ("/api/v1/silences", silence(json!(["a=b"]), json!({"starts": "now-2h"})), "over already"),
    ] {
        let answer = send(&server, "POST", path, body.clone()).await;
        assert_eq!((answer.status, answer.failure().1.as_str()), (400, "bad_request"), "{path} {body}");
        assert!(answer.text().contains(words), "{words}: {}", answer.text());
    }
    for path in ["/api/v1/incidents/9/acknowledge", "/api/v1/incidents/9/resolve"] {
        assert_eq!(send(&server, "POST", path, json!({})).await.failure().0, 404);
    }
    for path in ["/api/v1/incidents/9", "/api/v1/incidents/9/postmortem"] {
        assert_eq!(server.get(path).await.failure().0, 404);
    }
    for path in ["/api/v1/incidents?status=lost", "/api/v1/incidents?limit=201", "/api/v1/incidents/one"] {
        assert_eq!(server.get(path).await.failure().0, 400, "{path}");
    }
    let move_path = format!("/api/v1/incidents/1/alerts/{}/move", page.id);
    for path in [
        "/api/v1/incidents/1/acknowledge",
        "/api/v1/silences",
        "/api/v1/silences/preview",
        move_path.as_str(),
    ] {
        let request = || http::Request::post(path).header("host", "localhost:4320");
        let foreign =
            request().header("content-type", "application/json").header("origin", "http://localhost:3000");
        let foreign = server.send(foreign.body(Body::from("{}")).expect("valid")).await;
        assert_eq!(foreign.failure().1, "origin_not_allowed", "{path}");
        let form = server.send(request().body(Body::empty()).expect("valid")).await;
        assert_eq!(form.failure().1, "unsupported_media_type", "{path}");
    }
    let list: wire::IncidentList = server.read("/api/v1/incidents").await;
    assert_eq!((list.n_open, list.incidents[0].owner.clone()), (1, None));
}
