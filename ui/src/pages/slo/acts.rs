//! What can be done with an objective: change it, delete it, take it elsewhere.

use crate::api::{self, Change};
use crate::erased::{act, live, text};
use crate::model::address::{encode, segment};
use crate::url_state;
use leptos::html::Dialog;
use leptos::prelude::*;
use wire::SloRow;

/// Of an objective only what does not change while it is looked at: an open dialog must not be drawn anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    id: String,
    sentence: String,
    is_configured: bool,
}

impl Known {
    pub fn of(slo: &SloRow) -> Self {
        let SloRow { id, sentence, is_configured, .. } = slo;
        Self { id: id.clone(), sentence: sentence.clone(), is_configured: *is_configured }
    }
}

pub fn acts(slo: &Known) -> AnyView {
    let path = format!("/api/v1/slos/{}/export", segment(&slo.id));
    let rules = format!("{path}?format=prometheus");
    let (yaml, rules_yaml) = (format!("{}.yaml", slo.id), format!("{}-rules.yaml", slo.id));
    let own = match slo.is_configured {
        true => {
            view! { <span class="dense t2" data-testid="slo-is-configured">"of the configuration"</span> }
                .into_any()
        }
        false => own_acts(slo),
    };
    view! {
        <div class="form-acts">
            {own}
            <a class="btn" href=path download=yaml>"OpenSLO"</a>
            <a class="btn" href=rules download=rules_yaml>"Prometheus rules"</a>
        </div>
    }
    .into_any()
}

fn own_acts(slo: &Known) -> AnyView {
    let dialog = NodeRef::<Dialog>::new();
    let open = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            // Fails only for a dialog that is open already.
            let _ = dialog.show_modal();
        }
    };
    let edit = format!("/slos/{}/edit", encode(&slo.id));
    view! {
        <a class="btn" href=text(move || url_state::link(&edit)) data-testid="slo-edit">"Edit"</a>
        <button class="btn" type="button" data-testid="slo-delete" on:click=act(open)>"Delete"</button>
        {confirmation(slo, dialog)}
    }
    .into_any()
}

fn confirmation(slo: &Known, dialog: NodeRef<Dialog>) -> AnyView {
    let said = RwSignal::new(None::<String>);
    let path = format!("/slos/{}", segment(&slo.id));
    let delete = move |_| {
        let path = path.clone();
        leptos::task::spawn_local(async move {
            match api::change(Change::Delete, &path, "").await {
                Ok(_) => url_state::navigate(&untrack(|| url_state::link("/slos"))),
                // The page may be gone by now.
                Err(failure) => drop(said.try_set(Some(failure.message))),
            }
        });
    };
    let close = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    view! {
        <dialog class="sheet" node_ref=dialog aria-label="Delete this objective" data-testid="slo-delete-dialog">
            <div class="pad">
                <h2>"Delete " {slo.id.clone()} "?"</h2>
                <p class="t2">{slo.sentence.clone()}</p>
                <p class="t2">"An alert that fires ends, and who was told is told that. Its past alerts stay listed."</p>
                <p class="bad dense" role="alert">{live(move || said.get())}</p>
                <p class="form-acts">
                    <button class="btn main" type="button" data-testid="slo-delete-confirm" on:click=act(delete)>"Delete"</button>
                    <button class="btn" type="button" on:click=act(close)>"Keep it " <kbd>"esc"</kbd></button>
                </p>
            </div>
        </dialog>
    }
    .into_any()
}
