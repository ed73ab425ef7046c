//! Search words and service; both live in the address.

use crate::api::Fetch;
use crate::components::icon;
use crate::erased::{act, flag, live, memo, value};
use crate::model::{metric_catalogue, name_text};
use crate::url_state;
use leptos::prelude::*;
use wire::MetricList;

/// Parameter of the address that holds the search words.
pub const FIND: &str = "find";

#[component]
pub fn SearchBar(list: Fetch<MetricList>) -> impl IntoView {
    let services =
        memo(move || list.map(|list| metric_catalogue::services(&list.metrics)).unwrap_or_default());
    let options = move || {
        let chosen = url_state::param("service");
        let mut names = services.get();
        // A service that sent nothing in this range stays choosable while it is chosen.
        names.extend(chosen.clone().filter(|name| !names.contains(name)));
        names.into_iter().map(|name| option(name, chosen.as_deref())).collect_view()
    };
    let typed = move |event| {
        let text = event_target_value(&event);
        url_state::replace_params(&[(FIND, (!text.trim().is_empty()).then_some(text.as_str()))]);
    };
    let picked = move |event| {
        let name = event_target_value(&event);
        url_state::set_param("service", (!name.is_empty()).then_some(name.as_str()));
    };
    view! {
        <div class="metrics-search" role="search">
            <label class="field">
                {icon("find")}
                <span class="sr">"Search metrics"</span>
                <input
                    type="search"
                    placeholder="name, description, type, service"
                    data-testid="metrics-search"
                    data-query=""
                    prop:value=value(move || url_state::param(FIND).unwrap_or_default())
                    on:input=act(typed)
                />
            </label>
            <label>
                <span class="sr">"Service"</span>
                <select class="field" data-testid="metrics-service" on:change=act(picked)>
                    <option value="" selected=flag(move || url_state::param("service").is_none())>"every service"</option>
                    {live(options)}
                </select>
            </label>
        </div>
    }
}

fn option(name: String, chosen: Option<&str>) -> AnyView {
    let is_chosen = chosen == Some(name.as_str());
    view! { <option value=name.clone() selected=is_chosen>{name_text::inline(&name)}</option> }.into_any()
}
