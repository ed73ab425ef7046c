//! Cells as rows of the tables `red` and `service_red`.

use super::counts::{CountColumns, Counts};
use crate::read_models::cells::{SharedCells, unpack};
use crate::read_models::resolution::Resolution;
use crate::schema;
use arrow::array::{
    ArrayRef, BooleanBuilder, RecordBatch, StringArray, StringBuilder, TimestampNanosecondArray,
    TimestampNanosecondBuilder,
};
use std::sync::Arc;

/// The place of `is_entry` among the texts of an operation's key, and the text that stands for yes.
pub(super) const IS_ENTRY_IDX: usize = 3;
pub(super) const YES: &str = "1";
/// Texts in the key of an operation and in that of a service.
pub(super) const N_OPERATION_TEXTS: usize = 8;
pub(super) const N_SERVICE_TEXTS: usize = 3;

/// Cells of operations: service, operation, kind, `is_entry`, status class, version, environment, instance.
#[derive(Debug)]
pub(crate) struct OperationCells(pub(super) SharedCells<Counts>);

/// Cells of services: service, version, environment.
#[derive(Debug)]
pub(crate) struct ServiceCells(pub(super) SharedCells<Counts>);

impl OperationCells {
    /// One row per key and bucket; none when there are none.
    pub(crate) fn to_batch(&self, resolution: Resolution) -> Option<RecordBatch> {
        let rows = Rows::<N_OPERATION_TEXTS>::of(&self.0, resolution)?;
        let mut is_entry = BooleanBuilder::new();
        let mut columns = vec![rows.buckets];
        for (idx, texts) in rows.texts.into_iter().enumerate() {
            if idx == IS_ENTRY_IDX {
                texts.iter().flatten().for_each(|text| is_entry.append_value(text == YES));
                columns.push(Arc::new(is_entry.finish()));
            } else {
                columns.push(Arc::new(texts));
            }
        }
        columns.extend(rows.counts);
        Some(RecordBatch::try_new(schema::red(), columns).expect("the columns are those of the schema"))
    }
}

impl ServiceCells {
    /// One row per key and bucket; none when there are none.
    pub(crate) fn to_batch(&self, resolution: Resolution) -> Option<RecordBatch> {
        let rows = Rows::<N_SERVICE_TEXTS>::of(&self.0, resolution)?;
        let mut columns = vec![rows.buckets];
        columns.extend(rows.texts.into_iter().map(|texts| Arc::new(texts) as ArrayRef));
        columns.extend(rows.counts);
        Some(
            RecordBatch::try_new(schema::service_red(), columns)
                .expect("the columns are those of the schema"),
        )
    }
}

/// Columns, with those of the key's texts apart.
struct Rows<const N: usize> {
    buckets: ArrayRef,
    texts: [StringArray; N],
    counts: [ArrayRef; 6],
}

impl<const N: usize> Rows<N> {
    fn of(cells: &SharedCells<Counts>, resolution: Resolution) -> Option<Self> {
        let mut buckets = TimestampNanosecondBuilder::new();
        let mut texts: [StringBuilder; N] = std::array::from_fn(|_| StringBuilder::new());
        let mut counts = CountColumns::default();
        cells.each(resolution, |key, bucket, cell| {
            buckets.append_value(bucket);
            texts.iter_mut().zip(unpack(key)).for_each(|(column, text)| column.append_value(text));
            counts.push(cell);
        });
        let buckets: TimestampNanosecondArray = buckets.finish().with_timezone(schema::TIME_ZONE);
        if buckets.values().is_empty() {
            return None;
        }
        let texts = texts.map(|mut column| column.finish());
        Some(Self { buckets: Arc::new(buckets), texts, counts: counts.finish() })
    }
}
