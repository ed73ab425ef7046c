//! Arrays by column name, put into the order of a schema; and the array forms that OTLP needs.

use super::texts::Texts;
use crate::decode::Report;
use crate::decode::views::Text;
use crate::telemetry::Reason;
use arrow::array::{
    ArrayRef, FixedSizeBinaryArray, Int64Array, ListArray, NullBufferBuilder, RecordBatch, StringArray,
    StringBuilder, StructArray, TimestampNanosecondArray, UInt32Array,
};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{DataType, FieldRef, Fields, SchemaRef};
use arrow::error::ArrowError;
use std::sync::Arc;
use storage::schema::{SPAN_ID_BYTES, TIME_ZONE, TRACE_ID_BYTES};

/// Columns on their way to a batch, in any order.
#[derive(Debug, Default)]
pub(super) struct Table {
    columns: Vec<(&'static str, ArrayRef)>,
}

impl Table {
    pub(super) fn push(&mut self, name: &'static str, column: ArrayRef) {
        self.columns.push((name, column));
    }

    /// The batch, or an error that names the missing column.
    pub(super) fn into_batch(self, schema: SchemaRef) -> Result<RecordBatch, ArrowError> {
        let columns = self.in_order_of(schema.fields())?;
        RecordBatch::try_new(schema, columns)
    }

    /// The struct array with these fields, for lists of structs.
    pub(super) fn into_struct(self, fields: Fields) -> Result<StructArray, ArrowError> {
        let columns = self.in_order_of(&fields)?;
        StructArray::try_new(fields, columns, None)
    }

    fn in_order_of(mut self, fields: &Fields) -> Result<Vec<ArrayRef>, ArrowError> {
        fields.iter().map(|field| self.take(field)).collect()
    }

    fn take(&mut self, field: &FieldRef) -> Result<ArrayRef, ArrowError> {
        let place = self.columns.iter().position(|(name, _)| name == field.name());
        let place = place.ok_or_else(|| ArrowError::SchemaError(format!("no column '{}'", field.name())))?;
        Ok(self.columns.swap_remove(place).1)
    }
}

/// Text that a request has.
pub(super) fn text<'a>(
    values: impl ExactSizeIterator<Item = Text<'a>> + Clone,
) -> Result<ArrayRef, ArrowError> {
    let n_bytes = values.clone().map(Text::len).sum();
    let mut texts = Texts::with_capacity(values.len(), n_bytes);
    values.for_each(|text| texts.push(text));
    Ok(Arc::new(texts.finish()?))
}

/// Words that are known here.
pub(super) fn words<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// The words for numbers; a number that has none stands for itself.
pub(super) fn named(
    values: impl ExactSizeIterator<Item = (i32, Option<&'static str>)>,
) -> Result<ArrayRef, ArrowError> {
    let mut texts = Texts::with_capacity(values.len(), 0);
    for (number, word) in values {
        match word {
            Some(word) => texts.put_str(word),
            None => texts.put_int(number.into()),
        }
        texts.end();
    }
    Ok(Arc::new(texts.finish()?))
}

pub(super) fn optional_words<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

/// A text column that is null in most rows: only others cost something.
#[derive(Debug)]
pub(super) struct Sparse(StringBuilder);

impl Sparse {
    pub(super) fn new() -> Self {
        Self(StringBuilder::with_capacity(0, 0))
    }

    /// Rows come in their order; those that are left out are null.
    pub(super) fn put(&mut self, row: usize, text: &str) {
        self.fill(row);
        self.0.append_value(text);
    }

    pub(super) fn finish(mut self, n_rows: usize) -> ArrayRef {
        self.fill(n_rows);
        Arc::new(self.0.finish())
    }

    fn fill(&mut self, n_rows: usize) {
        let n_there = self.0.offsets_slice().len() - 1;
        self.0.append_nulls(n_rows.saturating_sub(n_there));
    }
}

pub(super) fn counts(values: impl Iterator<Item = u32>) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(values))
}

pub(super) fn times(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from_iter_values(values).with_timezone(TIME_ZONE))
}

pub(super) fn optional_times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampNanosecondArray>().with_timezone(TIME_ZONE))
}

pub(super) fn integers(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

pub(super) fn trace_ids<'a>(ids: impl Iterator<Item = Option<&'a [u8]>>) -> Result<ArrayRef, ArrowError> {
    fixed_bytes(ids, TRACE_ID_BYTES)
}

pub(super) fn span_ids<'a>(ids: impl Iterator<Item = Option<&'a [u8]>>) -> Result<ArrayRef, ArrowError> {
    fixed_bytes(ids, SPAN_ID_BYTES)
}

/// Fails for an id of another length, which validation has excluded.
fn fixed_bytes<'a>(values: impl Iterator<Item = Option<&'a [u8]>>, len: i32) -> Result<ArrayRef, ArrowError> {
    let n_bytes = usize::try_from(len).unwrap_or_default();
    let n_values = values.size_hint().0;
    let mut bytes = Vec::with_capacity(n_values * n_bytes);
    let mut nulls = NullBufferBuilder::new(n_values);
    for value in values {
        match value {
            Some(value) if value.len() == n_bytes => bytes.extend_from_slice(value),
            Some(value) => {
                let reason = format!("an id of {} bytes, not {n_bytes}", value.len());
                return Err(ArrowError::InvalidArgumentError(reason));
            }
            None => bytes.resize(bytes.len() + n_bytes, 0),
        }
        nulls.append(value.is_some());
    }
    Ok(Arc::new(FixedSizeBinaryArray::try_new(len, Buffer::from_vec(bytes), nulls.finish())?))
}

/// A list column of a schema field's type: `lengths` cuts `values` into rows; `None` is null.
pub(super) fn list(
    data_type: &DataType,
    lengths: impl Iterator<Item = Option<usize>>,
    values: ArrayRef,
) -> Result<ArrayRef, ArrowError> {
    let DataType::List(item) = data_type else {
        return Err(ArrowError::SchemaError(format!("{data_type} is not a list")));
    };
    let lengths: Vec<Option<usize>> = lengths.collect();
    let nulls: Vec<bool> = lengths.iter().map(Option::is_some).collect();
    let nulls = nulls.contains(&false).then(|| nulls.into());
    let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|length| length.unwrap_or(0)));
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, nulls)?))
}

/// Nanoseconds as storage keeps them. OTLP counts to the year 2554, Arrow to 2262: what is later is
/// clamped and counted.
pub(super) fn unix_nanos(nanos: u64, report: &mut Report) -> i64 {
    i64::try_from(nanos).unwrap_or_else(|_| {
        report.add(Reason::TimeOutOfRange, 1, || {
            format!("{nanos} ns since 1970 is stored as the latest time that fits, in the year 2262")
        });
        i64::MAX
    })
}

/// Zero means "not sent".
pub(super) fn sent_unix_nanos(nanos: u64, report: &mut Report) -> Option<i64> {
    (nanos != 0).then(|| unix_nanos(nanos, report))
}
