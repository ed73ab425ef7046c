//! Queries over whole engines: the same rows in memory, on disk, in both, and after a restart must
//! give the same answers.

mod attributes;
mod edges;
mod engines;
mod equality;
mod evidence;
mod explain;
mod growth;
mod heatmap;
mod histograms;
mod instances;
mod limits;
mod logs;
mod metrics;
mod plans;
mod quantiles;
mod red;
pub(crate) mod rows;
mod search;
mod spill;
mod sql;
mod statements;
mod streams;
mod views;
mod words;

use crate::engine::Engine;
use crate::error::Error;
use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use expect_test::Expect;

/// All rows of a statement, as a table of text.
async fn table(engine: &Engine, sql: &str) -> String {
    let batches = query(engine, sql).await.unwrap_or_else(|error| panic!("{sql}\n{error:?}"));
    pretty_format_batches(&batches).expect("every type can be shown").to_string()
}

/// Runs the statement over every placement of the rows.
async fn check_everywhere(data: &engines::Data, sql: &str, expected: Expect) {
    let stored = engines::everywhere(data).await;
    let first = table(&stored[0].engine, sql).await;
    expected.assert_eq(&first);
    for other in &stored[1..] {
        assert_eq!(table(&other.engine, sql).await, first, "{}", other.place);
    }
}

async fn query(engine: &Engine, sql: &str) -> Result<Vec<RecordBatch>, Error> {
    let mut stream = engine.sql(sql).await?;
    let mut batches = vec![RecordBatch::new_empty(stream.schema())];
    while let Some(batch) = stream.next().await {
        batches.push(batch?);
    }
    Ok(batches)
}

/// The physical plan of a statement, without running it.
async fn plan(engine: &Engine, sql: &str) -> String {
    let explained = table(engine, &format!("EXPLAIN {sql}")).await;
    explained.split("physical_plan").nth(1).expect("there is a physical plan").to_owned()
}
