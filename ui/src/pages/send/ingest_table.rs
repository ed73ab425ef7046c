//! Accepted, rejected and rate of each signal since the server started.

use crate::api::Fetch;
use crate::erased::live;
use crate::format;
use crate::url_state;
use leptos::prelude::*;
use wire::{SignalStatus, Status, UnixNanos};

#[component]
pub fn IngestTable(status: Fetch<Status>) -> impl IntoView {
    let rows = move || {
        let status = status.get()?;
        Some(status.signals.iter().map(|signal| row(signal, status.now)).collect_view())
    };
    let since = move || {
        status.map(|status| {
            format!("since {}", format::time_near(status.started_at, status.now, url_state::zone()))
        })
    };
    view! {
        <section>
            <h2>"Ingest " <span class="t3 micro">{live(since)}</span></h2>
            <table class="plain" data-testid="send-ingest">
                <thead>
                    <tr>
                        <th scope="col">"signal"</th>
                        <th scope="col" class="num">"accepted"</th>
                        <th scope="col" class="num">"rejected"</th>
                        <th scope="col" class="num">"rate, last 10 s"</th>
                        <th scope="col" class="num">"last"</th>
                    </tr>
                </thead>
                <tbody>{live(rows)}</tbody>
            </table>
        </section>
    }
}

fn row(signal: &SignalStatus, now: UnixNanos) -> AnyView {
    let last = signal.last_received_at.map_or_else(|| format::MISSING.to_owned(), |at| format::ago(at, now));
    view! {
        <tr data-testid="send-signal" data-signal=signal.signal.clone()>
            <td class="strong">{signal.signal.clone()}</td>
            <td class="num" title=format::exact(signal.n_accepted)>{format::count(signal.n_accepted)}</td>
            <td class="num" class:warn=signal.n_rejected != 0 title=format::exact(signal.n_rejected)>
                {format::count(signal.n_rejected)}
            </td>
            <td class="num">{format::rate(signal.rate_per_s)}</td>
            <td class="num t2">{last}</td>
        </tr>
    }
    .into_any()
}
