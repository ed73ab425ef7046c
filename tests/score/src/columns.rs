//! Columns of Parquet files by name, a few thousand rows at a time, whatever layout their writer chose.

use anyhow::{Context as _, Result};
use arrow::array::{Array as _, ArrayRef, AsArray as _, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;

/// Rows that are in memory at once.
const ROWS: usize = 8_192;

/// Some rows of a file.
#[derive(Debug)]
pub(crate) struct Columns(RecordBatch);

/// A column of text; nothing in the array, or no array at all, is null.
#[derive(Debug)]
pub(crate) struct Texts(Option<StringArray>);

/// Hands the columns of these names over, as far as the file has them.
pub(crate) fn read(path: &Path, names: &[&str], each: &mut dyn FnMut(&Columns) -> Result<()>) -> Result<()> {
    let unreadable = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(unreadable)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).with_context(unreadable)?;
    let fields = builder.schema().fields().iter().enumerate();
    let chosen: Vec<usize> =
        fields.filter(|(_, field)| names.contains(&field.name().as_str())).map(|(idx, _)| idx).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), chosen);
    let reader = builder.with_projection(mask).with_batch_size(ROWS).build().with_context(unreadable)?;
    for batch in reader {
        each(&Columns(batch.with_context(unreadable)?)).with_context(unreadable)?;
    }
    Ok(())
}

impl Columns {
    pub(crate) fn n_rows(&self) -> usize {
        self.0.num_rows()
    }

    /// A column of text, which may be missing.
    pub(crate) fn texts(&self, name: &str) -> Result<Texts> {
        self.texts_of_first(&[name])
    }

    /// The first of these columns that is there.
    pub(crate) fn texts_of_first(&self, names: &[&str]) -> Result<Texts> {
        let Some(name) = names.iter().find(|name| self.has(name)) else { return Ok(Texts(None)) };
        Ok(Texts(Some(self.as_type(name, &DataType::Utf8)?.as_string::<i32>().clone())))
    }

    pub(crate) fn whole_numbers(&self, name: &str) -> Result<Int64Array> {
        Ok(self.as_type(name, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
    }

    pub(crate) fn numbers(&self, name: &str) -> Result<Float64Array> {
        Ok(self.as_type(name, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.column_by_name(name).is_some()
    }

    fn as_type(&self, name: &str, data_type: &DataType) -> Result<ArrayRef> {
        let array = self.0.column_by_name(name).with_context(|| format!("there is no column {name}"))?;
        cast(array, data_type).with_context(|| format!("column {name}"))
    }
}

impl Texts {
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        let array = self.0.as_ref()?;
        array.is_valid(row).then(|| array.value(row))
    }

    /// Null is empty.
    pub(crate) fn text(&self, row: usize) -> &str {
        self.get(row).unwrap_or("")
    }
}

/// A whole number, null as zero.
pub(crate) fn whole(array: &Int64Array, row: usize) -> i64 {
    if array.is_valid(row) { array.value(row) } else { 0 }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use arrow::array::{Int8Array, LargeStringArray};
    use arrow::datatypes::{Field, Schema};
    use parquet::arrow::ArrowWriter;
    use std::sync::Arc;

    /// Writes a file of these columns.
    pub(crate) fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
        let fields: Vec<Field> =
            columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("columns of one length");
        let file = File::create(path).expect("a file");
        let mut writer = ArrowWriter::try_new(file, schema, None).expect("a writer");
        writer.write(&batch).expect("written");
        writer.close().expect("closed");
    }

    /// Scenario: a file with large text, small numbers, nulls, and a column that nobody asks for.
    /// Guarantees: all are read as one type; what is missing is null, or named where it must be there.
    #[test]
    fn layouts_of_columns_do_not_matter() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("rows.parquet");
        let texts: ArrayRef = Arc::new(LargeStringArray::from(vec![Some("a"), None]));
        let numbers: ArrayRef = Arc::new(Int8Array::from(vec![None, Some(3)]));
        write(&path, vec![("text", texts), ("number", Arc::clone(&numbers)), ("other", numbers)]);
        let mut n_rows = 0;
        let error = read(&path, &["text", "number", "missing"], &mut |rows| {
            n_rows += rows.n_rows();
            let texts = rows.texts("text")?;
            assert_eq!([texts.get(0), texts.get(1)], [Some("a"), None]);
            let numbers = rows.whole_numbers("number")?;
            assert_eq!([whole(&numbers, 0), whole(&numbers, 1)], [0, 3]);
            assert_eq!(rows.texts("missing")?.text(0), "");
            assert!(rows.texts("other")?.get(1).is_none(), "not asked for");
            rows.whole_numbers("missing").map(|_| ())
        })
        .expect_err("a column is missing");
        assert!(format!("{error:#}").contains("no column missing"), "{error:#}");
        assert_eq!(n_rows, 2);
    }
}
