//! What one query of a ratio counts.
//!
//! A statement of an operator runs as one of the API does: it only reads, within the limits and in the lane of
//! statements, which may be full; then nothing is known until the next evaluation.

use alerts::Source;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use std::collections::BTreeMap;
use std::time::Duration;
use storage::{Engine, Error, GrowthQuery, TimeRange};

/// Rows of a statement's answer: twice the slices of ten seconds of the longest period that has them so fine.
const ROWS_MAX: usize = 1_000_000;

/// Counts by the start of their step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Counts {
    pub(super) steps: BTreeMap<i64, f64>,
    pub(super) sql: String,
}

pub(super) async fn read(
    engine: &Engine,
    source: &Source,
    service: &str,
    range: TimeRange,
    step: Duration,
) -> Result<Counts, Error> {
    match source {
        Source::Metric { name, service: own, attributes } => {
            let query = GrowthQuery {
                range,
                name: name.clone(),
                service: own.clone().unwrap_or_else(|| service.to_owned()),
                attributes: attributes.clone(),
                step,
            };
            let answer = engine.growth(&query).await?;
            Ok(Counts { steps: answer.steps.into_iter().collect(), sql: answer.sql })
        }
        Source::Sql(statement) => {
            let sql = filled(statement, range, step);
            Ok(Counts { steps: of_statement(engine, &sql, range, step).await?, sql })
        }
    }
}

async fn of_statement(
    engine: &Engine,
    sql: &str,
    range: TimeRange,
    step: Duration,
) -> Result<BTreeMap<i64, f64>, Error> {
    let mut stream = engine.sql(sql).await?;
    let step_ns = i64::try_from(step.as_nanos()).unwrap_or(i64::MAX).max(1);
    let (mut steps, mut n_rows) = (BTreeMap::new(), 0);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        n_rows += batch.num_rows();
        if n_rows > ROWS_MAX {
            return Err(refused(format!("the statement of an objective answers more than {ROWS_MAX} rows")));
        }
        let (starts, numbers) = (times(&batch)?, numbers(&batch)?);
        let (starts, numbers) = (starts.as_primitive::<Int64Type>(), numbers.as_primitive::<Float64Type>());
        for row in 0..batch.num_rows() {
            let at = starts.value(row);
            let is_one = starts.is_valid(row) && numbers.is_valid(row) && numbers.value(row).is_finite();
            if is_one && (range.from..range.to).contains(&at) && numbers.value(row) > 0.0 {
                *steps.entry(at - at.rem_euclid(step_ns)).or_default() += numbers.value(row);
            }
        }
    }
    Ok(steps)
}

/// Column `at` as nanoseconds.
fn times(batch: &RecordBatch) -> Result<ArrayRef, Error> {
    let column = column(batch, "at")?;
    let DataType::Timestamp(unit, _) = column.data_type() else {
        return Err(refused(format!("column at is {}, not a time", column.data_type())));
    };
    // First without a zone, which the numbers do not depend on.
    let naive =
        cast(column, &DataType::Int64).and_then(|numbers| cast(&numbers, &DataType::Timestamp(*unit, None)));
    let fine = naive.and_then(|times| cast(&times, &DataType::Timestamp(TimeUnit::Nanosecond, None)));
    fine.and_then(|times| cast(&times, &DataType::Int64)).map_err(|error| refused(error.to_string()))
}

/// Column `n` as numbers.
fn numbers(batch: &RecordBatch) -> Result<ArrayRef, Error> {
    let column = column(batch, "n")?;
    if !column.data_type().is_numeric() {
        return Err(refused(format!("column n is {}, not a number", column.data_type())));
    }
    cast(column, &DataType::Float64).map_err(|error| refused(error.to_string()))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, Error> {
    batch.column_by_name(name).ok_or_else(|| {
        refused(format!(
            "the statement of an objective answers no column {name:?}: name its columns at and n"
        ))
    })
}

fn refused(message: String) -> Error {
    Error::BadQuery { message }
}

/// The statement with its times. They are numbers of ours, and nothing else is put into it.
fn filled(statement: &str, range: TimeRange, step: Duration) -> String {
    let mut filled = String::with_capacity(statement.len() + 128);
    let mut rest = statement;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        filled.push_str(before);
        let end = after[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (name, further) = after.split_at(end.map_or(after.len(), |end| end + 1));
        match name {
            "$from" => filled.push_str(&moment(range.from)),
            "$to" => filled.push_str(&moment(range.to)),
            "$step" => filled.push_str(&format!("INTERVAL '{} seconds'", step.as_secs().max(1))),
            other => filled.push_str(other),
        }
        rest = further;
    }
    filled.push_str(rest);
    filled
}

fn moment(unix_nanos: i64) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(unix_nanos)) {
        Ok(at) => format!("TIMESTAMP '{at}'"),
        Err(_) => format!("to_timestamp_nanos({unix_nanos})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a statement with all three names, one of them twice, and names that only begin like them.
    /// Guarantees: the names become times, and nothing else changes.
    #[test]
    fn statements_are_filled() {
        let range = TimeRange { from: 1_767_225_600_000_000_000, to: 1_767_225_660_500_000_000 };
        let statement =
            "SELECT date_bin($step, t) AS at, '$total $' FROM x WHERE t >= $from AND t < $to OR t = $to";
        assert_eq!(
            filled(statement, range, Duration::from_secs(30)),
            "SELECT date_bin(INTERVAL '30 seconds', t) AS at, '$total $' FROM x \
             WHERE t >= TIMESTAMP '2026-01-01T00:00:00Z' AND t < TIMESTAMP '2026-01-01T00:01:00.5Z' \
             OR t = TIMESTAMP '2026-01-01T00:01:00.5Z'"
        );
    }
}
