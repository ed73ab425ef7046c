//! `firstfault storage compact`: what the server does in the background, all of it and now.

use super::{Error, open, print};
use crate::clock::Clock;
use crate::config::Config;
use crate::units::shown_bytes;
use storage::Stats;

pub(super) async fn run(mut config: Config) -> Result<(), Error> {
    // Only this call merges.
    config.storage.compaction.is_automatic = false;
    let engine = open(&config).await?;
    // What the log held is merged, too.
    engine.flush().await?;
    let before = engine.stats();
    let compacted = engine.compact(Clock.now()).await;
    let after = engine.stats();
    engine.shutdown().await?;
    print(summary(&before, &after))?;
    compacted?;
    Ok(())
}

fn summary(before: &Stats, after: &Stats) -> String {
    match after.n_merges {
        0 => format!(
            "no merge is due: {} segments, {}\n",
            before.n_segments,
            shown_bytes(before.segment_bytes)
        ),
        n_merges => format!(
            "{n_merges} merges of {} segments: {} segments ({}) became {} ({})\n",
            after.n_segments_merged,
            before.n_segments,
            shown_bytes(before.segment_bytes),
            after.n_segments,
            shown_bytes(after.segment_bytes)
        ),
    }
}
