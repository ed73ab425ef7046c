//! The Rust SDK with the exporters of `opentelemetry-otlp`, made for a case of the matrix.
//!
//! Batches are exported by threads that know nothing of the runtime. gRPC works there as it is; requests over HTTP
//! are handed to the runtime. Both are to be called where a runtime is, on a thread that may block.

use super::case::{Case, PATIENCE_S, Protocol};
use crate::support::server::http_client;
use opentelemetry::KeyValue;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    Compression, LogExporter, MetricExporter, Protocol as OtlpProtocol, RetryPolicy, SpanExporter,
    WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, PeriodicReader, SdkMeterProvider, Stream, Temporality,
};
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;

/// As many as a server that starts again may need; three is what the exporters try by themselves.
const RETRIES_MAX: usize = 30;
/// Points are exported when the program says so, and never between.
const INTERVAL: Duration = Duration::from_secs(3600);

pub(crate) struct Exporters {
    pub(crate) spans: SpanExporter,
    pub(crate) logs: LogExporter,
    pub(crate) metrics: MetricExporter,
}

pub(crate) struct Providers {
    pub(crate) tracers: SdkTracerProvider,
    pub(crate) loggers: SdkLoggerProvider,
    pub(crate) meters: SdkMeterProvider,
}

/// How often something was sent again, where one thing is exported at a time.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    n_of_export: AtomicUsize,
    n_retries: AtomicUsize,
}

impl Tries {
    /// To be told when something else is exported.
    pub(crate) fn begin(&self) {
        self.n_of_export.store(0, Ordering::SeqCst);
    }

    fn add(&self) {
        if self.n_of_export.fetch_add(1, Ordering::SeqCst) > 0 {
            self.n_retries.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn n_retries(&self) -> usize {
        self.n_retries.load(Ordering::SeqCst)
    }
}

/// Over what the case says, compressed as it says, and persistent.
pub(crate) fn exporters(case: Case, endpoint: &str, tries: &Arc<Tries>) -> Exporters {
    let temporality = if case.is_gzip { Temporality::Delta } else { Temporality::Cumulative };
    let metrics = MetricExporter::builder();
    match case.protocol {
        Protocol::Grpc => {
            let grpc = Grpc { case, endpoint, tries };
            let metrics = grpc.set_up(metrics.with_tonic()).with_temporality(temporality);
            Exporters {
                spans: grpc.set_up(SpanExporter::builder().with_tonic()).build().expect("an exporter"),
                logs: grpc.set_up(LogExporter::builder().with_tonic()).build().expect("an exporter"),
                metrics: metrics.build().expect("an exporter"),
            }
        }
        Protocol::HttpProtobuf => {
            let http = Http { case, endpoint, tries };
            let metrics = http.set_up(metrics.with_http(), "metrics").with_temporality(temporality);
            let traces = http.set_up(SpanExporter::builder().with_http(), "traces");
            let logs = http.set_up(LogExporter::builder().with_http(), "logs");
            Exporters {
                spans: traces.build().expect("an exporter"),
                logs: logs.build().expect("an exporter"),
                metrics: metrics.build().expect("an exporter"),
            }
        }
        Protocol::HttpJson => panic!("{}: the crate's JSON is not among the cases", case.name()),
    }
}

/// What is exported goes out in batches, when it is flushed.
pub(crate) fn providers<S, L, M>(case: Case, spans: S, logs: L, metrics: M) -> Providers
where
    S: opentelemetry_sdk::trace::SpanExporter + 'static,
    L: opentelemetry_sdk::logs::LogExporter + 'static,
    M: PushMetricExporter,
{
    let resource = resource(case);
    let tracers = SdkTracerProvider::builder().with_batch_exporter(spans).with_resource(resource.clone());
    let loggers = SdkLoggerProvider::builder().with_batch_exporter(logs).with_resource(resource.clone());
    let reader = PeriodicReader::builder(metrics).with_interval(INTERVAL).build();
    let meters = SdkMeterProvider::builder().with_reader(reader).with_view(exponential);
    let meters = meters.with_resource(resource).build();
    Providers { tracers: tracers.build(), loggers: loggers.build(), meters }
}

fn resource(case: Case) -> Resource {
    let attributes = [
        KeyValue::new("service.version", "9.8.7"),
        KeyValue::new("deployment.environment.name", "test"),
        KeyValue::new("shop.city", "M\u{fc}nchen, Ost"),
    ];
    Resource::builder().with_service_name(case.name()).with_attributes(attributes).build()
}

/// The histogram of this name is an exponential one, with as many buckets as the SDKs of other languages give it.
fn exponential(instrument: &Instrument) -> Option<Stream> {
    let aggregation =
        Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };
    let is_latency = instrument.name() == "shop.latency";
    is_latency.then(|| Stream::builder().with_aggregation(aggregation).build().expect("a stream"))
}

fn retry_policy() -> RetryPolicy {
    RetryPolicy::recommended().with_max_retries(RETRIES_MAX)
}

struct Grpc<'a> {
    case: Case,
    endpoint: &'a str,
    tries: &'a Arc<Tries>,
}

impl Grpc<'_> {
    fn set_up<B: WithExportConfig + WithTonicConfig>(&self, builder: B) -> B {
        let tries = Arc::clone(self.tries);
        let count = move |request: tonic::Request<()>| -> Result<tonic::Request<()>, tonic::Status> {
            tries.add();
            Ok(request)
        };
        let builder = builder.with_endpoint(self.endpoint).with_timeout(Duration::from_secs(PATIENCE_S));
        let builder = builder.with_retry_policy(retry_policy()).with_interceptor(count);
        if self.case.is_gzip { builder.with_compression(Compression::Gzip) } else { builder }
    }
}

struct Http<'a> {
    case: Case,
    endpoint: &'a str,
    tries: &'a Arc<Tries>,
}

impl Http<'_> {
    fn set_up<B: WithExportConfig + WithHttpConfig>(&self, builder: B, signal: &str) -> B {
        let tries = Arc::clone(self.tries);
        let client = OnRuntime { http: http_client(), runtime: Handle::current(), tries };
        let builder = builder.with_endpoint(format!("{}/v1/{signal}", self.endpoint));
        let builder = builder.with_protocol(OtlpProtocol::HttpBinary).with_http_client(client);
        let builder = builder.with_timeout(Duration::from_secs(PATIENCE_S)).with_retry_policy(retry_policy());
        if self.case.is_gzip { builder.with_compression(Compression::Gzip) } else { builder }
    }
}

/// Sends from whatever thread.
#[derive(Debug)]
struct OnRuntime {
    http: reqwest::Client,
    runtime: Handle,
    tries: Arc<Tries>,
}

#[async_trait::async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.tries.add();
        let http = self.http.clone();
        self.runtime.spawn(async move { http.send_bytes(request).await }).await?
    }
}
