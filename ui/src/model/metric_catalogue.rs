//! The list of metrics: search, order and the words for types and views.
//!
//! Pure; the values themselves are the business of `metric_unit` and of the chart.

use super::{name_text, order};
use crate::browser::lower;
use wire::{MetricLabel, MetricRow, MetricView};

/// Rows whose name, description, unit, type or services contain every word of the query.
pub fn search<'a>(rows: &'a [MetricRow], query: &str) -> Vec<&'a MetricRow> {
    let words: Vec<String> = query.split_whitespace().map(lower).collect();
    rows.iter().filter(|row| matches(row, &words)).collect()
}

/// Orders rows by a column of the table; equal ones by name.
pub fn sort(rows: &mut Vec<&MetricRow>, column: &str, descends: bool) {
    order::sort(rows, |a, b| {
        let order = match column {
            "series" => a.n_series.cmp(&b.n_series),
            "last" => a.last_at.cmp(&b.last_at),
            _ => a.name.cmp(&b.name),
        };
        let order = if descends { order.reverse() } else { order };
        order.then_with(|| a.name.cmp(&b.name))
    });
}

/// Every service that sends a metric, in order, once.
pub fn services(rows: &[MetricRow]) -> Vec<String> {
    let mut names: Vec<String> = rows.iter().flat_map(|row| row.services.iter().cloned()).collect();
    order::sort_distinct(&mut names);
    names
}

/// True when the service sends the metric; no service means any.
pub fn is_from(row: &MetricRow, service: Option<&str>) -> bool {
    service.is_none_or(|service| row.services.iter().any(|name| name == service))
}

/// The type as people call it: a monotonic sum is a counter.
pub fn type_words(row: &MetricRow) -> String {
    match (row.metric_type.as_str(), row.is_monotonic) {
        ("sum", Some(true)) => "counter".to_owned(),
        ("sum", _) => "up-down counter".to_owned(),
        (other, _) => other.replace('_', " "),
    }
}

/// What the lines of the chart are, as a heading.
pub fn view_words(view: MetricView) -> &'static str {
    match view {
        MetricView::Value => "last value of each step",
        MetricView::Rate => "rate per second",
        MetricView::Quantiles => "p50, p95 and p99 from buckets",
    }
}

/// How to read the chart, as one sentence.
pub fn view_sentence(view: MetricView, row: &MetricRow) -> String {
    match (view, row.temporality.as_deref()) {
        (MetricView::Value, _) => "Each point is the last value of its step.".to_owned(),
        (MetricView::Rate, Some("delta")) => "Each point is what was added per second.".to_owned(),
        (MetricView::Rate, _) => {
            "Each point is the increase per second; restarts of the counter are taken into account."
                .to_owned()
        }
        (MetricView::Quantiles, _) => {
            "Estimated by interpolation within the buckets the client chose; as exact as they are narrow."
                .to_owned()
        }
    }
}

/// A series is named by its values, as `GET 200`, with keys only where a value alone says nothing.
pub fn series_name(labels: &[MetricLabel], metric: &str) -> String {
    if labels.is_empty() {
        return name_text::shown(metric);
    }
    name_text::shown(&labels.iter().map(label_words).collect::<Vec<_>>().join(", "))
}

/// All labels with their keys, for the title of a series.
pub fn series_title(labels: &[MetricLabel]) -> String {
    let all = labels.iter().map(|label| format!("{}={}", label.key, label.value)).collect::<Vec<_>>();
    name_text::title(&all.join(", "))
}

fn matches(row: &MetricRow, words: &[String]) -> bool {
    let mut text = format!("{} {} {} {}", row.name, row.description, row.unit, type_words(row));
    for service in &row.services {
        text.push(' ');
        text.push_str(service);
    }
    let text = lower(&text);
    words.iter().all(|word| text.contains(word.as_str()))
}

/// Numbers, flags and empty values need their key to be understood.
fn label_words(label: &MetricLabel) -> String {
    let alone = label.value.is_empty()
        || label.value.chars().all(|c| c.is_ascii_digit() || c == '.')
        || matches!(label.value.as_str(), "true" | "false");
    if alone { format!("{}={}", label.key, label.value) } else { label.value.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::UnixNanos;

    fn row(name: &str, metric_type: &str, services: &[&str]) -> MetricRow {
        MetricRow {
            name: name.to_owned(),
            unit: "s".to_owned(),
            metric_type: metric_type.to_owned(),
            temporality: Some("cumulative".to_owned()),
            is_monotonic: Some(true),
            description: "Duration of HTTP server requests.".to_owned(),
            services: services.iter().map(|s| (*s).to_owned()).collect(),
            n_series: 1,
            n_points: 1,
            last_at: UnixNanos(0),
        }
    }

    fn label(key: &str, value: &str) -> MetricLabel {
        MetricLabel { key: key.to_owned(), value: value.to_owned() }
    }

    /// Scenario: words of the name, the description and a service, in any order and case.
    /// Guarantees: all must be found; an empty query finds everything.
    #[test]
    fn search_needs_every_word() {
        let rows = [
            row("http.server.request.duration", "histogram", &["checkout"]),
            row("process.memory.usage", "sum", &["billing"]),
        ];
        assert_eq!(search(&rows, "Duration checkout http").len(), 1);
        assert_eq!(search(&rows, "duration nowhere").len(), 0);
        assert_eq!(search(&rows, "  ").len(), 2);
        assert_eq!(search(&rows, "billing counter")[0].name, "process.memory.usage");
    }

    /// Scenario: the table is ordered by number of series, then by name, both ways.
    /// Guarantees: equal rows stay in order of name; services are listed once.
    #[test]
    fn sorts_and_lists() {
        let mut many = row("b", "sum", &["y", "x"]);
        many.n_series = 9;
        let rows = [many, row("c", "sum", &["x"]), row("a", "sum", &[])];
        let mut found = search(&rows, "");
        let names = |found: &[&MetricRow]| found.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
        sort(&mut found, "series", true);
        assert_eq!(names(&found), ["b", "a", "c"]);
        sort(&mut found, "name", false);
        assert_eq!(names(&found), ["a", "b", "c"]);
        assert_eq!(services(&rows), ["x", "y"]);
    }

    /// Scenario: labels with text, numbers and flags.
    /// Guarantees: text stands alone, numbers and flags keep their key, no label gives the metric's name.
    #[test]
    fn series_are_named_by_their_values() {
        let labels = [label("http.request.method", "GET"), label("http.response.status_code", "200")];
        assert_eq!(series_name(&labels, "x"), "GET, http.response.status_code=200");
        assert_eq!(series_name(&[], "queue.size"), "queue.size");
        assert_eq!(series_name(&[label("quantile", "p95")], "x"), "p95");
        assert_eq!(series_title(&labels), "http.request.method=GET, http.response.status_code=200");
    }

    /// Scenario: sums with and without direction, and a type of two words.
    /// Guarantees: they are called what people call them.
    #[test]
    fn types_have_everyday_names() {
        assert_eq!(type_words(&row("a", "sum", &[])), "counter");
        let up_down = MetricRow { is_monotonic: Some(false), ..row("a", "sum", &[]) };
        assert_eq!(type_words(&up_down), "up-down counter");
        assert_eq!(type_words(&row("a", "exponential_histogram", &[])), "exponential histogram");
    }
}
