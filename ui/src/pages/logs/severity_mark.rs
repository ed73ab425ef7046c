//! A severity as word and colour; the bad ones also have a shape.

use crate::components::icon;
use crate::components::status_mark::severity_word;
use leptos::prelude::*;
use wire::Severity;

pub fn severity_mark(severity: Severity) -> AnyView {
    let (class, word) = severity_word(severity);
    view! { <span class=format!("sev {class}")>{shape(severity)} <span>{word}</span></span> }.into_any()
}

pub fn shape(severity: Severity) -> Option<AnyView> {
    match severity {
        Severity::Fatal => Some(icon("bad")),
        Severity::Error => Some(icon("err")),
        Severity::Warn => Some(icon("warn")),
        Severity::Unset | Severity::Trace | Severity::Debug | Severity::Info => None,
    }
}
