//! Whose every moment of a request is, summed up by part.

use super::{CohortRequest, PathPart};
use crate::critical_path::{PathSpan, Section};
use crate::facts::{path_below, path_spans};
use crate::skew::clock_shifts;
use crate::traces::{SpanKind, Traces};
use std::collections::HashMap;

/// What one request is charged for a part at most, some 39 hours: sums of them stay whole numbers of 128 bits.
const CHARGE_NS_MAX: i64 = 1 << 47;

/// All parts that occur, numbered by first appearance.
#[derive(Default)]
pub(super) struct Ledger {
    parts: Vec<PathPart>,
    numbers: HashMap<PathPart, usize>,
}

/// Charges of the requests of a cohort.
pub(super) struct Charges {
    /// Charges of request `i` are `items[first[i]..first[i + 1]]`, each part once.
    first: Vec<usize>,
    items: Vec<(usize, i64)>,
    weights: Vec<u32>,
}

/// The parts that are told, and what became of each.
pub(super) struct Names {
    pub(super) parts: Vec<PathPart>,
    /// New number of each part of the ledger.
    new: Vec<usize>,
}

/// The trace of the request before, whose spans the next may share.
struct Opened {
    trace: usize,
    spans: Vec<PathSpan>,
}

impl Ledger {
    pub(super) fn enter(&mut self, traces: &Traces, requests: &[CohortRequest]) -> Charges {
        let mut charges = Charges { first: vec![0], items: Vec::new(), weights: Vec::new() };
        let mut opened: Option<Opened> = None;
        for request in requests {
            let trace = traces.spans()[request.span].trace as usize;
            let open = opened.take().filter(|open| open.trace == trace).unwrap_or_else(|| Opened {
                trace,
                spans: path_spans(traces, trace, &clock_shifts(traces, trace)),
            });
            let first = traces.traces()[trace].spans.start;
            let sections = path_below(traces, request.span, first, &open.spans);
            self.charge(traces, first, &sections, &mut charges);
            charges.weights.push(request.weight.max(1));
            opened = Some(open);
        }
        charges
    }

    fn charge(&mut self, traces: &Traces, first: usize, sections: &[Section], charges: &mut Charges) {
        let mut of_request: Vec<(usize, i64)> = Vec::with_capacity(sections.len());
        for section in sections {
            let part = self.number(part(traces, first + section.span));
            of_request.push((part, section.to_ns.saturating_sub(section.from_ns)));
        }
        of_request.sort_unstable();
        for of_part in of_request.chunk_by(|a, b| a.0 == b.0) {
            let sum = of_part.iter().fold(0_i64, |sum, (_, ns)| sum.saturating_add(*ns));
            charges.items.push((of_part[0].0, sum.min(CHARGE_NS_MAX)));
        }
        charges.first.push(charges.items.len());
    }

    fn number(&mut self, part: PathPart) -> usize {
        if let Some(&number) = self.numbers.get(&part) {
            return number;
        }
        self.numbers.insert(part.clone(), self.parts.len());
        self.parts.push(part);
        self.parts.len() - 1
    }

    /// The parts that differ most by name, and one for all others.
    pub(super) fn keep_largest(&self, cohorts: [&Charges; 2], n_max: usize) -> Names {
        let [bad, baseline] = cohorts.map(|charges| charges.means(self.parts.len()));
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        let difference = |at: usize| (bad[at] - baseline[at]).unsigned_abs();
        order.sort_by(|&a, &b| {
            difference(b).cmp(&difference(a)).then_with(|| self.parts[a].cmp(&self.parts[b]))
        });
        let mut new = vec![n_max.min(order.len()); self.parts.len()];
        for (number, &at) in order.iter().take(n_max).enumerate() {
            new[at] = number;
        }
        let mut parts: Vec<PathPart> = order.iter().take(n_max).map(|&at| self.parts[at].clone()).collect();
        if order.len() > n_max {
            parts.push(PathPart::Others);
        }
        Names { parts, new }
    }
}

/// A call with its far side is on its way while its callee does not work; one without waits for what nobody sees.
fn part(traces: &Traces, span: usize) -> PathPart {
    let of = &traces.spans()[span];
    if let Some(callee) = traces.callee(span) {
        let callee = &traces.spans()[callee];
        return PathPart::Between { caller: of.service, callee: callee.service, operation: callee.operation };
    }
    if of.kind == SpanKind::Client && traces.children(span).is_empty() {
        return PathPart::Unseen { caller: of.service, peer: peer(traces, span) };
    }
    PathPart::Work { service: of.service, operation: of.operation }
}

/// What a call says of its far side: the service, the database, the queue or the host.
pub(crate) fn peer(traces: &Traces, span: usize) -> String {
    let detail = |column| Some(traces.detail(span, column)).filter(|text| !text.is_empty());
    if let Some(system) = detail("db_system_name") {
        return [Some(system), detail("db_namespace")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    }
    if let Some(system) = detail("messaging_system") {
        return [Some(system), detail("messaging_destination_name")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
    }
    let sent = |key| traces.attribute(span, key).filter(|text| !text.is_empty());
    let names = [detail("peer_service"), detail("server_address"), sent("net.peer.name")];
    names.into_iter().flatten().next().unwrap_or_default().to_owned()
}

impl Charges {
    pub(super) fn n_requests(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn of_request(&self, request: usize) -> (&[(usize, i64)], u32) {
        (&self.items[self.first[request]..self.first[request + 1]], self.weights[request])
    }

    /// Weighted mean of each part in whole nanoseconds, which add up to the whole's, rounded down: what is
    /// left over goes to the parts with the largest remainders.
    pub(super) fn means(&self, n_parts: usize) -> Vec<i64> {
        let mut sums = vec![0_i128; n_parts];
        let mut weight = 0_i128;
        for request in 0..self.n_requests() {
            let (items, of_request) = self.of_request(request);
            weight += i128::from(of_request);
            for (part, ns) in items {
                sums[*part] += i128::from(*ns) * i128::from(of_request);
            }
        }
        shared_out(&sums, weight.max(1))
    }

    pub(super) fn renamed(mut self, names: &Names) -> Self {
        for item in &mut self.items {
            item.0 = names.new[item.0];
        }
        self
    }
}

/// Each sum divided, rounded so that the quotients add up to the divided total.
fn shared_out(sums: &[i128], by: i128) -> Vec<i64> {
    let mut quotients: Vec<i64> =
        sums.iter().map(|sum| i64::try_from(sum / by).unwrap_or(i64::MAX)).collect();
    let total: i128 = sums.iter().sum::<i128>() / by;
    let given: i128 = sums.iter().map(|sum| sum / by).sum();
    let mut order: Vec<usize> = (0..sums.len()).collect();
    order.sort_by_key(|&at| (-(sums[at] % by), at));
    for &at in order.iter().take(usize::try_from(total - given).unwrap_or(0)) {
        quotients[at] += 1;
    }
    quotients
}
