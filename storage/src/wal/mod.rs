//! The write-ahead log: what makes an acknowledgement true.
//!
//! Records are opaque payloads with a number. `handle` is what the engine holds, `writer` the
//! thread that groups and syncs, `current` the file it writes, `frame` the format, `reader` reads a
//! file back, `search` finds what is behind damage in one, `files` reads each in its place among the others,
//! `replay` a directory after a crash, `check` one without changing it, `copy` one that may be written,
//! `sequences` says which numbers are covered, `fuzz` checks what must hold of any bytes. `docs/formats/wal.md`
//! holds the bytes. Nothing here knows what a payload means.

mod check;
mod copy;
mod current;
mod files;
mod frame;
pub(crate) mod fuzz;
mod handle;
mod ledger;
mod reader;
mod replay;
mod search;
mod sequences;
mod writer;

pub(crate) use check::{LogCheck, check, log_bytes};
pub(crate) use copy::copy;
pub(crate) use files::{first_sequence, first_sequences};
pub(crate) use frame::{Frame, PackedRecord};
pub(crate) use handle::{Wal, WalStart};
pub(crate) use ledger::Ledger;
pub(crate) use replay::{DamagedFile, OldDamage, Replay, Replayed, find_records, replay};
pub(crate) use sequences::SequenceSet;

#[cfg(test)]
mod tests;
