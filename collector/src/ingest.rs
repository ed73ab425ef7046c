//! From a whole request to its acknowledgement: inflate, decode, log, insert.
//!
//! Inflating, decoding and building columns happen off the async threads, a few at a time. From there
//! on a request belongs to a task of its own: a client that goes away changes nothing about it. Only a
//! record that is in the write-ahead log is acknowledged.

use crate::auth::Gate;
use crate::causes::with_causes;
use crate::clock::Clock;
use crate::columns::{self, Limits};
use crate::decode::{self, Encoding, Report};
use crate::receive::admission::{Budget, Permit};
use crate::receive::answer::{Acknowledged, Failure};
use crate::receive::{Compression, hints, inflate, sniff};
use crate::record::Logged;
use crate::resent::{Fingerprint, Met, Recent, is_one_of_a_kind};
use crate::series_limit::{self, SeriesLimit};
use crate::telemetry::{Accepted, Origin, Reason, Refusal, RequestKind, Telemetry};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use storage::{Columns, Engine, Signal, WalRecord};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Bounds of the receivers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IngestLimits {
    /// Largest request, as sent and after decompression.
    pub(crate) request_bytes: usize,
    /// Sum over all requests under way, as sent, inflated and as rows.
    pub(crate) inflight_bytes: usize,
    /// Time to send a body; longer ones must keep up 64 KiB a second.
    pub(crate) body_timeout: Duration,
    /// What is kept of one item.
    pub(crate) items: Limits,
    /// Series of a metric.
    pub(crate) series_max: usize,
}

impl Default for IngestLimits {
    fn default() -> Self {
        Self {
            request_bytes: 64 << 20,
            inflight_bytes: 256 << 20,
            body_timeout: Duration::from_secs(30),
            items: Limits::default(),
            series_max: 50_000,
        }
    }
}

/// A request that was read, still compressed and undecoded.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) signal: Signal,
    pub(crate) origin: Origin,
    pub(crate) encoding: Encoding,
    pub(crate) compression: Compression,
    pub(crate) bytes: Bytes,
    /// Held until the rows are in the engine.
    pub(crate) permit: Permit,
}

/// The way into the engine, shared by all connections.
#[derive(Debug, Clone)]
pub(crate) struct Ingest {
    inner: Arc<Inner>,
    gate: Arc<Gate>,
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    telemetry: Arc<Telemetry>,
    limits: IngestLimits,
    clock: Clock,
    budget: Budget,
    recent: Arc<Recent>,
    /// Where this server listens, for those who came to the wrong place.
    endpoints: wire::Endpoints,
    series: SeriesLimit,
    /// As many requests are decoded at once as there are cores: a decoded one takes several times its
    /// size, and more at once would only be slower.
    decoders: Semaphore,
    tasks: TaskTracker,
}

/// A request made ready to be logged.
struct Decoded {
    record: WalRecord,
    columns: Columns,
    report: Report,
    /// By which it is known when it is sent again, if it can be.
    fingerprint: Option<Fingerprint>,
}

impl Ingest {
    /// `recent` knows the requests that were stored before.
    pub(crate) fn new(
        engine: Engine,
        telemetry: Arc<Telemetry>,
        limits: IngestLimits,
        clock: Clock,
        recent: Arc<Recent>,
        endpoints: wire::Endpoints,
    ) -> Self {
        let budget = Budget::new(limits.inflight_bytes as u64, telemetry.inflight_bytes());
        let n_decoders = std::thread::available_parallelism().map_or(2, usize::from);
        let (decoders, tasks) = (Semaphore::new(n_decoders), TaskTracker::new());
        let series = SeriesLimit::new(limits.series_max);
        let inner =
            Inner { engine, telemetry, limits, clock, budget, recent, endpoints, series, decoders, tasks };
        Self { inner: Arc::new(inner), gate: Arc::default() }
    }

    /// With somebody at the doors who asks for credentials. Without, nobody does.
    pub(crate) fn guarded_by(self, gate: Arc<Gate>) -> Self {
        Self { gate, ..self }
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn limits(&self) -> &IngestLimits {
        &self.inner.limits
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.inner.budget
    }

    pub(crate) fn clock(&self) -> Clock {
        self.inner.clock
    }

    /// Would the engine refuse now? To be asked before a body is read.
    pub(crate) fn check_pressure(&self) -> Result<(), Failure> {
        self.inner.engine.pressure().map_err(|error| refused_by_engine(&error))
    }

    /// Counts a refusal and hands it back to be answered, with what to do about it.
    pub(crate) fn refuse(&self, origin: &Origin, signal: Option<Signal>, failure: Failure) -> Failure {
        let (reason, inner) = (failure.reason(), &self.inner);
        let context = hints::Context { origin, endpoints: &inner.endpoints };
        let hint = hints::hint(reason, context);
        let (message, hint) = (failure.message(), hint.as_deref());
        inner.telemetry.refused(&Refusal { origin, signal, reason, message, hint }, inner.clock.now());
        failure.hinted(hints::told(reason, context))
    }

    /// Stores a request. What it ends in is counted, whether or not anybody waits for it.
    pub(crate) async fn accept(&self, payload: Payload) -> Result<Acknowledged, Failure> {
        let (signal, origin) = (Some(payload.signal), payload.origin.clone());
        let ingest = self.clone();
        let task = self.inner.tasks.spawn(async move {
            let origin = payload.origin.clone();
            let stored = ingest.store(payload, &origin).await;
            stored.map_err(|failure| ingest.refuse(&origin, signal, failure))
        });
        // The task ends early only by a panic, or with the runtime.
        task.await.unwrap_or_else(|error| Err(self.refuse(&origin, signal, broken("request task", &error))))
    }

    /// Waits for the requests under way; to be called when the listeners are closed.
    pub(crate) async fn drain(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    async fn store(&self, payload: Payload, origin: &Origin) -> Result<Acknowledged, Failure> {
        let inner = &self.inner;
        let started_at = inner.clock.instant();
        let kind = RequestKind {
            signal: payload.signal,
            transport: origin.transport,
            encoding: payload.encoding.name(),
        };
        let (decoded, permit) = self.decode(payload).await?;
        let Decoded { record, columns, report, fingerprint } = decoded;
        let (n_items, n_bytes) = (columns.batch().num_rows() as u64, record.payload.len() as u64);
        permit.payer().pay_items(n_items, started_at);
        let answer = Acknowledged::new(kind.signal, report.n_rejected(), report.message());
        // A request without a single row leaves nothing to make durable, nor to remember.
        if n_items > 0
            && let Some(before) = self.keep(record, columns, fingerprint, &answer).await?
        {
            inner.telemetry.resent(kind.signal);
            return Ok(before);
        }
        drop(permit);
        let took = inner.clock.instant().duration_since(started_at);
        let (report, message) = (&report, answer.message());
        let accepted = Accepted { origin, kind, n_items, n_bytes, report, message, took };
        inner.telemetry.accepted(&accepted, inner.clock.now());
        Ok(answer)
    }

    /// Makes rows durable and visible; or says what was answered when the same request was stored before.
    async fn keep(
        &self,
        record: WalRecord,
        columns: Columns,
        fingerprint: Option<Fingerprint>,
        answer: &Acknowledged,
    ) -> Result<Option<Acknowledged>, Failure> {
        let inner = &self.inner;
        let turn = match fingerprint {
            None => None,
            Some(fingerprint) => match inner.recent.meet(fingerprint, record.received_at).await {
                Met::First(turn) => Some(turn),
                Met::Before(answer) => return Ok(Some(answer)),
            },
        };
        let logged = inner.engine.log(record).await.map_err(|error| refused_by_engine(&error))?;
        let columns = match &turn {
            Some(turn) => columns.with_receipt(turn.stored(answer.clone(), inner.clock.now()).receipt()),
            None => columns,
        };
        inner.engine.insert(logged, columns);
        Ok(None)
    }

    async fn decode(&self, payload: Payload) -> Result<(Decoded, Permit), Failure> {
        // The semaphore is never closed.
        let turn = self.inner.decoders.acquire().await.map_err(|error| broken("decoder", &error))?;
        let (inner, received_at) = (Arc::clone(&self.inner), self.inner.clock.now());
        let decoding = tokio::task::spawn_blocking(move || decode_payload(payload, received_at, &inner));
        let decoded = decoding.await.map_err(|error| broken("decoder", &error))?;
        drop(turn);
        decoded
    }
}

fn decode_payload(payload: Payload, received_at: i64, inner: &Inner) -> Result<(Decoded, Permit), Failure> {
    let Payload { signal, encoding, compression, bytes, mut permit, .. } = payload;
    let Inner { limits, series, .. } = inner;
    let body = inflate(bytes, compression, limits.request_bytes, &mut permit)?;
    let mut report = Report::default();
    let decoded = decode::decode(signal, encoding, &body, &mut report)
        .map_err(|error| undecodable(&error, signal, encoding, compression, &body))?;
    let mut columns = columns::build(&decoded, received_at, limits.items, &mut report)
        .map_err(|error| broken("columns", &error))?;
    drop(decoded);
    let refused = series.refused(&columns, received_at);
    if let Some(refused) = &refused {
        columns = series_limit::without(columns, refused, &mut report)
            .map_err(|error| broken("columns", &error))?;
    }
    permit.charge_present(columns.batch().get_array_memory_size() as u64)?;
    let fingerprint = is_one_of_a_kind(&columns).then(|| Fingerprint::of(signal, encoding.code(), &body));
    let record = Logged { signal, encoding, received_at, body, refused }.write();
    Ok((Decoded { record, columns, report, fingerprint }, permit))
}

/// A common mistake is called by its name; what the decoder stumbled over says little of it.
fn undecodable(
    error: &decode::Error,
    signal: Signal,
    encoding: Encoding,
    compression: Compression,
    body: &[u8],
) -> Failure {
    let reason = match error {
        decode::Error::Protobuf { .. } => Reason::ProtobufMalformed,
        decode::Error::Json { .. } => Reason::JsonMalformed,
        decode::Error::Zipkin { .. } => Reason::ZipkinMalformed,
        decode::Error::RemoteWrite { .. } => Reason::RemoteWriteMalformed,
        // The doors do not mix them up.
        decode::Error::OtherSignal { .. } => Reason::Internal,
        decode::Error::TooLarge { .. } => Reason::RequestTooLarge,
    };
    if let Some((reason, message)) = sniff::mistake(encoding, compression, body) {
        return Failure::new(reason, message);
    }
    if encoding == Encoding::Protobuf
        && let Some(other) = sniff::other_signal(signal, body)
    {
        let message = format!("the body is an export request of {other}, and it was sent as one of {signal}");
        return Failure::new(reason, message);
    }
    let message = error.nested_too_deep().unwrap_or_else(|| with_causes(error));
    Failure::new(reason, decode::text::printable(&message, 400))
}

/// What the engine says is for our log; the client learns only what it has to do.
fn refused_by_engine(error: &storage::Error) -> Failure {
    const AFTER: Duration = Duration::from_secs(5);
    match error {
        storage::Error::Overloaded { retry_after } => {
            Failure::retry(Reason::Overloaded, error.to_string(), *retry_after)
        }
        storage::Error::RecordTooLarge { .. } => Failure::new(Reason::RequestTooLarge, error.to_string()),
        // States, not events: the engine's figures show them, and every request they refuse is counted;
        // a line for each would only bury the log.
        storage::Error::DiskFull | storage::Error::WalFailed => {
            Failure::retry(Reason::StorageUnavailable, error.to_string(), AFTER * 6)
        }
        storage::Error::Closed => {
            Failure::retry(Reason::StorageUnavailable, "server is shutting down".to_owned(), AFTER)
        }
        storage::Error::SchemaMismatch { .. } => broken("columns", error),
        _ => {
            tracing::error!(error = %with_causes(error), "store request");
            Failure::retry(Reason::StorageUnavailable, "storage is not available".to_owned(), AFTER)
        }
    }
}

fn broken(what: &str, error: &dyn std::error::Error) -> Failure {
    tracing::error!(error = %with_causes(error), "{what} failed");
    Failure::new(Reason::Internal, format!("internal error in the {what}; the server's log has the details"))
}
