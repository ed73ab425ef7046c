//! What a data directory holds, as its manifest says: no segment is opened.

use crate::error::Error;
use crate::fs;
use crate::ids::Table;
use crate::manifest::Manifest;
use crate::merge_choice::{tier, tier_bytes_min};
use crate::segment::SegmentMeta;
use crate::stats::RowsEver;
use crate::wal;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What is stored. Rows that are in memory and in the log only are in `n_log_bytes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    pub manifest_version: u64,
    pub rows_ever: RowsEver,
    pub tables: Vec<TableInventory>,
    pub n_log_files: u64,
    pub n_log_bytes: u64,
}

/// The segments of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableInventory {
    pub table: &'static str,
    pub n_segments: u64,
    pub n_rows: u64,
    pub n_bytes: u64,
    /// First and last moment of any row, unix nanos; none without rows.
    pub times: Option<(i64, i64)>,
    /// When the newest row of the oldest and of the newest segment was received, unix nanos.
    pub received: Option<(i64, i64)>,
    /// Sizes that merges tell apart, in ascending order; those without segments are left out.
    pub levels: Vec<LevelInventory>,
}

/// Segments of about one size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LevelInventory {
    pub level: u32,
    /// Size that a segment of the level has at least.
    pub segment_bytes_min: u64,
    pub n_segments: u64,
    pub n_rows: u64,
    pub n_bytes: u64,
}

/// Looks at a data directory, also while a server uses it.
pub fn inventory(data_dir: &Path) -> Result<Inventory, Error> {
    fs::expect_data(data_dir)?;
    let manifest = Manifest::load_beside_writer(data_dir)?;
    let (n_log_files, n_log_bytes) = wal::log_bytes(data_dir)?;
    let tables = Table::ALL.into_iter().map(|table| of_table(table, &manifest.segments_of(table)));
    Ok(Inventory {
        manifest_version: manifest.version,
        rows_ever: manifest.rows_ever,
        tables: tables.collect(),
        n_log_files,
        n_log_bytes,
    })
}

fn of_table(table: Table, segments: &[Arc<SegmentMeta>]) -> TableInventory {
    let mut levels: BTreeMap<u32, LevelInventory> = BTreeMap::new();
    for segment in segments {
        let level = tier(segment);
        let of_level = levels.entry(level).or_insert_with(|| LevelInventory {
            level,
            segment_bytes_min: tier_bytes_min(level),
            ..LevelInventory::default()
        });
        of_level.n_segments += 1;
        of_level.n_rows += segment.n_rows;
        of_level.n_bytes += segment.n_bytes;
    }
    let received = || segments.iter().map(|segment| segment.received_max);
    let time_min = segments.iter().map(|segment| segment.time_min).min();
    let time_max = segments.iter().map(|segment| segment.time_max).max();
    TableInventory {
        table: table.name(),
        n_segments: segments.len() as u64,
        n_rows: segments.iter().map(|segment| segment.n_rows).sum(),
        n_bytes: segments.iter().map(|segment| segment.n_bytes).sum(),
        times: time_min.zip(time_max),
        received: received().min().zip(received().max()),
        levels: levels.into_values().collect(),
    }
}
