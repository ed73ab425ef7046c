//! When recordings are replayed: the fault-free one when it was, then issues one after another.
//!
//! They were recorded months apart and in another order, and a question is only about time before it.

use super::Issues;
use std::collections::HashMap;

/// Between the beginnings of two issues, above what they last: far enough that one is not the other's past hour.
const GAP: i64 = 7_200_000_000_000;

/// Nanoseconds by which each recording is moved.
#[derive(Debug)]
pub(super) struct Placement(HashMap<String, i64>);

impl Placement {
    pub(super) fn of(issues: &Issues) -> Self {
        let mut shifts = HashMap::new();
        let mut free = issues.baseline.end_unix_nano + GAP;
        for issue in &issues.issues {
            shifts.insert(issue.id.clone(), free - issue.window_start_unix_nano);
            free += (issue.window_end_unix_nano - issue.window_start_unix_nano).max(0) + GAP;
        }
        Self(shifts)
    }

    /// What is no issue is not moved.
    pub(super) fn shift(&self, recording: &str) -> i64 {
        self.0.get(recording).copied().unwrap_or(0)
    }
}
