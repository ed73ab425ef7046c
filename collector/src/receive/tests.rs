//! Both doors in-process, with a real engine behind them.

mod access;
mod grpc;
mod http;
mod protocols;

use crate::clock::Clock;
use crate::ingest::{Ingest, IngestLimits};
use crate::replay;
use crate::resent::Recent;
use crate::telemetry::{Reason, Telemetry};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use flate2::write::{GzEncoder, ZlibEncoder};
use http_body_util::BodyExt as _;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use std::io::Write as _;
use std::sync::Arc;
use storage::{Engine, Signal};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// The receivers on an engine of their own.
struct Server {
    ingest: Ingest,
    telemetry: Arc<Telemetry>,
    engine: Engine,
    data_dir: TempDir,
}

impl Server {
    async fn start(limits: IngestLimits) -> Self {
        Self::open(tempfile::tempdir().unwrap(), limits).await
    }

    /// As after a kill: whatever is in the log is replayed.
    async fn restart(self) -> Self {
        let Self { ingest, telemetry: _, engine, data_dir } = self;
        let limits = *ingest.limits();
        drop((ingest, engine));
        Self::open(data_dir, limits).await
    }

    async fn open(data_dir: TempDir, limits: IngestLimits) -> Self {
        let recent = Arc::new(Recent::default());
        let replayed = Arc::clone(&recent);
        let decode =
            move |record| replay::rows_of_request(record, &replayed, limits.items).map_err(Into::into);
        let options =
            storage::Options { data_dir: data_dir.path().to_owned(), ..storage::Options::default() };
        let (engine, recovery) = Engine::open(options, decode).await.unwrap();
        recent.recall(&recovery.receipts);
        let telemetry = Arc::new(Telemetry::new());
        let endpoints = wire::Endpoints {
            otlp_grpc: "http://127.0.0.1:4317".to_owned(),
            otlp_http: "http://127.0.0.1:4318".to_owned(),
            dashboard: "http://127.0.0.1:4320".to_owned(),
            ..wire::Endpoints::default()
        };
        let ingest = Ingest::new(engine.clone(), Arc::clone(&telemetry), limits, Clock, recent, endpoints);
        Self { ingest, telemetry, engine, data_dir }
    }

    fn http(&self) -> Router {
        super::http::router(self.ingest.clone())
    }

    fn grpc(&self) -> Router {
        super::grpc::service(self.ingest.clone())
    }

    fn n_stored(&self, signal: Signal) -> u64 {
        self.engine.stats().rows_ever.of(signal)
    }

    /// Reasons with their counts, as the status page has them.
    fn rejections(&self) -> Vec<(Reason, u64)> {
        let snapshot = self.telemetry.snapshot(Clock.now());
        let mut rejections: Vec<_> = snapshot.rejections.iter().map(|r| (r.reason, r.n)).collect();
        rejections.sort();
        rejections
    }
}

async fn call(router: Router, request: ::http::Request<Body>) -> (::http::response::Parts, Bytes) {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    (parts, body.collect().await.unwrap().to_bytes())
}

/// A way to compress.
type Compress = fn(&[u8]) -> Vec<u8>;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// A megabyte of zeros for each of the `n_mib`, in about a thousandth of that.
fn bomb(n_mib: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![0; 1 << 20];
    for _ in 0..n_mib {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

/// A request of valid spans, with as many after them that have no ids.
pub(super) fn traces(n_valid: usize, n_invalid: usize) -> ExportTraceServiceRequest {
    let span = |place: usize| Span {
        trace_id: vec![7; 16],
        span_id: (place as u64 + 1).to_be_bytes().to_vec(),
        name: format!("span {place}"),
        ..Span::default()
    };
    let invalid = Span { name: "nameless\u{1b}".to_owned(), ..Span::default() };
    let spans = (0..n_valid).map(span).chain(std::iter::repeat_n(invalid, n_invalid)).collect();
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    }
}
