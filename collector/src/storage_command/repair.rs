//! `firstfault storage repair`: goes on without what cannot be read of the log, and says what that was.

use super::{Error, print};
use crate::config::Config;
use crate::units::shown_bytes;
use storage::{DamagedLog, Recovery};

pub(super) async fn run(config: Config) -> Result<(), Error> {
    storage::expect_data(&config.storage.data_dir)?;
    let limits = config.limits.items;
    let decode = move |record| crate::replay::rows_within(record, limits).map_err(Into::into);
    let (engine, recovery) = storage::Engine::repair(config.storage, decode).await?;
    engine.shutdown().await?;
    print(report(&recovery))
}

fn report(recovery: &Recovery) -> String {
    let mut text: String = recovery.damaged_logs.iter().map(line).collect();
    let Recovery { n_records_missing, wal_bytes_cut, .. } = recovery;
    if *wal_bytes_cut > 0 {
        text += &format!(
            "note: {} of an unfinished write at the end of the log are in the quarantine directory\n",
            shown_bytes(*wal_bytes_cut)
        );
    }
    text + &match (recovery.damaged_logs.len(), n_records_missing) {
        (0, 0) => "the log has no damage, nothing to repair\n".to_owned(),
        (n, lost) => format!("log files repaired: {n}; records lost: {lost}\n"),
    }
}

fn line(log: &DamagedLog) -> String {
    let DamagedLog { path, kept, offset, reason, n_bytes, n_records, n_records_lost } = log;
    format!(
        "REPAIRED {}: {reason} at byte {offset}; {n_records} records kept, {n_records_lost} lost with {}; the file \
         is now {}\n",
        path.display(),
        shown_bytes(*n_bytes),
        kept.display()
    )
}
