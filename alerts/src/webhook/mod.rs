//! The way out: what is said, how it is signed, where it may go, and when to try again.
//!
//! `payload` freezes a document when a notification is enqueued; `client` sends those bytes to a
//! `target`, signed by `sign`; `retry` decides what follows; `courier` does this for all that is due.
//! Nothing here decides whether somebody should be told.

mod payload;

mod client;
mod courier;
mod retry;
mod sign;
mod target;

pub use courier::{Clock, Courier, Receiver, Round};
pub use payload::{Identity, Notice, document, slo_url};
pub use retry::RetryPolicy;
pub use sign::{Secret, SecretError};
pub use target::{ReceiverUrl, TargetError};
