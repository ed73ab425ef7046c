//! Rows of a statement as one JSON answer, cut at a number of rows and of bytes.

use super::{ARROW_STREAM, Cells};
use crate::api::failure::Failure;
use crate::api::{convert, off_thread};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::sync::Arc;
use storage::SqlStream;

/// Bytes of a JSON answer's values: it is held in memory as a whole, some times over.
const JSON_BYTES_MAX: usize = 32 << 20;

pub(super) async fn collect(mut stream: SqlStream, rows_max: usize) -> Result<wire::SqlAnswer, Failure> {
    let columns = columns(&stream.schema());
    let mut collected = Collected::default();
    while !collected.is_cut
        && let Some(batch) = stream.next().await
    {
        let batch = batch.map_err(convert::statement_failure)?;
        collected = off_thread(move || collected.with(&batch, rows_max)).await?;
    }
    Ok(wire::SqlAnswer { columns, rows: collected.rows, truncated: collected.is_cut, elapsed_ms: 0 })
}

fn columns(schema: &SchemaRef) -> Vec<wire::SqlColumn> {
    let column = |field: &Arc<arrow::datatypes::Field>| wire::SqlColumn {
        name: field.name().clone(),
        data_type: field.data_type().to_string(),
    };
    schema.fields().iter().map(column).collect()
}

/// The rows of a JSON answer so far.
#[derive(Debug, Default)]
struct Collected {
    rows: Vec<Vec<serde_json::Value>>,
    n_bytes: usize,
    /// There are more rows than these.
    is_cut: bool,
}

impl Collected {
    fn with(mut self, batch: &RecordBatch, rows_max: usize) -> Result<Self, Failure> {
        let cells = Cells::of(batch)?;
        for row in 0..batch.num_rows() {
            let values: Vec<_> = (0..batch.num_columns()).map(|column| cells.json(column, row)).collect();
            self.n_bytes += values.iter().map(json_bytes).sum::<usize>();
            let is_full = self.n_bytes > JSON_BYTES_MAX;
            if is_full && self.rows.is_empty() {
                return Err(row_too_large());
            }
            if is_full || self.rows.len() >= rows_max {
                self.is_cut = true;
                break;
            }
            self.rows.push(values);
        }
        Ok(self)
    }
}

/// An answer that is cut before its first row would look like one without rows.
fn row_too_large() -> Failure {
    let message = format!("the first row is larger than the {} MiB of a JSON answer", JSON_BYTES_MAX >> 20);
    Failure::bad_request(message).hint(format!(
        "select fewer columns, or a part of the text: left(body, 1000); or accept text/csv or {ARROW_STREAM}"
    ))
}

/// About the bytes that a value takes, in memory or written, whichever are more.
fn json_bytes(value: &serde_json::Value) -> usize {
    const SCALAR: usize = 16;
    match value {
        serde_json::Value::String(text) => SCALAR + text.bytes().map(escaped_bytes).sum::<usize>(),
        serde_json::Value::Array(items) => SCALAR + items.iter().map(json_bytes).sum::<usize>(),
        serde_json::Value::Object(members) => {
            SCALAR + members.iter().map(|(key, value)| SCALAR + key.len() + json_bytes(value)).sum::<usize>()
        }
        _ => SCALAR,
    }
}

/// What JSON writes for a byte of text: control characters as `\u0000`.
fn escaped_bytes(byte: u8) -> usize {
    match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    }
}
