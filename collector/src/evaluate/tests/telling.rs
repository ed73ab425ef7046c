//! Who is told later than others, of receivers that cannot be reached, and by hand.

use super::*;
use alerts::{Delivery, DeliveryFilter, DeliveryState, Escalation, Event, Matcher, Replayed};

/// Receiver, event and second of what was enqueued about the page.
async fn told_of_page(board: &Board) -> Vec<(String, &'static str, i64)> {
    let alerts = board.alerts(10).await.unwrap();
    let (_, deliveries) = alerts.iter().find(|(alert, _)| alert.severity == Severity::Page).unwrap();
    let told = |one: &Delivery| (one.receiver.clone(), one.event.name(), (one.created_at - T0) / SECOND);
    deliveries.iter().map(told).collect()
}

fn escalating() -> Settings {
    let to = ["lead", "head"].map(str::to_owned).to_vec();
    let route = Route {
        matchers: vec![Matcher::parse("severity=page").unwrap()],
        receivers: Vec::new(),
        goes_on: false,
        escalation: Some(Escalation { after: Duration::from_secs(100), to }),
    };
    Settings { routes: vec![route], ..settings() }
}

/// Scenario: a page fires on and on; two people come after the first receiver; the process is restarted in between;
/// then it ends.
/// Guarantees: each is told once, when the time has come, and all of them that it ended; tickets do not escalate.
#[tokio::test]
async fn what_goes_on_escalates() {
    let scene = Scene::new(Shop::with(&[(0, 4000)], (600, 900)));
    let receivers = ["hook", "lead", "head"].map(|name| receiver_called(name, 9)).to_vec();
    for (from_s, to_s) in [(0, 770), (770, 4000)] {
        let (mut evaluation, board) = scene.open_told(escalating(), vec![slo()], receivers.clone()).await;
        scene.evaluate(&mut evaluation, &board, from_s, to_s).await;
        evaluation.store.clone().close().await.unwrap();
    }
    let (_, board) = scene.open_told(escalating(), vec![slo()], receivers).await;
    let told = told_of_page(&board).await;
    let expected = [("hook", 620), ("lead", 720), ("head", 820)];
    for ((name, event, second), (expected_name, expected_second)) in told.iter().zip(expected) {
        assert_eq!((name.as_str(), *event, *second), (expected_name, "firing", expected_second));
    }
    let mut ended: Vec<_> = told[3..].iter().map(|(name, event, _)| (name.as_str(), *event)).collect();
    ended.sort_unstable();
    assert_eq!(ended, [("head", "resolved"), ("hook", "resolved"), ("lead", "resolved")]);
    let alerts = board.alerts(10).await.unwrap();
    let of_tickets = alerts.iter().filter(|(alert, _)| alert.severity == Severity::Ticket);
    assert!(of_tickets.flat_map(|(_, all)| all).all(|one| one.receiver == "hook"));
    let lead = alerts.iter().flat_map(|(_, all)| all).find(|one| one.receiver == "lead").unwrap();
    let (_, body) = board.delivery(&lead.id).await.unwrap().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["commonAnnotations"]["escalation"], "not resolved after 1.7 min");
}

/// Scenario: a page does not get through to its receiver, which has a fallback, and whose fallback has none.
/// Guarantees: the fallback is told after two minutes, once.
#[tokio::test]
async fn a_late_page_goes_to_the_fallback() {
    let scene = Scene::new(Shop::with(&[(0, 4000)], (600, 900)));
    let hook = Receiver { fallback: Some("pager".to_owned()), ..receiver(9) };
    let receivers = vec![hook, receiver_called("pager", 9)];
    let (mut evaluation, board) = scene.open_told(settings(), vec![slo()], receivers).await;
    scene.evaluate(&mut evaluation, &board, 0, 730).await;
    assert_eq!(told_of_page(&board).await, [("hook".to_owned(), "firing", 620)]);
    scene.evaluate(&mut evaluation, &board, 730, 850).await;
    let told = told_of_page(&board).await;
    assert_eq!(told[1..], [("pager".to_owned(), "firing", 740)]);
}

/// Answers every request with a status.
async fn answering(status: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_document(&mut stream).await;
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    port
}

async fn of_receiver(board: &Board, receiver: &str) -> Vec<Delivery> {
    let receiver = Some(receiver.to_owned());
    let filter = DeliveryFilter { receiver, state: None, from: 0, to: i64::MAX, limit: 100 };
    board.deliveries(filter).await.unwrap()
}

/// Scenario: a receiver answers that it is gone; evaluations go on.
/// Guarantees: it is not called any more, which the board shows; another receiver is told so, once.
#[tokio::test]
async fn others_hear_of_a_receiver_that_is_gone() {
    let port = answering("410 Gone").await;
    let scene = Scene::new(Shop::with(&[(0, 4000)], (600, 900)));
    let receivers = vec![receiver(port), receiver_called("mail", 9)];
    let (mut evaluation, board) = scene.open_told(settings(), vec![slo()], receivers).await;
    scene.evaluate(&mut evaluation, &board, 0, 640).await;
    assert_eq!(board.health("hook"), Some(Health::Well));
    evaluation.couriers["hook"].deliver_due().await.unwrap();
    assert!(matches!(board.health("hook"), Some(Health::Gone { .. })));
    scene.evaluate(&mut evaluation, &board, 640, 700).await;
    let [notice] = of_receiver(&board, "mail").await.try_into().unwrap();
    assert_eq!((notice.event, notice.is_test, notice.alert_id), (Event::Firing, false, None));
    let (_, body) = board.delivery(&notice.id).await.unwrap().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["commonLabels"]["alertname"], "ReceiverGone");
    assert_eq!(document["commonLabels"]["receiver"], "hook");
    assert_eq!(
        document["commonAnnotations"]["summary"],
        "Receiver hook gets no notifications any more: the receiver is gone (410) and is not called again"
    );
}

/// Scenario: nothing gets through to a receiver for more than a day; evaluations go on, also in another process.
/// Guarantees: another receiver is told so once.
#[tokio::test]
async fn others_hear_of_a_receiver_that_takes_nothing() {
    let port = answering("503 Service Unavailable").await;
    let scene = Scene::new(Shop::with(&[(0, 4000)], (600, 900)));
    let receivers = vec![receiver(port), receiver_called("mail", 9)];
    for n in 0..2 {
        let (mut evaluation, board) = scene.open_told(settings(), vec![slo()], receivers.clone()).await;
        if n == 0 {
            scene.evaluate(&mut evaluation, &board, 0, 640).await;
            evaluation.couriers["hook"].deliver_due().await.unwrap();
            evaluation.tell_more(T0 + 86_000 * SECOND).await;
            assert!(of_receiver(&board, "mail").await.is_empty());
        }
        for _ in 0..2 {
            evaluation.tell_more(T0 + 90_000 * SECOND).await;
            assert_eq!(of_receiver(&board, "mail").await.len(), 1);
        }
        evaluation.store.clone().close().await.unwrap();
    }
}

/// Scenario: a receiver is tested, and a dead letter of it is sent again by hand.
/// Guarantees: the test is sent at once and is in the ledger as one; the dead letter is due again; a receiver that
/// nobody configured cannot be tested.
#[tokio::test]
async fn tests_and_replays_by_hand() {
    let port = answering("204 No Content").await;
    let scene = Scene::new(Shop::with(&[(0, 4000)], (600, 900)));
    let (mut evaluation, board) = scene.open_told(settings(), vec![slo()], vec![receiver(port)]).await;
    let tried = board.test("hook", T0).await.unwrap().unwrap();
    assert!(tried.is_delivered, "{tried:?}");
    assert!(board.test("nobody", T0).await.unwrap().is_none());
    let [test] = of_receiver(&board, "hook").await.try_into().unwrap();
    assert_eq!((test.is_test, test.state, test.id), (true, DeliveryState::Delivered, tried.delivery_id));

    scene.evaluate(&mut evaluation, &board, 0, 640).await;
    let page = of_receiver(&board, "hook").await.remove(0);
    assert_eq!(board.replay(&page.id, T0).await.unwrap(), Replayed::Waiting);
    evaluation.couriers["hook"].deliver_due().await.unwrap();
    let queued = Replayed::Queued { receiver: "hook".to_owned() };
    assert_eq!(board.replay(&page.id, T0 + 700 * SECOND).await.unwrap(), queued);
    scene.now.store(T0 + 700 * SECOND, Ordering::Relaxed);
    evaluation.couriers["hook"].deliver_due().await.unwrap();
    let again = of_receiver(&board, "hook").await.into_iter().find(|one| one.id == page.id).unwrap();
    assert_eq!((again.state, again.attempts.len()), (DeliveryState::Delivered, 2));
}
