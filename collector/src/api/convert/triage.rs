//! Reports of triage.

use super::super::failure::Failure;
use super::failure;
use crate::decode::text::hex;
use crate::triage::{Answer, Asked, Error};
use ::triage::report::{
    Affected, Attribute, Attributes, Change, Edge, ErrorGroup, Exemplar, KeyValue, Lane, Latency, Metric,
    Onset, Pair, Part, Read, Report, Requests, Template,
};
use ::triage::{Evidence, EvidenceKind, Suspect, SuspectKind, Symptom, Verdict};
use http::StatusCode;
use std::time::Duration;
use storage::{EvidenceRows, TimeRange};
use wire::UnixNanos;

/// Suspects and traces of the short form.
const SUSPECTS_SHORT: usize = 3;
const TRACES_SHORT: usize = 5;
/// Sentences of the short form, and characters of each.
const SENTENCES_SHORT: usize = 5;
const SENTENCE_CHARS_MAX: usize = 400;
/// How long a client should wait when other reports are being made: they take seconds.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

/// The whole document.
pub(crate) fn triage_report(answer: Answer) -> wire::TriageReport {
    let Answer { asked, baselines, traces_one_in, report, elapsed } = answer;
    let Report {
        verdict,
        headline,
        sentences,
        confidence,
        onset,
        requests,
        suspects,
        edges,
        latency,
        errors,
        attributes,
        templates,
        metrics,
        changes,
        affected,
        exemplars,
        marks,
        not_known,
        read,
    } = report;
    let Requests { n, n_bad, axis, lane, bad_lane, .. } = requests;
    wire::TriageReport {
        version: wire::TRIAGE_VERSION,
        asked_at: UnixNanos(asked.asked_at),
        window: span(asked.window),
        baselines: baselines.into_iter().map(span).collect(),
        verdict: self::verdict(verdict),
        headline,
        sentences,
        confidence: finite(confidence),
        onset: onset.map(self::onset),
        n_requests: n,
        n_bad,
        axis: wire::TriageAxis {
            from: UnixNanos(axis.from_ns),
            step_ns: axis.step_ns,
            n_steps: u32::try_from(axis.n_steps).unwrap_or(u32::MAX),
        },
        requests: self::lane(lane),
        bad: self::lane(bad_lane),
        suspects: suspects.into_iter().map(|one| suspect(one, asked.window)).collect(),
        edges: edges.into_iter().map(edge).collect(),
        latency: latency.map(self::latency),
        errors: errors.into_iter().map(error_group).collect(),
        attributes: attributes.map(self::attributes),
        templates: templates.into_iter().map(template).collect(),
        metrics: metrics.into_iter().map(|one| metric(one, asked.window)).collect(),
        changes: changes.into_iter().map(change).collect(),
        affected: affected.into_iter().map(self::affected).collect(),
        exemplars: exemplars.into_iter().map(exemplar).collect(),
        marks: marks
            .into_iter()
            .map(|mark| wire::TriageMark { kind: mark.kind.to_owned(), sentence: mark.sentence })
            .collect(),
        not_known,
        read: self::read(read, traces_one_in),
        elapsed_ms: u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX),
        scope: scope(asked),
    }
}

/// What a webhook carries and an alert shows: bounded, whatever the report says.
pub(crate) fn triage_summary(report: &wire::TriageReport) -> wire::TriageSummary {
    let short = |texts: &[String]| texts.iter().take(SENTENCES_SHORT).map(|text| shortened(text)).collect();
    let suspect = |suspect: &wire::TriageSuspect| wire::TriageSuspectLine {
        kind: suspect.kind.clone(),
        name: shortened(&suspect.name),
        service: shortened(&suspect.service),
        confidence: suspect.confidence,
    };
    wire::TriageSummary {
        version: report.version,
        asked_at: report.asked_at,
        window: report.window,
        verdict: report.verdict,
        headline: shortened(&report.headline),
        sentences: short(&report.sentences),
        confidence: report.confidence,
        onset: report.onset,
        suspects: report.suspects.iter().take(SUSPECTS_SHORT).map(suspect).collect(),
        trace_ids: report.exemplars.iter().take(TRACES_SHORT).map(|one| one.trace_id.clone()).collect(),
        not_known: short(&report.not_known),
    }
}

/// What a client is told when there is no report.
pub(in crate::api) fn triage_failure(error: Error) -> Failure {
    let message = error.to_string();
    match error {
        Error::Storage { source } => failure(source),
        Error::State { source } => super::state_failure(source),
        Error::Timeout => Failure::new(StatusCode::GATEWAY_TIMEOUT, "query_timeout", message)
            .hint("ask about a shorter window, or name a shorter baseline"),
        Error::Busy => {
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message).retry_after(BUSY_RETRY_AFTER)
        }
        Error::Input { .. } | Error::Fault { .. } => {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot make a report");
            Failure::internal()
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SENTENCE_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// JSON has no other numbers.
pub(super) fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

pub(super) fn span(range: TimeRange) -> wire::TriageSpan {
    wire::TriageSpan { from: UnixNanos(range.from), to: UnixNanos(range.to) }
}

fn scope(asked: Asked) -> wire::TriageScope {
    let indicator = asked.symptom.map(|symptom| match symptom {
        Symptom::Availability => "availability".to_owned(),
        Symptom::Latency => "latency".to_owned(),
    });
    let Asked { service, operation, threshold_ns, .. } = asked;
    wire::TriageScope { service, operation, indicator, threshold_ns }
}

fn verdict(verdict: Verdict) -> wire::TriageVerdict {
    match verdict {
        Verdict::Origin => wire::TriageVerdict::Origin,
        Verdict::Possible => wire::TriageVerdict::Possible,
        Verdict::NoClearOrigin => wire::TriageVerdict::NoClearOrigin,
    }
}

fn onset(onset: Onset) -> wire::TriageOnset {
    let Onset { at_ns, earliest_ns, latest_ns } = onset;
    wire::TriageOnset { at: UnixNanos(at_ns), earliest: UnixNanos(earliest_ns), latest: UnixNanos(latest_ns) }
}

fn lane(lane: Lane) -> Vec<Option<f64>> {
    lane.into_iter().map(|value| value.filter(|value| value.is_finite())).collect()
}

fn pair(pair: Pair) -> wire::TriagePair {
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    wire::TriagePair { before: finite(pair.before), now: finite(pair.now) }
}

fn suspect(suspect: Suspect, window: TimeRange) -> wire::TriageSuspect {
    let confidence = finite(suspect.confidence());
    let Suspect { kind, service, name, score, mut evidence } = suspect;
    evidence.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    wire::TriageSuspect {
        kind: suspect_kind(kind).to_owned(),
        evidence: evidence.into_iter().map(|one| self::evidence(one, &service, window)).collect(),
        name,
        service,
        score: finite(score),
        confidence,
    }
}

fn suspect_kind(kind: SuspectKind) -> &'static str {
    match kind {
        SuspectKind::Service => "service",
        SuspectKind::Dependency => "dependency",
        SuspectKind::Release => "release",
        SuspectKind::Instance => "instance",
        SuspectKind::Operation => "operation",
    }
}

fn evidence_kind(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::Flow => "flow",
        EvidenceKind::Errors => "errors",
        EvidenceKind::OwnTime => "own_time",
        EvidenceKind::CallTime => "call_time",
        EvidenceKind::Saturation => "saturation",
        EvidenceKind::Excess => "excess",
    }
}

fn evidence(evidence: Evidence, service: &str, window: TimeRange) -> wire::TriageEvidence {
    let Evidence { kind, weight, sentence, operation, instance, version, dependency, onset_ns, traces } =
        evidence;
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    let operation = said(operation);
    // What is known from metrics alone has no spans to show.
    let has_spans = !matches!(kind, EvidenceKind::Saturation | EvidenceKind::Excess);
    let rows = has_spans.then(|| EvidenceRows {
        range: window,
        service: service.to_owned(),
        operation: operation.clone(),
        only_errors: kind == EvidenceKind::Errors,
        metric: None,
    });
    wire::TriageEvidence {
        kind: evidence_kind(kind).to_owned(),
        weight: finite(weight),
        sentence,
        operation,
        instance: said(instance),
        release: said(version),
        dependency: said(dependency),
        onset_at: onset_ns.map(UnixNanos),
        trace_ids: traces.iter().map(|id| hex(id.as_slice())).collect(),
        sql: rows.map(|rows| rows.sql()),
    }
}

fn edge(edge: Edge) -> wire::TriageEdge {
    wire::TriageEdge {
        caller: edge.caller,
        callee: edge.callee,
        sentence: edge.sentence,
        weight: finite(edge.weight),
        n_calls: pair(edge.n_calls),
        caller_ns: pair(edge.caller_ns),
        callee_ns: pair(edge.callee_ns),
        gap_ns: pair(edge.gap_ns),
        attempts: pair(edge.attempts),
        failed: pair(edge.failed),
    }
}

fn latency(latency: Latency) -> wire::TriageLatency {
    let Latency { cohort, n_bad, n_before, before_ns, now_ns, parts } = latency;
    let part = |Part { service, operation, callee, before_ns, now_ns, share }: Part| wire::TriagePart {
        service,
        operation,
        callee,
        before_ns: finite(before_ns),
        now_ns: finite(now_ns),
        added_ns: finite(now_ns - before_ns),
        share: finite(share),
    };
    wire::TriageLatency {
        cohort,
        n_bad,
        n_before,
        before_ns: finite(before_ns),
        now_ns: finite(now_ns),
        parts: parts.into_iter().map(part).collect(),
    }
}

fn error_group(group: ErrorGroup) -> wire::TriageErrorGroup {
    wire::TriageErrorGroup {
        service: group.service,
        operation: group.operation,
        identity: group.identity,
        state: group.state.name().to_owned(),
        n_before: group.n_before,
        n_now: group.n_now,
        sentence: group.sentence,
        trace_id: group.trace_id.map(|id: [u8; 16]| hex(id.as_slice())),
    }
}

pub(super) fn attributes(attributes: Attributes) -> wire::TriageAttributes {
    let Attributes { n_bad, n_good, kept, ruled_out, silent } = attributes;
    wire::TriageAttributes {
        n_bad,
        n_good,
        kept: kept.into_iter().map(attribute).collect(),
        ruled_out,
        silent,
    }
}

fn attribute(attribute: Attribute) -> wire::TriageAttribute {
    let key_value = |KeyValue { is_resource, key, value }: KeyValue| wire::TriageKeyValue {
        scope: if is_resource { "resource" } else { "span" }.to_owned(),
        key,
        value,
    };
    wire::TriageAttribute {
        pairs: attribute.pairs.into_iter().map(key_value).collect(),
        share_bad: finite(attribute.share_bad),
        share_good: finite(attribute.share_good),
        precision: finite(attribute.precision),
        score: finite(attribute.score),
        same: attribute.same,
        sentence: attribute.sentence,
    }
}

fn template(template: Template) -> wire::TriageTemplate {
    wire::TriageTemplate {
        id: format!("{:016x}", template.id),
        service: template.service,
        severity: template.severity,
        text: template.text,
        state: template.state.name().to_owned(),
        n_before: template.n_before,
        n_now: template.n_now,
        share_bad: template.share_bad.filter(|share| share.is_finite()),
        first_at: template.first_ns.map(UnixNanos),
        sentence: template.sentence,
        points: lane(template.lane),
    }
}

fn metric(metric: Metric, window: TimeRange) -> wire::TriageMetric {
    let rows = EvidenceRows {
        range: window,
        service: metric.service.clone(),
        operation: None,
        only_errors: false,
        metric: Some(metric.name.clone()),
    };
    wire::TriageMetric {
        sql: rows.sql(),
        service: metric.service,
        instance: metric.instance,
        name: metric.name,
        unit: metric.unit,
        value: pair(metric.value),
        changed_at: metric.changed_ns.map(UnixNanos),
        sentence: metric.sentence,
        points: lane(metric.lane),
    }
}

fn change(change: Change) -> wire::TriageChange {
    wire::TriageChange {
        kind: change.kind.name().to_owned(),
        service: change.service,
        at: UnixNanos(change.at_ns),
        sentence: change.sentence,
        is_near: change.is_near,
    }
}

fn affected(affected: Affected) -> wire::TriageAffected {
    wire::TriageAffected {
        service: affected.service,
        n_hops: affected.n_hops,
        n_requests: affected.n_requests,
        n_errors: affected.n_errors,
        p95_ns: pair(affected.p95_ns),
        error_ratio: pair(affected.error_ratio),
    }
}

fn exemplar(exemplar: Exemplar) -> wire::TriageExemplar {
    wire::TriageExemplar {
        trace_id: hex(&exemplar.trace_id),
        kind: exemplar.kind.name().to_owned(),
        service: exemplar.service,
        operation: exemplar.operation,
        started_at: UnixNanos(exemplar.started_ns),
        duration_ns: exemplar.duration_ns,
        n_errors: exemplar.n_errors,
    }
}

fn read(read: Read, traces_one_in: u32) -> wire::TriageRead {
    let Read { n_spans, n_traces, n_logs, n_points } = read;
    wire::TriageRead { n_spans, n_traces, n_logs, n_points, traces_one_in }
}
