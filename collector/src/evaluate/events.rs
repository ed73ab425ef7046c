//! The events of an objective, whatever counts them: the read models, raw spans, counters or statements.
//!
//! The one place that turns an indicator into questions to the engine, for the evaluation, the API and back-tests alike.

mod counts;

use crate::units::nanos;
use alerts::{Indicator, Ratio, Slo, Timeslice};
use counts::Counts;
use std::{collections::BTreeSet, time::Duration};
use storage::{Engine, Error, SliBucket, SliQuery, TimeRange};

/// Good and all events, and how they were found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Events {
    /// Steps with events only, in order; steps are counted from 1970. A step may have more good events than events, where
    /// a ratio's two counters came one after the other: only sums over windows mean something.
    pub(crate) buckets: Vec<SliBucket>,
    /// Starts of steps, in order, in which spans were counted under others that may be those asked for.
    pub(crate) folded: Vec<i64>,
    /// Statements that give the same numbers.
    pub(crate) sql: String,
}

/// Reads the events of a range. `step` is at least ten seconds.
pub(crate) async fn read(
    engine: &Engine,
    slo: &Slo,
    range: TimeRange,
    step: Duration,
) -> Result<Events, Error> {
    let Some(slice) = slo.timeslice() else { return occurrences(engine, slo, range, step).await };
    // A slice is judged as a whole.
    let range = TimeRange { from: floor(range.from, nanos(slice.width)), to: range.to };
    let Events { buckets, mut folded, sql } = occurrences(engine, slo, range, slice.width).await?;
    folded.iter_mut().for_each(|at| *at = floor(*at, nanos(step).max(1)));
    folded.dedup();
    Ok(Events { buckets: slices(&buckets, slice, step), folded, sql })
}

async fn occurrences(engine: &Engine, slo: &Slo, range: TimeRange, step: Duration) -> Result<Events, Error> {
    if let Indicator::Ratio(ratio) = slo.indicator() {
        let part = counts::read(engine, &ratio.source, slo.service(), range, step).await?;
        let total = counts::read(engine, &ratio.total, slo.service(), range, step).await?;
        let sql = format!("{};\n\n{}", part.sql, total.sql);
        return Ok(Events { buckets: joined(ratio, &part, &total), folded: Vec::new(), sql });
    }
    let query = SliQuery {
        range,
        service: slo.service().to_owned(),
        operation: slo.operation().map(str::to_owned),
        attributes: slo.spec().attributes.clone(),
        threshold_ns: slo.indicator().threshold_ns(),
        step,
    };
    let answer = engine.sli(&query).await?;
    let (mut buckets, mut folded) = (answer.buckets, answer.folded);
    // Where a coarser bucket stands in for finer ones that are gone, the first may begin before the range.
    let step_ns = nanos(step);
    buckets.retain(|bucket| bucket.at.saturating_add(step_ns) > range.from);
    folded.retain(|at| at.saturating_add(step_ns) > range.from);
    Ok(Events { buckets, folded, sql: answer.sql })
}

/// The good events of each step, from what two queries counted up to its end. Counters that are exported one after the
/// other so come together in the sums, whichever is first.
fn joined(ratio: &Ratio, part: &Counts, total: &Counts) -> Vec<SliBucket> {
    let steps: BTreeSet<i64> = part.steps.keys().chain(total.steps.keys()).copied().collect();
    let (mut n_part, mut n_total) = (0.0, 0.0);
    let (mut told_good, mut told_total) = (0, 0);
    let mut buckets = Vec::with_capacity(steps.len());
    for at in steps {
        n_part += part.steps.get(&at).copied().unwrap_or_default();
        n_total += total.steps.get(&at).copied().unwrap_or_default();
        // Rounding sums, not steps, leaves nothing behind.
        let (sum_part, sum_total) = (whole(n_part), whole(n_total));
        let sum_good = ratio.n_good(sum_part, sum_total).max(told_good);
        buckets.push(SliBucket { at, n_good: sum_good - told_good, n_total: sum_total - told_total });
        (told_good, told_total) = (sum_good, sum_total);
    }
    buckets.retain(|bucket| bucket.n_good > 0 || bucket.n_total > 0);
    buckets
}

fn whole(sum: f64) -> u64 {
    // Saturates, and takes what is no number for none.
    sum.round() as u64
}

/// One event for each slice that had any, in steps of that width.
fn slices(buckets: &[SliBucket], slice: Timeslice, step: Duration) -> Vec<SliBucket> {
    let mut events: Vec<SliBucket> = Vec::new();
    for bucket in buckets.iter().filter(|bucket| bucket.n_total > 0) {
        let at = floor(bucket.at, nanos(step).max(1));
        let n_good = u64::from(slice.is_good(bucket.n_good, bucket.n_total));
        match events.last_mut() {
            Some(last) if last.at == at => {
                last.n_good += n_good;
                last.n_total += 1;
            }
            _ => events.push(SliBucket { at, n_good, n_total: 1 }),
        }
    }
    events
}

fn floor(at: i64, width_ns: i64) -> i64 {
    at.saturating_sub(at.rem_euclid(width_ns))
}

#[cfg(test)]
mod tests;
