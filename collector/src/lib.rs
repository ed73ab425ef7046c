//! The edge: every protocol, every socket and every clock read of Firstfault.
//!
//! OTLP comes in through `receive`, becomes columns in `decode` and `columns`, and is handed to
//! `storage` by `ingest`. `evaluate` carries numbers from `storage` to `alerts` on a timer; `api`
//! and `web` answer the browser. `run` puts the parts together and takes them apart again.
//! No other crate opens a socket for serving or reads a clock, and nothing here knows how rows are stored.

pub mod cli;
mod config;
mod logging;
mod run;
mod serve;
mod shutdown;
mod telemetry;
mod workers;

mod auth;
mod reload;
mod tls;

mod receive;

mod decode;

mod columns;
mod encode;
mod ingest;
mod record;
mod replay;
mod resent;
mod series_limit;

mod definition;
mod evaluate;
mod openslo;
mod prometheus_rules;
mod saturation;
mod triage;

mod api;
mod web;

pub mod bench;
pub mod demo;
#[doc(hidden)]
pub mod fuzz;
mod query_command;
mod reach;
mod slo_command;
mod storage_command;

mod causes;
mod clock;
mod nearest;
mod units;
