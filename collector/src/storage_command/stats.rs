//! `firstfault storage stats`: what is stored, as a table or as JSON.

use super::place::Place;
use super::{Error, print};
use crate::units::shown_bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;
use storage::{Inventory, LevelInventory, TableInventory};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) place: Place,
    /// Print JSON: bytes as numbers, times as RFC 3339.
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(data_dir: &Path, is_json: bool) -> Result<(), Error> {
    let inventory = storage::inventory(data_dir)?;
    print(if is_json { format!("{:#}\n", as_json(&inventory)) } else { as_table(&inventory) })
}

fn as_table(inventory: &Inventory) -> String {
    let mut text = String::new();
    for table in &inventory.tables {
        let TableInventory { table: name, n_segments, n_rows, n_bytes, times, levels, .. } = table;
        text += &format!("{name}: {n_segments} segments, {n_rows} rows, {}", shown_bytes(*n_bytes));
        if let Some(row_bytes) = row_bytes(*n_bytes, *n_rows) {
            text += &format!(", {row_bytes:.1} B per row");
        }
        if let Some((first, last)) = times {
            text += &format!("\n  from {} to {}", shown_time(*first), shown_time(*last));
        }
        for level in levels {
            text += &format!(
                "\n  level {}, from {}: {} segments, {} rows, {}",
                level.level,
                shown_bytes(level.segment_bytes_min),
                level.n_segments,
                level.n_rows,
                shown_bytes(level.n_bytes)
            );
        }
        text += "\n";
    }
    let Inventory { n_log_files, n_log_bytes, .. } = inventory;
    text + &format!("log: {n_log_files} files, {}\n", shown_bytes(*n_log_bytes))
}

fn as_json(inventory: &Inventory) -> Value {
    let level = |level: &LevelInventory| {
        json!({
            "level": level.level,
            "segment_bytes_min": level.segment_bytes_min,
            "segments": level.n_segments,
            "rows": level.n_rows,
            "bytes": level.n_bytes,
        })
    };
    let range = |times: Option<(i64, i64)>| {
        times.map(|(first, last)| json!({ "from": shown_time(first), "to": shown_time(last) }))
    };
    let table = |table: &TableInventory| {
        json!({
            "table": table.table,
            "segments": table.n_segments,
            "rows": table.n_rows,
            "bytes": table.n_bytes,
            "bytes_per_row": row_bytes(table.n_bytes, table.n_rows),
            "time": range(table.times),
            "received": range(table.received),
            "levels": table.levels.iter().map(level).collect::<Vec<_>>(),
        })
    };
    let rows_ever = &inventory.rows_ever;
    json!({
        "manifest_version": inventory.manifest_version,
        "rows_ever": { "traces": rows_ever.traces, "logs": rows_ever.logs, "metrics": rows_ever.metrics },
        "tables": inventory.tables.iter().map(table).collect::<Vec<_>>(),
        "log": { "files": inventory.n_log_files, "bytes": inventory.n_log_bytes },
    })
}

fn row_bytes(n_bytes: u64, n_rows: u64) -> Option<f64> {
    (n_rows > 0).then(|| n_bytes as f64 / n_rows as f64)
}

pub(super) fn shown_time(unix_nanos: i64) -> String {
    Timestamp::from_nanosecond(i128::from(unix_nanos)).map_or(unix_nanos.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    /// Scenario: one table with segments of two levels, one without any.
    /// Guarantees: both forms tell the same.
    #[test]
    fn an_inventory_is_shown() {
        let level = |level, segment_bytes_min, n_segments, n_rows, n_bytes| LevelInventory {
            level,
            segment_bytes_min,
            n_segments,
            n_rows,
            n_bytes,
        };
        let spans = TableInventory {
            table: "spans",
            n_segments: 3,
            n_rows: 1_000,
            n_bytes: 20_500,
            times: Some((1_767_225_600_000_000_000, 1_767_225_660_500_000_000)),
            received: Some((1_767_225_600_000_000_000, 1_767_225_660_500_000_000)),
            levels: vec![level(0, 0, 2, 100, 4_116), level(1, 16 << 10, 1, 900, 16_384)],
        };
        let logs = TableInventory { table: "logs", ..TableInventory::default() };
        let inventory = Inventory {
            manifest_version: 7,
            rows_ever: storage::RowsEver { traces: 2_000, logs: 0, metrics: 0 },
            tables: vec![spans, logs],
            n_log_files: 1,
            n_log_bytes: 3 << 20,
        };
        expect![[r#"
            spans: 3 segments, 1000 rows, 20.0 KiB, 20.5 B per row
              from 2026-01-01T00:00:00Z to 2026-01-01T00:01:00.5Z
              level 0, from 0 B: 2 segments, 100 rows, 4.0 KiB
              level 1, from 16.0 KiB: 1 segments, 900 rows, 16.0 KiB
            logs: 0 segments, 0 rows, 0 B
            log: 1 files, 3.0 MiB
        "#]]
        .assert_eq(&as_table(&inventory));
        let json = as_json(&inventory);
        assert_eq!(json["tables"][0]["levels"][1]["rows"], 900);
        assert_eq!(json["tables"][0]["bytes_per_row"], 20.5);
        assert_eq!(json["tables"][0]["time"]["to"], "2026-01-01T00:01:00.5Z");
        assert_eq!(json["tables"][1]["time"], Value::Null);
        assert_eq!(json["rows_ever"]["traces"], 2_000);
    }
}
