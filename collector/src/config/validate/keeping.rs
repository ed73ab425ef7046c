//! How long and how much is kept, and in segments of which size.

use super::{DURATION_MAX, Keys, MIB, Problems, Raw, SECOND, to_usize};
use crate::units;
use std::time::Duration;
use storage::{BytesMax, Compaction, ReadModelAges, Retention};

/// Segments of full size that must fit into a bound by bytes: they leave whole, so with fewer of them a large
/// part of everything would leave at once.
const SEGMENTS_KEPT_MIN: u64 = 4;

pub(super) fn compaction(raw: &Raw, problems: &mut Problems) -> Compaction {
    let section = raw.section("compaction");
    let mut keys = Keys { section: &section, problems };
    let defaults = Compaction::default();
    Compaction {
        is_automatic: keys.bool("automatic", defaults.is_automatic),
        segments_min: to_usize(keys.integer("segments", defaults.segments_min as u64, 2..=32)),
        segment_bytes_max: keys.size("segment_bytes", defaults.segment_bytes_max, MIB..=4096 * MIB),
        segment_rows_max: keys.integer("segment_rows", defaults.segment_rows_max, 1_000..=1_000_000_000),
    }
}

pub(super) fn retention(
    raw: &Raw,
    flush_interval: Duration,
    compaction: &Compaction,
    problems: &mut Problems,
) -> Retention {
    let section = raw.section("retention");
    let mut keys = Keys { section: &section, problems };
    let defaults = Retention::default();
    Retention {
        traces: age(&mut keys, "traces", defaults.traces, flush_interval),
        logs: age(&mut keys, "logs", defaults.logs, flush_interval),
        metrics: age(&mut keys, "metrics", defaults.metrics, flush_interval),
        read_models: read_models(&mut keys, defaults.read_models, flush_interval),
        bytes_max: bytes_max(&mut keys, compaction),
    }
}

fn age(keys: &mut Keys<'_>, key: &str, default: Duration, flush_interval: Duration) -> Duration {
    let age = keys.duration(key, default, SECOND..=DURATION_MAX);
    if age < flush_interval {
        let shown = units::show_duration(flush_interval);
        keys.problem(key, format!("is shorter than storage.flush_interval ({shown})"))
            .hint("data would expire before it is written to a segment")
            .report(keys.problems);
    }
    age
}

/// The setting `read_models` is that of earlier versions, which had one width of buckets only; now it says how long
/// the last of the read models are there, as it did then. What is not set is kept as long as what is coarser, at most.
fn read_models(keys: &mut Keys<'_>, defaults: ReadModelAges, flush_interval: Duration) -> ReadModelAges {
    let given = &keys.section.fields;
    let hour_key = if given.contains_key("read_models") { "read_models" } else { "read_models_1h" };
    if hour_key == "read_models" && given.contains_key("read_models_1h") {
        keys.problem("read_models", "is the older name of retention.read_models_1h, which is set too")
            .hint("remove one of them")
            .report(keys.problems);
    }
    let hour = age(keys, hour_key, defaults.hour, flush_interval);
    let minute = age(keys, "read_models_1m", defaults.minute.min(hour), flush_interval);
    let ten_seconds = age(keys, "read_models_10s", defaults.ten_seconds.min(minute), flush_interval);
    for (key, age, coarser_key, coarser) in [
        ("read_models_10s", ten_seconds, "read_models_1m", minute),
        ("read_models_1m", minute, hour_key, hour),
    ] {
        if age > coarser {
            let shown = units::show_duration(coarser);
            keys.problem(key, format!("is longer than retention.{coarser_key} ({shown})"))
                .hint("long ranges are read from the coarser buckets: keep those at least as long")
                .report(keys.problems);
        }
    }
    ReadModelAges { ten_seconds, minute, hour }
}

fn bytes_max(keys: &mut Keys<'_>, compaction: &Compaction) -> BytesMax {
    let least = SEGMENTS_KEPT_MIN * compaction.segment_bytes_max;
    let mut bound = |key| {
        let n_bytes = keys.optional_size(key, MIB..=u64::MAX)?;
        if n_bytes < least {
            let shown = units::show_size(compaction.segment_bytes_max);
            keys.problem(
                key,
                format!("is less than {SEGMENTS_KEPT_MIN} times compaction.segment_bytes ({shown})"),
            )
            .hint("segments leave whole: allow more bytes, or make segments smaller")
            .report(keys.problems);
        }
        Some(n_bytes)
    };
    BytesMax {
        traces: bound("traces_bytes"),
        logs: bound("logs_bytes"),
        metrics: bound("metrics_bytes"),
        read_models: bound("read_models_bytes"),
    }
}
