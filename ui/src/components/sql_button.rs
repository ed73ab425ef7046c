//! "SQL": how to get the same numbers from the query language, to copy.

use crate::components::CopyButton;
use crate::erased::{act, derived, live, memo};
use leptos::html::Dialog;
use leptos::prelude::*;

/// A quiet button that opens a dialog with the statement. Absent while there is none.
#[component]
pub fn SqlButton(#[prop(into)] sql: Signal<Option<String>>) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let open = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            // Fails only for a dialog that is open already.
            let _ = dialog.show_modal();
        }
    };
    let close = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    // A memo, so that the button stays the same one while answers come and go.
    let has_sql = memo(move || sql.with(Option::is_some));
    let button = move || {
        view! { <button class="btn quiet" type="button" data-testid="sql-open" on:click=act(open)>"SQL"</button> }
    };
    let text = derived(move || sql.get().unwrap_or_default());
    view! {
        {live(move || has_sql.get().then(button))}
        <dialog class="sheet" node_ref=dialog aria-label="SQL of this panel" data-testid="sql-dialog">
            <div class="sheet-head">
                <h2>"SQL"</h2>
                <span class="t2 dense">"gives the same numbers, read only"</span>
                <CopyButton text=text testid="sql-copy" />
                <button class="btn quiet" type="button" on:click=act(close)>"Close " <kbd>"esc"</kbd></button>
            </div>
            <pre class="code" tabindex="0" data-testid="sql-text">{live(move || text.get())}</pre>
        </dialog>
    }
}
