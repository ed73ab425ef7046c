//! The fields of the form: label, control, what is wrong with it, and a line on what to write.

use crate::api::Fetch;
use crate::erased::{act, flag, live, memo, text, value};
use crate::model::slo_form::{self, Form};
use crate::url_state;
use leptos::prelude::*;
use wire::{AlertList, FieldProblem, ServiceList};

/// What all fields need.
#[derive(Clone, Copy)]
pub(super) struct Fields {
    pub(super) form: Memo<Form>,
    pub(super) problems: Memo<Vec<FieldProblem>>,
    /// Only a new objective has an id to choose.
    pub(super) is_new: bool,
}

/// A field of one line.
struct Line {
    name: &'static str,
    label: &'static str,
    note: &'static str,
    placeholder: &'static str,
    /// Id of its suggestions; empty where there are none.
    list: &'static str,
}

const PERIODS: [&str; 4] = ["7d", "28d", "30d", "90d"];

impl Fields {
    pub(super) fn all(self, receivers: Fetch<AlertList>, services: Fetch<ServiceList>) -> AnyView {
        let is_latency = memo(move || self.form.with(Form::is_latency));
        let threshold = move || is_latency.get().then(|| self.line(&THRESHOLD));
        let id = self.is_new.then(|| self.id());
        let names = memo(move || services.map(names_of).unwrap_or_default());
        view! {
            <datalist id="slo-services">{live(move || options(&names.get()))}</datalist>
            <datalist id="slo-periods">{options(&PERIODS.map(str::to_owned))}</datalist>
            {self.line(&SERVICE)}
            {self.indicator()}
            {live(threshold)}
            {self.line(&TARGET)}
            {self.line(&PERIOD)}
            {self.receivers(receivers)}
            {self.line(&OPERATION)}
            {self.filter()}
            {self.line(&NAME)}
            {id}
        }
        .into_any()
    }

    fn line(self, line: &Line) -> AnyView {
        let Line { name, label, note, placeholder, list } = *line;
        let input = view! {
            <input class="field" id=field_id(name) placeholder=placeholder list=list autocomplete="off" spellcheck="false"
                aria-describedby=note_id(name) aria-invalid=text(self.is_wrong(name)) data-testid=field_id(name)
                prop:value=value(self.shown(name)) on:change=act(move |event| commit(name, &event_target_value(&event))) />
        };
        self.row(name, label, note, input.into_any())
    }

    fn indicator(self) -> AnyView {
        const NAME: &str = "indicator";
        let option = move |(value, words): (&'static str, &'static str)| {
            let is_chosen = move || self.form.with(|form| form.get(NAME) == value);
            view! { <option value=value selected=flag(is_chosen)>{words}</option> }.into_any()
        };
        // Its other keys go through the form as they are.
        let is_ratio = self.form.with_untracked(|form| form.get(NAME) == "ratio");
        let known = [("availability", "did not fail"), ("latency", "were quick enough")];
        let options: Vec<AnyView> = known
            .into_iter()
            .chain(is_ratio.then_some(("ratio", "were counted as good")))
            .map(option)
            .collect();
        let select = view! {
            <select class="field" id=field_id(NAME) aria-describedby=note_id(NAME) aria-invalid=text(self.is_wrong(NAME))
                data-testid=field_id(NAME) prop:value=value(self.shown(NAME))
                on:change=act(move |event| commit(NAME, &event_target_value(&event)))>{options}</select>
        };
        self.row(NAME, "Requests are good that", "", select.into_any())
    }

    fn filter(self) -> AnyView {
        const NAME: &str = "filter";
        let area = view! {
            <textarea class="field area mono" id=field_id(NAME) rows="2" spellcheck="false" placeholder="http.route=/pay"
                aria-describedby=note_id(NAME) aria-invalid=text(self.is_wrong(NAME)) data-testid=field_id(NAME)
                prop:value=value(self.shown(NAME)) on:change=act(move |event| commit(NAME, &event_target_value(&event)))></textarea>
        };
        let note = "Only requests with these attributes, key=value, one a line. The period must lie within retention.traces.";
        self.row(NAME, "Filter", note, area.into_any())
    }

    fn id(self) -> AnyView {
        const NAME: &str = "id";
        let suggested = move || self.form.with(Form::suggested_id);
        let input = view! {
            <input class="field mono" id=field_id(NAME) placeholder=text(suggested) autocomplete="off" spellcheck="false"
                aria-describedby=note_id(NAME) aria-invalid=text(self.is_wrong(NAME)) data-testid=field_id(NAME)
                prop:value=value(self.shown(NAME)) on:change=act(move |event| commit(NAME, &event_target_value(&event))) />
        };
        self.row(NAME, "Id", "Lower-case letters, digits and dashes. It stays as it is.", input.into_any())
    }

    fn receivers(self, list: Fetch<AlertList>) -> AnyView {
        let chosen = move || self.form.with(|form| form.lines(RECEIVERS));
        let known = move || {
            let known = list.map(|list| list.receivers.iter().map(|one| one.name.clone()).collect());
            let mut names: Vec<String> = known.unwrap_or_default();
            // Those that are gone can still be taken away.
            names.extend(chosen().into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
            names
        };
        let known = memo(known);
        let boxes = move || match known.get() {
            names if names.is_empty() => none(),
            names => names.into_iter().map(|name| self.receiver(name)).collect_view().into_any(),
        };
        let problem = move || self.problem(RECEIVERS);
        view! {
            <fieldset class="form-row">
                <legend>"Who is told"</legend>
                <div class="form-boxes">{live(boxes)}</div>
                <p class="dense t2">
                    <span class="bad" role="alert" data-testid="slo-receivers-problem">{live(problem)}</span>
                    " Nobody: routes decide, or the service's own receiver."
                </p>
            </fieldset>
        }
        .into_any()
    }

    fn receiver(self, name: String) -> AnyView {
        let (shown, own) = (name.clone(), name.clone());
        let is_chosen = move || self.form.with(|form| form.lines(RECEIVERS).contains(&own));
        let press = move |event: web_sys::Event| {
            let mut names = self.form.with_untracked(|form| form.lines(RECEIVERS));
            names.retain(|other| *other != name);
            if event_target_checked(&event) {
                names.push(name.clone());
            }
            commit(RECEIVERS, &names.join("\n"));
        };
        view! {
            <label class="state">
                <input type="checkbox" prop:checked=flag(is_chosen) on:change=act(press) data-testid="slo-receiver" data-receiver=shown.clone() />
                {shown}
            </label>
        }
        .into_any()
    }

    fn row(self, name: &'static str, label: &'static str, note: &'static str, control: AnyView) -> AnyView {
        let problem = move || self.problem(name);
        view! {
            <div class="form-row">
                <label for=field_id(name)>{label}</label>
                {control}
                <p class="dense t2" id=note_id(name)>
                    <span class="bad" role="alert" data-testid=format!("slo-{name}-problem")>{live(problem)}</span> " " {note}
                </p>
            </div>
        }
        .into_any()
    }

    fn shown(self, name: &'static str) -> impl FnMut() -> String + Send + 'static {
        move || self.form.with(|form| form.get(name).to_owned())
    }

    fn problem(self, name: &str) -> Option<String> {
        self.problems.with(|problems| slo_form::problem_of(problems, name))
    }

    fn is_wrong(self, name: &'static str) -> impl FnMut() -> Option<&'static str> + Send + 'static {
        move || self.problem(name).map(|_| "true")
    }
}

const RECEIVERS: &str = "receivers";

const SERVICE: Line = Line {
    name: "service",
    label: "Service",
    note: "The name by which it sends, service.name.",
    placeholder: "checkout",
    list: "slo-services",
};
const THRESHOLD: Line = Line {
    name: "threshold",
    label: "Quick enough is at most",
    note: "Any duration, such as 300ms or 1.5s.",
    placeholder: "300ms",
    list: "",
};
const TARGET: Line = Line {
    name: "target",
    label: "Target, in percent",
    note: "Of all requests, so many must be good.",
    placeholder: "99.9",
    list: "",
};
const PERIOD: Line = Line {
    name: "period",
    label: "Over",
    note: "A rolling period, from 1d to 366d.",
    placeholder: "30d",
    list: "slo-periods",
};
const OPERATION: Line = Line {
    name: "operation",
    label: "Operation",
    note: "Only requests of this name; all where it is empty.",
    placeholder: "POST /checkout",
    list: "",
};
const NAME: Line = Line {
    name: "name",
    label: "Name",
    note: "For people; the id where it is empty.",
    placeholder: "",
    list: "",
};

/// What a field holds is a parameter of the address: an empty one says that it was emptied.
fn commit(name: &str, text: &str) {
    url_state::replace_params(&[(name, Some(text))]);
}

fn field_id(name: &str) -> String {
    format!("slo-{name}")
}

fn note_id(name: &str) -> String {
    format!("slo-{name}-note")
}

fn names_of(list: &ServiceList) -> Vec<String> {
    list.services.iter().map(|row| row.service.clone()).collect()
}

fn options(names: &[String]) -> AnyView {
    let option = |name: &String| view! { <option value=name.clone()></option> }.into_any();
    names.iter().map(option).collect::<Vec<AnyView>>().into_any()
}

fn none() -> AnyView {
    view! { <span class="dense t2">"There are no receivers: add [[receivers]] to the configuration."</span> }
        .into_any()
}
