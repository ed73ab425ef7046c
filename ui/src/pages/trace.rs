//! `/trace/{id}`: one trace as a waterfall, with a drawer for the selected span.

pub mod attribute_list;
pub mod drawer;
pub mod head;
pub mod keys;
pub mod log_lines;
pub mod minimap;
pub mod row;
pub mod state;
pub mod tool_bar;
pub mod trace_logs;
pub mod waterfall;

use crate::api::{self, ApiFailure, Fetch};
use crate::components::panel::nothing;
use crate::components::{Empty, Panel};
use crate::erased::{act, flag, live, memo};
use crate::url_state;
use leptos::prelude::*;
use state::TraceState;
use wire::Trace;

#[component]
pub fn TracePage(id: String) -> impl IntoView {
    let path = format!("/traces/{id}");
    let trace = api::fetched::<Trace>(move || Some(path.clone()));
    let state = TraceState::new(trace);
    keys::listen(state);
    let state_of = trace.state();
    let is_missing =
        memo(move || state_of.with(|state| state.failure.as_ref().is_some_and(ApiFailure::is_not_found)));
    let missing = move || view! { <div class="pad">{nothing(&missing(&id))} {again(trace)}</div> }.into_any();
    let page = move || {
        view! {
            <Panel name="trace" state=trace.state() retry=trace.retry()>
                {live(move || state.model.get().map(|model| head::head(&model)))}
                <tool_bar::ToolBar state=state />
                {live(move || body(state))}
            </Panel>
        }
    };
    view! { {live(move || if is_missing.get() { missing() } else { page().into_any() })} }
}

fn body(state: TraceState) -> AnyView {
    if url_state::param("view").as_deref() == Some("logs") {
        return view! { <trace_logs::TraceLogs state=state /> }.into_any();
    }
    let has_selection = memo(move || state.selected.get().is_some());
    let drawer = move || has_selection.get().then(|| view! { <drawer::Drawer state=state /> });
    view! {
        <div class="body" class:with-drawer=flag(move || has_selection.get())>
            <div class="left">
                <minimap::Minimap state=state />
                <waterfall::Waterfall state=state />
            </div>
            {live(drawer)}
        </div>
    }
    .into_any()
}

fn missing(id: &str) -> Empty {
    Empty {
        title: format!("No span of trace {} is stored.", crate::format::short_id(id)),
        text:
            "It may still be on its way, it may be older than the retention, or the id is of another system."
                .to_owned(),
        is_suspicious: true,
        link: Some((untrack(|| url_state::link("/traces")), "Search traces".to_owned())),
    }
}

fn again(trace: Fetch<Trace>) -> AnyView {
    let press = move |_| trace.reload();
    view! { <div class="msg"><button class="btn" type="button" on:click=act(press)>"Look again"</button></div> }
        .into_any()
}
