//! One page a route. Pages fetch, components render, the address holds the state.

pub mod alerts;
pub mod incident;
pub mod incidents;
pub mod logs;
pub mod metrics;
pub mod send;
pub mod service;
pub mod services;
pub mod slo;
pub mod slo_form;
pub mod slos;
pub mod trace;
pub mod traces;
pub mod triage;
