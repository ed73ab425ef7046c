//! Counters, rates, the ring of rejections, and the page for scrapers.

use super::*;
use expect_test::expect;

const NOW: i64 = 1_700_000_000_000_000_000;

fn accept(telemetry: &Telemetry, report: &Report, now: i64) {
    let kind = RequestKind { signal: Signal::Traces, transport: Transport::Http, encoding: "json" };
    let (took, origin, message) = (Duration::from_millis(3), origin("/v1/traces"), report.message());
    let message = message.as_deref();
    telemetry
        .accepted(&Accepted { origin: &origin, kind, n_items: 2, n_bytes: 100, report, message, took }, now);
}

fn origin(path: &str) -> Origin {
    Origin::new(Some([127, 0, 0, 1].into()), Transport::Http, path)
}

fn refuse(telemetry: &Telemetry, signal: Option<Signal>, reason: Reason, message: &str, now: i64) {
    let origin = origin("/v1/trace");
    telemetry.refused(&Refusal { origin: &origin, signal, reason, message, hint: Some("hint") }, now);
}

/// Scenario: an accepted request with a rejected item, a warning and a note, and two refused ones.
/// Guarantees: each is counted under its reason; the latest comes first; notes are no rejections.
#[test]
fn counts_by_reason() {
    let telemetry = Telemetry::new();
    let mut report = Report::default();
    report.add(Reason::SpanIdInvalid, 1, || "span 'a'".to_owned());
    report.add(Reason::ValueTruncated, 2, || "value".to_owned());
    report.add(Reason::DuplicateAttributeKey, 5, || "key 'k'".to_owned());
    accept(&telemetry, &report, NOW);
    refuse(&telemetry, None, Reason::PathUnknown, "no such path", NOW + 1);
    refuse(&telemetry, Some(Signal::Logs), Reason::JsonMalformed, "bad", NOW + 2);

    let snapshot = telemetry.snapshot(NOW + 1_000_000_000);
    let rejections: Vec<_> =
        snapshot.rejections.iter().map(|r| (r.reason.name(), r.n, r.example.as_str())).collect();
    expect![[r#"[("json_malformed", 1, "bad"), ("path_unknown", 1, "no such path"), ("span_id_invalid", 1, "span 'a'"), ("value_truncated", 2, "value")]"#]]
        .assert_eq(&format!("{rejections:?}"));
    let traces = &snapshot.signals[0];
    assert_eq!((traces.n_accepted, traces.n_rejected, traces.rate_per_s), (2, 1, 0.2));
    assert_eq!(traces.last_received_at, Some(NOW));
}

/// Scenario: a refused request; requests that are stored in part, with a loss, with a repair only, and in full.
/// Guarantees: the first three are in the ring, newest first, each once and under its worst reason; each reason has
/// the hint of its last request.
#[test]
fn the_ring_has_what_was_rejected() {
    let telemetry = Telemetry::new();
    let mut in_part = Report::default();
    in_part.add(Reason::ValueTruncated, 9, || "value".to_owned());
    in_part.add(Reason::TraceIdInvalid, 1, || "span 'a'".to_owned());
    in_part.add(Reason::SpanIdInvalid, 2, || "span 'b'".to_owned());
    let mut with_loss = Report::default();
    with_loss.add(Reason::ValueTruncated, 1, || "value".to_owned());
    let mut repaired = Report::default();
    repaired.add(Reason::DuplicateAttributeKey, 1, || "key".to_owned());
    refuse(&telemetry, None, Reason::PathUnknown, "no such path", NOW);
    for (n, report) in [in_part, with_loss, repaired, Report::default()].iter().enumerate() {
        accept(&telemetry, report, NOW + 1 + n as i64);
    }
    let (by_reason, requests) = telemetry.rejected();
    let shown: Vec<_> = requests
        .iter()
        .map(|one| format!("{} {} {:?} {}", one.origin.path, one.reason.name(), one.signal, one.message))
        .collect();
    expect![[r#"
        /v1/traces value_truncated Some(Traces) warning 1 x value_truncated: value
        /v1/traces span_id_invalid Some(Traces) rejected 1 x trace_id_invalid: span 'a'; rejected 2 x span_id_invalid: span 'b'; warning 9 x value_truncated: value
        /v1/trace path_unknown None no such path"#]]
    .assert_eq(&shown.join("\n"));
    assert_eq!(by_reason, telemetry.snapshot(NOW).rejections);
    let hint_of =
        |reason| by_reason.iter().find(|one| one.reason == reason).and_then(|one| one.hint.as_deref());
    assert_eq!(hint_of(Reason::PathUnknown), Some("hint"));
    assert_eq!(hint_of(Reason::SpanIdInvalid), Reason::SpanIdInvalid.hint());
}

/// Scenario: the same counts as a page for Prometheus.
/// Guarantees: the page has every family once, and its rejections agree with the snapshot's.
#[test]
fn prometheus_page() {
    let telemetry = Telemetry::new();
    let mut report = Report::default();
    report.add(Reason::SpanIdInvalid, 1, || "span 'a'".to_owned());
    accept(&telemetry, &report, NOW);
    refuse(&telemetry, None, Reason::PathUnknown, "no such path", NOW);
    let page = telemetry.prometheus(&storage::Stats::default());
    let shown: Vec<&str> =
        page.lines().filter(|line| !line.starts_with('#') && !line.ends_with(" 0")).collect();
    expect![[r#"
        firstfault_received_requests_total{signal="traces",transport="http",encoding="json"} 1
        firstfault_received_bytes_total{signal="traces"} 100
        firstfault_accepted_items_total{signal="traces"} 2
        firstfault_refused_requests_total{signal="unknown",reason="path_unknown"} 1
        firstfault_findings_total{signal="traces",class="item",reason="span_id_invalid"} 1
        firstfault_rejected_items_total{signal="traces"} 1
        firstfault_ack_duration_seconds_bucket{le="0.005"} 1
        firstfault_ack_duration_seconds_bucket{le="0.01"} 1
        firstfault_ack_duration_seconds_bucket{le="0.02"} 1
        firstfault_ack_duration_seconds_bucket{le="0.05"} 1
        firstfault_ack_duration_seconds_bucket{le="0.1"} 1
        firstfault_ack_duration_seconds_bucket{le="0.25"} 1
        firstfault_ack_duration_seconds_bucket{le="1"} 1
        firstfault_ack_duration_seconds_bucket{le="10"} 1
        firstfault_ack_duration_seconds_bucket{le="+Inf"} 1
        firstfault_ack_duration_seconds_sum 0.003
        firstfault_ack_duration_seconds_count 1"#]]
    .assert_eq(&shown.join("\n"));
    let mut families: Vec<&str> = page.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let n_families = families.len();
    families.sort_unstable();
    families.dedup();
    assert_eq!(families.len(), n_families);
}

/// Scenario: the list of reasons.
/// Guarantees: names are unique snake_case words, fit for labels.
#[test]
fn reasons_have_unique_names() {
    let mut names: Vec<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')), "{names:?}");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Reason::ALL.len());
}
