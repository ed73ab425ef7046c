//! No objectives yet: how to add one, ready to copy.

use crate::components::CopyButton;
use crate::erased::text;
use crate::model::slo_form;
use crate::model::slo_view::CONFIG_EXAMPLE;
use crate::url_state;
use leptos::prelude::*;

pub fn first_slo() -> AnyView {
    view! {
        <div class="msg" data-testid="slos-empty">
            <b>"No objectives yet."</b>
            <span>
                "An objective says how many requests of a service must go well. Firstfault then watches how fast \
                 its error budget burns and alerts before it is gone. It is judged on what is stored already."
            </span>
            <span class="form-acts">
                <a class="btn main" href=text(|| url_state::link(slo_form::NEW))>"New objective"</a>
                <a class="btn" href=text(|| url_state::link("/slos?tab=proposals"))>"See what is proposed"</a>
            </span>
            <span>"Or write it into the configuration file, and start the server again:"</span>
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
