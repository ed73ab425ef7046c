//! What the loop asks of the engine, behind a trait so that a test can answer.

use alerts::{Indicator, Slo};
use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use async_trait::async_trait;
use std::time::Duration;
use storage::{Engine, Error, SliBucket, SliQuery, TimeRange, TraceOrder, TraceSearch};

/// Traces named in a notification.
const EXEMPLARS_MAX: usize = 3;
/// Rows that arrived lately but are older than this are no sign of life worth a scan.
const HEARD_LATE_MAX: Duration = Duration::from_secs(600);

/// A span that ended this long ago may just have arrived: exporters send batches every few seconds.
const EXPORT_DELAY: Duration = Duration::from_secs(30);

#[async_trait]
pub(crate) trait Telemetry: Send + Sync + 'static {
    /// Good and total events in slices of the objective's width; slices without events are absent.
    async fn events(&self, slo: &Slo, range: TimeRange) -> Result<Vec<SliBucket>, Error>;

    /// Which of these services sent anything, by any signal, that was received since then.
    async fn heard(&self, services: &[String], since: i64) -> Result<Vec<String>, Error>;

    /// Ids of a few bad traces, in hexadecimal.
    async fn exemplars(&self, slo: &Slo, range: TimeRange) -> Result<Vec<String>, Error>;
}

#[async_trait]
impl Telemetry for Engine {
    async fn events(&self, slo: &Slo, range: TimeRange) -> Result<Vec<SliBucket>, Error> {
        self.sli(&SliQuery {
            range,
            service: slo.service().to_owned(),
            operation: slo.operation().map(str::to_owned),
            threshold_ns: slo.indicator().threshold_ns(),
            step: slo.slice(),
        })
        .await
    }

    async fn heard(&self, services: &[String], since: i64) -> Result<Vec<String>, Error> {
        let mut rows = self.sql(&heard_sql(services, since)).await?;
        let mut heard = Vec::new();
        while let Some(batch) = rows.next().await {
            // The engine may answer with any of Arrow's string layouts.
            let Ok(column) = cast(batch?.column(0), &DataType::Utf8) else { continue };
            heard.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        Ok(heard)
    }

    async fn exemplars(&self, slo: &Slo, range: TimeRange) -> Result<Vec<String>, Error> {
        let hits = self.search_traces(&bad_traces(slo, range)).await?;
        Ok(hits.traces.iter().map(|trace| hex(&trace.trace_id)).collect())
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

/// Spans are looked up in the read model, which is small; the others by when they were received.
fn heard_sql(services: &[String], since: i64) -> String {
    let quoted = |service: &String| format!("'{}'", service.replace('\'', "''"));
    let names = services.iter().map(quoted).collect::<Vec<_>>().join(", ");
    let ago = |span: Duration| moment(since.saturating_sub(super::nanos(span)));
    let (late, exported, since) = (ago(HEARD_LATE_MAX), ago(EXPORT_DELAY), moment(since));
    let received = |table: &str| {
        format!(
            "SELECT service FROM {table} WHERE time >= {late} AND received_at >= {since} AND service IN ({names})"
        )
    };
    format!(
        "SELECT DISTINCT service FROM (SELECT service FROM red WHERE bucket >= {exported} AND service IN ({names}) \
         UNION ALL {} UNION ALL {})",
        received("logs"),
        received("metric_points")
    )
}

fn moment(at: i64) -> String {
    format!("to_timestamp_nanos({at})")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
