//! Objectives that come over the API while the loop runs.

use super::*;
use crate::definition::Definition;
use alerts::Creation;
use serde_json::{Value, json};

/// As `slo`, as it comes over the API.
fn definition(changes: Value) -> Definition {
    let mut keys = json!({
        "id": "kept", "service": "checkout", "indicator": "availability", "target": 99.9, "period": "1d",
        "receivers": ["hook"], "keep_firing": "30s",
    });
    for (key, value) in changes.as_object().unwrap() {
        keys[key] = value.clone();
    }
    match keys {
        Value::Object(keys) => Definition::Keys(keys),
        other => panic!("{other}"),
    }
}

/// What the API has of an objective: what it is, and its phase.
fn shown(board: &Board, id: &str) -> Option<(String, &'static str)> {
    board.slo(id).map(|status| (status.slo.sentence(), status.page.name()))
}

async fn replace(board: &Board, changes: Value, counts_the_same: bool, now_s: i64) {
    let before = board.objectives().one("kept").await.unwrap().unwrap();
    let (changed, now) = (definition(changes), T0 + now_s * SECOND);
    assert!(board.objectives().replace(&before, &changed, counts_the_same, now).await.unwrap());
}

/// The phases and notifications of all pages of an objective, oldest first.
async fn pages(board: &Board, id: &str) -> Vec<(&'static str, usize)> {
    let mut alerts = board.alerts_of(id, 10).await.unwrap();
    alerts.sort_by_key(|(alert, _)| alert.pending_at);
    let pages = alerts.iter().filter(|(alert, _)| alert.severity == Severity::Page);
    pages.map(|(alert, deliveries)| (alert.phase.name(), deliveries.len())).collect()
}

/// Scenario: an objective is created while the loop runs and its service fails; it is forgotten while it fires.
/// Guarantees: the next evaluation judges it on what is stored already, as it would one of the configuration, which
/// stays as it was; its alert ends when it is forgotten, and its receiver is told.
#[tokio::test]
async fn objectives_come_and_go() {
    let scene = Scene::new(Shop::with(&[(0, 3000)], (600, 3000)));
    let (mut evaluation, board) = scene.open(vec![slo()]).await;
    scene.evaluate(&mut evaluation, &board, 0, 500).await;
    let created = board.objectives().create("kept", &definition(json!({})), T0 + 500 * SECOND).await;
    assert_eq!(created.unwrap(), Creation::Created);
    assert!(shown(&board, "kept").is_none());
    scene.evaluate(&mut evaluation, &board, 500, 510).await;
    let status = board.slo("kept").unwrap();
    assert_eq!((status.is_configured, status.page.name()), (false, "inactive"));
    assert_eq!(status.judged.unwrap().1.period, board.slo("checkout").unwrap().judged.unwrap().1.period);
    scene.evaluate(&mut evaluation, &board, 510, 650).await;
    assert_eq!(
        (pages(&board, "kept").await, pages(&board, "checkout").await),
        (vec![("firing", 1)], vec![("firing", 1)])
    );

    assert!(board.objectives().forget("kept").await.unwrap());
    assert!(!board.objectives().forget("kept").await.unwrap());
    scene.evaluate(&mut evaluation, &board, 650, 700).await;
    assert!(shown(&board, "kept").is_none());
    assert_eq!(
        (pages(&board, "kept").await, pages(&board, "checkout").await),
        (vec![("resolved", 2)], vec![("firing", 1)])
    );
}

/// Scenario: an objective that fires is given another name, then made to count another operation; then the process is
/// restarted.
/// Guarantees: the first change goes on with the alert; the second ends it, and what it counts now begins anew with an
/// alert of its own; the restart changes nothing.
#[tokio::test]
async fn changes_restart_what_they_change() {
    let scene = Scene::new(Shop::with(&[(0, 9000)], (600, 9000)));
    let (mut evaluation, board) = scene.open(Vec::new()).await;
    let created = board.objectives().create("kept", &definition(json!({})), T0).await;
    assert_eq!(created.unwrap(), Creation::Created);
    for second in (0..650).step_by(10) {
        scene.now.store(T0 + second * SECOND, Ordering::Relaxed);
        evaluation.evaluate().await;
    }
    assert_eq!(pages(&board, "kept").await, [("firing", 1)]);

    replace(&board, json!({ "name": "Kept" }), true, 650).await;
    scene.evaluate(&mut evaluation, &board, 660, 670).await;
    assert_eq!(board.slo("kept").unwrap().slo.name(), "Kept");
    assert_eq!(pages(&board, "kept").await, [("firing", 1)]);

    replace(&board, json!({ "operation": "POST /pay" }), false, 680).await;
    scene.evaluate(&mut evaluation, &board, 690, 700).await;
    assert_eq!(pages(&board, "kept").await, [("resolved", 2), ("firing", 1)]);
    assert_eq!(
        shown(&board, "kept"),
        Some(("99.9 % of checkout POST /pay requests succeed over 1 d".to_owned(), "firing"))
    );
    evaluation.store.clone().close().await.unwrap();

    let (mut evaluation, board) = scene.open(Vec::new()).await;
    assert_eq!(shown(&board, "kept").map(|(_, phase)| phase), Some("firing"));
    scene.evaluate(&mut evaluation, &board, 700, 710).await;
    assert_eq!(pages(&board, "kept").await, [("resolved", 2), ("firing", 1)]);
}

/// Scenario: an objective is changed and the process ends before the loop takes that up; another is then found in the
/// configuration, and one names a receiver that is gone.
/// Guarantees: the start does what was left to do; the configuration wins while it has an id; objectives stand without
/// their receivers.
#[tokio::test]
async fn starts_do_what_was_left() {
    let scene = Scene::new(Shop::with(&[(0, 9000)], (600, 9000)));
    let (mut evaluation, board) = scene.open(Vec::new()).await;
    for (id, changes) in [("kept", json!({})), ("checkout", json!({ "id": "checkout", "target": 95 }))] {
        let created = board.objectives().create(id, &definition(changes), T0).await;
        assert_eq!(created.unwrap(), Creation::Created);
    }
    for second in (0..650).step_by(10) {
        scene.now.store(T0 + second * SECOND, Ordering::Relaxed);
        evaluation.evaluate().await;
    }
    replace(&board, json!({ "operation": "POST /pay" }), false, 650).await;
    evaluation.store.clone().close().await.unwrap();

    scene.now.store(T0 + 660 * SECOND, Ordering::Relaxed);
    let (evaluation, board) = scene.open_told(settings(), vec![slo()], Vec::new()).await;
    assert_eq!(pages(&board, "kept").await[0].0, "resolved");
    let ids: Vec<_> =
        board.slos().iter().map(|status| (status.slo.id().to_owned(), status.is_configured)).collect();
    assert_eq!(ids, [("checkout".to_owned(), true), ("kept".to_owned(), false)]);
    assert!(board.slo("kept").unwrap().slo.spec().receivers.is_empty());
    assert!(board.objectives().is_configured("checkout") && !board.objectives().is_configured("kept"));
    assert!(board.objectives().one("checkout").await.unwrap().is_some());
    evaluation.store.clone().close().await.unwrap();

    let (_, board) = scene.open(Vec::new()).await;
    assert_eq!(board.slo("checkout").unwrap().slo.target().percent_decimal(), "95");
    assert_eq!(board.slo("kept").unwrap().slo.spec().receivers, ["hook"]);
}

/// Scenario: the loop runs by itself, evaluating once an hour, and an objective is created.
/// Guarantees: it is taken up at once, and who waited for that finds it.
#[tokio::test]
async fn who_changes_something_is_heard_at_once() {
    let scene = Scene::new(Shop::with(&[(-3600, 3000)], (0, 0)));
    let settings = Settings { interval: Duration::from_secs(3600), ..settings() };
    let (evaluation, board) = scene.open_with(settings, vec![slo()]).await;
    let (beats, mut beaten) = tokio::sync::mpsc::unbounded_channel();
    // At the end nobody listens any more.
    let beat = move || beats.send(()).unwrap_or_default();
    let cancel = CancellationToken::new();
    let running = tokio::spawn(evaluation.run(beat, cancel.clone()));
    beaten.recv().await.unwrap();
    board.objectives().create("kept", &definition(json!({})), T0).await.unwrap();
    board.objectives().taken_up().await;
    assert!(board.slo("kept").is_some());
    beaten.recv().await.unwrap();
    assert!(board.slo("kept").unwrap().judged.is_some());
    cancel.cancel();
    running.await.unwrap();
}
