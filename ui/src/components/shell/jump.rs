//! The jump field: a trace id or the name of a service opens its page.

use crate::browser::lower;
use crate::components::icon;
use crate::erased::{act, live, memo, text};
use crate::model::{address::segment, name_text};
use crate::{api, url_state};
use leptos::ev::SubmitEvent;
use leptos::html::Input;
use leptos::prelude::*;
use wire::ServiceList;

#[component]
pub(super) fn Jump(node: NodeRef<Input>) -> impl IntoView {
    // Names are asked for when the field is first used, not on every page.
    let is_used = RwSignal::new(false);
    let services =
        api::fetched::<ServiceList>(move || is_used.get().then(|| url_state::api_path("/services")));
    let names = memo(move || services.map(names_of).unwrap_or_default());
    let problem = RwSignal::new(None::<String>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = node.get_untracked() else { return };
        match target(&input.value(), &names.get_untracked()) {
            Ok(path) => {
                problem.set(None);
                input.set_value("");
                // Leaving the field returns the single keys to the page; it cannot fail usefully.
                let _ = input.blur();
                url_state::navigate(&untrack(|| url_state::link(&path)));
            }
            Err(message) => problem.set(Some(message)),
        }
    };
    let option = |name: String| view! { <option value=name /> };
    view! {
        <form class="jump" role="search" on:submit=act(submit)>
            {icon("find")}
            <input node_ref=node list="jump-names" placeholder="Jump to service, trace id" autocomplete="off"
                spellcheck="false" aria-label="Jump to a service or a trace id" data-testid="jump"
                aria-invalid=text(move || problem.get().is_some().then_some("true"))
                on:focus=act(move |_| is_used.set(true)) on:input=act(move |_| problem.set(None)) />
            <datalist id="jump-names">{live(move || names.get().into_iter().map(option).collect_view())}</datalist>
            <kbd aria-hidden="true">"ctrl K"</kbd>
            <span class="jump-problem" role="alert">{live(move || problem.get())}</span>
        </form>
    }
}

fn names_of(list: &ServiceList) -> Vec<String> {
    list.services.iter().map(|row| row.service.clone()).collect()
}

/// Where the text leads. A name that is unknown in this range opens its page, which says so, unless it
/// is a part of exactly one known name.
fn target(text: &str, names: &[String]) -> Result<String, String> {
    let text = text.trim();
    if let Some(id) = trace_id(text) {
        return Ok(format!("/trace/{id}"));
    }
    if text.is_empty() {
        return Err("Type a service name or paste a trace id.".to_owned());
    }
    let part = lower(text);
    let exact = names.iter().find(|name| lower(name) == part);
    let mut parts = names.iter().filter(|name| lower(name).contains(&part));
    let found = match (exact, parts.next(), parts.next()) {
        (Some(name), _, _) | (None, Some(name), None) => name,
        (None, Some(one), Some(two)) => {
            let [text, one, two] = [text, one, two].map(name_text::inline);
            return Err(format!("{text} could be {one} or {two}."));
        }
        (None, None, _) => return Ok(format!("/services/{}", segment(text))),
    };
    Ok(format!("/services/{}", segment(found)))
}

/// 32 hex digits in any case, also with dashes as in a UUID.
pub fn trace_id(text: &str) -> Option<String> {
    let id = text.trim().replace('-', "").to_ascii_lowercase();
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::target;

    /// Scenario: an id, a name, a part of a name, a part of two names and an unknown name are typed.
    /// Guarantees: each leads where it should; ambiguity is answered with the candidates.
    #[test]
    fn leads_to_pages() {
        let names = ["order-service".to_owned(), "orders-db".to_owned(), "a/b".to_owned()];
        let target = |text| target(text, &names);
        assert_eq!(
            target(" 7C1F40B2D96E8A35AABBCCDDEEFFE90A ").as_deref(),
            Ok("/trace/7c1f40b2d96e8a35aabbccddeeffe90a")
        );
        assert_eq!(target("Orders-DB").as_deref(), Ok("/services/orders-db"));
        assert_eq!(target("service").as_deref(), Ok("/services/order-service"));
        assert_eq!(target("a/b").as_deref(), Ok("/services/a%2Fb"));
        assert_eq!(target("unknown").as_deref(), Ok("/services/unknown"));
        assert_eq!(target("order"), Err("order could be order-service or orders-db.".to_owned()));
    }
}
