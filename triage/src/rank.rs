//! The ranking: one score per suspect, and the honest answer where there is none.
//!
//! A service's score is the sum of its evidence: flow, errors, latency and saturation. Each kind explains away what
//! follows from a cause elsewhere (flow charges only where a trace first left its course, errors only where
//! they begin, latency only own time), so the sum needs no walk over the service graph. Every part is about 0.2 to 0.8 under noise and
//! 1.5 to 13 under a fault. Where no traces are, totals of the call graph's nodes decide.
//!
//! Instances, operations, dependencies and releases are suspects by the evidence that names them, and never
//! outrank their service.

mod evidence;
mod sentences;
#[cfg(test)]
mod tests;

use crate::excess::{Excess, excess};
use crate::flow::{FlowEvidence, flow};
use crate::input::{Limits, Stretch, TriageInput};
use crate::latency::{LatencyEvidence, latency};
use crate::origin::{ErrorEvidence, errors};
use crate::saturation::{Saturation, saturation};
use crate::strings::Strings;
use crate::tables::Tables;
use std::collections::{BTreeMap, HashSet};

/// Statistic that is worth 0.7 (the logarithm of two) as evidence.
const STATISTIC_SCALE: f64 = 20.0;
/// Worth of a resource that was taken up whole.
const SATURATION_WORTH: f64 = 2.0;
/// Score from which a suspect is more than noise.
const CLEAR_SCORE: f64 = 1.0;
/// By how much the first must lead for it to be the origin.
const CLEAR_LEAD: f64 = 1.15;
/// Services in a ranking.
const N_SERVICES_MAX: usize = 100;

/// All that was found out, kind by kind.
#[derive(Debug, Default)]
pub struct Findings {
    pub errors: ErrorEvidence,
    pub flow: FlowEvidence,
    pub latency: LatencyEvidence,
    pub saturation: Vec<Saturation>,
    /// Only where no traces are.
    pub excess: Option<Excess>,
    /// Traces of the window that were compared.
    pub n_traces: usize,
}

/// Who is to blame.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    pub verdict: Verdict,
    /// Highest score first; a service before the parts of it that score the same.
    pub suspects: Vec<Suspect>,
}

/// What the ranking amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The first suspect is where it began.
    Origin,
    /// The first suspect may be, but the second is nearly as likely.
    Possible,
    /// Nothing stands out of the noise.
    NoClearOrigin,
}

/// What may be to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SuspectKind {
    Service,
    Dependency,
    Release,
    Instance,
    Operation,
}

/// One suspect.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    pub kind: SuspectKind,
    /// The service itself, or the one that it belongs to or calls it.
    pub service: String,
    /// Of what the kind says.
    pub name: String,
    pub score: f64,
    /// The weights of a service's evidence add up to its score.
    pub evidence: Vec<Evidence>,
}

/// One reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    pub kind: EvidenceKind,
    /// 0 where a stronger one of its kind counts already.
    pub weight: f64,
    pub sentence: String,
    /// Empty where it is not about one; likewise below.
    pub operation: String,
    pub instance: String,
    pub version: String,
    pub dependency: String,
    pub onset_ns: Option<i64>,
    /// Ids of up to five traces that show it.
    pub traces: Vec<[u8; 16]>,
}

/// Where a reason comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvidenceKind {
    Flow,
    Errors,
    OwnTime,
    /// Time between both sides of a call.
    CallTime,
    Saturation,
    /// Totals of a node without traces.
    Excess,
}

impl Suspect {
    /// The score as a number from 0 to 1.
    pub fn confidence(&self) -> f64 {
        self.score / (self.score + 1.0)
    }
}

/// Collects every kind of evidence, on two threads. O(n log n) for n rows; about 0.2 GB for 1M spans beside the tables.
pub fn findings(input: &TriageInput<'_>, tables: &Tables, limits: &Limits) -> Findings {
    let compared = tables.traces.traces().iter().filter(|trace| trace.stretch == Stretch::Window);
    let n_traces = compared.count();
    let (latency, errors, flow) = std::thread::scope(|scope| {
        let latency = scope.spawn(|| latency(input, tables));
        let errors = errors(input, tables);
        let flow = flow(input, tables, limits, &errors.explained);
        (latency.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), errors, flow)
    });
    Findings {
        errors,
        flow,
        latency,
        saturation: saturation(input, tables),
        excess: if n_traces == 0 { excess(input, tables) } else { None },
        n_traces,
    }
}

/// Combines the evidence.
pub fn rank(tables: &Tables, findings: &Findings) -> Ranking {
    let by_service = evidence::by_service(tables, findings);
    let mut services: Vec<Suspect> = by_service
        .into_iter()
        .map(|(service, evidence)| Suspect {
            kind: SuspectKind::Service,
            name: service.clone(),
            service,
            score: evidence.iter().map(|one| one.weight).sum(),
            evidence,
        })
        .filter(|suspect| suspect.score > 0.0)
        .collect();
    services.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.name.cmp(&b.name)));
    services.truncate(N_SERVICES_MAX);
    let verdict = verdict(&services);
    let versioned = services_with_versions(tables);
    let parts: Vec<Suspect> = services.iter().flat_map(|service| parts(service, &versioned)).collect();
    let mut suspects = services;
    suspects.extend(parts);
    suspects.sort_by(|a, b| {
        let by_score = b.score.total_cmp(&a.score).then(a.kind.cmp(&b.kind));
        by_score.then_with(|| (&a.name, &a.service).cmp(&(&b.name, &b.service)))
    });
    Ranking { verdict, suspects }
}

fn verdict(services: &[Suspect]) -> Verdict {
    let score = |at: usize| services.get(at).map_or(0.0, |suspect| suspect.score);
    match (score(0), score(1)) {
        (first, _) if first < CLEAR_SCORE => Verdict::NoClearOrigin,
        (first, second) if first < CLEAR_LEAD * second => Verdict::Possible,
        _ => Verdict::Origin,
    }
}

/// Of one version alone nothing can be said that does not hold of the service.
fn services_with_versions(tables: &Tables) -> HashSet<String> {
    let spans = tables.traces.spans().iter().filter(|span| !span.version.is_empty());
    let versions: HashSet<_> = spans.map(|span| (span.service, span.version)).collect();
    let mut n_versions = BTreeMap::new();
    for (service, _) in versions {
        *n_versions.entry(service).or_insert(0) += 1;
    }
    let several = n_versions.into_iter().filter(|(_, n_versions)| *n_versions > 1);
    several.map(|(service, _)| text(&tables.strings, service)).collect()
}

fn text(strings: &Strings, symbol: crate::strings::Symbol) -> String {
    strings.text(symbol).to_owned()
}

/// The instances, operations, dependencies and releases that a service's evidence names, each with the strongest.
fn parts(service: &Suspect, versioned: &HashSet<String>) -> Vec<Suspect> {
    let mut strongest: BTreeMap<(SuspectKind, &str), &Evidence> = BTreeMap::new();
    for evidence in service.evidence.iter().filter(|evidence| evidence.weight > 0.0) {
        let version = if versioned.contains(&service.name) { evidence.version.as_str() } else { "" };
        let names = [
            (SuspectKind::Dependency, evidence.dependency.as_str()),
            (SuspectKind::Release, version),
            (SuspectKind::Instance, evidence.instance.as_str()),
            (SuspectKind::Operation, evidence.operation.as_str()),
        ];
        for key in names.into_iter().filter(|(_, name)| !name.is_empty()) {
            let known = strongest.entry(key).or_insert(evidence);
            if evidence.weight > known.weight {
                *known = evidence;
            }
        }
    }
    let suspects = strongest.into_iter().map(|((kind, name), evidence)| Suspect {
        kind,
        service: service.name.clone(),
        name: name.to_owned(),
        score: evidence.weight,
        evidence: vec![evidence.clone()],
    });
    suspects.collect()
}
