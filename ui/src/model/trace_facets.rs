//! What the traces in view have in common: values with counts, to narrow the search by one press.
//!
//! Counted over the answer, not over everything stored; the page says so.

use super::order;
use std::collections::BTreeMap;
use wire::TraceList;

/// One group of values of one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    pub title: &'static str,
    pub param: &'static str,
    /// Value and number of traces, most frequent first.
    pub values: Vec<(String, u64)>,
}

/// Values shown in a group.
const VALUES_MAX: usize = 10;

pub fn facets(list: &TraceList) -> Vec<Facet> {
    let mut services = BTreeMap::new();
    let mut operations = BTreeMap::new();
    for trace in &list.traces {
        for service in &trace.services {
            *services.entry(service.service.clone()).or_insert(0) += 1;
        }
        if !trace.root_operation.is_empty() {
            *operations.entry(trace.root_operation.clone()).or_insert(0) += 1;
        }
    }
    let n_errors = list.traces.iter().filter(|trace| trace.n_errors > 0).count() as u64;
    let n_ok = list.traces.len() as u64 - n_errors;
    let status = vec![("error".to_owned(), n_errors), ("ok".to_owned(), n_ok)];
    let groups = [
        Facet { title: "Status", param: "status", values: status },
        Facet { title: "Service in trace", param: "service", values: most_frequent(services) },
        Facet { title: "Root operation", param: "operation", values: most_frequent(operations) },
    ];
    groups.into_iter().filter(|facet| !facet.values.is_empty()).collect()
}

fn most_frequent(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut values: Vec<(String, u64)> = counts.into_iter().collect();
    order::sort(&mut values, |a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values.truncate(VALUES_MAX);
    values
}

/// One sentence about the answer: `38 traces, 3 with errors, the slowest 3.94 s`.
pub fn sentence(list: &TraceList) -> String {
    let n = list.traces.len() as u64;
    let n_errors = list.traces.iter().filter(|trace| trace.n_errors > 0).count() as u64;
    let Some(slowest) = list.traces.iter().map(|trace| trace.duration_ns).max() else {
        return "No trace matches.".to_owned();
    };
    let more = if list.truncated { "More than " } else { "" };
    let errors = match n_errors {
        0 => "none with errors".to_owned(),
        m if m == n && n > 1 => "all with errors".to_owned(),
        m => format!("{m} with errors"),
    };
    let traces = crate::format::counted(n, "trace", "traces");
    format!("{more}{traces}, {errors}, the slowest {}.", crate::format::duration(slowest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{ServiceSpans, TraceSummary, UnixNanos};

    fn trace(operation: &str, services: &[&str], n_errors: u64) -> TraceSummary {
        let spans = |service: &&str| ServiceSpans { service: (*service).to_owned(), n_spans: 2, n_errors: 0 };
        TraceSummary {
            trace_id: String::new(),
            root_service: services[0].to_owned(),
            root_operation: operation.to_owned(),
            root_missing: false,
            started_at: UnixNanos(0),
            duration_ns: 3_940_000_000,
            n_spans: 4,
            n_errors,
            services: services.iter().map(spans).collect(),
        }
    }

    fn list(traces: Vec<TraceSummary>) -> TraceList {
        TraceList { from: UnixNanos(0), to: UnixNanos(1), traces, truncated: false, sql: String::new() }
    }

    /// Scenario: three traces over two services, one of them failed.
    /// Guarantees: each trace counts once a value, frequent values first, and the sentence agrees.
    #[test]
    fn counts_traces() {
        let list = list(vec![trace("a", &["x", "y"], 1), trace("b", &["x"], 0), trace("b", &["x"], 0)]);
        let facets = facets(&list);
        assert_eq!(facets[0].values, [("error".to_owned(), 1), ("ok".to_owned(), 2)]);
        assert_eq!(facets[1].values, [("x".to_owned(), 3), ("y".to_owned(), 1)]);
        assert_eq!(facets[2].values, [("b".to_owned(), 2), ("a".to_owned(), 1)]);
        assert_eq!(sentence(&list), "3 traces, 1 with errors, the slowest 3.94 s.");
    }

    /// Scenario: nothing matched.
    /// Guarantees: the sentence says so.
    #[test]
    fn empty_says_so() {
        assert_eq!(sentence(&list(vec![])), "No trace matches.");
    }
}
