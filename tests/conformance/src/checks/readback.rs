//! What is stored, and what is counted: all of it is read back.

use super::{post_json, post_protobuf};
use crate::messages::{self, json, points};
use crate::outcome::{Checked, Stop, demand, fail, skip};
use crate::query;
use crate::target::Target;
use crate::wire::http::Call;
use crate::wire::{Encoding, Signal};
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;
use serde_json::{Value, json};

/// A value of each kind, the letter that the server keeps for it, and what its text has to hold.
const VALUES: [(&str, &str, &str); 8] = [
    ("s", r#"{"stringValue":"plain"}"#, "plain"),
    ("b", r#"{"boolValue":true}"#, "true"),
    ("i", r#"{"intValue":"-9007199254740993"}"#, "-9007199254740993"),
    ("d", r#"{"doubleValue":0.1}"#, "0.1"),
    ("x", r#"{"bytesValue":"AAEC/w=="}"#, "AAEC/w=="),
    ("a", r#"{"arrayValue":{"values":[{"stringValue":"first"},{"intValue":"2"},{}]}}"#, "first"),
    ("m", r#"{"kvlistValue":{"values":[{"key":"inner","value":{"arrayValue":{}}}]}}"#, "inner"),
    ("e", "{}", ""),
];

/// 29
pub(crate) async fn all_values_are_stored(target: &Target) -> Checked {
    let service = target.service(29);
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let attribute = |(key, text, _): &(&str, &str, &str)| json!({ "key": key, "value": value(text) });
    let mut span = json::span("every kind of value");
    span["attributes"] = VALUES.iter().map(attribute).collect();
    let mut log = json::log("");
    log["body"] = value(VALUES[6].1);
    post_json(target, Signal::Traces, &json::traces(&service, vec![span])).await?.whole()?;
    post_json(target, Signal::Logs, &json::logs(&service, vec![log])).await?.whole()?;
    let sql =
        format!("SELECT attributes_types, map_values(attributes) FROM spans WHERE service = '{service}'");
    let rows = query::rows(target, &sql, 1).await?;
    let [row] = rows.as_slice() else { return fail(format!("{} spans", rows.len())) };
    let letters: String = VALUES.iter().map(|(letter, ..)| *letter).collect();
    demand(row.first() == Some(&json!(letters)), || format!("the kinds are {row:?}, not {letters}"))?;
    let texts = row.get(1).and_then(Value::as_array).cloned().unwrap_or_default();
    demand(texts.len() == VALUES.len(), || format!("the values are {texts:?}"))?;
    for (text, (letter, _, part)) in texts.iter().zip(VALUES) {
        let is_there = text.as_str().is_some_and(|text| text.contains(part));
        demand(is_there, || format!("the value of kind {letter} is {text}"))?;
    }
    let sql = format!("SELECT body_type, body FROM logs WHERE service = '{service}'");
    let body = query::shown(target, &sql, 1).await?;
    demand(body.contains("\"m\"") && body.contains("inner"), || format!("the log's body is {body}"))?;
    Ok("eight kinds of values, and a map as a log's body, read back".to_owned())
}

/// 38
pub(crate) async fn survives_kill_9(_: &Target) -> Checked {
    skip("a black box cannot be killed from outside: the server's own tests kill it under load")
}

/// 39
pub(crate) async fn resent_is_stored_once(target: &Target) -> Checked {
    let service = target.service(39);
    let request = messages::traces(&service, vec![messages::span("once"), messages::span("once")]);
    for _ in 0..3 {
        post_protobuf(target, Signal::Traces, &request).await?.whole()?;
    }
    query::stored(target, "spans", &service, 2).await?;
    Ok("sent three times, stored once".to_owned())
}

/// What the server counts as rejected: items by its status, items by `/metrics`, requests likewise.
#[derive(Debug, Clone, PartialEq)]
struct Counts {
    /// Spans and data points.
    status: [i64; 2],
    metrics: [i64; 2],
    refused_requests: i64,
    /// Of all reasons together, as the dashboard lists them.
    listed: i64,
}

/// 47: nobody else may send meanwhile, so the line is checked alone.
pub(crate) async fn counts_agree(target: &Target) -> Checked {
    let before = counts(target).await?;
    let mut spans = vec![messages::span("good"), messages::span("bad"), messages::span("bad")];
    spans[1].trace_id.clear();
    spans[2].span_id.clear();
    let request = messages::traces(&target.service(47), spans);
    let n_spans = post_protobuf(target, Signal::Traces, &request).await?.n_rejected;
    let wild = points::exponential(0, 5_000, vec![1]);
    let metric =
        points::exponential_histogram("conformance.counts", vec![wild], AggregationTemporality::Delta);
    let request = messages::metrics(&target.service(47), vec![metric]);
    let n_points = post_protobuf(target, Signal::Metrics, &request).await?.n_rejected;
    let call = Call::export(Signal::Traces, Encoding::Json, messages::UNDECODABLE_JSON);
    let status = call.send(target).await?.status;
    demand(status == 400, || format!("an undecodable request was answered {status}"))?;
    let after = counts(target).await?;
    let wanted = [n_spans, n_points];
    let grown = Counts {
        status: difference(after.status, before.status),
        metrics: difference(after.metrics, before.metrics),
        refused_requests: after.refused_requests - before.refused_requests,
        listed: after.listed - before.listed,
    };
    let is_equal = grown
        == Counts { status: wanted, metrics: wanted, refused_requests: 1, listed: n_spans + n_points + 1 };
    demand(is_equal, || format!("the answers count {wanted:?} and one request, the server {grown:?}"))?;
    Ok(format!("{n_spans} spans, {n_points} point and one request, in the answers, the status and /metrics"))
}

fn difference(after: [i64; 2], before: [i64; 2]) -> [i64; 2] {
    [after[0] - before[0], after[1] - before[1]]
}

async fn counts(target: &Target) -> Result<Counts, Stop> {
    let status = query::document(target, "/api/v1/status").await?;
    let page = query::page(target, "/metrics").await?;
    let of_signal = |signal: Signal| {
        let mut signals = status["signals"].as_array().into_iter().flatten();
        let counts = signals.find(|counts| counts["signal"] == signal.name());
        counts.and_then(|counts| counts["n_rejected"].as_i64()).unwrap_or(0)
    };
    let items = |signal: Signal| {
        sum(&page, "firstfault_rejected_items_total", &format!("signal=\"{}\"", signal.name()))
    };
    let listed = status["rejections"].as_array().into_iter().flatten();
    Ok(Counts {
        status: [of_signal(Signal::Traces), of_signal(Signal::Metrics)],
        metrics: [items(Signal::Traces), items(Signal::Metrics)],
        refused_requests: sum(&page, "firstfault_refused_requests_total", ""),
        listed: listed.filter_map(|rejection| rejection["n"].as_i64()).sum(),
    })
}

/// The sum of a metric's samples that have a label, in Prometheus' text format.
fn sum(page: &str, name: &str, label: &str) -> i64 {
    let samples = page.lines().filter_map(|line| line.strip_prefix(name)?.split_once(' '));
    let samples = samples
        .filter(|(labels, _)| (labels.is_empty() || labels.starts_with('{')) && labels.contains(label));
    samples.filter_map(|(_, value)| value.trim().parse::<i64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a page of metrics with comments, labels, and a longer name with the same beginning.
    /// Guarantees: only the named metric's samples are added up, by label or all of them.
    #[test]
    fn samples_are_added_up() {
        let page = "# TYPE a_total counter\na_total{signal=\"traces\"} 2\na_total{signal=\"logs\"} 3\na_total_more 9\n";
        assert_eq!(sum(page, "a_total", "signal=\"logs\""), 3);
        assert_eq!(sum(page, "a_total", ""), 5);
        assert_eq!(sum(page, "b_total", ""), 0);
    }
}
