//! Who calls whom: calls between services and to databases, queues and hosts, kept as their spans come.
//!
//! `halves` finds in a batch of spans what tells of calls (`columns` reads it, `party` keeps the names), outside any
//! lock; `receipt` brings them into the order in which they were received. `pairing` holds the halves of calls until the other side comes, `cells` what calls came to, `rows` makes rows
//! of the tables of it. `docs/formats/edge-red.md` says what counts as a call.

mod cells;
mod columns;
mod halves;
mod pairing;
mod party;
mod receipt;
mod rows;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use cells::EdgeCells;
pub(crate) use columns::SPAN_COLUMNS;
pub(crate) use halves::Halves;
pub(crate) use pairing::Pairing;
pub(crate) use receipt::HalvesByReceipt;
pub(crate) use rows::EdgeSnapshot;

/// Stands for names of which there are too many to be kept apart, in all read models.
pub const OTHERS: &str = "(other)";
