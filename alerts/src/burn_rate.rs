//! Burn rates and the four tiers that turn them into a verdict.
//!
//! Pure arithmetic over counts of whole windows. Sums of events, never averages of ratios: quiet
//! hours must not weigh as much as busy ones. Where a decision hangs on a comparison the numbers are
//! integers, so that "exactly at the threshold" means exactly that.

use crate::slo::{Slo, Target};
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

/// Windows in seconds for 30 d, and the threshold in tenths: `T = share * period / long`.
///
/// 2 % in 1 h is 14.4, 5 % in 6 h is 6, 10 % in 24 h is 3, 10 % in 72 h is 1; short = long / 12.
const TIERS: [(u8, Severity, u64, u64, u32); 4] = [
    (1, Severity::Page, 3600, 300, 144),
    (2, Severity::Page, 6 * 3600, 1800, 60),
    (3, Severity::Ticket, 24 * 3600, 2 * 3600, 30),
    (4, Severity::Ticket, 72 * 3600, 6 * 3600, 10),
];

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

/// A pair of windows; it burns when both do.
///
/// Windows scale with the period, which keeps the thresholds at 14.4, 6, 3 and 1. On unscaled
/// windows a 7 d objective would have tiers below 1, which alert while the objective is being met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// 1 to 4.
    pub index: u8,
    pub severity: Severity,
    pub long: Duration,
    pub short: Duration,
    /// Tenths of the budget's even spending rate.
    pub threshold_tenths: u32,
}

/// The four tiers with their windows scaled by `period / 30 d`, rounded up to whole slices.
pub(crate) fn tiers_of_period(period: Duration) -> [Tier; 4] {
    TIERS.map(|(index, severity, long_s, short_s, threshold_tenths)| Tier {
        index,
        severity,
        long: scaled(long_s, period),
        short: scaled(short_s, period),
        threshold_tenths,
    })
}

fn scaled(window_s: u64, period: Duration) -> Duration {
    let slices = (window_s * period.as_secs()).div_ceil(REFERENCE_PERIOD_S * SLICE.as_secs());
    Duration::from_secs(slices * SLICE.as_secs())
}

/// How finely events have to be counted for a period: every window is a whole number of slices, and
/// the shortest holds ten of them where the period is long enough.
pub(crate) fn slice_of_period(period: Duration) -> Duration {
    let tiers = tiers_of_period(period);
    let in_slices = |window: Duration| window.as_secs() / SLICE.as_secs();
    let widest = (in_slices(tiers[0].short) / 10).max(1);
    let divides = |width: &u64| {
        tiers.iter().all(|tier| in_slices(tier.long) % width == 0 && in_slices(tier.short) % width == 0)
    };
    let width = (1..=widest).rev().find(divides).unwrap_or(1);
    Duration::from_secs(width * SLICE.as_secs())
}

impl Tier {
    pub fn threshold(self) -> f64 {
        f64::from(self.threshold_tenths) / 10.0
    }

    /// Burn never exceeds `1 / budget`, and must exceed the threshold strictly.
    pub(crate) fn can_fire(self, target: Target) -> bool {
        u128::from(self.threshold_tenths) * u128::from(target.budget_parts()) < 10 * PARTS
    }

    /// The arithmetic behind `can_fire` for a target that is too low.
    pub(crate) fn why_it_cannot_fire(self, target: Target) -> String {
        let budget = target.budget();
        format!(
            "tier {} needs a burn rate above {}, and with a budget of 1 - {} = {budget} even a total outage \
             burns at only 1 / {budget} = {:.2}; it needs a target above {:.3} %",
            self.index,
            self.threshold(),
            target.share(),
            1.0 / budget,
            100.0 - 100.0 / self.threshold(),
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

    /// `burn > threshold`, strictly and without rounding: `bad * 10 * PARTS > T10 * total * budget`.
    pub(crate) fn burns_above(self, threshold_tenths: u32, target: Target) -> bool {
        let spent = u128::from(self.n_bad()) * 10 * PARTS;
        spent > u128::from(threshold_tenths) * u128::from(self.n_total) * u128::from(target.budget_parts())
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

/// All that is known about one SLO at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub period: WindowCounts,
    /// `good / total` over the period.
    pub compliance: Option<f64>,
    /// `1 - bad / (budget * total)` over the period; negative when overspent.
    pub budget_remaining: Option<f64>,
    /// `remaining * period / burn` at the rate of the first tier's long window, in seconds; zero
    /// when nothing is left, none when nothing burns.
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

/// Judges an SLO; `count` gives the events of the window of that length which ends now.
pub fn judge(slo: &Slo, mut count: impl FnMut(Duration) -> WindowCounts) -> Judgement {
    let period = count(slo.period());
    let tiers: Vec<_> =
        slo.tiers().iter().map(|tier| judge_tier(slo, *tier, count(tier.long), count(tier.short))).collect();
    let remaining = period.burn(slo.target()).map(|spent| 1.0 - spent);
    Judgement {
        period,
        compliance: (period.n_total > 0).then(|| period.n_good as f64 / period.n_total as f64),
        budget_remaining: remaining,
        exhaustion_s: exhaustion_s(remaining, tiers[0].burn_long, slo.period()),
        tiers,
    }
}

/// `fire = burn(long) > T AND burn(short) > T`, on enough evidence and enough coverage.
pub(crate) fn judge_tier(slo: &Slo, tier: Tier, long: WindowCounts, short: WindowCounts) -> TierJudgement {
    let burns = |window: WindowCounts| window.burns_above(tier.threshold_tenths, slo.target());
    let is_evidence = long.n_total >= slo.spec().n_events_min && long.n_bad() >= slo.spec().n_bad_min;
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
