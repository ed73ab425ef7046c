//! Tests of conversions that do more than copy.

use super::red::figures;
use super::services::red_points;
use super::*;
use arrow::array::RecordBatch;
use serde_json::json;
use storage::RedTotals;

const STEP: Duration = Duration::from_secs(10);
const SECOND_NS: i64 = 1_000_000_000;

/// Scenario: a range that starts and ends within steps, data in two of four of them.
/// Guarantees: one point a step from the step that holds the start, empty ones included, in order.
#[test]
fn points_cover_the_whole_range() {
    let range = TimeRange { from: 15 * SECOND_NS, to: 45 * SECOND_NS };
    let totals = |n| RedTotals { n, n_adjusted_q16: n << 16, p50_ns: Some(5), ..RedTotals::default() };
    let points = red_points(&[(20 * SECOND_NS, totals(2)), (40 * SECOND_NS, totals(4))], range, STEP);
    let shown: Vec<_> =
        points.iter().map(|point| (point.at.0 / SECOND_NS, point.n_requests, point.p50_ns)).collect();
    assert_eq!(shown, [(10, 0, None), (20, 2, Some(5)), (30, 0, None), (40, 4, Some(5))]);
    assert!(points.iter().all(|point| point.estimate.is_none()));
    let counts = RedTotals { n_errors: 7, n_errors_adjusted_q16: 7 << 16, ..totals(70) };
    let total = figures(&counts, range.whole_buckets());
    assert_eq!((total.rate_per_s, total.error_ratio, total.estimate), (2.0, Some(0.1), None));
    assert_eq!(figures(&RedTotals::default(), range).error_ratio, None);
}

/// Scenario: ranges at the ends of time.
/// Guarantees: the steps end, and nothing overflows.
#[test]
fn steps_end() {
    let range = TimeRange { from: i64::MAX - 25 * SECOND_NS, to: i64::MAX };
    assert!(steps(range, STEP).count() <= 4);
    let range = TimeRange { from: i64::MIN, to: i64::MIN + 25 * SECOND_NS };
    assert!(steps(range, STEP).count() <= 4);
}

/// Rows of spans as a client would send them.
fn batch(spans: serde_json::Value) -> RecordBatch {
    let service = json!({"key": "service.name", "value": {"stringValue": "cart"}});
    let request =
        json!({"resourceSpans": [{"resource": {"attributes": [service]}, "scopeSpans": [{"spans": spans}]}]});
    let record = storage::WalRecord {
        signal: storage::Signal::Traces,
        encoding: crate::decode::Encoding::Json.code(),
        received_at: 0,
        payload: request.to_string().into(),
    };
    crate::replay::rows(record).expect("valid").batch().clone()
}

fn span(id: u8, parent: u8, start: i64, end: i64) -> serde_json::Value {
    let parent = if parent == 0 { String::new() } else { format!("{parent:016x}") };
    json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": format!("{id:016x}"), "parentSpanId": parent,
        "name": format!("s{id}"), "kind": 2, "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string(),
    })
}

/// Scenario: a root with one child, a span whose parent never came, and more spans than one answer takes.
/// Guarantees: path offsets count from the trace's start, parts add up to the path, orphans and the cut are told.
#[test]
fn trace_page_adds_up() {
    let spans = json!([span(1, 0, 100, 200), span(2, 1, 120, 180), span(3, 9, 130, 250)]);
    let batches = [batch(spans)];
    let trace_id = [0x5b; 16];
    let page = |n_spans_max| {
        let spans = TraceSpans::of(&batches, n_spans_max).expect("reads");
        let (root, path) =
            (::triage::path_roots(&spans.path_spans)[0], ::triage::critical_path(&spans.path_spans));
        trace(trace_id, spans, Some(root), &path)
    };
    let whole = page(10);
    assert_eq!((whole.started_at.0, whole.duration_ns), (100, 150));
    assert_eq!((whole.root_operation.as_str(), whole.n_orphans, whole.truncated), ("s1", 1, false));
    let sections: Vec<_> =
        whole.critical_path.iter().map(|s| (s.span_id.as_str(), s.from_ns, s.to_ns)).collect();
    let (one, two) = ("0000000000000001", "0000000000000002");
    assert_eq!(sections, [(one, 0, 20), (two, 20, 80), (one, 80, 100)]);
    let parts: i64 = whole.path_by_service.iter().map(|part| part.duration_ns).sum();
    assert_eq!(parts, 100);
    let cut = page(2);
    assert_eq!((cut.spans.len(), cut.truncated, cut.n_orphans), (2, true, 0));
    assert!(!page(3).truncated);
}

/// Scenario: every error of the engine that a query can meet.
/// Guarantees: the status and the code are the documented ones, and waiting is only asked for where it helps.
#[test]
fn failures_have_their_codes() {
    use storage::Error;
    let (bad, message) = (|message| Error::BadQuery { message }, "no such column".to_owned());
    let unsupported = Error::UnsupportedQuery { message: "no RANGE".to_owned() };
    assert_eq!(failure(bad(message.clone())).code, "internal", "nobody outside wrote that statement");
    assert!(statement_failure(Error::UnsupportedQuery { message: message.clone() }).hint.is_some());
    for (error, status, code, retry) in [
        (bad(message), 400, "bad_request", false),
        (unsupported, 400, "bad_request", false),
        (Error::BadPattern { message: "unclosed group".to_owned() }, 400, "bad_request", false),
        (Error::ReadOnly, 400, "read_only", false),
        (Error::QueryTimeout, 504, "query_timeout", false),
        (Error::QueryMemory { message: "too much".to_owned() }, 507, "query_memory", false),
        (Error::QueryDisk { message: "too much".to_owned() }, 507, "query_disk", false),
        (Error::TooManyQueries, 503, "overloaded", true),
        (Error::Closed, 503, "shutting_down", false),
        (
            Error::SegmentDamaged { path: "a.parquet".into(), place: "at byte 0".to_owned() },
            500,
            "segment_damaged",
            false,
        ),
        (Error::WalFailed, 500, "internal", false),
    ] {
        let failure = statement_failure(error);
        assert_eq!(
            (failure.status.as_u16(), failure.code, failure.retry_after.is_some()),
            (status, code, retry)
        );
    }
}
