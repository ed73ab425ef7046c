//! `/send`: where to send telemetry, what to type, and whether it arrives. Also the first run.
//!
//! Looks at the status every second, so that the first span turns the page from "waiting" into
//! "receiving" without a touch. Nothing here needs a reload.

pub mod code_box;
pub mod endpoints;
pub mod first_steps;
pub mod ingest_table;
pub mod rejections;
pub mod snippet_tabs;
pub mod storage_facts;
pub mod verdict;

use crate::api::{self, Fetch};
use crate::components::Panel;
use crate::erased::{live, memo};
use crate::model::ingest::{self, Ingest};
use crate::model::order;
use leptos::prelude::*;
use std::time::Duration;
use wire::{ServiceList, Status};

use endpoints::EndpointList;
use first_steps::FirstSteps;
use ingest_table::IngestTable;
use rejections::Rejections;
use snippet_tabs::SnippetTabs;
use storage_facts::StorageFacts;
use verdict::Verdict;

/// Time between an answer and the next question: the first span should show within a second.
const ASK_AGAIN: Duration = Duration::from_millis(900);

#[component]
pub fn SendPage() -> impl IntoView {
    let status = expect_context::<Fetch<Status>>();
    ask_every_second(status);
    let state = memo(move || status.map(ingest::ingest).unwrap_or(Ingest::Waiting));
    let credentials = memo(move || status.map(|status| status.endpoints.credentials).unwrap_or_default());
    let has_data = memo(move || state.get() != Ingest::Waiting);
    let recent = move || has_data.get().then(|| "/services?from=now-15m&to=now".to_owned());
    let services = api::watched::<ServiceList>(recent);
    let names = memo(move || services.map(senders).unwrap_or_default());
    view! {
        <div class="send">
            <div>
                <section class="lead">
                    <h1>{live(move || ingest::headline(state.get()))}</h1>
                    <p>{live(move || ingest::lead(credentials.get()))}</p>
                </section>
                <Panel name="send-how" state=status.state() retry=status.retry() class="bare">
                    <EndpointList status=status />
                    <SnippetTabs status=status />
                    <IngestTable status=status />
                    <Rejections status=status />
                </Panel>
            </div>
            <aside aria-label="Arrival">
                <Verdict status=status state=state.into() services=names.into() />
                <FirstSteps status=status />
                <StorageFacts status=status />
            </aside>
        </div>
    }
}

/// Asks again soon after each answer, whatever it was. The shared status goes back to its own pace
/// once the page is left.
fn ask_every_second(status: Fetch<Status>) {
    let timer = StoredValue::new_local(None::<TimeoutHandle>);
    let answered = status.state();
    Effect::new(move |_| {
        answered.track();
        let ask = move || {
            if !document().hidden() {
                status.reload();
            }
        };
        stop(timer);
        timer.set_value(set_timeout_with_handle(ask, ASK_AGAIN).ok());
    });
    on_cleanup(move || stop(timer));
}

fn stop(timer: StoredValue<Option<TimeoutHandle>, LocalStorage>) {
    timer.update_value(|timer| {
        if let Some(timer) = timer.take() {
            timer.clear();
        }
    });
}

/// Services that sent something in the window of the answer, busiest first.
fn senders(list: &ServiceList) -> Vec<String> {
    let is_recent = |seen: Option<wire::UnixNanos>| seen.is_some_and(|at| at >= list.from);
    let mut rows: Vec<_> =
        list.services.iter().filter(|row| row.red.n_requests > 0 || is_recent(row.last_seen_at)).collect();
    order::sort_by_key(&mut rows, |row| std::cmp::Reverse(row.red.n_requests));
    rows.into_iter().map(|row| row.service.clone()).collect()
}
