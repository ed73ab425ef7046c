//! Zipkin's v2 spans as those of OTLP.
//!
//! OpenTelemetry's mapping to Zipkin, read backwards; what it has no word for becomes an attribute. Where the
//! mapping of OpenTelemetry's own exporters put something into a tag - status, scope, resource, counts of what was
//! dropped - it is taken out of the tag again. `docs/zipkin-and-prometheus.md` has the table.

mod annotations;
mod ids;
mod tags;
#[cfg(test)]
mod tests;

use super::json::zipkin::{Endpoint, Span as Sent, read};
use super::owner::{Owned, Owner, attribute, text_of};
use super::{Error, Report, Request, decoded_bytes_max};
use crate::telemetry::Reason;
use annotations::Annotations;
use bytes::Bytes;
use ids::{Ids, SharedIds};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use tags::Tags;

pub(super) fn decode(body: &Bytes, report: &mut Report) -> Result<Request, Error> {
    let bytes_max = decoded_bytes_max(body);
    let sent = read(body, bytes_max, report)?;
    let shared = SharedIds::of(&sent);
    let mut annotations = Annotations::new(bytes_max);
    let mut owned: Owned<Vec<Span>> = Owned::default();
    for sent in sent {
        let (owner, span) = converted(sent, &shared, &mut annotations, report);
        owned.of(owner).push(span);
    }
    let resource_spans = owned.into_groups().into_iter().map(resource_spans).collect();
    Ok(Request::Traces(ExportTraceServiceRequest { resource_spans }))
}

fn resource_spans((owner, spans): (Owner, Vec<Span>)) -> ResourceSpans {
    let (resource, scope) = owner.into_messages();
    let scope_spans = vec![ScopeSpans { scope, spans, ..ScopeSpans::default() }];
    ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }
}

fn converted(
    sent: Sent,
    shared: &SharedIds,
    annotations: &mut Annotations,
    report: &mut Report,
) -> (Owner, Span) {
    let Ids { trace_id, span_id, parent_span_id } = shared.ids_of(&sent);
    let (start_time_unix_nano, end_time_unix_nano) = times(&sent, report);
    let Sent { name, kind: kind_sent, is_debug, is_shared, local, remote, annotations: texts, tags, .. } =
        sent;
    let (local, remote) = (local.unwrap_or_default(), remote.unwrap_or_default());
    let mut tags = Tags::new(tags);
    let owner = owner(&mut tags, &local.service_name);
    let kind = kind(&kind_sent);
    let span = Span {
        trace_id,
        span_id,
        parent_span_id,
        name,
        kind: kind.unwrap_or(SpanKind::Unspecified) as i32,
        start_time_unix_nano,
        end_time_unix_nano,
        status: tags.take_status(),
        trace_state: tags.take("w3c.tracestate").unwrap_or_default(),
        dropped_attributes_count: tags.take_count("otel.dropped_attributes_count"),
        dropped_events_count: tags.take_count("otel.dropped_events_count"),
        dropped_links_count: tags.take_count("otel.dropped_links_count"),
        events: texts.into_iter().map(|annotation| annotations.event(annotation)).collect(),
        ..Span::default()
    };
    let mut attributes = tags.into_attributes();
    push_endpoints(&local, &remote, &mut attributes);
    if kind.is_none() {
        attributes.push(text_of("zipkin.kind", kind_sent));
    }
    let flags = [("zipkin.debug", is_debug), ("zipkin.shared", is_shared)];
    let flags = flags.into_iter().filter(|(_, is_set)| *is_set);
    attributes.extend(flags.map(|(key, _)| attribute(key, Value::BoolValue(true))));
    (owner, Span { attributes, ..span })
}

/// The service is that of the local endpoint; OpenTelemetry's exporters send the rest of the resource, and the
/// scope, as tags.
fn owner(tags: &mut Tags, local_service: &str) -> Owner {
    let tagged = tags.take("service.name").unwrap_or_default();
    let service = if local_service.is_empty() { tagged.as_str() } else { local_service };
    let mut resource = Vec::new();
    if !service.is_empty() {
        resource.push(("service.name".to_owned(), service.to_owned()));
    }
    resource.extend(tags.take_resource());
    if !tagged.is_empty() && tagged != service {
        tags.put("service.name", tagged);
    }
    // Exporters send the old name beside the new one, or alone.
    let mut take = |key, old_key| {
        let old = tags.take(old_key);
        tags.take(key).or(old).unwrap_or_default()
    };
    let scope_name = take("otel.scope.name", "otel.library.name");
    let scope_version = take("otel.scope.version", "otel.library.version");
    Owner { resource, scope_name, scope_version }
}

/// `None` for a kind that Zipkin does not have. No kind is what internal spans are sent with.
fn kind(sent: &str) -> Option<SpanKind> {
    match sent {
        "" => Some(SpanKind::Internal),
        "CLIENT" => Some(SpanKind::Client),
        "SERVER" => Some(SpanKind::Server),
        "PRODUCER" => Some(SpanKind::Producer),
        "CONSUMER" => Some(SpanKind::Consumer),
        _ => None,
    }
}

/// Start and end. A span may leave out its time; then its first annotation is the best that is known.
fn times(sent: &Sent, report: &mut Report) -> (u64, u64) {
    let annotated = sent.annotations.iter().map(|annotation| annotation.timestamp_us);
    let start_us = match sent.timestamp_us {
        0 => annotated.filter(|us| *us > 0).min().unwrap_or(0),
        us => us,
    };
    if start_us == 0 {
        report.add(Reason::SpanWithoutTime, 1, || format!("span '{}' has no timestamp", sent.name));
    }
    (nanos(start_us), nanos(start_us.saturating_add(sent.duration_us)))
}

fn nanos(us: u64) -> u64 {
    us.saturating_mul(1_000)
}

/// What a tag says already is not said again.
fn push_endpoints(local: &Endpoint, remote: &Endpoint, attributes: &mut Vec<KeyValue>) {
    push_text("peer.service", &remote.service_name, attributes);
    push_address(["network.peer.address", "network.peer.port", "zipkin.remote.ipv6"], remote, attributes);
    push_address(["network.local.address", "network.local.port", "zipkin.local.ipv6"], local, attributes);
}

/// An endpoint may have an address of each kind; the second one has a key of its own.
fn push_address(keys: [&str; 3], endpoint: &Endpoint, attributes: &mut Vec<KeyValue>) {
    let Endpoint { ipv4, ipv6, port, .. } = endpoint;
    let (first, second) = if ipv4.is_empty() { (ipv6, ipv4) } else { (ipv4, ipv6) };
    push_text(keys[0], first, attributes);
    if *port > 0 && !has(attributes, keys[1]) {
        attributes.push(attribute(keys[1], Value::IntValue((*port).into())));
    }
    push_text(keys[2], second, attributes);
}

fn push_text(key: &str, text: &str, attributes: &mut Vec<KeyValue>) {
    if !text.is_empty() && !has(attributes, key) {
        attributes.push(text_of(key, text));
    }
}

fn has(attributes: &[KeyValue], key: &str) -> bool {
    attributes.iter().any(|attribute| attribute.key == key)
}
