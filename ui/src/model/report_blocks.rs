//! The evidence of a report block by block: which blocks there are, in which order, and the figures of each.

use super::chart::Unit;
use super::decimal::fixed;
use super::{metric_unit, name_text, order, report_verdict};
use crate::format;
use wire::{
    MetricView, TriageAttribute, TriageEdge, TriageKeyValue, TriageLatency, TriageMetric, TriagePair,
    TriagePart, TriageReport,
};

/// A part of the page with a head of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Where the added time lies on the critical path.
    Path,
    /// Calls that fail, slow down or are repeated.
    Edges,
    Errors,
    Templates,
    Metrics,
    Attributes,
    Changes,
    Exemplars,
}

impl Block {
    const ALL: [Self; 8] = [
        Self::Path,
        Self::Edges,
        Self::Errors,
        Self::Templates,
        Self::Metrics,
        Self::Attributes,
        Self::Changes,
        Self::Exemplars,
    ];

    /// The kind of the suspect's evidence that it shows.
    fn kind(self) -> Option<&'static str> {
        match self {
            Self::Path => Some("own_time"),
            Self::Edges => Some("call_time"),
            Self::Errors => Some("errors"),
            Self::Templates => Some("flow"),
            Self::Metrics => Some("saturation"),
            Self::Attributes | Self::Changes | Self::Exemplars => None,
        }
    }

    fn is_there(self, report: &TriageReport) -> bool {
        match self {
            Self::Path => report.latency.as_ref().is_some_and(|latency| !latency.parts.is_empty()),
            Self::Edges => !report.edges.is_empty(),
            Self::Errors => !report.errors.is_empty(),
            Self::Templates => !report.templates.is_empty(),
            Self::Metrics => !report.metrics.is_empty(),
            Self::Attributes => report.attributes.is_some(),
            // That nothing changed is worth a line.
            Self::Changes => true,
            Self::Exemplars => !report.exemplars.is_empty(),
        }
    }
}

/// Blocks that there are with their part of the first suspect's score: the weightiest first, those without a weight
/// after them, in their usual order.
pub fn blocks(report: &TriageReport) -> Vec<(Block, f64)> {
    let present = Block::ALL.into_iter().filter(|block| block.is_there(report));
    let mut blocks: Vec<(Block, f64)> = present.map(|block| (block, weight(report, block))).collect();
    order::sort(&mut blocks, |a, b| b.1.total_cmp(&a.1));
    blocks
}

fn weight(report: &TriageReport, block: Block) -> f64 {
    let Some(origin) = report_verdict::origin(report) else { return 0.0 };
    let of_block = origin.evidence.iter().filter(|evidence| Some(evidence.kind.as_str()) == block.kind());
    share(of_block.map(|evidence| evidence.weight.max(0.0)).sum(), origin.score)
}

/// A part of a whole between 0 and 1; nothing of nothing.
pub fn share(part: f64, whole: f64) -> f64 {
    let share = part / whole;
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
}

/// Widths of the parts of both bars in percent of the longer one: before, now.
pub fn stack(latency: &TriageLatency) -> [Vec<f64>; 2] {
    let whole = latency.before_ns.max(latency.now_ns);
    let widths = |of: fn(&TriagePart) -> f64| -> Vec<f64> {
        latency.parts.iter().map(|part| share(of(part), whole) * 100.0).collect()
    };
    [widths(|part| part.before_ns), widths(|part| part.now_ns)]
}

/// What a part of the critical path is.
pub fn part_words(part: &TriagePart) -> (String, String) {
    let what = match (&part.callee, part.operation.as_str()) {
        (Some(callee), "") => format!("to {}", name_text::inline(callee)),
        (Some(callee), operation) => {
            format!("to {}, {}", name_text::inline(callee), name_text::inline(operation))
        }
        (None, "") => String::new(),
        (None, operation) => name_text::inline(operation),
    };
    (name_text::inline(&part.service), what)
}

/// A duration of the report, rounded to whole nanoseconds.
pub fn nanos(ns: f64) -> i64 {
    // The cast saturates, and is 0 for what is no number.
    ns.round() as i64
}

/// What is told of calls: words, before, now, how many times more; without what neither side knows.
pub fn edge_rows(edge: &TriageEdge) -> Vec<(&'static str, String, String, String)> {
    let rows = [
        ("calls", edge.n_calls, Unit::Count),
        ("caller sees", edge.caller_ns, Unit::Nanos),
        ("callee reports", edge.callee_ns, Unit::Nanos),
        ("in between", edge.gap_ns, Unit::Nanos),
        ("attempts per call", edge.attempts, Unit::Scaled { factor: 1.0, suffix: String::new() }),
        ("failed calls", edge.failed, Unit::Ratio),
    ];
    let is_known = |pair: &TriagePair| pair.before.is_some() || pair.now.is_some();
    let known = rows.into_iter().filter(|(_, pair, _)| is_known(pair));
    known
        .map(|(words, pair, unit)| {
            // Counts of times of different length do not compare.
            let change = if unit == Unit::Count { String::new() } else { times(pair) };
            (words, value(pair.before, &unit), value(pair.now, &unit), change)
        })
        .collect()
}

pub fn value(value: Option<f64>, unit: &Unit) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(|| format::MISSING.to_owned(), |value| unit.text(value))
}

/// `x 5.8`; nothing where it cannot be said.
pub fn times(pair: TriagePair) -> String {
    match (pair.before, pair.now) {
        (Some(before), Some(now)) if before > 0.0 && now.is_finite() => {
            format!("\u{d7} {}", ratio(now / before))
        }
        (Some(before), Some(now)) if before == 0.0 && now > 0.0 => "new".to_owned(),
        _ => String::new(),
    }
}

/// Two digits: `0.4`, `5.8`, `47`, `390`.
fn ratio(ratio: f64) -> String {
    fixed(ratio, if ratio < 9.95 { 1 } else { 0 })
}

/// Key and value, or that the key is missing.
pub fn condition(pair: &TriageKeyValue) -> (String, String) {
    let value = pair.value.as_deref().map_or_else(|| "missing".to_owned(), name_text::inline);
    (name_text::inline(&pair.key), value)
}

/// How many times more often bad requests have it.
pub fn lift(attribute: &TriageAttribute) -> String {
    match attribute.share_good > 0.0 {
        true => times(TriagePair { before: Some(attribute.share_good), now: Some(attribute.share_bad) }),
        false => "only bad".to_owned(),
    }
}

/// A template in pieces; those that differ from line to line are marked.
pub fn pieces(template: &str) -> Vec<(String, bool)> {
    let mut pieces = Vec::new();
    for (i, part) in template.split('*').enumerate() {
        if i > 0 {
            pieces.push(("*".to_owned(), true));
        }
        if !part.is_empty() {
            pieces.push((super::log_text::clean(part), false));
        }
    }
    pieces
}

/// A metric before and now, in one unit.
pub fn reading(metric: &TriageMetric) -> (String, String) {
    let TriagePair { before, now } = metric.value;
    let high = [before, now].into_iter().flatten().map(f64::abs).fold(0.0, f64::max);
    let sent = if metric.unit.is_empty() { String::new() } else { name_text::inline(&metric.unit) };
    let unit = metric_unit::unit_of(high, &sent, MetricView::Value);
    (value(before, &unit), value(now, &unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{TriageAttributes, TriageEvidence, TriageSuspect};

    fn evidence(kind: &str, weight: f64) -> TriageEvidence {
        TriageEvidence { kind: kind.to_owned(), weight, ..TriageEvidence::default() }
    }

    fn part(service: &str, before_ns: f64, now_ns: f64) -> TriagePart {
        TriagePart { service: service.to_owned(), before_ns, now_ns, ..TriagePart::default() }
    }

    /// Scenario: a report with calls, errors and attributes, whose suspect rests on errors most.
    /// Guarantees: blocks that there are, the weightiest first; what has no weight keeps its order; no changes are told.
    #[test]
    fn blocks_stand_by_weight() {
        let suspect = TriageSuspect {
            kind: "service".to_owned(),
            score: 4.0,
            evidence: vec![evidence("call_time", 1.0), evidence("errors", 2.0), evidence("errors", 1.0)],
            ..TriageSuspect::default()
        };
        let report = TriageReport {
            suspects: vec![suspect],
            edges: vec![TriageEdge::default()],
            errors: vec![Default::default()],
            attributes: Some(TriageAttributes::default()),
            ..TriageReport::default()
        };
        let expected =
            [(Block::Errors, 0.75), (Block::Edges, 0.25), (Block::Attributes, 0.0), (Block::Changes, 0.0)];
        assert_eq!(blocks(&report), expected);
        assert_eq!(blocks(&TriageReport::default()), [(Block::Changes, 0.0)]);
    }

    /// Scenario: a critical path that grew in one part, and one without any time.
    /// Guarantees: both bars have one scale, the longer one fills it, and nothing is divided by nothing.
    #[test]
    fn stacks_share_a_scale() {
        let latency = TriageLatency {
            before_ns: 100.0,
            now_ns: 400.0,
            parts: vec![part("db", 20.0, 320.0), part("web", 80.0, 80.0)],
            ..TriageLatency::default()
        };
        assert_eq!(stack(&latency), [vec![5.0, 20.0], vec![80.0, 20.0]]);
        let nothing = TriageLatency { parts: vec![part("db", 0.0, 0.0)], ..TriageLatency::default() };
        assert_eq!(stack(&nothing), [vec![0.0], vec![0.0]]);
        let between = TriagePart { callee: Some("db".to_owned()), ..part("web", 0.0, 0.0) };
        assert_eq!(part_words(&between), ("web".to_owned(), "to db".to_owned()));
    }

    /// Scenario: calls that became slower and fail, of which the callee tells nothing, and which were not repeated.
    /// Guarantees: what is not known has no row; times more where both are known, a word where there was nothing.
    #[test]
    fn edges_have_rows() {
        let pair = |before, now| TriagePair { before: Some(before), now: Some(now) };
        let edge = TriageEdge {
            n_calls: pair(1_000.0, 10.0),
            caller_ns: pair(31e6, 1.84e9),
            failed: pair(0.0, 0.314),
            gap_ns: TriagePair { before: None, now: Some(f64::NAN) },
            ..TriageEdge::default()
        };
        let rows = edge_rows(&edge);
        let texts: Vec<[&str; 4]> = rows.iter().map(|(a, b, c, d)| [*a, b, c, d]).collect();
        let expected = [
            ["calls", "1,000", "10", ""],
            ["caller sees", "31 ms", "1.84 s", "\u{d7} 59"],
            ["in between", "\u{2013}", "\u{2013}", ""],
            ["failed calls", "0 %", "31 %", "new"],
        ];
        assert_eq!(texts, expected);
    }

    /// Scenario: attributes that others have too, that no other has, and that are missing; hostile keys and values.
    /// Guarantees: the factor, or that only bad ones have it; keys and values are harmless.
    #[test]
    fn attributes_have_a_factor() {
        let attribute =
            |share_bad, share_good| TriageAttribute { share_bad, share_good, ..Default::default() };
        assert_eq!([lift(&attribute(0.71, 0.09)), lift(&attribute(0.3, 0.0))], ["\u{d7} 7.9", "only bad"]);
        let pair = TriageKeyValue { key: "k\u{202e}".to_owned(), value: None, ..Default::default() };
        assert_eq!(condition(&pair), ("k<U+202E>".to_owned(), "missing".to_owned()));
    }

    /// Scenario: a template with holes at its ends and escapes in its words.
    /// Guarantees: holes are marked, words are clean, and nothing is lost.
    #[test]
    fn templates_come_in_pieces() {
        let texts: Vec<(String, bool)> = pieces("* got \u{1b}[31m* of *");
        let expected = [("*", true), (" got ", false), ("*", true), (" of ", false), ("*", true)];
        assert_eq!(texts, expected.map(|(text, is_hole)| (text.to_owned(), is_hole)));
        assert!(pieces("").is_empty());
    }

    /// Scenario: readings in bytes, in a unit of somebody's own, and none.
    /// Guarantees: both in one unit; what is missing or no number is never a zero.
    #[test]
    fn metrics_have_readings() {
        let of = |unit: &str, before, now| {
            let value = TriagePair { before, now };
            reading(&TriageMetric { unit: unit.to_owned(), value, ..TriageMetric::default() })
        };
        assert_eq!(of("By", Some(5e5), Some(2e6)), ("0.5 MB".to_owned(), "2 MB".to_owned()));
        assert_eq!(of("\u{202e}x", None, Some(4.0)), ("\u{2013}".to_owned(), "4 <U+202E>x".to_owned()));
        assert_eq!(of("", Some(f64::NAN), Some(7.0)), ("\u{2013}".to_owned(), "7".to_owned()));
    }
}
