//! Which statements are let through.

use super::engines::{Data, hot};
use super::query;
use super::rows::span;
use crate::error::Error;
use serde_json::json;

/// Scenario: statements that write, configure, or reach outside.
/// Guarantees: each is refused as such, before it is looked at any closer, and the rows stay.
#[tokio::test]
async fn refuses_everything_but_reading() {
    let spans = (1..=6).map(|n| span(n, 1, None, "shop", "pay", "server", (10, 20), json!({})));
    let stored = hot(&Data { spans: spans.collect(), ..Data::default() }).await;
    let writing = [
        "DROP TABLE spans",
        "DROP TABLE IF EXISTS nothing",
        "INSERT INTO spans SELECT * FROM spans",
        "INSERT INTO nowhere VALUES (1)",
        "UPDATE spans SET name = 'x'",
        "DELETE FROM spans",
        "TRUNCATE TABLE spans",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "SELECT 1 INTO t",
        "CREATE DATABASE d",
        "CREATE SCHEMA s",
        "CREATE FUNCTION f(x INT) RETURNS INT RETURN x",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "COPY spans TO '/tmp/out.parquet'",
        "COPY (SELECT 1) TO '/tmp/out.csv' STORED AS CSV",
        "SET datafusion.execution.target_partitions = 1",
        "RESET datafusion.execution.target_partitions",
        "SET TIME ZONE = 'Asia/Tokyo'",
        "DROP VIEW edges",
        "CREATE OR REPLACE VIEW edges AS SELECT 1",
        "INSERT INTO edges SELECT * FROM edges",
        "DELETE FROM span_events",
        "ALTER TABLE spans ADD COLUMN x INT",
        "CREATE INDEX i ON spans (name)",
        "MERGE INTO spans USING logs ON true WHEN MATCHED THEN DELETE",
        "VACUUM spans",
        "ANALYZE TABLE spans COMPUTE STATISTICS",
        "CALL f()",
        "USE other",
        "GRANT SELECT ON spans TO anybody",
        "KILL 1",
        "COMMIT",
        "ROLLBACK",
        "DEALLOCATE p",
        "BEGIN",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "EXPLAIN INSERT INTO spans SELECT * FROM spans",
        "EXPLAIN ANALYZE COPY spans TO '/tmp/out.parquet'",
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "EXPLAIN SET datafusion.execution.target_partitions = 1",
        "EXPLAIN ANALYZE DROP TABLE spans",
    ];
    for sql in writing {
        let error = query(&stored.engine, sql).await.expect_err(sql);
        assert!(matches!(error, Error::ReadOnly), "{sql}: {error:?}");
    }
    let n_spans = super::table(&stored.engine, "SELECT count(*) AS n FROM spans").await;
    assert!(n_spans.contains("| 6 "), "{n_spans}");
    assert!(!std::path::Path::new("/tmp/out.parquet").exists());
    let outside = [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'file:///etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('x.parquet')",
        "SELECT * FROM other.public.spans",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE spans",
        "",
        "-- nothing",
    ];
    for sql in outside {
        let error = query(&stored.engine, sql).await.expect_err(sql);
        assert!(matches!(error, Error::BadQuery { .. }), "{sql}: {error:?}");
    }
}
