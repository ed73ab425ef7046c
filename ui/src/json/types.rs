//! Which key fills which field. A field that is forgotten here does not compile.

use super::{Fill, RawObject, Reader, Unreadable};
use crate::model::slo_form::Definition;
use wire::*;

impl<T: Fill + Default> Fill for Vec<T> {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Unreadable> {
        reader.array(&mut |reader| {
            let mut item = T::default();
            item.fill(reader)?;
            self.push(item);
            Ok(())
        })
    }
}

impl<T: Fill + Default> Fill for Option<T> {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Unreadable> {
        if reader.takes_word("null") { Ok(()) } else { self.insert(T::default()).fill(reader) }
    }
}

/// A point in time is a string of digits; numbers are read as well.
impl Fill for UnixNanos {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Unreadable> {
        self.0 = match reader.peek() {
            Some(b'"') => reader.string()?.parse().map_err(|_| reader.fault("nanoseconds"))?,
            _ => reader.signed()?,
        };
        Ok(())
    }
}

impl Fill for RawObject {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Unreadable> {
        reader.object(0, &mut |key, reader| {
            let raw = reader.raw()?;
            self.0.push((key.to_owned(), raw.to_owned()));
            Ok(true)
        })
    }
}

/// `type = method;`: the reader's method, and a conversion where the type is smaller than what it gives.
macro_rules! plain {
    ($($kind:ty = $method:ident;)*) => {$(
        impl Fill for $kind {
            fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Unreadable> {
                let value = reader.$method()?;
                *self = value.try_into().map_err(|_| reader.fault("a smaller number"))?;
                Ok(())
            }
        }
    )*};
}

plain! {
    String = string;
    bool = boolean;
    u16 = unsigned;
    u32 = unsigned;
    u64 = unsigned;
    i32 = signed;
    i64 = signed;
    f64 = float;
}

/// `Type { field, ... }`, with `field as "key"` where they differ. `field?` may be missing. Behind a semicolon stand
/// fields that no page shows: they are passed over.
macro_rules! records {
    ($($record:ident {
        $($field:ident $(? $optional:tt)? $(as $key:literal)?),* $(; $($unread:ident),*)?
    })*) => {$(
        impl Fill for $record {
            fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Unreadable> {
                let Self { $($field,)* $($($unread: _),*)? } = self;
                let n_needed = [$(needed!($($optional)?)),*].iter().sum();
                reader.object(n_needed, &mut |key, reader| {
                    match key {
                        $(key!($field $($key)?) => $field.fill(reader)?,)*
                        _ => return Ok(false),
                    }
                    Ok(true)
                })
            }
        }
    )*};
}

macro_rules! key {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $key:literal) => {
        $key
    };
}

macro_rules! needed {
    () => {
        1_usize
    };
    ($optional:tt) => {
        0_usize
    };
}

/// `Type { "word" = Variant, ... }`.
macro_rules! words {
    ($($kind:ident { $($word:literal = $variant:ident),* })*) => {$(
        impl Fill for $kind {
            fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Unreadable> {
                *self = match reader.string()?.as_str() {
                    $($word => Self::$variant,)*
                    _ => return Err(reader.fault("a word that this page knows")),
                };
                Ok(())
            }
        }

        // A kind that gains a variant does not compile until it is read.
        const _: fn($kind) = |word| match word {
            $($kind::$variant => (),)*
        };

        #[cfg(test)]
        impl Words for $kind {
            const ALL: &'static [Self] = &[$($kind::$variant),*];
        }
    )*};
}

/// Kinds whose values are single words.
#[cfg(test)]
pub(super) trait Words: Sized + 'static {
    const ALL: &'static [Self];
}

words! {
    AlertState { "inactive" = Inactive, "resolved" = Resolved, "pending" = Pending, "firing" = Firing }
    AttributeType {
        "string" = String, "int" = Int, "double" = Double, "bool" = Bool, "bytes" = Bytes, "array" = Array,
        "map" = Map, "empty" = Empty
    }
    Credentials { "none" = None, "token" = Token, "password" = Password }
    MetricView { "value" = Value, "rate" = Rate, "quantiles" = Quantiles }
    IncidentStatus { "open" = Open, "acknowledged" = Acknowledged, "resolved" = Resolved }
    PeerKind { "service" = Service, "database" = Database, "messaging" = Messaging, "external" = External }
    Severity {
        "unset" = Unset, "trace" = Trace, "debug" = Debug, "info" = Info, "warn" = Warn, "error" = Error,
        "fatal" = Fatal
    }
    TimelineKind {
        "opened" = Opened, "alert_fired" = AlertFired, "alert_resolved" = AlertResolved, "alert_moved" = AlertMoved,
        "muted" = Muted, "unmuted" = Unmuted, "notified" = Notified, "release" = Release, "report" = Report,
        "origin" = Origin, "acknowledged" = Acknowledged, "assigned" = Assigned, "note" = Note,
        "resolved" = Resolved, "reopened" = Reopened
    }
    TriageVerdict { "origin" = Origin, "possible" = Possible, "no_clear_origin" = NoClearOrigin }
}

records! {
    ErrorBody { error }
    ApiError { code, message, hint ? optional, problems ? optional }
    FieldProblem { field ? optional, line ? optional, message, hint ? optional }
    Status { version, started_at, now, endpoints, signals, rejections, storage, has_data, last_received_at }
    Endpoints { otlp_grpc, otlp_http, dashboard, credentials }
    SignalStatus { signal, n_accepted, n_rejected, rate_per_s, last_received_at }
    Rejection { reason, n, last_at, example, hint }
    RejectionLog { now, by_reason, recent }
    RejectedRequest { reason, class, n, first_at, last_at, peer, transport, path, signal, message, hint }
    StorageStatus { n_segments, segment_bytes, wal_bytes, hot_bytes, hot_rows, disk_free_bytes }
    Figures {
        n_requests, n_errors, estimate ? optional, rate_per_s, error_ratio, p50_ns, p95_ns, p99_ns;
        mean_ns, p90_ns, p999_ns
    }
    Estimate { n_requests, n_errors }
    RedPoint { at, n_requests, n_errors, estimate ? optional, p50_ns, p95_ns, p99_ns }
    ServiceList { from, to, step_s, services, n_services, is_coarser, sql; n_folded_spans }
    ServiceRow {
        service, red, points, last_seen_at, alert_state; environments, languages, owner, tier
    }
    ServiceDetail {
        service, from, to, step_s, red, points, operations, callers, callees, versions, last_seen_at,
        environments, languages, n_instances, ownership, is_coarser, sql; first_seen_at, instances, releases
    }
    OperationRow { operation, kind, red, points }
    EdgeRow { peer, peer_kind, red }
    Ownership {
        owner, contact, repository, tier, playbooks; receiver, source, overrides_api, updated_at
    }
    VersionRow { version, first_seen_at, last_seen_at, red }
    TraceList { from, to, traces, truncated, sql }
    TraceSummary {
        trace_id, root_service, root_operation, root_missing, started_at, duration_ns, n_spans,
        n_errors, services
    }
    ServiceSpans { service, n_spans, n_errors }
    Trace {
        trace_id, started_at, duration_ns, root_service, root_operation, spans, critical_path,
        path_by_service, n_orphans, truncated, sql
    }
    SpanRow {
        span_id, parent_span_id, service, name, kind, started_at, duration_ns, is_error, n_events,
        n_links
    }
    PathSection { span_id, from_ns, to_ns }
    ServicePathTime { service, duration_ns }
    SpanDetail {
        trace_id, row, status_code, status_message, trace_state, scope_name, scope_version, attributes,
        resource, events, links
    }
    SpanEvent { at, name, attributes }
    SpanLink { trace_id, span_id, attributes }
    LogList { from, to, rows, truncated, n_matched, step_s, histogram, sql }
    LogRow {
        at, service, severity, severity_text, severity_number, body, event_name, trace_id, span_id,
        attributes, resource
    }
    LogBucket { at, n_unset, n_trace, n_debug, n_info, n_warn, n_error, n_fatal }
    MetricList { from, to, metrics, sql }
    MetricRow {
        name, unit, metric_type as "type", temporality, is_monotonic, description, services, n_series,
        n_points, last_at
    }
    MetricDetail { metric, from, to, step_s, view, series, truncated, sql }
    MetricSeries { labels, points }
    MetricLabel { key, value }
    MetricPoint { at, value }
    Saturation { service, from, to, step_s, metrics, truncated, recognised, sql }
    SaturationMetric {
        name, kind, title, reading, unit, more_is_worse, limit_name, marked_from, series, truncated
    }
    SaturationSeries { instance, labels, points, newest, limit, ratio, is_marked }
    RecognisedMetrics { kind, names }
    SloList { now, slos }
    SloRow {
        id, name, service, operation, indicator, threshold_ns, sentence, target, period_s, n_good,
        n_total, compliance, budget_remaining, coverage, exhaustion_s, state, is_configured, tiers
    }
    BurnTier {
        tier, severity, long_s, short_s, threshold, burn_long, burn_short, coverage_long, verdict, reason
    }
    SloDetail { slo, from, to, step_s, points, burndown, alerts, sql; period_from, period_to }
    BurndownPoint { at, remaining }
    Definition { is_configured, objective ? optional, openslo ? optional }
    SavedSlo { id; name, sentence, notes, warnings }
    BacktestList { backtests, warnings }
    BacktestRow {
        sentence, from, to, n_good, n_total, compliance, coverage, budget_spent, episodes, burndown, notes, sql;
        id, name, step_s, pages_per_week, tickets_per_week, n_cancelled
    }
    EpisodeRow { severity, tier, firing_at, resolved_at, detection_s, budget_spent; onset_at, burn_long }
    ProposalList { proposals, skipped; from, to }
    ProposalRow {
        id, service, indicator, threshold, target, period, sentence, reason, is_configured; toml, openslo
    }
    SkippedService { service, reason }
    SliPoint { at, n_good, n_total }
    AlertList { now, alerts, receivers }
    AlertRow {
        id, slo_id, slo_name, service, severity, state, pending_at, firing_at, resolved_at, summary,
        triage ? optional, ownership, incident ? optional, deliveries; muted_by
    }
    TriageSummary {
        headline, sentences, asked_at;
        version, window, verdict, confidence, onset, suspects, trace_ids, not_known
    }
    DeliveryRow {
        id, receiver, event, state, created_at, next_attempt_at, delivered_at, attempts; alert_id, kind, is_test
    }
    AttemptRow { at, duration_ms, status, error, answer; address }
    ReceiverRow { name, kind, target, state, n_waiting, n_dead; trouble, paused_until }
    TestAnswer { is_delivered, attempt; delivery_id, request }
    IncidentList { now, incidents, truncated, n_open, n_acknowledged }
    IncidentRow {
        number, title, severity, status, origin, owner, opened_at, acknowledged_by, resolved_at, n_reopened,
        services, n_alerts, n_firing, is_muted, headline; origin_source, acknowledged_at
    }
    IncidentDetail {
        now, incident, ownership, alerts, objectives, timeline, timeline_truncated, triage, triage_alert_id;
        not_known
    }
    IncidentAlert { alert, reason_text; joined_at, reason, path }
    IncidentObjective { slo_id, slo_name, is_configured, budget_spent, budget_remaining; service, n_bad, n_total }
    TimelineEntry { at, kind, text, by, url, delivery; alert_id, service }
    TimelineDelivery { receiver, state, n_attempts, error; id, event, delivered_at }
    TriageReport {
        asked_at, window, scope, verdict, headline, sentences, confidence, onset, n_requests, n_bad, axis, requests,
        bad, suspects, edges, latency, errors, attributes, templates, metrics, changes, affected, exemplars, marks,
        not_known, read, elapsed_ms; version, baselines
    }
    TriageSpan { from, to }
    TriageScope { service, operation, indicator, threshold_ns }
    TriageOnset { at, earliest, latest }
    TriageAxis { from, step_ns, n_steps }
    TriageSuspect { kind, name, service, score, confidence, evidence }
    TriageEvidence {
        kind, weight, sentence, operation, instance, release, dependency, onset_at, trace_ids, sql
    }
    TriagePair { before, now }
    TriageEdge {
        caller, callee, sentence, weight, n_calls, caller_ns, callee_ns, gap_ns, attempts, failed
    }
    TriageLatency { cohort, n_bad, n_before, before_ns, now_ns, parts }
    TriagePart { service, operation, callee, before_ns, now_ns, added_ns, share }
    TriageErrorGroup { service, operation, identity, state, n_before, n_now, sentence, trace_id }
    TriageAttributes { n_bad, n_good, kept, ruled_out, silent }
    TriageAttribute { pairs, share_bad, share_good, same, sentence; precision, score }
    TriageKeyValue { key, value; scope }
    TriageTemplate {
        id, service, severity, text, state, n_before, n_now, share_bad, first_at, sentence, points
    }
    TriageMetric { service, instance, name, unit, value, changed_at, sentence, points, sql }
    TriageChange { kind, service, at, sentence, is_near }
    TriageAffected { service, n_hops, n_requests, n_errors, p95_ns, error_ratio }
    TriageExemplar { trace_id, kind, service, operation, started_at, duration_ns, n_errors }
    TriageMark { kind, sentence }
    TriageRead { n_spans, n_traces, n_logs, n_points, traces_one_in }
    Attribute { key, value_type as "type", value }
}
