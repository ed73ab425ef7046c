//! Tells the log when the disk becomes almost full and when it has room again: once each, because the state
//! can last.

use storage::Stats;

#[derive(Debug, Default)]
pub(super) struct Watch {
    is_almost_full: bool,
}

impl Watch {
    pub(super) fn look(&mut self, stats: &Stats) {
        let was_almost_full = std::mem::replace(&mut self.is_almost_full, stats.is_disk_almost_full());
        let Stats { disk_free_bytes, disk_reserve_bytes, .. } = *stats;
        match (was_almost_full, self.is_almost_full) {
            (false, true) => tracing::warn!(
                disk_free_bytes,
                disk_reserve_bytes,
                "disk is almost full, requests are refused until space is freed"
            ),
            (true, false) => {
                tracing::info!(
                    disk_free_bytes,
                    disk_reserve_bytes,
                    "disk has room again, requests are accepted"
                );
            }
            (false, false) | (true, true) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::io::{self, Write};
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Scenario: free space falls below the reserve, stays there, and comes back.
    /// Guarantees: one warning when it begins and one line when it is over, with the numbers.
    #[test]
    fn says_each_change_once() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().without_time().with_target(false).with_ansi(false);
        let log = log.with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(log, || {
            let mut watch = Watch::default();
            for disk_free_bytes in [200, 99, 98, 0, 100, 300] {
                watch.look(&Stats { disk_free_bytes, disk_reserve_bytes: 100, ..Stats::default() });
            }
        });
        let text = String::from_utf8(lines.0.lock().clone()).expect("text");
        let text = text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        expect_test::expect![[r#"
            WARN disk is almost full, requests are refused until space is freed disk_free_bytes=99 disk_reserve_bytes=100
            INFO disk has room again, requests are accepted disk_free_bytes=100 disk_reserve_bytes=100"#]]
        .assert_eq(&text);
    }
}
