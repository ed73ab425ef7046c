//! Search for words in logs of several segments.

use super::engines::{Data, Stored, hot};
use super::logs::search;
use super::rows::{log, millis};
use super::{query, table};
use crate::query::LogSearch;
use serde_json::json;

/// Eight segments of a hundred records; each record has an id of its own, each segment a word of its own.
async fn eight_segments() -> Stored {
    let stored = hot(&Data::default()).await;
    for n in 0..8 {
        let logs = (0..100).map(|id| {
            let body = format!(
                "order_id={} not found: Upstream{n} said caf\u{e9}{n}, connection lost",
                n * 100 + id
            );
            log(i64::from(n * 100 + id), "shop", "info", &body, json!({}))
        });
        stored.insert(&Data { logs: logs.collect(), ..Data::default() }).await;
        stored.engine.flush().await.expect("flushes");
    }
    stored
}

/// Scenario: conditions that demand words of one segment, of two, of none; that demand no whole word; that may
/// hold without the word.
/// Guarantees: the row groups that lack the words are not read, the others are, and no match is lost.
#[tokio::test]
async fn row_groups_without_the_word_are_spared() {
    let stored = eight_segments().await;
    for (condition, n_matched, n_read) in [
        ("has_word(body, 'upstream3')", 100, Some(1)),
        ("has_word(body, 'UPSTREAM3') OR has_word(body, 'upstream5')", 200, Some(2)),
        ("has_word(body, 'upstream3') AND has_word(body, 'upstream5')", 0, Some(0)),
        ("has_word(body, 'order_id=250 not found')", 1, None),
        ("has_word(body, 'caf\u{c9}2')", 100, Some(1)),
        ("has_word(body, 'nothing')", 0, Some(0)),
        ("body ILIKE '% upstream3 said %'", 100, Some(1)),
        ("body LIKE '% upstream3 said %'", 0, Some(1)),
        ("body LIKE '%stream3 sa%'", 100, None),
        ("body ~ 'not found: Upstream(3|5) said'", 200, None),
        ("body ~ 'not found: (Upstream3|Upstream5) said'", 200, None),
        ("body ~ ' Upstream3 | Upstream5 '", 200, Some(2)),
        (r"body ~* '\bupstream3\b'", 100, Some(1)),
        ("body ~ 'Upstream3'", 100, None),
        ("NOT has_word(body, 'upstream3')", 700, None),
        ("NOT (body LIKE '% Upstream3 %')", 700, None),
        ("has_word(body, 'upstream3') OR service = 'shop'", 800, None),
        ("has_word(service, 'nothing')", 0, None),
        ("body = 'nothing like it'", 0, Some(0)),
    ] {
        let n = table(&stored.engine, &format!("SELECT count(*) AS n FROM logs WHERE {condition}")).await;
        assert!(n.contains(&format!("| {n_matched} ")), "{condition}\n{n}");
        let analyzed =
            table(&stored.engine, &format!("EXPLAIN ANALYZE SELECT body FROM logs WHERE {condition}")).await;
        match n_read {
            Some(0) => assert!(!analyzed.contains("segments/logs"), "{condition}\n{analyzed}"),
            Some(n) => {
                let shown = format!("row_groups_pruned_by_words=8 total \u{2192} {n} matched");
                assert!(analyzed.contains(&shown), "{condition}\n{analyzed}");
                assert_eq!(analyzed.matches("segments/logs").count(), n, "{condition}\n{analyzed}");
            }
            None => assert!(analyzed.contains("segments/logs"), "{condition}\n{analyzed}"),
        }
    }
}

/// Scenario: a search for words while segments are merged, and after.
/// Guarantees: the merged segment knows its words, and the answers stay.
#[tokio::test]
async fn merged_segments_know_their_words() {
    let stored = eight_segments().await;
    let words = vec!["upstream3".to_owned(), "lost".to_owned()];
    let search = LogSearch { words, limit: 1_000, ..search() };
    assert_eq!(stored.engine.search_logs(&search).await.expect("searches").n_matched, 100);
    assert!(stored.engine.compact(millis(0)).await.expect("merges") > 0);
    let hits = stored.engine.search_logs(&search).await.expect("searches");
    assert_eq!((hits.n_matched, hits.rows.iter().map(|batch| batch.num_rows()).sum::<usize>()), (100, 100));
    let none = query(&stored.engine, "EXPLAIN SELECT body FROM logs WHERE has_word(body, 'upstream9')").await;
    let text = arrow::util::pretty::pretty_format_batches(&none.expect("plans")).expect("shows").to_string();
    assert!(!text.contains("segments/logs"), "{text}");
}
