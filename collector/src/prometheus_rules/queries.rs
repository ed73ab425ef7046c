//! What counts bad events in Prometheus, and all of them.
//!
//! Spans are not there, but what the span metrics connector of OpenTelemetry's Collector makes of them is, by the names
//! that it gives by default. Counters have the names that they have here.

use alerts::{Indicator, Part, Slo, Source, Timeslice};

/// Where a window goes into a query, as in Sloth's specifications.
pub(super) const WINDOW: &str = "{{.window}}";

/// Queries with a place for the window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Queries {
    pub(super) error: String,
    pub(super) total: String,
    pub(super) slice: Option<Timeslice>,
}

impl Queries {
    /// The share of bad events, or of bad slices, in a window.
    pub(super) fn error_ratio(&self, window: &str) -> String {
        let filled = |query: &str, window: &str| query.trim_end().replace(WINDOW, window);
        let Some(slice) = self.slice else {
            return format!("({})\n/\n({})", filled(&self.error, window), filled(&self.total, window));
        };
        let width = super::duration(slice.width);
        let (error, total) = (filled(&self.error, &width), filled(&self.total, &width));
        let allowed = slice.budget_decimal();
        format!(
            "avg_over_time((\n  ((({error})\n  /\n  ({total})) > bool {allowed})\n  and\n  ({total}) > 0\n)[{window}:{width}])"
        )
    }
}

/// The queries of an objective, and what people should know of them; none for statements in SQL.
pub(super) fn of(slo: &Slo) -> Option<(Queries, Vec<String>)> {
    let (error, total, comment) = match slo.indicator() {
        Indicator::Availability => {
            let total = spans(slo, "calls_total", &[]);
            let error = spans(slo, "calls_total", &[("status_code", "STATUS_CODE_ERROR")]);
            (or_zero(&error), total, "reads calls_total of the span metrics connector".to_owned())
        }
        Indicator::Latency { threshold } => {
            let ms = threshold.as_secs_f64() * 1e3;
            let total = spans(slo, "duration_milliseconds_count", &[]);
            let good = bucket(slo, ms);
            let comment =
                format!("reads duration of the span metrics connector, which needs a bucket of {ms} ms");
            (format!("({total}) - ({good})"), total, comment)
        }
        Indicator::Ratio(ratio) => {
            let (part, total) = (counter(slo, &ratio.source)?, counter(slo, &ratio.total)?);
            let error = match ratio.part {
                Part::Bad => or_zero(&part),
                Part::Good => format!("({total}) - ({})", or_zero(&part)),
            };
            (error, total, "counters have the names that they have here".to_owned())
        }
    };
    Some((Queries { error, total, slice: slo.timeslice() }, vec![comment]))
}

/// No failures yet are no series yet.
fn or_zero(query: &str) -> String {
    format!("{query} or vector(0)")
}

fn spans(slo: &Slo, metric: &str, more: &[(&str, &str)]) -> String {
    rate(&format!("traces_span_metrics_{metric}"), &span_matchers(slo, more))
}

/// Spans up to a bound; servers write `le` with and without a fraction.
fn bucket(slo: &Slo, bound_ms: f64) -> String {
    let mut matchers = span_matchers(slo, &[]);
    let bound = escaped(&bound_ms.to_string());
    let suffix = if bound_ms.fract() == 0.0 { "(\\.0)?" } else { "" };
    matchers.push(format!("le=~{}", quote(&format!("{bound}{suffix}"))));
    rate("traces_span_metrics_duration_milliseconds_bucket", &matchers)
}

fn span_matchers(slo: &Slo, more: &[(&str, &str)]) -> Vec<String> {
    let mut matchers = vec![
        format!("service_name={}", quote(slo.service())),
        "span_kind=~\"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER\"".to_owned(),
    ];
    matchers.extend(slo.operation().map(|name| format!("span_name={}", quote(name))));
    let attributes = slo.spec().attributes.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let pairs = attributes.chain(more.iter().copied());
    matchers.extend(pairs.map(|(key, value)| format!("{}={}", label(key), quote(value))));
    matchers
}

fn counter(slo: &Slo, source: &Source) -> Option<String> {
    let Source::Metric { name, service, attributes } = source else { return None };
    let service = service.as_deref().unwrap_or(slo.service());
    // A job is the service, with its namespace before it where there is one.
    let mut matchers = vec![format!("job=~{}", quote(&format!("(.*/)?{}", escaped(service))))];
    matchers.extend(attributes.iter().map(|(key, value)| format!("{}={}", label(key), quote(value))));
    Some(rate(&metric(name), &matchers))
}

fn rate(name: &str, matchers: &[String]) -> String {
    format!("sum(rate({name}{{{}}}[{WINDOW}]))", matchers.join(", "))
}

/// A string of PromQL, which has Go's escapes.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Text of a regular expression that only fits itself.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Names of attributes and metrics have other characters than Prometheus'.
fn label(key: &str) -> String {
    worded(key, |c| c.is_ascii_alphanumeric() || c == '_')
}

fn metric(name: &str) -> String {
    worded(name, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
}

fn worded(text: &str, fits: impl Fn(char) -> bool) -> String {
    let word: String = text.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    if word.starts_with(|c: char| c.is_ascii_digit()) { format!("_{word}") } else { word }
}
