//! Service level objectives: what is promised, checked before anything is measured.
//!
//! A `Slo` exists only if it can alert: its target leaves a budget, its period is long enough for
//! the shortest window, and at least one tier can fire. It holds no counts and no state.

use crate::burn_rate::{MAX_PERIOD, MIN_PERIOD, Tier, slice_of_period, tiers_of_period};
use std::{collections::BTreeMap, fmt, time::Duration};

/// Parts in one whole; targets are exact to seven decimals of a percent.
const PARTS: u32 = 1_000_000_000;
/// Decimal places of a percentage that `PARTS` can hold: 10^7 parts are one percent.
const PERCENT_DECIMALS: usize = 7;

/// The share of events that must be good, as an exact decimal.
///
/// Binary fractions would make the budget of 99.9 % come out as 0.00099999999999989; parts per
/// billion keep it at 0.001 and let thresholds be compared exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    parts: u32,
}

impl Target {
    /// From a percentage such as `99.9`. The shortest decimal spelling of the number counts.
    pub(crate) fn from_percent(percent: f64) -> Result<Self, SloError> {
        let refuse = || SloError::Target { percent: percent.to_string() };
        if !(percent > 0.0 && percent < 100.0) {
            return Err(refuse());
        }
        let text = percent.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        if fraction.len() > PERCENT_DECIMALS {
            return Err(SloError::TargetDigits { percent: text });
        }
        let digits = format!("{whole}{fraction:0<PERCENT_DECIMALS$}");
        let parts = digits.parse::<u32>().map_err(|_| refuse())?;
        Ok(Self { parts })
    }

    /// Parts per billion that may be bad: `budget = 1 - target`.
    pub(crate) fn budget_parts(self) -> u32 {
        PARTS - self.parts
    }

    pub fn share(self) -> f64 {
        f64::from(self.parts) / f64::from(PARTS)
    }

    pub fn budget(self) -> f64 {
        f64::from(self.budget_parts()) / f64::from(PARTS)
    }
}

/// The percentage with as many digits as it needs: `99.9 %`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.parts / (PARTS / 100), self.parts % (PARTS / 100));
        let rest = format!("{rest:07}");
        match rest.trim_end_matches('0') {
            "" => write!(f, "{whole} %"),
            digits => write!(f, "{whole}.{digits} %"),
        }
    }
}

/// Which events are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indicator {
    /// Those without an error.
    Availability,
    /// Those that took no longer than the threshold.
    Latency { threshold: Duration },
}

impl Indicator {
    pub fn name(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Latency { .. } => "latency",
        }
    }

    /// The bound of a latency indicator in nanoseconds.
    pub fn threshold_ns(self) -> Option<i64> {
        match self {
            Self::Availability => None,
            Self::Latency { threshold } => i64::try_from(threshold.as_nanos()).ok(),
        }
    }
}

/// An objective as somebody wrote it; `Slo::new` checks it.
#[derive(Debug, Clone)]
pub struct SloSpec {
    pub id: String,
    /// Shown to people; empty means the id.
    pub name: String,
    pub service: String,
    pub operation: Option<String>,
    pub indicator: Indicator,
    pub target_percent: f64,
    pub period: Duration,
    /// Names of receivers; may be empty, then the alert is only shown.
    pub receivers: Vec<String>,
    pub runbook_url: Option<String>,
    /// A tier fires only if its long window holds this many events.
    pub n_events_min: u64,
    /// And this many bad ones: with 1, a single error at night pages.
    pub n_bad_min: u64,
    /// How long a tier must burn before the alert fires; zero fires at once.
    pub pending_for: Duration,
    /// How long an alert keeps firing after it stopped burning, against flapping.
    pub keep_firing: Duration,
    /// Added to the alert's labels.
    pub labels: BTreeMap<String, String>,
}

impl Default for SloSpec {
    fn default() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            service: String::new(),
            operation: None,
            indicator: Indicator::Availability,
            target_percent: 99.9,
            period: Duration::from_secs(30 * 86_400),
            receivers: Vec::new(),
            runbook_url: None,
            n_events_min: 10,
            n_bad_min: 2,
            pending_for: Duration::ZERO,
            keep_firing: Duration::from_secs(300),
            labels: BTreeMap::new(),
        }
    }
}

/// A checked objective with the tiers that can fire.
#[derive(Debug, Clone)]
pub struct Slo {
    spec: SloSpec,
    target: Target,
    tiers: Vec<Tier>,
    notes: Vec<String>,
}

/// Labels the alert itself sets; an SLO's own labels must not hide them.
pub(crate) const RESERVED_LABELS: [&str; 5] = ["alertname", "operation", "service", "severity", "slo"];
/// An RFC 1123 label, so that an id fits into a path, a file name and OpenSLO's `metadata.name`.
const ID_CHARS_MAX: usize = 63;
/// Names are shown in one line.
const NAME_CHARS_MAX: usize = 120;
/// Longer holds would outlast the shortest incident worth knowing.
const HOLD_MAX: Duration = Duration::from_secs(86_400);

impl Slo {
    pub fn new(mut spec: SloSpec) -> Result<Self, SloError> {
        check_id(&spec.id)?;
        if spec.name.is_empty() {
            spec.name.clone_from(&spec.id);
        }
        check_text(&spec)?;
        check_times(&spec)?;
        check_labels(&spec.labels)?;
        if spec.n_events_min == 0 || spec.n_bad_min == 0 {
            return Err(SloError::Evidence);
        }
        let target = Target::from_percent(spec.target_percent)?;
        let (tiers, dead): (Vec<_>, Vec<_>) =
            tiers_of_period(spec.period).into_iter().partition(|tier| tier.can_fire(target));
        let notes = dead.iter().map(|tier| tier.why_it_cannot_fire(target)).collect();
        if tiers.is_empty() {
            return Err(SloError::NoTier { target, notes });
        }
        Ok(Self { spec, target, tiers, notes })
    }

    pub fn id(&self) -> &str {
        &self.spec.id
    }

    pub fn name(&self) -> &str {
        &self.spec.name
    }

    pub fn service(&self) -> &str {
        &self.spec.service
    }

    pub fn operation(&self) -> Option<&str> {
        self.spec.operation.as_deref()
    }

    pub fn indicator(&self) -> Indicator {
        self.spec.indicator
    }

    pub fn target(&self) -> Target {
        self.target
    }

    pub fn period(&self) -> Duration {
        self.spec.period
    }

    /// How finely its events have to be counted.
    pub fn slice(&self) -> Duration {
        slice_of_period(self.spec.period)
    }

    /// Everything as it was written, for the parts without a rule of their own.
    pub fn spec(&self) -> &SloSpec {
        &self.spec
    }

    /// The tiers that can fire, tier 1 first; never empty.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// One sentence with its arithmetic per tier that the target puts out of reach.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The objective in one English sentence.
    pub fn sentence(&self) -> String {
        let Self { target, spec, .. } = self;
        let requests = match &spec.operation {
            Some(operation) => format!("{} {operation} requests", spec.service),
            None => format!("{} requests", spec.service),
        };
        let promise = match spec.indicator {
            Indicator::Availability => "succeed".to_owned(),
            Indicator::Latency { threshold } => format!("take at most {}", millis(threshold)),
        };
        format!("{target} of {requests} {promise} over {}", long_span(spec.period))
    }
}

/// Why an objective was refused, and what would be accepted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SloError {
    #[error(
        "id {id:?} is not usable: take 1 to 63 lower-case letters, digits and '-', with a letter or digit \
         at both ends, for example \"checkout-availability\""
    )]
    Id { id: String },

    #[error("{field} must be 1 to 120 characters without control characters")]
    Text { field: &'static str },

    #[error("target {percent} is out of range: it is a percentage above 0 and below 100, for example 99.9")]
    Target { percent: String },

    #[error("target {percent} has more than 7 decimals: write it as a percentage, for example 99.95")]
    TargetDigits { percent: String },

    #[error("no tier can fire with a target of {target}: {}", notes.join("; "))]
    NoTier { target: Target, notes: Vec<String> },

    #[error(
        "period {} is out of range: take 1 d to 366 d; at 1 d the shortest window is already the \
         smallest slice of 10 s", long_span(*period)
    )]
    Period { period: Duration },

    #[error("threshold must be at least 1 ms and at most 1 h, for example \"300ms\"")]
    Threshold,

    #[error("{field} must be at most 1 d")]
    Hold { field: &'static str },

    #[error("events_min and bad_min must be at least 1")]
    Evidence,

    #[error("label {name:?} is set by the alert itself; choose another name")]
    ReservedLabel { name: String },

    #[error("label name {name:?} is not usable: letters, digits and '_', not starting with a digit")]
    LabelName { name: String },

    #[error("runbook_url must start with http:// or https://")]
    RunbookUrl,
}

fn check_id(id: &str) -> Result<(), SloError> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (1..=ID_CHARS_MAX).contains(&id.len()) && id.chars().all(inner);
    if fits && !id.starts_with('-') && !id.ends_with('-') {
        return Ok(());
    }
    Err(SloError::Id { id: id.chars().take(ID_CHARS_MAX + 1).collect() })
}

fn check_text(spec: &SloSpec) -> Result<(), SloError> {
    let usable = |text: &str| {
        (1..=NAME_CHARS_MAX).contains(&text.chars().count()) && !text.contains(|c: char| c.is_control())
    };
    let operation = spec.operation.as_deref().unwrap_or("any");
    for (field, text) in [("name", spec.name.as_str()), ("service", &spec.service), ("operation", operation)]
    {
        if !usable(text) {
            return Err(SloError::Text { field });
        }
    }
    let is_link = |url: &String| url.starts_with("http://") || url.starts_with("https://");
    match &spec.runbook_url {
        Some(url) if !is_link(url) || url.contains(|c: char| c.is_control()) => Err(SloError::RunbookUrl),
        _ => Ok(()),
    }
}

fn check_times(spec: &SloSpec) -> Result<(), SloError> {
    if !(MIN_PERIOD..=MAX_PERIOD).contains(&spec.period) {
        return Err(SloError::Period { period: spec.period });
    }
    if let Indicator::Latency { threshold } = spec.indicator {
        // Spans are timed in microseconds at best, and the read models end at one hour.
        if !(Duration::from_millis(1)..=Duration::from_secs(3600)).contains(&threshold) {
            return Err(SloError::Threshold);
        }
    }
    for (field, hold) in [("for", spec.pending_for), ("keep_firing", spec.keep_firing)] {
        if hold > HOLD_MAX {
            return Err(SloError::Hold { field });
        }
    }
    Ok(())
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), SloError> {
    for name in labels.keys() {
        if RESERVED_LABELS.contains(&name.as_str()) {
            return Err(SloError::ReservedLabel { name: name.clone() });
        }
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts_well || !name.chars().all(word) {
            return Err(SloError::LabelName { name: name.clone() });
        }
    }
    Ok(())
}

/// A threshold as people write it: `300 ms`, `1.5 s`.
fn millis(threshold: Duration) -> String {
    if threshold < Duration::from_secs(1) {
        format!("{} ms", threshold.as_secs_f64() * 1e3)
    } else {
        format!("{} s", threshold.as_secs_f64())
    }
}

/// A span of time in its largest whole unit: `30 d`, `36 h`.
fn long_span(span: Duration) -> String {
    let s = span.as_secs();
    match s {
        0 => "0 s".to_owned(),
        _ if s.is_multiple_of(86_400) => format!("{} d", s / 86_400),
        _ if s.is_multiple_of(3600) => format!("{} h", s / 3600),
        _ if s.is_multiple_of(60) => format!("{} min", s / 60),
        _ => format!("{s} s"),
    }
}

#[cfg(test)]
mod tests;
