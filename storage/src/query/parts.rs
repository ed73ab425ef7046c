//! Which tables of a read model answer for which part of a range: the coarsest that fit.
//!
//! A read model has the same cells in buckets of ten seconds, of minutes, of hours and of days. The whole days of a
//! range are read as such, what is left at its ends as hours, what is left of that as minutes, and the rest in tens of
//! seconds, so that a month is some hundred buckets a series at most. Buckets must not lie across the steps of the
//! answer. The finer tables are kept for less long: where one no longer has all rows, a coarser one stands in, and the
//! answer says so.

use super::literals::within;
use super::range::{TimeRange, ceil_to, floor_to, step_nanos};
use crate::engine::Engine;
use crate::ids::Table;
use crate::read_models::Resolution;
use std::time::Duration;

/// A range of whole buckets, and whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    resolution: Resolution,
    range: TimeRange,
}

/// From which moment on the finer tables have every row.
#[derive(Debug, Clone, Copy)]
struct Complete {
    ten_seconds: i64,
    minute: i64,
    hour: i64,
}

impl Complete {
    fn of(engine: &Engine, model: fn(Resolution) -> Table) -> Self {
        Self {
            ten_seconds: engine.complete_from(model(Resolution::TenSeconds)),
            minute: engine.complete_from(model(Resolution::Minute)),
            hour: engine.complete_from(model(Resolution::Hour)),
        }
    }
}

/// The parts of a range, in order of time, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    asked: TimeRange,
    parts: Vec<Part>,
    is_coarser: bool,
    /// The widest buckets that had to be read, because no narrower ones are left.
    widest: Resolution,
}

impl Parts {
    /// What answers a question now.
    pub(super) fn of(
        engine: &Engine,
        model: fn(Resolution) -> Table,
        range: TimeRange,
        step: Duration,
    ) -> Self {
        Self::split(range, step_nanos(step), Complete::of(engine, model))
    }

    /// As `of`, for an answer whose steps must hold whole buckets: where wider buckets stand in, the step is widened to
    /// some of them. Returned with the step, in nanoseconds.
    pub(super) fn widening(
        engine: &Engine,
        model: fn(Resolution) -> Table,
        range: TimeRange,
        step: Duration,
    ) -> (Self, i64) {
        Self::split_widening(range, step_nanos(step), Complete::of(engine, model))
    }

    fn split_widening(range: TimeRange, step_ns: i64, complete: Complete) -> (Self, i64) {
        let asked = Self::split(range, step_ns, complete);
        let step_ns = ceil_to(step_ns, asked.widest.bucket_ns());
        let parts = Self::split(range, step_ns, complete);
        // Steps that are wider than those asked for are coarser, even if the buckets fit into them.
        (Self { is_coarser: asked.is_coarser, ..parts }, step_ns)
    }

    fn split(range: TimeRange, step_ns: i64, complete: Complete) -> Self {
        let fits = |resolution: Resolution| step_ns % resolution.bucket_ns() == 0;
        let asked = widened(range, Resolution::TenSeconds);
        // Tables hand over at a bucket's border of the coarser one.
        let hours_from = ceil_to(complete.hour, Resolution::Day.bucket_ns());
        let minutes_from = ceil_to(complete.minute.max(hours_from), Resolution::Hour.bucket_ns());
        let ten_seconds_from =
            ceil_to(complete.ten_seconds.max(minutes_from), Resolution::Minute.bucket_ns());
        let regions = [
            (Resolution::Day, TimeRange { from: i64::MIN, to: hours_from }),
            (Resolution::Hour, TimeRange { from: hours_from, to: minutes_from }),
            (Resolution::Minute, TimeRange { from: minutes_from, to: ten_seconds_from }),
            (Resolution::TenSeconds, TimeRange { from: ten_seconds_from, to: i64::MAX }),
        ];
        let (mut parts, mut is_coarser, mut widest) = (Vec::new(), false, Resolution::TenSeconds);
        for (finest, region) in regions {
            let range = widened(common(range, region), finest);
            if range.from >= range.to {
                continue;
            }
            let is_usable = |resolution: &Resolution| {
                *resolution == finest || (*resolution > finest && fits(*resolution))
            };
            let usable: Vec<Resolution> = Resolution::ALL.into_iter().filter(is_usable).collect();
            cover(range, &usable, &mut parts);
            widest = widest.max(finest);
            is_coarser |= finest > Resolution::TenSeconds
                && (range.from < asked.from || range.to > asked.to || !fits(finest));
        }
        Self { asked: range, parts, is_coarser, widest }
    }

    /// Where rows of these columns come from that meet the conditions: a table with them, or several as one. What
    /// follows must not need a `WHERE`.
    pub(super) fn rows(
        &self,
        model: fn(Resolution) -> Table,
        columns: &str,
        conditions: &[String],
    ) -> String {
        let of_table = |resolution: Resolution| {
            let own = self.parts.iter().filter(|part| part.resolution == resolution);
            let ranges: Vec<String> = own.map(|part| within("bucket", part.range)).collect();
            let ranges = match ranges.as_slice() {
                [] => return None,
                [one] => one.clone(),
                many => format!("({})", many.join(" OR ")),
            };
            let conditions: Vec<&str> =
                std::iter::once(ranges.as_str()).chain(conditions.iter().map(String::as_str)).collect();
            Some(format!("{} WHERE {}", model(resolution).name(), conditions.join(" AND ")))
        };
        let tables: Vec<String> = Resolution::ALL.into_iter().rev().filter_map(of_table).collect();
        match tables.as_slice() {
            [] => format!("{} WHERE {}", model(Resolution::TenSeconds).name(), within("bucket", self.asked)),
            [one] => one.clone(),
            many => {
                let selects = many.iter().map(|table| format!("SELECT {columns} FROM {table}"));
                let selects: Vec<String> = selects.collect();
                format!("({}) AS parts", selects.join("\nUNION ALL "))
            }
        }
    }

    /// The time whose buckets are counted. A last bucket that goes on beyond the range's end counts until there, as
    /// far as tens of seconds go.
    pub(super) fn counted(&self) -> TimeRange {
        let asked = self.asked.whole_buckets();
        let (Some(first), Some(last)) = (self.parts.first(), self.parts.last()) else { return asked };
        let to = match last.resolution {
            Resolution::TenSeconds => asked.to,
            Resolution::Minute | Resolution::Hour | Resolution::Day => last.range.to,
        };
        TimeRange { from: first.range.from, to }
    }

    /// Did coarser tables stand in, so that ends or steps are not those asked for?
    pub(super) fn is_coarser(&self) -> bool {
        self.is_coarser
    }
}

fn common(one: TimeRange, other: TimeRange) -> TimeRange {
    TimeRange { from: one.from.max(other.from), to: one.to.min(other.to) }
}

/// To whole buckets; what is empty stays so.
fn widened(range: TimeRange, resolution: Resolution) -> TimeRange {
    if range.from >= range.to {
        return range;
    }
    let width = resolution.bucket_ns();
    TimeRange { from: floor_to(range.from, width), to: ceil_to(range.to, width) }
}

/// Covers a range with the widest buckets, and its ends with narrower ones. Resolutions come in ascending order; the
/// ends of the range are borders of the first one's buckets. Joins what goes on where the last part ended.
fn cover(range: TimeRange, usable: &[Resolution], parts: &mut Vec<Part>) {
    let [finer @ .., widest] = usable else { return };
    if range.from >= range.to {
        return;
    }
    let width = widest.bucket_ns();
    let whole = match finer {
        [] => range,
        _ => TimeRange { from: ceil_to(range.from, width), to: floor_to(range.to, width) },
    };
    if whole.from >= whole.to {
        return cover(range, finer, parts);
    }
    cover(TimeRange { to: whole.from, ..range }, finer, parts);
    match parts.last_mut() {
        Some(last) if last.resolution == *widest && last.range.to == whole.from => last.range.to = whole.to,
        _ => parts.push(Part { resolution: *widest, range: whole }),
    }
    cover(TimeRange { from: whole.to, ..range }, finer, parts);
}

#[cfg(test)]
mod tests;
