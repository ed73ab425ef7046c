//! One report of triage as people read it: the verdict, then its evidence on one axis of time.
//!
//! Draws what it is given; who asked, and what else is known of the incident, is the page's business. Each row has
//! words at the left and its place on the axis at the right, so that the onset runs through all of them as one line.

mod attributes;
mod changes;
mod edges;
mod errors;
mod exemplars;
mod lane;
mod metrics;
mod path;
mod rail;
mod section;
mod suspects;
mod templates;
mod verdict;

pub use rail::rail;

use crate::format::Zone;
use crate::model::report_axis::ReportAxis;
use crate::model::report_blocks::{self, Block};
use crate::model::report_links::ReportLinks;
use crate::model::report_verdict;
use crate::url_state;
use leptos::prelude::*;
use section::Place;
use wire::TriageReport;

/// What every part of the drawing needs.
struct Sheet<'a> {
    report: &'a TriageReport,
    axis: ReportAxis,
    links: ReportLinks,
    zone: Zone,
}

impl<'a> Sheet<'a> {
    fn of(report: &'a TriageReport) -> Self {
        let axis = ReportAxis::of(report);
        let (from_ms, to_ms) = axis.range_ms();
        Self { report, axis, links: ReportLinks { from_ms, to_ms }, zone: url_state::zone() }
    }
}

/// Verdict and evidence; `facts` stand above the verdict, before what the report tells of itself.
pub fn report(report: &TriageReport, facts: Vec<AnyView>) -> AnyView {
    let sheet = Sheet::of(report);
    let blocks = report_blocks::blocks(report).into_iter().enumerate();
    let blocks: Vec<AnyView> =
        blocks.map(|(i, (block, weight))| drawn(&sheet, block, Place { n: i + 2, weight })).collect();
    view! {
        <article class="report" data-hold="" data-testid="report">
            {verdict::verdict(&sheet, facts)}
            {lane::head(&sheet)}
            {suspects::suspects(&sheet, Place { n: 1, weight: 0.0 })}
            {blocks}
            <p class="dense t3 pad">{report_verdict::read(report, sheet.zone)}</p>
        </article>
    }
    .into_any()
}

fn drawn(sheet: &Sheet<'_>, block: Block, place: Place) -> AnyView {
    match block {
        Block::Path => path::path(sheet, place),
        Block::Edges => edges::edges(sheet, place),
        Block::Errors => errors::errors(sheet, place),
        Block::Templates => templates::templates(sheet, place),
        Block::Metrics => metrics::metrics(sheet, place),
        Block::Attributes => attributes::attributes(sheet, place),
        Block::Changes => changes::changes(sheet, place),
        Block::Exemplars => exemplars::exemplars(sheet, place),
    }
}
