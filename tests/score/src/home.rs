//! A set's folder of the working directory: the server's data, kept for the next run, and its answers.
//!
//! `sent.json` is written when everything is stored, and says what was sent; data without it, or of other files, is
//! thrown away. It does not know the server's program: after a change to ingest, send again.

use crate::feed::Sent;
use crate::json;
use crate::sets::Set;
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Counts up whenever the same files are sent in another form.
const FORM: u32 = 1;

#[derive(Debug)]
pub(crate) struct Home {
    dir: PathBuf,
    note: Note,
    sent: Option<Sent>,
}

/// What was sent, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    form: u32,
    source: PathBuf,
    files: Vec<SourceFile>,
    sent: Option<Sent>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SourceFile {
    name: String,
    n_bytes: u64,
    modified_unix_ms: u64,
}

impl Home {
    /// The folder of a set; empty unless what it holds is what would be sent, and nobody wants it sent again.
    pub(crate) fn open(work: &Path, set: &Set, is_fresh: bool) -> Result<Self> {
        let dir = work.join(set.name.replace('/', "-"));
        let note = note(&set.dir)?;
        let known = json::read::<Note>(&dir.join("sent.json")).ok();
        let known = known.filter(|known| !is_fresh && Note { sent: None, ..known.clone() } == note);
        let sent = known.and_then(|known| known.sent);
        if sent.is_none() && dir.exists() {
            std::fs::remove_dir_all(&dir).with_context(|| format!("cannot empty {}", dir.display()))?;
        }
        let answers = dir.join("answers");
        std::fs::create_dir_all(&answers).with_context(|| format!("cannot make {}", answers.display()))?;
        Ok(Self { dir, note, sent })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What an earlier run has sent.
    pub(crate) fn sent(&self) -> Option<Sent> {
        self.sent
    }

    /// Everything is stored: the next run need not send it.
    pub(crate) fn remember(&self, sent: Sent) -> Result<()> {
        let note = Note { sent: Some(sent), ..self.note.clone() };
        write(&self.dir.join("sent.json"), &serde_json::to_vec_pretty(&note)?)
    }

    /// The whole report, for people who want to know why.
    pub(crate) fn keep_answer(&self, id: &str, report: &Value) -> Result<()> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let name: String = id.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
        let path = self.dir.join("answers").join(name).with_extension("json");
        write(&path, &serde_json::to_vec_pretty(report)?)
    }
}

fn note(source: &Path) -> Result<Note> {
    let unreadable = || format!("cannot read {}", source.display());
    let source = source.canonicalize().with_context(unreadable)?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&source).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let about = entry.metadata().with_context(unreadable)?;
        if about.is_file() {
            let modified = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let modified_unix_ms = modified.unwrap_or_default().as_millis();
            files.push(SourceFile {
                name: entry.file_name().to_string_lossy().into_owned(),
                n_bytes: about.len(),
                modified_unix_ms: u64::try_from(modified_unix_ms).unwrap_or(u64::MAX),
            });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Note { form: FORM, source, files, sent: None })
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::Kind;

    /// Scenario: data is sent and remembered; then asked for again, asked for fresh, and asked for after a change.
    /// Guarantees: it is sent again only where it has to be, and then nothing of the old is left.
    #[test]
    fn data_is_kept_until_its_files_change() {
        let (work, source) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let label = source.path().join("faults.json");
        std::fs::write(&label, "{}").expect("written");
        let set = Set { name: "a/b".to_owned(), kind: Kind::Nezha, dir: source.path().to_owned() };
        let open = |is_fresh| Home::open(work.path(), &set, is_fresh).expect("opens");
        let sent = Sent { n_spans: 3, ..Sent::default() };
        let home = open(false);
        assert_eq!(home.sent(), None);
        home.remember(sent).expect("written");
        home.keep_answer("x/../y", &Value::Null).expect("written");
        assert!(home.dir().join("answers/x----y.json").exists());
        assert_eq!(open(false).sent(), Some(sent));
        assert_eq!(open(true).sent(), None);
        assert!(!home.dir().join("answers/x----y.json").exists());
        home.remember(sent).expect("written");
        std::fs::write(&label, "{ }").expect("written");
        assert_eq!(open(false).sent(), None);
    }
}
