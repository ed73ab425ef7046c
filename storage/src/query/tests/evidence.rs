//! Rows for triage: whole traces, the same wherever they are stored, with attributes where they are wanted.

use super::engines::{Data, everywhere};
use super::rows::{hex, log, millis, point, span, trace_id};
use crate::query::{Evidence, EvidenceCounts, EvidenceQuery, TimeRange};
use arrow::array::{Array, AsArray, RecordBatch};
use serde_json::json;
use std::collections::BTreeMap;

const N_TRACES: u8 = 120;

/// A trace a second: a request and the call below it, of which every tenth fails; a log line of each, and one of none.
fn data() -> Data {
    let mut data = Data::default();
    for n in 0..N_TRACES {
        let at = i64::from(n) * 1_000;
        let failed = n % 10 == 0;
        let pod = json!({ "resource": { "k8s.pod.name": "web-0" }, "attributes": { "tenant": "a" } });
        data.spans.push(span(n, 1, None, "web", "GET /", "server", (at, at + 50), pod));
        let more = json!({ "is_error": failed, "status_message": if failed { "refused" } else { "" } });
        data.spans.push(span(n, 2, Some(1), "web", "call", "client", (at + 10, at + 40), more));
        let of_trace = json!({ "trace_id": hex(&trace_id(n)) });
        data.logs.push(log(at + 20, "web", "info", "Request done", of_trace));
        data.logs.push(log(at + 30, "web", "info", "tick", json!({})));
        let value = json!({ "value": 0.5, "unit": "1" });
        data.points.push(point(u64::from(n) << 56, "web", "Process.CPU.utilization", "gauge", at, value));
        data.points.push(point(7, "web", "cache.hits", "sum", at, json!({ "value": 1.0 })));
    }
    data
}

/// Two stretches, of which the second is the window.
fn query() -> EvidenceQuery {
    let range = |from: i64, to: i64| TimeRange { from: millis(from * 1_000), to: millis(to * 1_000) };
    EvidenceQuery {
        ranges: vec![range(0, 50), range(80, 120)],
        window: range(80, 120),
        metrics: vec![range(0, 120)],
        metric_names: "cpu|memory".to_owned(),
        traces_one_in: 1,
        attributes_one_in: 1,
        attributes_before_one_in: 1,
        series_one_in: 1,
        rows_max: 10_000,
    }
}

fn n_rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// Spans of each trace.
fn traces(evidence: &Evidence) -> BTreeMap<Vec<u8>, usize> {
    let mut traces = BTreeMap::new();
    for batch in &evidence.spans {
        for id in batch.column_by_name("trace_id").expect("a column").as_fixed_size_binary().iter() {
            *traces.entry(id.expect("not null").to_vec()).or_default() += 1;
        }
    }
    traces
}

/// Scenario: everything of two stretches is asked for, with a gap between them.
/// Guarantees: the counts are those of the rows; requests and failed spans have attributes, others none;
/// nothing of the gap is there, and metrics are found by their names whatever their case.
#[tokio::test]
async fn counts_are_those_of_the_rows() {
    for stored in everywhere(&data()).await {
        let counts = stored.engine.count_evidence(&query()).await.expect("counts");
        let expected = EvidenceCounts {
            n_spans: 180,
            n_errors: 9,
            n_entries: 40,
            n_entries_before: 50,
            n_logs: 180,
            n_points: 120,
        };
        assert_eq!(counts, expected, "{}", stored.place);
        let evidence = stored.engine.evidence(&query()).await.expect("reads");
        let found = (n_rows(&evidence.spans), n_rows(&evidence.logs), n_rows(&evidence.points));
        assert_eq!(found, (180, 180, 120), "{}", stored.place);
        assert!(!evidence.is_cut);
        let with_attributes =
            evidence.spans.iter().filter(|batch| batch.column_by_name("attributes").is_some());
        assert_eq!(with_attributes.map(RecordBatch::num_rows).sum::<usize>(), 99, "{}", stored.place);
        let instances = evidence.spans.iter().filter_map(|batch| batch.column_by_name("service_instance_id"));
        let n_named = instances.map(|column| column.len() - column.null_count()).sum::<usize>();
        assert_eq!(n_named, 90, "{}", stored.place);
    }
}

/// Scenario: one trace in four, and one in eight, and fewer rows than there are.
/// Guarantees: traces are whole, each with its log line; the smaller sample is part of the larger one, wherever the
/// rows are; what is cut says so.
#[tokio::test]
async fn samples_are_of_whole_traces() {
    let mut first = None;
    for stored in everywhere(&data()).await {
        let of = async |traces_one_in, rows_max| {
            let query = EvidenceQuery { traces_one_in, rows_max, ..query() };
            stored.engine.evidence(&query).await.expect("reads")
        };
        let four = of(4, 10_000).await;
        let chosen = traces(&four);
        assert!((10..40).contains(&chosen.len()), "{} of 90: {}", chosen.len(), stored.place);
        assert!(chosen.values().all(|n_spans| *n_spans == 2), "{}", stored.place);
        let with_trace = four.logs.iter().filter_map(|batch| batch.column_by_name("trace_id"));
        let n_with_trace = with_trace.map(|ids| ids.len() - ids.null_count()).sum::<usize>();
        assert_eq!(n_with_trace, chosen.len(), "{}", stored.place);
        assert!(traces(&of(8, 10_000).await).keys().all(|id| chosen.contains_key(id)), "{}", stored.place);
        assert_eq!(*first.get_or_insert_with(|| chosen.clone()), chosen, "{}", stored.place);
        let cut = of(1, 100).await;
        assert!(cut.is_cut && n_rows(&cut.spans) == 100, "{}", stored.place);
    }
}
