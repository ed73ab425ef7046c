//! Keeps the log list still while somebody reads it: what arrived since is counted, not shown.
//!
//! Pure comparison of the answer on the screen with the newest one. Both are newest first.

use wire::LogRow;

/// Records of `latest` that are newer than the first one shown. The list has no ids, so a record is
/// recognised by time, place and text.
pub fn n_waiting(shown: &[LogRow], latest: &[LogRow]) -> usize {
    match shown.first() {
        None => latest.len(),
        Some(first) => {
            latest.iter().position(|row| row.at < first.at || same(row, first)).unwrap_or(latest.len())
        }
    }
}

/// Names for the rows of a list, short enough for the address bar: the same record has the same name
/// in the next answer, and equal records get names of their own.
pub fn ids(rows: &[LogRow]) -> Vec<String> {
    let mut seen = std::collections::HashMap::new();
    rows.iter()
        .map(|row| {
            let hash = hash(row);
            let n = seen.entry(hash).and_modify(|n| *n += 1).or_insert(0_u32);
            if *n == 0 { format!("{hash:x}") } else { format!("{hash:x}.{n}") }
        })
        .collect()
}

/// FNV-1a over what tells records apart.
fn hash(row: &LogRow) -> u64 {
    let at = row.at.0.to_le_bytes();
    let span = row.span_id.as_deref().unwrap_or_default();
    let parts = [at.as_slice(), row.service.as_bytes(), span.as_bytes(), row.body.as_bytes()];
    let bytes = parts.into_iter().flat_map(|part| part.iter().copied().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn same(a: &LogRow, b: &LogRow) -> bool {
    a.at == b.at && a.service == b.service && a.span_id == b.span_id && a.body == b.body
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Severity, UnixNanos};

    fn row(at: i64, body: &str) -> LogRow {
        LogRow {
            at: UnixNanos(at),
            service: "checkout".to_owned(),
            severity: Severity::Info,
            severity_text: None,
            severity_number: 9,
            body: body.to_owned(),
            event_name: None,
            trace_id: None,
            span_id: None,
            attributes: Vec::new(),
            resource: Vec::new(),
        }
    }

    /// Scenario: two records arrive, one of them in the same nanosecond as the first one shown.
    /// Guarantees: both count as new, those on the screen do not.
    #[test]
    fn counts_what_is_newer() {
        let shown = [row(5, "a"), row(4, "b")];
        let latest = [row(6, "d"), row(5, "c"), row(5, "a"), row(4, "b")];
        assert_eq!(n_waiting(&shown, &latest), 2);
        assert_eq!(n_waiting(&shown, &shown), 0);
    }

    /// Scenario: the screen was empty, or everything on it has left the window.
    /// Guarantees: all records of the answer are new; none when the newest on the screen is gone.
    #[test]
    fn handles_empty_and_expired_screens() {
        assert_eq!(n_waiting(&[], &[row(1, "a")]), 1);
        assert_eq!(n_waiting(&[row(1, "a")], &[row(9, "x"), row(8, "y")]), 2);
        assert_eq!(n_waiting(&[row(9, "x")], &[row(1, "a")]), 0);
    }

    /// Scenario: the same line was logged three times in one nanosecond, and again in the next answer.
    /// Guarantees: every row has a name of its own, and keeps it.
    #[test]
    fn names_are_unique_and_stable() {
        let names = ids(&[row(1, "a"), row(1, "a"), row(1, "a"), row(2, "a")]);
        let n = names.iter().collect::<std::collections::HashSet<_>>().len();
        assert_eq!(n, 4);
        assert_eq!(ids(&[row(3, "new"), row(1, "a")])[1], names[0]);
    }
}
