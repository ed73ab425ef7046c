//! The write-ahead log: what makes an acknowledgement true.
//!
//! Records are opaque payloads with a number. `handle` is what the engine holds, `writer` the
//! thread that groups and syncs, `current` the file it writes, `frame` the format, `reader` reads a
//! file back, `replay` a directory after a crash, `check` one without changing it, `sequences` says which numbers are covered. `docs/formats/wal.md` holds the bytes. Nothing here
//! knows what a payload means.

mod check;
mod copy;
mod current;
mod frame;
mod handle;
mod ledger;
mod reader;
mod replay;
mod sequences;
mod writer;

pub(crate) use check::{LogCheck, check, log_bytes};
pub(crate) use copy::copy;
pub(crate) use frame::{Frame, PackedRecord};
pub(crate) use handle::{Wal, WalStart};
pub(crate) use ledger::Ledger;
pub(crate) use replay::{Replay, Replayed, find_records, first_sequence, replay};
pub(crate) use sequences::SequenceSet;

#[cfg(test)]
mod damage;
#[cfg(test)]
mod tests;
