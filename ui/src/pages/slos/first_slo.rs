//! No objectives yet: how to add one, ready to copy.

use crate::components::CopyButton;
use crate::model::slo_view::CONFIG_EXAMPLE;
use leptos::prelude::*;

pub fn first_slo() -> AnyView {
    view! {
        <div class="msg" data-testid="slos-empty">
            <b>"No objectives yet."</b>
            <span>
                "An objective says how many requests of a service must go well. Firstfault then watches how fast \
                 its error budget burns and alerts before it is gone. Add one to the configuration file and restart; \
                 it is judged on what is stored already."
            </span>
        </div>
        <div class="snippet pad">
            <div class="label">"firstfault.toml" <CopyButton text=CONFIG_EXAMPLE.to_owned() testid="slos-copy" /></div>
            <pre class="code" tabindex="0" data-testid="slos-example">{CONFIG_EXAMPLE}</pre>
            <p class="dense t2 note">
                "Check it with " <span class="mono">"firstfault check-config firstfault.toml"</span> "."
            </p>
        </div>
    }
    .into_any()
}
