//! Rows of equal key become one: what a merge of segments does with the cells of a read model.
//!
//! Rows come in the order of their keys, so that those of one key are neighbours; only the last row waits for what
//! may follow. What becomes of a column is said by its type and name: bytes are histograms, times are the first or
//! the last, numbers are added up.

use super::hdr::SparseHistogram;
use crate::columns::column;
use crate::ids::Table;
use crate::segment::key_columns;
use arrow::array::{
    ArrayRef, AsArray, BinaryArray, BinaryBuilder, Int64Array, RecordBatch, TimestampNanosecondArray,
    UInt32Array, UInt64Array,
};
use arrow::compute::{concat_batches, partition, take};
use arrow::datatypes::{DataType, Field, Int64Type, TimestampNanosecondType, UInt64Type};
use std::ops::Range;
use std::sync::Arc;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Folds the rows of one table.
pub(crate) struct Folder {
    table: Table,
    /// The last row so far.
    open: Option<RecordBatch>,
}

/// What the rows of one key have in common in a column of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Equal in all of them.
    Key,
    /// Stays at the largest number.
    Sum,
    First,
    Last,
    Histogram,
}

impl Rule {
    fn of(table: Table, field: &Field) -> Self {
        match field.data_type() {
            _ if key_columns(table).contains(&field.name().as_str()) => Self::Key,
            DataType::Binary => Self::Histogram,
            DataType::Timestamp(..) if field.name().starts_with("first_") => Self::First,
            DataType::Timestamp(..) => Self::Last,
            _ => Self::Sum,
        }
    }
}

impl Folder {
    /// None for the rows of signals, each of which stands for itself.
    pub(crate) fn of(table: Table) -> Option<Self> {
        table.signal().is_none().then_some(Self { table, open: None })
    }

    /// Takes the next rows. Returns those that are complete.
    pub(crate) fn add(&mut self, rows: &RecordBatch) -> Result<RecordBatch, Cause> {
        let rows = match self.open.take() {
            Some(open) => concat_batches(&self.table.schema(), [&open, rows])?,
            None => rows.clone(),
        };
        let folded = fold(self.table, &rows)?;
        let n_complete = folded.num_rows().saturating_sub(1);
        self.open = (folded.num_rows() > 0).then(|| folded.slice(n_complete, 1));
        Ok(folded.slice(0, n_complete))
    }

    /// The last row, if there was any.
    pub(crate) fn finish(self) -> Option<RecordBatch> {
        self.open
    }
}

/// Neighbours of equal key as one row.
fn fold(table: Table, rows: &RecordBatch) -> Result<RecordBatch, Cause> {
    let keys = key_columns(table).iter().map(|name| Arc::clone(column(rows, name)));
    let runs = partition(&keys.collect::<Vec<ArrayRef>>())?.ranges();
    if runs.len() == rows.num_rows() {
        return Ok(rows.clone());
    }
    let schema = table.schema();
    let columns = schema.fields().iter().zip(rows.columns());
    let folded = columns.map(|(field, column)| fold_column(Rule::of(table, field), column, &runs));
    Ok(RecordBatch::try_new(Arc::clone(&schema), folded.collect::<Result<_, Cause>>()?)?)
}

fn fold_column(rule: Rule, column: &ArrayRef, runs: &[Range<usize>]) -> Result<ArrayRef, Cause> {
    match rule {
        Rule::Key => {
            let firsts = runs.iter().map(|run| run.start as u32);
            Ok(take(column, &UInt32Array::from_iter_values(firsts), None)?)
        }
        Rule::Sum => match column.data_type() {
            DataType::UInt64 => {
                let values = column.as_primitive::<UInt64Type>().values();
                let sum = |run: &Range<usize>| {
                    values[run.clone()].iter().fold(0, |sum: u64, value| sum.saturating_add(*value))
                };
                Ok(Arc::new(UInt64Array::from_iter_values(runs.iter().map(sum))))
            }
            DataType::Int64 => {
                let values = column.as_primitive::<Int64Type>().values();
                let sum = |run: &Range<usize>| {
                    values[run.clone()].iter().fold(0, |sum: i64, value| sum.saturating_add(*value))
                };
                Ok(Arc::new(Int64Array::from_iter_values(runs.iter().map(sum))))
            }
            other => Err(format!("cells of type {other} cannot be added up").into()),
        },
        Rule::First => Ok(Arc::new(times(column, runs, |times| times.iter().copied().min()))),
        Rule::Last => Ok(Arc::new(times(column, runs, |times| times.iter().copied().max()))),
        Rule::Histogram => Ok(Arc::new(histograms(column.as_binary::<i32>(), runs)?)),
    }
}

fn times(
    column: &ArrayRef,
    runs: &[Range<usize>],
    choose: impl Fn(&[i64]) -> Option<i64>,
) -> TimestampNanosecondArray {
    let column = column.as_primitive::<TimestampNanosecondType>();
    let chosen = runs.iter().map(|run| choose(&column.values()[run.clone()]).unwrap_or_default());
    TimestampNanosecondArray::from_iter_values(chosen).with_timezone_opt(column.timezone())
}

fn histograms(column: &BinaryArray, runs: &[Range<usize>]) -> Result<BinaryArray, Cause> {
    let mut folded = BinaryBuilder::new();
    for run in runs {
        if run.len() == 1 {
            folded.append_value(column.value(run.start));
            continue;
        }
        let mut sum = SparseHistogram::default();
        for row in run.clone() {
            sum.add_encoded(column.value(row))?;
        }
        folded.append_value(sum.encode());
    }
    Ok(folded.finish())
}

#[cfg(test)]
mod tests;
