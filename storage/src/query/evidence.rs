//! Rows for triage: the spans, log records and data points of a window and of the times that it is held against.
//!
//! Whole traces are sampled, by the hash of their id, so that what is left of a trace is all of it; and all times alike.
//! Only the columns that triage looks at are read, and maps of attributes only of the spans that it asks for, because
//! they are many times larger than all the rest. Whoever asks counts first and then chooses the rate.

use super::literals::{text, within};
use super::range::TimeRange;
use super::rows::column;
use super::session::Session;
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::{Int64Array, RecordBatch};

/// Bytes of a log's body that are read: its beginning tells which template it is.
const BODY_CHARS_MAX: usize = 1_024;
/// Characters of a message of a failed span.
const MESSAGE_CHARS_MAX: usize = 1_024;

/// What is there, before anything is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EvidenceCounts {
    pub n_spans: u64,
    /// Spans that failed, which are read with their attributes and events.
    pub n_errors: u64,
    /// Requests that did not fail, in the window and outside, which are read with their attributes.
    pub n_entries: u64,
    pub n_entries_before: u64,
    pub n_logs: u64,
    pub n_points: u64,
}

/// Which rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceQuery {
    /// Times of spans and log records; they do not overlap.
    pub ranges: Vec<TimeRange>,
    /// Requests that start in it may have their attributes read at another rate.
    pub window: TimeRange,
    /// Times of data points; they do not overlap.
    pub metrics: Vec<TimeRange>,
    /// A regular expression that the names of metrics match, in small letters.
    pub metric_names: String,
    /// One trace in so many, with its log records.
    pub traces_one_in: u32,
    /// Of these traces, one in so many has the attributes of its requests: of the window, and of all other times.
    pub attributes_one_in: u32,
    pub attributes_before_one_in: u32,
    /// One series in so many.
    pub series_one_in: u32,
    /// Rows of a table at most, whatever was counted before: more may have come since.
    pub rows_max: usize,
}

/// The rows, with columns of the tables `spans`, `logs` and `metric_points`.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Batches have maps of attributes or lack them.
    pub spans: Vec<RecordBatch>,
    pub logs: Vec<RecordBatch>,
    pub points: Vec<RecordBatch>,
    /// More rows than `rows_max` were there.
    pub is_cut: bool,
}

/// Rows for people: what a piece of evidence is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRows {
    pub range: TimeRange,
    pub service: String,
    pub operation: Option<String>,
    pub only_errors: bool,
    /// Points of this metric, not spans.
    pub metric: Option<String>,
}

impl EvidenceRows {
    /// A statement that shows them.
    pub fn sql(&self) -> String {
        let of_service = format!("service = {}", text(&self.service));
        if let Some(metric) = &self.metric {
            return format!(
                "SELECT time, service_instance_id, name, attributes, value, \"count\", \"sum\"\nFROM metric_points\n\
                 WHERE {of_service} AND name = {} AND {}\nORDER BY time",
                text(metric),
                within("time", self.range)
            );
        }
        let mut conditions = vec![of_service, within("start_time", self.range)];
        conditions.extend(self.operation.iter().map(|name| format!("name = {}", text(name))));
        conditions.extend(self.only_errors.then(|| "is_error".to_owned()));
        format!(
            "SELECT start_time, hex(trace_id) AS trace_id, service_instance_id, name, duration_ns, is_error, \
             status_message\nFROM spans\nWHERE {}\nORDER BY start_time",
            conditions.join(" AND ")
        )
    }
}

impl Engine {
    /// How much there is of what `query` asks for, whatever it chooses.
    pub async fn count_evidence(&self, query: &EvidenceQuery) -> Result<EvidenceCounts, Error> {
        let query = query.clone();
        self.read(move |session| async move { count(&session, &query).await }).await
    }

    pub async fn evidence(&self, query: &EvidenceQuery) -> Result<Evidence, Error> {
        let query = query.clone();
        self.read(move |session| async move { read(&session, &query).await }).await
    }
}

async fn count(session: &Session, query: &EvidenceQuery) -> Result<EvidenceCounts, Error> {
    let in_window = query.in_window();
    let spans = format!(
        "SELECT count(*) AS n_spans, count(*) FILTER (WHERE is_error) AS n_errors, \
         count(*) FILTER (WHERE {ENTRY} AND {in_window}) AS n_entries, \
         count(*) FILTER (WHERE {ENTRY} AND NOT ({in_window})) AS n_entries_before FROM spans WHERE {}",
        in_ranges("start_time", &query.ranges)
    );
    let logs = format!("SELECT count(*) AS n_logs FROM logs WHERE {}", in_ranges("time", &query.ranges));
    let points = format!("SELECT count(*) AS n_points FROM metric_points WHERE {}", query.of_metrics());
    let (spans, logs, points) =
        (session.collect(&spans).await?, session.collect(&logs).await?, session.collect(&points).await?);
    Ok(EvidenceCounts {
        n_spans: number(&spans, "n_spans")?,
        n_errors: number(&spans, "n_errors")?,
        n_entries: number(&spans, "n_entries")?,
        n_entries_before: number(&spans, "n_entries_before")?,
        n_logs: number(&logs, "n_logs")?,
        n_points: number(&points, "n_points")?,
    })
}

/// The one number of a statement that counts.
pub(super) fn number(batches: &[RecordBatch], name: &str) -> Result<u64, Error> {
    let Some(batch) = batches.first() else { return Ok(0) };
    Ok(column::<Int64Array>(batch, name)?.value(0).unsigned_abs())
}

async fn read(session: &Session, query: &EvidenceQuery) -> Result<Evidence, Error> {
    let mut evidence = Evidence::default();
    let mut n_left = query.rows_max;
    for sql in [query.plain_spans(), query.entries(), query.failed_spans()] {
        let batches = bounded(session, &sql, &mut n_left, &mut evidence.is_cut).await?;
        evidence.spans.extend(batches);
    }
    let mut n_left = query.rows_max;
    evidence.logs = bounded(session, &query.logs(), &mut n_left, &mut evidence.is_cut).await?;
    let mut n_left = query.rows_max;
    evidence.points = bounded(session, &query.points(), &mut n_left, &mut evidence.is_cut).await?;
    Ok(evidence)
}

/// The rows of a statement, as many as are left to read.
pub(super) async fn bounded(
    session: &Session,
    sql: &str,
    n_left: &mut usize,
    is_cut: &mut bool,
) -> Result<Vec<RecordBatch>, Error> {
    let batches = session.collect(&format!("{sql} LIMIT {}", n_left.saturating_add(1))).await?;
    let mut kept = Vec::with_capacity(batches.len());
    for batch in batches {
        *is_cut |= batch.num_rows() > *n_left;
        let batch = batch.slice(0, batch.num_rows().min(*n_left));
        *n_left -= batch.num_rows();
        if batch.num_rows() > 0 {
            kept.push(batch);
        }
    }
    Ok(kept)
}

/// Whose a span or a point is, where it does not say so by `service.instance.id`.
pub(super) const INSTANCE: &str = "coalesce(service_instance_id, resource['k8s.pod.name'], resource['container.id'], \
                        resource['host.name']) AS service_instance_id";

/// A request that went well; failed spans are read by themselves.
const ENTRY: &str = "is_entry AND NOT is_error";

pub(super) const SPAN_COLUMNS: &str = "trace_id, span_id, parent_span_id, name, kind, start_time, end_time, is_error, service, \
     service_version, http_route, db_system_name, db_namespace, messaging_system, messaging_destination_name, \
     server_address, peer_service, error_type";

/// That a time lies in one of the ranges. Their whole extent is a condition of its own, by which segments are skipped.
fn in_ranges(time: &str, ranges: &[TimeRange]) -> String {
    let from = ranges.iter().map(|range| range.from).min().unwrap_or_default();
    let to = ranges.iter().map(|range| range.to).max().unwrap_or_default();
    let whole = within(time, TimeRange { from, to });
    if ranges.len() < 2 {
        return whole;
    }
    let each: Vec<String> = ranges.iter().map(|range| format!("({})", within(time, *range))).collect();
    format!("{whole} AND ({})", each.join(" OR "))
}

impl EvidenceQuery {
    fn in_window(&self) -> String {
        within("start_time", self.window)
    }

    fn sampled_spans(&self) -> String {
        let sample = self.sample(1);
        format!("{} AND {sample}", in_ranges("start_time", &self.ranges))
    }

    fn sample(&self, of_these: u32) -> String {
        match self.traces_one_in.max(1).saturating_mul(of_these.max(1)) {
            1 => "true".to_owned(),
            one_in => format!("in_sample(trace_id, {one_in})"),
        }
    }

    /// Requests that are read with their attributes.
    fn has_attributes(&self) -> String {
        let (in_window, now) = (self.in_window(), self.sample(self.attributes_one_in));
        let before = self.sample(self.attributes_before_one_in);
        format!("{ENTRY} AND ({in_window} AND {now} OR NOT ({in_window}) AND {before})")
    }

    fn plain_spans(&self) -> String {
        format!(
            "SELECT {SPAN_COLUMNS}, {INSTANCE} FROM spans WHERE {} AND NOT is_error AND NOT ({})",
            self.sampled_spans(),
            self.has_attributes()
        )
    }

    fn entries(&self) -> String {
        format!(
            "SELECT {SPAN_COLUMNS}, {INSTANCE}, attributes, resource FROM spans WHERE {} AND {}",
            in_ranges("start_time", &self.ranges),
            self.has_attributes()
        )
    }

    fn failed_spans(&self) -> String {
        format!(
            "SELECT {SPAN_COLUMNS}, {INSTANCE}, substr(status_message, 1, {MESSAGE_CHARS_MAX}) AS status_message, \
             attributes, resource, events FROM spans WHERE {} AND is_error",
            self.sampled_spans()
        )
    }

    /// Records without a trace are sampled by the millisecond.
    fn logs(&self) -> String {
        let sample = match self.traces_one_in {
            0 | 1 => "true".to_owned(),
            one_in => format!(
                "CASE WHEN trace_id IS NULL THEN (time::bigint / 1000000) % {one_in} = 0 \
                 ELSE in_sample(trace_id, {one_in}) END"
            ),
        };
        format!(
            "SELECT time, severity_number, substr(body, 1, {BODY_CHARS_MAX}) AS body, \
             trace_id, span_id, service, {INSTANCE} FROM logs WHERE {} AND {sample}",
            in_ranges("time", &self.ranges)
        )
    }

    /// Points that carry a number, of metrics with a name that says something.
    fn of_metrics(&self) -> String {
        format!(
            "{} AND flags & 1 = 0 AND lower(name) ~ {}",
            in_ranges("time", &self.metrics),
            text(&self.metric_names)
        )
    }

    fn points(&self) -> String {
        let sample = match self.series_one_in {
            0 | 1 => "true".to_owned(),
            // Names that tell of calls are the graph, of which no part can be left out.
            one_in => {
                format!("(series_id % arrow_cast({one_in}, 'UInt64') = 0 OR name LIKE '%service_graph%')")
            }
        };
        format!(
            "SELECT name, unit, type, temporality, is_monotonic, series_id, time, value, \"count\", \"sum\", \
             service, {INSTANCE}, attributes FROM metric_points WHERE {} AND {sample}",
            self.of_metrics()
        )
    }
}
