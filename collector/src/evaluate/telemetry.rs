//! What the loop asks of the engine, behind a trait so that a test can answer.

use crate::causes::with_causes;
use crate::decode::text::hex;
use crate::triage::{self, Case, Finding, Lane};
use crate::units::nanos;
use alerts::{Indicator, Slo, Store};
use async_trait::async_trait;
use storage::{Engine, Error, SliBucket, SliQuery, TimeRange, TraceOrder, TraceSearch};

/// Traces named in a notification.
const EXEMPLARS_MAX: usize = 3;
#[async_trait]
pub(crate) trait Telemetry: Send + Sync + 'static {
    /// Good and total events in slices of the objective's width; slices without events are absent.
    async fn events(&self, slo: &Slo, range: TimeRange) -> Result<Vec<SliBucket>, Error>;

    /// Which of these services sent anything, by any signal, that was received since then.
    async fn heard(&self, services: &[String], since: i64) -> Result<Vec<String>, Error>;

    /// Ids of a few bad traces, in hexadecimal.
    async fn exemplars(&self, slo: &Slo, range: TimeRange) -> Result<Vec<String>, Error>;

    /// What broke first, for an alert that fires; none where that cannot be found out.
    async fn investigate(&self, case: &Case, store: &Store, lane: &Lane) -> Option<Finding>;
}

#[async_trait]
impl Telemetry for Engine {
    async fn events(&self, slo: &Slo, range: TimeRange) -> Result<Vec<SliBucket>, Error> {
        let query = SliQuery {
            range,
            service: slo.service().to_owned(),
            operation: slo.operation().map(str::to_owned),
            threshold_ns: slo.indicator().threshold_ns(),
            step: slo.slice(),
        };
        let mut buckets = self.sli(&query).await?.buckets;
        // Where a coarser bucket stands in for finer ones that are gone, the first may begin before the range.
        let step_ns = nanos(query.step);
        buckets.retain(|bucket| bucket.at.saturating_add(step_ns) > range.from);
        Ok(buckets)
    }

    async fn heard(&self, services: &[String], since: i64) -> Result<Vec<String>, Error> {
        Engine::heard(self, services, since).await
    }

    async fn exemplars(&self, slo: &Slo, range: TimeRange) -> Result<Vec<String>, Error> {
        let hits = self.search_traces(&bad_traces(slo, range)).await?;
        Ok(hits.traces.iter().map(|trace| hex(&trace.trace_id)).collect())
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

fn bad_traces(slo: &Slo, range: TimeRange) -> TraceSearch {
    let (is_error, duration_ns_min, order) = match slo.indicator() {
        Indicator::Availability => (Some(true), None, TraceOrder::Newest),
        Indicator::Latency { .. } => (None, slo.indicator().threshold_ns(), TraceOrder::Slowest),
    };
    TraceSearch {
        range,
        service: Some(slo.service().to_owned()),
        operation: slo.operation().map(str::to_owned),
        is_error,
        duration_ns_min,
        duration_ns_max: None,
        attributes: Vec::new(),
        order,
        limit: EXEMPLARS_MAX,
    }
}

#[cfg(test)]
mod tests;
