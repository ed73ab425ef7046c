//! What an operator does to a data directory: look whether it is whole and what is in it, and take rows out.
//!
//! Nothing here is needed to serve. `verify` owns the directory while it reads; `inventory` only looks, also
//! beside a running server.

mod backup;
mod inventory;
mod parquet_file;
mod verify;

#[cfg(test)]
mod tests;

use crate::error::Error;
use crate::fs;
use std::path::Path;

pub use backup::{BackedUp, Segments, backup, restore};
pub use inventory::{Inventory, LevelInventory, TableInventory, inventory};
pub use parquet_file::{ParquetReader, ParquetWriter};
pub use verify::{Progress, Verified, verify};

/// Refuses directories that hold nothing of ours: what only makes sense with data must not make an empty place.
pub fn expect_data(data_dir: &Path) -> Result<(), Error> {
    fs::expect_data(data_dir)
}
