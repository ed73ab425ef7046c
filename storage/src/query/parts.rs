//! Which tables of a read model answer for which part of a range: the coarsest that fit.
//!
//! A read model has the same cells in buckets of ten seconds, of minutes and of hours. The whole hours of a range are
//! read as such, what is left at its ends as minutes, and what is left of that in tens of seconds, so that a month is
//! some hundred buckets a series. Buckets must not lie across the steps of the answer. The finer tables are kept for
//! less long: where one no longer has all rows, a coarser one stands in, and the answer says so.

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
}

/// The parts of a range, in order of time, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    asked: TimeRange,
    parts: Vec<Part>,
    is_coarser: bool,
}

impl Parts {
    /// What answers a question now.
    pub(super) fn of(
        engine: &Engine,
        model: fn(Resolution) -> Table,
        range: TimeRange,
        step: Duration,
    ) -> Self {
        let complete = Complete {
            ten_seconds: engine.complete_from(model(Resolution::TenSeconds)),
            minute: engine.complete_from(model(Resolution::Minute)),
        };
        Self::split(range, step_nanos(step), complete)
    }

    /// Hours before the first moment, minutes from there to the second, tens of seconds from then on, whatever the
    /// tables lack.
    pub(super) fn finer_with_time(range: TimeRange, minutes_from: i64, ten_seconds_from: i64) -> Self {
        let minutes_from = floor_to(minutes_from, Resolution::Hour.bucket_ns());
        let ten_seconds_from = floor_to(ten_seconds_from, Resolution::Minute.bucket_ns()).max(minutes_from);
        let regions = [
            (Resolution::Hour, TimeRange { from: i64::MIN, to: minutes_from }),
            (Resolution::Minute, TimeRange { from: minutes_from, to: ten_seconds_from }),
            (Resolution::TenSeconds, TimeRange { from: ten_seconds_from, to: i64::MAX }),
        ];
        let part = |(resolution, region): (Resolution, TimeRange)| {
            let range = widened(common(range, region), resolution);
            (range.from < range.to).then_some(Part { resolution, range })
        };
        Self { asked: range, parts: regions.into_iter().filter_map(part).collect(), is_coarser: false }
    }

    fn split(range: TimeRange, step_ns: i64, complete: Complete) -> Self {
        let fits = |resolution: Resolution| step_ns % resolution.bucket_ns() == 0;
        let asked = widened(range, Resolution::TenSeconds);
        // Tables hand over at a bucket's border of the coarser one.
        let minutes_from = ceil_to(complete.minute, Resolution::Hour.bucket_ns());
        let ten_seconds_from =
            ceil_to(complete.ten_seconds.max(minutes_from), Resolution::Minute.bucket_ns());
        let regions = [
            (Resolution::Hour, TimeRange { from: i64::MIN, to: minutes_from }),
            (Resolution::Minute, TimeRange { from: minutes_from, to: ten_seconds_from }),
            (Resolution::TenSeconds, TimeRange { from: ten_seconds_from, to: i64::MAX }),
        ];
        let (mut parts, mut is_coarser) = (Vec::new(), false);
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
            is_coarser |= finest > Resolution::TenSeconds
                && (range.from < asked.from || range.to > asked.to || !fits(finest));
        }
        Self { asked: range, parts, is_coarser }
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
            Resolution::Minute | Resolution::Hour => last.range.to,
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
