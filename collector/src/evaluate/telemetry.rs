//! What the loop asks of the engine, behind a trait so that a test can answer.

use super::events::{self, Events};
use crate::causes::with_causes;
use crate::decode::text::hex;
use crate::triage::{self, Case, Finding, Lane};
use alerts::{Indicator, Slo, Store};
use async_trait::async_trait;
use storage::{Engine, Error, Peer, PeerKind, TimeRange, TraceOrder, TraceSearch};

/// Traces named in a notification.
const EXEMPLARS_MAX: usize = 3;

#[async_trait]
pub(crate) trait Telemetry: Send + Sync + 'static {
    /// Good and total events in slices of the objective's width; slices without events are absent.
    async fn events(&self, slo: &Slo, range: TimeRange) -> Result<Events, Error>;

    /// Which of these services sent anything, by any signal, that was received since then.
    async fn heard(&self, services: &[String], since: i64) -> Result<Vec<String>, Error>;

    /// Ids of a few bad traces, in hexadecimal.
    async fn exemplars(&self, slo: &Slo, range: TimeRange) -> Result<Vec<String>, Error>;

    /// Who called whom: pairs of caller and callee, with queues and databases among them.
    async fn calls(&self, range: TimeRange) -> Result<Vec<(String, String)>, Error>;

    /// What broke first, for an alert that fires; none where that cannot be found out.
    async fn investigate(&self, case: &Case, store: &Store, lane: &Lane) -> Option<Finding>;
}

#[async_trait]
impl Telemetry for Engine {
    async fn events(&self, slo: &Slo, range: TimeRange) -> Result<Events, Error> {
        events::read(self, slo, range, slo.slice()).await
    }

    async fn heard(&self, services: &[String], since: i64) -> Result<Vec<String>, Error> {
        Engine::heard(self, services, since).await
    }

    async fn exemplars(&self, slo: &Slo, range: TimeRange) -> Result<Vec<String>, Error> {
        let Some(search) = bad_traces(slo, range) else { return Ok(Vec::new()) };
        let hits = self.search_traces(&search).await?;
        Ok(hits.traces.iter().map(|trace| hex(&trace.trace_id)).collect())
    }

    async fn calls(&self, range: TimeRange) -> Result<Vec<(String, String)>, Error> {
        let edges = self.edges(range, None).await?.edges;
        Ok(edges.iter().map(|edge| (name(&edge.caller), name(&edge.callee))).collect())
    }

    async fn investigate(&self, case: &Case, store: &Store, lane: &Lane) -> Option<Finding> {
        let slo = case.slo.id();
        match Finding::of(self, store, lane, case).await {
            Ok(finding) => Some(finding),
            // The server is ending.
            Err(triage::Error::Storage { source: Error::Closed })
            | Err(triage::Error::State { source: alerts::Error::Closed }) => None,
            Err(error) => {
                tracing::warn!(slo, error = %with_causes(&error), "cannot make a report about an alert");
                None
            }
        }
    }
}

fn name(peer: &Peer) -> String {
    match peer.kind {
        PeerKind::Service => peer.name.clone(),
        PeerKind::Database | PeerKind::Messaging | PeerKind::External => peer.label(),
    }
}

/// None where events are no spans.
fn bad_traces(slo: &Slo, range: TimeRange) -> Option<TraceSearch> {
    let (is_error, duration_ns_min, order) = match slo.indicator() {
        Indicator::Availability => (Some(true), None, TraceOrder::Newest),
        Indicator::Latency { .. } => (None, slo.indicator().threshold_ns(), TraceOrder::Slowest),
        Indicator::Ratio(_) => return None,
    };
    Some(TraceSearch {
        range,
        service: Some(slo.service().to_owned()),
        operation: slo.operation().map(str::to_owned),
        is_error,
        duration_ns_min,
        duration_ns_max: None,
        attributes: slo.spec().attributes.clone(),
        order,
        limit: EXEMPLARS_MAX,
    })
}

#[cfg(test)]
mod tests;
