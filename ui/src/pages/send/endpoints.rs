//! Where the server listens, side by side.

use crate::api::Fetch;
use crate::components::state_icon;
use crate::erased::{live, memo};
use crate::model::ingest;
use leptos::prelude::*;
use wire::{Endpoints, Status};

#[component]
pub fn EndpointList(status: Fetch<Status>) -> impl IntoView {
    let endpoints = memo(move || status.map(|status| status.endpoints.clone()));
    live(move || endpoints.get().map(|endpoints| list(&endpoints)))
}

fn list(endpoints: &Endpoints) -> AnyView {
    view! {
        <div class="ends" data-testid="send-endpoints">
            {place(&endpoints.otlp_grpc, "OTLP over gRPC")}
            {place(&endpoints.otlp_http, "OTLP over HTTP, protobuf or JSON")}
            {reach(endpoints)}
        </div>
    }
    .into_any()
}

fn place(url: &str, what: &'static str) -> AnyView {
    view! {
        <div>
            {state_icon("ok", "ok", "listening")}
            <code>{url.to_owned()}</code>
            <span class="t2">{what}</span>
        </div>
    }
    .into_any()
}

/// Who can reach it: the commonest trap is a container that cannot see the host's loopback.
fn reach(endpoints: &Endpoints) -> AnyView {
    if ingest::is_loopback(&endpoints.otlp_grpc) && ingest::is_loopback(&endpoints.otlp_http) {
        view! {
            <div>
                {state_icon("warn", "warn", "loopback only")}
                <code>"127.0.0.1"</code>
                <span class="t2">
                    "Containers and other machines cannot reach it. Set "
                    <span class="mono">"otlp_grpc"</span> " and " <span class="mono">"otlp_http"</span>
                    " under " <span class="mono">"[listen]"</span> ", with "
                    <span class="mono">"allow_public = true"</span> "."
                </span>
            </div>
        }
        .into_any()
    } else {
        view! {
            <div>
                {state_icon("ok", "ok", "reachable")}
                <code>"network"</code>
                <span class="t2">{ingest::reachable(endpoints.credentials)}</span>
            </div>
        }
        .into_any()
    }
}
