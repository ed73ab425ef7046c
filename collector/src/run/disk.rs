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
    use super::super::lines::Lines;
    use super::*;

    /// Scenario: free space falls below the reserve, stays there, and comes back.
    /// Guarantees: one warning when it begins and one line when it is over, with the numbers.
    #[test]
    fn says_each_change_once() {
        let lines = Lines::default();
        lines.of(|| {
            let mut watch = Watch::default();
            for disk_free_bytes in [200, 99, 98, 0, 100, 300] {
                watch.look(&Stats { disk_free_bytes, disk_reserve_bytes: 100, ..Stats::default() });
            }
        });
        expect_test::expect![[r#"
            WARN disk is almost full, requests are refused until space is freed disk_free_bytes=99 disk_reserve_bytes=100
            INFO disk has room again, requests are accepted disk_free_bytes=100 disk_reserve_bytes=100"#]]
        .assert_eq(&lines.text());
    }
}
