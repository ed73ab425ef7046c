//! From an SLI to what counts events here.
//!
//! A metric source of the type `firstfault` says which spans, counters or statements count. Others are refused by name:
//! what cannot be evaluated must not look as if it were.

use super::fields::{Fields, TEXT_CHARS_MAX};
use super::issue::{Issues, Spot};
use super::sli::{Metric, MetricSource, Sli};
use super::yaml::Value;
use crate::nearest::nearest;
use crate::units::{self, DURATION_HINT};
use alerts::{Comparison, Indicator, Part, Ratio, Source};
use std::collections::BTreeMap;
use std::time::Duration;

/// The type of metric sources that are ours.
pub(super) const TYPE: &str = "firstfault";

/// What an indicator comes to: which events, and which of them are good.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Counting {
    /// As telemetry has it; none means the name of the SLO's service.
    pub(super) service: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) indicator: Indicator,
}

/// The bound of a threshold metric, as its objective has it.
#[derive(Debug, Clone)]
pub(super) struct Bound<'a> {
    pub(super) spot: &'a Spot,
    pub(super) op: Option<Comparison>,
    pub(super) value: Option<&'a str>,
}

/// None where it was told why not.
pub(super) fn counting(
    sli: &Sli<'_>,
    bound: &Bound<'_>,
    types: &BTreeMap<&str, &str>,
    issues: &Issues,
) -> Option<Counting> {
    let reading = Reading { types, issues };
    if let Metric::Threshold(source) = &sli.metric {
        return reading.threshold(source, bound);
    }
    if bound.value.is_some() {
        issues.error(
            &bound.spot.at("value", bound.spot.place),
            "belongs to a thresholdMetric, and this is a ratio",
        );
        return None;
    }
    if bound.op.is_some() {
        issues.warn(&bound.spot.at("op", bound.spot.place), "has no effect on a ratio");
    }
    match &sli.metric {
        Metric::Good { good, total } => reading.ratio(Part::Good, good, total),
        Metric::Bad { bad, total } => reading.ratio(Part::Bad, bad, total),
        Metric::Threshold(_) | Metric::Raw => {
            issues.hinted(&sli.spot, "a raw ratio is not evaluated", "write good or bad, and total");
            None
        }
    }
}

struct Reading<'a> {
    /// Of each DataSource.
    types: &'a BTreeMap<&'a str, &'a str>,
    issues: &'a Issues,
}

/// One metric source of ours.
struct Read {
    spot: Spot,
    scope: Scope,
    what: What,
    /// What makes a span a part of the total; none for the total itself.
    criterion: Option<Criterion>,
    unit: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Scope {
    service: Option<String>,
    operation: Option<String>,
    attributes: Vec<(String, String)>,
}

enum What {
    Spans,
    Metric(String),
    Sql(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Criterion {
    WithoutError,
    Error,
    AtMost(Duration),
    Above(Duration),
}

impl Read {
    fn is_of_spans(&self) -> bool {
        matches!(self.what, What::Spans)
    }
}

const SPEC: [&str; 9] =
    ["signal", "service", "operation", "filter", "good", "bad", "metric", "query", "unit"];

impl Reading<'_> {
    fn ratio(&self, part: Part, one: &MetricSource<'_>, total: &MetricSource<'_>) -> Option<Counting> {
        let (one, total) = self.read(one, Some(part)).zip(self.read(total, None))?;
        let Scope { service, operation, attributes } = total.scope.clone();
        match (one.is_of_spans(), total.is_of_spans()) {
            (true, true) => {
                let is_same = one.scope == total.scope || one.scope == Scope::default();
                if !is_same {
                    let hint = "leave service, operation and filter out here: they are those of total";
                    self.issues.hinted(&one.spot, "chooses other spans than total does", hint);
                    return None;
                }
                let indicator = match one.criterion? {
                    Criterion::WithoutError | Criterion::Error => Indicator::Availability,
                    Criterion::AtMost(threshold) | Criterion::Above(threshold) => {
                        Indicator::Latency { threshold }
                    }
                };
                Some(Counting { service, operation, attributes, indicator })
            }
            (true, false) | (false, true) => {
                self.issues.error(&one.spot, "spans and other counts do not make a ratio");
                None
            }
            (false, false) => {
                let indicator = Indicator::Ratio(Ratio { part, source: source(one), total: source(total) });
                Some(Counting { service: None, operation: None, attributes: Vec::new(), indicator })
            }
        }
    }

    /// Durations of spans against a bound.
    fn threshold(&self, metric: &MetricSource<'_>, bound: &Bound<'_>) -> Option<Counting> {
        let read = self.read(metric, None)?;
        if !read.is_of_spans() {
            let hint = "a threshold is that of the durations of spans: write signal: spans, or a ratio";
            self.issues.hinted(&read.spot, "is not evaluated against a threshold", hint);
            return None;
        }
        let spot = |key: &str| bound.spot.at(key, bound.spot.place);
        let Some(value) = bound.value.and_then(|value| value.parse::<f64>().ok()) else {
            self.issues.error(&spot("value"), "is required with a thresholdMetric");
            return None;
        };
        if !matches!(bound.op, Some(Comparison::Below | Comparison::AtMost)) {
            let hint = "write op: lte: durations up to the value are good";
            self.issues.hinted(
                &spot("op"),
                "is required with a thresholdMetric, and lt or lte for durations",
                hint,
            );
            return None;
        }
        let Some(unit) = read.unit else {
            let hint = "write unit: ms or unit: s, which the objective's value is in";
            self.issues.hinted(
                &read.spot.at("unit", read.spot.place),
                "is required with a thresholdMetric",
                hint,
            );
            return None;
        };
        let Ok(threshold) = Duration::try_from_secs_f64(value * unit.as_secs_f64()) else {
            self.issues.error(&spot("value"), "is no duration");
            return None;
        };
        let Scope { service, operation, attributes } = read.scope;
        // Histograms tell durations apart by one percent: below and at most are the same.
        Some(Counting { service, operation, attributes, indicator: Indicator::Latency { threshold } })
    }

    fn read(&self, source: &MetricSource<'_>, part: Option<Part>) -> Option<Read> {
        self.check_type(source)?;
        let spec = Fields::of(source.spec, source.spec_spot.clone(), &SPEC, self.issues)?;
        spec.required("signal")?;
        let (what, unused): (What, &[&str]) = match spec.word("signal", &["spans", "metrics", "sql"])? {
            "spans" if part.is_none() => (What::Spans, &["metric", "query", "good", "bad"]),
            "spans" => (What::Spans, &["metric", "query", "unit"]),
            "metrics" => {
                let name = spec.required_text("metric", TEXT_CHARS_MAX)?.to_owned();
                (What::Metric(name), &["query", "operation", "good", "bad", "unit"])
            }
            _ => {
                let statement = spec.required_text("query", TEXT_CHARS_MAX)?.to_owned();
                (What::Sql(statement), &["metric", "operation", "filter", "good", "bad", "unit"])
            }
        };
        let superfluous: Vec<&str> = unused.iter().copied().filter(|key| spec.has(key)).collect();
        for key in &superfluous {
            spec.error(key, "has no effect here");
        }
        let criterion = match (&what, part) {
            (What::Spans, Some(part)) => Some(criterion(&spec, part)?),
            _ => None,
        };
        let unit = spec.has("unit").then(|| spec.word("unit", &["ms", "s"])).flatten();
        let text = |key: &str| spec.text(key, TEXT_CHARS_MAX).map(str::to_owned);
        let scope = Scope {
            service: text("service"),
            operation: text("operation"),
            attributes: spec.pairs("filter"),
        };
        let unit =
            unit.map(|unit| if unit == "s" { Duration::from_secs(1) } else { Duration::from_millis(1) });
        superfluous.is_empty().then_some(Read { spot: source.spot.clone(), scope, what, criterion, unit })
    }

    /// Is it a source of ours, by its type or by that of its DataSource?
    fn check_type(&self, source: &MetricSource<'_>) -> Option<()> {
        let of_source = match &source.source_ref {
            None => None,
            Some((name, spot)) => match self.types.get(*name) {
                Some(found) => Some(*found),
                // With a type of its own nothing has to be looked up.
                None if source.source_type.is_some() => None,
                None => {
                    let message = format!("no DataSource is called {name:?}");
                    match nearest(name, self.types.keys().copied()) {
                        Some(near) => self.issues.hinted(spot, message, format!("did you mean {near:?}?")),
                        None => self.issues.error(spot, message),
                    }
                    return None;
                }
            },
        };
        let found = source.source_type.or(of_source).unwrap_or(TYPE);
        if found == TYPE {
            return Some(());
        }
        let message = format!("metric sources of the type {found:?} are not evaluated here");
        let hint = match found.to_ascii_lowercase().as_str() {
            "prometheus" => {
                "PromQL is not evaluated: write type: firstfault, and in spec signal: metrics, metric: NAME and a filter"
            }
            _ => {
                "write type: firstfault, and in spec the signal (spans, metrics or sql) that counts the events"
            }
        };
        self.issues.hinted(&source.spot.at("type", source.spot.place), message, hint);
        None
    }
}

fn source(read: Read) -> Source {
    let Scope { service, attributes, .. } = read.scope;
    match read.what {
        What::Sql(statement) => Source::Sql(statement),
        // Spans were sorted out before.
        What::Metric(name) => Source::Metric { name, service, attributes },
        What::Spans => Source::Metric { name: String::new(), service, attributes },
    }
}

/// `good: no_error`, `bad: error`, `good: {duration_at_most: 300ms}`, `bad: {duration_above: 300ms}`.
fn criterion(spec: &Fields<'_>, part: Part) -> Option<Criterion> {
    let (key, other, word, bound) = match part {
        Part::Good => ("good", "bad", "no_error", "duration_at_most"),
        Part::Bad => ("bad", "good", "error", "duration_above"),
    };
    if spec.has(other) {
        spec.error(other, format!("this source counts {key} events: say which those are as {key}"));
        return None;
    }
    let node = spec.required(key)?;
    if let Value::Map(_) = &node.value {
        let fields = spec.child(key, &[bound])?;
        fields.required(bound)?;
        let text = fields.text(bound, TEXT_CHARS_MAX)?;
        let Some(duration) = units::duration(text) else {
            fields.issues().hinted(&fields.spot_of(bound), format!("{text:?} is no duration"), DURATION_HINT);
            return None;
        };
        return Some(if part == Part::Good {
            Criterion::AtMost(duration)
        } else {
            Criterion::Above(duration)
        });
    }
    spec.word(key, &[word])?;
    Some(if part == Part::Good { Criterion::WithoutError } else { Criterion::Error })
}
