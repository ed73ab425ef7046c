//! Columns built from small requests, shown as rows.

use super::*;
use crate::decode::{Encoding, decode};
use arrow::array::{AsArray, RecordBatch};
use bytes::Bytes;
use expect_test::{Expect, expect};

const RECEIVED_AT: i64 = 1_700_000_000_000_000_000;

fn build_json(signal: Signal, body: &str) -> (RecordBatch, Report) {
    build_within(Limits::default(), signal, body)
}

fn build_within(limits: Limits, signal: Signal, body: &str) -> (RecordBatch, Report) {
    let mut report = Report::default();
    let body = Bytes::copy_from_slice(body.as_bytes());
    let decoded = decode(signal, Encoding::Json, &body, &mut report).unwrap();
    let columns = build(&decoded, RECEIVED_AT, limits, &mut report).unwrap();
    (columns.batch().clone(), report)
}

/// The named columns as one JSON object a line.
fn shown(batch: &RecordBatch, columns: &[&str]) -> String {
    let indices: Vec<usize> = columns.iter().map(|name| batch.schema().index_of(name).unwrap()).collect();
    let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
    writer.write(&batch.project(&indices).unwrap()).unwrap();
    writer.finish().unwrap();
    String::from_utf8(writer.into_inner()).unwrap()
}

fn check(signal: Signal, body: &str, columns: &[&str], expected: Expect) {
    expected.assert_eq(&shown(&build_json(signal, body).0, columns));
}

fn spans(members: &[&str]) -> String {
    let ids = r#""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174""#;
    let spans: Vec<String> = members.iter().map(|members| format!("{{{ids},{members}}}")).collect();
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","))
}

/// Scenario: a service, a route and a span have names of two million characters.
/// Guarantees: columns that groups are named by are short; the attributes are as long as any may be; what is cut is
/// counted.
#[test]
fn names_are_short() {
    let long = "\u{e9}".repeat(1_000_000);
    let attribute = |key: &str| format!(r#"[{{"key":"{key}","value":{{"stringValue":"{long}"}}}}]"#);
    let span = format!(
        r#"{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"{long}","attributes":{}}}"#,
        attribute("http.route")
    );
    let body = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":{}}},"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#,
        attribute("service.name")
    );
    let (batch, report) = build_json(Signal::Traces, &body);
    for name in ["service", "http_route", "name"] {
        assert_eq!(batch.column_by_name(name).unwrap().as_string::<i32>().value(0).len(), 1_024, "{name}");
    }
    for (map, key) in [("resource", "service.name"), ("attributes", "http.route")] {
        let (found, _, text) =
            attributes::read(batch.column_by_name(map).unwrap().as_map(), 0, "s").next().unwrap();
        assert_eq!((found, text.len()), (key, 65_536));
    }
    let message = report.message().unwrap();
    let told = "warning 4 x value_truncated: service.name of 2000000 bytes names groups by its first 1024; the attribute";
    assert!(message.starts_with(told), "{message}");
}

/// Scenario: one attribute of every kind, one of them repeated.
/// Guarantees: each has its letter and its text; the first of a repeated key stays; `read` gives them back.
#[test]
fn attributes_keep_value_and_type() {
    let body = spans(&[r#""attributes":[
        {"key":"s","value":{"stringValue":"text"}}, {"key":"i","value":{"intValue":"-7"}},
        {"key":"d","value":{"doubleValue":637.704}}, {"key":"whole","value":{"doubleValue":5}},
        {"key":"tiny","value":{"doubleValue":1e-300}}, {"key":"nan","value":{"doubleValue":"NaN"}},
        {"key":"b","value":{"boolValue":true}}, {"key":"x","value":{"bytesValue":"+/8="}},
        {"key":"a","value":{"arrayValue":{"values":[{"stringValue":"a\"b"},{},{"doubleValue":"-Infinity"}]}}},
        {"key":"m","value":{"kvlistValue":{"values":[{"key":"k","value":{"intValue":1}},{"key":"none"}]}}},
        {"key":"e"}, {"key":"empty","value":{}}, {"key":"s","value":{"stringValue":"second"}}]"#]);
    let (batch, report) = build_json(Signal::Traces, &body);
    let map = batch.column_by_name("attributes").unwrap().as_map();
    let types = batch.column_by_name("attributes_types").unwrap().as_string::<i32>().value(0);
    let entries: Vec<String> =
        attributes::read(map, 0, types).map(|(key, letter, text)| format!("{key} {letter} {text}")).collect();
    expect![[r#"
        s s text
        i i -7
        d d 637.704
        whole d 5
        tiny d 1e-300
        nan d NaN
        b b true
        x x +/8=
        a a {"arrayValue":{"values":[{"stringValue":"a\"b"},{},{"doubleValue":"-Infinity"}]}}
        m m {"kvlistValue":{"values":[{"key":"k","value":{"intValue":"1"}},{"key":"none"}]}}
        e e 
        empty e "#]]
    .assert_eq(&entries.join("\n"));
    let notes: Vec<_> = report.tallies().map(|(reason, tally)| (reason.name(), tally.n)).collect();
    assert_eq!(notes, [("duplicate_attribute_key", 1)]);
}

/// Scenario: more attributes than are kept, a key and a value beyond their bounds, a long array.
/// Guarantees: what is left out is counted, in the column and in the warning; text ends on a character.
#[test]
fn attributes_are_bounded() {
    let many: Vec<String> = (0..1030).map(|i| format!(r#"{{"key":"k{i}"}}"#)).collect();
    let long = "\u{e9}".repeat(40_000);
    let array = vec![r#"{"intValue":"1234567890"}"#; 10_000].join(",");
    let body = spans(&[
        &format!(r#""droppedAttributesCount":1,"attributes":[{}]"#, many.join(",")),
        &format!(r#""attributes":[{{"key":"{long}"}},{{"key":"v","value":{{"stringValue":"x{long}"}}}}]"#),
        &format!(r#""attributes":[{{"key":"a","value":{{"arrayValue":{{"values":[{array}]}}}}}}]"#),
    ]);
    let (batch, report) = build_json(Signal::Traces, &body);
    expect![[r#"
        {"dropped_attributes_count":7}
        {"dropped_attributes_count":1}
        {"dropped_attributes_count":0}
    "#]]
    .assert_eq(&shown(&batch, &["dropped_attributes_count"]));
    let message = report.message().unwrap();
    expect![[r#"warning 6 x attribute_limit: 1030 attributes, of which 1024 are kept; warning 1 x attribute_key_too_long: a key of 80000 bytes was left out: 'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee...'; warning 2 x value_truncated: a value of 80001 bytes was cut to 65536"#]]
        .assert_eq(&message.replace('\u{e9}', "e"));
    let map = batch.column_by_name("attributes").unwrap().as_map();
    let text = attributes::read(map, 1, "s").next().unwrap().2;
    assert_eq!(text.len(), 65_535);
    let array = attributes::read(map, 2, "a").next().unwrap().2;
    assert!(array.len() < 70_000 && serde_json::from_str::<serde_json::Value>(array).is_ok());
}

/// Scenario: limits that were set, and a span that is beyond each of them.
/// Guarantees: what is left out is in the span's own counts and in the report; the span stays.
#[test]
fn limits_cut_and_count() {
    let body =
        spans(&[r#""attributes":[{"key":"a","value":{"stringValue":"0123456789"}},{"key":"b"},{"key":"c"}],
        "droppedAttributesCount":1,"events":[{"name":"1"},{"name":"2"},{"name":"3"}],"droppedEventsCount":4,
        "links":[{},{}],"droppedLinksCount":4294967295"#]);
    let limits = Limits { attributes_max: 2, attribute_bytes_max: 4, events_max: 1, links_max: 0 };
    let (batch, report) = build_within(limits, Signal::Traces, &body);
    expect![[r#"
        {"attributes":{"a":"0123","b":""},"dropped_attributes_count":2,"events":[{"time":"1970-01-01T00:00:00Z","name":"1","attributes":{},"attributes_types":"","dropped_attributes_count":0}],"dropped_events_count":6,"links":[],"dropped_links_count":4294967295}
    "#]]
    .assert_eq(&shown(
        &batch,
        &["attributes", "dropped_attributes_count", "events", "dropped_events_count", "links", "dropped_links_count"],
    ));
    let warnings: Vec<_> = report.tallies().map(|(reason, tally)| (reason.name(), tally.n)).collect();
    assert_eq!(
        warnings,
        [("attribute_limit", 1), ("value_truncated", 1), ("event_limit", 2), ("link_limit", 2)]
    );
}

/// Scenario: spans of every kind, with and without a parent, ending before their start, with times
/// beyond what Arrow can hold.
/// Guarantees: kinds, entries, durations and clamped times are as documented, and counted.
#[test]
fn span_columns() {
    let body = spans(&[
        r#""name":"a","kind":2,"parentSpanId":"EEE19B7EC3C1B173","startTimeUnixNano":1,"endTimeUnixNano":"4""#,
        r#""name":"b","kind":3,"parentSpanId":"0000000000000000","startTimeUnixNano":9,"endTimeUnixNano":4"#,
        r#""name":"c","kind":3,"parentSpanId":"eee19b7ec3c1b173","endTimeUnixNano":18446744073709551615"#,
        r#""name":"d","kind":77,"parentSpanId":"abc0","status":{"code":2,"message":"no"}"#,
    ]);
    let (batch, report) = build_json(Signal::Traces, &body);
    expect![[r#"
        {"name":"a","kind":"server","is_entry":true,"parent_span_id":"eee19b7ec3c1b173","start_time":"1970-01-01T00:00:00.000000001Z","end_time":"1970-01-01T00:00:00.000000004Z","duration_ns":3,"status_code":"unset","is_error":false}
        {"name":"b","kind":"client","is_entry":false,"start_time":"1970-01-01T00:00:00.000000009Z","end_time":"1970-01-01T00:00:00.000000004Z","duration_ns":0,"status_code":"unset","is_error":false}
        {"name":"c","kind":"client","is_entry":false,"parent_span_id":"eee19b7ec3c1b173","start_time":"1970-01-01T00:00:00Z","end_time":"2262-04-11T23:47:16.854775807Z","duration_ns":9223372036854775807,"status_code":"unset","is_error":false}
        {"name":"d","kind":"77","is_entry":true,"start_time":"1970-01-01T00:00:00Z","end_time":"1970-01-01T00:00:00Z","duration_ns":0,"status_code":"error","is_error":true}
    "#]]
    .assert_eq(&shown(
        &batch,
        &["name", "kind", "is_entry", "parent_span_id", "start_time", "end_time", "duration_ns", "status_code", "is_error"],
    ));
    let notes: Vec<_> = report.tallies().map(|(reason, tally)| (reason.name(), tally.n)).collect();
    assert_eq!(notes, [("end_before_start", 1), ("time_out_of_range", 1), ("parent_span_id_invalid", 1)]);
    let message = report.message().expect("what is stored otherwise than it was sent is told");
    assert_eq!(
        message,
        "warning 1 x end_before_start: span 'b' ends 5 ns before its start: its duration is stored as 0; \
         warning 1 x time_out_of_range: 18446744073709551615 ns since 1970 is stored as the latest time that fits, in \
         the year 2262"
    );
}

/// Scenario: spans of every kind, as the root of a trace and below another span.
/// Guarantees: what was served or taken up is an entry; a call to others is none, though a trace begins with it.
#[test]
fn entries_are_what_a_service_worked_on() {
    let parents = ["", r#","parentSpanId":"eee19b7ec3c1b173""#];
    let members: Vec<String> = (0..=5)
        .flat_map(|kind| parents.map(|parent| format!(r#""name":"","kind":{kind}{parent}"#)))
        .collect();
    let body = spans(&members.iter().map(String::as_str).collect::<Vec<_>>());
    let (batch, _) = build_json(Signal::Traces, &body);
    let kinds = batch.column_by_name("kind").unwrap().as_string::<i32>();
    let entries = batch.column_by_name("is_entry").unwrap().as_boolean();
    let shown: Vec<_> =
        (0..6).map(|n| (kinds.value(2 * n), entries.value(2 * n), entries.value(2 * n + 1))).collect();
    assert_eq!(
        shown,
        [
            ("unspecified", true, false),
            ("internal", true, false),
            ("server", true, true),
            ("client", false, false),
            ("producer", false, false),
            ("consumer", true, true),
        ]
    );
}

/// Scenario: two resources with two scopes, one without a service, in the old and the new convention.
/// Guarantees: each row has its own owner's columns.
#[test]
fn owners_are_repeated_for_their_rows() {
    let span = r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}"#;
    let attribute =
        |key: &str, value: &str| format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#);
    let shop = [
        attribute("service.name", "shop"),
        attribute("service.version", "1.2"),
        attribute("service.instance.id", "i-1"),
        attribute("service.namespace", "eu"),
        attribute("deployment.environment", "prod"),
    ];
    let body = format!(
        r#"{{"resourceSpans":[
            {{"resource":{{"attributes":[{}],"droppedAttributesCount":2,
                           "entityRefs":[{{"type":"service","idKeys":["service.name"]}},{{}}]}},"schemaUrl":"r",
              "scopeSpans":[{{"scope":{{"name":"one","version":"v","attributes":[{}]}},"schemaUrl":"s","spans":[{span},{span}]}},
                            {{"spans":[{span}]}}]}},
            {{"scopeSpans":[{{"spans":[]}},{{"scope":{{"name":"two","droppedAttributesCount":3}},"spans":[{span}]}}]}}]}}"#,
        shop.join(","),
        attribute("scope.key", "x"),
    );
    check(
        Signal::Traces,
        &body,
        &[
            "service",
            "service_namespace",
            "service_instance_id",
            "service_version",
            "environment",
            "resource_dropped_attributes_count",
            "resource_schema_url",
            "resource_entity_refs",
            "scope_name",
            "scope_version",
            "scope",
            "scope_types",
            "scope_dropped_attributes_count",
            "scope_schema_url",
            "received_at",
        ],
        expect![[r#"
            {"service":"shop","service_namespace":"eu","service_instance_id":"i-1","service_version":"1.2","environment":"prod","resource_dropped_attributes_count":2,"resource_schema_url":"r","resource_entity_refs":"[{\"type\":\"service\",\"idKeys\":[\"service.name\"]},{}]","scope_name":"one","scope_version":"v","scope":{"scope.key":"x"},"scope_types":"s","scope_dropped_attributes_count":0,"scope_schema_url":"s","received_at":"2023-11-14T22:13:20Z"}
            {"service":"shop","service_namespace":"eu","service_instance_id":"i-1","service_version":"1.2","environment":"prod","resource_dropped_attributes_count":2,"resource_schema_url":"r","resource_entity_refs":"[{\"type\":\"service\",\"idKeys\":[\"service.name\"]},{}]","scope_name":"one","scope_version":"v","scope":{"scope.key":"x"},"scope_types":"s","scope_dropped_attributes_count":0,"scope_schema_url":"s","received_at":"2023-11-14T22:13:20Z"}
            {"service":"shop","service_namespace":"eu","service_instance_id":"i-1","service_version":"1.2","environment":"prod","resource_dropped_attributes_count":2,"resource_schema_url":"r","resource_entity_refs":"[{\"type\":\"service\",\"idKeys\":[\"service.name\"]},{}]","scope_name":"","scope_version":"","scope":{},"scope_types":"","scope_dropped_attributes_count":0,"scope_schema_url":"","received_at":"2023-11-14T22:13:20Z"}
            {"service":"unknown_service","resource_dropped_attributes_count":0,"resource_schema_url":"","scope_name":"two","scope_version":"","scope":{},"scope_types":"","scope_dropped_attributes_count":3,"scope_schema_url":"","received_at":"2023-11-14T22:13:20Z"}
        "#]],
    );
}

/// Scenario: a large resource with more rows than its repetition may take, by an attribute that is only in the map of
/// the resource, and by one that has a column of its own besides.
/// Guarantees: rows beyond the bound are rejected one by one, not stored and not forgotten; columns count.
#[test]
fn repetition_is_bounded() {
    use crate::decode::views::{Resource, Text, View};
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
    // The name of the service is in a column even if nobody names one.
    for (key, n_admitted) in [("k", 3), ("service.name", 1), ("deployment.environment", 1)] {
        let value = Some(AnyValue { value: Some(Value::StringValue("x".repeat(90))) });
        let resource = opentelemetry_proto::tonic::resource::v1::Resource {
            attributes: vec![KeyValue { key: key.to_owned(), value, key_strindex: 0 }],
            ..Default::default()
        };
        let mut report = Report::default();
        let mut owners = owners::Owners::with_repeated_bytes_max(400);
        owners.enter_resource(Some(Resource::of_message(&resource)), Text::default(), &mut report);
        owners.enter_scope(None, Text::default(), &mut report);
        let admitted: Vec<bool> = (0..5).map(|_| owners.admit_row(10, &mut report)).collect();
        let expected: Vec<bool> = (0..5).map(|n| n < n_admitted).collect();
        assert_eq!(admitted, expected, "{key}");
        assert_eq!(report.n_rejected(), 5 - n_admitted, "{key}");
    }
}

/// Scenario: events and links, with attributes and a link that points nowhere.
/// Guarantees: all of it is kept in order, a wrong link under zero ids.
#[test]
fn events_and_links() {
    let body = spans(&[
        r#""events":[{"timeUnixNano":5,"name":"one","attributes":[{"key":"k","value":{"intValue":1}}],"droppedAttributesCount":2},{"name":"two"}],"droppedEventsCount":9"#,
        r#""links":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","traceState":"a=b","flags":257},{"traceId":"ab"}],"droppedLinksCount":8"#,
    ]);
    check(
        Signal::Traces,
        &body,
        &["events", "dropped_events_count", "links", "dropped_links_count"],
        expect![[r#"
            {"events":[{"time":"1970-01-01T00:00:00.000000005Z","name":"one","attributes":{"k":"1"},"attributes_types":"i","dropped_attributes_count":2},{"time":"1970-01-01T00:00:00Z","name":"two","attributes":{},"attributes_types":"","dropped_attributes_count":0}],"dropped_events_count":9,"links":[],"dropped_links_count":0}
            {"events":[],"dropped_events_count":0,"links":[{"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174","trace_state":"a=b","flags":257,"attributes":{},"attributes_types":"","dropped_attributes_count":0},{"trace_id":"00000000000000000000000000000000","span_id":"0000000000000000","trace_state":"","flags":0,"attributes":{},"attributes_types":"","dropped_attributes_count":0}],"dropped_links_count":8}
        "#]],
    );
}

fn logs(records: &[&str]) -> String {
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, records.join(","))
}

/// Scenario: records with both times, one of them, none.
/// Guarantees: the event's time, else the observed, else the receipt's, and it is said which.
#[test]
fn log_times_fall_back() {
    check(
        Signal::Logs,
        &logs(&[r#"{"timeUnixNano":"1","observedTimeUnixNano":"2"}"#, r#"{"observedTimeUnixNano":2}"#, "{}"]),
        &["time", "observed_time", "time_source"],
        expect![[r#"
            {"time":"1970-01-01T00:00:00.000000001Z","observed_time":"1970-01-01T00:00:00.000000002Z","time_source":"event"}
            {"time":"1970-01-01T00:00:00.000000002Z","observed_time":"1970-01-01T00:00:00.000000002Z","time_source":"observed"}
            {"time":"2023-11-14T22:13:20Z","time_source":"received"}
        "#]],
    );
}

/// Scenario: severities by number, by text, by both, unknown.
/// Guarantees: the number decides, then common names in any case; what was sent is kept.
#[test]
fn log_severities() {
    let record =
        |number: i32, text: &str| format!(r#"{{"severityNumber":{number},"severityText":"{text}"}}"#);
    let cases = [
        (1, "", "trace"),
        (8, "x", "debug"),
        (9, "ERROR", "info"),
        (16, "", "warn"),
        (17, "", "error"),
        (24, "", "fatal"),
        (0, "Information", "info"),
        (0, "WARNING", "warn"),
        (0, "ERROR2", "error"),
        (0, " crit ", "fatal"),
        (0, "loud", "unset"),
        (25, "err", "error"),
        (-1, "", "unset"),
    ];
    let records: Vec<String> = cases.iter().map(|(number, text, _)| record(*number, text)).collect();
    let (batch, _) = build_json(Signal::Logs, &logs(&records.iter().map(String::as_str).collect::<Vec<_>>()));
    let severities = batch.column_by_name("severity").unwrap().as_string::<i32>();
    for ((number, text, expected), severity) in cases.iter().zip(severities) {
        assert_eq!(severity, Some(*expected), "{number} {text}");
    }
}

/// Scenario: bodies of text with control characters, a map, nothing; an event; an association.
/// Guarantees: text as it is, other values as their attribute text, each with its letter.
#[test]
fn log_bodies() {
    check(
        Signal::Logs,
        &logs(&[
            r#"{"body":{"stringValue":"\u001b[31mred\u001b[0m"},"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","flags":1}"#,
            r#"{"body":{"kvlistValue":{"values":[{"key":"k","value":{"intValue":0}}]}},"eventName":"page.view"}"#,
            "{}",
        ]),
        &["body", "body_type", "event_name", "trace_id", "span_id", "flags"],
        expect![[r#"
            {"body":"\u001b[31mred\u001b[0m","body_type":"s","event_name":"","trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174","flags":1}
            {"body":"{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"intValue\":\"0\"}}]}}","body_type":"m","event_name":"page.view","flags":0}
            {"body":"","body_type":"e","event_name":"","flags":0}
        "#]],
    );
}

fn metric(members: &str) -> String {
    format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","unit":"s",{members}}}]}}]}}]}}"#
    )
}

/// Scenario: a gauge of integers and doubles, one point stale with a value beside the mark.
/// Guarantees: integers keep both forms; a stale point has no value, in particular not zero.
#[test]
fn number_points() {
    check(
        Signal::Metrics,
        &metric(
            r#""gauge":{"dataPoints":[{"asInt":"9007199254740993","timeUnixNano":3},{"asDouble":0.5,"startTimeUnixNano":1,"timeUnixNano":2},{"flags":1},{"flags":1,"asInt":0}]}"#,
        ),
        &["type", "temporality", "is_monotonic", "start_time", "time", "flags", "value", "value_int"],
        expect![[r#"
            {"type":"gauge","time":"1970-01-01T00:00:00.000000003Z","flags":0,"value":9.007199254740992e15,"value_int":9007199254740993}
            {"type":"gauge","start_time":"1970-01-01T00:00:00.000000001Z","time":"1970-01-01T00:00:00.000000002Z","flags":0,"value":0.5}
            {"type":"gauge","time":"1970-01-01T00:00:00Z","flags":1}
            {"type":"gauge","time":"1970-01-01T00:00:00Z","flags":1}
        "#]],
    );
}

const DISTRIBUTION: &[&str] = &[
    "type",
    "temporality",
    "flags",
    "count",
    "sum",
    "min",
    "max",
    "bucket_counts",
    "explicit_bounds",
    "scale",
    "zero_count",
    "zero_threshold",
    "positive_offset",
    "positive_counts",
    "negative_offset",
    "negative_counts",
    "quantiles",
];

/// Scenario: an explicit histogram with and without buckets, and stale.
/// Guarantees: every field has its column; without a sum there is none, rather than zero.
#[test]
fn explicit_histogram() {
    check(
        Signal::Metrics,
        &metric(
            r#""histogram":{"aggregationTemporality":2,"dataPoints":[{"count":3,"sum":2.5,"min":0.5,"max":2,"bucketCounts":[1,2],"explicitBounds":[1]},{"count":3},{"flags":1,"count":3}]}"#,
        ),
        DISTRIBUTION,
        expect![[r#"
            {"type":"histogram","temporality":"cumulative","flags":0,"count":3,"sum":2.5,"min":0.5,"max":2.0,"bucket_counts":[1,2],"explicit_bounds":[1.0]}
            {"type":"histogram","temporality":"cumulative","flags":0,"count":3,"bucket_counts":[],"explicit_bounds":[]}
            {"type":"histogram","temporality":"cumulative","flags":1}
        "#]],
    );
}

/// Scenario: an exponential histogram of both signs, and a summary.
/// Guarantees: every field has its column.
#[test]
fn exponential_histogram_and_summary() {
    check(
        Signal::Metrics,
        &metric(
            r#""exponentialHistogram":{"aggregationTemporality":1,"dataPoints":[{"count":6,"sum":10,"scale":-1,"zeroCount":1,"zeroThreshold":0.25,"positive":{"offset":1,"bucketCounts":["0","2"]},"negative":{"offset":-2,"bucketCounts":[3]}}]}"#,
        ),
        DISTRIBUTION,
        expect![[r#"
            {"type":"exponential_histogram","temporality":"delta","flags":0,"count":6,"sum":10.0,"scale":-1,"zero_count":1,"zero_threshold":0.25,"positive_offset":1,"positive_counts":[0,2],"negative_offset":-2,"negative_counts":[3]}
        "#]],
    );
    check(
        Signal::Metrics,
        &metric(
            r#""summary":{"dataPoints":[{"count":4,"sum":8,"quantileValues":[{"quantile":0.5,"value":1},{"quantile":1,"value":5}]}]}"#,
        ),
        DISTRIBUTION,
        expect![[r#"
            {"type":"summary","flags":0,"count":4,"sum":8.0,"quantiles":[{"quantile":0.5,"value":1.0},{"quantile":1.0,"value":5.0}]}
        "#]],
    );
}

/// Scenario: exemplars of an integer, a double and of nothing, with and without a span; metadata.
/// Guarantees: kept with their span and attributes; the empty one is left out and warned about.
#[test]
fn exemplars_and_metadata() {
    let body = metric(
        r#""description":"d","metadata":[{"key":"origin","value":{"stringValue":"x"}}],"sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"asInt":1,"exemplars":[
            {"asInt":7,"timeUnixNano":4,"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","filteredAttributes":[{"key":"k","value":{"boolValue":false}}]},
            {"asDouble":1.5,"traceId":"00","spanId":""}, {}]}]}"#,
    );
    check(
        Signal::Metrics,
        &body,
        &[
            "name",
            "description",
            "unit",
            "temporality",
            "is_monotonic",
            "exemplars",
            "metadata",
            "metadata_types",
        ],
        expect![[r#"
            {"name":"m","description":"d","unit":"s","temporality":"cumulative","is_monotonic":true,"exemplars":[{"time":"1970-01-01T00:00:00.000000004Z","value":7.0,"value_int":7,"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174","attributes":{"k":"false"},"attributes_types":"b"},{"time":"1970-01-01T00:00:00Z","value":1.5,"attributes":{},"attributes_types":""}],"metadata":{"origin":"x"},"metadata_types":"s"}
        "#]],
    );
    let (_, report) = build_json(Signal::Metrics, &body);
    assert_eq!(
        report.message().as_deref(),
        Some("warning 1 x exemplar_without_value: an exemplar without a value was left out")
    );
}

/// Scenario: points that differ in one part of their stream's identity each, and two that do not.
/// Guarantees: equal streams share a series, different ones do not, and the number is stable.
#[test]
fn series_identity() {
    let series = |members: &str| {
        let (batch, _) = build_json(Signal::Metrics, &metric(members));
        let ids = batch.column_by_name("series_id").unwrap().as_primitive::<arrow::datatypes::UInt64Type>();
        ids.values().to_vec()
    };
    let attributes = |pairs: &[&str]| {
        let pairs: Vec<String> =
            pairs.iter().map(|key| format!(r#"{{"key":"{key}","value":{{"intValue":1}}}}"#)).collect();
        format!(r#"{{"asInt":1,"attributes":[{}]}}"#, pairs.join(","))
    };
    let points =
        [attributes(&["a", "b"]), attributes(&["b", "a"]), attributes(&["a"]), attributes(&[])].join(",");
    let gauge = series(&format!(r#""gauge":{{"dataPoints":[{points}]}}"#));
    assert_eq!(gauge[0], gauge[1]);
    let sum = |rest: &str| series(&format!(r#""sum":{{{rest},"dataPoints":[{points}]}}"#));
    let mut all = vec![gauge[0], gauge[2], gauge[3]];
    all.extend(
        [
            r#""aggregationTemporality":1"#,
            r#""aggregationTemporality":2"#,
            r#""aggregationTemporality":2,"isMonotonic":true"#,
        ]
        .map(|rest| sum(rest)[0]),
    );
    all.push(series(&format!(r#""unit":"ms","gauge":{{"dataPoints":[{points}]}}"#))[0]);
    let n_all = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), n_all);
    expect!["10028609002224988405"].assert_eq(&gauge[3].to_string());
}
