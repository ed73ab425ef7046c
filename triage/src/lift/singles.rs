//! Values alone: which keys may speak at all, and which of their values are looked at more closely.

use super::count::{Key, Keys};
use super::sample::{Counts, Sample};
use super::{AttributeScope, Condition, ConditionTest, N_WITH_MIN, RuledOut, RuledOutWhy};
use crate::statistics::ratio;
use std::cmp::Ordering;

/// Keys with more values are ids or numbers, and only values that dominate speak.
const N_CATEGORIES_MAX: usize = 200;
/// Keys with more values, all of them numbers, are read as numbers.
const N_FIGURES_MIN: usize = 20;
/// A value of an id dominates with this share of all requests, or that share of bad ones.
const DOMINATES_ALL: f64 = 0.05;
const DOMINATES_BAD: f64 = 0.2;
/// Who has a symptom is nearly always bad; or mostly, and then many of the bad have it.
const SYMPTOM_PRECISION: f64 = 0.9;
const LIKELY_SYMPTOM: (f64, f64) = (0.5, 0.2);
/// Values that get a mask: the strongest, and those that most bad requests have, which may be half of a pair whose
/// values alone show nothing.
const N_STRONGEST: usize = 20;
const N_MASKS_MAX: usize = 64;

/// What is known after counting.
pub(super) struct Verdicts {
    /// Values that get a mask, strongest first.
    pub(super) candidates: Vec<Candidate>,
    /// Keys to read as numbers.
    pub(super) numeric: Vec<usize>,
    pub(super) ruled_out: Vec<RuledOut>,
    pub(super) n_tested: usize,
}

/// A value of a key, or that it is missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) key: usize,
    /// `None`: missing.
    pub(super) code: Option<usize>,
    pub(super) counts: Counts,
    pub(super) g: f64,
}

/// Numeric keys that are read, those that most bad requests have; each takes 16 bytes a request.
const N_NUMERIC_MAX: usize = 16;

/// O(values log values).
pub(super) fn judge(sample: &Sample, keys: &Keys<'_>, known_keys: &[String]) -> Verdicts {
    let mut verdicts =
        Verdicts { candidates: Vec::new(), numeric: Vec::new(), ruled_out: Vec::new(), n_tested: 0 };
    for (at, key) in keys.all().iter().enumerate() {
        if known_keys.iter().any(|known| known == key.name) {
            verdicts.ruled_out.push(ruled_out(key, strongest(sample, key), RuledOutWhy::Known));
        } else {
            judge_key(sample, at, key, &mut verdicts);
        }
    }
    let all = keys.all();
    verdicts.numeric.sort_by_key(|&key| (u32::MAX - all[key].present.bad, all[key].scope, all[key].name));
    verdicts.numeric.truncate(N_NUMERIC_MAX);
    verdicts.ruled_out.sort_by(|a, b| a.conditions[0].attribute.cmp(&b.conditions[0].attribute));
    choose(keys, &mut verdicts.candidates);
    verdicts
}

fn judge_key(sample: &Sample, at: usize, key: &Key<'_>, verdicts: &mut Verdicts) {
    if !sample.is_difference && key.scope == AttributeScope::Span && is_named_as_symptom(key.name) {
        verdicts.ruled_out.push(ruled_out(key, strongest(sample, key), RuledOutWhy::Symptom));
        return;
    }
    let is_numeric = key.is_numeric && (key.is_full || key.values.len() > N_FIGURES_MIN);
    let is_many = key.is_full || key.values.len() > N_CATEGORIES_MAX || is_numeric;
    let speaks = |counts: Counts| counts.bad >= N_WITH_MIN && counts.compared() < sample.totals().compared();
    let of_values =
        key.values.iter().enumerate().filter(|(_, value)| !is_many || dominates(sample, value.counts));
    let with_codes = of_values.map(|(code, value)| (Some(code), value.counts));
    let missing = sample.totals().without(key.present);
    let found: Vec<Candidate> = with_codes
        .chain([(None, missing)])
        .filter(|(_, counts)| speaks(*counts))
        .map(|(code, counts)| Candidate { key: at, code, counts, g: sample.g(counts) })
        .collect();
    if let Some(symptom) = found.iter().find(|one| is_symptom(sample, key.scope, one.counts)) {
        verdicts.ruled_out.push(ruled_out(key, symptom.code, RuledOutWhy::Symptom));
        return;
    }
    if is_numeric {
        verdicts.numeric.push(at);
    } else if is_many && found.iter().all(|one| one.code.is_none()) {
        verdicts.ruled_out.push(ruled_out(key, strongest(sample, key), RuledOutWhy::Id));
    }
    verdicts.n_tested += found.len();
    verdicts.candidates.extend(found);
}

fn is_named_as_symptom(key: &str) -> bool {
    let starts = ["error.", "exception.", "otel.status_"].iter().any(|start| key.starts_with(start));
    starts || key == "error" || key.ends_with("status_code")
}

fn dominates(sample: &Sample, counts: Counts) -> bool {
    let totals = sample.totals();
    ratio(counts.compared().into(), totals.compared().into()) >= DOMINATES_ALL
        || ratio(counts.bad.into(), totals.bad.into()) >= DOMINATES_BAD
}

/// A symptom is set because the request went wrong. What a resource says was there before the request, and so was a
/// value that good requests had before it began.
pub(super) fn is_symptom(sample: &Sample, scope: AttributeScope, counts: Counts) -> bool {
    if sample.is_difference || scope != AttributeScope::Span || counts.before >= N_WITH_MIN {
        return false;
    }
    let precision = sample.precision(counts);
    let recall = ratio(counts.bad.into(), sample.n_bad as f64);
    precision >= SYMPTOM_PRECISION || (precision >= LIKELY_SYMPTOM.0 && recall >= LIKELY_SYMPTOM.1)
}

/// The value that most speaks against bad requests, as an example.
fn strongest(sample: &Sample, key: &Key<'_>) -> Option<usize> {
    let values = key.values.iter().enumerate();
    let strength = |counts: Counts| (sample.g(counts), counts.bad);
    let by_strength = |a: &(usize, _), b: &(usize, _)| {
        let ((g_a, bad_a), (g_b, bad_b)): ((f64, u32), (f64, u32)) = (a.1, b.1);
        g_a.total_cmp(&g_b).then(bad_a.cmp(&bad_b)).then(b.0.cmp(&a.0))
    };
    values.map(|(code, value)| (code, strength(value.counts))).max_by(by_strength).map(|(code, _)| code)
}

fn ruled_out(key: &Key<'_>, code: Option<usize>, why: RuledOutWhy) -> RuledOut {
    RuledOut { conditions: vec![condition(key, code)], why }
}

pub(super) fn condition(key: &Key<'_>, code: Option<usize>) -> Condition {
    let test =
        code.map_or(ConditionTest::Missing, |code| ConditionTest::Is(key.values[code].text.to_owned()));
    Condition { attribute: key.attribute(), test }
}

/// Keeps those that get a mask.
fn choose(keys: &Keys<'_>, candidates: &mut Vec<Candidate>) {
    candidates.sort_by(|a, b| by_strength(keys, a, b));
    if candidates.len() > N_MASKS_MAX {
        candidates[N_STRONGEST..]
            .sort_by(|a, b| b.counts.bad.cmp(&a.counts.bad).then_with(|| by_strength(keys, a, b)));
        candidates.truncate(N_MASKS_MAX);
        candidates.sort_by(|a, b| by_strength(keys, a, b));
    }
}

/// Strongest first; equal ones by what they say.
fn by_strength(keys: &Keys<'_>, a: &Candidate, b: &Candidate) -> Ordering {
    let name = |one: &Candidate| {
        let key = &keys.all()[one.key];
        (key.scope, key.name, one.code.map_or("", |code| key.values[code].text))
    };
    b.g.total_cmp(&a.g).then(b.counts.bad.cmp(&a.counts.bad)).then_with(|| name(a).cmp(&name(b)))
}
