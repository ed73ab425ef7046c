//! Rows for tests: batches of the real schemas, where a test names only the columns it cares about,
//! and records whose payload says which rows they decode to.

use crate::columns::{Columns, WalRecord};
use crate::ids::{Signal, Table};
use crate::schema;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt64Array, new_null_array,
};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, SchemaRef};
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// 2026-01-01T00:00:00Z.
pub(crate) const T0: i64 = 1_767_225_600_000_000_000;
pub(crate) const SECOND: i64 = 1_000_000_000;

/// A batch with the given columns; nullable others are null, required ones empty or zero.
pub(crate) fn batch(schema: SchemaRef, n_rows: usize, columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let filled = schema.fields().iter().map(|field| {
        let given = columns.iter().find(|(name, _)| name == field.name());
        given.map_or_else(|| default_column(field, n_rows), |(_, column)| Arc::clone(column))
    });
    RecordBatch::try_new(Arc::clone(&schema), filled.collect()).expect("columns fit the schema")
}

pub(crate) fn texts<S: AsRef<str>>(values: &[S]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

pub(crate) fn times(values: &[i64]) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(values.to_vec()).with_timezone(schema::TIME_ZONE))
}

fn fixed_binary(bytes: &[u8], n_bytes_each: i32) -> ArrayRef {
    Arc::new(FixedSizeBinaryArray::new(n_bytes_each, Buffer::from(bytes), None))
}

fn default_column(field: &Field, n_rows: usize) -> ArrayRef {
    if field.is_nullable() {
        return new_null_array(field.data_type(), n_rows);
    }
    match field.data_type() {
        DataType::Utf8 => texts(&vec![""; n_rows]),
        DataType::Map(..) | DataType::List(..) => empty_lists(field.data_type(), n_rows),
        DataType::FixedSizeBinary(n_bytes) => fixed_binary(&vec![0; n_rows * *n_bytes as usize], *n_bytes),
        number => {
            let zeros: ArrayRef = Arc::new(Int64Array::from(vec![0; n_rows]));
            let plain = match number {
                DataType::Boolean => return Arc::new(BooleanArray::from(vec![false; n_rows])),
                other => other,
            };
            arrow::compute::cast(&zeros, plain).expect("zero is in every number type")
        }
    }
}

fn empty_lists(data_type: &DataType, n_rows: usize) -> ArrayRef {
    let nulls = new_null_array(data_type, n_rows).to_data();
    let valid = nulls.into_builder().nulls(None).null_count(0).build().expect("no entries, no nulls");
    arrow::array::make_array(valid)
}

/// What a test record decodes to: deterministic rows, each with a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TestRecord {
    pub(crate) signal: Signal,
    pub(crate) id: u32,
    pub(crate) n_rows: u32,
    pub(crate) received_at: i64,
}

impl TestRecord {
    pub(crate) fn to_wal(self) -> WalRecord {
        let payload: Vec<u8> = [self.id.to_le_bytes(), self.n_rows.to_le_bytes()].concat();
        let Self { signal, received_at, .. } = self;
        WalRecord { signal, encoding: 7, received_at, payload: Bytes::from(payload) }
    }

    pub(crate) fn from_wal(record: &WalRecord) -> Result<Self, Cause> {
        let (id, n_rows) = record.payload.split_first_chunk::<4>().ok_or("no id")?;
        let n_rows: [u8; 4] = n_rows.try_into()?;
        let (id, n_rows) = (u32::from_le_bytes(*id), u32::from_le_bytes(n_rows));
        Ok(Self { signal: record.signal, id, n_rows, received_at: record.received_at })
    }

    /// Names of the rows, unique among all records.
    pub(crate) fn row_names(self) -> Vec<String> {
        (0..self.n_rows).map(|row| format!("{}-{}-{row}", self.signal, self.id)).collect()
    }

    pub(crate) fn columns(self) -> Columns {
        let n_rows = self.n_rows as usize;
        let mut rng = StdRng::seed_from_u64(u64::from(self.id));
        let names = texts(&self.row_names());
        let service: Vec<String> =
            (0..n_rows).map(|_| format!("service-{}", rng.random_range(0..3))).collect();
        let start: Vec<i64> =
            (0..n_rows).map(|_| self.received_at - rng.random_range(0..40 * SECOND)).collect();
        let mut columns = vec![
            (row_name_column(self.signal), names),
            ("service", texts(&service)),
            ("received_at", times(&vec![self.received_at; n_rows])),
        ];
        if self.signal == Signal::Traces {
            columns.extend(span_columns(&mut rng, &start));
        } else {
            columns.push(("time", times(&start)));
        }
        if self.signal == Signal::Metrics {
            columns.extend(series_columns(&mut rng, n_rows));
        }
        let batch = batch(schema::of(self.signal), n_rows, columns);
        Columns::new(self.signal, batch).expect("the schema is the table's")
    }
}

fn series_columns(rng: &mut StdRng, n_rows: usize) -> [(&'static str, ArrayRef); 2] {
    let name: Vec<String> = (0..n_rows).map(|_| format!("metric-{}", rng.random_range(0..3))).collect();
    // From all of the range: the order must not depend on the sign.
    let series_id = (0..n_rows).map(|_| [1, 7, u64::MAX][rng.random_range(0..3)]);
    [("name", texts(&name)), ("series_id", Arc::new(UInt64Array::from_iter_values(series_id)))]
}

fn span_columns(rng: &mut StdRng, start: &[i64]) -> Vec<(&'static str, ArrayRef)> {
    let duration: Vec<i64> = start.iter().map(|_| rng.random_range(0..20 * SECOND)).collect();
    let end: Vec<i64> = start.iter().zip(&duration).map(|(start, duration)| start + duration).collect();
    let operation: Vec<String> = start.iter().map(|_| format!("GET /{}", rng.random_range(0..4))).collect();
    let kind: Vec<&str> = start.iter().map(|_| ["server", "client"][rng.random_range(0..2)]).collect();
    let is_error: Vec<bool> = start.iter().map(|_| rng.random_bool(0.2)).collect();
    let is_entry: Vec<bool> = kind.iter().map(|&kind| kind == "server").collect();
    let trace_ids = start.iter().flat_map(|_| u128::from(rng.random_range(0..50_u64)).to_be_bytes());
    let trace_ids: Vec<u8> = trace_ids.collect();
    let version: Vec<Option<&str>> =
        start.iter().map(|_| [None, Some("1.0")][rng.random_range(0..2)]).collect();
    let mut any_of = |choices: &[Option<&'static str>]| -> ArrayRef {
        let chosen = start.iter().map(|_| choices[rng.random_range(0..choices.len())]);
        Arc::new(StringArray::from_iter(chosen))
    };
    let sampled = any_of(&[Some(""), Some("ot=th:8"), Some("ot=p:3"), Some("vendor=1")]);
    let rpc_status = any_of(&[None, Some("UNAVAILABLE")]);
    let environment = any_of(&[None, Some("production")]);
    let instance = any_of(&[None, Some("a"), Some("b")]);
    let http_status: Vec<Option<i64>> =
        start.iter().map(|_| [None, Some(0), Some(204), Some(503)][rng.random_range(0..4)]).collect();
    vec![
        ("trace_state", sampled),
        ("rpc_response_status_code", rpc_status),
        ("http_response_status_code", Arc::new(Int64Array::from(http_status))),
        ("environment", environment),
        ("service_instance_id", instance),
        ("trace_id", fixed_binary(&trace_ids, 16)),
        ("name", texts(&operation)),
        ("kind", texts(&kind)),
        ("start_time", times(start)),
        ("end_time", times(&end)),
        ("duration_ns", Arc::new(Int64Array::from(duration))),
        ("is_error", Arc::new(BooleanArray::from(is_error))),
        ("is_entry", Arc::new(BooleanArray::from(is_entry))),
        ("service_version", Arc::new(StringArray::from(version))),
    ]
}

/// The column in which test rows carry their name.
fn row_name_column(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "status_message",
        Signal::Logs => "body",
        Signal::Metrics => "description",
    }
}

/// Decode for engines under test.
pub(crate) fn decode(record: WalRecord) -> Result<Columns, Cause> {
    Ok(TestRecord::from_wal(&record)?.columns())
}

/// Names of the rows in batches of a table, sorted.
pub(crate) fn row_names(table: Table, batches: &[RecordBatch]) -> Vec<String> {
    let name = table.signal().map(row_name_column).expect("only raw tables have named rows");
    let columns = batches.iter().filter_map(|batch| batch.column_by_name(name));
    let mut names: Vec<String> =
        columns.flat_map(|column| column.as_string::<i32>().iter().flatten()).map(str::to_owned).collect();
    names.sort();
    names
}

/// A temporary directory where syncs cost nothing, if the system has such a place.
pub(crate) fn dir_in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    dir.expect("temporary directory")
}
