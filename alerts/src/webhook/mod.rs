//! The way out: what is said, how it is signed, where it may go, and when to try again.
//!
//! `payload` has what is told; `kinds` make a document of it, which is frozen when a notification is enqueued, and
//! requests of the document; `client` and `smtp` send these to a `target` that `resolve` has checked; `retry` decides
//! what follows, `throttle` how much at a time; `courier` does this for all that is due.
//! Nothing here decides whether somebody should be told.

mod kinds;
mod payload;
mod receiver;
mod request;
mod story;
mod text;

mod client;
mod courier;
mod resolve;
mod retry;
mod sign;
mod smtp;
mod target;
mod throttle;

pub use courier::{Clock, Courier, Gone, Round, Tried};
pub use kinds::{Hook, Kind, Mail, MailError, Members, PagerDuty, RoutingKeyError};
pub use payload::{Identity, Notice, incident_url, slo_url};
pub use receiver::Receiver;
pub use request::ShownRequest;
pub use retry::RetryPolicy;
pub use sign::{Secret, SecretError, Token};
pub use target::{MailServer, MailTls, Network, PrivateTargets, ReceiverUrl, TargetError};
