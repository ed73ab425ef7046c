//! The doors for OTLP: gRPC and HTTP, with one way in behind them. Zipkin and remote write have paths beside those
//! of OTLP/HTTP.
//!
//! All doors do the same in the same order: ask who sends and whether they may now, ask whether the engine has room,
//! read the body under a deadline and a size limit while charging the in-flight budget for what has come, hand it to
//! `ingest`, and put what comes back into the protocol's own words. None decodes anything on the async thread. What
//! is refused says what to change at the sender, where its mistake is known (`sniff`, `hints`).

mod access;
pub(crate) mod admission;
pub(crate) mod answer;
mod body;
pub(crate) mod connection;
pub(crate) mod cors;
mod door;
pub(crate) mod grpc;
pub(crate) mod hints;
pub(crate) mod http;
mod inflate;
pub(crate) mod remote_write;
mod snappy;
pub(crate) mod sniff;
pub(crate) mod strangers;
#[cfg(test)]
mod tests;
pub(crate) mod zipkin;

pub(crate) use inflate::{Compression, inflate};
pub(crate) use strangers::strangers;
