//! The server in five lines: receiving or not, how much, what it refused, how much it holds.

use crate::api::Fetch;
use crate::components::state_icon;
use crate::erased::{live, text};
use crate::{format, url_state};
use leptos::prelude::*;
use wire::Status;

/// Silence that is no longer a pause between two exports, in nanoseconds: the slowest default is that
/// of metrics, once a minute, and one export may be late.
const SILENT_NS: i64 = 90_000_000_000;

#[component]
pub(super) fn StatusFooter() -> impl IntoView {
    let status = expect_context::<Fetch<Status>>();
    let state = status.state();
    let headline = move || match status.get() {
        _ if state.with(|state| state.failure.is_some()) => state_icon("bad", "err", "No answer"),
        Some(status) => headline(&status),
        None => state_icon("unknown", "unk", "Asking"),
    };
    let lines = move || status.get().map(|status| lines(&status));
    view! {
        <a class="ingest" href=text(move || url_state::link("/send")) data-testid="status-footer">
            <div role="status">{live(headline)}</div>
            {live(lines)}
        </a>
    }
}

fn headline(status: &Status) -> AnyView {
    match status.last_received_at {
        None => state_icon("unknown", "unk", "Waiting for data"),
        Some(at) if status.now.0 - at.0 > SILENT_NS => {
            let silence = format::duration(status.now.0 - at.0);
            state_icon("unknown", "unk", format!("Silent for {silence}"))
        }
        Some(_) => state_icon("ok", "ok", "Receiving"),
    }
}

fn lines(status: &Status) -> AnyView {
    let signal = |name: &str| status.signals.iter().find(|signal| signal.signal == name);
    let rate = |name: &str| signal(name).map_or(0.0, |signal| signal.rate_per_s);
    let n_rejected: u64 = status.signals.iter().map(|signal| signal.n_rejected).sum();
    let used = status.storage.segment_bytes + status.storage.wal_bytes;
    let free = status.storage.disk_free_bytes.map(|free| format!("{} free on disk", format::bytes(free)));
    view! {
        <div>"spans" <b>{format::rate(rate("traces"))}</b></div>
        <div>"log lines" <b>{format::rate(rate("logs"))}</b></div>
        <div>"points" <b>{format::rate(rate("metrics"))}</b></div>
        <div>"rejected" <b class:bad=n_rejected != 0>{format::count(n_rejected)}</b></div>
        <div title=free>"disk" <b>{format::bytes(used)}</b></div>
    }
    .into_any()
}
