//! How long and how much is kept, and in segments of which size.

use super::{DURATION_MAX, Keys, MIB, Problems, Raw, SECOND, to_usize};
use crate::units;
use std::time::Duration;
use storage::{BytesMax, Compaction, Retention};

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
    let mut age = |key, default| {
        let age = keys.duration(key, default, SECOND..=DURATION_MAX);
        if age < flush_interval {
            let shown = units::show_duration(flush_interval);
            keys.problem(key, format!("is shorter than storage.flush_interval ({shown})"))
                .hint("data would expire before it is written to a segment")
                .report(keys.problems);
        }
        age
    };
    Retention {
        traces: age("traces", defaults.traces),
        logs: age("logs", defaults.logs),
        metrics: age("metrics", defaults.metrics),
        read_models: age("read_models", defaults.read_models),
        bytes_max: bytes_max(&mut keys, compaction),
    }
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
