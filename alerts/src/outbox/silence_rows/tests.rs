//! Silences in the file.

use super::*;

fn spec(author: &str, ends_at: Option<i64>) -> SilenceSpec {
    SilenceSpec {
        matchers: vec!["service=\"checkout\"".to_owned(), "severity=~page|ticket".to_owned()],
        starts_at: 10,
        ends_at,
        recurrence: None,
        author: author.to_owned(),
        comment: "why".to_owned(),
    }
}

async fn put(store: &Store, spec: SilenceSpec, now: i64) -> StoredSilence {
    store.put_silence(Silence::new(spec).unwrap(), now).await.unwrap().unwrap()
}

/// Scenario: a silence and a maintenance window are kept; the file is opened again; one is ended by hand, twice.
/// Guarantees: they come back as they were; who ended it and when stays; the second time is told as such, and so is an
/// id that nobody has.
#[tokio::test]
async fn silences_are_kept_and_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sqlite");
    let recurrence = RecurrenceSpec {
        days: vec!["sat".to_owned(), "sun".to_owned()],
        at: "22:00".to_owned(),
        duration: Duration::from_secs(7_200),
        zone: "Europe/Berlin".to_owned(),
    };
    let recurring = SilenceSpec { recurrence: Some(recurrence), ..spec("grace", None) };
    let store = Store::open(&path).unwrap();
    assert_eq!(put(&store, spec("ada", Some(100)), 5).await.id, 1);
    assert_eq!(put(&store, recurring.clone(), 6).await.id, 2);
    store.close().await.unwrap();
    let store = Store::open(&path).unwrap();
    let left = store.silences_left(50).await.unwrap();
    assert_eq!(
        left.iter().map(|one| one.silence.spec()).collect::<Vec<_>>(),
        [&spec("ada", Some(100)), &recurring]
    );
    let hand = |at| Hand { by: Some("ada".to_owned()), at };
    assert_eq!(store.expire_silence(1, hand(60)).await.unwrap(), Expired::Done);
    assert_eq!(store.expire_silence(1, hand(61)).await.unwrap(), Expired::Over);
    assert_eq!(store.expire_silence(7, hand(61)).await.unwrap(), Expired::NotFound);
    let all = store.silences(70, 10).await.unwrap();
    assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [2, 1], "what is over comes last");
    assert_eq!(all[1].expired, Some(Expiry { at: 60, by: Some("ada".to_owned()) }));
    assert_eq!((all[1].active_until(59), all[1].active_until(60)), (Some(100), None));
    store.prune(0, 200).await.unwrap();
    let ids: Vec<u32> = store.silences(300, 10).await.unwrap().iter().map(|one| one.id).collect();
    assert_eq!(ids, [2]);
    assert_eq!(put(&store, spec("ada", Some(400)), 300).await.id, 3);
}

/// Scenario: as many silences as are kept, then one more; then one of them is over.
/// Guarantees: it is refused until there is room.
#[tokio::test]
async fn silences_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
    for n in 0..i64::from(SILENCES_MAX) {
        put(&store, spec("ada", Some(100 + n)), 5).await;
    }
    let silence = || Silence::new(spec("ada", Some(1_000))).unwrap();
    assert!(store.put_silence(silence(), 99).await.unwrap().is_none());
    assert!(store.put_silence(silence(), 100).await.unwrap().is_some());
}
