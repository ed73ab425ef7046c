//! The requests that are decoded: the same spans in requests of different sizes.

use crate::Failure;
use crate::ten::Ten;
use bytes::Bytes;
use collector::bench::{Request, Shop};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use storage::Signal;

/// Spans of all requests of one size: a multiple of each size, and more than the caches hold.
const N_SPANS: usize = 24_000;
const SECOND: i64 = 1_000_000_000;
/// 2026-01-01T00:00:00Z.
const T0: i64 = 1_767_225_600 * SECOND;

/// Requests, and the spans in them.
#[derive(Debug)]
pub(crate) struct Bodies {
    pub(crate) requests: Vec<Bytes>,
    pub(crate) n_spans: usize,
}

impl Bodies {
    pub(crate) fn n_bytes(&self) -> usize {
        self.requests.iter().map(Bytes::len).sum()
    }
}

/// What the demo's shop sends, gathered as a gateway would.
pub(crate) fn demo(batch: usize) -> Result<Bodies, Failure> {
    let mut shop = Shop::new(1, 50.0, T0);
    let mut sent = (1..).flat_map(|second| shop.advance(T0 + second * SECOND));
    in_batches(&mut sent, batch)
}

/// Spans of ten attributes each, as other stores are measured with.
pub(crate) fn ten(batch: usize) -> Result<Bodies, Failure> {
    let mut ten = Ten::new(7);
    let mut sent = (1..).map(|second| ten.request(T0 + second * SECOND));
    in_batches(&mut sent, batch)
}

fn in_batches(sent: &mut dyn Iterator<Item = Request>, batch: usize) -> Result<Bodies, Failure> {
    let mut bodies = Bodies { requests: Vec::new(), n_spans: 0 };
    let (mut filling, mut n_filled) = (ExportTraceServiceRequest::default(), 0);
    for request in sent.filter(|request| request.signal == Signal::Traces) {
        for (resource, scope, span) in spans(ExportTraceServiceRequest::decode(request.payload)?) {
            push(&mut filling, resource, scope, span);
            n_filled += 1;
            if n_filled == batch {
                bodies.requests.push(std::mem::take(&mut filling).encode_to_vec().into());
                bodies.n_spans += std::mem::take(&mut n_filled);
            }
            if bodies.n_spans >= N_SPANS {
                return Ok(bodies);
            }
        }
    }
    Err("there are not enough spans".into())
}

/// Each span with its resource and scope, which have no spans then.
fn spans(request: ExportTraceServiceRequest) -> Vec<(ResourceSpans, ScopeSpans, Span)> {
    let mut all = Vec::new();
    for mut resource in request.resource_spans {
        for mut scope in std::mem::take(&mut resource.scope_spans) {
            let spans = std::mem::take(&mut scope.spans);
            all.extend(spans.into_iter().map(|span| (resource.clone(), scope.clone(), span)));
        }
    }
    all
}

/// Adds a span, to the resource and the scope before if they are the same.
fn push(request: &mut ExportTraceServiceRequest, resource: ResourceSpans, scope: ScopeSpans, span: Span) {
    let is_same = request
        .resource_spans
        .last()
        .is_some_and(|last| last.resource == resource.resource && last.schema_url == resource.schema_url);
    if !is_same {
        request.resource_spans.push(resource);
    }
    let Some(resource) = request.resource_spans.last_mut() else { return };
    let is_same = resource
        .scope_spans
        .last()
        .is_some_and(|last| last.scope == scope.scope && last.schema_url == scope.schema_url);
    if !is_same {
        resource.scope_spans.push(scope);
    }
    if let Some(scope) = resource.scope_spans.last_mut() {
        scope.spans.push(span);
    }
}
