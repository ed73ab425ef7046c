//! Counters, rates, the ring of rejections, and the page for scrapers.

use super::*;
use expect_test::expect;

const NOW: i64 = 1_700_000_000_000_000_000;

fn accept(telemetry: &Telemetry, report: &Report, now: i64) {
    let kind = RequestKind { signal: Signal::Traces, transport: Transport::Http, encoding: "json" };
    let took = Duration::from_millis(3);
    telemetry.accepted(&Accepted { kind, n_items: 2, n_bytes: 100, report, took }, now);
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
    telemetry.refused(None, Reason::PathUnknown, "no such path", NOW + 1);
    telemetry.refused(Some(Signal::Logs), Reason::JsonMalformed, "bad", NOW + 2);

    let snapshot = telemetry.snapshot(NOW + 1_000_000_000);
    let rejections: Vec<_> =
        snapshot.rejections.iter().map(|r| (r.reason.name(), r.n, r.example.as_str())).collect();
    expect![[r#"[("json_malformed", 1, "bad"), ("path_unknown", 1, "no such path"), ("span_id_invalid", 1, "span 'a'"), ("value_truncated", 2, "value")]"#]]
        .assert_eq(&format!("{rejections:?}"));
    let traces = &snapshot.signals[0];
    assert_eq!((traces.n_accepted, traces.n_rejected, traces.rate_per_s), (2, 1, 0.2));
    assert_eq!(traces.last_received_at, Some(NOW));
}

/// Scenario: the same counts as a page for Prometheus.
/// Guarantees: the page has every family once, and its rejections agree with the snapshot's.
#[test]
fn prometheus_page() {
    let telemetry = Telemetry::new();
    let mut report = Report::default();
    report.add(Reason::SpanIdInvalid, 1, || "span 'a'".to_owned());
    accept(&telemetry, &report, NOW);
    telemetry.refused(None, Reason::PathUnknown, "no such path", NOW);
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
