//! Puts the report together: each block from its own module, and the sentences over all of them.

use super::affected::affected;
use super::attributes::{Suspected, attributes};
use super::changes::changes;
use super::edges::edges;
use super::errors::error_groups;
use super::exemplars::exemplars;
use super::latency::latency;
use super::marks::{marks, not_known};
use super::metrics::metrics;
use super::requests::{requests, summed};
use super::sentences::{headline, sentences};
use super::templates::templates;
use super::{Onset, Question, Read, Report};
use crate::input::{InputError, Limits};
use crate::rank::{Ranking, Suspect, SuspectKind, Verdict, findings, rank};
use crate::tables::Tables;
use std::collections::BTreeSet;

/// Services of one report, and parts of them: what comes later is noise.
const SERVICES_MAX: usize = 20;
const PARTS_MAX: usize = 30;
/// The grids in which onsets are looked for have so many steps between the nearest baseline and the window's end.
const ONSET_STEPS: i64 = 12;

/// Everything that the rows tell about a window.
///
/// O(n log n) for n rows, and what the parts say of themselves. Memory: the tables of [`Limits`], and about 0.2 GB for
/// 1M spans.
pub fn triage(question: &Question<'_>, limits: &Limits) -> Result<Report, InputError> {
    let tables = Tables::read(&question.input, limits)?;
    let findings = findings(&question.input, &tables, limits);
    let Ranking { verdict, mut suspects } = rank(&tables, &findings);
    bound(&mut suspects);
    let requests = requests(question, &tables);
    let totals = summed(question, &tables, &requests);
    let origin = suspects.iter().find(|suspect| suspect.kind == SuspectKind::Service);
    let onset = origin.and_then(|origin| onset(question, origin));
    let bad_traces: BTreeSet<u32> = requests
        .iter()
        .filter(|one| one.in_window && one.is_bad)
        .map(|one| tables.traces.spans()[one.span].trace)
        .collect();
    let origin_name = origin.filter(|_| verdict != Verdict::NoClearOrigin).map(|origin| origin.name.as_str());
    let suspected = Suspected { origin: origin_name, onset };
    let mut report = Report {
        verdict,
        headline: headline(verdict, &suspects, onset),
        sentences: Vec::new(),
        confidence: origin.map_or(0.0, Suspect::confidence),
        onset,
        edges: edges(&tables),
        latency: latency(question, &tables, &requests),
        errors: error_groups(&tables, &findings),
        attributes: attributes(&tables, &findings, &requests, suspected, question.sampling),
        templates: templates(question, &tables, &bad_traces, &totals.axis),
        metrics: metrics(question, &tables, &suspects, onset, &totals.axis),
        changes: changes(question, &tables, onset),
        affected: affected(&tables, origin_name),
        exemplars: exemplars(&tables, &requests, origin_name),
        marks: marks(question, &tables, &requests),
        not_known: not_known(question, &tables, &requests),
        read: read(&tables),
        requests: totals,
        suspects: Vec::new(),
    };
    report.suspects = suspects;
    report.sentences = sentences(&report);
    Ok(report)
}

/// The likeliest of each; parts do not take the place of services.
fn bound(suspects: &mut Vec<Suspect>) {
    let (mut n_services, mut n_parts) = (0, 0);
    suspects.retain(|suspect| {
        let (n, n_max) = match suspect.kind {
            SuspectKind::Service => (&mut n_services, SERVICES_MAX),
            _ => (&mut n_parts, PARTS_MAX),
        };
        *n += 1;
        *n <= n_max
    });
}

/// When the first suspect's evidence says that it began: the weightiest says when, all of it how surely.
fn onset(question: &Question<'_>, origin: &Suspect) -> Option<Onset> {
    let weighty = origin.evidence.iter().filter(|evidence| evidence.weight > 0.0);
    let mut onsets: Vec<(f64, i64)> =
        weighty.filter_map(|evidence| Some((evidence.weight, evidence.onset_ns?))).collect();
    onsets.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let (heaviest, at_ns) = *onsets.first()?;
    // What says little says little about the time, too.
    let times = || onsets.iter().filter(|(weight, _)| 2.0 * weight >= heaviest).map(|(_, at_ns)| *at_ns);
    let window = question.window();
    let from_ns = question.input.baselines.last().map_or(window.from_ns, |nearest| nearest.from_ns);
    let step_ns = window.to_ns.saturating_sub(from_ns).max(0) / ONSET_STEPS;
    let earliest = times().min().unwrap_or(at_ns).saturating_sub(step_ns);
    let latest = times().max().unwrap_or(at_ns).saturating_add(step_ns);
    Some(Onset { at_ns, earliest_ns: earliest, latest_ns: latest.min(window.to_ns).max(at_ns) })
}

fn read(tables: &Tables) -> Read {
    let n_points =
        tables.metrics.series().iter().map(|series| tables.metrics.points(series).len()).sum::<usize>();
    Read {
        n_spans: tables.traces.spans().len() as u64,
        n_traces: tables.traces.traces().len() as u64,
        n_logs: tables.logs.lines().len() as u64,
        n_points: n_points as u64,
    }
}
