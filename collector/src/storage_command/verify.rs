//! `firstfault storage verify`: one line per damage, and a summary.

use super::{Error, one_line, print, remarks};
use crate::units::shown_bytes;
use std::path::Path;
use storage::Verified;

pub(super) fn run(data_dir: &Path) -> Result<(), Error> {
    let verified = storage::verify(data_dir, &mut remarks())?;
    print(report(data_dir, &verified))?;
    match verified.damage.len() {
        0 if verified.n_log_records_missing == 0 => Ok(()),
        n => Err(Error::Damaged { n: n + usize::from(verified.n_log_records_missing > 0) }),
    }
}

fn report(data_dir: &Path, verified: &Verified) -> String {
    let mut text = String::new();
    for damage in &verified.damage {
        text += &format!("DAMAGED  {}\n", one_line(damage));
    }
    let Verified { n_log_records_missing, .. } = verified;
    if *n_log_records_missing > 0 {
        text += &format!(
            "MISSING  {n_log_records_missing} acknowledged records are neither in the log nor in a segment: \
             restore the log files from a copy; a server that starts without them says so once and goes on\n"
        );
    }
    if let Some((path, n_bytes)) = &verified.log_unfinished {
        text += &format!(
            "note: {} ends in {n_bytes} bytes that are no whole record; if a crash cut it short, the record was never \
             acknowledged; if something else did, restore the file from a copy before the next start, which puts \
             these bytes aside\n",
            path.display()
        );
    }
    let Verified { n_segments, n_segment_rows, n_segment_bytes, .. } = verified;
    let n_old = verified.n_segments_without_checksums;
    if n_old > 0 {
        text += &format!(
            "note: {n_old} segments of an older version have no checksums; their rows were decoded instead\n"
        );
    }
    let Verified { n_log_files, n_log_records, n_log_bytes, .. } = verified;
    text += &format!(
        "{}: {n_segments} segments ({n_segment_rows} rows, {}), {n_log_files} log files ({n_log_records} records, \
         {}): ",
        data_dir.display(),
        shown_bytes(*n_segment_bytes),
        shown_bytes(*n_log_bytes)
    );
    text + match (verified.damage.is_empty() && *n_log_records_missing == 0, &verified.log_unfinished) {
        (true, None) => "everything is as it was written\n",
        (true, Some(_)) => "everything else is as it was written\n",
        (false, _) => "damaged\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a whole directory, one whose newest log file ends within a record, and one that lacks records.
    /// Guarantees: the last line says what holds; of the cut record nothing is claimed that cannot be known.
    #[test]
    fn says_what_can_be_known() {
        let report = |verified: &Verified| report(Path::new("/data"), verified);
        let whole = Verified::default();
        assert!(report(&whole).ends_with("everything is as it was written\n"));
        let cut = Verified { log_unfinished: Some(("/data/wal/7.wal".into(), 9)), ..Verified::default() };
        let text = report(&cut);
        assert!(text.ends_with("everything else is as it was written\n"), "{text}");
        assert!(
            text.contains("/data/wal/7.wal ends in 9 bytes") && text.contains("if a crash cut it"),
            "{text}"
        );
        let lacking = Verified { n_log_records_missing: 2, ..Verified::default() };
        assert!(report(&lacking).ends_with("damaged\n"));
    }
}
