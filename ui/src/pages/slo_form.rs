//! `/new-slo` and `/slos/:id/edit`: an objective, and what its alerts would have done, before it is kept.
//!
//! Each change of a field is tried at once on the past 14 days; what is wrong stands beside its field. What is kept is
//! what was tried.

pub mod episodes;
pub mod fields;
pub mod preview;

use crate::api::{self, ApiFailure, Change, Fetch, LoadState};
use crate::components::Panel;
use crate::components::tabs::{self, Tab, Tabs};
use crate::erased::{act, derived, flag, live, memo, value};
use crate::model::address::{encode, segment};
use crate::model::slo_form::{self, Definition, Form};
use crate::{json, url_state};
use fields::Fields;
use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::prelude::*;
use preview::Preview;
use std::sync::Arc;
use wasm_bindgen::JsCast;
use wire::{AlertList, BacktestList, FieldProblem, SavedSlo, ServiceList};

/// Parameter of the address: how the objective is written.
const AS: &str = "as";

#[component]
pub fn SloFormPage(
    /// Of the objective that is changed; none for a new one.
    id: Option<String>,
) -> impl IntoView {
    let Some(id) = id else {
        return view! {
            <header class="lead"><h1>"New objective"</h1><p>{LEAD}</p></header>
            <Tabs param=AS tabs=choices() label="How it is written" />
            {editor(None, Arc::default())}
        }
        .into_any();
    };
    let path = format!("/slos/{}/definition", segment(&id));
    let kept = api::fetched::<Definition>(move || Some(path.clone()));
    let title = format!("Change {id}");
    let body = move || kept.get().map(|kept| editor(Some(id.clone()), kept));
    view! {
        <header class="lead"><h1>{title}</h1><p>{LEAD}</p></header>
        <Panel name="slo-definition" state=kept.state() retry=kept.retry()>{live(body.clone())}</Panel>
    }
    .into_any()
}

const LEAD: &str =
    "Each change is tried on what is stored: what its alerts would have done, before anybody is woken.";

fn choices() -> Vec<Tab> {
    let tab = |value, label| Tab { value, label, n: None };
    vec![tab("form", "Form"), tab("openslo", "OpenSLO")]
}

/// Everything that the parts of the form share.
#[derive(Clone, Copy)]
struct Editor {
    id: StoredValue<Option<String>>,
    /// What is tried and kept; none while there is too little of it.
    body: Memo<Option<String>>,
    /// What was refused, and why.
    refused: RwSignal<Option<(String, ApiFailure)>>,
    is_saving: RwSignal<bool>,
}

fn editor(id: Option<String>, kept: Arc<Definition>) -> AnyView {
    if kept.is_configured {
        return configured();
    }
    let is_new = id.is_none();
    let is_written = kept.openslo.is_some();
    let is_openslo = memo(move || match is_new {
        true => tabs::chosen(AS, &choices()) == "openslo",
        false => is_written,
    });
    let text = RwSignal::new(kept.openslo.clone().unwrap_or_else(|| slo_form::OPENSLO_EXAMPLE.to_owned()));
    let form = memo(move || {
        url_state::with_address(|address| Form::of(address, kept.objective.as_ref().filter(|_| !is_new)))
    });
    let body = memo(move || match is_openslo.get() {
        true => text.with(|text| slo_form::openslo_body(text)),
        false => form.with(Form::body),
    });
    let tried = api::tried::<BacktestList>("/slos/backtest", move || body.get());
    let editor = Editor {
        id: StoredValue::new(id),
        body,
        refused: RwSignal::new(None),
        is_saving: RwSignal::new(false),
    };
    let state = tried.state();
    let problems = memo(move || editor.problems(state));
    let receivers = api::fetched::<AlertList>(|| Some("/alerts".to_owned()));
    let services = api::fetched::<ServiceList>(|| Some("/services?from=now-7d&to=now".to_owned()));
    let fields = Fields { form, problems, is_new };
    let written = move || match is_openslo.get() {
        true => openslo(text),
        false => fields.all(receivers, services),
    };
    view! {
        <div class="slo-form">
            <form data-testid="slo-form"
                on:submit=act(move |event: SubmitEvent| { event.prevent_default(); editor.save(); })
                on:keydown=act(move |event| editor.key(&event))>
                {live(written)}
                {live(move || problems.with(|problems| others(problems)))}
                {live(move || editor.refusal().and_then(|failure| refusal(&failure)))}
                <p class="form-acts">
                    <button class="btn main" type="submit" data-testid="slo-save" prop:disabled=flag(move || editor.is_saving.get() || body.with(Option::is_none))>
                        "Save objective" <kbd aria-hidden="true">"ctrl \u{21b5}"</kbd>
                    </button>
                    <a class="btn" href=editor.way_back()>"Cancel"</a>
                </p>
            </form>
            {tried_part(tried, state, body)}
        </div>
    }
    .into_any()
}

impl Editor {
    /// Both the try and the save tell what is wrong; once is enough.
    fn problems(self, tried: Signal<LoadState>) -> Vec<FieldProblem> {
        let of_try = tried.with(|state| state.failure.as_ref().map(|failure| failure.problems.clone()));
        let of_try = of_try.unwrap_or_default();
        if of_try.is_empty() {
            self.refusal().map(|failure| failure.problems).unwrap_or_default()
        } else {
            of_try
        }
    }

    /// Why what the form holds now was refused. Tracks.
    fn refusal(self) -> Option<ApiFailure> {
        let is_same = |body: &String| self.body.with(|now| now.as_ref() == Some(body));
        self.refused.get().filter(|(body, _)| is_same(body)).map(|(_, failure)| failure)
    }

    fn key(self, event: &KeyboardEvent) {
        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
            event.prevent_default();
            // A field says what it holds when it is left, which it is not yet.
            if let Some(field) = document().active_element().and_then(html) {
                let _ = field.blur();
            }
            self.save();
        }
    }

    fn save(self) {
        let Some(body) = self.body.get_untracked() else { return };
        if self.is_saving.get_untracked() {
            return;
        }
        self.is_saving.set(true);
        let (how, path) = self.id.with_value(|id| match id {
            Some(id) => (Change::Put, format!("/slos/{}", segment(id))),
            None => (Change::Post, "/slos".to_owned()),
        });
        leptos::task::spawn_local(async move {
            let answer = api::change(how, &path, &body).await;
            let saved =
                answer.and_then(|answer| json::read::<SavedSlo>(&answer).map_err(ApiFailure::unreadable));
            // The page may be gone by now.
            self.is_saving.try_set(false);
            match saved {
                Ok(saved) => {
                    url_state::navigate(&untrack(|| {
                        url_state::link(&format!("/slos/{}", encode(&saved.id)))
                    }));
                }
                Err(failure) => {
                    self.refused.try_set(Some((body, failure)));
                }
            }
        });
    }

    fn way_back(self) -> String {
        let path = self.id.with_value(|id| id.as_ref().map(|id| format!("/slos/{}", encode(id))));
        untrack(|| url_state::link(path.as_deref().unwrap_or("/slos")))
    }
}

fn html(element: web_sys::Element) -> Option<web_sys::HtmlElement> {
    element.dyn_into().ok()
}

fn tried_part(tried: Fetch<BacktestList>, state: Signal<LoadState>, body: Memo<Option<String>>) -> AnyView {
    let state = told_by_fields(state);
    let has_body = memo(move || body.with(Option::is_some));
    let part = move || match has_body.get() {
        true => view! { <Preview tried=tried state=state /> }.into_any(),
        false => nothing_tried(),
    };
    view! { <div>{live(part)}</div> }.into_any()
}

fn nothing_tried() -> AnyView {
    let text = "Name a service: its requests of the past 14 days are judged by what the form holds.";
    view! {
        <div class="msg" data-testid="slo-preview-none"><b>"Nothing to try yet."</b> <span>{text}</span></div>
    }
    .into_any()
}

/// What is wrong and belongs to no field.
fn others(problems: &[FieldProblem]) -> AnyView {
    let line = |text: String| view! { <li>{text}</li> }.into_any();
    let lines: Vec<AnyView> = slo_form::other_problems(problems).into_iter().map(line).collect();
    (!lines.is_empty())
        .then(|| view! { <ul class="bad dense" role="alert" data-testid="slo-problems">{lines}</ul> })
        .into_any()
}

/// What is wrong and has no place: the server is gone, somebody may not, there are too many.
fn refusal(failure: &ApiFailure) -> Option<AnyView> {
    failure.problems.is_empty().then(|| {
        let (message, hint) = (failure.message.clone(), failure.hint.clone());
        view! { <p class="bad dense" role="alert" data-testid="slo-refused">{message} " " {hint}</p> }
            .into_any()
    })
}

fn openslo(text: RwSignal<String>) -> AnyView {
    let typed = move |event| text.set(event_target_value(&event));
    view! {
        <div class="form-row">
            <label for="slo-openslo">"OpenSLO v1"</label>
            <textarea class="field area mono" id="slo-openslo" rows="24" spellcheck="false" data-testid="slo-openslo"
                prop:value=value(move || text.get()) on:change=act(typed)></textarea>
            <p class="dense t2">"One SLO, with the SLI, AlertPolicy and AlertCondition documents that it names."</p>
        </div>
    }
    .into_any()
}

fn configured() -> AnyView {
    let list = untrack(|| url_state::link("/slos"));
    view! {
        <div class="msg" data-testid="slo-configured">
            <b>"The configuration has this objective."</b>
            <span>"Change its [[slos]] table, or its file in slo_files, and start the server again."</span>
            <span><a class="link" href=list>"All objectives"</a></span>
        </div>
    }
    .into_any()
}

/// A failure of the preview in words that fit beside the form: its fields tell the rest.
fn told_by_fields(state: Signal<LoadState>) -> Signal<LoadState> {
    derived(move || {
        let mut state = state.get();
        if let Some(failure) = state.failure.as_mut().filter(|failure| !failure.problems.is_empty()) {
            failure.message = "It is tried as soon as what is marked is right.".to_owned();
            failure.hint = None;
        }
        state
    })
}
