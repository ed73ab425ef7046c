//! One trace by its id, or one span of it.

use super::literals::binary;
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::RecordBatch;

impl Engine {
    /// All spans of a trace in order of their start, parents before children that start with them; at
    /// most `spans_max`. Segments keep a trace's spans together, so few pages are read.
    pub async fn trace(&self, trace_id: [u8; 16], spans_max: usize) -> Result<Vec<RecordBatch>, Error> {
        let sql = format!("{} LIMIT {spans_max}", Self::trace_sql(trace_id));
        self.read(move |session| async move { session.collect(&sql).await }).await
    }

    /// One span of a trace as a batch of one row: of spans that share their id the one that `trace` has
    /// first. No other span's row is made.
    pub async fn span(&self, trace_id: [u8; 16], span_id: [u8; 8]) -> Result<Option<RecordBatch>, Error> {
        let (trace, span) = (binary(&trace_id), binary(&span_id));
        let sql = format!(
            "SELECT * FROM spans WHERE trace_id = {trace} AND span_id = {span} \
             ORDER BY start_time, duration_ns DESC LIMIT 1"
        );
        let batches = self.read(move |session| async move { session.collect(&sql).await }).await?;
        Ok(batches.into_iter().next())
    }

    /// The statement behind [`Engine::trace`], without its bound.
    pub fn trace_sql(trace_id: [u8; 16]) -> String {
        let id = binary(&trace_id);
        format!("SELECT * FROM spans WHERE trace_id = {id} ORDER BY start_time, duration_ns DESC, span_id")
    }
}
