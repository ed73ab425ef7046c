//! `?`: every key, in one dialog.

use super::nav::GROUPS;
use crate::erased::act;
use leptos::html::Dialog;
use leptos::prelude::*;

const EVERYWHERE: [(&str, &str); 7] = [
    ("ctrl K", "jump to a service or a trace id"),
    ("/", "query of this page"),
    ("j k", "next and previous row"),
    ("\u{21b5}", "open the row"),
    ("y", "copy a link with absolute times"),
    ("?", "this sheet"),
    ("esc", "close, go back"),
];

const TRACE: [(&str, &str); 9] = [
    ("f b", "next and previous span"),
    ("w s", "page up and page down"),
    ("\u{2191} \u{2193}", "previous and next span"),
    ("\u{2190} \u{2192}", "collapse or parent, expand or child"),
    ("] [", "collapse all, expand all"),
    ("p o", "collapse and expand one level"),
    ("ctrl B", "search in the trace"),
    ("n N", "next and previous match"),
    ("esc", "clear search and selection"),
];

const INCIDENT: [(&str, &str); 2] = [("a e", "acknowledge"), ("n", "write a note")];

const CHART: [(&str, &str); 4] = [
    ("drag", "zoom to a time; Back undoes it"),
    ("\u{2190} \u{2192}", "move the crosshair, with shift far"),
    ("\u{21b5}", "begin and end a range"),
    ("esc", "drop the range"),
];

#[component]
pub(super) fn CheatSheet(node: NodeRef<Dialog>) -> impl IntoView {
    let go = GROUPS.iter().flat_map(|group| group.iter());
    let go: Vec<(String, String)> =
        go.map(|(words, _, key)| (format!("g {key}"), (*words).to_owned())).collect();
    let close = move |_| {
        if let Some(dialog) = node.get_untracked() {
            dialog.close();
        }
    };
    view! {
        <dialog class="sheet" node_ref=node aria-label="Keyboard shortcuts" data-testid="cheat-sheet">
            <div class="sheet-head">
                <h2>"Keyboard"</h2> <span class="grow" />
                <button class="btn quiet" type="button" on:click=act(close)>"Close " <kbd>"esc"</kbd></button>
            </div>
            <div class="keys">
                {list("Everywhere", owned(&EVERYWHERE))} {list("Go to", go)} {list("In a trace", owned(&TRACE))}
                {list("On an incident", owned(&INCIDENT))} {list("On a chart", owned(&CHART))}
            </div>
        </dialog>
    }
}

fn owned(keys: &[(&str, &str)]) -> Vec<(String, String)> {
    keys.iter().map(|(key, words)| ((*key).to_owned(), (*words).to_owned())).collect()
}

fn list(title: &'static str, keys: Vec<(String, String)>) -> AnyView {
    let row =
        |(key, words): (String, String)| view! { <dt><kbd>{key}</kbd></dt> <dd>{words}</dd> }.into_any();
    view! {
        <section><h3>{title}</h3> <dl>{keys.into_iter().map(row).collect::<Vec<AnyView>>()}</dl></section>
    }
    .into_any()
}
