//! How full the service's resources are: a lane for each metric that is recognised.

use crate::api::{self, Fetch};
use crate::components::{Chart, Empty, Panel};
use crate::erased::{derived, live, memo};
use crate::model::saturation::{self, Fact};
use crate::url_state;
use leptos::prelude::*;
use wire::{Saturation, SaturationMetric};

/// `path` is that of the API.
#[component]
pub fn SaturationPanel(path: String) -> impl IntoView {
    let answer = api::polled::<Saturation>(move || Some(url_state::api_path(&path)));
    let empty = move || answer.map(|answer| answer.metrics.is_empty().then(|| nothing(answer))).flatten();
    let title = "Saturation".to_owned();
    // Lanes stay where they are while figures come and go.
    let names = memo(move || answer.map(saturation::names));
    let lanes = move || {
        let n = names.get()?.lines().count();
        Some((0..n).map(|i| lane(answer, i, i + 1 == n)).collect::<Vec<AnyView>>())
    };
    view! {
        <Panel name="saturation" state=answer.state() retry=answer.retry() title=title empty=derived(empty)
            sql=derived(move || answer.map(|answer| answer.sql.clone()))>
            <div class="lanes">{live(lanes)}</div>
        </Panel>
    }
}

fn nothing(answer: &Saturation) -> Empty {
    Empty {
        title: "No resource metrics of this service in this range.".to_owned(),
        text: saturation::recognised(answer),
        is_suspicious: false,
        link: None,
    }
}

fn lane(answer: Fetch<Saturation>, i: usize, is_last: bool) -> AnyView {
    let data = derived(move || of(answer, i, saturation::chart));
    let label = derived(move || of(answer, i, |_, metric| metric.title.clone()).unwrap_or_default());
    view! {
        <div class="ln" data-testid="saturation-metric">
            <div class="k">{live(move || of(answer, i, |_, metric| key(metric)))}</div>
            <Chart data=data label=label height=58 axis=is_last testid="saturation-chart" />
        </div>
    }
    .into_any()
}

/// Reads one metric of the answer.
fn of<R>(
    answer: Fetch<Saturation>,
    i: usize,
    read: impl FnOnce(&Saturation, &SaturationMetric) -> R,
) -> Option<R> {
    answer.map(|answer| answer.metrics.get(i).map(|metric| read(answer, metric))).flatten()
}

fn key(metric: &SaturationMetric) -> AnyView {
    let facts: Vec<AnyView> = saturation::facts(metric).into_iter().map(fact).collect();
    view! { <h2 title=metric.name.clone()>{metric.title.clone()}</h2> <dl>{facts}</dl> }.into_any()
}

fn fact(fact: Fact) -> AnyView {
    view! { <dt>{fact.key}</dt><dd class:bad=fact.is_bad class:strong=fact.is_bad>{fact.text}</dd> }
        .into_any()
}
