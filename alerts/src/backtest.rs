//! What an objective's alerts would have done: the real arithmetic and the real steps, over slices of the past.
//!
//! Time here is that of the slices. Each step judges as an evaluation would that runs `lag` after the end of its
//! windows, so that what is told of a rule before it is saved is what it does afterwards. Pure: the caller has read the
//! slices and says where judging begins.

use crate::burn_rate::{Coverage, Judgement, Severity, Tier, Verdict, WindowCounts, judge};
use crate::slo::Slo;
use crate::state::{Phase, Transition};
use crate::step::{StepPolicy, step};
use std::time::Duration;

/// Points of a burndown: as many as a chart shows.
const POINTS_MAX: usize = 120;
const WEEK_S: f64 = 7.0 * 86_400.0;

/// The events of one slice of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SliceCounts {
    pub n_good: u64,
    pub n_total: u64,
    /// Something was heard of the service; without events it is "no traffic" then, and no gap.
    pub is_measured: bool,
}

/// A stretch of the past.
#[derive(Debug, Clone, Copy)]
pub struct Replay<'a> {
    /// Where the first slice starts, in unix nanoseconds.
    pub start: i64,
    /// In order, without gaps, each as wide as the objective's slices.
    pub slices: &'a [SliceCounts],
    /// Judging begins here; what lies before is what windows look back on.
    pub from: i64,
    /// Between evaluations; at least a slice.
    pub step: Duration,
    /// How long after the end of its windows an evaluation runs.
    pub lag: Duration,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Backtest {
    pub from: i64,
    pub to: i64,
    /// The events between.
    pub counts: WindowCounts,
    pub compliance: Option<f64>,
    /// The share of the period's budget that they spent.
    pub budget_spent: Option<f64>,
    /// In order of firing.
    pub episodes: Vec<Episode>,
    /// Alerts that began to wait and calmed down before they fired.
    pub n_cancelled: u32,
    pub pages_per_week: f64,
    pub tickets_per_week: f64,
    pub burndown: Vec<BurndownPoint>,
}

/// One alert from its firing to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    pub severity: Severity,
    /// The first tier that burned.
    pub tier: u8,
    /// Since when that tier's short window burned: the start of its first slice with bad events.
    pub onset_at: i64,
    pub firing_at: i64,
    /// None where it was firing still.
    pub resolved_at: Option<i64>,
    /// From onset to firing, lag included.
    pub detection: Duration,
    pub burn_long: Option<f64>,
    /// The share of the period's budget that was gone between onset and firing.
    pub budget_spent: Option<f64>,
}

/// What was left of the budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurndownPoint {
    pub at: i64,
    /// None without events.
    pub remaining: Option<f64>,
}

/// Lets the slices pass once more.
pub fn backtest(slo: &Slo, replay: &Replay<'_>) -> Backtest {
    let sums = Sums::of(slo, replay);
    let first = sums.idx_at(replay.from).clamp(0, sums.n());
    let every = i64::try_from(replay.step.as_nanos()).unwrap_or(i64::MAX).div_euclid(sums.width_ns).max(1);
    let n_steps = usize::try_from((sums.n() - first).div_euclid(every)).unwrap_or(0);
    let points_every = n_steps.div_ceil(POINTS_MAX).max(1);
    let mut alerts = Severity::ALL.map(|severity| Alert::new(slo, severity));
    let (mut episodes, mut burndown, mut n_cancelled) = (Vec::new(), Vec::new(), 0);
    for n in 1..=n_steps {
        let idx = first + n as i64 * every;
        let judgement = judge(slo, sums.at(idx), |window| sums.window(idx, window));
        for alert in &mut alerts {
            let moved = alert.step(&sums, &judgement, idx, replay.lag, &mut episodes);
            n_cancelled += u32::from(moved == Some(Transition::Cancelled));
        }
        if n % points_every == 0 || n == n_steps {
            burndown.push(BurndownPoint { at: sums.at(idx), remaining: judgement.budget_remaining });
        }
    }
    let to = first + n_steps as i64 * every;
    let counts = sums.between(first, to);
    let weeks = (sums.at(to) - sums.at(first)) as f64 / 1e9 / WEEK_S;
    let per_week = |severity| {
        let n = episodes.iter().filter(|episode: &&Episode| episode.severity == severity).count();
        if weeks > 0.0 { n as f64 / weeks } else { 0.0 }
    };
    Backtest {
        from: sums.at(first),
        to: sums.at(to),
        counts,
        compliance: (counts.n_total > 0).then(|| counts.n_good as f64 / counts.n_total as f64),
        budget_spent: spent(slo, counts, sums.at(to) - sums.at(first)),
        n_cancelled,
        pages_per_week: per_week(Severity::Page),
        tickets_per_week: per_week(Severity::Ticket),
        episodes,
        burndown,
    }
}

/// How the budget of the period that ends at `end` went: what was left after each step, of the whole that this period's
/// events allow. Steps are a time with its good and all events, in order; the last point is what is left now.
pub fn burndown(slo: &Slo, end: i64, steps: &[(i64, u64, u64)]) -> Vec<BurndownPoint> {
    let (from, to) = slo.period_at(end);
    let elapsed = end.saturating_sub(from) as f64 / to.saturating_sub(from).max(1) as f64;
    let n_total: u64 = steps.iter().map(|step| step.2).sum();
    let allowed = slo.target().budget() * n_total as f64;
    let mut n_bad = 0;
    let point = |&(at, n_good, n_total): &(i64, u64, u64)| {
        n_bad += n_total.saturating_sub(n_good);
        let remaining = (allowed > 0.0).then(|| 1.0 - n_bad as f64 / allowed * elapsed);
        BurndownPoint { at, remaining }
    };
    steps.iter().map(point).collect()
}

/// `consumed = burn * w / period`.
fn spent(slo: &Slo, counts: WindowCounts, width_ns: i64) -> Option<f64> {
    let period_s = slo.period().as_secs_f64();
    Some(counts.burn(slo.target())? * (width_ns as f64 / 1e9) / period_s)
}

/// One of the two alerts on its way through time.
struct Alert<'a> {
    slo: &'a Slo,
    severity: Severity,
    phase: Phase,
    /// Place among the episodes while it fires.
    open: Option<usize>,
}

impl<'a> Alert<'a> {
    fn new(slo: &'a Slo, severity: Severity) -> Self {
        Self { slo, severity, phase: Phase::Inactive, open: None }
    }

    fn step(
        &mut self,
        sums: &Sums,
        judgement: &Judgement,
        idx: i64,
        lag: Duration,
        episodes: &mut Vec<Episode>,
    ) -> Option<Transition> {
        let now = sums.at(idx).saturating_add(i64::try_from(lag.as_nanos()).unwrap_or(i64::MAX));
        let spec = self.slo.spec();
        let policy =
            StepPolicy { pending_for: self.slo.pending_for(self.severity), keep_firing: spec.keep_firing };
        let (phase, transition) = step(self.phase, judgement.verdict(self.severity), policy, now);
        self.phase = phase;
        match transition {
            Some(Transition::Firing) => {
                self.open = Some(episodes.len());
                episodes.push(self.episode(sums, judgement, idx, now));
            }
            Some(Transition::Resolved) => {
                if let Some(place) = self.open.take() {
                    episodes[place].resolved_at = Some(now);
                }
            }
            Some(Transition::Pending | Transition::Cancelled) | None => {}
        }
        transition
    }

    fn episode(&self, sums: &Sums, judgement: &Judgement, idx: i64, now: i64) -> Episode {
        let burning = judgement.worst(self.severity).filter(|worst| worst.verdict == Verdict::Burning);
        // It fires only where a tier burns.
        let (tier, onset) = match burning {
            Some(worst) => (worst.tier.index, sums.onset(self.slo, worst.tier, idx)),
            None => (0, idx),
        };
        let onset_at = sums.at(onset);
        Episode {
            severity: self.severity,
            tier,
            onset_at,
            firing_at: now,
            resolved_at: None,
            detection: Duration::from_nanos(u64::try_from(now.saturating_sub(onset_at)).unwrap_or(0)),
            burn_long: burning.and_then(|worst| worst.burn_long),
            budget_spent: spent(self.slo, sums.between(onset, idx), sums.at(idx) - onset_at),
        }
    }
}

/// Events up to each slice, so that a window is a difference. Slices are numbered from the first.
struct Sums {
    start: i64,
    width_ns: i64,
    /// Good, all, measured; one more than there are slices.
    totals: Vec<(u64, u64, u32)>,
    /// The first that was measured: nothing is expected of earlier ones.
    first_measured: i64,
}

impl Sums {
    fn of(slo: &Slo, replay: &Replay<'_>) -> Self {
        let mut totals = Vec::with_capacity(replay.slices.len() + 1);
        let mut sum = (0, 0, 0);
        totals.push(sum);
        for slice in replay.slices {
            let is_measured = slice.is_measured || slice.n_total > 0;
            sum = (sum.0 + slice.n_good, sum.1 + slice.n_total, sum.2 + u32::from(is_measured));
            totals.push(sum);
        }
        let is_measured = |slice: &SliceCounts| slice.is_measured || slice.n_total > 0;
        let first_measured = replay.slices.iter().position(is_measured).unwrap_or(replay.slices.len());
        let width_ns = i64::try_from(slo.slice().as_nanos()).unwrap_or(i64::MAX).max(1);
        Self { start: replay.start, width_ns, totals, first_measured: first_measured as i64 }
    }

    fn n(&self) -> i64 {
        self.totals.len() as i64 - 1
    }

    /// Where a slice starts.
    fn at(&self, idx: i64) -> i64 {
        self.start.saturating_add(idx.saturating_mul(self.width_ns))
    }

    fn idx_at(&self, at: i64) -> i64 {
        at.saturating_sub(self.start).div_euclid(self.width_ns)
    }

    /// The events of the window of that length which ends where a slice starts.
    fn window(&self, end: i64, window: Duration) -> WindowCounts {
        let n_slices = i64::try_from(window.as_nanos()).unwrap_or(i64::MAX).div_euclid(self.width_ns).max(1);
        self.between(end.saturating_sub(n_slices), end)
    }

    fn between(&self, from: i64, to: i64) -> WindowCounts {
        let place = |idx: i64| self.totals[usize::try_from(idx.clamp(0, self.n())).unwrap_or(0)];
        let (before, after) = (place(from), place(to));
        let n_expected = (to - from.max(self.first_measured)).clamp(0, i64::from(u32::MAX));
        WindowCounts {
            n_good: after.0 - before.0,
            n_total: after.1 - before.1,
            coverage: Coverage {
                n_measured: after.2 - before.2,
                n_slices: u32::try_from(n_expected).unwrap_or(u32::MAX),
            },
        }
    }

    /// Back to where the short window of a tier began to burn, and there to its first slice with bad events.
    fn onset(&self, slo: &Slo, tier: Tier, idx: i64) -> i64 {
        let burns = |end: i64| self.window(end, tier.short).burns(tier, slo.target());
        let mut begun = idx;
        while begun > 0 && burns(begun - 1) {
            begun -= 1;
        }
        let n_short = i64::try_from(tier.short.as_nanos()).unwrap_or(i64::MAX).div_euclid(self.width_ns);
        let has_bad = |idx: &i64| self.between(*idx, idx + 1).n_bad() > 0;
        (begun.saturating_sub(n_short).max(0)..begun).find(has_bad).unwrap_or(begun)
    }
}

#[cfg(test)]
mod tests;
