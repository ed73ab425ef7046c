//! One service in the table.

use crate::components::icon::labelled_icon;
use crate::components::{Sparkline, name};
use crate::model::address::segment;
use crate::model::{figures, verdict};
use crate::{format, url_state};
use leptos::prelude::*;
use wire::{RedPoint, ServiceRow, UnixNanos};

/// `now` is the end of the range, against which ages are told.
pub fn service_row(row: &ServiceRow, now: UnixNanos) -> AnyView {
    let (class, symbol, word) = verdict::health(&row.red, row.alert_state).mark();
    let href = url_state::link(&format!("/services/{}", segment(&row.service)));
    let is_silent = row.red.n_requests == 0;
    let requests = if is_silent { "no spans".to_owned() } else { figures::rate(&row.red) };
    let errors_class = format!("num {}", if class == "ok" || row.red.n_errors == 0 { "t2" } else { class });
    let seen = row.last_seen_at;
    let seen_title = seen.map(|at| format::date_time(at, url_state::zone()));
    let seen = seen.map_or_else(|| format::MISSING.to_owned(), |at| format::ago(at, now));
    let paint = if class == "bad" { "p-bad" } else { "p-rest" };
    view! {
        <tr class="row" data-testid="services-row" data-service=row.service.clone() data-health=word>
            <td class=class>{labelled_icon(symbol, word)}</td>
            <td><a class:strong=class == "bad" href=href data-row="">{name(&row.service)}</a> " "
                <span class=format!("micro {class}")>{(class != "ok").then_some(word)}</span></td>
            <td class="num" class:t2=is_silent title=format::exact(row.red.n_requests)>{requests}</td>
            <td class="hide">{spark(&row.points, |p| Some(figures::of_point(p).n_requests), "p-rest", "requests")}</td>
            <td class=errors_class title=format::exact(row.red.n_errors)>{format::percent_or_missing(row.red.error_ratio)}</td>
            <td class="hide">{spark(&row.points, figures::error_ratio, paint, "share of errors")}</td>
            <td class="num t2">{format::duration_or_missing(row.red.p50_ns)}</td>
            <td class="num strong">{format::duration_or_missing(row.red.p95_ns)}</td>
            <td class="num t2">{format::duration_or_missing(row.red.p99_ns)}</td>
            <td class="hide">{spark(&row.points, |p| p.p95_ns.map(|ns| ns as f64), "p-rest", "p95")}</td>
            <td class="num t3" title=seen_title>{seen}</td>
        </tr>
    }
    .into_any()
}

/// A sparkline of one reading of the points.
pub fn spark(
    points: &[RedPoint],
    value: fn(&RedPoint) -> Option<f64>,
    paint: &'static str,
    what: &str,
) -> AnyView {
    let values: Vec<Option<f64>> = points.iter().map(value).collect();
    view! { <Sparkline values=values paint=paint label=format!("{what} over the range") /> }.into_any()
}
