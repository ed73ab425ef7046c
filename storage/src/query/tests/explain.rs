//! What `EXPLAIN` and `EXPLAIN ANALYZE` say of segments, row groups and pages that were left alone.

use super::engines::{Data, Stored, hot};
use super::rows::{hex, log, span, trace_id};
use super::table;
use serde_json::json;

/// Spans and logs of three hours, a segment each.
async fn three_segments() -> Stored {
    let of_hour = |hour: i64| {
        let at = |n: u8| hour * 3_600_000 + i64::from(n);
        Data {
            spans: (1..=100)
                .map(|n| span(n, 1, None, "shop", "pay", "server", (at(n), at(n) + 1), json!({})))
                .collect(),
            logs: (1..=100).map(|n| log(at(n), &format!("s{hour}"), "info", "line", json!({}))).collect(),
            ..Data::default()
        }
    };
    let stored = hot(&of_hour(0)).await;
    stored.engine.flush().await.expect("flushes");
    for hour in 1..3 {
        stored.insert(&of_hour(hour)).await;
        stored.engine.flush().await.expect("flushes");
    }
    stored
}

/// Scenario: statements that need one of three segments by time; one by service, of which the segment's
/// statistics know; one trace.
/// Guarantees: `EXPLAIN ANALYZE` counts what was pruned at each step, and `EXPLAIN` names the files left.
#[tokio::test]
async fn explain_analyze_shows_what_was_pruned() {
    let stored = three_segments().await;
    let late = "start_time > TIMESTAMP '2025-11-25T01:30:00Z'";
    for (sql, shown) in [
        (
            format!("SELECT name FROM spans WHERE {late}"),
            "segments_pruned_by_time=3 total \u{2192} 1 matched",
        ),
        (
            format!("SELECT caller FROM edges WHERE {}", late.replace("start_time", "time")),
            "segments_pruned_by_time=3 total \u{2192} 1 matched",
        ),
        (
            format!("SELECT name FROM span_events WHERE span_{late}"),
            "segments_pruned_by_time=3 total \u{2192} 1 matched",
        ),
        (
            "SELECT body FROM logs WHERE service = 's1'".to_owned(),
            "row_groups_pruned_statistics=3 total \u{2192} 1 matched",
        ),
        (
            format!("SELECT name FROM spans WHERE trace_id = X'{}'", hex(&trace_id(7))),
            "segments_pruned_by_time=3 total \u{2192} 3 matched",
        ),
    ] {
        let analyzed = table(&stored.engine, &format!("EXPLAIN ANALYZE {sql}")).await;
        assert!(analyzed.contains(shown), "{sql}\n{analyzed}");
        assert!(analyzed.contains("pushdown_rows_pruned"), "{sql}\n{analyzed}");
    }
    let plan = super::plan(&stored.engine, &format!("SELECT name FROM spans WHERE {late}")).await;
    assert_eq!(plan.matches("segments/spans/").count(), 1, "{plan}");
    assert!(plan.contains("pruning_predicate=start_time_null_count"), "{plan}");
}

/// Scenario: five segments with traces of their own; conditions name one of them, two, one that is nowhere, or
/// hold without a trace.
/// Guarantees: segments without the named traces are not opened, and no span is lost.
#[tokio::test]
async fn a_trace_opens_only_its_segments() {
    let stored = hot(&Data::default()).await;
    for segment in 0..5 {
        let spans = (1..=50_u8).map(|n| {
            let n = segment * 50 + n;
            span(n, n, None, "shop", "pay", "server", (i64::from(n), i64::from(n) + 1), json!({}))
        });
        stored.insert(&Data { spans: spans.collect(), ..Data::default() }).await;
        stored.engine.flush().await.expect("flushes");
    }
    let is = |n: u8| format!("trace_id = X'{}'", hex(&trace_id(n)));
    for (condition, n_rows, n_left) in [
        (is(7), 1, Some(1)),
        (format!("{} AND service = 'shop'", is(207)), 1, Some(1)),
        (format!("{} OR {}", is(7), is(207)), 2, Some(2)),
        (format!("trace_id IN (X'{}', X'{}')", hex(&trace_id(8)), hex(&trace_id(9))), 2, Some(1)),
        (format!("{} AND {}", is(7), is(207)), 0, None),
        (format!("{} OR name = 'pay'", is(7)), 250, None),
        (format!("NOT ({})", is(7)), 249, None),
        (is(255), 0, Some(0)),
    ] {
        let found = table(&stored.engine, &format!("SELECT name FROM spans WHERE {condition}")).await;
        assert_eq!(found.matches("| pay").count(), n_rows, "{condition}\n{found}");
        let sql = format!("EXPLAIN ANALYZE SELECT name FROM spans WHERE {condition}");
        let analyzed = table(&stored.engine, &sql).await;
        match n_left {
            Some(0) => assert!(!analyzed.contains("segments/spans"), "{condition}\n{analyzed}"),
            Some(n) => {
                let shown = format!("segments_pruned_by_trace_ids=5 total \u{2192} {n} matched");
                assert!(analyzed.contains(&shown), "{condition}\n{analyzed}");
            }
            None => {}
        }
    }
}
