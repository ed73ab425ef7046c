//! One metric: what it is, its chart or table, and its series with their last values.

use crate::api::Fetch;
use crate::components::panel::Empty;
use crate::components::{Chart, Panel};
use crate::erased::{act, derived, live, text};
use crate::format;
use crate::model::chart::Dash;
use crate::model::metric_chart::{self, LegendRow};
use crate::model::{log_text, metric_catalogue, name_text};
use crate::url_state;
use leptos::prelude::*;
use wire::MetricDetail;

#[component]
pub fn MetricPanel(name: String, detail: Fetch<MetricDetail>) -> impl IntoView {
    let as_table = RwSignal::new(false);
    let chosen = StoredValue::new(name.clone());
    let empty = move || of(detail, chosen, |detail| detail.series.is_empty().then(nothing)).flatten();
    let view_words =
        move || of(detail, chosen, |detail| metric_catalogue::view_words(detail.view).to_owned());
    let close = move |_| url_state::set_param("name", None);
    view! {
        <Panel
            name="metric"
            state=detail.state()
            retry=detail.retry()
            title=name_text::shown(&name)
            note=derived(view_words)
            sql=derived(move || of(detail, chosen, |detail| detail.sql.clone()))
            empty=derived(empty)
        >
            <div class="metric-meta panel-line">
                {live(move || of(detail, chosen, meta))}
                <span class="grow"></span>
                <button
                    class="btn quiet"
                    type="button"
                    data-testid="metric-table-toggle"
                    aria-pressed=text(move || as_table.get().to_string())
                    on:click=act(move |_| as_table.update(|on| *on = !*on))
                >
                    "table"
                </button>
                <button class="btn quiet" type="button" on:click=act(close)>"close"</button>
            </div>
            <Chart
                data=derived(move || of(detail, chosen, metric_chart::chart))
                label=derived(move || of(detail, chosen, metric_chart::label).unwrap_or_default())
                height=240
                as_table=as_table
                testid="metric-chart"
            />
            <ul class="metric-legend" data-testid="metric-legend">
                {live(move || of(detail, chosen, |detail| metric_chart::legend(detail).into_iter().map(legend_row).collect_view()))}
            </ul>
            {live(move || of(detail, chosen, cut_note).flatten())}
        </Panel>
    }
}

/// Reads the answer if it is about the chosen metric: the one before stays in place while this one loads.
fn of<R>(
    detail: Fetch<MetricDetail>,
    chosen: StoredValue<String>,
    read: impl FnOnce(&MetricDetail) -> R,
) -> Option<R> {
    detail.map(|detail| chosen.with_value(|name| *name == detail.metric.name).then(|| read(detail))).flatten()
}

fn meta(detail: &MetricDetail) -> AnyView {
    let metric = &detail.metric;
    let unit = match metric.unit.as_str() {
        "" => "no unit".to_owned(),
        unit => format!("unit {}", name_text::inline(unit)),
    };
    let description = (!metric.description.is_empty()).then(|| log_text::line(&metric.description));
    view! {
        <span>{metric_catalogue::type_words(metric)} " " {metric.temporality.clone()}</span>
        <span>{unit}</span>
        <span>{format::counted(metric.n_points, "point", "points")}</span>
        <span>{description}</span>
        <span class="t3">{metric_catalogue::view_sentence(detail.view, metric)}</span>
    }
    .into_any()
}

fn legend_row(row: LegendRow) -> AnyView {
    let dash = match row.dash {
        Dash::Solid => "",
        Dash::Dashed => "dashed",
        Dash::Dotted => "dotted",
    };
    let class = format!("line {} {dash}", row.paint);
    view! {
        <li title=row.title>
            <svg class="c-key" viewBox="0 0 20 8" aria-hidden="true"><path class=class d="M0 4h20" /></svg>
            <bdi class="n">{row.name}</bdi>
            <span class="num">{row.last}</span>
        </li>
    }
    .into_any()
}

/// Honest about what is left out.
fn cut_note(detail: &MetricDetail) -> Option<AnyView> {
    let shown = detail.series.len() as u64;
    let note = format!(
        "Partial: {} of {} drawn. Choose a service, or ask with SQL for the rest.",
        format::exact(shown),
        format::counted(detail.metric.n_series.max(shown), "series", "series")
    );
    let mark = move || {
        view! {
            <p class="dense panel-line" data-testid="metric-truncated">
                <span class="mark">{crate::components::icon("partial")} {note}</span>
            </p>
        }
        .into_any()
    };
    detail.truncated.then(mark)
}

fn nothing() -> Empty {
    Empty {
        title: "No points in this range.".to_owned(),
        text: "The metric is known from another time. Choose a longer range.".to_owned(),
        is_suspicious: true,
        link: None,
    }
}
