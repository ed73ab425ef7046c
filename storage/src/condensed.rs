//! Columns that a segment keeps in another form than its table, because other columns tell most of them.
//!
//! Most parents of spans are spans of the same trace, which stand close by: the two ids of a span in one
//! column let the compression find one in the other. Most spans end when start and duration say, and most
//! logs are observed when they happen, so that what is left of these times is zero. Which form a file has,
//! its columns tell. `docs/formats/segments.md` holds the columns.

use crate::ids::Table;
use crate::schema::{SPAN_ID_BYTES, TIME_ZONE, span_id, timestamp};
use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Int64Array, PrimitiveArray,
    RecordBatch, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema, TimestampNanosecondType};
use arrow::error::ArrowError;
use std::sync::Arc;

/// A span's id, then its parent's, or zeros for none.
const SPAN_IDS: &str = "span_ids";
/// `end_time - start_time - duration_ns`: not 0 where a span claims to end before it starts.
const END_TIME_EXCESS: &str = "end_time_excess";
/// `observed_time - time`.
const OBSERVED_TIME_LAG: &str = "observed_time_lag";

/// Bytes of one id.
const ID: usize = SPAN_ID_BYTES as usize;
/// What stands for no parent: OTLP has no such id.
const NO_ID: [u8; ID] = [0; ID];

/// A column of a table that a segment tells by others. All arithmetic wraps, so that any two times come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Condensed {
    SpanId,
    ParentSpanId,
    EndTime,
    ObservedTime,
}

impl Condensed {
    /// How a file tells a column of its table; none if it has the column itself.
    pub(crate) fn of(name: &str, file: &Schema) -> Option<Self> {
        let found = match name {
            "span_id" => Self::SpanId,
            "parent_span_id" => Self::ParentSpanId,
            "end_time" => Self::EndTime,
            "observed_time" => Self::ObservedTime,
            _ => return None,
        };
        let mut parts = found.parts().iter();
        parts.all(|part| file.index_of(part).is_ok()).then_some(found)
    }

    /// The columns of the file that [`Condensed::expand`] wants.
    pub(crate) fn parts(self) -> &'static [&'static str] {
        match self {
            Self::SpanId | Self::ParentSpanId => &[SPAN_IDS],
            Self::EndTime => &["start_time", "duration_ns", END_TIME_EXCESS],
            Self::ObservedTime => &["time", OBSERVED_TIME_LAG],
        }
    }

    /// The column's field in the table.
    pub(crate) fn table_field(self) -> Field {
        match self {
            Self::SpanId => Field::new("span_id", span_id(), false),
            Self::ParentSpanId => Field::new("parent_span_id", span_id(), true),
            Self::EndTime => Field::new("end_time", timestamp(), false),
            Self::ObservedTime => Field::new("observed_time", timestamp(), true),
        }
    }

    /// The column as the table has it.
    pub(crate) fn expand(self, parts: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
        Ok(match (self, parts) {
            (Self::SpanId, [ids]) => {
                let ids = span_ids(ids)?;
                let bytes = ids.iter().map(|ids| ids.map(|ids| &ids[..ID]));
                Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes, SPAN_ID_BYTES)?)
            }
            (Self::ParentSpanId, [ids]) => {
                let ids = span_ids(ids)?;
                let bytes = ids.iter().map(|ids| ids.map(|ids| &ids[ID..]).filter(|id| *id != NO_ID));
                Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes, SPAN_ID_BYTES)?)
            }
            (Self::EndTime, [start, duration, excess]) => {
                let ends = ends(times(start)?, ints(duration)?, ints(excess)?);
                Arc::new(ends.with_timezone(TIME_ZONE))
            }
            (Self::ObservedTime, [time, lag]) => {
                let observed: TimestampNanosecondArray =
                    arrow::compute::binary(times(time)?, ints(lag)?, i64::wrapping_add)?;
                Arc::new(observed.with_timezone(TIME_ZONE))
            }
            _ => return Err(missing(self.parts()[0])),
        })
    }

    /// The column that a segment has for this one, if any.
    fn field(self) -> Option<Field> {
        match self {
            Self::SpanId => Some(Field::new(SPAN_IDS, DataType::FixedSizeBinary(2 * SPAN_ID_BYTES), false)),
            Self::ParentSpanId => None,
            Self::EndTime => Some(Field::new(END_TIME_EXCESS, DataType::Int64, false)),
            Self::ObservedTime => Some(Field::new(OBSERVED_TIME_LAG, DataType::Int64, true)),
        }
    }

    fn column(self, rows: &RecordBatch) -> Result<Option<ArrayRef>, ArrowError> {
        let column = |name: &str| rows.column_by_name(name).ok_or_else(|| missing(name));
        Ok(match self {
            Self::SpanId => Some(Arc::new(both_ids(column("span_id")?, column("parent_span_id")?)?)),
            Self::ParentSpanId => None,
            Self::EndTime => {
                let (start, end) = (times(column("start_time")?)?, times(column("end_time")?)?);
                let lasted: Int64Array = arrow::compute::binary(end, start, i64::wrapping_sub)?;
                let excess: Int64Array =
                    arrow::compute::binary(&lasted, ints(column("duration_ns")?)?, i64::wrapping_sub)?;
                Some(Arc::new(excess))
            }
            Self::ObservedTime => {
                let (time, observed) = (times(column("time")?)?, times(column("observed_time")?)?);
                let lag: Int64Array = arrow::compute::binary(observed, time, i64::wrapping_sub)?;
                Some(Arc::new(lag))
            }
        })
    }
}

/// Is this what a time differs by from others of its row? Mostly 0.
pub(crate) fn is_remainder(column: &str) -> bool {
    [END_TIME_EXCESS, OBSERVED_TIME_LAG].contains(&column)
}

/// The field of a segment in the place of one of its table; none if others tell all of it.
pub(crate) fn field_of(table: Table, field: &FieldRef) -> Option<FieldRef> {
    match of_table(table, field.name()) {
        Some(condensed) => condensed.field().map(Arc::new),
        None => Some(Arc::clone(field)),
    }
}

/// The column for [`field_of`] where that is another one, from the rows of a table.
pub(crate) fn column_of(
    table: Table,
    name: &str,
    rows: &RecordBatch,
) -> Result<Option<ArrayRef>, ArrowError> {
    match of_table(table, name) {
        Some(condensed) => condensed.column(rows),
        None => Err(missing(name)),
    }
}

fn of_table(table: Table, name: &str) -> Option<Condensed> {
    match (table, name) {
        (Table::Spans, "span_id") => Some(Condensed::SpanId),
        (Table::Spans, "parent_span_id") => Some(Condensed::ParentSpanId),
        (Table::Spans, "end_time") => Some(Condensed::EndTime),
        (Table::Logs, "observed_time") => Some(Condensed::ObservedTime),
        _ => None,
    }
}

fn both_ids(span_ids: &ArrayRef, parents: &ArrayRef) -> Result<FixedSizeBinaryArray, ArrowError> {
    let ids = |column: &ArrayRef| column.as_fixed_size_binary_opt().cloned().ok_or_else(|| missing(SPAN_IDS));
    let (span_ids, parents) = (ids(span_ids)?, ids(parents)?);
    let mut both = FixedSizeBinaryBuilder::with_capacity(span_ids.len(), 2 * SPAN_ID_BYTES);
    let mut pair = [0; 2 * ID];
    for (span_id, parent) in span_ids.iter().zip(parents.iter()) {
        pair[..ID].copy_from_slice(span_id.unwrap_or(&NO_ID));
        pair[ID..].copy_from_slice(parent.unwrap_or(&NO_ID));
        both.append_value(pair)?;
    }
    Ok(both.finish())
}

fn ends(
    start: &PrimitiveArray<TimestampNanosecondType>,
    duration: &Int64Array,
    excess: &Int64Array,
) -> TimestampNanosecondArray {
    let rest = duration.values().iter().zip(excess.values());
    let end = |(start, (duration, excess)): (&i64, (&i64, &i64))| {
        start.wrapping_add(*duration).wrapping_add(*excess)
    };
    TimestampNanosecondArray::from_iter_values(start.values().iter().zip(rest).map(end))
}

fn span_ids(column: &ArrayRef) -> Result<&FixedSizeBinaryArray, ArrowError> {
    let found = column.as_fixed_size_binary_opt().filter(|ids| ids.value_length() == 2 * SPAN_ID_BYTES);
    found.ok_or_else(|| missing(SPAN_IDS))
}

fn times(column: &ArrayRef) -> Result<&PrimitiveArray<TimestampNanosecondType>, ArrowError> {
    column.as_primitive_opt().ok_or_else(|| missing("time"))
}

fn ints(column: &ArrayRef) -> Result<&PrimitiveArray<Int64Type>, ArrowError> {
    column.as_primitive_opt().ok_or_else(|| missing("number"))
}

fn missing(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!(
        "a segment or its table lacks the column {name}, or has another type there"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rows::{batch, times};
    use proptest::prelude::*;

    fn ids(values: &[Option<u64>]) -> ArrayRef {
        let bytes = values.iter().map(|value| value.map(u64::to_be_bytes));
        Arc::new(
            FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes, SPAN_ID_BYTES).expect("eight bytes"),
        )
    }

    /// Ids of a span and its parent, start, end, duration.
    type Span = (u64, Option<u64>, i64, i64, i64);

    /// The file's columns of these rows, and the rows made of them again.
    fn there_and_back(table: Table, rows: &RecordBatch) -> RecordBatch {
        let schema = table.schema();
        let fields: Vec<FieldRef> =
            schema.fields().iter().filter_map(|field| field_of(table, field)).collect();
        let columns = schema.fields().iter().filter_map(|field| match of_table(table, field.name()) {
            Some(_) => column_of(table, field.name(), rows).expect("condenses"),
            None => Some(Arc::clone(&rows[field.name().as_str()])),
        });
        let columns: Vec<ArrayRef> = columns.collect();
        let file = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("the file's schema");
        let back = schema.fields().iter().map(|field| match Condensed::of(field.name(), &file.schema()) {
            Some(condensed) => {
                let parts: Vec<ArrayRef> =
                    condensed.parts().iter().map(|part| Arc::clone(&file[*part])).collect();
                condensed.expand(&parts).expect("expands")
            }
            None => Arc::clone(&file[field.name().as_str()]),
        });
        RecordBatch::try_new(Arc::clone(&schema), back.collect()).expect("the table's schema")
    }

    proptest! {
        /// Scenario: spans and logs with any ids and times, ends before starts and at the ends of time.
        /// Guarantees: the table's rows come back from the segment's columns.
        #[test]
        fn rows_come_back(
            spans in prop::collection::vec(
                (any::<u64>(), proptest::option::of(1..u64::MAX), any::<i64>(), any::<i64>(), any::<i64>()), 0..50),
            logs in prop::collection::vec((any::<i64>(), proptest::option::of(any::<i64>())), 0..50),
        ) {
            let column = |value: fn(&Span) -> i64| -> Vec<i64> {
                spans.iter().map(value).collect()
            };
            let rows = batch(Table::Spans.schema(), spans.len(), vec![
                ("span_id", ids(&spans.iter().map(|span| Some(span.0)).collect::<Vec<_>>())),
                ("parent_span_id", ids(&spans.iter().map(|span| span.1).collect::<Vec<_>>())),
                ("start_time", times(&column(|span| span.2))),
                ("end_time", times(&column(|span| span.3))),
                ("duration_ns", Arc::new(Int64Array::from(column(|span| span.4)))),
            ]);
            prop_assert_eq!(there_and_back(Table::Spans, &rows), rows);
            let observed: TimestampNanosecondArray = logs.iter().map(|log| log.1).collect();
            let rows = batch(Table::Logs.schema(), logs.len(), vec![
                ("time", times(&logs.iter().map(|log| log.0).collect::<Vec<_>>())),
                ("observed_time", Arc::new(observed.with_timezone(TIME_ZONE))),
            ]);
            prop_assert_eq!(there_and_back(Table::Logs, &rows), rows);
        }
    }
}
