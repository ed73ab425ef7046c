//! Reads what a question needs: spans, logs and points of the chosen times, the graph, and what went out.

use super::rates::{ROWS_MAX, SPANS_MAX, rates};
use super::stretches::{Baselines, look_back};
use super::{Asked, Error, History, marker};
use ::triage::Call;
use ::triage::report::{Release, Sampling};
use std::time::Duration;
use storage::{Engine, Evidence, EvidenceQuery, Peer, PeerKind, TimeRange};

use crate::units::nanos;

/// Spans of a trace come after the moment it belongs to.
const TRACE_SLACK: Duration = Duration::from_secs(30);
/// What metrics were like before is learned from this long before the window.
const METRICS_BACK: Duration = Duration::from_secs(3600);
/// Resources that fill up, by what their metrics are called.
const RESOURCES: &str = "cpu|memory|heap|disk|filesystem|pool|thrott|file.?descriptor|thread|goroutine|queue|lag|gc|\
                         garbage|connection|restart";
/// What services are asked for: only where no traces tell it.
const REQUESTS: &str = "request|call|count|latency|duration|response.?time|availability|success|error|fault|\
                        service_graph";

/// All that was read.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) baselines: Baselines,
    pub(super) evidence: Evidence,
    pub(super) calls: Vec<Call>,
    pub(super) releases: Vec<Release>,
    pub(super) sampling: Sampling,
}

pub(super) async fn gather(
    engine: &Engine,
    asked: &Asked,
    baselines: Baselines,
    history: &History,
) -> Result<Gathered, Error> {
    let failed = |source| Error::Storage { source };
    let (query, baselines, sampling) = chosen(engine, asked, baselines).await.map_err(failed)?;
    let evidence = engine.evidence(&query).await.map_err(failed)?;
    let calls = match evidence.spans.is_empty() {
        true => calls_of_edges(engine, &query).await.map_err(failed)?,
        // Traces tell it themselves.
        false => Vec::new(),
    };
    let releases = releases(engine, asked.window, history).await.map_err(failed)?;
    let sampling = Sampling { is_cut: evidence.is_cut, ..sampling };
    Ok(Gathered { baselines, evidence, calls, releases, sampling })
}

/// What to read, and what of it is held against the window: less of that where all would be too much.
async fn chosen(
    engine: &Engine,
    asked: &Asked,
    baselines: Baselines,
) -> Result<(EvidenceQuery, Baselines, Sampling), storage::Error> {
    let mut query = query(asked, &baselines);
    let mut counts = engine.count_evidence(&query).await?;
    let mut baselines = baselines;
    if counts.n_spans == 0 {
        query.metric_names = format!("{RESOURCES}|{REQUESTS}");
        counts = engine.count_evidence(&query).await?;
    } else if counts.n_spans > SPANS_MAX && asked.baselines.is_empty() {
        baselines = baselines.shortened(asked.window);
        query = self::query(asked, &baselines);
        counts = engine.count_evidence(&query).await?;
    }
    let sampling = rates(&counts);
    query.traces_one_in = sampling.traces_one_in;
    query.attributes_one_in = sampling.attributes_one_in;
    query.attributes_before_one_in = sampling.attributes_before_one_in;
    query.series_one_in = sampling.series_one_in;
    Ok((query, baselines, sampling))
}

/// Everything, of resources' metrics.
fn query(asked: &Asked, baselines: &Baselines) -> EvidenceQuery {
    let ranges = baselines.ranges.iter().copied().chain([asked.window]);
    let ranges = ranges.map(|range| TimeRange {
        from: range.from,
        to: range.to.saturating_add(nanos(TRACE_SLACK)).min(asked.asked_at.max(range.to)),
    });
    let metrics =
        TimeRange { from: asked.window.from.saturating_sub(nanos(METRICS_BACK)), to: asked.asked_at };
    let metrics = baselines.ranges.iter().copied().chain([metrics]);
    EvidenceQuery {
        ranges: joined(ranges.collect()),
        window: asked.window,
        metrics: joined(metrics.collect()),
        metric_names: RESOURCES.to_owned(),
        traces_one_in: 1,
        attributes_one_in: 1,
        attributes_before_one_in: 1,
        series_one_in: 1,
        rows_max: ROWS_MAX,
    }
}

/// The same times without overlaps.
fn joined(mut ranges: Vec<TimeRange>) -> Vec<TimeRange> {
    ranges.sort_by_key(|range| (range.from, range.to));
    let mut joined: Vec<TimeRange> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.from <= last.to => last.to = last.to.max(range.to),
            _ => joined.push(range),
        }
    }
    joined
}

/// Who called whom, as the read model remembers it after the spans are gone.
async fn calls_of_edges(engine: &Engine, query: &EvidenceQuery) -> Result<Vec<Call>, storage::Error> {
    let from = query.ranges.first().map_or(query.window.from, |range| range.from);
    let range = TimeRange { from, to: query.window.to };
    let edges = engine.edges(range, None).await?.edges;
    let call = |caller: &Peer, callee: &Peer| Call { caller: name(caller), callee: name(callee) };
    Ok(edges.iter().map(|edge| call(&edge.caller, &edge.callee)).collect())
}

fn name(peer: &Peer) -> String {
    match peer.kind {
        PeerKind::Service => peer.name.clone(),
        PeerKind::Database | PeerKind::Messaging | PeerKind::External => peer.label(),
    }
}

/// Versions that were seen for the first time near the window, and markers that were posted.
async fn releases(
    engine: &Engine,
    window: TimeRange,
    history: &History,
) -> Result<Vec<Release>, storage::Error> {
    let from = look_back(window);
    let versions = engine.service_versions(TimeRange { from: 0, to: window.to }, None).await?;
    let first_of = |service: &str| {
        versions.iter().filter(|seen| seen.service == service).map(|seen| seen.first_at).min()
    };
    // A service's first version is no release: that is when it was first heard.
    let is_release = |seen: &&storage::SeenVersion| {
        !seen.version.is_empty() && seen.first_at >= from && Some(seen.first_at) != first_of(&seen.service)
    };
    let seen = versions.iter().filter(is_release).map(|seen| Release {
        service: seen.service.clone(),
        version: seen.version.clone(),
        at_ns: seen.first_at,
        title: None,
        is_marker: false,
    });
    let mut releases: Vec<Release> = seen.chain(history.deployments.iter().map(marker)).collect();
    releases.sort_by(|a, b| (a.at_ns, &a.service, &a.version).cmp(&(b.at_ns, &b.service, &b.version)));
    Ok(releases)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a question that names healthy time of a day before, and one for which healthy time was chosen.
    /// Guarantees: points of metrics are read of all that the window is held against, and of the hour before it.
    #[test]
    fn metrics_are_read_of_all_healthy_time() {
        let hour = 3_600_000_000_000;
        let window = TimeRange { from: 100 * hour, to: 101 * hour };
        let given = TimeRange { from: 70 * hour, to: 71 * hour };
        let asked = |baselines| Asked {
            window,
            baselines,
            asked_at: window.to,
            service: None,
            operation: None,
            symptom: None,
            threshold_ns: None,
        };
        let of = |asked: &Asked, ranges: Vec<TimeRange>| query(asked, &Baselines::given(ranges)).metrics;
        let last_hours = TimeRange { from: 99 * hour, to: 101 * hour };
        assert_eq!(of(&asked(vec![given]), vec![given]), [given, last_hours]);
        let chosen = TimeRange { from: 98 * hour, to: 100 * hour };
        assert_eq!(of(&asked(Vec::new()), vec![chosen]), [TimeRange { from: 98 * hour, to: 101 * hour }]);
    }

    /// Scenario: stretches that touch, overlap, lie apart, in any order.
    /// Guarantees: the same times, each once.
    #[test]
    fn times_are_read_once() {
        let ranges = [(50, 60), (0, 10), (10, 20), (15, 18), (40, 55)];
        let ranges = ranges.map(|(from, to)| TimeRange { from, to });
        assert_eq!(joined(ranges.to_vec()), [TimeRange { from: 0, to: 20 }, TimeRange { from: 40, to: 60 }]);
    }
}
