//! Every finding as a reason against a service, with its weight.

use super::{Evidence, EvidenceKind, Findings, SATURATION_WORTH, STATISTIC_SCALE, sentences};
use crate::excess::Excess;
use crate::flow::FlowFinding;
use crate::latency::{EdgeLatency, LatencyEvidence, Unit, UnitLatency};
use crate::origin::ErrorGroup;
use crate::saturation::Saturation;
use crate::strings::Symbol;
use crate::tables::Tables;
use crate::traces::most_common;
use std::collections::BTreeMap;

/// Reasons of a kind against one service.
const N_OF_A_KIND_MAX: usize = 3;
/// Traces that show a reason.
const N_TRACES_MAX: usize = 5;

/// Reasons by name of the service, strongest first within a kind.
type ByService = BTreeMap<String, Vec<Evidence>>;

/// Of each kind the strongest reason has the weight; for calls every edge has its own.
pub(super) fn by_service(tables: &Tables, findings: &Findings) -> ByService {
    let mut all = ByService::new();
    strongest_first(&mut all, tables, &findings.flow.findings, |finding| {
        (finding.service, flow(tables, finding))
    });
    let groups = findings.errors.groups.iter().filter(|group| group.is_finding());
    strongest_first(&mut all, tables, groups, |group| (group.service, errors(tables, group)));
    own_times(&mut all, tables, &findings.latency);
    for edge in &findings.latency.edges {
        call_times(&mut all, tables, &findings.latency, edge);
    }
    strongest_first(&mut all, tables, &findings.saturation, |found| {
        (found.service, saturation(tables, found))
    });
    if let Some(excess) = &findings.excess {
        totals(&mut all, excess);
    }
    all
}

/// Adds reasons that come strongest first: the first of a service keeps its weight, few more are named.
fn strongest_first<T>(
    all: &mut ByService,
    tables: &Tables,
    found: impl IntoIterator<Item = T>,
    reason: impl Fn(T) -> (Symbol, Evidence),
) {
    let mut n_by_service: BTreeMap<Symbol, usize> = BTreeMap::new();
    for one in found {
        let (service, evidence) = reason(one);
        let n_before = n_by_service.entry(service).or_default();
        *n_before += 1;
        if *n_before <= N_OF_A_KIND_MAX {
            let weight = if *n_before == 1 { evidence.weight } else { 0.0 };
            let name = tables.strings.text(service).to_owned();
            all.entry(name).or_default().push(Evidence { weight, ..evidence });
        }
    }
}

/// What all reasons have in common.
fn reason(kind: EvidenceKind, weight: f64, sentence: String) -> Evidence {
    Evidence {
        kind,
        weight,
        sentence,
        operation: String::new(),
        instance: String::new(),
        version: String::new(),
        dependency: String::new(),
        onset_ns: None,
        traces: Vec::new(),
    }
}

fn statistic_worth(statistic: f64) -> f64 {
    (statistic / STATISTIC_SCALE).ln_1p()
}

fn text(tables: &Tables, symbol: Symbol) -> String {
    tables.strings.text(symbol).to_owned()
}

fn flow(tables: &Tables, finding: &FlowFinding) -> Evidence {
    let sentence = sentences::flow(tables, finding);
    let evidence = reason(EvidenceKind::Flow, statistic_worth(finding.credit), sentence);
    Evidence {
        operation: text(tables, finding.operation),
        onset_ns: Some(finding.onset_ns),
        ..shown_by(tables, &finding.spans, evidence)
    }
}

fn errors(tables: &Tables, group: &ErrorGroup) -> Evidence {
    let evidence = reason(EvidenceKind::Errors, statistic_worth(group.g), sentences::errors(tables, group));
    Evidence {
        operation: text(tables, group.operation),
        dependency: group.dependency.clone().unwrap_or_default(),
        onset_ns: group.onset_ns,
        ..shown_by(tables, &group.spans, evidence)
    }
}

/// Names the instance and version that two thirds of the spans agree on, and some of their traces.
fn shown_by(tables: &Tables, spans: &[u32], evidence: Evidence) -> Evidence {
    let traces = &tables.traces;
    let of = |span: &u32| &traces.spans()[*span as usize];
    let shown = spans.iter().take(N_TRACES_MAX);
    Evidence {
        instance: text(tables, most_common(spans.iter().map(|span| of(span).instance))),
        version: text(tables, most_common(spans.iter().map(|span| of(span).version))),
        traces: shown.map(|span| traces.traces()[of(span).trace as usize].trace_id).collect(),
        ..evidence
    }
}

/// One reason per service: the mean growth of its operations, told by the one that took most of it.
fn own_times(all: &mut ByService, tables: &Tables, latency: &LatencyEvidence) {
    for (service, growth) in latency.services.iter().filter(|(_, growth)| *growth > 0.0) {
        let of_service =
            |unit: &&UnitLatency| matches!(unit.unit, Unit::Own { service: of, .. } if of == *service);
        let Some(unit) = heaviest(latency.units.iter().filter(of_service)) else { continue };
        let evidence = reason(EvidenceKind::OwnTime, *growth, sentences::own_time(tables, unit));
        let operation = match unit.unit {
            Unit::Own { operation, .. } | Unit::Gap { operation, .. } => text(tables, operation),
        };
        let evidence = Evidence { operation, ..of_unit(tables, unit, evidence) };
        all.entry(text(tables, *service)).or_default().push(evidence);
    }
}

/// One reason against each side of a call.
fn call_times(all: &mut ByService, tables: &Tables, latency: &LatencyEvidence, edge: &EdgeLatency) {
    let of_edge = |unit: &&UnitLatency| matches!(unit.unit, Unit::Gap { caller, callee, .. } if (caller, callee) == (edge.caller, edge.callee));
    let Some(unit) = heaviest(latency.units.iter().filter(of_edge)) else { return };
    for (service, weight) in [(edge.caller, edge.to_caller), (edge.callee, edge.to_callee)] {
        if weight > 0.0 {
            let evidence = reason(EvidenceKind::CallTime, weight, sentences::call_time(tables, unit));
            all.entry(text(tables, service)).or_default().push(Evidence {
                onset_ns: unit.onset_ns,
                traces: traces_of(tables, unit),
                ..evidence
            });
        }
    }
}

/// The unit that took most of the growth, the first of several.
fn heaviest<'a>(units: impl Iterator<Item = &'a UnitLatency>) -> Option<&'a UnitLatency> {
    units.reduce(|best, unit| if unit.weighted_growth() > best.weighted_growth() { unit } else { best })
}

fn of_unit(tables: &Tables, unit: &UnitLatency, evidence: Evidence) -> Evidence {
    Evidence {
        instance: text(tables, unit.instance),
        onset_ns: unit.onset_ns,
        traces: traces_of(tables, unit),
        ..evidence
    }
}

fn traces_of(tables: &Tables, unit: &UnitLatency) -> Vec<[u8; 16]> {
    unit.slowest_trace.map(|trace| tables.traces.traces()[trace as usize].trace_id).into_iter().collect()
}

fn saturation(tables: &Tables, found: &Saturation) -> Evidence {
    let weight = SATURATION_WORTH * found.taken;
    Evidence {
        instance: text(tables, found.entity),
        onset_ns: Some(found.onset_ns),
        ..reason(EvidenceKind::Saturation, weight, sentences::saturation(tables, found))
    }
}

/// A node weighs its share, times how far the target is beyond an ordinary day.
fn totals(all: &mut ByService, excess: &Excess) {
    let worth = if excess.strength < 1.0 { excess.strength / 2.0 } else { 1.0 + excess.strength.ln() };
    for node in excess.nodes.iter().filter(|node| node.share > 0.0) {
        let sentence = sentences::excess(excess, node);
        let evidence = reason(EvidenceKind::Excess, node.share * worth, sentence);
        all.entry(node.node.clone()).or_default().push(evidence);
    }
}
