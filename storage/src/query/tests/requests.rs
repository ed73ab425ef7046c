//! Requests of a comparison: the sides are what they say, the rest is what is left, and traces are whole.

use super::engines::{Data, everywhere};
use super::rows::{millis, span, trace_id};
use crate::query::{RequestCounts, RequestsQuery, SpanFilter, TimeRange};
use arrow::array::RecordBatch;
use serde_json::json;

const N_TRACES: u8 = 100;

/// A trace a second: a request, of which every tenth fails and every fourth is of a new version, and a call below it.
fn data() -> Data {
    let mut data = Data::default();
    for n in 0..N_TRACES {
        let at = i64::from(n) * 1_000;
        let version = if n % 4 == 0 { json!("2.0") } else { json!(null) };
        let more = json!({
            "is_error": n % 10 == 0, "service_version": version, "attributes": { "tenant": if n % 2 == 0 { "a" } else { "b" } },
        });
        let long = if n % 10 == 0 { 500 } else { 50 };
        data.spans.push(span(n, 1, None, "web", "GET /", "server", (at, at + long), more));
        data.spans.push(span(n, 2, Some(1), "web", "call", "client", (at + 10, at + 40), json!({})));
    }
    data
}

fn of_web() -> SpanFilter {
    SpanFilter { service: Some("web".to_owned()), entry_only: true, ..SpanFilter::default() }
}

fn range(from_s: i64, to_s: i64) -> TimeRange {
    TimeRange { from: millis(from_s * 1_000), to: millis(to_s * 1_000) }
}

fn n_rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// Scenario: the failed ones, the new version, one tenant and a box of time and duration, and in each case the rest.
/// Guarantees: both sides together are all requests of the time, also where a value is absent, and rows are as many as
/// were counted, with attributes.
#[tokio::test]
async fn a_side_and_the_rest_are_everything() {
    let chosen = [
        (range(0, 100), SpanFilter { is_error: Some(true), ..of_web() }, 10),
        (range(0, 100), SpanFilter { version: Some("2.0".to_owned()), ..of_web() }, 25),
        (
            range(0, 100),
            SpanFilter { attributes: vec![("tenant".to_owned(), "a".to_owned())], ..of_web() },
            50,
        ),
        (range(20, 60), SpanFilter { duration_ns_min: Some(400_000_000), ..of_web() }, 4),
    ];
    for stored in everywhere(&data()).await {
        for (time, filter, n) in &chosen {
            let side = RequestsQuery { range: *time, filter: filter.clone(), without: None };
            let counts = stored.engine.count_requests(&side).await.expect("counts");
            assert_eq!(counts.n, *n, "{}: {filter:?}", stored.place);
            let rest = RequestsQuery {
                range: range(0, 100),
                filter: of_web(),
                without: Some((*time, filter.clone())),
            };
            let of_rest = stored.engine.count_requests(&rest).await.expect("counts");
            assert_eq!(of_rest.n, 100 - n, "{}: {filter:?}", stored.place);
            assert_eq!(of_rest.n_errors + counts.n_errors, 10, "{}: {filter:?}", stored.place);
            let rows = stored.engine.requests(&side, 1, 1_000).await.expect("rows");
            assert_eq!((n_rows(&rows.spans) as u64, rows.is_cut), (*n, false), "{}", stored.place);
            assert!(rows.spans.iter().all(|batch| batch.column_by_name("attributes").is_some()));
        }
    }
}

/// Scenario: one request in four, fewer rows than there are, and traces by their ids with and without a time.
/// Guarantees: samples and cuts are smaller and cuts say so; traces are whole; one that is not near the time is not read.
#[tokio::test]
async fn bounds_hold_and_traces_are_whole() {
    for stored in everywhere(&data()).await {
        let all = RequestsQuery { range: range(0, 100), filter: of_web(), without: None };
        let expected = RequestCounts { n: 100, n_errors: 10 };
        assert_eq!(stored.engine.count_requests(&all).await.expect("counts"), expected);
        let sampled = stored.engine.requests(&all, 4, 1_000).await.expect("rows");
        assert!((5..60).contains(&n_rows(&sampled.spans)), "{}", stored.place);
        let cut = stored.engine.requests(&all, 1, 30).await.expect("rows");
        assert_eq!((n_rows(&cut.spans), cut.is_cut), (30, true), "{}", stored.place);
        let ids = [trace_id(3), trace_id(77), trace_id(200)];
        for time in [None, Some(range(0, 10))] {
            let rows = stored.engine.spans_of_traces(&ids, time, 1_000).await.expect("rows");
            assert_eq!((n_rows(&rows.spans), rows.is_cut), (4, false), "{} {time:?}", stored.place);
        }
        let far = Some(range(90_000, 90_010));
        assert_eq!(n_rows(&stored.engine.spans_of_traces(&ids, far, 9).await.expect("rows").spans), 0);
        assert_eq!(n_rows(&stored.engine.spans_of_traces(&[], None, 9).await.expect("rows").spans), 0);
    }
}
