//! What came and could not be used: who sent it, why, and the next step.

use crate::api::{self, Fetch};
use crate::components::name;
use crate::erased::{live, memo};
use crate::format;
use crate::model::{ingest, log_text};
use leptos::prelude::*;
use wire::{RejectedRequest, RejectionLog, Status, UnixNanos};

/// Nothing is asked for while the status has nothing to tell.
#[component]
pub fn Rejections(status: Fetch<Status>) -> impl IntoView {
    let refused = memo(move || status.map(|status| ingest::refused_sentence(&status.rejections)).flatten());
    let log = api::watched::<RejectionLog>(move || refused.get().map(|_| "/ingest/rejections".to_owned()));
    let rows = move || {
        let log = log.get().filter(|_| refused.get().is_some())?;
        Some(log.recent.iter().map(|request| row(request, log.now)).collect_view())
    };
    let calm = move || refused.get().is_none().then(|| "Nothing was refused since the start.".to_owned());
    view! {
        <section data-testid="send-rejections">
            <h2>"Refused"</h2>
            <p class="dense t2">{live(calm)}</p>
            <table class="plain refused">
                <tbody>{live(rows)}</tbody>
            </table>
        </section>
    }
}

/// The message may repeat bytes of a client: it is cleaned and shown as text.
fn row(request: &RejectedRequest, now: UnixNanos) -> AnyView {
    let times = if request.n == 1 { String::new() } else { format!("{} times, ", format::count(request.n)) };
    let peer = request.peer.clone().unwrap_or_else(|| format::MISSING.to_owned());
    let path = (!request.path.is_empty()).then(|| name(&request.path));
    view! {
        <tr data-testid="send-rejection" data-reason=request.reason.clone()>
            <td class="t3">{times} {format::ago(request.last_at, now)}</td>
            <td>{peer} <div class="t3">{request.transport.clone()} " " {path}</div></td>
            <td>
                <b>{ingest::reason_words(&request.reason)}</b>
                <div class="t2">{log_text::clean(&request.message)}</div>
                {request.hint.clone()}
            </td>
        </tr>
    }
    .into_any()
}
