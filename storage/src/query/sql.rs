//! SQL from outside: reading statements only, within the limits, stopped when nobody listens.

use super::failure::from_datafusion;
use super::session::{Session, Task, panicked};
use super::statement;
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::{FutureExt, StreamExt};
use std::panic::AssertUnwindSafe;
use tokio::sync::mpsc;

/// Batches ready before the client asks for them; more would only hold memory for a slow one.
const BATCHES_AHEAD: usize = 2;

/// The rows of a statement, as they come. Dropping it stops the query.
#[derive(Debug)]
pub struct SqlStream {
    schema: SchemaRef,
    parts: mpsc::Receiver<Part>,
    _task: Task<()>,
}

#[derive(Debug)]
enum Part {
    Schema(SchemaRef),
    Batch(RecordBatch),
    Failed(Error),
    End,
}

impl SqlStream {
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// The next batch; none after the last one or after an error.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, Error>> {
        let part = self.parts.recv().await;
        if !matches!(part, Some(Part::Batch(_))) {
            self.parts.close();
        }
        match part {
            Some(Part::Batch(batch)) => Some(Ok(batch)),
            Some(Part::Failed(error)) => Some(Err(error)),
            Some(Part::Schema(_) | Part::End) | None => None,
        }
    }
}

impl Engine {
    /// Runs one reading statement over `spans`, `logs`, `metric_points` and `red`.
    ///
    /// The deadline covers everything up to the last batch, a slow reader's time included.
    pub async fn sql(&self, sql: &str) -> Result<SqlStream, Error> {
        let place = self.query_context().enter()?;
        let session = Session::open(self);
        let (sender, mut parts) = mpsc::channel(BATCHES_AHEAD);
        let sql = sql.to_owned();
        let task = Task::spawn(self, async move {
            let work = AssertUnwindSafe(place.run(answer(&session, &sql, &sender))).catch_unwind();
            let last = match work.await {
                Ok(Ok(())) => Part::End,
                Ok(Err(error)) => Part::Failed(error),
                Err(_) => Part::Failed(panicked()),
            };
            // A reader that has gone needs no ending.
            let _ = sender.send(last).await;
        });
        match parts.recv().await {
            Some(Part::Schema(schema)) => Ok(SqlStream { schema, parts, _task: task }),
            Some(Part::Failed(error)) => Err(error),
            Some(Part::Batch(_) | Part::End) | None => Err(panicked()),
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
