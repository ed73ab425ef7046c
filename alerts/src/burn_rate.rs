//! Burn rates and the four tiers that turn them into a verdict.
//!
//! Pure arithmetic over counts of whole windows. Sums of events, never averages of ratios: quiet
//! hours must not weigh as much as busy ones. Where a decision hangs on a comparison the numbers are
//! integers, so that "exactly at the threshold" means exactly that.

use crate::slo::{Condition, Slo};
use crate::target::Target;
use std::time::Duration;

/// The period for which the windows below are written; others scale them.
const REFERENCE_PERIOD_S: u64 = 30 * 86_400;
/// The finest resolution of counts, and the step of the read model; windows are whole slices.
pub(crate) const SLICE: Duration = Duration::from_secs(10);
/// At one day the shortest window, 5 min * 1 d / 30 d, is one slice; below it would be empty.
pub(crate) const MIN_PERIOD: Duration = Duration::from_secs(86_400);
/// Read models are kept 400 days, so that a full year can be judged.
pub(crate) const MAX_PERIOD: Duration = Duration::from_secs(366 * 86_400);
/// Parts in one whole, as in `Target`.
const PARTS: u128 = 1_000_000_000;

/// Windows in seconds for 30 d, and the threshold in thousandths: `T = share * period / long`.
///
/// 2 % in 1 h is 14.4, 5 % in 6 h is 6, 10 % in 24 h is 3, 10 % in 72 h is 1; short = long / 12.
const TIERS: [(u8, Severity, u64, u64, u32); 4] = [
    (1, Severity::Page, 3600, 300, 14_400),
    (2, Severity::Page, 6 * 3600, 1800, 6_000),
    (3, Severity::Ticket, 24 * 3600, 2 * 3600, 3_000),
    (4, Severity::Ticket, 72 * 3600, 6 * 3600, 1_000),
];
/// Thresholds are exact to three decimals.
const THOUSANDTHS: u32 = 1_000;

/// How loudly an alert speaks. Each SLO has one alert per severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Page,
    Ticket,
}

impl Severity {
    pub const ALL: [Self; 2] = [Self::Page, Self::Ticket];

    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

/// How a burn rate is compared with a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Comparison {
    #[default]
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Comparison {
    pub const ALL: [Self; 4] = [Self::Above, Self::AtLeast, Self::Below, Self::AtMost];

    /// OpenSLO's word for it.
    pub fn op(self) -> &'static str {
        match self {
            Self::Above => "gt",
            Self::AtLeast => "gte",
            Self::Below => "lt",
            Self::AtMost => "lte",
        }
    }

    /// The sign, as PromQL has it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        }
    }

    pub fn parse(op: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|comparison| comparison.op() == op)
    }

    /// Does it ask for much burning, rather than for little?
    pub fn is_upward(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast)
    }

    fn holds(self, left: u128, right: u128) -> bool {
        match self {
            Self::Above => left > right,
            Self::AtLeast => left >= right,
            Self::Below => left < right,
            Self::AtMost => left <= right,
        }
    }
}

/// A pair of windows; it burns when both do.
///
/// Windows scale with the period, which keeps the thresholds at 14.4, 6, 3 and 1. On unscaled
/// windows a 7 d objective would have tiers below 1, which alert while the objective is being met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// Its place among the tiers, from 1.
    pub index: u8,
    pub severity: Severity,
    pub comparison: Comparison,
    pub long: Duration,
    pub short: Duration,
    /// Thousandths of the budget's even spending rate.
    pub threshold_thousandths: u32,
}

/// The four tiers with their windows scaled by `period / 30 d`, rounded up to whole slices of that width.
pub(crate) fn tiers_of_period(period: Duration, slice: Duration) -> [Tier; 4] {
    TIERS.map(|(index, severity, long_s, short_s, threshold_thousandths)| Tier {
        index,
        severity,
        comparison: Comparison::Above,
        long: scaled(long_s, period, slice),
        short: scaled(short_s, period, slice),
        threshold_thousandths,
    })
}

fn scaled(window_s: u64, period: Duration, slice: Duration) -> Duration {
    let slices = (window_s * period.as_secs()).div_ceil(REFERENCE_PERIOD_S * slice.as_secs());
    Duration::from_secs(slices * slice.as_secs())
}

/// The tiers that somebody wrote, their windows rounded up to whole slices; none of a threshold that is not a number of
/// at most three decimals.
pub(crate) fn tiers_of_conditions(conditions: &[Condition], slice: Duration) -> Option<Vec<Tier>> {
    let whole = |window: Duration| {
        Duration::from_secs(window.as_secs().div_ceil(slice.as_secs()).max(1) * slice.as_secs())
    };
    let tier = |(idx, condition): (usize, &Condition)| {
        let thousandths = condition.threshold * f64::from(THOUSANDTHS);
        let rounded = thousandths.round();
        let is_exact = (thousandths - rounded).abs() <= 1e-6 * rounded.abs().max(1.0);
        (is_exact && (0.0..=f64::from(u32::MAX)).contains(&rounded)).then(|| Tier {
            index: u8::try_from(idx + 1).unwrap_or(u8::MAX),
            severity: condition.severity,
            comparison: condition.comparison,
            long: whole(condition.long),
            short: whole(condition.short),
            // In range, as was just seen.
            threshold_thousandths: rounded as u32,
        })
    };
    conditions.iter().enumerate().map(tier).collect()
}

/// How finely events have to be counted for these windows: each is a whole number of slices, and the shortest holds
/// ten of them where it is long enough.
pub(crate) fn slice_of(tiers: &[Tier]) -> Duration {
    let in_slices = |window: Duration| window.as_secs() / SLICE.as_secs();
    let shortest = tiers.iter().map(|tier| in_slices(tier.short)).min().unwrap_or(1);
    let widest = (shortest / 10).max(1);
    let divides = |width: &u64| {
        tiers.iter().all(|tier| in_slices(tier.long) % width == 0 && in_slices(tier.short) % width == 0)
    };
    let width = (1..=widest).rev().find(divides).unwrap_or(1);
    Duration::from_secs(width * SLICE.as_secs())
}

impl Tier {
    pub fn threshold(self) -> f64 {
        f64::from(self.threshold_thousandths) / f64::from(THOUSANDTHS)
    }

    /// Burn is between 0 and `1 / budget`; a strict comparison with an end of that never holds.
    pub(crate) fn can_fire(self, target: Target) -> bool {
        let (least, most) = (0, u128::from(THOUSANDTHS) * PARTS);
        let threshold = u128::from(self.threshold_thousandths) * u128::from(target.budget_parts());
        self.comparison.holds(if self.comparison.is_upward() { most } else { least }, threshold)
    }

    /// The arithmetic behind `can_fire` for a target that is too low.
    pub(crate) fn why_it_cannot_fire(self, target: Target) -> String {
        let (budget, threshold) = (target.budget(), self.threshold());
        if !self.comparison.is_upward() {
            return format!("tier {} needs a burn rate below {threshold}, and none is below 0", self.index);
        }
        let how = if self.comparison == Comparison::Above { "above" } else { "of at least" };
        format!(
            "tier {} needs a burn rate {how} {threshold}, and with a budget of 1 - {} = {budget} even a total outage \
             burns at only 1 / {budget} = {:.2}; it needs a target above {:.3} %",
            self.index,
            target.share(),
            1.0 / budget,
            100.0 - 100.0 / threshold,
        )
    }
}

/// How much of a window was measured, in slices.
///
/// Slices before the service was first seen are not in `n_slices`: a fresh installation with ten
/// minutes of data may page on tier 1, whose one-hour window then holds ten minutes of events. Slices
/// that nothing was received in after that are gaps and count as unmeasured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    pub n_measured: u32,
    pub n_slices: u32,
}

impl Coverage {
    /// Between 0 and 1; nothing expected is nothing measured.
    pub fn share(self) -> f64 {
        if self.n_slices == 0 { 0.0 } else { f64::from(self.n_measured) / f64::from(self.n_slices) }
    }

    /// Below nine tenths a window says too little to start or end an alert.
    pub(crate) fn is_enough(self) -> bool {
        self.n_slices > 0 && u64::from(self.n_measured) * 10 >= u64::from(self.n_slices) * 9
    }
}

/// The events of one window.
///
/// Zero events in a covered window are "no traffic"; zero events without coverage are "no data". The
/// caller tells them apart by whether the service sent anything at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WindowCounts {
    pub n_good: u64,
    pub n_total: u64,
    pub coverage: Coverage,
}

impl WindowCounts {
    pub(crate) fn n_bad(self) -> u64 {
        self.n_total.saturating_sub(self.n_good)
    }

    /// `burn = (bad / total) / budget`; none without events.
    pub(crate) fn burn(self, target: Target) -> Option<f64> {
        let spent = self.n_bad() as f64 * PARTS as f64;
        (self.n_total > 0).then(|| spent / (self.n_total as f64 * f64::from(target.budget_parts())))
    }

    /// `burn > threshold`, or as the tier compares, without rounding: `bad * 1000 * PARTS > T1000 * total * budget`.
    /// Without events there is no burn rate, and nothing holds of it.
    pub(crate) fn burns(self, tier: Tier, target: Target) -> bool {
        let spent = u128::from(self.n_bad()) * u128::from(THOUSANDTHS) * PARTS;
        let threshold = u128::from(tier.threshold_thousandths);
        let allowed = threshold * u128::from(self.n_total) * u128::from(target.budget_parts());
        self.n_total > 0 && tier.comparison.holds(spent, allowed)
    }
}

/// What one tier, or one alert, has to say. Ordered by how much it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    Ok,
    /// The ratio burns, and rests on too few events to start an alert.
    HeldLowTraffic,
    /// A window lacks coverage: nothing changes until it has it again.
    FrozenNoData,
    Burning,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::HeldLowTraffic => "held_low_traffic",
            Self::FrozenNoData => "frozen_no_data",
            Self::Burning => "burning",
        }
    }
}

/// One tier's windows and what follows from them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TierJudgement {
    pub tier: Tier,
    pub long: WindowCounts,
    pub short: WindowCounts,
    pub burn_long: Option<f64>,
    pub burn_short: Option<f64>,
    pub verdict: Verdict,
}

impl TierJudgement {
    /// Why the guard holds the tier, or what the windows lack; none where the burn rates decide.
    pub fn reason(&self, slo: &Slo) -> Option<String> {
        let spec = slo.spec();
        match self.verdict {
            Verdict::HeldLowTraffic if self.long.n_total < spec.n_events_min => {
                Some(format!("{} of the {} events that it takes", self.long.n_total, spec.n_events_min))
            }
            Verdict::HeldLowTraffic => {
                Some(format!("{} of the {} bad events that it takes", self.long.n_bad(), spec.n_bad_min))
            }
            Verdict::FrozenNoData => {
                let window = if self.long.coverage.is_enough() { self.short } else { self.long };
                let Coverage { n_measured, n_slices } = window.coverage;
                Some(format!("{n_measured} of {n_slices} slices of a window were measured"))
            }
            Verdict::Ok | Verdict::Burning => None,
        }
    }
}

/// All that is known about one SLO at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub period: WindowCounts,
    /// When the period began, and when it ends: now, or later by the calendar. Unix nanoseconds.
    pub period_range: (i64, i64),
    /// `good / total` over the period.
    pub compliance: Option<f64>,
    /// `1 - burn * elapsed / period`, so `1 - bad / (budget * total)` where all of it is over; negative when overspent.
    pub budget_remaining: Option<f64>,
    /// `remaining * period / burn` at the rate of the first tier's long window, in seconds; zero
    /// when nothing is left, none when nothing burns, or when the calendar renews the budget before.
    pub exhaustion_s: Option<f64>,
    pub tiers: Vec<TierJudgement>,
}

impl Judgement {
    /// The verdict for one alert: any of its tiers decides, and the one that says most wins.
    pub fn verdict(&self, severity: Severity) -> Verdict {
        let of_alert = self.tiers.iter().filter(|judged| judged.tier.severity == severity);
        of_alert.map(|judged| judged.verdict).max().unwrap_or(Verdict::Ok)
    }

    /// The hardest burning tier of an alert, for its sentence; the first one when none burns.
    pub fn worst(&self, severity: Severity) -> Option<&TierJudgement> {
        let of_alert = || self.tiers.iter().filter(move |judged| judged.tier.severity == severity);
        of_alert().find(|judged| judged.verdict == Verdict::Burning).or_else(|| of_alert().next())
    }
}

/// Judges an SLO at a moment; `count` gives the events of the window of that length which ends there.
pub fn judge(slo: &Slo, end: i64, mut count: impl FnMut(Duration) -> WindowCounts) -> Judgement {
    let period_range = slo.period_at(end);
    let (elapsed, length) = (span(period_range.0, end), span(period_range.0, period_range.1));
    // A calendar's window that has just begun holds nothing yet.
    let period = if elapsed < slo.slice() { WindowCounts::default() } else { count(elapsed) };
    let tiers: Vec<_> =
        slo.tiers().iter().map(|tier| judge_tier(slo, *tier, count(tier.long), count(tier.short))).collect();
    let share = elapsed.as_secs_f64() / length.as_secs_f64().max(1e-9);
    let remaining = period.burn(slo.target()).map(|burn| 1.0 - burn * share);
    let left_s = slo.calendar().map(|_| span(end, period_range.1).as_secs_f64());
    Judgement {
        period,
        period_range,
        compliance: (period.n_total > 0).then(|| period.n_good as f64 / period.n_total as f64),
        budget_remaining: remaining,
        exhaustion_s: exhaustion_s(remaining, tiers[0].burn_long, length)
            .filter(|seconds| left_s.is_none_or(|left_s| *seconds < left_s)),
        tiers,
    }
}

fn span(from: i64, to: i64) -> Duration {
    Duration::from_nanos(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}

/// `fire = burn(long) > T AND burn(short) > T`, on enough evidence and enough coverage.
pub(crate) fn judge_tier(slo: &Slo, tier: Tier, long: WindowCounts, short: WindowCounts) -> TierJudgement {
    let burns = |window: WindowCounts| window.burns(tier, slo.target());
    let n_bad_min = if tier.comparison.is_upward() { slo.spec().n_bad_min } else { 0 };
    let is_evidence = long.n_total >= slo.spec().n_events_min && long.n_bad() >= n_bad_min;
    let verdict = if !(long.coverage.is_enough() && short.coverage.is_enough()) {
        Verdict::FrozenNoData
    } else if !(burns(long) && burns(short)) {
        Verdict::Ok
    } else if is_evidence {
        Verdict::Burning
    } else {
        Verdict::HeldLowTraffic
    };
    let (burn_long, burn_short) = (long.burn(slo.target()), short.burn(slo.target()));
    TierJudgement { tier, long, short, burn_long, burn_short, verdict }
}

/// `time to exhaustion = remaining * period / burn`.
pub fn exhaustion_s(remaining: Option<f64>, burn: Option<f64>, period: Duration) -> Option<f64> {
    let burn = burn.filter(|burn| *burn > 0.0)?;
    Some(remaining?.max(0.0) * period.as_secs_f64() / burn)
}

#[cfg(test)]
mod tests;
