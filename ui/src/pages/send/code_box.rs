//! One snippet: heading, copy button, coloured text, a line on what to know.

use crate::components::CopyButton;
use crate::model::snippets::{Ink, Snippet, inks};
use leptos::prelude::*;

pub(super) fn code_box(snippet: Snippet) -> AnyView {
    let Snippet { title, text, note } = snippet;
    let pieces: Vec<AnyView> = inks(&text).into_iter().map(piece).collect();
    let note = (!note.is_empty()).then(|| view! { <p class="dense t2 note">{note}</p> });
    view! {
        <div class="snippet" data-testid="send-snippet">
            <div class="label">{title} <CopyButton text=text testid="send-copy" /></div>
            <pre class="code" tabindex="0">{pieces}</pre>
            {note}
        </div>
    }
    .into_any()
}

fn piece((ink, text): (Ink, String)) -> AnyView {
    match ink {
        Ink::Plain => text.into_any(),
        Ink::Comment => view! { <span class="c1">{text}</span> }.into_any(),
        Ink::Name => view! { <span class="c2">{text}</span> }.into_any(),
    }
}
