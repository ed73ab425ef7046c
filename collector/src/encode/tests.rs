//! Requests become rows, rows become OTLP/JSON, and that becomes equal rows.

use crate::columns::{self, Limits};
use crate::decode::tests::generated;
use crate::decode::{Encoding, Report, decode};
use crate::encode::encode;
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take_record_batch;
use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;
use std::sync::Arc;
use storage::Signal;

mod canonical;

const RECEIVED_AT: i64 = 1_700_000_000_000_000_000;

fn rows(signal: Signal, encoding: Encoding, body: Vec<u8>) -> RecordBatch {
    let mut report = Report::default();
    let decoded = decode(signal, encoding, &Bytes::from(body), &mut report).expect("decodes");
    columns::build(&decoded, RECEIVED_AT, Limits::default(), &mut report).expect("rows").batch().clone()
}

/// Groups may change the order of items; `column` has a name for each.
fn sorted(batch: &RecordBatch, column: &str) -> RecordBatch {
    let names: &StringArray = batch.column_by_name(column).expect("there").as_string();
    let mut order: Vec<u32> = (0..batch.num_rows() as u32).collect();
    order.sort_by_key(|row| names.value(*row as usize));
    take_record_batch(batch, &UInt32Array::from(order)).expect("in order")
}

fn check(signal: Signal, request: &impl Message, column: &str) {
    let sent = rows(signal, Encoding::Protobuf, request.encode_to_vec());
    let json = encode(signal, &sent).expect("encodes").to_string();
    let back = rows(signal, Encoding::Json, json.into_bytes());
    let (sent, back) = (sorted(&sent, column), sorted(&back, column));
    for (field, (sent, back)) in sent.schema().fields().iter().zip(sent.columns().iter().zip(back.columns()))
    {
        let (sent, back): (&ArrayRef, &ArrayRef) = (sent, back);
        assert_eq!(sent, back, "{field}");
    }
    assert_eq!(sent.num_rows(), back.num_rows());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Scenario: generated trace requests, with everything that the messages can hold.
    /// Guarantees: rows that were exported and sent again are equal.
    #[test]
    fn spans_come_back(request in generated::valid_traces()) {
        check(Signal::Traces, &request, "name");
    }

    /// Scenario and guarantees: as above, for log records.
    #[test]
    fn logs_come_back(request in generated::logs::valid_requests()) {
        check(Signal::Logs, &request, "event_name");
    }

    /// Scenario and guarantees: as above, for data points of all five types.
    #[test]
    fn metrics_come_back(request in generated::metrics::valid_requests()) {
        check(Signal::Metrics, &request, "name");
    }
}

/// Scenario: a log record without any time of its own.
/// Guarantees: sent back it keeps the time that it was given, as the time when it was observed.
#[test]
fn a_time_of_receipt_is_kept() {
    let body = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}"#;
    let sent = rows(Signal::Logs, Encoding::Json, body.to_vec());
    let json = encode(Signal::Logs, &sent).expect("encodes").to_string();
    let back = rows(Signal::Logs, Encoding::Json, json.into_bytes());
    assert_eq!(back.column_by_name("time"), sent.column_by_name("time"));
    assert_eq!(back["time_source"].as_string::<i32>().value(0), "observed");
}

/// Scenario: rows that lack a column, and have one of another type.
/// Guarantees: the error names the column.
#[test]
fn strange_rows_are_refused() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let batch = RecordBatch::try_from_iter([("trace_id", texts)]).expect("a batch");
    let error = encode(Signal::Traces, &batch).expect_err("refused").to_string();
    assert_eq!(error, "column trace_id is not what the table has under that name (Utf8)");
}
