//! Query parameters, parsed strictly.
//!
//! An unknown or repeated parameter is refused like a bad value: a filter that is silently ignored
//! gives an answer to another question. Messages name the parameter, its text and what is allowed.

use super::failure::Failure;
use crate::nearest::nearest;
use crate::units::{self, DURATION_HINT, MOMENT_HINT};
use axum::extract::Query;
use http::Uri;
use std::ops::RangeInclusive;
use std::time::Duration;
use storage::TimeRange;

/// Parameters that may be given more than once.
const REPEATABLE: &[&str] = &["attr"];
/// Filters on attributes in one request; each costs a pass over the map column.
const ATTRIBUTES_MAX: usize = 16;
/// Characters of a value that a message repeats.
const SHOWN_CHARS_MAX: usize = 80;
/// Width of the read model's finest buckets.
const BUCKET_S: u64 = 10;
/// Points of a chart that nobody chose a step for.
const POINTS: u64 = 60;
const COMPARE_HINT: &str =
    "write how much earlier, such as 1h, 1d or 1w, or an earlier range, such as now-2d..now-1d";

/// The parameters of one request.
#[derive(Debug)]
pub(super) struct Params {
    pairs: Vec<(String, String)>,
    now: i64,
}

impl Params {
    /// Refuses names that are not in `allowed`. Empty values count as absent: forms send them.
    pub(super) fn read(uri: &Uri, now: i64, allowed: &[&str]) -> Result<Self, Failure> {
        let read = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Query(pairs) = read.map_err(|error| {
            Failure::bad_request(format!("the query string cannot be read: {}", error.body_text()))
        })?;
        for (i, (name, _)) in pairs.iter().enumerate() {
            if !allowed.contains(&name.as_str()) {
                return Err(unknown(name, allowed));
            }
            if !REPEATABLE.contains(&name.as_str()) && pairs[..i].iter().any(|(other, _)| other == name) {
                return Err(Failure::bad_request(format!("parameter {name} is given twice")));
            }
        }
        Ok(Self { pairs: pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect(), now })
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// `from` and `to`; the last hour where they are absent.
    pub(super) fn range(&self) -> Result<TimeRange, Failure> {
        let from = self.time("from", "now-1h")?;
        let to = self.time("to", "now")?;
        if from >= to {
            return Err(Failure::bad_request("parameter from must lie before to").hint(MOMENT_HINT));
        }
        Ok(TimeRange { from, to })
    }

    fn time(&self, name: &str, default: &str) -> Result<i64, Failure> {
        let text = self.text(name).unwrap_or(default);
        units::moment(text, self.now).ok_or_else(|| bad(name, text, "is not a time").hint(MOMENT_HINT))
    }

    /// One of a few words, each with its meaning; the first one where it is absent.
    pub(super) fn choice<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<T, Failure> {
        Ok(self.choice_or_none(name, words)?.unwrap_or(words[0].1))
    }

    pub(super) fn choice_or_none<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let allowed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Err(bad(name, text, "is not known").hint(format!("write one of {}", allowed.join(", "))))
            }
        }
    }

    /// Different words with commas between them, each with its meaning, in the order given.
    pub(super) fn choices<'a, T: Copy>(
        &self,
        name: &str,
        words: &[(&'a str, T)],
    ) -> Result<Vec<(&'a str, T)>, Failure> {
        let Some(text) = self.text(name) else { return Ok(Vec::new()) };
        let mut chosen: Vec<(&str, T)> = Vec::new();
        for part in text.split(',').map(str::trim) {
            let Some(found) = words.iter().find(|(word, _)| *word == part) else {
                let allowed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let hint = format!("write some of {}, with commas between them", allowed.join(", "));
                return Err(bad(name, part, "is not known").hint(hint));
            };
            if chosen.iter().any(|(word, _)| word == &found.0) {
                return Err(bad(name, text, &format!("has {part} twice")));
            }
            chosen.push(*found);
        }
        Ok(chosen)
    }

    pub(super) fn limit(&self, default: usize, max: usize) -> Result<usize, Failure> {
        self.whole("limit", default, 1..=max)
    }

    /// A whole number.
    pub(super) fn whole(
        &self,
        name: &str,
        default: usize,
        allowed: RangeInclusive<usize>,
    ) -> Result<usize, Failure> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        number.ok_or_else(|| {
            let (min, max) = (allowed.start(), allowed.end());
            bad(name, text, &format!("is not a whole number from {min} to {max}"))
        })
    }

    /// The width of points: that of `step`, or one that people know where it is absent; at most `n_max` of them.
    pub(super) fn step(&self, range: TimeRange, n_max: u64) -> Result<Duration, Failure> {
        let Some(text) = self.text("step") else { return Ok(step(range)) };
        let step = units::duration(text)
            .ok_or_else(|| bad("step", text, "is not a duration").hint(DURATION_HINT))?;
        let is_of_buckets =
            step.subsec_nanos() == 0 && step.as_secs() > 0 && step.as_secs().is_multiple_of(BUCKET_S);
        if !is_of_buckets {
            let hint =
                "rates are kept in buckets of ten seconds: write 10s, 1m, 1h or another multiple of 10s";
            return Err(bad("step", text, "is no multiple of ten seconds").hint(hint));
        }
        if seconds(range) / step.as_secs() > n_max {
            let hint = format!(
                "write at least {}s, or ask for a shorter range",
                seconds(range).div_ceil(n_max).next_multiple_of(BUCKET_S)
            );
            return Err(
                bad("step", text, &format!("cuts the range into more than {n_max} points")).hint(hint)
            );
        }
        Ok(step)
    }

    /// The window that `compare` names: so much earlier than the range, or one of its own that begins before it.
    pub(super) fn compare(&self, range: TimeRange) -> Result<Option<TimeRange>, Failure> {
        let Some(text) = self.text("compare") else { return Ok(None) };
        let earlier = match text.split_once("..") {
            Some((from, to)) => units::moment(from, self.now).zip(units::moment(to, self.now)),
            None => units::duration(text).and_then(|by| {
                let by_ns = i64::try_from(by.as_nanos()).ok()?;
                range.from.checked_sub(by_ns).zip(range.to.checked_sub(by_ns))
            }),
        };
        let refuse = |complaint| Err(bad("compare", text, complaint).hint(COMPARE_HINT));
        match earlier {
            None => refuse("is neither a duration nor a range"),
            Some((from, to)) if from >= to => refuse("ends before it begins"),
            Some((from, _)) if from >= range.from => refuse("does not begin before the range"),
            Some((from, to)) => Ok(Some(TimeRange { from, to })),
        }
    }

    /// A duration in nanoseconds.
    pub(super) fn duration_ns(&self, name: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let nanos = units::duration(text).and_then(|duration| i64::try_from(duration.as_nanos()).ok());
        nanos.map(Some).ok_or_else(|| bad(name, text, "is not a duration").hint(DURATION_HINT))
    }

    /// `min` and `max`.
    pub(super) fn durations(&self) -> Result<(Option<i64>, Option<i64>), Failure> {
        match (self.duration_ns("min")?, self.duration_ns("max")?) {
            (Some(min), Some(max)) if min > max => {
                Err(Failure::bad_request("parameter min must not exceed max"))
            }
            durations => Ok(durations),
        }
    }

    /// `status`.
    pub(super) fn is_error(&self) -> Result<Option<bool>, Failure> {
        self.choice_or_none("status", &[("error", true), ("ok", false)])
    }

    /// `spans`: those of requests, or also those made while serving one.
    pub(super) fn entry_only(&self) -> Result<bool, Failure> {
        self.choice("spans", &[("entry", true), ("all", false)])
    }

    /// An id in hexadecimal digits.
    pub(super) fn id<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse_id(name, text).map(Some)
    }

    /// Every `attr=key=value`.
    pub(super) fn attributes(&self) -> Result<Vec<(String, String)>, Failure> {
        let texts = self.pairs.iter().filter(|(name, _)| name == "attr").map(|(_, text)| text);
        let pairs: Vec<_> = texts.map(|text| parse_attribute(text)).collect::<Result<_, _>>()?;
        if pairs.len() > ATTRIBUTES_MAX {
            return Err(Failure::bad_request(format!(
                "parameter attr is given more than {ATTRIBUTES_MAX} times"
            )));
        }
        Ok(pairs)
    }
}

fn unknown(name: &str, allowed: &[&str]) -> Failure {
    let failure = Failure::bad_request(format!("there is no parameter {:?} here", shorten(name)));
    match nearest(name, allowed.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean {near}?")),
        None if allowed.is_empty() => failure.hint("this path takes none"),
        None => failure.hint(format!("allowed are {}", allowed.join(", "))),
    }
}

fn bad(name: &str, text: &str, complaint: &str) -> Failure {
    Failure::bad_request(format!("parameter {name}: {:?} {complaint}", shorten(text)))
}

fn shorten(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

/// An id of `N` bytes, as twice as many hexadecimal digits of either case.
pub(super) fn parse_id<const N: usize>(name: &str, text: &str) -> Result<[u8; N], Failure> {
    let refuse = || bad(name, text, &format!("is not {} hexadecimal digits", 2 * N));
    if text.len() != 2 * N || !text.is_ascii() {
        return Err(refuse());
    }
    let mut id = [0; N];
    for (byte, digits) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        let value = digit(0).zip(digit(1)).map(|(high, low)| high * 16 + low);
        *byte = value.and_then(|value| u8::try_from(value).ok()).ok_or_else(refuse)?;
    }
    Ok(id)
}

fn parse_attribute(text: &str) -> Result<(String, String), Failure> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) =
        pair.ok_or_else(|| bad("attr", text, "is not key=value").hint("write attr=http.route%3D/cart"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// The width of a chart's points: about 60 of them, on borders that people know, in whole buckets of the
/// read model.
pub(super) fn step(range: TimeRange) -> Duration {
    step_for(range, POINTS)
}

/// As `step`, for so many points.
pub(super) fn step_for(range: TimeRange, n_points: u64) -> Duration {
    // No half days: of whole ones the rows of a month are read in a moment.
    const STEPS_S: [u64; 16] =
        [10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 86_400, 172_800, 604_800];
    let wanted = seconds(range).div_ceil(n_points.max(1));
    let nice = STEPS_S.into_iter().find(|step| *step >= wanted);
    Duration::from_secs(nice.unwrap_or_else(|| wanted.next_multiple_of(604_800)))
}

fn seconds(range: TimeRange) -> u64 {
    range.to.abs_diff(range.from) / 1_000_000_000
}

#[cfg(test)]
mod tests;
