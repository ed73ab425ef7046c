//! Keys and values as the client sent them: inert text, to filter, to copy, to search for.

use crate::browser::lower;
use crate::components::{CopyButton, icon, name};
use crate::erased::{act, live};
use crate::model::address::encode;
use crate::model::{log_text, name_text};
use crate::url_state;
use leptos::prelude::*;
use wire::Attribute;

/// Values longer than this many characters open on demand.
const LONG: usize = 120;

#[component]
pub fn AttributeList(attributes: Vec<Attribute>, is_searchable: bool) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let n = attributes.len();
    let field = (is_searchable && n > 4).then(|| {
        view! {
            <label class="field wide">
                {icon("find")}
                <input placeholder="filter keys and values" aria-label="Filter keys and values" autocomplete="off"
                    data-testid="attribute-filter" prop:value=text on:input=act(move |event| text.set(event_target_value(&event))) />
            </label>
        }
    });
    let shown = move || {
        let text = lower(&text.get());
        let is_match = |attribute: &&Attribute| {
            lower(&attribute.key).contains(&text) || lower(&attribute.value).contains(&text)
        };
        attributes.iter().filter(is_match).map(pair).collect::<Vec<AnyView>>()
    };
    let none = (n == 0).then(|| view! { <p class="dense t2">"No attributes were sent."</p> });
    view! { {field} {none} <dl class="at">{live(shown)}</dl> }
}

fn pair(attribute: &Attribute) -> AnyView {
    let (key, value) = (attribute.key.clone(), attribute.value.clone());
    let condition = encode(&format!("{key}={value}"));
    let href = url_state::link(&format!("/traces?attr={condition}"));
    let hint = format!("Find traces with {}", name_text::inline(&key));
    let class = if key == "error.type" || key.starts_with("exception.") { "val bad" } else { "val" };
    let is_long = value.chars().count() > LONG || value.contains('\n');
    let text = if is_long {
        view! { <details><summary class=class>{head(&value)}</summary><pre>{log_text::clean(&value)}</pre></details> }
            .into_any()
    } else {
        view! { <span class=class>{value_text(&value)}</span> }.into_any()
    };
    view! {
        <dt>{name(&key)}</dt>
        <dd data-testid="attribute" data-key=key>
            {text}
            <span class="acts">
                <a class="btn quiet" href=href aria-label=hint.clone() title=hint>{icon("find")}</a>
                <CopyButton text=value />
            </span>
        </dd>
    }
    .into_any()
}

fn head(value: &str) -> String {
    let line = value.lines().next().unwrap_or_default();
    let head: String = line.chars().take(LONG).collect();
    log_text::clean(&head) + "\u{2026}"
}

/// An empty value is a value; only a blank one needs a word.
fn value_text(value: &str) -> AnyView {
    if value.is_empty() { ().into_any() } else { name(value) }
}
