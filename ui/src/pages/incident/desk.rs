//! What somebody does with an incident: acknowledge, assign, note, resolve, with buttons and keys.

use super::{keep_name, name_kept};
use crate::api::{self, Fetch};
use crate::components::shell::is_writing;
use crate::erased::{act, live, memo};
use crate::model::incident_view::Deed;
use crate::pages::alerts::by_hand::{Said, said_line};
use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::html::Input;
use leptos::prelude::*;
use wire::{IncidentDetail, IncidentStatus};

/// The fields and what becomes of them. `Copy`, like a signal.
#[derive(Clone, Copy)]
pub struct Desk {
    /// Of the incident, below `/api/v1`.
    path: StoredValue<String>,
    who: NodeRef<Input>,
    note: NodeRef<Input>,
    said: Said,
    detail: Fetch<IncidentDetail>,
}

impl Desk {
    /// Also listens to the keys of the page.
    pub fn new(path: String, detail: Fetch<IncidentDetail>) -> Self {
        let path = StoredValue::new(path);
        let desk = Self { path, who: NodeRef::new(), note: NodeRef::new(), said: Said::new(None), detail };
        let listener = window_event_listener(leptos::ev::keydown, move |event| {
            if is_plain(&event) && desk.key(&event.key()) {
                event.prevent_default();
            }
        });
        on_cleanup(move || listener.remove());
        desk
    }

    fn key(self, key: &str) -> bool {
        match key {
            "a" | "e" if self.status() == Some(IncidentStatus::Open) => self.send(Deed::Acknowledge),
            "n" => {
                if let Some(field) = self.note.get_untracked() {
                    // A field that cannot take the focus leaves it where it is.
                    let _ = field.focus();
                }
            }
            _ => return false,
        }
        true
    }

    fn status(self) -> Option<IncidentStatus> {
        untrack(|| self.detail.map(|detail| detail.incident.status))
    }

    fn send(self, deed: Deed) {
        let (Some(who), Some(note)) = (self.who.get_untracked(), self.note.get_untracked()) else { return };
        let (verb, body) = match deed.request(&who.value(), &note.value()) {
            Ok(request) => request,
            Err(missing) => return self.said.set(Some(missing.to_owned())),
        };
        keep_name(who.value().trim());
        let path = format!("{}/{verb}", self.path.get_value());
        self.said.set(Some("Asking the server.".to_owned()));
        leptos::task::spawn_local(async move {
            let outcome = api::post(&path, &body).await;
            if outcome.is_ok() && deed != Deed::Assign {
                note.set_value("");
            }
            let words = outcome.map_or_else(|failure| failure.message, |_| deed.done().to_owned());
            // The page may be gone by now.
            self.said.try_set(Some(words));
            self.detail.reload();
        });
    }
}

fn is_plain(event: &KeyboardEvent) -> bool {
    let has_modifier = event.ctrl_key() || event.meta_key() || event.alt_key();
    !has_modifier && !event.default_prevented() && !is_writing(event)
}

#[component]
pub fn DeskForm(desk: Desk) -> impl IntoView {
    let status = memo(move || desk.detail.map(|detail| detail.incident.status));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        desk.send(Deed::Note);
    };
    let buttons = move || {
        let status = status.get();
        let acknowledge = (status == Some(IncidentStatus::Open))
            .then(|| button(desk, "Acknowledge", "btn main", Deed::Acknowledge));
        let resolve =
            (status != Some(IncidentStatus::Resolved)).then(|| button(desk, "Resolve", "btn", Deed::Resolve));
        view! { {acknowledge} {resolve} }.into_any()
    };
    view! {
        <section data-testid="desk">
            <div class="ack">{live(buttons)}</div>
            <form class="desk" on:submit=act(submit)>
                <input node_ref=desk.who class="field" aria-label="Who you are, or who is assigned" placeholder="name"
                    autocomplete="name" data-testid="desk-who" prop:value=name_kept() />
                {button(desk, "Assign", "btn", Deed::Assign)}
                <input node_ref=desk.note class="field" aria-label="Note" placeholder="note (n)" autocomplete="off"
                    data-testid="desk-note" />
                <button class="btn" type="submit" data-testid="desk-Note">"Note"</button>
            </form>
            {said_line(desk.said)}
        </section>
    }
}

fn button(desk: Desk, words: &'static str, class: &'static str, deed: Deed) -> AnyView {
    let key = (deed == Deed::Acknowledge).then(|| view! { <kbd aria-hidden="true">"a"</kbd> }.into_any());
    view! {
        <button class=class type="button" data-testid=format!("desk-{words}") on:click=act(move |_| desk.send(deed))>{words} {key}</button>
    }
    .into_any()
}
