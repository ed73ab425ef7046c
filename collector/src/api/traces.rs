//! `GET /api/v1/traces`, `/api/v1/traces/{trace_id}` and `/api/v1/traces/{trace_id}/spans/{span_id}`.

use super::convert::{self, TraceSpans};
use super::params::{Params, parse_id};
use super::{Api, Failure, InPath, off_thread};
use arrow::array::RecordBatch;
use axum::Json;
use axum::extract::State;
use http::Uri;
use storage::{Engine, TraceOrder, TraceSearch};
use triage::{critical_path, path_roots};

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;
/// Spans of one trace in one answer: some 3 MB of JSON, which a browser still shows at once.
const SPANS_MAX: usize = 10_000;

pub(super) async fn search(State(api): State<Api>, uri: Uri) -> Result<Json<wire::TraceList>, Failure> {
    let search = read_search(&Params::read(
        &uri,
        api.now(),
        &["from", "to", "service", "operation", "status", "min", "max", "attr", "order", "limit"],
    )?)?;
    let hits = api.engine()?.search_traces(&search).await.map_err(convert::failure)?;
    Ok(Json(convert::trace_list(hits, search.range)))
}

fn read_search(params: &Params) -> Result<TraceSearch, Failure> {
    let (duration_ns_min, duration_ns_max) = params.durations()?;
    Ok(TraceSearch {
        range: params.range()?,
        service: params.owned("service"),
        operation: params.owned("operation"),
        is_error: params.is_error()?,
        duration_ns_min,
        duration_ns_max,
        attributes: params.attributes()?,
        order: params.choice(
            "order",
            &[
                ("newest", TraceOrder::Newest),
                ("slowest", TraceOrder::Slowest),
                ("errors", TraceOrder::MostErrors),
            ],
        )?,
        limit: params.limit(LIMIT, LIMIT_MAX)?,
    })
}

pub(super) async fn trace(
    State(api): State<Api>,
    InPath(trace_id): InPath<String>,
    uri: Uri,
) -> Result<Json<wire::Trace>, Failure> {
    Params::read(&uri, api.now(), &[])?;
    let trace_id = parse_id::<16>("trace_id", &trace_id)?;
    // One more than is shown tells whether there are more.
    let batches = read(api.engine()?, trace_id, SPANS_MAX + 1).await?;
    off_thread(move || page(trace_id, &batches)).await.map(Json)
}

/// The page of a trace with what triage says about it. Some milliseconds of work for large ones.
fn page(trace_id: [u8; 16], batches: &[RecordBatch]) -> Result<wire::Trace, Failure> {
    let spans = TraceSpans::of(batches, SPANS_MAX)?;
    let root = path_roots(&spans.path_spans).first().copied();
    let path = critical_path(&spans.path_spans);
    Ok(convert::trace(trace_id, spans, root, &path))
}

pub(super) async fn span(
    State(api): State<Api>,
    InPath((trace_id, span_id)): InPath<(String, String)>,
    uri: Uri,
) -> Result<Json<wire::SpanDetail>, Failure> {
    Params::read(&uri, api.now(), &[])?;
    let trace_id = parse_id::<16>("trace_id", &trace_id)?;
    let wanted = parse_id::<8>("span_id", &span_id)?;
    let engine = api.engine()?;
    match engine.span(trace_id, wanted).await.map_err(convert::failure)? {
        Some(batch) => convert::span_detail(trace_id, &batch, 0).map(Json),
        None => Err(not_found(engine, trace_id, &span_id).await?),
    }
}

/// Says whether the trace or only the span is unknown.
async fn not_found(engine: &Engine, trace_id: [u8; 16], span_id: &str) -> Result<Failure, Failure> {
    read(engine, trace_id, 1).await?;
    Ok(Failure::not_found(format!("no span {span_id} of this trace is stored")))
}

async fn read(engine: &Engine, trace_id: [u8; 16], n_spans_max: usize) -> Result<Vec<RecordBatch>, Failure> {
    let batches = engine.trace(trace_id, n_spans_max).await.map_err(convert::failure)?;
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Err(Failure::not_found("no span of this trace is stored")
            .hint("it may not have arrived yet, be older than retention.traces, or not be sampled"));
    }
    Ok(batches)
}
