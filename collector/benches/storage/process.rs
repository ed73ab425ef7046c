//! What the operating system says about this process and its machine.

use crate::Failure;

/// Most memory that was resident since the last reset, in bytes.
pub(crate) fn rss_bytes_max() -> Result<u64, Failure> {
    Ok(field("/proc/self/status", "VmHWM:")? * 1024)
}

/// Starts [`rss_bytes_max`] again from what is resident now.
pub(crate) fn reset_rss_max() -> Result<(), Failure> {
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}

/// Bytes handed to the operating system in writes so far, by all threads.
pub(crate) fn n_bytes_written() -> Result<u64, Failure> {
    field("/proc/self/io", "wchar:")
}

/// Runnable processes over the last minute.
pub(crate) fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(f64::NAN)
}

fn field(path: &str, name: &str) -> Result<u64, Failure> {
    let text = std::fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| format!("no {name} in {path}").into())
}
