//! The JSON mapping, and how it loses data without a word.

use super::{post_json, read_back};
use crate::clock::now;
use crate::messages::{self, json};
use crate::outcome::{Checked, Stop, demand, fail, skip};
use crate::query;
use crate::target::Target;
use crate::wire::http::Call;
use crate::wire::{Encoding, Reply, Signal};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Bytes of an example, and how many there may be.
const EXAMPLE_BYTES_MAX: u64 = 4 << 20;
const EXAMPLES_MAX: usize = 100;

/// 20
pub(crate) async fn unknown_fields_are_ignored(target: &Target) -> Checked {
    let service = target.service(20);
    let unknown = || json!({ "nested": [1, "two", { "three": null }] });
    let mut span = json::span("with unknown fields");
    span["fieldOfTomorrow"] = unknown();
    span["attributes"] = json!([
        { "key": "kept", "value": { "stringValue": "yes", "valueOfTomorrow": 1 }, "more": [[]] }
    ]);
    let mut request = json::traces(&service, vec![span]);
    request["fieldOfTomorrow"] = unknown();
    request["resourceSpans"][0]["fieldOfTomorrow"] = unknown();
    request["resourceSpans"][0]["resource"]["fieldOfTomorrow"] = unknown();
    request["resourceSpans"][0]["scopeSpans"][0]["fieldOfTomorrow"] = unknown();
    post_json(target, Signal::Traces, &request).await?.whole()?;
    read_back(target, "200", async {
        let sql = format!("SELECT attributes['kept'] FROM spans WHERE service = '{service}'");
        let rows = query::rows(target, &sql, 1).await?;
        demand(rows == [[json!("yes")]], || format!("what was beside them is {rows:?}"))
    })
    .await
}

/// 21: a value of a type that the field could not have shows whether the key means anything to the server.
pub(crate) async fn snake_case_is_not_data(target: &Target) -> Checked {
    let service = target.service(21);
    let mut span = json::span("good");
    span["trace_id"] = json!(5);
    span["start_time_unix_nano"] = json!([]);
    let probes = [
        ("resource_spans", json!({ "resource_spans": 5 })),
        ("scope_spans", json!({ "resourceSpans": [{ "scope_spans": 5 }] })),
        ("trace_id and start_time_unix_nano", json::traces(&service, vec![span])),
        ("a request", snake_case_request(&service)),
    ];
    let mut warning = String::new();
    for (what, request) in &probes {
        let reply = post_json(target, Signal::Traces, request).await.map_err(|stop| stop.at(what))?;
        reply.whole().map_err(|stop| stop.at(what))?;
        if !reply.message.is_empty() {
            warning = reply.message;
        }
    }
    let warned = if warning.is_empty() {
        "ignored without a word".to_owned()
    } else {
        format!("ignored, with a warning: '{warning}'")
    };
    // Only the span whose other keys are right.
    read_back(target, &warned, query::stored(target, "spans", &service, 1)).await
}

fn snake_case_request(service: &str) -> Value {
    let span = json!({
        "trace_id": messages::hex(&messages::trace_id()),
        "span_id": messages::hex(&messages::span_id()),
        "name": "in snake_case",
        "start_time_unix_nano": now().to_string(),
    });
    json!({ "resource_spans": [{ "resource": json::resource(service), "scope_spans": [{ "spans": [span] }] }] })
}

/// 22
pub(crate) async fn enum_names_are_refused(target: &Target) -> Checked {
    let service = target.service(22);
    let mut span = json::span("kind by name");
    span["kind"] = json!("SPAN_KIND_SERVER");
    let mut log = json::log("severity by name");
    log["severityNumber"] = json!("SEVERITY_NUMBER_INFO");
    for (signal, request) in [
        (Signal::Traces, json::traces(&service, vec![span])),
        (Signal::Logs, json::logs(&service, vec![log])),
    ] {
        let call = Call::export(signal, Encoding::Json, request.to_string());
        let status = call.send(target).await?.status;
        demand(status == 400, || format!("a name of an enum in {} was answered {status}", signal.name()))?;
    }
    Ok("400 for a kind and for a severity".to_owned())
}

/// 23
pub(crate) async fn ids_in_any_case_are_equal(target: &Target) -> Checked {
    let service = target.service(23);
    let id = messages::trace_id();
    let lower = messages::hex(&id);
    // Letters in turn large and small.
    let mixed: String = lower
        .chars()
        .enumerate()
        .map(|(place, c)| if place.is_multiple_of(2) { c.to_ascii_uppercase() } else { c })
        .collect();
    let spans = [lower.to_uppercase(), lower.clone(), mixed].map(|id| {
        json::span_of(&id, &messages::hex(&messages::span_id()).to_uppercase(), "an id in some case")
    });
    post_json(target, Signal::Traces, &json::traces(&service, spans.to_vec())).await?.whole()?;
    read_back(target, "200 for all three", async {
        let sql = format!("SELECT span_id FROM spans WHERE trace_id = X'{lower}' AND service = '{service}'");
        let n_rows = query::rows(target, &sql, spans.len()).await?.len();
        demand(n_rows == spans.len(), || format!("{n_rows} of {} spans have the same trace id", spans.len()))
    })
    .await
}

/// 24
pub(crate) async fn ids_are_hex_of_one_length(target: &Target) -> Checked {
    let span_id = || messages::hex(&messages::span_id());
    let base64 = json::span_of("W47/95gDgQPSabYzgT/GDA==", &span_id(), "base64");
    let request = json::traces(&format!("{}-base64", target.service(24)), vec![json::span("good"), base64]);
    let answer = Call::export(Signal::Traces, Encoding::Json, request.to_string()).send(target).await?;
    if answer.status != 400 {
        let reply = Reply::of_http(&answer, Signal::Traces, Encoding::Json)?;
        reply.rejected(1).map_err(|stop| stop.at("an id in base64"))?;
    }
    let service = target.service(24);
    let hex = messages::hex(&messages::trace_id());
    let spans = vec![
        json::span("good"),
        json::span_of(&hex[2..], &span_id(), "15 bytes"),
        json::span_of(&format!("{hex}00"), &span_id(), "17 bytes"),
        json::span_of(&hex, &span_id()[2..], "7 bytes"),
    ];
    let reply = post_json(target, Signal::Traces, &json::traces(&service, spans)).await;
    reply.and_then(|reply| reply.rejected(3)).map_err(|stop| stop.at("ids of a wrong length"))?;
    let seen = format!("base64 is refused with {}, ids of 15, 17 and 7 bytes item by item", answer.status);
    read_back(target, &seen, query::stored(target, "spans", &service, 1)).await
}

/// 25
pub(crate) async fn integers_are_text_or_numbers(target: &Target) -> Checked {
    /// The largest that JavaScript counts to, and an integer that a double does not hold.
    const SAFE: i64 = 9_007_199_254_740_991;
    const LARGE: i64 = 9_007_199_254_740_993;
    let service = target.service(25);
    let end = now();
    let span = |safe: Value, large: Value, start: Value, end: Value| {
        let mut span = json::span("integers");
        span["startTimeUnixNano"] = start;
        span["endTimeUnixNano"] = end;
        span["attributes"] = json!([
            { "key": "safe", "value": { "intValue": safe } },
            { "key": "large", "value": { "intValue": large } },
        ]);
        span
    };
    let start = end.saturating_sub(1_000_001);
    let as_text = span(
        json!(SAFE.to_string()),
        json!(LARGE.to_string()),
        json!(start.to_string()),
        json!(end.to_string()),
    );
    let as_numbers = span(json!(SAFE), json!(LARGE), json!(start), json!(end));
    let request = json::traces(&service, vec![as_text, as_numbers]);
    post_json(target, Signal::Traces, &request).await?.whole()?;
    let gauges = vec![json::gauge("as.text", json!("5")), json::gauge("as.number", json!(5))];
    post_json(target, Signal::Metrics, &json::metrics(&service, gauges)).await?.whole()?;
    read_back(target, "200 for both", async {
        let sql = format!(
            "SELECT attributes['safe'], attributes['large'], start_time, end_time FROM spans \
             WHERE service = '{service}'"
        );
        same_rows(query::rows(target, &sql, 2).await?)?;
        let sql = format!("SELECT value_int FROM metric_points WHERE service = '{service}'");
        same_rows(query::rows(target, &sql, 2).await?)
    })
    .await
}

fn same_rows(rows: Vec<Vec<Value>>) -> Result<(), Stop> {
    match rows.as_slice() {
        [first, second] if first == second => Ok(()),
        _ => fail(format!("the rows differ: {rows:?}")),
    }
}

/// 26
pub(crate) async fn null_is_absent(target: &Target) -> Checked {
    let service = target.service(26);
    let mut span = json::span("with nulls");
    for key in [
        "parentSpanId",
        "traceState",
        "flags",
        "attributes",
        "droppedAttributesCount",
        "events",
        "droppedEventsCount",
        "links",
        "droppedLinksCount",
        "status",
    ] {
        span[key] = Value::Null;
    }
    let mut request = json::traces(&service, vec![span]);
    request["resourceSpans"][0]["schemaUrl"] = Value::Null;
    request["resourceSpans"][0]["resource"]["droppedAttributesCount"] = Value::Null;
    request["resourceSpans"][0]["scopeSpans"][0]["scope"] = Value::Null;
    post_json(target, Signal::Traces, &request).await?.whole()?;
    let mut log = json::log("with nulls");
    for key in ["traceId", "spanId", "severityText", "attributes", "flags", "eventName"] {
        log[key] = Value::Null;
    }
    post_json(target, Signal::Logs, &json::logs(&service, vec![log])).await?.whole()?;
    read_back(target, "200", async {
        let sql = format!("SELECT parent_span_id, trace_state FROM spans WHERE service = '{service}'");
        let rows = query::rows(target, &sql, 1).await?;
        demand(rows == [[Value::Null, json!("")]], || format!("read back as {rows:?}"))?;
        query::stored(target, "logs", &service, 1).await
    })
    .await
}

/// 42
pub(crate) async fn examples_are_accepted(target: &Target) -> Checked {
    let Some(dir) = target.examples() else {
        return skip("the examples of the opentelemetry-proto repository are needed: give --examples");
    };
    let files = example_files(dir).await.or_else(|error| fail(format!("{}: {error}", dir.display())))?;
    demand(!files.is_empty(), || format!("no .json file in {}", dir.display()))?;
    for file in &files {
        let name = file.file_name().unwrap_or_default().display().to_string();
        accepted(target, file).await.map_err(|stop| stop.at(&name))?;
    }
    Ok(format!("200 for {} examples", files.len()))
}

async fn example_files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut entries = tokio::fs::read_dir(dir).await?;
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "json") && files.len() < EXAMPLES_MAX {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Posts a file byte for byte to the path of its signal.
async fn accepted(target: &Target, file: &Path) -> Result<(), Stop> {
    let unreadable = |error: std::io::Error| Stop::Fail(format!("cannot be read: {error}"));
    let n_bytes = tokio::fs::metadata(file).await.map_err(unreadable)?.len();
    demand(n_bytes <= EXAMPLE_BYTES_MAX, || format!("{n_bytes} bytes are too many for an example"))?;
    let body = tokio::fs::read(file).await.map_err(unreadable)?;
    let request: Value =
        serde_json::from_slice(&body).or_else(|error| fail(format!("is no JSON: {error}")))?;
    let signal = if request.get("resourceSpans").is_some() {
        Signal::Traces
    } else if request.get("resourceLogs").is_some() {
        Signal::Logs
    } else {
        Signal::Metrics
    };
    super::post(target, signal, Encoding::Json, body).await?.whole()
}
