//! Labels, floors and notes: JSON files, with errors that name them.

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use std::path::Path;

pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not as expected", path.display()))
}
