//! Resources of the suspects that changed near the onset.

use super::Sheet;
use super::lane::{self, Bars};
use super::section::{Head, Place, acts, link, section, sql};
use crate::components::name;
use crate::model::{log_text, report_blocks};
use leptos::prelude::*;
use wire::TriageMetric;

pub(super) fn metrics(sheet: &Sheet<'_>, place: Place) -> AnyView {
    let rows: Vec<AnyView> = sheet.report.metrics.iter().map(|one| metric(sheet, one)).collect();
    let said = "Metrics of the suspects that changed near the onset.".to_owned();
    let head = Head { name: "metrics", title: "Resources", said, body: None };
    section(place, head, lane::empty(sheet), rows)
}

fn metric(sheet: &Sheet<'_>, metric: &TriageMetric) -> AnyView {
    let (before, now) = report_blocks::reading(metric);
    let instance = (!metric.instance.is_empty()).then(|| name(&metric.instance));
    let mut links = vec![link(&sheet.links.metric(&metric.service, &metric.name), "Metric")];
    links.extend(sql(Some(metric.sql.clone())));
    let say = view! {
        <div data-testid="metric-change">
            <h3>
                {name(&metric.name)} " " <span class="t3">{name(&metric.service)} " " {instance}</span>
                <span class="wt num"><span class="base">{before}</span> " \u{2192} " <b class="now">{now}</b></span>
            </h3>
            <p class="s">{log_text::line(&metric.sentence)}</p>
            {acts(links)}
        </div>
    };
    let points = Bars { values: &metric.points, whole: &[], caption: "mean a step" };
    lane::row(say.into_any(), lane::bars(sheet, &points))
}
