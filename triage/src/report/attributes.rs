//! What bad requests have in common, as the report tells it.
//!
//! Looked at are the requests that somebody complains of and, below them, those of the suspected service: a release
//! or an instance shows where it is, a tenant where the request begins.

use super::requests::{Request, is_entry};
use super::words::{listed, percent, shortened};
use super::{Attribute, Attributes, KeyValue, Onset, Sampling};
use crate::lift::{
    AttributeScope, Condition, ConditionTest, Lift, LiftFinding, LiftLimits, LiftMember, LiftSide, RuledOut,
    RuledOutWhy, lift,
};
use crate::origin::ErrorGroup;
use crate::rank::Findings;
use crate::strings::Symbol;
use crate::tables::Tables;
use std::collections::{BTreeMap, BTreeSet};

/// Findings and keys of one report.
const KEPT_MAX: usize = 10;
const RULED_OUT_MAX: usize = 20;
const VALUE_CHARS_MAX: usize = 80;

/// Who is suspected, and since when.
#[derive(Clone, Copy)]
pub(super) struct Suspected<'a> {
    pub(super) origin: Option<&'a str>,
    pub(super) onset: Option<Onset>,
}

/// None without requests in the window.
pub(super) fn attributes(
    tables: &Tables,
    findings: &Findings,
    requests: &[Request],
    suspected: Suspected<'_>,
    sampling: Sampling,
) -> Option<Attributes> {
    let members = members(tables, findings, requests, suspected, sampling);
    if members.is_empty() {
        return None;
    }
    let lift = lift(&tables.traces, &tables.strings, &members, &LiftLimits::default());
    let silent = (!lift.is_enough()).then(|| {
        let n = lift.n_bad;
        format!("{n} bad requests are too few to say what they have in common.")
    });
    Some(Attributes {
        n_bad: lift.n_bad as u64,
        n_good: lift.n_rest as u64,
        kept: lift.findings.iter().take(KEPT_MAX).map(attribute).collect(),
        ruled_out: ruled_out(&lift),
        silent,
    })
}

/// Entry spans of the traces of the requests: those of the complaint and those of the origin.
fn members(
    tables: &Tables,
    findings: &Findings,
    requests: &[Request],
    Suspected { origin, onset }: Suspected<'_>,
    sampling: Sampling,
) -> Vec<LiftMember> {
    let traces = &tables.traces;
    let origin = origin.and_then(|name| tables.strings.find(name));
    let group = origin.and_then(|origin| group_of(findings, origin));
    let kinds = group.map(kinds_of_request).unwrap_or_default();
    let failing: BTreeSet<u32> = group
        .into_iter()
        .flat_map(|group| &group.spans)
        .map(|span| traces.spans()[*span as usize].trace)
        .collect();
    // What came without its attributes would seem to lack them.
    let is_sampled = sampling.attributes_one_in.max(sampling.attributes_before_one_in) > 1;
    let is_read = |span: usize| {
        !is_sampled || traces.attributes(span).next().is_some() || traces.resource(span).next().is_some()
    };
    let mut sides: BTreeMap<u32, LiftSide> = BTreeMap::new();
    let mut members: BTreeSet<LiftMember> = BTreeSet::new();
    for request in requests {
        if !is_read(request.span) {
            continue;
        }
        let span = &traces.spans()[request.span];
        let entry = &traces.spans()[traces.traces()[span.trace as usize].entry];
        if !kinds.is_empty() && !kinds.contains(&(entry.service, entry.operation)) {
            continue;
        }
        // A request may hide from its caller that something below it fails.
        let is_bad = request.is_bad || failing.contains(&span.trace);
        let side = match (request.in_window, is_bad) {
            (true, true) => LiftSide::Bad,
            // Before it began the window is healthy time.
            (true, false) if onset.is_some_and(|onset| span.start_ns < onset.earliest_ns) => LiftSide::Before,
            (true, false) => LiftSide::Rest,
            (false, false) => LiftSide::Before,
            (false, true) => continue,
        };
        let known = sides.entry(span.trace).or_insert(side);
        *known = side.min(*known);
        members.insert(LiftMember { span: request.span, side });
    }
    let Some(origin) = origin else { return members.into_iter().collect() };
    for (trace, side) in sides {
        let range = traces.traces()[trace as usize].spans.clone();
        let of_origin = range.filter(|span| {
            traces.spans()[*span].service == origin && is_entry(tables, *span) && is_read(*span)
        });
        members.extend(of_origin.map(|span| LiftMember { span, side }));
    }
    members.into_iter().collect()
}

/// The strongest errors, where these are what speaks against the origin.
fn group_of(findings: &Findings, origin: Symbol) -> Option<&ErrorGroup> {
    findings.errors.groups.first().filter(|group| group.is_finding() && group.service == origin)
}

/// Kinds of requests that errors occur in: others have nothing to do with them.
fn kinds_of_request(group: &ErrorGroup) -> BTreeSet<(Symbol, Symbol)> {
    group.entries.iter().map(|(service, operation, _)| (*service, *operation)).collect()
}

fn attribute(finding: &LiftFinding) -> Attribute {
    let strength = finding.strength;
    let pairs: Vec<KeyValue> = finding.conditions.iter().map(key_value).collect();
    let words: Vec<String> = finding.conditions.iter().map(words).collect();
    let sentence = format!(
        "{} of bad requests have {}, {} of the others; of those that have it {} are bad.",
        percent(strength.share_of_bad),
        listed(&words),
        percent(strength.share_of_rest),
        percent(strength.precision)
    );
    Attribute {
        pairs,
        share_bad: strength.share_of_bad,
        share_good: strength.share_of_rest,
        precision: strength.precision,
        score: strength.g,
        same: finding
            .same_requests
            .iter()
            .map(|same| listed(&same.iter().map(self::words).collect::<Vec<_>>()))
            .collect(),
        sentence,
    }
}

pub(super) fn key_value(condition: &Condition) -> KeyValue {
    KeyValue {
        is_resource: condition.attribute.scope == AttributeScope::Resource,
        key: condition.attribute.key.clone(),
        value: match &condition.test {
            ConditionTest::Is(value) => Some(shortened(value, VALUE_CHARS_MAX)),
            ConditionTest::Missing => None,
            ConditionTest::Between(low, high) => Some(format!("{low} to {high}")),
        },
    }
}

pub(super) fn words(condition: &Condition) -> String {
    let key = shortened(&condition.attribute.key, VALUE_CHARS_MAX);
    match &condition.test {
        ConditionTest::Is(value) => format!("{key} = {}", shortened(value, VALUE_CHARS_MAX)),
        ConditionTest::Missing => format!("no {key}"),
        ConditionTest::Between(low, high) => format!("{key} from {low} to {high}"),
    }
}

/// Keys that stand out for another reason, with the reason.
pub(super) fn ruled_out(lift: &Lift) -> Vec<String> {
    let said = |out: &RuledOut| {
        let what = listed(&out.conditions.iter().map(words).collect::<Vec<_>>());
        match out.why {
            RuledOutWhy::Known => format!("{what} (it is what they were chosen by)"),
            RuledOutWhy::Symptom => format!("{what} (says that it is bad, not why)"),
            RuledOutWhy::Id => format!("{what} (an id)"),
            RuledOutWhy::Clock => format!("{what} (tells the time)"),
            RuledOutWhy::ExplainedBy(_) => format!("{what} (explained by another)"),
        }
    };
    lift.ruled_out.iter().take(RULED_OUT_MAX).map(said).collect()
}
