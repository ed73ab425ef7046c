//! Kinds of spans that came without: who is called from another pod serves, who calls one is a client.
//!
//! A span without a parent is an entry whatever it calls, so it is never a client.

use crate::columns;
use anyhow::Result;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use std::collections::HashMap;
use std::path::Path;

/// Trace and span.
type Id = (u128, u64);

/// The kinds of a file's spans; one that is not there is internal.
#[derive(Debug, Default)]
pub(super) struct Kinds(HashMap<Id, SpanKind>);

/// What of a span decides its kind and that of its parent; 40 bytes each.
#[derive(Debug)]
struct Row {
    id: Id,
    parent: Option<u64>,
    pod: u32,
}

impl Kinds {
    /// O(n) time and memory for n spans.
    pub(super) fn read(spans: &Path) -> Result<Self> {
        Ok(Self::of(&rows(spans)?))
    }

    pub(super) fn get(&self, trace: &str, span: &str) -> SpanKind {
        let kind = id(trace, span).and_then(|id| self.0.get(&id));
        kind.copied().unwrap_or(SpanKind::Internal)
    }

    fn of(rows: &[Row]) -> Self {
        let mut first_of: HashMap<Id, &Row> = HashMap::with_capacity(rows.len());
        for row in rows {
            // Of spans with one id the first one is the parent of others.
            first_of.entry(row.id).or_insert(row);
        }
        let mut kinds = HashMap::new();
        for row in rows {
            let parent = row.parent.and_then(|parent| first_of.get(&(row.id.0, parent)));
            let Some(parent) = parent.filter(|parent| parent.pod != row.pod) else { continue };
            kinds.insert(row.id, SpanKind::Server);
            if parent.parent.is_some() {
                kinds.entry(parent.id).or_insert(SpanKind::Client);
            }
        }
        Self(kinds)
    }
}

fn rows(spans: &Path) -> Result<Vec<Row>> {
    let mut pods: HashMap<String, u32> = HashMap::new();
    let mut rows = Vec::new();
    columns::read(spans, &["trace_id", "span_id", "parent_span_id", "pod"], &mut |batch| {
        let (traces, spans) = (batch.texts("trace_id")?, batch.texts("span_id")?);
        let (parents, pod_names) = (batch.texts("parent_span_id")?, batch.texts("pod")?);
        for row in 0..batch.n_rows() {
            let Some(id) = id(traces.text(row), spans.text(row)) else { continue };
            let parent = parents.get(row).and_then(|parent| u64::from_str_radix(parent, 16).ok());
            rows.push(Row { id, parent, pod: number(&mut pods, pod_names.text(row)) });
        }
        Ok(())
    })?;
    Ok(rows)
}

fn number(pods: &mut HashMap<String, u32>, pod: &str) -> u32 {
    if let Some(number) = pods.get(pod) {
        return *number;
    }
    let number = u32::try_from(pods.len()).unwrap_or(u32::MAX);
    pods.insert(pod.to_owned(), number);
    number
}

fn id(trace: &str, span: &str) -> Option<Id> {
    Some((u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: an entry that calls another pod by way of a span, and one directly; a call inside the pod; a stranger's
    /// parent; the same ids in another trace.
    /// Guarantees: both sides of a call between pods have their kind, an entry stays one, all else is internal.
    #[test]
    fn kinds_come_of_calls_between_pods() {
        use SpanKind::{Client, Internal, Server};
        let row = |trace, span, parent, pod| Row { id: (trace, span), parent, pod };
        let kinds = Kinds::of(&[
            row(1, 1, None, 0),
            row(1, 2, Some(1), 0),
            row(1, 3, Some(2), 1),
            row(1, 4, Some(3), 1),
            row(1, 5, Some(1), 2),
            row(1, 6, Some(99), 3),
            row(2, 2, None, 1),
            row(2, 3, Some(2), 1),
        ]);
        let got: Vec<SpanKind> = ["1", "2", "3", "4", "5", "6"].map(|span| kinds.get("1", span)).to_vec();
        assert_eq!(got, [Internal, Client, Server, Internal, Server, Internal]);
        assert_eq!(["2", "3"].map(|span| kinds.get("2", span)), [Internal, Internal]);
        assert_eq!(kinds.get("not an id", "1"), Internal);
    }
}
