//! The report in words: its verdict, and what speaks for it.

use super::words::{apart, clock, duration, listed, percent, shortened};
use super::{Onset, Report};
use crate::rank::{Suspect, SuspectKind, Verdict};

/// Sentences of the first suspect's evidence, and of all.
const EVIDENCE_MAX: usize = 3;
const SENTENCES_MAX: usize = 8;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 80;

/// The verdict in one sentence.
pub(super) fn headline(verdict: Verdict, suspects: &[Suspect], onset: Option<Onset>) -> String {
    let mut services = suspects.iter().filter(|suspect| suspect.kind == SuspectKind::Service);
    let (Some(first), second) = (services.next(), services.next()) else {
        return "No clear origin: nothing stands out of the usual.".to_owned();
    };
    let name = |suspect: &Suspect| shortened(&suspect.name, NAME_CHARS_MAX);
    let since = onset.map_or_else(String::new, |onset| format!(" at {}", clock(onset.at_ns)));
    match verdict {
        Verdict::Origin => format!("{}{} broke first{since}.", name(first), calling(first)),
        Verdict::Possible => {
            let other =
                second.map_or_else(String::new, |second| format!("; {} is nearly as likely", name(second)));
            format!("{}{} may have broken first{since}{other}.", name(first), calling(first))
        }
        Verdict::NoClearOrigin => {
            format!("No clear origin: {} stands out most, but no more than by chance.", name(first))
        }
    }
}

/// What the service failed in calling, where its weightiest evidence says so.
fn calling(service: &Suspect) -> String {
    let weighty = service.evidence.iter().filter(|evidence| evidence.weight > 0.0);
    let heaviest = weighty.max_by(|a, b| a.weight.total_cmp(&b.weight));
    match heaviest.map(|evidence| evidence.dependency.as_str()).filter(|name| !name.is_empty()) {
        Some(dependency) => format!(", calling {},", shortened(dependency, NAME_CHARS_MAX)),
        None => String::new(),
    }
}

/// What speaks for the verdict, the weightiest first; nothing where nothing does.
pub(super) fn sentences(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    if report.verdict == Verdict::NoClearOrigin {
        return sentences;
    }
    let first = report.suspects.iter().find(|suspect| suspect.kind == SuspectKind::Service);
    let mut evidence: Vec<_> = first.into_iter().flat_map(|first| &first.evidence).collect();
    evidence.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    sentences.extend(evidence.into_iter().take(EVIDENCE_MAX).map(|one| one.sentence.clone()));
    sentences.extend(report.latency.as_ref().and_then(of_latency));
    sentences.extend(report.edges.first().map(|edge| edge.sentence.clone()));
    let attributes = report.attributes.as_ref().and_then(|attributes| attributes.kept.first());
    sentences.extend(attributes.map(|attribute| attribute.sentence.clone()));
    sentences.extend(report.templates.first().map(|template| template.sentence.clone()));
    sentences
        .extend(report.changes.iter().find(|change| change.is_near).map(|change| change.sentence.clone()));
    sentences.extend(report.metrics.first().map(|metric| metric.sentence.clone()));
    sentences.extend(affected(report));
    sentences.truncate(SENTENCES_MAX);
    sentences
}

/// "Of 1.53 s added to 2,316 slow requests, order-service SELECT orders has 87 %."
fn of_latency(latency: &super::Latency) -> Option<String> {
    let part = latency.parts.first()?;
    let added = latency.now_ns - latency.before_ns;
    let what = match &part.callee {
        Some(callee) => format!("the way from {} to {callee}", part.service),
        None if part.operation.is_empty() => part.service.clone(),
        None => format!("{} of {}", part.operation, part.service),
    };
    (added > 0.0).then(|| {
        format!(
            "Of {} added on the critical path, {} has {}.",
            duration(added),
            shortened(&what, NAME_CHARS_MAX),
            percent(part.share)
        )
    })
}

/// "It reaches order-service, checkout and web-frontend."
fn affected(report: &Report) -> Option<String> {
    let reached = report.affected.iter().filter(|one| one.n_hops.is_some_and(|n| n > 0));
    let names: Vec<String> = reached.map(|one| shortened(&one.service, NAME_CHARS_MAX)).collect();
    (!names.is_empty()).then(|| format!("It reaches {}.", listed(&names)))
}

/// "29 s before it began", "6 min after".
pub(super) fn beside_onset(at_ns: i64, onset: Option<Onset>) -> String {
    match onset.map(|onset| at_ns.saturating_sub(onset.at_ns)) {
        None => String::new(),
        Some(late) if late <= 0 => format!(", {} before it began", apart(late)),
        Some(late) => format!(", {} after it began", apart(late)),
    }
}
