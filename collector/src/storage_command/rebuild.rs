//! `firstfault storage rebuild-read-models`: makes what pages are drawn from again of the rows that are stored.

use super::stats::shown_time;
use super::{Error, print, remarks};
use crate::clock::Clock;
use crate::config::Config;
use crate::shutdown::Signals;
use crate::units::shown_bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use storage::{Rebuilt, Signal};

pub(super) async fn run(config: Config) -> Result<(), Error> {
    let mut signals = Signals::listen().map_err(|source| Error::Signals { source })?;
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&is_stopped);
    // Nothing would be lost without it: what was written so far is removed now instead of at the next start.
    let listening = tokio::spawn(async move {
        signals.next().await;
        stopped.store(true, Ordering::Relaxed);
    });
    let is_stopped = move || is_stopped.load(Ordering::Relaxed);
    let rebuilt = storage::rebuild_read_models(config.storage, Clock.now(), remarks(), is_stopped).await;
    listening.abort();
    print(report(&rebuilt?))
}

fn report(rebuilt: &Rebuilt) -> String {
    let Rebuilt { n_rows, n_segments_before, n_bytes_before, n_segments_after, n_bytes_after, kept_before } =
        rebuilt;
    let [n_spans, n_logs, n_points] = Signal::ALL.map(|signal| n_rows.of(signal));
    let mut text = format!(
        "read models made again of {n_spans} spans, {n_logs} log records and {n_points} points: {n_segments_before} \
         segments ({}) became {n_segments_after} ({})\n",
        shown_bytes(*n_bytes_before),
        shown_bytes(*n_bytes_after)
    );
    for (signal, before) in kept_before {
        text += &match n_rows.of(*signal) {
            0 => format!("note: what was made of {signal} stays as it was, since none are stored any more\n"),
            _ => format!(
                "note: what was made of {signal} before {} stays as it was, since not all of that time are stored any \
                 more\n",
                shown_time(*before)
            ),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::RowsEver;

    /// Scenario: a directory that has all its rows, and one that has only the newest spans and no logs any more.
    /// Guarantees: what was read and written is counted; what stays as it was is told, with the moment and the reason.
    #[test]
    fn says_what_was_made_again() {
        let all = Rebuilt {
            n_rows: RowsEver { traces: 30, logs: 2, metrics: 1 },
            n_segments_before: 20,
            n_bytes_before: 4_000_000,
            n_segments_after: 10,
            n_bytes_after: 1_000_000,
            kept_before: Vec::new(),
        };
        let text = report(&all);
        assert!(
            text.starts_with("read models made again of 30 spans, 2 log records and 1 points: 20"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
        let some = Rebuilt {
            n_rows: RowsEver { traces: 30, ..RowsEver::default() },
            kept_before: vec![(Signal::Traces, 1_767_225_600_000_000_000), (Signal::Logs, i64::MAX)],
            ..all
        };
        let text = report(&some);
        let [_, traces, logs] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert!(traces.contains("of traces before 2026-01-01T00:00:00Z stays"), "{traces}");
        assert!(logs.contains("of logs stays as it was, since none are stored"), "{logs}");
    }
}
