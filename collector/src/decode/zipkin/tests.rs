//! Zipkin's spans as rows: whole ones, those of OpenTelemetry's exporters, shared ones, and whatever else comes.

use super::super::tests::{findings, rows, shown};
use super::super::{Encoding, Error};
use crate::decode::Report;
use arrow::array::{Array, RecordBatch};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use storage::Signal;

fn read(body: &str) -> (RecordBatch, Report) {
    rows(Signal::Traces, Encoding::ZipkinJson, body.as_bytes()).unwrap()
}

fn check(body: &str, columns: &[&str], expected: Expect) {
    let (batch, report) = read(body);
    assert_eq!(report, Report::default());
    expected.assert_eq(&shown(&batch, columns));
}

/// A list of one span with these members on top of valid ids and a time.
fn span(members: &str) -> String {
    let ids = r#""traceId":"5b8efff798038103d269b633813fc60c","id":"eee19b7ec3c1b174","timestamp":1544712660000000"#;
    format!("[{{{ids},{members}}}]")
}

/// Scenario: a client's span with everything that a span may have.
/// Guarantees: each field is where OTLP has it, times in nanoseconds, both endpoints in the words of the conventions.
#[test]
fn a_whole_span() {
    let body = span(
        r#""parentId":"eee19b7ec3c1b173","kind":"CLIENT","name":"get","duration":250,"debug":true,"shared":false,
        "localEndpoint":{"serviceName":"shop","ipv4":"10.0.0.1","port":8080},
        "remoteEndpoint":{"serviceName":"stock","ipv4":"10.0.0.2","ipv6":"2001:db8::c001","port":443},
        "annotations":[{"timestamp":1544712660000100,"value":"wire send"}],
        "tags":{"http.method":"GET","http.status_code":"200"}"#,
    );
    check(
        &body,
        &["trace_id", "span_id", "parent_span_id", "name", "kind", "start_time", "end_time", "duration_ns"],
        expect![[r#"
            {"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174","parent_span_id":"eee19b7ec3c1b173","name":"get","kind":"client","start_time":"2018-12-13T14:51:00Z","end_time":"2018-12-13T14:51:00.000250Z","duration_ns":250000}
        "#]],
    );
    check(
        &body,
        &[
            "service",
            "peer_service",
            "http_request_method",
            "http_response_status_code",
            "status_code",
            "resource",
        ],
        expect![[r#"
            {"service":"shop","peer_service":"stock","http_request_method":"GET","http_response_status_code":200,"status_code":"unset","resource":{"service.name":"shop"}}
        "#]],
    );
    check(
        &body,
        &["attributes", "attributes_types", "events"],
        expect![[r#"
            {"attributes":{"http.method":"GET","http.status_code":"200","peer.service":"stock","network.peer.address":"10.0.0.2","network.peer.port":"443","zipkin.remote.ipv6":"2001:db8::c001","network.local.address":"10.0.0.1","network.local.port":"8080","zipkin.debug":"true"},"attributes_types":"ssssissib","events":[{"time":"2018-12-13T14:51:00.000100Z","name":"wire send","attributes":{},"attributes_types":"","dropped_attributes_count":0}]}
        "#]],
    );
}

/// Scenario: a span as OpenTelemetry's exporters write it, with scope, resource, status and counts among its tags.
/// Guarantees: all of them are where they were before the export; no tag is left of them.
#[test]
fn what_exporters_put_into_tags_is_taken_out() {
    let body = span(
        r#""kind":null,"name":"price order","localEndpoint":{"serviceName":"shop"},
        "annotations":[{"timestamp":1544712660000007,"value":"{\"priced\": {\"cents\": 100}}"}],
        "tags":{"order.number":"7","service.name":"shop","service.version":"9.8.7","deployment.environment.name":"test",
        "telemetry.sdk.language":"python","otel.library.name":"shop.orders","otel.library.version":"1.2.3",
        "otel.scope.name":"shop.orders","otel.scope.version":"1.2.3","otel.status_code":"ERROR","error":"no price",
        "otel.dropped_attributes_count":"1","otel.dropped_events_count":"2","otel.dropped_links_count":"3",
        "w3c.tracestate":"ot=th:8","peer.service":"told","otel.scope.none":null}"#,
    );
    check(
        &body,
        &["kind", "status_code", "status_message", "is_error", "trace_state", "scope_name", "scope_version"],
        expect![[r#"
            {"kind":"internal","status_code":"error","status_message":"no price","is_error":true,"trace_state":"ot=th:8","scope_name":"shop.orders","scope_version":"1.2.3"}
        "#]],
    );
    check(
        &body,
        &["service", "service_version", "environment", "resource", "attributes"],
        expect![[r#"
            {"service":"shop","service_version":"9.8.7","environment":"test","resource":{"service.name":"shop","service.version":"9.8.7","deployment.environment.name":"test","telemetry.sdk.language":"python"},"attributes":{"order.number":"7","peer.service":"told"}}
        "#]],
    );
    check(
        &body,
        &["dropped_attributes_count", "dropped_events_count", "dropped_links_count", "events"],
        expect![[r#"
            {"dropped_attributes_count":1,"dropped_events_count":2,"dropped_links_count":3,"events":[{"time":"2018-12-13T14:51:00.000007Z","name":"priced","attributes":{"cents":"100"},"attributes_types":"i","dropped_attributes_count":0}]}
        "#]],
    );
}

/// Scenario: tags about errors in every combination that decides.
/// Guarantees: a status that was sent is final; otherwise `error` is a failure unless it says false, and then it
/// stays a tag.
#[test]
fn status_of_tags() {
    let members = [
        r#""error":"timeout""#,
        r#""error":"true""#,
        r#""error":"""#,
        r#""error":"false""#,
        r#""error":false"#,
        r#""otel.status_code":"Ok","error":"ignored""#,
        r#""otel.status_code":"ERROR""#,
        r#""otel.status_code":"error","otel.status_description":"gone","error":"true""#,
        r#""otel.status_code":"7""#,
    ];
    let spans: Vec<String> = members
        .iter()
        .zip(1..)
        .map(|(tags, id)| format!(r#"{{"traceId":"abc","id":"{id}","timestamp":1,"tags":{{{tags}}}}}"#))
        .collect();
    check(
        &format!("[{}]", spans.join(",")),
        &["status_code", "status_message", "attributes"],
        expect![[r#"
            {"status_code":"error","status_message":"timeout","attributes":{}}
            {"status_code":"error","status_message":"","attributes":{}}
            {"status_code":"error","status_message":"","attributes":{}}
            {"status_code":"unset","status_message":"","attributes":{"error":"false"}}
            {"status_code":"unset","status_message":"","attributes":{"error":"false"}}
            {"status_code":"ok","status_message":"","attributes":{"error":"ignored"}}
            {"status_code":"error","status_message":"","attributes":{}}
            {"status_code":"error","status_message":"gone","attributes":{}}
            {"status_code":"unset","status_message":"","attributes":{"otel.status_code":"7"}}
        "#]],
    );
}

/// Scenario: a call from shop to stock under one id, as B3 headers make it, and a span below each half; the trace id
/// has 64 bits.
/// Guarantees: four spans with four ids, the server's below the client's, and each other one below its own half.
#[test]
fn shared_spans_become_two() {
    let span = |service: &str, members: &str| {
        format!(
            r#"{{"traceId":"d269b633813fc60c","timestamp":1,"localEndpoint":{{"serviceName":"{service}"}},{members}}}"#
        )
    };
    let spans = [
        span("shop", r#""id":"b","parentId":"a","kind":"CLIENT","name":"call""#),
        span("shop", r#""id":"c","parentId":"b","name":"wait""#),
        span("stock", r#""id":"b","parentId":"a","kind":"SERVER","name":"serve","shared":true"#),
        span("stock", r#""id":"d","parentId":"b","name":"look up""#),
    ];
    let (batch, report) = read(&format!("[{}]", spans.join(",")));
    assert_eq!(report, Report::default());
    expect![[r#"
        {"trace_id":"0000000000000000d269b633813fc60c","span_id":"000000000000000b","parent_span_id":"000000000000000a","name":"call","attributes":{}}
        {"trace_id":"0000000000000000d269b633813fc60c","span_id":"000000000000000c","parent_span_id":"000000000000000b","name":"wait","attributes":{}}
        {"trace_id":"0000000000000000d269b633813fc60c","span_id":"85fe32513c0a91eb","parent_span_id":"000000000000000b","name":"serve","attributes":{"zipkin.shared":"true"}}
        {"trace_id":"0000000000000000d269b633813fc60c","span_id":"000000000000000d","parent_span_id":"85fe32513c0a91eb","name":"look up","attributes":{}}
    "#]]
    .assert_eq(&shown(&batch, &["trace_id", "span_id", "parent_span_id", "name", "attributes"]));
    let alone = read(&format!("[{}]", spans[2])).0;
    assert_eq!(
        alone.column_by_name("span_id").unwrap(),
        &batch.column_by_name("span_id").unwrap().slice(2, 1)
    );
}

/// Scenario: members that are null, numbers where text is expected and text where numbers are, an unknown kind, no
/// times but those of annotations, no time at all, a parent that is the span itself.
/// Guarantees: taken as they are meant; what is doubtful is counted, and nothing is lost.
#[test]
fn loose_spans_are_taken() {
    let body = r#"[
        {"traceId":"1","id":"1","parentId":null,"name":null,"kind":null,"tags":{"n":1,"f":1.5,"b":true,"none":null},"annotations":null,
         "timestamp":"2000000","duration":"3","localEndpoint":null,"remoteEndpoint":{"serviceName":null,"port":0}},
        {"traceId":"1","id":"2","kind":"GATEWAY","annotations":[{"timestamp":9000000,"value":"b"},{"timestamp":5000000,"value":"a"},{"value":"?"}]},
        {"traceId":"1","id":"3","parentId":"3","tags":{"service.name":"tagged"}}]"#;
    let (batch, report) = read(body);
    expect![[r#"
        {"kind":"internal","start_time":"1970-01-01T00:00:02Z","duration_ns":3000,"service":"unknown_service","attributes":{"n":"1","f":"1.5","b":"true"}}
        {"kind":"unspecified","start_time":"1970-01-01T00:00:05Z","duration_ns":0,"service":"unknown_service","attributes":{"zipkin.kind":"GATEWAY"}}
        {"kind":"internal","start_time":"1970-01-01T00:00:00Z","duration_ns":0,"service":"tagged","attributes":{}}
    "#]]
    .assert_eq(&shown(&batch, &["kind", "start_time", "duration_ns", "service", "attributes"]));
    expect!["note 1 x span_without_time: span '' has no timestamp"].assert_eq(&findings(&report));
    assert_eq!(batch.column_by_name("parent_span_id").unwrap().null_count(), 3);
}

/// Scenario: spans with ids that are none, beside a good one, and keys that version 2 does not have.
/// Guarantees: a wrong id costs its own span only; what is ignored is said.
#[test]
fn wrong_ids_and_unknown_keys_are_told() {
    let body = r#"[{"traceId":"1","id":"1","timestamp":1,"binaryAnnotations":[{"key":"lc"}]},
        {"traceId":"xyz","id":"1","name":"a","timestamp":1},{"traceId":"0","id":"1","timestamp":1},
        {"traceId":"1","timestamp":1},{"traceId":"1","id":"11112222333344445","timestamp":1}]"#;
    let (batch, report) = read(body);
    assert_eq!(batch.num_rows(), 1);
    expect![[r#"
        item 2 x trace_id_invalid: span 'a' has trace_id of 9 bytes '78797a3f3f3f3f3f3f'
        item 2 x span_id_invalid: span '' has span_id of 0 bytes ''
        warning 1 x zipkin_key_unknown: ignored keys that Zipkin's v2 spans do not have: 'binaryAnnotations'"#]]
    .assert_eq(&findings(&report));
}

/// Scenario: bodies that are no list of spans, and an empty list.
/// Guarantees: refused with the place; a list without spans is taken.
#[test]
fn other_bodies_are_refused_with_their_place() {
    let refusal = |body: &str| match rows(Signal::Traces, Encoding::ZipkinJson, body.as_bytes()) {
        Err(Error::Zipkin { source }) => source.to_string(),
        other => panic!("{body}: {other:?}"),
    };
    let refusals =
        ["", "{}", "[1]", "[{}] x", r#"[{"id":5}]"#, r#"[{"timestamp":-1}]"#, r#"[{"tags":{"k":[]}}]"#];
    expect![[r#"
        EOF while parsing a value at line 1 column 0
        invalid type: map, expected an array at line 1 column 0
        invalid type: integer `1`, expected an object (Zipkin span) at line 1 column 2
        trailing characters at line 1 column 6
        invalid type: integer `5`, expected text at line 1 column 8
        invalid type: integer `-1`, expected an unsigned integer, as a number or as text at line 1 column 16
        invalid type: sequence, expected a tag's value as text at line 1 column 16"#]]
    .assert_eq(&refusals.map(refusal).join("\n"));
    assert_eq!(read("[]").0.num_rows(), 0);
}

/// Scenario: a few megabytes of empty spans, annotations and tags, which decode to hundreds of times their size.
/// Guarantees: refused before that memory is taken.
#[test]
fn a_flood_of_empty_things_is_refused() {
    let many = vec!["{}"; 3 << 20].join(",");
    let tags = vec![r#""":"""#; 3 << 20].join(",");
    for body in [
        format!("[{many}]"),
        format!(r#"[{{"annotations":[{many}]}}]"#),
        format!(r#"[{{"tags":{{{tags}}}}}]"#),
    ] {
        let read = rows(Signal::Traces, Encoding::ZipkinJson, body.as_bytes());
        assert!(matches!(read, Err(Error::TooLarge { .. })));
    }
}

/// Any JSON, with the keys of spans here and there.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,6}".prop_map(Json::from),
        "[0-9a-f]{0,33}".prop_map(Json::from),
        Just(json!({"e": {"k": [1, "x", null]}}).to_string()).prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![
            4 => prop::sample::select(vec![
                "traceId", "id", "parentId", "name", "kind", "timestamp", "duration", "shared", "tags", "value",
                "annotations", "localEndpoint", "remoteEndpoint", "serviceName", "ipv4", "port", "error",
            ])
            .prop_map(str::to_owned),
            1 => ".{0,4}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn any_span() -> impl Strategy<Value = Json> {
    let id = || prop_oneof![4 => "[0-9a-fA-F]{1,16}", 1 => ".{0,20}"];
    let ids = (id(), id(), prop::option::of(id()), any::<bool>());
    let times = (any::<u64>(), any::<u64>());
    let tags = prop::collection::vec(("[a-z.]{0,3}|error|otel.status_code|service.name", ".{0,4}"), 0..6);
    (ids, times, tags, ".{0,8}").prop_map(|(ids, times, tags, name)| {
        let tags = Json::Object(tags.into_iter().map(|(key, text)| (key, Json::from(text))).collect());
        json!({
            "traceId": ids.0, "id": ids.1, "parentId": ids.2, "shared": ids.3, "name": name, "tags": tags,
            "timestamp": times.0, "duration": times.1, "localEndpoint": {"serviceName": name},
        })
    })
}

proptest! {
    /// Scenario: any JSON, with the keys of spans in it.
    /// Guarantees: rows or an error, never a panic.
    #[test]
    fn arbitrary_json_never_panics(body in prop::collection::vec(any_json(), 0..4)) {
        let _ = rows(Signal::Traces, Encoding::ZipkinJson, Json::from(body).to_string().as_bytes());
    }

    /// Scenario: spans with good and bad ids, shared and not, with any times.
    /// Guarantees: each is stored or counted as rejected.
    #[test]
    fn spans_are_stored_or_counted(body in prop::collection::vec(any_span(), 0..6)) {
        let n_spans = body.len() as u64;
        let (batch, report) = read(&Json::from(body).to_string());
        prop_assert_eq!(batch.num_rows() as u64 + report.n_rejected(), n_spans);
    }
}
