//! How many bytes the read models are after merging, for each operation that a service has in an hour.

use crate::Failure;
use crate::fill::Store;
use crate::intake::options;
use crate::report::Report;
use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt64Type};
use collector::bench::rows;
use storage::{Engine, Table};

pub(crate) async fn measure(store: &Store, report: &mut Report) -> Result<(), Failure> {
    let (engine, _) = Engine::open(options(&store.dir), rows).await?;
    let shape = store.filled.shape;
    for table in Table::read_models() {
        let name = table.name();
        let (n_rows, n_hours) = counted(&engine, name).await?;
        if n_rows == 0 {
            report.wrong(format!("{}: the table {name} is empty", store.what));
            continue;
        }
        let n_operation_hours = (n_hours * (shape.n_services * shape.n_operations) as u64) as f64;
        let n_bytes = store.filled.n_bytes.get(name).copied().unwrap_or(0) as f64;
        let (n_rows_each, n_bytes_each) = (n_rows as f64 / n_operation_hours, n_bytes / n_rows as f64);
        let what = format!(
            "{}, {name}: disk per service-operation-hour ({n_rows_each:.2} rows of {n_bytes_each:.0} B)",
            store.what
        );
        report.figure(what, "B", n_bytes / n_operation_hours, "");
    }
    Ok(())
}

/// Rows of a table, and hours that it has any in.
async fn counted(engine: &Engine, table: &str) -> Result<(u64, u64), Failure> {
    let sql = format!("SELECT count(*), count(DISTINCT date_trunc('hour', bucket)) FROM {table}");
    let mut stream = engine.sql(&sql).await?;
    let mut counted = (0, 0);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let number = |column: usize| -> Result<u64, Failure> {
            let column = cast(batch.column(column), &DataType::UInt64)?;
            Ok(column.as_primitive::<UInt64Type>().values().first().copied().unwrap_or(0))
        };
        counted = (counted.0 + number(0)?, counted.1 + number(1)?);
    }
    Ok(counted)
}
