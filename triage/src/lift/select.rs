//! From values to findings: pairs, folding, and what another finding explains.

use super::count::Keys;
use super::mask::Mask;
use super::numbers::Figures;
use super::sample::{Counts, Sample};
use super::singles::{Verdicts, condition, is_symptom};
use super::{
    Condition, ConditionTest, FALSE_DISCOVERIES_MAX, Lift, LiftFinding, LiftLimits, LiftStrength, N_WITH_MIN,
    NumberShift, RuledOut, RuledOutWhy, threshold,
};
use crate::statistics::{Share, false_discovery_rates, g_of_excess, p_of_g, ratio};

/// What is told of attributes that were ruled out because another finding explains them.
const N_EXPLAINED_MAX: usize = 20;

/// One condition that has a mask.
struct Single {
    condition: Condition,
    counts: Counts,
    g: f64,
    false_discovery_rate: f64,
    mask: Mask,
    /// Conditions that select the same requests.
    same: Vec<Condition>,
}

/// One condition or two, on its way to be a finding.
struct Claim {
    /// Places of the singles.
    of: Vec<usize>,
    counts: Counts,
    g: f64,
    gain: f64,
    false_discovery_rate: f64,
    mask: Mask,
}

/// O(candidates^2 * mask).
pub(super) fn report(
    sample: &Sample,
    keys: &Keys<'_>,
    verdicts: Verdicts,
    masks: Vec<Mask>,
    figures: Vec<Figures>,
    limits: &LiftLimits,
    lift: &mut Lift,
) {
    lift.n_tested = verdicts.n_tested + figures.iter().map(|one| one.n_tested).sum::<usize>();
    lift.ruled_out = verdicts.ruled_out;
    let mut singles: Vec<Single> = verdicts
        .candidates
        .iter()
        .zip(masks)
        .map(|(one, mask)| Single::new(condition(&keys.all()[one.key], one.code), one.counts, one.g, mask))
        .collect();
    report_shifts(keys, &figures, lift);
    for one in figures {
        take_range(sample, keys, one, &mut singles, &mut lift.ruled_out);
    }
    singles
        .sort_by(|a, b| b.g.total_cmp(&a.g).then_with(|| a.condition.attribute.cmp(&b.condition.attribute)));
    let p_values: Vec<f64> = singles.iter().map(|one| p_of_g(one.g)).collect();
    let rates = false_discovery_rates(&p_values, lift.n_tested);
    for (single, rate) in singles.iter_mut().zip(rates) {
        single.false_discovery_rate = rate;
    }
    let singles = folded(singles);
    let mut claims = pairs(sample, &singles, &mut lift.n_pairs_tested);
    claims.extend(claims_of_singles(&singles, lift.n_tested));
    claims.sort_by(|a, b| b.g.total_cmp(&a.g).then_with(|| a.of.cmp(&b.of)));
    accept(sample, &singles, claims, limits.n_findings_max, lift);
}

impl Single {
    fn new(condition: Condition, counts: Counts, g: f64, mask: Mask) -> Self {
        Self { condition, counts, g, false_discovery_rate: 1.0, mask, same: Vec::new() }
    }
}

fn take_range(
    sample: &Sample,
    keys: &Keys<'_>,
    figures: Figures,
    singles: &mut Vec<Single>,
    ruled_out: &mut Vec<RuledOut>,
) {
    let key = &keys.all()[figures.key];
    let all = Condition { attribute: key.attribute(), test: ConditionTest::Between(f64::MIN, f64::MAX) };
    if figures.is_clock {
        ruled_out.push(RuledOut { conditions: vec![all], why: RuledOutWhy::Clock });
        return;
    }
    let Some(range) = figures.range else { return };
    let condition = Condition { test: ConditionTest::Between(range.from, range.to), ..all };
    match is_symptom(sample, key.scope, range.counts) {
        true => ruled_out.push(RuledOut { conditions: vec![condition], why: RuledOutWhy::Symptom }),
        false => singles.push(Single::new(condition, range.counts, range.g, range.mask)),
    }
}

fn report_shifts(keys: &Keys<'_>, figures: &[Figures], lift: &mut Lift) {
    let shifts: Vec<_> = figures.iter().filter_map(|one| Some((one.key, one.shift.as_ref()?))).collect();
    let p_values: Vec<f64> = shifts.iter().map(|(_, shift)| shift.p).collect();
    for ((key, shift), rate) in shifts.iter().zip(false_discovery_rates(&p_values, p_values.len())) {
        if rate <= FALSE_DISCOVERIES_MAX {
            lift.shifts.push(NumberShift {
                attribute: keys.all()[*key].attribute(),
                median_bad: shift.median_bad,
                median_rest: shift.median_rest,
                chance_larger: shift.chance_larger,
                false_discovery_rate: rate,
            });
        }
    }
    let size = |shift: &NumberShift| (shift.chance_larger - 0.5).abs();
    lift.shifts.sort_by(|a, b| size(b).total_cmp(&size(a)).then_with(|| a.attribute.cmp(&b.attribute)));
}

/// Conditions that select the same requests become one, under the name of the strongest.
fn folded(singles: Vec<Single>) -> Vec<Single> {
    let mut kept: Vec<Single> = Vec::new();
    for single in singles {
        match kept.iter_mut().find(|kept| kept.mask.is_same_as(&single.mask)) {
            Some(kept) => kept.same.push(single.condition),
            None => kept.push(single),
        }
    }
    kept
}

/// Pairs that are more than their stronger half.
fn pairs(sample: &Sample, singles: &[Single], n_tested: &mut usize) -> Vec<Claim> {
    let mut tested = Vec::new();
    for (a, one) in singles.iter().enumerate() {
        for (b, other) in singles.iter().enumerate().skip(a + 1) {
            if one.condition.attribute == other.condition.attribute {
                continue;
            }
            let counts = one.mask.counts_and(&other.mask);
            if counts.bad >= N_WITH_MIN {
                let g = sample.g(counts);
                tested.push(([a, b], counts, g, g - one.g.max(other.g)));
            }
        }
    }
    *n_tested = tested.len();
    let p_values: Vec<f64> = tested.iter().map(|(.., gain)| p_of_g(*gain)).collect();
    let rates = false_discovery_rates(&p_values, tested.len());
    let is_kept = |gain: f64, rate: f64| gain > threshold(p_values.len()) && rate <= FALSE_DISCOVERIES_MAX;
    let kept = tested.iter().zip(rates).filter(|((.., gain), rate)| is_kept(*gain, *rate));
    kept.map(|((of, counts, g, gain), false_discovery_rate)| Claim {
        of: of.to_vec(),
        counts: *counts,
        g: *g,
        gain: *gain,
        false_discovery_rate,
        mask: singles[of[0]].mask.and(&singles[of[1]].mask),
    })
    .collect()
}

fn claims_of_singles(singles: &[Single], n_tested: usize) -> impl Iterator<Item = Claim> {
    let is_kept = move |single: &Single| {
        single.g > threshold(n_tested) && single.false_discovery_rate <= FALSE_DISCOVERIES_MAX
    };
    let kept = singles.iter().enumerate().filter(move |(_, single)| is_kept(single));
    kept.map(|(at, single)| Claim {
        of: vec![at],
        counts: single.counts,
        g: single.g,
        gain: single.g,
        false_discovery_rate: single.false_discovery_rate,
        mask: single.mask.clone(),
    })
}

/// Takes claims from the strongest down, unless one that was taken says the same or explains it.
fn accept(sample: &Sample, singles: &[Single], claims: Vec<Claim>, n_max: usize, lift: &mut Lift) {
    let margin = threshold(lift.n_tested + lift.n_pairs_tested);
    let mut accepted: Vec<Claim> = Vec::new();
    let mut n_explained = 0;
    for claim in claims {
        if accepted.iter().any(|taken| claim.of.iter().all(|one| taken.of.contains(one))) {
            continue;
        }
        let conditions = || claim.of.iter().map(|&at| singles[at].condition.clone()).collect::<Vec<_>>();
        if let Some(at) = accepted.iter().position(|taken| taken.mask.is_same_as(&claim.mask)) {
            lift.findings[at].same_requests.push(conditions());
            continue;
        }
        if let Some(at) = accepted.iter().position(|taken| g_given(sample, &claim, taken) <= margin) {
            if claim.of.len() == 1 && n_explained < N_EXPLAINED_MAX {
                n_explained += 1;
                lift.ruled_out.push(RuledOut { conditions: conditions(), why: RuledOutWhy::ExplainedBy(at) });
            }
            continue;
        }
        if accepted.len() < n_max {
            lift.findings.push(finding(sample, singles, &claim));
            accepted.push(claim);
        }
    }
}

/// How strongly the claim holds among requests that agree on another, in both groups of these.
fn g_given(sample: &Sample, claim: &Claim, other: &Claim) -> f64 {
    let both = claim.mask.counts_and(&other.mask);
    let with_other = excess(both, other.counts.without(both));
    let only = claim.counts.without(both);
    let neither = sample.totals().without(other.counts).without(only);
    with_other + excess(only, neither)
}

fn excess(with: Counts, without: Counts) -> f64 {
    g_of_excess(with.share_bad(), without.share_bad())
}

fn finding(sample: &Sample, singles: &[Single], claim: &Claim) -> LiftFinding {
    let conditions: Vec<Condition> = claim.of.iter().map(|&at| singles[at].condition.clone()).collect();
    let mut same_requests = Vec::new();
    for (place, &at) in claim.of.iter().enumerate() {
        for same in &singles[at].same {
            let mut with_it = conditions.clone();
            with_it[place] = same.clone();
            same_requests.push(with_it);
        }
    }
    LiftFinding { conditions, strength: strength(sample, claim), same_requests }
}

fn strength(sample: &Sample, claim: &Claim) -> LiftStrength {
    let Counts { bad, rest, .. } = claim.counts;
    let share_of_rest = Share { k: rest.into(), n: sample.n_rest as u64 };
    LiftStrength {
        n_bad: bad as usize,
        n_rest: rest as usize,
        share_of_bad: ratio(bad.into(), sample.n_bad as f64),
        share_of_rest: share_of_rest.value(),
        precision: sample.precision(claim.counts),
        weighted_accuracy: sample.weighted_accuracy(claim.counts),
        g: claim.g,
        gain: claim.gain,
        false_discovery_rate: claim.false_discovery_rate,
    }
}
