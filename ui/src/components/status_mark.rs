//! Status as shape, word and colour, always three.

use crate::components::state_icon;
use crate::model::health::Health;
use leptos::prelude::*;
use wire::{AlertState, Severity};

pub fn health_mark(health: Health) -> AnyView {
    let (class, symbol, word) = health.mark();
    state_icon(class, symbol, word)
}

pub fn alert_mark(state: AlertState) -> AnyView {
    match state {
        AlertState::Inactive => state_icon("ok", "ok", "well"),
        AlertState::Resolved => state_icon("ok", "ok", "resolved"),
        AlertState::Pending => state_icon("warn", "clock", "pending"),
        AlertState::Firing => state_icon("bad", "bad", "firing"),
    }
}

/// Class and word of a log severity.
pub fn severity_word(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Unset => ("sev-unset", "UNSET"),
        Severity::Trace => ("sev-trace", "TRACE"),
        Severity::Debug => ("sev-debug", "DEBUG"),
        Severity::Info => ("sev-info", "INFO"),
        Severity::Warn => ("sev-warn", "WARN"),
        Severity::Error => ("sev-error", "ERROR"),
        Severity::Fatal => ("sev-fatal", "FATAL"),
    }
}
