//! Objectives as OpenSLO v1, which `import` reads back as equal objectives.
//!
//! Written by hand: the documents are few and flat, and every text is in quotation marks, so that nothing in it is
//! taken for YAML.

use super::link::{ANNOTATION_PREFIX, DASHBOARD};
use super::source::TYPE;
use crate::units::show_duration;
use alerts::{Condition, Indicator, Method, Part, Ratio, Severity, Slo, SloSpec, Source};
use std::fmt::Write as _;
use std::time::Duration;

/// One document for each objective.
pub(crate) fn export<'a>(slos: impl IntoIterator<Item = &'a Slo>) -> String {
    let mut out = Writer::default();
    for (idx, slo) in slos.into_iter().enumerate() {
        if idx > 0 {
            out.line(0, "---");
        }
        out.slo(slo);
    }
    out.text
}

/// Lines of YAML, each with its depth.
#[derive(Debug, Default)]
struct Writer {
    text: String,
}

impl Writer {
    fn line(&mut self, depth: usize, line: impl AsRef<str>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{:width$}{}", "", line.as_ref(), width = 2 * depth);
    }

    fn pair(&mut self, depth: usize, key: &str, value: impl AsRef<str>) {
        self.line(depth, format!("{key}: {}", value.as_ref()));
    }

    /// A value in quotation marks.
    fn quoted(&mut self, depth: usize, key: &str, value: &str) {
        self.pair(depth, key, quote(value));
    }

    fn slo(&mut self, slo: &Slo) {
        let spec = slo.spec();
        self.pair(0, "apiVersion", "openslo/v1");
        self.pair(0, "kind", "SLO");
        self.line(0, "metadata:");
        self.pair(1, "name", slo.id());
        if slo.name() != slo.id() {
            self.quoted(1, "displayName", &cut(slo.name(), 63));
        }
        self.pairs(1, "labels", spec.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        let annotations = annotations(spec);
        self.pairs(1, "annotations", annotations.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        self.line(0, "spec:");
        if let Some(description) = &spec.description {
            self.quoted(1, "description", &cut(description, 1_050));
        }
        self.quoted(1, "service", slo.service());
        self.line(1, "indicator:");
        self.line(2, "metadata:");
        self.pair(3, "name", slo.id());
        self.line(2, "spec:");
        self.line(3, "ratioMetric:");
        self.pair(4, "counter", "true");
        self.metrics(spec);
        self.window(spec);
        self.objective(slo);
        self.policies(spec);
    }

    fn pairs<'a>(&mut self, depth: usize, key: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut pairs = pairs.peekable();
        if pairs.peek().is_some() {
            self.line(depth, format!("{key}:"));
        }
        for (key, value) in pairs {
            self.quoted(depth + 1, &quote(key), value);
        }
    }

    fn metrics(&mut self, spec: &SloSpec) {
        match &spec.indicator {
            Indicator::Ratio(Ratio { part, source, total }) => {
                self.source(if *part == Part::Good { "good" } else { "bad" }, source);
                self.source("total", total);
            }
            Indicator::Availability | Indicator::Latency { .. } => {
                self.spans("good", None);
                match &spec.indicator {
                    Indicator::Latency { threshold } => {
                        self.line(7, "good:");
                        self.quoted(8, "duration_at_most", &show_duration(*threshold));
                    }
                    Indicator::Availability | Indicator::Ratio(_) => self.pair(7, "good", "no_error"),
                }
                self.spans("total", Some(spec));
            }
        }
    }

    fn metric_source(&mut self, key: &str, signal: &str) {
        self.line(4, format!("{key}:"));
        self.line(5, "metricSource:");
        self.pair(6, "type", TYPE);
        self.line(6, "spec:");
        self.pair(7, "signal", signal);
    }

    fn spans(&mut self, key: &str, scope: Option<&SloSpec>) {
        self.metric_source(key, "spans");
        let Some(spec) = scope else { return };
        self.quoted(7, "service", &spec.service);
        if let Some(operation) = &spec.operation {
            self.quoted(7, "operation", operation);
        }
        self.filter(&spec.attributes);
    }

    fn filter(&mut self, attributes: &[(String, String)]) {
        self.pairs(7, "filter", attributes.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    }

    fn source(&mut self, key: &str, source: &Source) {
        match source {
            Source::Metric { name, service, attributes } => {
                self.metric_source(key, "metrics");
                self.quoted(7, "metric", name);
                if let Some(service) = service {
                    self.quoted(7, "service", service);
                }
                self.filter(attributes);
            }
            Source::Sql(statement) => {
                self.metric_source(key, "sql");
                self.quoted(7, "query", statement);
            }
        }
    }

    fn window(&mut self, spec: &SloSpec) {
        self.line(1, "timeWindow:");
        match &spec.calendar {
            Some(calendar) => {
                self.pair(2, "- duration", calendar.duration_text());
                self.pair(3, "isRolling", "false");
                self.line(3, "calendar:");
                self.quoted(4, "startTime", &calendar.start_text());
                self.quoted(4, "timeZone", calendar.zone_name());
            }
            None => {
                self.pair(2, "- duration", shorthand(spec.period));
                self.pair(3, "isRolling", "true");
            }
        }
    }

    fn objective(&mut self, slo: &Slo) {
        let method = slo.spec().method;
        let name = if method == Method::Occurrences { "Occurrences" } else { "Timeslices" };
        self.pair(1, "budgetingMethod", name);
        self.line(1, "objectives:");
        self.pair(2, "- target", slo.target().share_decimal());
        if let Some(slice) = slo.timeslice() {
            self.pair(3, "timeSliceTarget", slice.share_decimal());
            self.pair(3, "timeSliceWindow", minutes(slice.width));
        }
    }

    /// One policy for each condition; the four tiers need none.
    fn policies(&mut self, spec: &SloSpec) {
        if !spec.conditions.is_empty() {
            self.line(1, "alertPolicies:");
        }
        for (idx, condition) in spec.conditions.iter().enumerate() {
            self.policy(spec, idx + 1, condition);
        }
    }

    fn policy(&mut self, spec: &SloSpec, number: usize, condition: &Condition) {
        self.pair(2, "- kind", "AlertPolicy");
        self.line(3, "metadata:");
        self.pair(4, "name", format!("tier-{number}"));
        self.line(3, "spec:");
        self.pair(4, "alertWhenBreaching", "true");
        self.pair(4, "alertWhenResolved", "true");
        self.pair(4, "alertWhenNoData", "false");
        self.line(4, "conditions:");
        self.pair(5, "- kind", "AlertCondition");
        self.line(6, "metadata:");
        self.pair(7, "name", format!("tier-{number}"));
        self.line(6, "spec:");
        self.pair(7, "severity", condition.severity.name());
        self.line(7, "condition:");
        self.pair(8, "kind", "burnrate");
        self.pair(8, "op", condition.comparison.op());
        self.pair(8, "threshold", condition.threshold.to_string());
        self.pair(8, "lookbackWindow", shorthand(condition.long));
        let hold = match condition.severity {
            Severity::Page => spec.pending_for,
            Severity::Ticket => spec.ticket_pending_for.unwrap_or(spec.pending_for),
        };
        if !hold.is_zero() {
            self.pair(8, "alertAfter", shorthand(hold));
        }
        self.line(4, "notificationTargets:");
        let nobody = [DASHBOARD.to_owned()];
        let receivers = if spec.receivers.is_empty() { &nobody[..] } else { &spec.receivers[..] };
        for (idx, receiver) in receivers.iter().enumerate() {
            self.pair(5, "- kind", "AlertNotificationTarget");
            self.line(6, "metadata:");
            self.pair(7, "name", format!("receiver-{}", idx + 1));
            self.line(6, "spec:");
            self.quoted(7, "target", receiver);
        }
    }
}

/// What OpenSLO has no field for, where it is not the default.
fn annotations(spec: &SloSpec) -> Vec<(String, String)> {
    let defaults = SloSpec::default();
    let mut annotations = Vec::new();
    let mut put = |name: &str, value: String| annotations.push((format!("{ANNOTATION_PREFIX}{name}"), value));
    if spec.n_events_min != defaults.n_events_min {
        put("events-min", spec.n_events_min.to_string());
    }
    if spec.n_bad_min != defaults.n_bad_min {
        put("bad-min", spec.n_bad_min.to_string());
    }
    if spec.keep_firing != defaults.keep_firing {
        put("keep-firing", show_duration(spec.keep_firing));
    }
    if spec.conditions.is_empty() && spec.pending_for != defaults.pending_for {
        put("for", show_duration(spec.pending_for));
    }
    if let Some(url) = &spec.runbook_url {
        put("runbook-url", url.clone());
    }
    // With conditions they are notification targets.
    if spec.conditions.is_empty() && !spec.receivers.is_empty() {
        put("receivers", spec.receivers.join(", "));
    }
    annotations
}

/// Text in quotation marks: every JSON string is one of YAML.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

/// A duration in its largest whole unit that is always as long, minutes at the least.
fn shorthand(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(604_800, 'w'), (86_400, 'd'), (3_600, 'h')];
    let unit = units.into_iter().find(|(size, _)| seconds >= *size && seconds.is_multiple_of(*size));
    let (size, letter) = unit.unwrap_or((60, 'm'));
    format!("{}{letter}", seconds.div_ceil(size).max(1))
}

/// Minutes as a bare number, which may have a fraction.
fn minutes(width: Duration) -> String {
    match width.as_secs() {
        seconds if seconds.is_multiple_of(60) => shorthand(width),
        seconds => (seconds as f64 / 60.0).to_string(),
    }
}
