//! Times in which nobody is told of some alerts: silences that somebody sets, and maintenance windows that come again.
//!
//! They stop notifications, never evaluation: what is muted is judged, opens incidents, and is told as soon as it may
//! be if it still fires. Times are unix nanoseconds.

mod window;

use window::Recurrence;
pub use window::RecurrenceSpec;

use crate::{AlertRecord, Matcher, MatcherError, Phase, Severity};
use std::collections::BTreeMap;

/// Matchers of one silence.
const MATCHERS_MAX: usize = 16;
/// Bytes of a matcher, of an author and of a comment.
const TEXT_BYTES_MAX: usize = 2_048;
/// A silence without windows ends within a year: one that never ends is a rule that should not be there.
const LENGTH_MAX_NS: i64 = 366 * 86_400 * 1_000_000_000;

/// What somebody wants to be silent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SilenceSpec {
    /// All of them have to match; see [`Matcher`].
    pub matchers: Vec<String>,
    pub starts_at: i64,
    /// None only where it recurs.
    pub ends_at: Option<i64>,
    pub recurrence: Option<RecurrenceSpec>,
    pub author: String,
    /// Why.
    pub comment: String,
}

/// A silence that keeps the rules.
#[derive(Debug, Clone)]
pub struct Silence {
    spec: SilenceSpec,
    matchers: Vec<Matcher>,
    recurrence: Option<Recurrence>,
}

/// Why a silence was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SilenceError {
    #[error("it has no matchers, or more than {max}", max = MATCHERS_MAX)]
    Matchers,
    #[error("matcher {text:?}")]
    Matcher { text: String, source: MatcherError },
    #[error("its matchers match alerts without any labels, so it would mute everything")]
    Everything,
    #[error("it ends before it begins")]
    Ends,
    #[error("it has no end")]
    Endless,
    #[error("it lasts longer than a year")]
    Long,
    #[error("{what} is missing")]
    Missing { what: &'static str },
    #[error("{what} is longer than {max} bytes", max = TEXT_BYTES_MAX)]
    Bytes { what: &'static str },
    #[error("day {text:?} is none of mon, tue, wed, thu, fri, sat, sun")]
    Day { text: String },
    #[error("{text:?} is no time of day: write it as 22:00")]
    Time { text: String },
    #[error("a window lasts from a minute to a day")]
    Duration,
    #[error(
        "there is no time zone {text:?}: write it as the IANA database does, such as Europe/Berlin or UTC"
    )]
    Zone { text: String },
}

impl Silence {
    pub fn new(spec: SilenceSpec) -> Result<Self, SilenceError> {
        if spec.matchers.is_empty() || spec.matchers.len() > MATCHERS_MAX {
            return Err(SilenceError::Matchers);
        }
        let matchers = spec.matchers.iter().map(|text| matcher(text)).collect::<Result<Vec<_>, _>>()?;
        if matchers.iter().all(|matcher| matcher.matches(&BTreeMap::new())) {
            return Err(SilenceError::Everything);
        }
        check_text("author", &spec.author)?;
        check_text("comment", &spec.comment)?;
        check_times(&spec)?;
        let recurrence = spec.recurrence.clone().map(Recurrence::new).transpose()?;
        Ok(Self { spec, matchers, recurrence })
    }

    pub fn spec(&self) -> &SilenceSpec {
        &self.spec
    }

    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels))
    }

    /// While it is active: when that ends.
    pub fn active_until(&self, at: i64) -> Option<i64> {
        let ends_at = self.spec.ends_at.unwrap_or(i64::MAX);
        if at < self.spec.starts_at || at >= ends_at {
            return None;
        }
        match &self.recurrence {
            Some(recurrence) => recurrence.window_around(at).map(|(_, to)| to.min(ends_at)),
            None => Some(ends_at),
        }
    }

    /// When it is active next, at that moment or after it.
    pub fn next_at(&self, at: i64) -> Option<i64> {
        let from = at.max(self.spec.starts_at);
        let next = match &self.recurrence {
            _ if self.active_until(from).is_some() => Some(from),
            Some(recurrence) => recurrence.next_after(from),
            None => None,
        };
        next.filter(|next| self.spec.ends_at.is_none_or(|ends_at| *next < ends_at))
    }
}

fn matcher(text: &str) -> Result<Matcher, SilenceError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(SilenceError::Bytes { what: "a matcher" });
    }
    Matcher::parse(text).map_err(|source| SilenceError::Matcher { text: text.to_owned(), source })
}

fn check_text(what: &'static str, text: &str) -> Result<(), SilenceError> {
    match text.trim() {
        "" => Err(SilenceError::Missing { what }),
        text if text.len() > TEXT_BYTES_MAX => Err(SilenceError::Bytes { what }),
        _ => Ok(()),
    }
}

fn check_times(spec: &SilenceSpec) -> Result<(), SilenceError> {
    match spec.ends_at {
        None if spec.recurrence.is_none() => Err(SilenceError::Endless),
        Some(ends_at) if ends_at <= spec.starts_at => Err(SilenceError::Ends),
        Some(ends_at)
            if spec.recurrence.is_none() && ends_at.saturating_sub(spec.starts_at) > LENGTH_MAX_NS =>
        {
            Err(SilenceError::Long)
        }
        _ => Ok(()),
    }
}

/// Why nobody is told of an alert that fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Muted {
    /// By the id of the silence.
    Silence(u32),
    /// A worse alert of the same objective fires, which says all that this one would.
    Inhibited { by: String },
}

/// A silence with its id, as it is kept.
#[derive(Debug, Clone)]
pub struct StoredSilence {
    pub id: u32,
    pub silence: Silence,
    pub created_at: i64,
    /// When somebody ended it before its time.
    pub expired: Option<Expiry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    pub at: i64,
    pub by: Option<String>,
}

impl StoredSilence {
    pub fn active_until(&self, at: i64) -> Option<i64> {
        if self.is_over(at) { None } else { self.silence.active_until(at) }
    }

    pub fn next_at(&self, at: i64) -> Option<i64> {
        if self.is_over(at) { None } else { self.silence.next_at(at) }
    }

    fn is_over(&self, at: i64) -> bool {
        self.expired.as_ref().is_some_and(|expiry| expiry.at <= at)
    }

    pub fn mutes(&self, labels: &BTreeMap<String, String>, at: i64) -> bool {
        self.active_until(at).is_some() && self.silence.matches(labels)
    }
}

/// Why nobody is told of an alert: the oldest silence that mutes it, or else a page of the same objective among the
/// alerts that fire.
pub fn muted<'a>(
    alert: &AlertRecord,
    labels: &BTreeMap<String, String>,
    silences: &[StoredSilence],
    firing: impl IntoIterator<Item = &'a AlertRecord>,
    now: i64,
) -> Option<Muted> {
    let mutes = silences.iter().filter(|silence| silence.mutes(labels, now));
    if let Some(id) = mutes.map(|silence| silence.id).min() {
        return Some(Muted::Silence(id));
    }
    let inhibits = |other: &&AlertRecord| {
        other.slo_id == alert.slo_id
            && (other.severity, alert.severity) == (Severity::Page, Severity::Ticket)
            && matches!(other.phase, Phase::Firing { .. })
    };
    let worse = firing.into_iter().find(inhibits)?;
    Some(Muted::Inhibited { by: worse.id.clone() })
}

#[cfg(test)]
mod tests;
