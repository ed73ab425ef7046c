//! Log lines of a kind that is new in the window, comes far more often, or came no more.

use super::words::{count, counted, percent, shortened, times};
use super::{Axis, Question, Template, TemplateState};
use crate::input::Stretch;
use crate::logs::LogLine;
use crate::tables::Tables;
use std::collections::BTreeSet;

/// Templates of one report.
const TEMPLATES_MAX: usize = 12;
/// Lines of a new template without which it is not told: single lines are always new somewhere.
const N_NEW_MIN: u64 = 3;
/// How many times more lines a second a surge has.
const SURGE_TIMES: f64 = 3.0;
/// Lines that are expected and missing.
const N_GONE_MIN: f64 = 20.0;
/// Statistic from which a surge is no chance: far beyond what some thousand templates give.
const STATISTIC_MIN: f64 = 20.0;
/// Errors come first among lines that say as much.
const ERROR_BOOST: f64 = 1.5;
/// Share of lines of bad traces from which they are told.
const SHARE_TOLD: f64 = 0.5;
const TEXT_CHARS_MAX: usize = 300;
const SENTENCE_CHARS_MAX: usize = 120;

/// Lines of one template.
#[derive(Clone, Copy, Default)]
struct Lines {
    n_before: u64,
    n_now: u64,
    /// In the window with a trace, and those of bad traces.
    n_traced: u64,
    n_bad: u64,
    first_ns: Option<i64>,
}

/// The strongest first. O(lines log lines).
pub(super) fn templates(
    question: &Question<'_>,
    tables: &Tables,
    bad_traces: &BTreeSet<u32>,
    axis: &Axis,
) -> Vec<Template> {
    let counted = counted_lines(question, tables, bad_traces);
    let seconds = |ns: i64| ns as f64 / 1e9;
    let now_s = seconds(question.window().length_ns());
    let before_s = seconds(question.input.baselines.iter().map(|baseline| baseline.length_ns()).sum());
    if now_s <= 0.0 || before_s <= 0.0 {
        return Vec::new();
    }
    let mut found: Vec<(f64, usize, TemplateState)> = Vec::new();
    for (at, lines) in counted.iter().enumerate() {
        if let Some((state, statistic)) = judged(lines, now_s, before_s) {
            let is_error = tables.logs.templates()[at].is_error;
            found.push((if is_error { statistic * ERROR_BOOST } else { statistic }, at, state));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    found.truncate(TEMPLATES_MAX);
    let of = |(_, at, state): (f64, usize, TemplateState)| {
        let moments = tables.logs.lines().iter().filter(|line| line.template as usize == at);
        let lane = axis.counts(&question.input, moments.map(|line| line.time_ns));
        Template { lane, ..one(tables, at, counted[at], state, before_s / now_s) }
    };
    found.into_iter().map(of).collect()
}

fn counted_lines(question: &Question<'_>, tables: &Tables, bad_traces: &BTreeSet<u32>) -> Vec<Lines> {
    let mut all = vec![Lines::default(); tables.logs.templates().len()];
    for line in tables.logs.lines() {
        let lines = &mut all[line.template as usize];
        match question.input.stretch(line.time_ns) {
            Stretch::Baseline => lines.n_before += 1,
            Stretch::Window => lines.count(line, bad_traces),
            Stretch::Outside => {}
        }
    }
    all
}

impl Lines {
    fn count(&mut self, line: &LogLine, bad_traces: &BTreeSet<u32>) {
        self.n_now += 1;
        self.first_ns.get_or_insert(line.time_ns);
        if let Some(trace) = line.trace {
            self.n_traced += 1;
            self.n_bad += u64::from(bad_traces.contains(&trace));
        }
    }
}

/// What the counts of two lengths of time say, and how surely.
fn judged(lines: &Lines, now_s: f64, before_s: f64) -> Option<(TemplateState, f64)> {
    let (n_now, n_before) = (lines.n_now as f64, lines.n_before as f64);
    let expected = n_before * now_s / before_s;
    if lines.n_now == 0 {
        return (expected >= N_GONE_MIN).then_some((TemplateState::Gone, expected));
    }
    // Twice the logarithm of how much better two rates fit than one, in favour of more lines now.
    let share = now_s / (now_s + before_s);
    let part = |n: f64, of: f64| if n > 0.0 { n * (n / ((n_now + n_before) * of)).ln() } else { 0.0 };
    let statistic = 2.0 * (part(n_now, share) + part(n_before, 1.0 - share));
    if lines.n_before == 0 {
        return (lines.n_now >= N_NEW_MIN).then_some((TemplateState::New, statistic));
    }
    let is_surge = n_now >= SURGE_TIMES * expected && statistic >= STATISTIC_MIN;
    is_surge.then_some((TemplateState::Surging, statistic))
}

fn one(tables: &Tables, at: usize, lines: Lines, state: TemplateState, before_per_now: f64) -> Template {
    let template = &tables.logs.templates()[at];
    let service = tables.strings.text(template.service).to_owned();
    let share_bad = (lines.n_traced > 0).then(|| lines.n_bad as f64 / lines.n_traced as f64);
    let text = shortened(&template.text, TEXT_CHARS_MAX);
    let shown = shortened(&text, SENTENCE_CHARS_MAX);
    let kind = if template.is_error { "error line" } else { "log line" };
    let what = match state {
        TemplateState::New => format!("New {kind} of {service}, {}", times_seen(lines.n_now)),
        TemplateState::Surging => {
            let rate = lines.n_now as f64 / (lines.n_before as f64 / before_per_now);
            format!("{} the usual number of a {kind} of {service}", times(rate))
        }
        TemplateState::Gone => format!("A {kind} of {service} came no more"),
    };
    let of_bad = share_bad.filter(|share| *share >= SHARE_TOLD).map_or_else(String::new, |share| {
        format!("; {} of its lines belong to bad requests", percent(share))
    });
    Template {
        id: template.id,
        service,
        severity: if template.is_error { "error" } else { "info" }.to_owned(),
        state,
        n_before: lines.n_before,
        n_now: lines.n_now,
        share_bad,
        first_ns: lines.first_ns,
        sentence: format!("{what}: \"{shown}\"{of_bad}."),
        text,
        lane: Vec::new(),
    }
}

fn times_seen(n: u64) -> String {
    if n == 1 { counted(n, "time") } else { format!("{} times", count(n)) }
}
