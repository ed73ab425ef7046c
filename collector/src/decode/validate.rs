//! The rules that each item must keep, to be asked of every one on the way to its row.
//!
//! Rules look at one item at a time and never at its neighbours: one bad span must not cost its
//! siblings. They apply to the views, so that protobuf and JSON are judged alike. Who breaks one is counted,
//! and shown where it is the first.

mod metrics;

pub(crate) use metrics::{is_explicit_point, is_exponential_point, is_metric, is_number_point, is_stale};

use super::Report;
use super::text::{base64_id, hex, printable};
use super::views::Span;
use crate::telemetry::Reason;
use storage::schema::{SPAN_ID_BYTES, TRACE_ID_BYTES};

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

/// An id as a message shows it: hex, cut, with its length; or what its sender mistook for hex.
pub(crate) fn shown(id: &[u8]) -> String {
    if let Some(text) = base64_id(id) {
        return format!("'{}...', which looks like base64: OTLP JSON wants hexadecimal", printable(text, 8));
    }
    format!("{} bytes '{}'", id.len(), hex(&id[..id.len().min(20)]))
}

/// May the span be kept? A log record always may: a wrong id of it means "not associated".
pub(crate) fn is_span(span: &Span<'_>, report: &mut Report) -> bool {
    if !is_trace_id(span.trace_id) {
        report.add(Reason::TraceIdInvalid, 1, || {
            format!("span '{}' has trace_id of {}", span.name, shown(span.trace_id))
        });
        return false;
    }
    if !is_span_id(span.span_id) {
        report.add(Reason::SpanIdInvalid, 1, || {
            format!("span '{}' has span_id of {}", span.name, shown(span.span_id))
        });
        return false;
    }
    true
}
