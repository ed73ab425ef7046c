//! What a report says first: who broke first and when, how sure that is, and whom it speaks of.
//!
//! Names stay as they came; the page shows them as names. Sentences of the server are cleaned here.

use super::{log_text, name_text, order};
use crate::format::{self, Zone};
use wire::{TriageEvidence, TriageReport, TriageSuspect, TriageVerdict, UnixNanos};

/// From these confidences on the verdict has these words; below, chance gives as much.
const WORDS: [(f64, &str); 3] = [(0.8, "high"), (0.6, "fair"), (0.0, "low")];
/// Sentences under the verdict; the evidence has the others.
const SENTENCES_MAX: usize = 2;

/// The verdict as one line: names, what they did, when, and what else may have been.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    /// A service, or the one that called and what it called.
    pub names: Vec<String>,
    pub words: String,
    pub at: Option<UnixNanos>,
    pub rest: String,
}

pub fn line(report: &TriageReport) -> Line {
    let origin = origin(report).filter(|_| report.verdict != TriageVerdict::NoClearOrigin);
    let Some(origin) = origin else {
        return Line { words: log_text::line(&report.headline), ..Line::default() };
    };
    let called = heaviest(origin).and_then(|evidence| evidence.dependency.clone());
    let names = [Some(origin.name.clone()), called.filter(|name| !name.is_empty())];
    let is_sure = report.verdict == TriageVerdict::Origin;
    let other = next(report).filter(|_| !is_sure);
    Line {
        names: names.into_iter().flatten().collect(),
        words: if is_sure { "broke first" } else { "may have broken first" }.to_owned(),
        at: report.onset.map(|onset| onset.at),
        rest: other
            .map(|other| format!("; {} is nearly as likely", name_text::inline(&other.name)))
            .unwrap_or_default(),
    }
}

/// The first suspect; its parts may stand before it in the list.
pub fn origin(report: &TriageReport) -> Option<&TriageSuspect> {
    services(report).next()
}

/// The second one.
pub fn next(report: &TriageReport) -> Option<&TriageSuspect> {
    services(report).nth(1)
}

fn services(report: &TriageReport) -> impl Iterator<Item = &TriageSuspect> {
    report.suspects.iter().filter(|suspect| suspect.kind == "service")
}

fn heaviest(suspect: &TriageSuspect) -> Option<&TriageEvidence> {
    let weighty = suspect.evidence.iter().filter(|evidence| evidence.weight > 0.0);
    weighty.max_by(|a, b| a.weight.total_cmp(&b.weight))
}

/// What supports the headline, without what the evidence below says anyway.
pub fn so(report: &TriageReport) -> String {
    let sentences = report.sentences.iter().take(SENTENCES_MAX).map(|sentence| log_text::line(sentence));
    sentences.collect::<Vec<_>>().join(" ")
}

/// Two decimals and a word.
pub fn confidence(value: f64) -> (String, &'static str) {
    let word = WORDS.iter().find(|(from, _)| value >= *from).map_or("low", |(_, word)| *word);
    (super::decimal::fixed(value.clamp(0.0, 1.0), 2), word)
}

/// Kinds of evidence that speak for the first suspect, the weightiest first, and whether each is a strong one: at
/// least half as heavy as the first.
pub fn kinds(report: &TriageReport) -> Vec<(&'static str, bool)> {
    let Some(origin) = origin(report) else { return Vec::new() };
    let mut sums: Vec<(&'static str, f64)> = Vec::new();
    for evidence in origin.evidence.iter().filter(|evidence| evidence.weight > 0.0) {
        let kind = kind_words(&evidence.kind);
        match sums.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, sum)) => *sum += evidence.weight,
            None => sums.push((kind, evidence.weight)),
        }
    }
    order::sort(&mut sums, |a, b| b.1.total_cmp(&a.1));
    let heaviest = sums.first().map_or(0.0, |(_, sum)| *sum);
    sums.into_iter().map(|(kind, sum)| (kind, 2.0 * sum >= heaviest)).collect()
}

pub fn kind_words(kind: &str) -> &'static str {
    match kind {
        "flow" => "course of requests",
        "errors" => "errors",
        "own_time" => "own time",
        "call_time" => "calls",
        "saturation" => "resources",
        "excess" => "loss in the call graph",
        _ => "other evidence",
    }
}

/// What is asked about: window, service, operation, kind of trouble.
pub fn scope(report: &TriageReport, zone: Zone) -> String {
    let window = report.window;
    let (from, to) = (format::time_near(window.from, window.to, zone), format::time(window.to, zone));
    let scope = &report.scope;
    let service = scope.service.as_deref().map(name_text::inline);
    let operation = scope.operation.as_deref().map(name_text::inline);
    let about = [operation, service].into_iter().flatten().collect::<Vec<_>>().join(" of ");
    let about = if about.is_empty() { "all services".to_owned() } else { about };
    let indicator = match scope.indicator.as_deref() {
        Some("availability") => ", failures",
        Some("latency") => ", slowness",
        _ => "",
    };
    format!("{about}{indicator}, {from} \u{2013} {to}")
}

/// `2,316 of 18,402 requests slow or failed` and their share.
pub fn impact(report: &TriageReport) -> (String, String) {
    let words = format!(
        "{} of {} failed or slow",
        format::count(report.n_bad),
        format::counted(report.n_requests, "request", "requests")
    );
    let share = (report.n_requests > 0).then(|| report.n_bad as f64 / report.n_requests as f64);
    (words, format::percent_or_missing(share))
}

/// `onset 12:03:20 +- 15 s`: the larger side of the uncertainty.
pub fn onset(report: &TriageReport, zone: Zone) -> Option<String> {
    let onset = report.onset?;
    let early = onset.at.0.saturating_sub(onset.earliest.0);
    let late = onset.latest.0.saturating_sub(onset.at.0);
    let give_ns = early.max(late).max(0);
    // Half seconds are no news beside minutes.
    let seconds = (give_ns / 1_000_000_000).max(1) * 1_000_000_000;
    let at = format::time_near(onset.at, report.window.to, zone);
    Some(format!("onset {at} \u{b1} {}", format::duration(seconds)))
}

/// What was read, for the foot of the report.
pub fn read(report: &TriageReport, zone: Zone) -> String {
    let read = &report.read;
    let amounts = [
        format::counted(read.n_spans, "span", "spans"),
        format::counted(read.n_logs, "log line", "log lines"),
        format::counted(read.n_points, "data point", "data points"),
    ];
    let share = match read.traces_one_in {
        ..=1 => String::new(),
        n => format!(", of one trace in {}", format::count(n.into())),
    };
    format!(
        "Asked at {} about {}{share}, in {}.",
        format::time_near(report.asked_at, report.window.to, zone),
        amounts.join(", "),
        format::duration(i64::from(report.elapsed_ms) * 1_000_000)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{TriageOnset, TriageScope, TriageSpan};

    fn evidence(kind: &str, weight: f64, dependency: Option<&str>) -> TriageEvidence {
        let dependency = dependency.map(str::to_owned);
        TriageEvidence { kind: kind.to_owned(), weight, dependency, ..TriageEvidence::default() }
    }

    fn suspect(kind: &str, name: &str, evidence: Vec<TriageEvidence>) -> TriageSuspect {
        TriageSuspect { kind: kind.to_owned(), name: name.to_owned(), evidence, ..TriageSuspect::default() }
    }

    /// 2026-11-22T12:03:20Z.
    const AT: UnixNanos = UnixNanos(1_795_349_000_000_000_000);

    fn report(verdict: TriageVerdict) -> TriageReport {
        let second = 1_000_000_000;
        let calls = vec![
            evidence("call_time", 2.0, Some("orders-db")),
            evidence("errors", 0.5, None),
            evidence("flow", 0.0, None),
            evidence("errors", 0.75, Some("other")),
        ];
        TriageReport {
            verdict,
            headline: "No clear origin: web stands out most.".to_owned(),
            onset: Some(TriageOnset {
                at: AT,
                earliest: UnixNanos(AT.0 - 15 * second),
                latest: UnixNanos(AT.0 + 9 * second),
            }),
            window: TriageSpan { from: AT, to: UnixNanos(AT.0 + 720 * second) },
            suspects: vec![
                suspect("dependency", "orders-db", Vec::new()),
                suspect("service", "order-service", calls),
                suspect("service", "payment-api", Vec::new()),
            ],
            n_requests: 18_402,
            n_bad: 2_316,
            ..TriageReport::default()
        }
    }

    /// Scenario: a sure verdict, an unsure one, and none.
    /// Guarantees: the service and what it called are named, with the time; the unsure one names the next; none names
    /// nobody as the origin.
    #[test]
    fn verdicts_have_a_line() {
        let sure = line(&report(TriageVerdict::Origin));
        assert_eq!(sure.names, ["order-service", "orders-db"]);
        assert_eq!((sure.words.as_str(), sure.at, sure.rest.as_str()), ("broke first", Some(AT), ""));
        let possible = line(&report(TriageVerdict::Possible));
        assert_eq!(possible.words, "may have broken first");
        assert_eq!(possible.rest, "; payment-api is nearly as likely");
        let none = line(&report(TriageVerdict::NoClearOrigin));
        assert_eq!((none.names.len(), none.at), (0, None));
        assert_eq!(none.words, "No clear origin: web stands out most.");
    }

    /// Scenario: evidence of several kinds, some twice, some without weight.
    /// Guarantees: kinds come once, the heaviest first; light ones are not strong, weightless ones are left out.
    #[test]
    fn kinds_are_weighed() {
        let report = report(TriageVerdict::Origin);
        assert_eq!(kinds(&report), [("calls", true), ("errors", true)]);
        assert!(kinds(&TriageReport::default()).is_empty());
        assert_eq!([0.91, 0.7, 0.3].map(|value| confidence(value).1), ["high", "fair", "low"]);
        assert_eq!(confidence(0.912).0, "0.91");
    }

    /// Scenario: the facts around the verdict, of one service, and of everything.
    /// Guarantees: counts, shares, times and the larger side of the uncertainty, in words.
    #[test]
    fn facts_are_told() {
        let mut report = report(TriageVerdict::Origin);
        assert_eq!(
            impact(&report),
            ("2,316 of 18,402 requests failed or slow".to_owned(), "13 %".to_owned())
        );
        assert_eq!(onset(&report, Zone::Utc).as_deref(), Some("onset 12:03:20 \u{b1} 15 s"));
        assert_eq!(scope(&report, Zone::Utc), "all services, 12:03:20 \u{2013} 12:15:20");
        report.scope = TriageScope {
            service: Some("checkout".to_owned()),
            operation: Some("POST /".to_owned()),
            indicator: Some("latency".to_owned()),
            threshold_ns: None,
        };
        assert_eq!(scope(&report, Zone::Utc), "POST / of checkout, slowness, 12:03:20 \u{2013} 12:15:20");
        assert_eq!(impact(&TriageReport::default()).1, "\u{2013}");
        report.read.traces_one_in = 3;
        assert!(
            read(&report, Zone::Utc).contains("of one trace in 3, in 0 ns."),
            "{}",
            read(&report, Zone::Utc)
        );
    }

    /// Scenario: sentences and names with terminal escapes, direction overrides and endless length.
    /// Guarantees: nothing invisible is left, and a sentence has a bounded length.
    #[test]
    fn hostile_texts_are_harmless() {
        let mut report = report(TriageVerdict::NoClearOrigin);
        report.headline = format!("\u{1b}[31mred\u{1b}[0m \u{202e}{}", "x".repeat(100_000));
        report.sentences = vec!["a\u{0}b <b>".to_owned(); 3];
        report.scope.service = Some("\u{202e}evil".to_owned());
        let words = line(&report).words;
        assert!(words.starts_with("red <U+202E>x") && words.chars().count() < 500);
        assert_eq!(so(&report), "a\\0b <b> a\\0b <b>");
        assert!(scope(&report, Zone::Utc).starts_with("<U+202E>evil"));
    }
}
