//! Service level objectives: what is promised, checked before anything is measured.
//!
//! A `Slo` exists only if it can alert: its target leaves a budget, its period is long enough for
//! the shortest window, and at least one tier can fire. It holds no counts and no state.

use crate::burn_rate::{
    Comparison, MAX_PERIOD, MIN_PERIOD, SLICE, Severity, Tier, slice_of, tiers_of_conditions, tiers_of_period,
};
use crate::calendar::Calendar;
use crate::indicator::{Indicator, Method, Source, Timeslice};
use crate::target::Target;
use std::{collections::BTreeMap, time::Duration};

/// When an alert is to fire, in place of the four tiers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    pub severity: Severity,
    pub comparison: Comparison,
    /// A multiple of the budget's even spending rate, with at most three decimals.
    pub threshold: f64,
    pub long: Duration,
    pub short: Duration,
}

/// An objective as somebody wrote it; `Slo::new` checks it.
#[derive(Debug, Clone, PartialEq)]
pub struct SloSpec {
    pub id: String,
    /// Shown to people; empty means the id.
    pub name: String,
    pub description: Option<String>,
    pub service: String,
    /// Of availability and latency: only spans of that name.
    pub operation: Option<String>,
    /// Of availability and latency: only spans with all these attributes.
    pub attributes: Vec<(String, String)>,
    pub indicator: Indicator,
    pub method: Method,
    pub target_percent: f64,
    /// With a calendar it is how long its windows are taken to be.
    pub period: Duration,
    /// Windows by the calendar; none means that the period rolls.
    pub calendar: Option<Calendar>,
    /// When alerts fire; empty means the four tiers.
    pub conditions: Vec<Condition>,
    /// Names of receivers; may be empty, then the alert is only shown.
    pub receivers: Vec<String>,
    pub runbook_url: Option<String>,
    /// A tier fires only if its long window holds this many events.
    pub n_events_min: u64,
    /// And this many bad ones: with 1, a single error at night pages.
    pub n_bad_min: u64,
    /// How long a tier must burn before the alert fires; zero fires at once.
    pub pending_for: Duration,
    /// The same for tickets; none means as for pages.
    pub ticket_pending_for: Option<Duration>,
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
            description: None,
            service: String::new(),
            operation: None,
            attributes: Vec::new(),
            indicator: Indicator::Availability,
            method: Method::Occurrences,
            target_percent: 99.9,
            period: Duration::from_secs(30 * 86_400),
            calendar: None,
            conditions: Vec::new(),
            receivers: Vec::new(),
            runbook_url: None,
            n_events_min: 10,
            n_bad_min: 2,
            pending_for: Duration::ZERO,
            ticket_pending_for: None,
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
    timeslice: Option<Timeslice>,
    tiers: Vec<Tier>,
    /// How finely its events are counted.
    slice: Duration,
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
/// Twice the usual tiers: each is two windows to add up, in every evaluation.
const CONDITIONS_MAX: usize = 8;
/// Each is a pass over the attributes of all spans.
const ATTRIBUTES_MAX: usize = 16;
/// As long as the API takes a statement; a name or an attribute is much shorter.
const SQL_BYTES_MAX: usize = 64 << 10;
const TEXT_BYTES_MAX: usize = 1_024;
/// Wider slices would leave too few in a window to tell anything.
const TIMESLICE_MAX: Duration = Duration::from_secs(3_600);

impl Slo {
    pub fn new(mut spec: SloSpec) -> Result<Self, SloError> {
        check_id(&spec.id)?;
        if spec.name.is_empty() {
            spec.name.clone_from(&spec.id);
        }
        if let Some(calendar) = &spec.calendar {
            spec.period = calendar.nominal();
        }
        check_text(&spec)?;
        check_times(&spec)?;
        check_labels(&spec.labels)?;
        check_scope(&spec)?;
        if spec.n_events_min == 0 || spec.n_bad_min == 0 {
            return Err(SloError::Evidence);
        }
        let target = Target::from_percent(spec.target_percent)?;
        let timeslice = timeslice(&spec)?;
        let all = tiers(&spec, timeslice)?;
        let slice = timeslice.map_or_else(|| slice_of(&all), |timeslice| timeslice.width);
        let (tiers, dead): (Vec<_>, Vec<_>) = all.into_iter().partition(|tier| tier.can_fire(target));
        let notes = dead.iter().map(|tier| tier.why_it_cannot_fire(target)).collect();
        if tiers.is_empty() {
            return Err(SloError::NoTier { target, notes });
        }
        Ok(Self { spec, target, timeslice, tiers, slice, notes })
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

    pub fn indicator(&self) -> &Indicator {
        &self.spec.indicator
    }

    pub fn target(&self) -> Target {
        self.target
    }

    /// Its length; with a calendar, what its windows are taken to be.
    pub fn period(&self) -> Duration {
        self.spec.period
    }

    pub fn calendar(&self) -> Option<&Calendar> {
        self.spec.calendar.as_ref()
    }

    /// The period that is judged at a moment: its start, and its end, which with a calendar is to come.
    pub fn period_at(&self, end: i64) -> (i64, i64) {
        match &self.spec.calendar {
            Some(calendar) => calendar.window(end),
            None => {
                let period = i64::try_from(self.spec.period.as_nanos()).unwrap_or(i64::MAX);
                (end.saturating_sub(period), end)
            }
        }
    }

    /// How far back events count at most.
    pub fn period_max(&self) -> Duration {
        self.spec.calendar.as_ref().map_or(self.spec.period, Calendar::longest)
    }

    /// Slices of time that are the events, where they are.
    pub fn timeslice(&self) -> Option<Timeslice> {
        self.timeslice
    }

    /// How finely its events have to be counted.
    pub fn slice(&self) -> Duration {
        self.slice
    }

    /// How long an alert of that severity waits before it fires.
    pub fn pending_for(&self, severity: Severity) -> Duration {
        match severity {
            Severity::Page => self.spec.pending_for,
            Severity::Ticket => self.spec.ticket_pending_for.unwrap_or(self.spec.pending_for),
        }
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
        let period = match &spec.calendar {
            Some(calendar) => calendar.to_string(),
            None => format!("over {}", long_span(spec.period)),
        };
        match self.timeslice {
            Some(slice) => format!(
                "in {target} of all {}, {} of {} {period}",
                slices_of(slice.width),
                slice.share_text(),
                self.promise()
            ),
            None => format!("{target} of {} {period}", self.promise()),
        }
    }

    /// "checkout requests succeed"
    fn promise(&self) -> String {
        let spec = &self.spec;
        let mut requests = match &spec.operation {
            Some(operation) => format!("{} {operation} requests", spec.service),
            None => format!("{} requests", spec.service),
        };
        if !spec.attributes.is_empty() {
            let pairs: Vec<_> = spec.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
            requests = format!("{requests} with {}", pairs.join(", "));
        }
        match &spec.indicator {
            Indicator::Availability => format!("{requests} succeed"),
            Indicator::Latency { threshold } => format!("{requests} take at most {}", millis(*threshold)),
            Indicator::Ratio(ratio) => match &ratio.total {
                Source::Metric { name, .. } => format!("{} events in {name} are good", spec.service),
                Source::Sql(_) => format!("{} events in a statement are good", spec.service),
            },
        }
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

    #[error(
        "a time slice is whole tens of seconds, at most 1 h and no wider than the shortest long window, and its target \
         above 0 and at most 100 percent"
    )]
    Timeslice,

    #[error(
        "an alert condition has a threshold with at most three decimals, a long window from 1 min to the period, and \
         a short one that is not longer; an objective has at most {max}", max = CONDITIONS_MAX
    )]
    Condition,

    #[error("operation and attributes choose among spans: a ratio has those of its own queries")]
    ScopedRatio,

    #[error(
        "at most {n} attributes, each with a key, and no text longer than {bytes} bytes", n = ATTRIBUTES_MAX,
        bytes = TEXT_BYTES_MAX
    )]
    Attributes,

    #[error(
        "a statement is at most 64 KiB and has $from, $to and $step, for example SELECT date_bin($step, time) AS at, \
         count(*) AS n FROM logs WHERE time >= $from AND time < $to GROUP BY at"
    )]
    Statement,

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

/// The tiers that are asked for.
fn tiers(spec: &SloSpec, timeslice: Option<Timeslice>) -> Result<Vec<Tier>, SloError> {
    let slice = timeslice.map_or(SLICE, |timeslice| timeslice.width);
    if spec.conditions.is_empty() {
        return Ok(tiers_of_period(spec.period, slice).to_vec());
    }
    let is_good = |condition: &Condition| {
        condition.long >= Duration::from_secs(60)
            && condition.long <= spec.period
            && condition.short <= condition.long
            && !condition.short.is_zero()
    };
    if spec.conditions.len() > CONDITIONS_MAX || !spec.conditions.iter().all(is_good) {
        return Err(SloError::Condition);
    }
    tiers_of_conditions(&spec.conditions, slice).ok_or(SloError::Condition)
}

fn timeslice(spec: &SloSpec) -> Result<Option<Timeslice>, SloError> {
    let Method::Timeslices { width, target_percent } = spec.method else { return Ok(None) };
    let is_whole = width.subsec_nanos() == 0 && width.as_secs().is_multiple_of(SLICE.as_secs());
    let longs = spec.conditions.iter().map(|condition| condition.long);
    let shortest = longs.min().unwrap_or_else(|| tiers_of_period(spec.period, SLICE)[0].long);
    if !is_whole || !(SLICE..=TIMESLICE_MAX.min(shortest)).contains(&width) {
        return Err(SloError::Timeslice);
    }
    Timeslice::new(width, target_percent).map(Some).ok_or(SloError::Timeslice)
}

fn check_scope(spec: &SloSpec) -> Result<(), SloError> {
    let fits = |attributes: &[(String, String)]| {
        let is_short = |text: &str| text.len() <= TEXT_BYTES_MAX;
        attributes.len() <= ATTRIBUTES_MAX
            && attributes.iter().all(|(key, value)| !key.is_empty() && is_short(key) && is_short(value))
    };
    if !fits(&spec.attributes) {
        return Err(SloError::Attributes);
    }
    let Indicator::Ratio(ratio) = &spec.indicator else { return Ok(()) };
    if spec.operation.is_some() || !spec.attributes.is_empty() {
        return Err(SloError::ScopedRatio);
    }
    for source in ratio.sources() {
        match source {
            Source::Metric { name, service, attributes } => {
                let names = [Some(name), service.as_ref()];
                let is_name = |text: &&String| (1..=TEXT_BYTES_MAX).contains(&text.len());
                if !fits(attributes) || !names.iter().flatten().all(is_name) {
                    return Err(SloError::Attributes);
                }
            }
            Source::Sql(statement) => {
                let has_all = ["$from", "$to", "$step"].iter().all(|name| statement.contains(name));
                if !has_all || statement.len() > SQL_BYTES_MAX {
                    return Err(SloError::Statement);
                }
            }
        }
    }
    Ok(())
}

/// "minutes", "slices of 30 s"
fn slices_of(width: Duration) -> String {
    match width.as_secs() {
        60 => "minutes".to_owned(),
        3600 => "hours".to_owned(),
        _ => format!("slices of {}", long_span(width)),
    }
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
    let ticket_pending_for = spec.ticket_pending_for.unwrap_or_default();
    let holds = [("for", spec.pending_for), ("for", ticket_pending_for), ("keep_firing", spec.keep_firing)];
    for (field, hold) in holds {
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
