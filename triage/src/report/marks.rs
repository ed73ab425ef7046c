//! What to know about the data behind a report, and what it could not see. Every doubt is said once, as a sentence.

use super::requests::Request;
use super::words::{count, counted, listed, percent};
use super::{Mark, Question, Sampling};
use crate::input::Stretch;
use crate::skew::clock_shifts;
use crate::tables::Tables;
use std::collections::BTreeSet;

/// Bad requests, or requests before, without which any share is chance.
const N_LOW: usize = 20;
/// Services that are named; of more the number is told.
const NAMED_MAX: usize = 5;
/// Share of orphans below which they are not worth a word.
const ORPHANS_SHARE: f64 = 0.005;

/// O(spans).
pub(super) fn marks(question: &Question<'_>, tables: &Tables, requests: &[Request]) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut mark = |kind, sentence| marks.push(Mark { kind, sentence });
    let Sampling { traces_one_in, attributes_one_in, series_one_in, is_cut, .. } = question.sampling;
    if traces_one_in > 1 {
        mark(
            "sampled",
            format!("One trace in {traces_one_in} was looked at, chosen by its id; counts are of those."),
        );
    }
    if attributes_one_in > 1 {
        mark(
            "attributes_sampled",
            format!(
                "Of requests that went well one in {attributes_one_in} has its attributes: precision is too high."
            ),
        );
    }
    if series_one_in > 1 {
        mark("series_sampled", format!("One series of metrics in {series_one_in} was looked at."));
    }
    if is_cut {
        mark("partial", "There were more rows than one report reads; the rest was left out.".to_owned());
    }
    let traces = &tables.traces;
    if traces.n_duplicates > 0 {
        let n = counted(traces.n_duplicates as u64, "span");
        mark("duplicates", format!("{n} came more than once and count once."));
    }
    let n_orphans = (0..traces.spans().len()).filter(|span| traces.is_orphan(*span)).count();
    let share = n_orphans as f64 / traces.spans().len().max(1) as f64;
    if share > ORPHANS_SHARE {
        mark("orphans", format!("{} of all spans name a parent that is not there.", percent(share)));
    }
    marks.extend(clocks(tables));
    let mut mark = |kind, sentence| marks.push(Mark { kind, sentence });
    let n_bad = requests.iter().filter(|one| one.in_window && one.is_bad).count();
    if (1..N_LOW).contains(&n_bad) {
        mark(
            "low_support",
            format!("Only {} in the window: shares of them are rough.", counted(n_bad as u64, "bad request")),
        );
    }
    let before: Vec<&Request> = requests.iter().filter(|one| !one.in_window).collect();
    if !requests.is_empty() && before.len() < N_LOW {
        mark(
            "baseline_small",
            format!("Only {} before to compare with.", counted(before.len() as u64, "request")),
        );
    }
    let n_bad_before = before.iter().filter(|one| one.is_bad).count();
    let share_before = n_bad_before as f64 / before.len().max(1) as f64;
    let share_now = n_bad as f64 / requests.iter().filter(|one| one.in_window).count().max(1) as f64;
    if n_bad_before >= N_LOW && 2.0 * share_before > share_now {
        mark("baseline_bad", format!("{} of the requests before were bad as well.", percent(share_before)));
    }
    marks
}

/// Clocks of the window's traces that disagree. Where that is plain they are corrected, and the stored times stay.
fn clocks(tables: &Tables) -> Vec<Mark> {
    let (mut n_moved, mut n_beyond, mut n_spans) = (0_usize, 0_usize, 0_usize);
    for (at, trace) in tables.traces.traces().iter().enumerate() {
        if trace.stretch == Stretch::Window {
            let shifts = clock_shifts(&tables.traces, at);
            n_moved += shifts.n_moved;
            n_beyond += shifts.n_beyond;
            n_spans += trace.spans.len();
        }
    }
    let mut marks = Vec::new();
    if n_moved > 0 {
        let share = percent(n_moved as f64 / n_spans.max(1) as f64);
        let sentence =
            format!("{share} of the spans were moved for critical paths, since clocks of hosts disagree.");
        marks.push(Mark { kind: "clock_adjusted", sentence });
    }
    if n_beyond > 0 {
        let n = counted(n_beyond as u64, "span");
        let sentence =
            format!("{n} tell times more than an hour apart from their callers', and were left as they are.");
        marks.push(Mark { kind: "clock_wrong", sentence });
    }
    marks
}

/// Signals and services that are silent, and traces without a beginning.
pub(super) fn not_known(question: &Question<'_>, tables: &Tables, requests: &[Request]) -> Vec<String> {
    let mut unknown = Vec::new();
    let input = &question.input;
    let has_rows = |batches: &[arrow::array::RecordBatch]| batches.iter().any(|batch| batch.num_rows() > 0);
    if !has_rows(input.spans) {
        unknown.push("There are no traces of this time: where requests went is not known.".to_owned());
    }
    if !has_rows(input.logs) {
        unknown.push("There are no logs of this time.".to_owned());
    }
    if !has_rows(input.metrics) {
        unknown
            .push("There are no metrics of resources of this time: what was full is not known.".to_owned());
    }
    if input.baselines.is_empty() {
        unknown.push("There is nothing to compare with: what is usual is not known.".to_owned());
    }
    if let Some(service) = &input.scope.service
        && has_rows(input.spans)
        && requests.is_empty()
    {
        unknown.push(format!("No request of {service} was seen."));
    }
    unknown.extend(rootless(tables));
    unknown.extend(silent(tables));
    unknown
}

/// Traces of the window that do not begin with a root.
fn rootless(tables: &Tables) -> Option<String> {
    let in_window = tables.traces.traces().iter().filter(|trace| trace.stretch == Stretch::Window);
    let (mut n, mut n_rootless) = (0_u64, 0_u64);
    for trace in in_window {
        n += 1;
        n_rootless += u64::from(tables.traces.is_orphan(trace.entry));
    }
    (n_rootless > 0)
        .then(|| format!("{} of {} lack their root span.", count(n_rootless), counted(n, "trace")))
}

/// Services that were heard before and sent no span in the window.
fn silent(tables: &Tables) -> Option<String> {
    let of = |stretch: Stretch| -> BTreeSet<_> {
        let traces = tables.traces.traces().iter().filter(|trace| trace.stretch == stretch);
        traces
            .flat_map(|trace| &tables.traces.spans()[trace.spans.clone()])
            .map(|span| span.service)
            .collect()
    };
    let (before, now) = (of(Stretch::Baseline), of(Stretch::Window));
    if now.is_empty() {
        return None;
    }
    let silent: Vec<String> =
        before.difference(&now).map(|service| tables.strings.text(*service).to_owned()).collect();
    match silent.len() {
        0 => None,
        1..=NAMED_MAX => Some(format!(
            "{} sent spans before and none in the window: no data is not good news.",
            listed(&silent)
        )),
        n => {
            Some(format!("{} that sent spans before sent none in the window.", counted(n as u64, "service")))
        }
    }
}
