//! The contract between the server's API and its clients: serde types, and how paths hold names.
//!
//! Every answer of `/api/v1` is one of these types as JSON. Integers have a fixed width because the
//! browser's `usize` has 32 bits. Points in time travel as decimal strings of nanoseconds since 1970
//! (`UnixNanos`), because JavaScript numbers lose their last digits. Ids travel as lower-case hex.
//! No clock is read here and nothing is computed.

mod alerts;
mod attributes;
mod compare;
mod error;
mod graph;
mod heatmap;
mod incidents;
mod ingest;
mod logs;
mod metrics;
mod ownership;
mod path;
mod red;
mod releases;
mod saturation;
mod services;
mod silences;
mod slos;
mod sql;
mod status;
mod time;
mod traces;
mod triage;

pub use alerts::*;
pub use attributes::*;
pub use compare::*;
pub use error::*;
pub use graph::*;
pub use heatmap::*;
pub use incidents::*;
pub use ingest::*;
pub use logs::*;
pub use metrics::*;
pub use ownership::*;
pub use path::*;
pub use red::*;
pub use releases::*;
pub use saturation::*;
pub use services::*;
pub use silences::*;
pub use slos::*;
pub use sql::*;
pub use status::*;
pub use time::*;
pub use traces::*;
pub use triage::*;
