//! The rules that each item must keep, and the removal of those that do not.
//!
//! Rules look at one item at a time and never at its neighbours: one bad span must not cost its
//! siblings. They apply to the messages, so that protobuf and JSON are judged alike.

mod metrics;

pub(crate) use metrics::is_stale;

use super::text::hex;
use super::{Report, Request};
use crate::telemetry::Reason;
use opentelemetry_proto::tonic::trace::v1::Span;
use storage::schema::{SPAN_ID_BYTES, TRACE_ID_BYTES};

/// Why an item is rejected, with the text that shows it.
#[derive(Debug)]
pub(super) struct Flaw {
    reason: Reason,
    example: String,
}

impl Flaw {
    fn new(reason: Reason, example: String) -> Self {
        Self { reason, example }
    }
}

/// Removes invalid items and counts them.
pub(super) fn retain_valid(request: &mut Request, report: &mut Report) {
    match request {
        Request::Traces(traces) => {
            for scope_spans in traces.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans)
            {
                scope_spans.spans.retain(|span| keep(check_span(span), report));
            }
        }
        // A log record is never invalid: a wrong id means "not associated".
        Request::Logs(_) => {}
        Request::Metrics(request) => {
            for scope in request.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics)
            {
                for metric in &mut scope.metrics {
                    metrics::retain_valid(metric, report);
                }
            }
        }
    }
}

/// True for a trace id that W3C calls valid.
pub(crate) fn is_trace_id(id: &[u8]) -> bool {
    id.len() == TRACE_ID_BYTES as usize && !is_zero(id)
}

/// True for a span id that W3C calls valid.
pub(crate) fn is_span_id(id: &[u8]) -> bool {
    id.len() == SPAN_ID_BYTES as usize && !is_zero(id)
}

/// True for no bytes, too.
pub(crate) fn is_zero(id: &[u8]) -> bool {
    id.iter().all(|byte| *byte == 0)
}

/// An id as a message shows it: hex, cut, with its length.
pub(crate) fn shown(id: &[u8]) -> String {
    format!("{} bytes '{}'", id.len(), hex(&id[..id.len().min(20)]))
}

fn check_span(span: &Span) -> Result<(), Flaw> {
    if !is_trace_id(&span.trace_id) {
        let example = format!("span '{}' has trace_id of {}", span.name, shown(&span.trace_id));
        return Err(Flaw::new(Reason::TraceIdInvalid, example));
    }
    if !is_span_id(&span.span_id) {
        let example = format!("span '{}' has span_id of {}", span.name, shown(&span.span_id));
        return Err(Flaw::new(Reason::SpanIdInvalid, example));
    }
    Ok(())
}

fn keep(checked: Result<(), Flaw>, report: &mut Report) -> bool {
    checked.map_err(|flaw| report.add(flaw.reason, 1, || flaw.example)).is_ok()
}
