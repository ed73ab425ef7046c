//! The application: shell around the page that the address names.

use crate::components::panel::nothing;
use crate::components::shell::Shell;
use crate::components::{Empty, Panel};
use crate::erased::{live, memo};
use crate::pages::{
    alerts, incident, incidents, logs, metrics, send, service, services, slo, slo_form, slos, trace, traces,
    triage,
};
use crate::{api, url_state};
use leptos::prelude::*;

/// A page, by the first part of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    Home,
    Incidents,
    /// By its number as it was written.
    Incident(String),
    /// What happened in a range.
    Triage,
    Services,
    Service(String),
    Traces,
    Trace(String),
    Logs,
    Metrics,
    Slos,
    Slo(String),
    NewSlo,
    EditSlo(String),
    Alerts,
    Send,
    Unknown,
}

impl Route {
    pub fn of(segments: &[String]) -> Self {
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match parts.as_slice() {
            [] => Self::Home,
            ["incidents"] => Self::Incidents,
            ["incidents", number] => Self::Incident((*number).to_owned()),
            ["triage"] => Self::Triage,
            ["services"] => Self::Services,
            ["services", name] => Self::Service((*name).to_owned()),
            ["traces"] => Self::Traces,
            ["trace", id] => Self::Trace(id.to_ascii_lowercase()),
            ["logs"] => Self::Logs,
            ["metrics"] => Self::Metrics,
            ["slos"] => Self::Slos,
            ["slos", id] => Self::Slo((*id).to_owned()),
            // Not below /slos: every name there is an id.
            ["new-slo"] => Self::NewSlo,
            ["slos", id, "edit"] => Self::EditSlo((*id).to_owned()),
            ["alerts"] => Self::Alerts,
            ["send"] => Self::Send,
            _ => Self::Unknown,
        }
    }
}

#[component]
pub fn App() -> impl IntoView {
    let listeners = StoredValue::new_local(Some(url_state::listen()));
    on_cleanup(move || {
        listeners.update_value(|listeners| {
            if let Some(listeners) = listeners.take() {
                listeners.into_iter().for_each(leptos::leptos_dom::helpers::WindowListenerHandle::remove);
            }
        })
    });
    let route = memo(|| Route::of(&url_state::segments()));
    let status = api::watched::<wire::Status>(|| Some("/status".to_owned()));
    provide_context(status);
    let page = move || page(route.get());
    view! { <Shell route=route.into()>{live(page)}</Shell> }
}

fn page(route: Route) -> AnyView {
    match route {
        Route::Home => view! { <Home /> }.into_any(),
        Route::Incidents => view! { <incidents::IncidentsPage /> }.into_any(),
        Route::Incident(number) => view! { <incident::IncidentPage number=number /> }.into_any(),
        Route::Triage => view! { <triage::TriagePage /> }.into_any(),
        Route::Services => view! { <services::ServicesPage /> }.into_any(),
        Route::Service(name) => view! { <service::ServicePage name=name /> }.into_any(),
        Route::Traces => view! { <traces::TracesPage /> }.into_any(),
        Route::Trace(id) => view! { <trace::TracePage id=id /> }.into_any(),
        Route::Logs => view! { <logs::LogsPage /> }.into_any(),
        Route::Metrics => view! { <metrics::MetricsPage /> }.into_any(),
        Route::Slos => view! { <slos::SlosPage /> }.into_any(),
        Route::Slo(id) => view! { <slo::SloPage id=id /> }.into_any(),
        Route::NewSlo => view! { <slo_form::SloFormPage id=None /> }.into_any(),
        Route::EditSlo(id) => view! { <slo_form::SloFormPage id=Some(id) /> }.into_any(),
        Route::Alerts => view! { <alerts::AlertsPage /> }.into_any(),
        Route::Send => view! { <send::SendPage /> }.into_any(),
        Route::Unknown => view! { <Missing /> }.into_any(),
    }
}

/// `/` leads to what burns now, or to the instructions while nothing was ever received.
#[component]
fn Home() -> impl IntoView {
    let status = expect_context::<api::Fetch<wire::Status>>();
    Effect::new(move |_| {
        let target = match status.map(|status| status.has_data) {
            Some(true) => "/incidents",
            Some(false) => "/send",
            None => return,
        };
        url_state::redirect(&untrack(|| url_state::link(target)));
    });
    let state = status.state();
    view! { <Panel name="home" state=state retry=status.retry()>{live(|| ())}</Panel> }
}

#[component]
fn Missing() -> impl IntoView {
    let empty = Empty {
        title: "There is no page at this address.".to_owned(),
        text: "Links of older versions may lead here; the navigation lists what there is.".to_owned(),
        is_suspicious: false,
        link: Some(("/services".to_owned(), "Go to the services".to_owned())),
    };
    view! { <div class="pad">{nothing(&empty)}</div> }
}

#[cfg(test)]
mod tests {
    use super::Route;
    use crate::model::address::Address;

    /// Scenario: every kind of address is opened, some with escapes and capitals.
    /// Guarantees: each leads to its page with the decoded name; unknown ones say so.
    #[test]
    fn addresses_lead_to_pages() {
        let route = |href| Route::of(&Address::parse(href).segments());
        assert_eq!(route("/"), Route::Home);
        assert_eq!(route("/services/a%2Fb?from=now-1h"), Route::Service("a/b".to_owned()));
        assert_eq!(route("/services/~.."), Route::Service("..".to_owned()));
        assert_eq!(route("/trace/7C1F"), Route::Trace("7c1f".to_owned()));
        assert_eq!(route("/slos/checkout"), Route::Slo("checkout".to_owned()));
        assert_eq!(route("/incidents/INC-7"), Route::Incident("INC-7".to_owned()));
        assert_eq!([route("/incidents"), route("/triage?service=a")], [Route::Incidents, Route::Triage]);
        assert_eq!(route("/new-slo?service=a"), Route::NewSlo);
        assert_eq!(route("/slos/new-slo/edit"), Route::EditSlo("new-slo".to_owned()));
        assert_eq!(route("/nowhere"), Route::Unknown);
    }
}
