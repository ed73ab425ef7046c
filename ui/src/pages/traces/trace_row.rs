//! One trace in the list.

use crate::components::icon::labelled_icon;
use crate::components::name;
use crate::model::decimal::fixed;
use crate::model::name_text;
use crate::model::service_color::ServiceColors;
use crate::{format, url_state};
use leptos::prelude::*;
use wire::{TraceSummary, UnixNanos};

/// `longest_ns` is the longest duration in the list: the length of a full bar.
pub fn trace_row(trace: &TraceSummary, colors: &ServiceColors, longest_ns: i64, now: UnixNanos) -> AnyView {
    let zone = url_state::zone();
    let href = url_state::link(&format!("/trace/{}", trace.trace_id));
    let missing = trace.root_missing.then(|| {
        view! { <span class="t2">{labelled_icon("partial", "root span not stored")}</span> " " }
    });
    let errors_class = if trace.n_errors > 0 { "num bad" } else { "num t3" };
    view! {
        <tr class="row" data-testid="traces-row" data-trace-id=trace.trace_id.clone()>
            <td class="t2" title=format::date_time(trace.started_at, zone)>{start(trace.started_at, now)}</td>
            <td class="root">{missing} {name(&trace.root_service)} " " <span class="t2">{name(&trace.root_operation)}</span></td>
            <td class="num strong">{format::duration(trace.duration_ns)}</td>
            <td class="hide">{service_bar(trace, colors, longest_ns)}</td>
            <td class="num">{format::count(trace.n_spans)}</td>
            <td class=errors_class>{format::count(trace.n_errors)}</td>
            <td><a class="link mono" href=href data-row="">{format::short_id(&trace.trace_id)}</a></td>
        </tr>
    }
    .into_any()
}

/// The time of day with milliseconds; the date in front when it is another day.
fn start(at: UnixNanos, now: UnixNanos) -> String {
    let zone = url_state::zone();
    match format::date(at, zone) == format::date(now, zone) {
        true => format::time_ms(at, zone),
        false => format::date_time(at, zone),
    }
}

/// As long as the trace, split by the services' shares of its spans.
fn service_bar(trace: &TraceSummary, colors: &ServiceColors, longest_ns: i64) -> AnyView {
    let width = trace.duration_ns as f64 / longest_ns.max(1) as f64 * 100.0;
    let width = format!("{}%", fixed(width.clamp(0.5, 100.0), 1));
    let n_spans: u64 = trace.services.iter().map(|service| service.n_spans).sum();
    let part = |service: &wire::ServiceSpans| {
        let share = service.n_spans as f64 / n_spans.max(1) as f64 * 100.0;
        let title = format!(
            "{}, {}",
            name_text::inline(&service.service),
            format::counted(service.n_spans, "span", "spans")
        );
        view! { <i class=colors.paint(&service.service) style:width=format!("{}%", fixed(share, 1)) title=title /> }
            .into_any()
    };
    let parts: Vec<AnyView> = trace.services.iter().map(part).collect();
    view! { <div class="sv" style:width=width aria-hidden="true">{parts}</div> }.into_any()
}
