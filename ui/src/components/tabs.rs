//! Tabs whose choice is a parameter of the address.

use crate::erased::live;
use crate::url_state;
use leptos::prelude::*;

/// One tab: value of the parameter, words, and how many things are behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tab {
    pub value: &'static str,
    pub label: &'static str,
    pub n: Option<u64>,
}

/// The chosen tab of `param`; the first one when the address names none. Tracks.
pub fn chosen(param: &str, tabs: &[Tab]) -> &'static str {
    let wanted = url_state::param(param);
    let found = tabs.iter().find(|tab| wanted.as_deref() == Some(tab.value));
    found.or(tabs.first()).map_or("", |tab| tab.value)
}

/// A row of links; the address changes, the page follows.
#[component]
pub fn Tabs(
    param: &'static str,
    #[prop(into)] tabs: Signal<Vec<Tab>>,
    #[prop(into)] label: String,
) -> impl IntoView {
    let link = move |tab: Tab, current: &str| {
        let is_current = tab.value == current;
        let href = url_state::link_here(&[(param, Some(tab.value))]);
        view! {
            <a href=href aria-current=is_current.then_some("true") data-testid=format!("tab-{}", tab.value)>
                {tab.label}
                {tab.n.map(|n| view! { <span class="n">{crate::format::count(n)}</span> })}
            </a>
        }
    };
    let links = move || {
        let tabs = tabs.get();
        let current = chosen(param, &tabs);
        tabs.into_iter().map(|tab| link(tab, current)).collect_view()
    };
    view! { <nav class="tabs" aria-label=label>{live(links)}</nav> }
}
