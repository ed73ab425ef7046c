//! The product from outside: the real binary, real clients, a real browser. One test binary, because
//! linking it is what costs. Smaller layers are tested beside their code.

mod clients;
mod crash;
mod delivery;
mod demo;
mod diagnosis;
mod fixtures;
mod house;
mod ingest;
mod layers;
mod otlp_conformance;
mod prometheus;
mod rebuild;
mod security;
mod slo_webhook;
mod slo_write;
mod support;
mod triage_scores;
mod ui_incidents;
mod ui_smoke;
mod zipkin;
