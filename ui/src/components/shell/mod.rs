//! The shell around every page: top bar, navigation, status of the server, keyboard.

mod cheat_sheet;
mod jump;
mod keys;
mod nav;
mod status_footer;
mod time_picker;
mod top_bar;

pub use jump::trace_id;
pub use keys::is_writing;

use crate::app::Route;
use crate::model::{incident_view, name_text};
use leptos::html::{Dialog, Input};
use leptos::prelude::*;

/// Elements that keys of the shell reach.
#[derive(Clone, Copy)]
struct Handles {
    jump: NodeRef<Input>,
    sheet: NodeRef<Dialog>,
}

#[component]
pub fn Shell(route: Signal<Route>, children: ChildrenFn) -> impl IntoView {
    let handles = Handles { jump: NodeRef::new(), sheet: NodeRef::new() };
    keys::listen(handles);
    Effect::new(move |_| document().set_title(&title(&route.get())));
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <top_bar::TopBar route=route handles=handles />
        <nav::Nav route=route />
        <main id="main" tabindex="-1">{children()}</main>
        <cheat_sheet::CheatSheet node=handles.sheet />
    }
}

fn title(route: &Route) -> String {
    let (section, detail) = crumb(route);
    match detail {
        Some(detail) => format!("{detail} \u{b7} {} \u{b7} Firstfault", section.0),
        None => format!("{} \u{b7} Firstfault", section.0),
    }
}

/// Section with its address, and what of it is open.
fn crumb(route: &Route) -> ((&'static str, &'static str), Option<String>) {
    match route {
        Route::Home | Route::Incidents => (("Incidents", "/incidents"), None),
        Route::Incident(number) => (("Incidents", "/incidents"), Some(incident_name(number))),
        Route::Triage => (("Incidents", "/incidents"), Some("what happened".to_owned())),
        Route::Services => (("Services", "/services"), None),
        Route::Service(name) => (("Services", "/services"), Some(name_text::inline(name))),
        Route::Traces => (("Traces", "/traces"), None),
        Route::Trace(id) => (("Traces", "/traces"), Some(crate::format::short_id(id))),
        Route::Logs => (("Logs", "/logs"), None),
        Route::Metrics => (("Metrics", "/metrics"), None),
        Route::Slos => (("SLOs", "/slos"), None),
        Route::Slo(id) | Route::EditSlo(id) => (("SLOs", "/slos"), Some(id.clone())),
        Route::NewSlo => (("SLOs", "/slos"), Some("new".to_owned())),
        Route::Alerts => (("Alerts", "/alerts"), None),
        Route::Send => (("Send data", "/send"), None),
        Route::Unknown => (("Services", "/services"), Some("not found".to_owned())),
    }
}

fn incident_name(number: &str) -> String {
    incident_view::number(number).map_or_else(|| name_text::inline(number), incident_view::name)
}
