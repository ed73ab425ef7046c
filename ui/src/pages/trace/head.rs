//! What one knows at a glance: how long, whose, how bad, and where the time went.

use crate::components::{icon, name, state_icon};
use crate::erased::live;
use crate::model::decimal::fixed;
use crate::model::trace_model::TraceModel;
use crate::{format, url_state};
use leptos::prelude::*;

pub fn head(model: &TraceModel) -> AnyView {
    let trace = &model.trace;
    let n_errors = model.n_errors() as u64;
    let errors =
        (n_errors > 0).then(|| state_icon("bad", "err", format::counted(n_errors, "error", "errors")));
    let count = |n: usize, one: &str, many: &str| format::counted(n as u64, one, many);
    // The answer says that it was cut, not how much there is.
    let first = if trace.truncated { "first " } else { "" };
    let size = format!(
        "{first}{}, {}, depth {}",
        count(trace.spans.len(), "span", "spans"),
        count(model.n_services(), "service", "services"),
        model.waterfall.depth_max
    );
    let at = trace.started_at;
    let when = move || format!("{} {}", format::date_time(at, url_state::zone()), url_state::zone().name());
    view! {
        <header class="th">
            <h1 data-testid="trace-head">
                <b>{format::duration(trace.duration_ns)}</b>
                <span>{name(&trace.root_service)} " " <span class="t2 regular">{name(&trace.root_operation)}</span></span>
                <span class="dense strong">{errors}</span>
            </h1>
            <div class="facts"><span>{live(when)}</span> <span>{size}</span> {marks(model)}</div>
            {critical_path(model)}
        </header>
    }
    .into_any()
}

/// Honest marks: what is missing from or odd about this trace.
fn marks(model: &TraceModel) -> Vec<AnyView> {
    let waterfall = &model.waterfall;
    let counted = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let all = [
        (
            model.trace.truncated,
            "partial",
            "more spans than shown".to_owned(),
            "The answer carries the first spans of this trace; every number here is of these alone. SQL has the rest.",
        ),
        (
            waterfall.n_ghosts > 0,
            "partial",
            counted(waterfall.n_ghosts, "parent missing", "parents missing"),
            "Spans name a parent that is not stored; it may be late, sampled away or never sent.",
        ),
        (
            waterfall.n_duplicates > 0,
            "partial",
            counted(waterfall.n_duplicates, "span sent twice", "spans sent twice"),
            "An exporter repeated them; both are shown, children hang below the first.",
        ),
        (
            waterfall.n_cycles > 0,
            "partial",
            counted(waterfall.n_cycles, "circle of parents", "circles of parents"),
            "Spans name each other as parents; each circle was cut at its earliest span.",
        ),
    ];
    all.into_iter()
        .filter(|(is, ..)| *is)
        .map(|(_, symbol, words, why)| {
            view! { <span class="mark" title=why data-testid="trace-mark">{icon(symbol)} {words}</span> }
                .into_any()
        })
        .collect()
}

/// The critical path by service: the parts add up to the trace.
fn critical_path(model: &TraceModel) -> AnyView {
    let parts = &model.trace.path_by_service;
    let total_ns: i64 = parts.iter().map(|part| part.duration_ns).sum();
    let share = move |ns: i64| ns as f64 / total_ns.max(1) as f64;
    let bar = |part: &wire::ServicePathTime| {
        let width = format!("{}%", fixed(share(part.duration_ns) * 100.0, 2));
        view! { <span class=model.colors.paint(&part.service) style:width=width /> }.into_any()
    };
    let key = |part: &wire::ServicePathTime| {
        let class = format!("key {}", model.colors.paint(&part.service));
        view! {
            <span class=class data-testid="critical-path-part" data-service=part.service.clone()>
                {name(&part.service)} <b>{format::duration(part.duration_ns)}</b> {format::percent(share(part.duration_ns))}
            </span>
        }
        .into_any()
    };
    let bars: Vec<AnyView> = parts.iter().map(bar).collect();
    let keys: Vec<AnyView> = parts.iter().map(key).collect();
    view! {
        <div class="cps" data-testid="critical-path">
            <span class="t2">"Critical path, self time"</span>
            <div class="b" aria-hidden="true">{bars}</div>
            <div class="legend n">{keys}</div>
        </div>
    }
    .into_any()
}
