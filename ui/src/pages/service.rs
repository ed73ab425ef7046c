//! `/services/{name}`: rate, errors and duration of one service, its operations, neighbours and resources.

pub mod lanes;
pub mod neighbours;
pub mod operations;
pub mod saturation;
pub mod versions;

use crate::api::{self, Fetch};
use crate::components::chart_group::ChartGroup;
use crate::components::icon::labelled_icon;
use crate::components::{self, Empty, Panel};
use crate::erased::{derived, live, text};
use crate::model::address::{encode, segment};
use crate::model::{figures, name_text, report_links, slo_form, verdict};
use crate::{format, url_state};
use leptos::prelude::*;
use wire::ServiceDetail;

#[component]
pub fn ServicePage(name: String) -> impl IntoView {
    ChartGroup::provide();
    let path = format!("/services/{}", segment(&name));
    let saturation = format!("{path}/saturation");
    let detail = api::polled::<ServiceDetail>(move || Some(url_state::api_path(&path)));
    let is_silent = move || detail.map(|detail| detail.red.n_requests == 0 && detail.operations.is_empty());
    let empty = derived(move || is_silent().filter(|is| *is).and_then(|_| detail.map(silent)));
    let head = head(name, detail);
    view! {
        {head}
        <Panel name="service" state=detail.state() retry=detail.retry() empty=empty>
            <div class="split">
                <div>
                    <lanes::Lanes detail=detail />
                    <operations::Operations detail=detail />
                </div>
                <aside class="rail" aria-label="Neighbours and versions">
                    <neighbours::Neighbours detail=detail />
                    <versions::Versions detail=detail />
                </aside>
            </div>
        </Panel>
        <saturation::SaturationPanel path=saturation />
    }
}

/// Name and sentence, then links that keep the range.
fn head(name: String, detail: Fetch<ServiceDetail>) -> AnyView {
    let mark = move || {
        let (class, symbol, word) = detail.map(|detail| verdict::health(&detail.red, None))?.mark();
        Some(view! { <span class=class>{labelled_icon(symbol, word)}</span> " " }.into_any())
    };
    let shown_name = components::name(&name);
    let sentence = move || detail.map(verdict::service);
    let facts = move || detail.map(facts);
    let query = format!("?service={}", encode(&name));
    let happened = report_links::what_happened(&name);
    let objective = format!("{}{query}", slo_form::NEW);
    let (traces, errors, logs) =
        (format!("/traces{query}"), format!("/traces{query}&status=error"), format!("/logs{query}"));
    view! {
        <header class="lead service-head">
            <h1 data-testid="service-sentence">{live(mark)} {shown_name} " " <span class="t2 regular">{live(sentence)}</span></h1>
            <div class="acts">
                <a class="btn" href=text(move || url_state::link(&happened)) data-testid="service-triage">"What happened here?"</a>
                <a class="btn" href=text(move || url_state::link(&traces)) data-testid="service-traces">"Traces"</a>
                <a class="btn" href=text(move || url_state::link(&errors))>"Failed traces"</a>
                <a class="btn" href=text(move || url_state::link(&logs)) data-testid="service-logs">"Logs"</a>
                <a class="btn" href=text(move || url_state::link(&objective)) data-testid="service-slo">"New SLO"</a>
            </div>
            <div class="f">{live(facts)}</div>
        </header>
    }
    .into_any()
}

fn facts(detail: &ServiceDetail) -> AnyView {
    let n = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let seen = detail.last_seen_at.map(|at| format!("last seen {}", format::ago(at, detail.to)));
    let told = [detail.languages.as_slice(), detail.environments.as_slice()].concat().join(", ");
    view! {
        <span>{format::counted(detail.red.n_requests, "request", "requests")}</span>
        <span>{format::counted(n(detail.operations.len()), "operation", "operations")}</span>
        <span>{format!("called by {}, calls {}", detail.callers.len(), detail.callees.len())}</span>
        <span>{format::counted(u64::from(detail.n_instances), "instance", "instances")}</span>
        {detail.ownership.as_ref().map(components::ownership)}
        <span class="t3">{seen}</span>
        <span class="t3" data-testid="service-runs">{told}</span>
        {detail.is_coarser.then(|| view! { <span class="t3" data-testid="service-coarser">{figures::COARSER}</span> })}
    }
    .into_any()
}

fn silent(detail: &ServiceDetail) -> Empty {
    let now = detail.to;
    let (text, is_suspicious) = match detail.last_seen_at {
        Some(at) => (
            format!(
                "It was last seen {} ({}). Choose a longer range to see what it did then.",
                format::ago(at, now),
                format::date_time(at, untrack(url_state::zone))
            ),
            true,
        ),
        None => (
            "Nothing of a service with this name is stored. Names are those of service.name.".to_owned(),
            false,
        ),
    };
    let title = format!("No requests of {} in this range.", name_text::inline(&detail.service));
    let link = untrack(|| url_state::link("/services"));
    Empty { title, text, is_suspicious, link: Some((link, "All services".to_owned())) }
}
