//! Query parameters, parsed strictly.
//!
//! An unknown or repeated parameter is refused like a bad value: a filter that is silently ignored
//! gives an answer to another question. Messages name the parameter, its text and what is allowed.

use super::failure::Failure;
use crate::nearest::nearest;
use crate::units::{self, DURATION_HINT, MOMENT_HINT};
use axum::extract::Query;
use http::Uri;
use std::time::Duration;
use storage::TimeRange;

/// Parameters that may be given more than once.
const REPEATABLE: &[&str] = &["attr"];
/// Filters on attributes in one request; each costs a pass over the map column.
const ATTRIBUTES_MAX: usize = 16;
/// Characters of a value that a message repeats.
const SHOWN_CHARS_MAX: usize = 80;

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

    pub(super) fn limit(&self, default: usize, max: usize) -> Result<usize, Failure> {
        let Some(text) = self.text("limit") else { return Ok(default) };
        let limit = text.parse().ok().filter(|limit| (1..=max).contains(limit));
        limit.ok_or_else(|| bad("limit", text, &format!("is not a whole number from 1 to {max}")))
    }

    /// A duration in nanoseconds.
    pub(super) fn duration_ns(&self, name: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let nanos = units::duration(text).and_then(|duration| i64::try_from(duration.as_nanos()).ok());
        nanos.map(Some).ok_or_else(|| bad(name, text, "is not a duration").hint(DURATION_HINT))
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
    const POINTS: u64 = 60;
    const STEPS_S: [u64; 17] = [
        10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800,
        604_800,
    ];
    let seconds = range.to.abs_diff(range.from) / 1_000_000_000;
    let wanted = seconds.div_ceil(POINTS);
    let nice = STEPS_S.into_iter().find(|step| *step >= wanted);
    Duration::from_secs(nice.unwrap_or_else(|| wanted.next_multiple_of(604_800)))
}

#[cfg(test)]
mod tests;
