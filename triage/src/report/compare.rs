//! Two sides held against each other: requests of two times, of two releases, inside and outside of a box of a heatmap,
//! or two traces.
//!
//! The first side is what is looked at, the second what it is held against. Three questions are answered: which
//! attributes tell them apart, where on the critical path the difference in time lies, and which calls only one
//! of them makes. Neither side need be bad, so that nobody is suspected here.

mod figures;
mod tree;

#[cfg(test)]
mod tests;

use super::attributes::{key_value, ruled_out, words};
use super::latency::told;
use super::words::{count, counted, duration, listed, percent};
use super::{Attribute, Attributes, Latency, Mark};
use crate::cohort::{CohortLimits, CohortRequest, cohort_path};
use crate::columns::Source;
use crate::input::{InputError, Limits, Scope, TriageInput, Window};
use crate::lift::{LiftAim, LiftFinding, LiftLimits, LiftMember, LiftSide, lift_with};
use crate::statistics::{hash_of_trace, ratio};
use crate::strings::Symbol;
use crate::tables::Tables;
use arrow::array::RecordBatch;
use std::collections::{BTreeSet, HashSet};

pub use figures::SideFigures;
pub use tree::{NodeFigures, TreeNode};

/// Attributes of one comparison that are told.
const KEPT_MAX: usize = 20;
/// Requests of a side, without which any share is chance.
const N_LOW: u64 = 20;

/// Where the ids of requests are.
const TABLE: &str = "spans";

/// What is held against what: the first side is looked at, the second is what it is held against.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    pub sides: [ComparedSide<'a>; 2],
    /// All spans of some traces of both sides.
    pub traces: &'a [RecordBatch],
    /// Keys of attributes that the sides were chosen by.
    pub known_keys: &'a [String],
    /// The first side failed and the second are the others: what only failed requests say is a symptom.
    pub is_of_failures: bool,
    /// Rows beyond a bound were left out.
    pub is_cut: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum ComparedSide<'a> {
    Requests {
        /// Rows of table `spans`, with attributes: a sample of the requests by trace.
        rows: &'a [RecordBatch],
        /// All that there are, of which those are one in so many.
        n: u64,
        n_errors: u64,
        one_in: u32,
    },
    /// One trace, as it was entered.
    Trace([u8; 16]),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What stands out, one sentence each.
    pub sentences: Vec<String>,
    pub sides: [SideFigures; 2],
    /// None between two traces.
    pub attributes: Option<Attributes>,
    /// `now` is the first side and `before` the second. None where no trace of a side was read.
    pub latency: Option<Latency>,
    /// Parents before their children: all calls of both sides, or those that differ most.
    pub tree: Vec<TreeNode>,
    /// Places of the tree that are not told.
    pub n_tree_left_out: u64,
    pub marks: Vec<Mark>,
}

/// Which spans are the requests of a side.
enum Members {
    Requests(HashSet<([u8; 16], [u8; 8])>),
    Trace([u8; 16]),
}

/// What was read, and the requests of each side in it.
struct Rows {
    tables: Tables,
    requests: [Vec<usize>; 2],
}

/// Holds the sides against each other.
///
/// O(n log n) for n rows, and what lift, critical paths and the tree say of themselves; their limits bound what is
/// looked at. Memory: the tables of [`Limits`] for both kinds of rows, and 40 bytes for each request.
pub fn compare(compared: &Compared<'_>, limits: &Limits) -> Result<Comparison, InputError> {
    let members = [Members::of(&compared.sides[0])?, Members::of(&compared.sides[1])?];
    let attributed: Vec<RecordBatch> = compared.sides.iter().flat_map(ComparedSide::rows).cloned().collect();
    let read = Rows::read(&attributed, &members, limits)?;
    let traced = Rows::read(compared.traces, &members, limits)?;
    let sides = [0, 1].map(|side| figures::figures(&compared.sides[side], &read, &traced, side));
    let attributes = attributes(compared, &read, &sides);
    let latency = latency(&traced);
    let (tree, n_tree_left_out) = tree::tree(&traced.tables, &traced.requests);
    Ok(Comparison {
        sentences: sentences(&sides, latency.as_ref(), attributes.as_ref()),
        marks: marks(compared, &traced, &sides),
        sides,
        attributes,
        latency,
        tree,
        n_tree_left_out,
    })
}

/// Of whose traces all spans should be read, at most `n_max` of each side: those with the smallest hashes, so that they
/// are the same whenever it is asked. O(rows log rows).
pub fn traces_to_read(sides: [ComparedSide<'_>; 2], n_max: usize) -> Result<[Vec<[u8; 16]>; 2], InputError> {
    let of = |side: &ComparedSide<'_>| -> Result<Vec<[u8; 16]>, InputError> {
        let mut ids: Vec<[u8; 16]> = match Members::of(side)? {
            Members::Trace(id) => vec![id],
            Members::Requests(ids) => ids.into_iter().map(|(trace_id, _)| trace_id).collect(),
        };
        ids.sort_unstable_by_key(|id| (hash_of_trace(id), *id));
        ids.dedup();
        ids.truncate(n_max);
        Ok(ids)
    };
    Ok([of(&sides[0])?, of(&sides[1])?])
}

impl<'a> ComparedSide<'a> {
    fn rows(&self) -> &'a [RecordBatch] {
        match *self {
            Self::Requests { rows, .. } => rows,
            Self::Trace(_) => &[],
        }
    }
}

impl Members {
    fn of(side: &ComparedSide<'_>) -> Result<Self, InputError> {
        let batches = match side {
            ComparedSide::Trace(id) => return Ok(Self::Trace(*id)),
            ComparedSide::Requests { rows, .. } => rows,
        };
        let mut ids = HashSet::new();
        for batch in batches.iter() {
            let source = Source { table: TABLE, batch };
            let trace_ids = source.required_id::<16>("trace_id")?;
            let span_ids = source.required_id::<8>("span_id")?;
            ids.extend((0..batch.num_rows()).filter_map(|row| trace_ids.get(row).zip(span_ids.get(row))));
        }
        Ok(Self::Requests(ids))
    }

    fn has(&self, tables: &Tables, span: usize) -> bool {
        let one = &tables.traces.spans()[span];
        let trace = &tables.traces.traces()[one.trace as usize];
        match self {
            Self::Requests(ids) => ids.contains(&(trace.trace_id, one.span_id)),
            Self::Trace(id) => trace.trace_id == *id && trace.entry == span,
        }
    }
}

impl Rows {
    /// A request that both sides describe is of the first.
    fn read(batches: &[RecordBatch], members: &[Members; 2], limits: &Limits) -> Result<Self, InputError> {
        // Times are of no matter: who belongs to which side is told.
        let nothing = Window { from_ns: 0, to_ns: 0 };
        let scope = Scope::default();
        let input = TriageInput {
            spans: batches,
            logs: &[],
            metrics: &[],
            calls: &[],
            window: nothing,
            baselines: &[],
            asked_at_ns: 0,
            scope: &scope,
        };
        let tables = Tables::read(&input, limits)?;
        let mut requests = [Vec::new(), Vec::new()];
        for span in 0..tables.traces.spans().len() {
            if let Some(side) = members.iter().position(|side| side.has(&tables, span)) {
                requests[side].push(span);
            }
        }
        Ok(Self { tables, requests })
    }
}

/// None between two traces.
fn attributes(compared: &Compared<'_>, read: &Rows, sides: &[SideFigures; 2]) -> Option<Attributes> {
    if compared.sides.iter().any(|side| matches!(side, ComparedSide::Trace(_))) {
        return None;
    }
    let of_side = |side: usize, is: LiftSide| {
        read.requests[side].iter().map(move |span| LiftMember { span: *span, side: is })
    };
    let members: Vec<LiftMember> = of_side(0, LiftSide::Bad).chain(of_side(1, LiftSide::Rest)).collect();
    let limits = LiftLimits { n_findings_max: KEPT_MAX, ..LiftLimits::default() };
    let aim = LiftAim { known_keys: compared.known_keys, is_difference: !compared.is_of_failures };
    let lift = lift_with(&read.tables.traces, &read.tables.strings, &members, &limits, aim);
    let silent = (!lift.is_enough()).then(|| {
        let [first, second] = [lift.n_bad, lift.n_rest].map(|n| count(n as u64));
        format!("{first} requests of the first and {second} of the second are too few to say what differs.")
    });
    Some(Attributes {
        n_bad: lift.n_bad as u64,
        n_good: lift.n_rest as u64,
        kept: lift.findings.iter().map(|finding| attribute(finding, sides)).collect(),
        ruled_out: ruled_out(&lift),
        silent,
    })
}

fn attribute(finding: &LiftFinding, sides: &[SideFigures; 2]) -> Attribute {
    let strength = finding.strength;
    let said =
        |conditions: &[crate::lift::Condition]| listed(&conditions.iter().map(words).collect::<Vec<_>>());
    let (first, second) = (strength.share_of_bad, strength.share_of_rest);
    let of_first = first * sides[0].n as f64;
    Attribute {
        pairs: finding.conditions.iter().map(key_value).collect(),
        share_bad: first,
        share_good: second,
        precision: ratio(of_first, of_first + second * sides[1].n as f64),
        score: strength.g,
        same: finding.same_requests.iter().map(|same| said(same)).collect(),
        sentence: format!(
            "{} of the first have {}, {} of the second.",
            percent(first),
            said(&finding.conditions),
            percent(second)
        ),
    }
}

/// None without a trace on either side.
fn latency(traced: &Rows) -> Option<Latency> {
    let cohort = |side: usize| -> Vec<CohortRequest> {
        traced.requests[side].iter().map(|span| CohortRequest { span: *span, weight: 1 }).collect()
    };
    let (first, second) = (cohort(0), cohort(1));
    let path = cohort_path(&traced.tables.traces, &first, &second, &CohortLimits::default());
    let is_told = path.n_bad > 0 && path.n_baseline > 0;
    let words = format!(
        "{} of the first beside {} of the second.",
        counted(path.n_bad as u64, "request"),
        counted(path.n_baseline as u64, "request")
    );
    is_told.then(|| told(&traced.tables, path, words))
}

fn sentences(
    sides: &[SideFigures; 2],
    latency: Option<&Latency>,
    attributes: Option<&Attributes>,
) -> Vec<String> {
    let side = |name: &str, figures: &SideFigures| {
        let failed = percent(ratio(figures.n_errors as f64, figures.n as f64));
        let median =
            figures.p50_ns.map_or_else(String::new, |ns| format!(", {} at the median", duration(ns as f64)));
        format!("The {name}: {}, {failed} failed{median}.", counted(figures.n, "request"))
    };
    let mut sentences = vec![side("first", &sides[0]), side("second", &sides[1])];
    let largest = latency.and_then(|latency| {
        let size = |part: &super::Part| (part.now_ns - part.before_ns).abs();
        latency.parts.iter().reduce(|best, part| if size(part) > size(best) { part } else { best })
    });
    if let Some(part) = largest.filter(|part| part.now_ns != part.before_ns) {
        let way = part.callee.as_ref().map_or_else(String::new, |callee| format!(" on the way to {callee}"));
        let operation = if part.operation.is_empty() { "" } else { " in " };
        sentences.push(format!(
            "The largest difference in time lies in {}{way}{operation}{}: {} per request, {} in the second.",
            part.service,
            part.operation,
            duration(part.now_ns),
            duration(part.before_ns)
        ));
    }
    sentences
        .extend(attributes.into_iter().flat_map(|found| &found.kept).take(1).map(|one| one.sentence.clone()));
    sentences
}

fn marks(compared: &Compared<'_>, traced: &Rows, sides: &[SideFigures; 2]) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut mark = |kind, sentence| marks.push(Mark { kind, sentence });
    for (name, (side, figures)) in ["first", "second"].into_iter().zip(compared.sides.iter().zip(sides)) {
        let ComparedSide::Requests { one_in, .. } = side else { continue };
        if *one_in > 1 {
            let sentence =
                format!("Of the {name} one request in {one_in} was looked at, chosen by its trace's id.");
            mark("sampled", sentence);
        }
        if figures.n < N_LOW {
            let n = counted(figures.n, "request");
            mark("low_support", format!("The {name} has only {n}: shares and means are rough."));
        }
    }
    if compared.is_cut {
        mark("partial", "There were more rows than one comparison reads; the rest was left out.".to_owned());
    }
    let spans = traced.tables.traces.spans();
    let operations: BTreeSet<(Symbol, Symbol)> =
        traced.requests.iter().flatten().map(|span| (spans[*span].service, spans[*span].operation)).collect();
    if operations.len() > 1 {
        let n = count(operations.len() as u64);
        let sentence =
            format!("Requests of {n} operations are compared: part of the difference may be their mix.");
        mark("mixed_operations", sentence);
    }
    marks
}
