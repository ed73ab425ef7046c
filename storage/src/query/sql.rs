//! SQL from outside: reading statements only, within the limits, stopped when nobody listens.

use super::failure::from_datafusion;
use super::lane::{Task, panicked};
use super::session::Session;
use super::statement;
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::StreamExt;
use tokio::sync::mpsc;

/// Batches ready before the client asks for them; more would only hold memory for a slow one.
const BATCHES_AHEAD: usize = 2;

/// The rows of a statement, as they come. Dropping it stops the query.
#[derive(Debug)]
pub struct SqlStream {
    schema: SchemaRef,
    parts: mpsc::Receiver<Part>,
    /// None once its end was told.
    task: Option<Task<()>>,
}

#[derive(Debug)]
enum Part {
    Schema(SchemaRef),
    Batch(RecordBatch),
}

impl SqlStream {
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// The next batch; none after the last one or after an error.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, Error>> {
        let task = self.task.as_mut()?;
        let failure = match task.meanwhile(self.parts.recv()).await {
            Ok(Some(Part::Batch(batch))) => return Some(Ok(batch)),
            Ok(Some(Part::Schema(_))) => Some(panicked()),
            Ok(None) => task.end().await.err(),
            Err(overrun) => Some(overrun),
        };
        self.task = None;
        failure.map(Err)
    }
}

impl Engine {
    /// Runs one reading statement over the tables and views of `docs/sql.md`.
    ///
    /// The deadline covers everything up to the last batch, a slow reader's time included.
    pub async fn sql(&self, sql: &str) -> Result<SqlStream, Error> {
        let lane = &self.query_context().statements;
        let place = lane.enter()?;
        let session = Session::open(self, lane, place.stop());
        let (sender, mut parts) = mpsc::channel(BATCHES_AHEAD);
        let sql = sql.to_owned();
        let mut task = place.spawn(async move { answer(&session, &sql, &sender).await });
        match task.meanwhile(parts.recv()).await? {
            Some(Part::Schema(schema)) => Ok(SqlStream { schema, parts, task: Some(task) }),
            Some(Part::Batch(_)) => Err(panicked()),
            None => Err(task.end().await.err().unwrap_or_else(panicked)),
        }
    }
}

async fn answer(session: &Session, sql: &str, parts: &mpsc::Sender<Part>) -> Result<(), Error> {
    let plan = statement::plan(session, sql).await?;
    let mut batches = session.execute(plan).await?;
    if parts.send(Part::Schema(batches.schema())).await.is_err() {
        return Ok(());
    }
    while let Some(batch) = batches.next().await {
        if parts.send(Part::Batch(batch.map_err(from_datafusion)?)).await.is_err() {
            break;
        }
    }
    Ok(())
}
