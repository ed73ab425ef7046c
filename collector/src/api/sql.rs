//! `POST /api/v1/sql`: read-only SQL, answered as JSON, CSV or an Arrow stream.
//!
//! JSON is collected and cut at the row limit; the other two are streamed to the end, and a query that fails on
//! the way breaks the connection off, so that a cut answer is never taken for a whole one. The body has to be
//! `application/json`, which a form on another site cannot send.

use super::changes::{Expected, check_content_type, read_json};
use super::failure::Failure;
use super::{Api, convert, off_thread};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use storage::SqlStream;

mod cells;
mod json;

pub(super) use cells::Cells;

/// Bytes of a request: far more than anybody types, and little to hold.
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;
const EXPECTED: Expected = Expected { bytes_max: BODY_BYTES_MAX, example: "{\"sql\": \"SELECT 1\"}" };

pub(super) async fn sql(State(api): State<Api>, request: Request) -> Result<Response, Failure> {
    let format = Format::asked_for(request.headers())?;
    check_content_type(request.headers(), EXPECTED)?;
    let wire::SqlRequest { sql: statement } = read_json(request.into_body(), EXPECTED).await?;
    if statement.trim().is_empty() {
        return Err(Failure::bad_request("the statement is empty"));
    }
    let started_at = api.settings.clock.instant();
    let stream = api.engine()?.sql(&statement).await.map_err(convert::statement_failure)?;
    match format {
        Format::Json => {
            let mut answer = json::collect(stream, api.settings.rows_max).await?;
            let elapsed_ms = api.settings.clock.instant().duration_since(started_at).as_millis();
            answer.elapsed_ms = u32::try_from(elapsed_ms).unwrap_or(u32::MAX);
            Ok(Json(answer).into_response())
        }
        Format::Csv => streamed(stream, Encoder::csv, "text/csv; charset=utf-8; header=present").await,
        Format::Arrow => streamed(stream, Encoder::arrow, ARROW_STREAM).await,
    }
}

const ARROW_STREAM: &str = "application/vnd.apache.arrow.stream";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
    Arrow,
}

impl Format {
    /// The one with the highest quality, the first of equals; JSON where nothing is asked for.
    fn asked_for(headers: &HeaderMap) -> Result<Self, Failure> {
        let lines: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
        if lines.is_empty() {
            return Ok(Self::Json);
        }
        let mut best: Option<(f32, Self)> = None;
        for item in lines.iter().flat_map(|line| line.split(',')) {
            let Some((format, quality)) = Self::offered(item) else { continue };
            if quality > best.map_or(0.0, |(quality, _)| quality) {
                best = Some((quality, format));
            }
        }
        best.map(|(_, format)| format).ok_or_else(|| {
            let message = format!("cannot answer as {:?}", lines.join(", "));
            Failure::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message)
                .hint(format!("accept application/json, text/csv or {ARROW_STREAM}"))
        })
    }

    fn offered(item: &str) -> Option<(Self, f32)> {
        let (media_type, parameters) = item.split_once(';').unwrap_or((item, ""));
        let format = match media_type.trim().to_ascii_lowercase().as_str() {
            "application/json" | "application/*" | "*/*" => Self::Json,
            "text/csv" | "text/*" => Self::Csv,
            ARROW_STREAM => Self::Arrow,
            _ => return None,
        };
        let quality = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
        Some((format, quality.map_or(1.0, |text| text.trim().parse().unwrap_or(0.0))))
    }
}

/// Batches to bytes.
enum Encoder {
    Csv,
    Arrow(Box<StreamWriter<Vec<u8>>>),
}

/// Makes an encoder and the bytes that come before the first batch.
type Start = fn(&SchemaRef) -> Result<(Encoder, Vec<u8>), Failure>;

impl Encoder {
    fn csv(schema: &SchemaRef) -> Result<(Self, Vec<u8>), Failure> {
        Ok((Self::Csv, cells::csv_header(schema).into_bytes()))
    }

    fn arrow(schema: &SchemaRef) -> Result<(Self, Vec<u8>), Failure> {
        let mut writer = StreamWriter::try_new(Vec::new(), schema).map_err(|error| unwritable(&error))?;
        let head = std::mem::take(writer.get_mut());
        Ok((Self::Arrow(Box::new(writer)), head))
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Csv => Ok(Cells::of(batch)?.csv(batch.num_rows()).into_bytes()),
            Self::Arrow(writer) => {
                writer.write(batch).map_err(|error| unwritable(&error))?;
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }

    fn end(&mut self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Csv => Ok(Vec::new()),
            Self::Arrow(writer) => {
                writer.finish().map_err(|error| unwritable(&error))?;
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }
}

fn unwritable(error: &arrow::error::ArrowError) -> Failure {
    tracing::error!(%error, "cannot write an Arrow stream");
    Failure::internal()
}

/// An answer under way.
struct Progress {
    stream: SqlStream,
    encoder: Encoder,
    is_done: bool,
}

/// The first piece is made before the answer begins, so that most failures still get a status.
async fn streamed(stream: SqlStream, start: Start, content_type: &'static str) -> Result<Response, Failure> {
    let (encoder, head) = start(&stream.schema())?;
    let progress = Progress { stream, encoder, is_done: false };
    let (first, progress) = progress.next().await?;
    let begin = [head, first].concat();
    let rest = stream::try_unfold(progress, |progress| async move {
        if progress.is_done {
            return Ok(None);
        }
        progress.next().await.map(|(bytes, progress)| Some((Bytes::from(bytes), progress))).map_err(
            |failure| {
                tracing::warn!(
                    code = failure.code,
                    message = failure.message,
                    "a streamed answer was broken off"
                );
                std::io::Error::other(failure.message)
            },
        )
    });
    let begin = stream::once(async move { Ok::<_, std::io::Error>(Bytes::from(begin)) });
    let body = Body::from_stream(futures::StreamExt::chain(begin, rest));
    Ok(([(CONTENT_TYPE, content_type)], body).into_response())
}

impl Progress {
    /// The bytes of the next batch, or of the end.
    async fn next(mut self) -> Result<(Vec<u8>, Self), Failure> {
        let batch = self.stream.next().await.transpose().map_err(convert::statement_failure)?;
        off_thread(move || {
            let bytes = match &batch {
                Some(batch) => self.encoder.batch(batch)?,
                None => self.encoder.end()?,
            };
            self.is_done = batch.is_none();
            Ok((bytes, self))
        })
        .await
    }
}
