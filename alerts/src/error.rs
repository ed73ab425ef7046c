//! What can go wrong in the state file and in the set-up of receivers' clients.
//!
//! A failed attempt to deliver is no error: it is an entry in the ledger.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot open the state file {}", path.display())]
    Open { path: PathBuf, source: rusqlite::Error },

    #[error(
        "the state file {} has schema version {found}, and this program knows up to {known}; \
         it was written by a newer Firstfault: start that one, or move the file away",
        path.display()
    )]
    TooNew { path: PathBuf, found: i64, known: i64 },

    #[error("the state file {} belongs to another program (application id {found})", path.display())]
    Foreign { path: PathBuf, found: i64 },

    #[error("cannot {action} in the state file")]
    Sqlite { action: &'static str, source: rusqlite::Error },

    #[error("the state file holds {what} {value:?}, which is not one of its values")]
    Corrupt { what: &'static str, value: String },

    #[error("cannot start the state file's writer thread")]
    Thread { source: std::io::Error },

    #[error("cannot make {} durable", path.display())]
    Sync { path: PathBuf, source: std::io::Error },

    #[error("the state file is closed")]
    Closed,

    #[error("cannot set up the HTTP client of receiver {receiver}")]
    Client { receiver: String, source: reqwest::Error },

    #[error("cannot set up the mail client of receiver {receiver}")]
    MailClient { receiver: String, source: lettre::transport::smtp::Error },
}

impl Error {
    /// Names the action that failed, for `map_err`.
    pub(crate) fn sqlite(action: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Sqlite { action, source }
    }
}
