//! Items that are wrong among others that are right, and items that only look wrong.

use super::{call, post_json, post_protobuf, read_back};
use crate::messages::{self, attribute, hex, json, text};
use crate::outcome::{Checked, demand};
use crate::query;
use crate::target::Target;
use crate::wire::Signal;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::span::Link;
use serde_json::{Value, json};

/// 27
pub(crate) async fn zero_ids_are_rejected(target: &Target) -> Checked {
    let service = target.service(27);
    let mut spans = vec![messages::span("good"), messages::span("no trace"), messages::span("no span")];
    spans[1].trace_id = vec![0; 16];
    spans[2].span_id = vec![0; 8];
    call(target, Signal::Traces, &messages::traces(&service, spans)).await?.rejected(2)?;
    let spans = vec![
        json::span("good"),
        json::span_of(&"0".repeat(32), &hex(&messages::span_id()), "no trace"),
        json::span_of(&hex(&messages::trace_id()), &"0".repeat(16), "no span"),
    ];
    post_json(target, Signal::Traces, &json::traces(&service, spans)).await?.rejected(2)?;
    let seen = "2 of 3 spans rejected, over gRPC and as JSON";
    read_back(target, seen, query::stored(target, "spans", &service, 2)).await
}

/// 28
pub(crate) async fn bad_ids_of_logs_are_dropped(target: &Target) -> Checked {
    let service = target.service(28);
    let mut log = messages::log("with an id of two bytes");
    log.trace_id = vec![0xab, 0xcd];
    log.span_id = vec![1; 9];
    post_protobuf(target, Signal::Logs, &messages::logs(&service, vec![log])).await?.whole()?;
    let mut log = json::log("with an id of two bytes");
    log["traceId"] = json!("abcd");
    log["spanId"] = json!("010101");
    post_json(target, Signal::Logs, &json::logs(&service, vec![log])).await?.whole()?;
    read_back(target, "200, nothing rejected", async {
        let sql = format!("SELECT trace_id, span_id FROM logs WHERE service = '{service}'");
        let rows = query::rows(target, &sql, 2).await?;
        let none = [Value::Null, Value::Null];
        demand(rows == [none.clone(), none], || format!("read back as {rows:?}"))
    })
    .await
}

/// 30: the specification wants a warning, and lets the server choose where: a log cannot be seen from outside.
pub(crate) async fn string_tables_are_ignored(target: &Target) -> Checked {
    let service = target.service(30);
    let indexed = AnyValue { value: Some(any_value::Value::StringValueStrindex(3)) };
    let mut span = messages::span("with indexes");
    span.attributes = vec![
        KeyValue { key_strindex: 2, value: Some(text("keyless")), ..KeyValue::default() },
        attribute("indexed", indexed),
        attribute("kept", text("yes")),
    ];
    let reply = post_protobuf(target, Signal::Traces, &messages::traces(&service, vec![span])).await?;
    reply.whole()?;
    let mut span = json::span("with indexes");
    span["attributes"] = json!([
        { "keyStrindex": 2, "value": { "stringValue": "keyless" } },
        { "key": "indexed", "value": { "stringValueStrindex": 3 } },
        { "key": "kept", "value": { "stringValue": "yes" } },
    ]);
    post_json(target, Signal::Traces, &json::traces(&service, vec![span])).await?.whole()?;
    let seen = match reply.message.as_str() {
        "" => "200, without a warning in the answer".to_owned(),
        message => format!("200, with a warning: '{message}'"),
    };
    read_back(target, &seen, async {
        let sql = format!("SELECT attributes['kept'] FROM spans WHERE service = '{service}'");
        let rows = query::rows(target, &sql, 2).await?;
        demand(rows == [[json!("yes")], [json!("yes")]], || format!("the attribute beside them is {rows:?}"))
    })
    .await
}

/// 31
pub(crate) async fn flags_are_tolerated(target: &Target) -> Checked {
    let service = target.service(31);
    let mut span = messages::span("all flags");
    span.flags = u32::MAX;
    span.links = vec![Link {
        trace_id: messages::trace_id().to_vec(),
        span_id: messages::span_id().to_vec(),
        flags: u32::MAX,
        ..Link::default()
    }];
    post_protobuf(target, Signal::Traces, &messages::traces(&service, vec![span])).await?.whole()?;
    let mut log = messages::log("all flags");
    log.flags = u32::MAX;
    post_protobuf(target, Signal::Logs, &messages::logs(&service, vec![log])).await?.whole()?;
    read_back(target, "200, nothing rejected", async {
        for table in ["spans", "logs"] {
            let sql = format!("SELECT flags FROM {table} WHERE service = '{service}'");
            let rows = query::rows(target, &sql, 1).await?;
            demand(rows == [[json!(u32::MAX)]], || format!("the flags in {table} are {rows:?}"))?;
        }
        Ok(())
    })
    .await
}
