//! Both decoders: the mapping's rules, hostile input, real exporters' bodies, and their agreement.

use super::*;
use crate::columns::Limits;
use crate::telemetry::{Class, Reason};
use arrow::array::{Array, AsArray, RecordBatch};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::Value as Json;
use std::path::PathBuf;

pub(crate) mod generated;
mod plain;

const RECEIVED_AT: i64 = 1_700_000_000_000_000_000;

/// Rows and report of a body, as `ingest` would get them.
pub(super) fn rows(signal: Signal, encoding: Encoding, body: &[u8]) -> Result<(RecordBatch, Report), Error> {
    let mut report = Report::default();
    let decoded = decode(signal, encoding, &Bytes::copy_from_slice(body), &mut report)?;
    Ok((built(&decoded, &mut report), report))
}

/// As `rows` for protobuf, with prost's messages in between.
fn rows_by_prost(signal: Signal, body: &[u8]) -> Result<(RecordBatch, Report), Error> {
    let mut report = Report::default();
    let decoded = decode_by_prost(signal, &Bytes::copy_from_slice(body))?;
    Ok((built(&decoded, &mut report), report))
}

fn built(decoded: &Decoded, report: &mut Report) -> RecordBatch {
    let columns = crate::columns::build(decoded, RECEIVED_AT, Limits::default(), report);
    columns.expect("decoded").batch().clone()
}

/// The named columns as one JSON object a line.
pub(super) fn shown(batch: &RecordBatch, columns: &[&str]) -> String {
    let indices: Vec<usize> = columns.iter().map(|name| batch.schema().index_of(name).unwrap()).collect();
    let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
    writer.write(&batch.project(&indices).unwrap()).unwrap();
    writer.finish().unwrap();
    String::from_utf8(writer.into_inner()).unwrap()
}

/// Findings, one a line, in ASCII.
pub(super) fn findings(report: &Report) -> String {
    let line = |(reason, tally): (Reason, &report::Tally)| {
        let class = reason.class().name();
        format!("{class} {} x {}: {}", tally.n, reason.name(), tally.example).replace('\u{fffd}', "?")
    };
    report.tallies().map(line).collect::<Vec<_>>().join("\n")
}

/// What became of a JSON body: rows and findings, or the error.
fn check(signal: Signal, body: &str, expected: Expect) {
    let shown = match rows(signal, Encoding::Json, body.as_bytes()) {
        Ok((batch, report)) => {
            let mut shown = format!("{} rows", batch.num_rows());
            for (reason, tally) in report.tallies() {
                let class = reason.class().name();
                shown += &format!("\n{class} {} x {}: {}", tally.n, reason.name(), tally.example);
            }
            shown
        }
        Err(Error::Json { source }) => format!("400: {source}"),
        Err(error) => format!("error: {error}"),
    };
    // This file is ASCII; the mark for what is not printable is not.
    expected.assert_eq(&shown.replace('\u{fffd}', "?"));
}

/// A trace request of one span with these members on top of valid ids.
fn span_json(members: &str) -> String {
    let ids = r#""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174""#;
    let members = if members.is_empty() { String::new() } else { format!(",{members}") };
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{ids}{members}}}]}}]}}]}}"#)
}

/// Scenario: bodies without data: nothing, an empty object, empty envelopes.
/// Guarantees: they succeed, without a word, but for nothing in JSON, which is no JSON.
#[test]
fn empty_requests_succeed() {
    for body in ["{}", r#"{"resourceSpans":[]}"#, r#"{"resourceSpans":[{}]}"#, r#"{"resourceSpans":null}"#] {
        check(Signal::Traces, body, expect!["0 rows"]);
    }
    for body in ["", " \n"] {
        check(Signal::Logs, body, expect!["400: the body is empty, and an empty request is {}"]);
    }
    for signal in Signal::ALL {
        assert_eq!(rows(signal, Encoding::Protobuf, b"").unwrap().0.num_rows(), 0);
    }
}

/// Scenario: keys that OTLP does not know, and snake_case ones, at every level.
/// Guarantees: unknown keys are ignored; data lost to snake_case or to a foreign format is said so.
#[test]
fn unknown_keys_are_ignored_but_not_silently() {
    check(Signal::Traces, &span_json(r#""futureField":{"a":[1,{}]}"#), expect!["1 rows"]);
    check(
        Signal::Traces,
        r#"{"resource_spans":[{"scope_spans":[]}]}"#,
        expect![[r#"
            0 rows
            warning 1 x json_snake_case_key: ignored unknown keys 'resource_spans': OTLP/JSON keys are lowerCamelCase"#]],
    );
    check(
        Signal::Traces,
        r#"{"resourceSpans":[{"scope_spans":[1],"schema_url":"x"}]}"#,
        expect![[r#"
            0 rows
            warning 2 x json_snake_case_key: ignored unknown keys 'schema_url', 'scope_spans': OTLP/JSON keys are lowerCamelCase"#]],
    );
    check(
        Signal::Traces,
        r#"{"resourceLogs":[{"scopeLogs":[]}],"x\u001b":1}"#,
        expect![[r#"
            0 rows
            warning 1 x json_without_data: nothing to store: unknown keys 'resourceLogs', 'x?'"#]],
    );
}

/// Scenario: bodies that are no OTLP/JSON.
/// Guarantees: refused with the line and column; names of enums are refused too.
#[test]
fn malformed_json_is_refused_with_its_place() {
    check(Signal::Traces, "{\"resourceSpans\":\n [}", expect!["400: expected value at line 2 column 3"]);
    check(
        Signal::Traces,
        "[]",
        expect![[
            r#"400: invalid type: sequence, expected an object (ExportTraceServiceRequest) at line 1 column 0"#
        ]],
    );
    check(Signal::Traces, "{} {}", expect!["400: trailing characters at line 1 column 4"]);
    check(Signal::Traces, "\u{1}", expect!["400: expected value at line 1 column 1"]);
    check(
        Signal::Traces,
        r#"{"resourceSpans":[null]}"#,
        expect!["400: invalid type: null, expected an object (ResourceSpans) at line 1 column 22"],
    );
    check(
        Signal::Traces,
        &span_json(r#""kind":"SPAN_KIND_SERVER""#),
        expect!["400: enum values must be integers, not names: 'SPAN_KIND_SERVER' at line 1 column 142"],
    );
    check(
        Signal::Traces,
        &span_json(r#""name":5"#),
        expect!["400: invalid type: integer `5`, expected text at line 1 column 125"],
    );
    check(
        Signal::Traces,
        &span_json(r#""startTimeUnixNano":"x""#),
        expect!["400: 'x' is not an unsigned 64-bit integer at line 1 column 140"],
    );
    check(
        Signal::Traces,
        &span_json(r#""startTimeUnixNano":-1"#),
        expect![
            "400: invalid type: integer `-1`, expected an unsigned integer, as a number or as text at line 1 column 139"
        ],
    );
    check(
        Signal::Traces,
        &span_json(r#""flags":4294967296"#),
        expect!["400: number does not fit 32 bits at line 1 column 136"],
    );
    let bytes = r#""attributes":[{"key":"k","value":{"bytesValue":"?"}}]"#;
    check(Signal::Traces, &span_json(bytes), expect!["400: bytes are not base64 at line 1 column 167"]);
}

/// Scenario: ids in upper, lower and mixed case, as base64, too short, zero, absent; one span each.
/// Guarantees: case does not matter; a wrong id costs its own span only.
#[test]
fn ids_are_hex_and_judged_per_item() {
    let span = |trace_id: &str, span_id: &str| {
        format!(r#"{{"traceId":"{trace_id}","spanId":"{span_id}","name":"s"}}"#)
    };
    let good = "5B8EFFF798038103D269B633813FC60C";
    let spans = [
        span(good, "EEE19B7EC3C1B174"),
        span(&good.to_lowercase(), "eee19b7ec3c1b174"),
        span("5b8EFFf798038103D269b633813FC60C", "eEE19b7ec3C1B174"),
        span("W47/95gDgQPSabYzgT/GDA==", "eee19b7ec3c1b174"),
        span("zzzzzzzzzzzzzzzz", "eee19b7ec3c1b174"),
        span(good, "7uGbfsPBsXQ="),
        span(good, "zzzzzzzz"),
        span(good, "eee1"),
        span(good, "0000000000000000"),
        span("00000000000000000000000000000000", "eee19b7ec3c1b174"),
        r#"{"name":"none"}"#.to_owned(),
    ];
    let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","));
    check(
        Signal::Traces,
        &body,
        expect![[r#"
            3 rows
            item 4 x trace_id_invalid: span 's' has trace_id of 'W47/95gD...', which looks like base64: OTLP JSON wants hexadecimal
            item 4 x span_id_invalid: span 's' has span_id of '7uGbfsPB...', which looks like base64: OTLP JSON wants hexadecimal"#]],
    );
    let (batch, _) = rows(Signal::Traces, Encoding::Json, body.as_bytes()).unwrap();
    let ids = batch.column_by_name("trace_id").unwrap().as_fixed_size_binary();
    assert!(ids.value(0) == ids.value(1) && ids.value(1) == ids.value(2));
}

/// Scenario: the same span spelled with numbers and with text, with null and without.
/// Guarantees: equal rows; null is absent; integral floats are integers.
#[test]
fn spellings_of_one_value_are_equal() {
    let attribute = |value: &str| format!(r#""attributes":[{{"key":"k","value":{{{value}}}}}]"#);
    let same = [
        (
            r#""startTimeUnixNano":"1544712660000000001""#.to_owned(),
            r#""startTimeUnixNano":1544712660000000001"#.to_owned(),
        ),
        (r#""droppedEventsCount":7"#.to_owned(), r#""droppedEventsCount":7.0"#.to_owned()),
        (attribute(r#""intValue":"9007199254740991""#), attribute(r#""intValue":9007199254740991"#)),
        (attribute(r#""intValue":"-3""#), attribute(r#""intValue":-3.0"#)),
        (attribute(r#""doubleValue":1"#), attribute(r#""doubleValue":1.0"#)),
        (attribute(r#""stringValue":null"#), attribute("")),
        (attribute(r#""bytesValue":"-_8""#), attribute(r#""bytesValue":"+/8=""#)),
        (
            r#""parentSpanId":null,"status":null,"events":null,"name":null"#.to_owned(),
            r#""parentSpanId":"""#.to_owned(),
        ),
        (r#""kind":2"#.to_owned(), r#""kind":2.0"#.to_owned()),
    ];
    for (one, other) in same {
        let read =
            |members: &str| rows(Signal::Traces, Encoding::Json, span_json(members).as_bytes()).unwrap().0;
        assert_eq!(read(&one), read(&other), "{one} {other}");
    }
}

/// Scenario: spans whose flags use bits beyond the eight of W3C.
/// Guarantees: all 32 bits are kept.
#[test]
fn flags_keep_all_bits() {
    for flags in [0u32, 256, 257, 769, 1 << 31, u32::MAX] {
        let body = span_json(&format!(r#""flags":{flags}"#));
        let (batch, _) = rows(Signal::Traces, Encoding::Json, body.as_bytes()).unwrap();
        let column = batch.column_by_name("flags").unwrap();
        assert_eq!(column.as_primitive::<arrow::datatypes::UInt32Type>().value(0), flags);
    }
}

/// Scenario: log records with ids that are wrong, zero and absent.
/// Guarantees: every record is kept, unassociated; wrong lengths are noted.
#[test]
fn logs_survive_wrong_ids() {
    let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[
        {"traceId":"abcd","spanId":"zz"}, {"traceId":"00000000000000000000000000000000"}, {}]}]}]}"#;
    check(
        Signal::Logs,
        body,
        expect![[r#"
            3 rows
            note 2 x log_id_invalid: log record has trace_id of 2 bytes 'abcd'
            note 3 x log_without_time: neither time nor observed time is set"#]],
    );
}

/// One metric of one kind with these points.
fn metric_json(kind: &str, members: &str, points: &str) -> String {
    format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","{kind}":{{{members}"dataPoints":[{points}]}}}}]}}]}}]}}"#
    )
}

const DELTA: &str = r#""aggregationTemporality":1,"#;

/// Scenario: number points without a value, with one, marked as not recorded; sums without temporality.
/// Guarantees: an unmarked empty point and a sum of no temporality are rejected, point by point.
#[test]
fn number_points_need_a_value_or_the_mark() {
    check(
        Signal::Metrics,
        &metric_json("gauge", "", r#"{"asInt":"1"},{"asDouble":"NaN"},{},{"flags":1},{"asInt":null}"#),
        expect![[r#"
            3 rows
            item 2 x point_without_value: metric 'm' has a point without a value"#]],
    );
    check(
        Signal::Metrics,
        &metric_json("sum", "", r#"{"asInt":1},{"asInt":2}"#),
        expect![[r#"
            0 rows
            item 2 x temporality_unspecified: metric 'm' has aggregation_temporality 0"#]],
    );
    for temporality in [1, 2] {
        let members = format!(r#""aggregationTemporality":{temporality},"isMonotonic":true,"#);
        check(Signal::Metrics, &metric_json("sum", &members, r#"{"asInt":1}"#), expect!["1 rows"]);
    }
}

/// Scenario: explicit histograms, whole and broken in each way.
/// Guarantees: the broken ones are rejected by their own reason, the whole ones kept.
#[test]
fn explicit_histograms_are_consistent() {
    let points = [
        r#"{"count":"3","bucketCounts":["1","2"],"explicitBounds":[1]}"#,
        r#"{"count":3,"sum":1.5}"#,
        r#"{"count":2,"bucketCounts":[2]}"#,
        r#"{"count":9,"flags":1}"#,
        r#"{"count":3,"bucketCounts":[3],"explicitBounds":[1]}"#,
        r#"{"explicitBounds":[1]}"#,
        r#"{"count":3,"bucketCounts":[1,1,1],"explicitBounds":[2,2]}"#,
        r#"{"count":3,"bucketCounts":[1,1,1],"explicitBounds":[1,"NaN"]}"#,
        r#"{"count":4,"bucketCounts":[1,2],"explicitBounds":[1]}"#,
        r#"{"count":0,"bucketCounts":["18446744073709551615",1],"explicitBounds":[1]}"#,
    ];
    check(
        Signal::Metrics,
        &metric_json("histogram", DELTA, &points.join(",")),
        expect![[r#"
            4 rows
            item 2 x histogram_buckets_inconsistent: metric 'm' has 1 bucket counts and 1 bounds
            item 2 x histogram_bounds_unordered: metric 'm' has bounds that are not strictly increasing
            item 2 x histogram_count_mismatch: metric 'm' has count 4, but its buckets hold 3"#]],
    );
}

/// Scenario: exponential histograms with buckets inside and outside the range of 64-bit floats.
/// Guarantees: an impossible bucket that counts something is rejected; an empty one and the edges are not.
#[test]
fn exponential_histograms_stay_in_range() {
    let points = [
        r#"{"count":3,"zeroCount":1,"positive":{"offset":1,"bucketCounts":["0","2"]}}"#,
        r#"{"count":1,"positive":{"offset":1023,"bucketCounts":[1,0,0]}}"#,
        r#"{"count":1,"negative":{"offset":-1075,"bucketCounts":[1]}}"#,
        r#"{"count":2,"scale":-11,"positive":{"offset":-1,"bucketCounts":[1,1]}}"#,
        r#"{"count":1,"positive":{"offset":1024,"bucketCounts":[1]}}"#,
        r#"{"count":1,"negative":{"offset":-1076,"bucketCounts":[1]}}"#,
        r#"{"count":1,"scale":20,"positive":{"offset":2147483647,"bucketCounts":[1]}}"#,
        r#"{"count":1,"scale":-2147483648,"positive":{"offset":1,"bucketCounts":[1]}}"#,
        r#"{"count":4,"zeroCount":1,"positive":{"bucketCounts":[2]}}"#,
    ];
    check(
        Signal::Metrics,
        &metric_json("exponentialHistogram", DELTA, &points.join(",")),
        expect![[r#"
            4 rows
            item 1 x histogram_count_mismatch: metric 'm' has count 4, but its buckets hold 3
            item 4 x exponential_index_out_of_range: metric 'm' counts in bucket 1024 at scale 0"#]],
    );
}

/// Scenario: references into the string table of profiles.
/// Guarantees: warned, read as absent, the rest kept.
#[test]
fn string_table_references_are_warned_about() {
    let members = r#""attributes":[{"keyStrindex":3,"value":{"intValue":1}},{"key":"k","value":{"stringValueStrindex":2}},{"key":"x","value":{"boolValue":true}}]"#;
    check(
        Signal::Traces,
        &span_json(members),
        expect![[r#"
            1 rows
            warning 2 x string_table_reference: a reference to a string table was read as absent"#]],
    );
}

/// An attribute nested in so many arrays or maps.
fn nested_json(n_levels: usize, open: &str, close: &str) -> String {
    let value = format!("{}\"intValue\":1{}", open.repeat(n_levels), close.repeat(n_levels));
    span_json(&format!(r#""attributes":[{{"key":"k","value":{{{value}}}}}]"#))
}

/// Scenario: values nested up to the limit, beyond it, and a million levels deep.
/// Guarantees: the limit is kept with a warning, both decoders bound their recursion, nothing overflows.
#[test]
fn nesting_is_bounded() {
    let (open, close) = (r#""kvlistValue":{"values":[{"key":"k","value":{"#, "}}]}");
    check(Signal::Traces, &nested_json(24, open, close), expect!["1 rows"]);
    check(
        Signal::Traces,
        &nested_json(26, open, close),
        expect![[r#"
            1 rows
            warning 1 x value_too_deep: values inside 24 arrays or maps were left out"#]],
    );
    check(
        Signal::Traces,
        &nested_json(40, open, close),
        expect!["400: recursion limit exceeded at line 1 column 1481"],
    );
    check(
        Signal::Traces,
        &"[".repeat(1 << 20),
        expect![[
            r#"400: invalid type: sequence, expected an object (ExportTraceServiceRequest) at line 1 column 0"#
        ]],
    );
    let unknown = format!(r#"{{"x":{}"#, "[".repeat(1 << 20));
    check(Signal::Traces, &unknown, expect!["400: EOF while parsing a list at line 1 column 1048581"]);
}

/// Nested arrays as protobuf, without the recursion that prost's encoder would need.
fn nested_protobuf(n_levels: usize) -> Vec<u8> {
    let wrap = |tag: u8, inner: Vec<u8>| {
        let mut bytes = vec![tag << 3 | 2];
        prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
        bytes.extend(inner);
        bytes
    };
    let mut value = vec![0x18, 1]; // AnyValue.int_value
    for _ in 0..n_levels {
        value = wrap(5, wrap(1, value)); // AnyValue.array_value, ArrayValue.values
    }
    let attribute = wrap(9, [wrap(1, b"k".to_vec()), wrap(2, value)].concat());
    let span = [wrap(1, vec![1; 16]), wrap(2, vec![2; 8]), attribute].concat();
    wrap(1, wrap(2, wrap(2, span)))
}

/// Scenario: arrays nested in protobuf: at the limit, beyond it, and 20,000 deep.
/// Guarantees: as in JSON: kept, cut with a warning, refused.
#[test]
fn protobuf_nesting_is_bounded() {
    let read = |n_levels| rows(Signal::Traces, Encoding::Protobuf, &nested_protobuf(n_levels));
    assert_eq!(read(24).unwrap().1, Report::default());
    let (batch, report) = read(26).unwrap();
    assert_eq!((batch.num_rows(), report.tallies().count()), (1, 1));
    assert!(matches!(read(20_000), Err(Error::Protobuf { .. })));
    assert!(read(47).is_ok());
    let told = |error: Error| error.nested_too_deep().unwrap_or_else(|| panic!("{error}"));
    assert!(told(read(48).unwrap_err()).contains("47 arrays"));
    let json = |n_levels| {
        let (open, close) = (r#""arrayValue":{"values":[{"#, "}]}");
        rows(Signal::Traces, Encoding::Json, nested_json(n_levels, open, close).as_bytes())
    };
    assert!(json(39).is_ok());
    assert!(told(json(40).unwrap_err()).contains("39 arrays"));
    assert!(rows(Signal::Traces, Encoding::Json, b"{").unwrap_err().nested_too_deep().is_none());
}

/// Scenario: a few megabytes of empty messages, which decode to hundreds of times their size.
/// Guarantees: both decoders refuse before that memory is taken.
#[test]
fn a_flood_of_empty_messages_is_refused() {
    let wrap = |inner: &[u8]| {
        let mut bytes = vec![0x12];
        prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
        [bytes, inner.to_vec()].concat()
    };
    let spans = [0x12u8, 0].repeat(2 << 20);
    let mut body = wrap(&wrap(&spans));
    body[0] = 0x0a;
    assert!(matches!(rows(Signal::Traces, Encoding::Protobuf, &body), Err(Error::TooLarge { .. })));

    let spans = vec!["{}"; 2 << 20].join(",");
    let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#);
    assert!(matches!(rows(Signal::Traces, Encoding::Json, body.as_bytes()), Err(Error::TooLarge { .. })));
}

/// Scenario: an honest large request: 20,000 spans with ten attributes.
/// Guarantees: the limit on decoded size does not meet it.
#[test]
fn large_honest_requests_are_accepted() {
    let attribute = r#"{"key":"http.request.method","value":{"stringValue":"GET"}}"#;
    let span = format!(
        r#"{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","attributes":[{}]}}"#,
        [attribute; 10].join(",")
    );
    let body =
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, vec![span; 20_000].join(","));
    let (batch, report) = rows(Signal::Traces, Encoding::Json, body.as_bytes()).unwrap();
    assert_eq!((batch.num_rows(), report.n_rejected()), (20_000, 0));
}

/// The recorded bodies, or `None` after saying that they are not there.
fn otlp_fixtures(test: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures");
    let root = std::env::var_os("FIRSTFAULT_FIXTURES").map_or_else(|| PathBuf::from(default), PathBuf::from);
    let folder = root.join("otlp");
    if folder.join("manifest.json").exists() {
        return Some(folder);
    }
    println!("SKIPPED {test}: {} not found", folder.display());
    None
}

fn captures(folder: &std::path::Path) -> Vec<Json> {
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    let manifest: Json = serde_json::from_slice(&manifest).unwrap();
    manifest["captures"].as_array().unwrap().clone()
}

fn signal_of(capture: &Json) -> Signal {
    Signal::ALL.into_iter().find(|signal| signal.name() == capture["signal"]).unwrap()
}

/// The counts of the manifest, read from the rows.
fn counts_of(signal: Signal, batch: &RecordBatch) -> Json {
    let n_items = |column: &str| batch.column_by_name(column).unwrap().as_list::<i32>().values().len();
    let column = |name: &str| batch.column_by_name(name).unwrap();
    match signal {
        Signal::Traces => {
            let status = column("status_code").as_string::<i32>();
            let n_errors = status.iter().flatten().filter(|status| *status == "error").count();
            serde_json::json!({"spans": batch.num_rows(), "events": n_items("events"),
                "links": n_items("links"), "error_status_spans": n_errors})
        }
        Signal::Logs => {
            let trace_ids = column("trace_id");
            serde_json::json!({"log_records": batch.num_rows(),
                "with_trace_id": trace_ids.len() - trace_ids.null_count()})
        }
        Signal::Metrics => serde_json::json!({"data_points": batch.num_rows()}),
    }
}

/// Scenario: every recorded body of a real exporter.
/// Guarantees: nothing is rejected or warned about, and counts and services are those of the manifest.
#[test]
fn captures_decode_completely() {
    let Some(folder) = otlp_fixtures("captures_decode_completely") else { return };
    for capture in captures(&folder) {
        let file = capture["file"].as_str().unwrap();
        let is_json = capture["content_type"] == "application/json";
        let encoding = if is_json { Encoding::Json } else { Encoding::Protobuf };
        let body = std::fs::read(folder.join(file)).unwrap();
        let (batch, report) = rows(signal_of(&capture), encoding, &body).unwrap();
        assert!(report.tallies().all(|(reason, _)| reason.class() == Class::Note), "{file}: {report:?}");
        for (name, n) in counts_of(signal_of(&capture), &batch).as_object().unwrap() {
            assert_eq!(*n, capture["counts"][name], "{file}: {name}");
        }
        let services = batch.column_by_name("service").unwrap().as_string::<i32>();
        let names = capture["service_names"].as_array().unwrap();
        assert!(services.iter().flatten().all(|service| names.contains(&Json::from(service))), "{file}");
    }
}

/// Scenario: recorded protobuf bodies, beside what the reference library makes of them in JSON.
/// Guarantees: both decoders give the same rows, column by column.
#[test]
fn protobuf_and_json_give_the_same_rows() {
    let Some(folder) = otlp_fixtures("protobuf_and_json_give_the_same_rows") else { return };
    let mut n_compared = 0;
    for capture in captures(&folder) {
        let Some(decoded) = capture["decoded_file"].as_str() else { continue };
        let file = capture["file"].as_str().unwrap();
        let read = |encoding, name: &str| {
            let body = std::fs::read(folder.join(name)).unwrap();
            rows(signal_of(&capture), encoding, &body).unwrap().0
        };
        assert_same(&read(Encoding::Protobuf, file), &read(Encoding::Json, decoded), file);
        n_compared += 1;
    }
    assert!(n_compared > 0);
}

fn assert_same(one: &RecordBatch, other: &RecordBatch, what: &str) {
    for (field, (left, right)) in one.schema().fields().iter().zip(one.columns().iter().zip(other.columns()))
    {
        assert_eq!(left, right, "{what}: column {}", field.name());
    }
    assert_eq!(one.num_rows(), other.num_rows(), "{what}");
}

/// Scenario: the specification's own examples, byte for byte.
/// Guarantees: accepted whole.
#[test]
fn specification_examples_decode() {
    let Some(folder) = otlp_fixtures("specification_examples_decode") else { return };
    for (file, signal, n_rows) in [
        ("trace.json", Signal::Traces, 1),
        ("logs.json", Signal::Logs, 1),
        ("events.json", Signal::Logs, 1),
        ("metrics.json", Signal::Metrics, 4),
    ] {
        let body = std::fs::read(folder.join("examples").join(file)).unwrap();
        let (batch, report) = rows(signal, Encoding::Json, &body).unwrap();
        assert_eq!((batch.num_rows(), report), (n_rows, Report::default()), "{file}");
    }
}

/// Scenario: every encoding, and requests of encodings that have one signal as another's.
/// Guarantees: the log's codes read back; a record that was tampered with is an error, not rows of another signal.
#[test]
fn encodings_have_codes_and_signals() {
    let known: Vec<(u8, &str)> = (0..=u8::MAX)
        .filter_map(Encoding::from_code)
        .map(|encoding| (encoding.code(), encoding.name()))
        .collect();
    assert_eq!(known, [(0, "protobuf"), (1, "json"), (2, "zipkin_json"), (3, "remote_write")]);
    for (signal, encoding) in [
        (Signal::Logs, Encoding::ZipkinJson),
        (Signal::Metrics, Encoding::ZipkinJson),
        (Signal::Traces, Encoding::RemoteWrite),
    ] {
        assert!(matches!(rows(signal, encoding, b"[]"), Err(Error::OtherSignal { .. })));
    }
}

fn any_signal() -> impl Strategy<Value = Signal> {
    proptest::sample::select(Signal::ALL.to_vec())
}

proptest! {
    /// Scenario: any bytes, as any encoding of any signal.
    /// Guarantees: rows or an error, never a panic.
    #[test]
    fn arbitrary_bytes_never_panic(signal in any_signal(), body: Vec<u8>) {
        for encoding in (0..=u8::MAX).filter_map(Encoding::from_code) {
            let _ = rows(signal, encoding, &body);
        }
    }

    /// Scenario: a real body with bytes changed and its end cut off.
    /// Guarantees: rows or an error, never a panic.
    #[test]
    fn damaged_bodies_never_panic(
        request in generated::traces(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut: prop::sample::Index,
    ) {
        let protobuf = prost::Message::encode_to_vec(&request);
        let json = generated::json::traces(&request).to_string().into_bytes();
        for (encoding, mut body) in [(Encoding::Protobuf, protobuf), (Encoding::Json, json)] {
            for (place, byte) in &damage {
                if !body.is_empty() {
                    let place = place.index(body.len());
                    body[place] = *byte;
                }
            }
            body.truncate(cut.index(body.len() + 1));
            let _ = rows(Signal::Traces, encoding, &body);
        }
    }

    /// Scenario: generated requests with valid and invalid spans, nested and repeated attributes.
    /// Guarantees: each span is stored or counted as rejected; protobuf and JSON agree on rows and report.
    #[test]
    fn generated_requests_agree(request in generated::traces()) {
        let n_spans: usize = request.resource_spans.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum();
        let protobuf = rows(Signal::Traces, Encoding::Protobuf, &prost::Message::encode_to_vec(&request)).unwrap();
        let json = generated::json::traces(&request).to_string();
        let json = rows(Signal::Traces, Encoding::Json, json.as_bytes()).unwrap();
        prop_assert_eq!(protobuf.0.num_rows() as u64 + protobuf.1.n_rejected(), n_spans as u64);
        prop_assert_eq!(protobuf, json);
    }

    /// Scenario and guarantees: as above, for log records and data points.
    #[test]
    fn generated_logs_and_metrics_agree(logs in generated::logs::requests(), metrics in generated::metrics::requests()) {
        let log_bodies = (prost::Message::encode_to_vec(&logs), generated::json::logs(&logs));
        let metric_bodies = (prost::Message::encode_to_vec(&metrics), generated::json::metrics(&metrics));
        for (signal, (protobuf, json)) in [(Signal::Logs, log_bodies), (Signal::Metrics, metric_bodies)] {
            let protobuf = rows(signal, Encoding::Protobuf, &protobuf).unwrap();
            let json = rows(signal, Encoding::Json, json.to_string().as_bytes()).unwrap();
            prop_assert_eq!(protobuf, json);
        }
    }
}
