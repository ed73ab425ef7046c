//! Rows of a statement as one JSON answer, cut at a number of rows and of bytes.

use super::{ARROW_STREAM, Cells};
use crate::api::failure::Failure;
use crate::api::{convert, off_thread};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::sync::Arc;
use storage::{SqlStream, array_bytes, array_values};

/// Bytes of a JSON answer's values: it is held in memory as a whole, some times over.
const JSON_BYTES_MAX: usize = 32 << 20;
/// Bytes that any value takes at least, as text or in memory.
const SCALAR: usize = 16;

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
        // Most batches are small as a whole; of the others, each row is measured before its values are made.
        let are_small = is_small(batch);
        for row in 0..batch.num_rows() {
            let fits = are_small || is_small(&batch.slice(row, 1));
            let n_columns = if fits { batch.num_columns() } else { 0 };
            let values: Vec<_> = (0..n_columns).map(|column| cells.json(column, row)).collect();
            self.n_bytes += values.iter().map(json_bytes).sum::<usize>();
            let is_full = !fits || self.n_bytes > JSON_BYTES_MAX;
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

/// Could these rows be values of an answer? A list of bits is small until each of them is a value.
fn is_small(rows: &RecordBatch) -> bool {
    let n_bytes: usize = rows.columns().iter().map(|column| array_bytes(column)).sum();
    let n_values: usize = rows.columns().iter().map(|column| array_values(column)).sum();
    n_bytes <= JSON_BYTES_MAX && n_values.saturating_mul(SCALAR) <= JSON_BYTES_MAX
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

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, ListArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::Field;

    /// A column of lists with these numbers of items.
    fn lists(items: impl Array + 'static, lengths: &[usize]) -> RecordBatch {
        let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
        let lists: ArrayRef = Arc::new(ListArray::new(field, offsets, Arc::new(items), None));
        RecordBatch::try_from_iter([("c", lists)]).expect("a batch")
    }

    /// Scenario: a list of numbers larger than an answer, and a list of bits that is larger once they are values.
    /// Guarantees: as first rows they are refused.
    #[test]
    fn refuses_a_first_row_too_large() {
        const N_NUMBERS: usize = JSON_BYTES_MAX / 8 + 1;
        const N_BITS: usize = JSON_BYTES_MAX / SCALAR + 1;
        for batch in [
            lists(Int64Array::from(vec![1; N_NUMBERS]), &[N_NUMBERS]),
            lists(BooleanArray::from(vec![true; N_BITS]), &[N_BITS]),
        ] {
            assert!(!is_small(&batch));
            assert!(Collected::default().with(&batch, 10).is_err());
        }
    }

    /// Scenario: a small row before and one after a row larger than an answer.
    /// Guarantees: the answer has the first and says that there are more.
    #[test]
    fn cuts_before_a_row_too_large() {
        const N_BITS: usize = JSON_BYTES_MAX / SCALAR + 1;
        let batch = lists(BooleanArray::from(vec![true; N_BITS + 3]), &[2, N_BITS, 1]);
        let Ok(collected) = Collected::default().with(&batch, 10) else { panic!("the first row fits") };
        assert!(collected.is_cut);
        assert_eq!(collected.rows, [[serde_json::json!([true, true])]]);
    }
}
