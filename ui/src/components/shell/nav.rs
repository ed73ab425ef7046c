//! The navigation at the left; every link keeps the range.

use super::{crumb, status_footer::StatusFooter};
use crate::app::Route;
use crate::erased::{memo, text};
use crate::url_state;
use leptos::prelude::*;

/// Words, address and the letter after `g`; an empty line parts the groups.
pub(super) const GROUPS: [&[(&str, &str, &str)]; 4] = [
    &[("Incidents", "/incidents", "i"), ("Services", "/services", "s")],
    &[("Traces", "/traces", "t"), ("Logs", "/logs", "l"), ("Metrics", "/metrics", "x")],
    &[("SLOs", "/slos", "o"), ("Alerts", "/alerts", "a")],
    &[("Send data", "/send", "d")],
];

#[component]
pub(super) fn Nav(route: Signal<Route>) -> impl IntoView {
    let section = memo(move || crumb(&route.get()).0.1);
    let link = move |(words, path, key): (&'static str, &'static str, &'static str)| {
        let current = move || (section.get() == path).then_some("page");
        view! {
            <a href=text(move || url_state::link(path)) aria-current=text(current)>
                {words} <kbd aria-hidden="true">{format!("g {key}")}</kbd>
            </a>
        }
    };
    let group = move |group: &&'static [(&'static str, &'static str, &'static str)]| {
        view! { <div class="nav-group">{group.iter().map(|item| link(*item)).collect_view()}</div> }
    };
    view! {
        <nav class="nav" aria-label="Main">
            <div>
                {GROUPS.iter().map(group).collect_view()}
                <span class="fill" />
                <StatusFooter />
            </div>
        </nav>
    }
}
