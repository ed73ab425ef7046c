//! How much is held, and where.

use crate::api::Fetch;
use crate::erased::live;
use crate::format;
use leptos::prelude::*;
use wire::Status;

#[component]
pub fn StorageFacts(status: Fetch<Status>) -> impl IntoView {
    let facts = move || status.get().map(|status| rows(&status));
    view! {
        <section>
            <h2>"Storage"</h2>
            <dl class="send-facts" data-testid="send-storage">{live(facts)}</dl>
        </section>
    }
}

fn rows(status: &Status) -> Vec<AnyView> {
    let storage = &status.storage;
    let free = storage.disk_free_bytes.map_or_else(|| format::MISSING.to_owned(), format::bytes);
    let segments = format!(
        "{} in {}",
        format::bytes(storage.segment_bytes),
        format::counted(u64::from(storage.n_segments), "segment", "segments")
    );
    let hot =
        format!("{}, {}", format::counted(storage.hot_rows, "row", "rows"), format::bytes(storage.hot_bytes));
    [
        ("Stored for good", segments),
        ("In memory, not yet a segment", hot),
        ("Write-ahead log", format::bytes(storage.wal_bytes)),
        ("Free on the disk", free),
        ("Version", status.version.clone()),
    ]
    .into_iter()
    .map(|(name, value)| view! { <dt>{name}</dt> <dd>{value}</dd> }.into_any())
    .collect()
}
