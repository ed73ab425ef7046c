//! Rows for a comparison: requests of one side with their attributes, and all spans of some of their traces.
//!
//! Requests are counted first, so that whoever asks can choose how many of them to read; they are sampled by the hash
//! of their trace. Times are those of their ends, as in heatmaps, whose boxes are sides.

use super::evidence::{INSTANCE, SPAN_COLUMNS, bounded, number};
use super::heatmap::SpanFilter;
use super::literals::{binary, one_of, within};
use super::range::TimeRange;
use super::session::Session;
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::RecordBatch;
use std::time::Duration;

/// How far around the requests the other spans of their traces are looked for.
const TRACE_SLACK: Duration = Duration::from_secs(3600);

/// Which requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestsQuery {
    /// Of their ends.
    pub range: TimeRange,
    pub filter: SpanFilter,
    /// But for those that are also in here.
    pub without: Option<(TimeRange, SpanFilter)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestCounts {
    pub n: u64,
    pub n_errors: u64,
}

/// Rows of the table `spans`, with the columns that triage looks at.
#[derive(Debug, Clone, Default)]
pub struct RequestRows {
    pub spans: Vec<RecordBatch>,
    /// More rows than were asked for were there.
    pub is_cut: bool,
}

impl Engine {
    pub async fn count_requests(&self, query: &RequestsQuery) -> Result<RequestCounts, Error> {
        let sql = format!(
            "SELECT count(*) AS n, count(*) FILTER (WHERE is_error) AS n_errors FROM spans WHERE {}",
            query.condition()
        );
        self.read(move |session| async move { count(&session, &sql).await }).await
    }

    /// One request in so many, at most `rows_max`, with attributes.
    pub async fn requests(
        &self,
        query: &RequestsQuery,
        one_in: u32,
        rows_max: usize,
    ) -> Result<RequestRows, Error> {
        let sample = match one_in {
            0 | 1 => String::new(),
            one_in => format!(" AND in_sample(trace_id, {one_in})"),
        };
        let condition = query.condition();
        let sql = format!(
            "SELECT {SPAN_COLUMNS}, {INSTANCE}, attributes, resource FROM spans WHERE {condition}{sample}"
        );
        self.read(move |session| async move { read(&session, &sql, rows_max).await }).await
    }

    /// All spans of traces, at most `rows_max`, without attributes. `range` is the time of their requests; without it
    /// they are looked for at all times.
    pub async fn spans_of_traces(
        &self,
        ids: &[[u8; 16]],
        range: Option<TimeRange>,
        rows_max: usize,
    ) -> Result<RequestRows, Error> {
        if ids.is_empty() {
            return Ok(RequestRows::default());
        }
        let mut condition = one_of("trace_id", ids.iter().map(|id| binary(id)));
        if let Some(range) = range {
            condition = format!("{condition} AND {}", within("start_time", range.widened(TRACE_SLACK)));
        }
        let sql = format!("SELECT {SPAN_COLUMNS}, {INSTANCE} FROM spans WHERE {condition}");
        self.read(move |session| async move { read(&session, &sql, rows_max).await }).await
    }
}

impl RequestsQuery {
    fn condition(&self) -> String {
        let mut condition = described(self.range, &self.filter);
        if let Some((range, filter)) = &self.without {
            // A condition on an absent value is neither true nor false.
            condition = format!("{condition} AND ({}) IS NOT TRUE", described(*range, filter));
        }
        condition
    }
}

fn described(range: TimeRange, filter: &SpanFilter) -> String {
    let mut conditions = vec![within("end_time", range)];
    conditions.extend(filter.in_spans());
    conditions.join(" AND ")
}

async fn count(session: &Session, sql: &str) -> Result<RequestCounts, Error> {
    let counted = session.collect(sql).await?;
    Ok(RequestCounts { n: number(&counted, "n")?, n_errors: number(&counted, "n_errors")? })
}

async fn read(session: &Session, sql: &str, rows_max: usize) -> Result<RequestRows, Error> {
    let (mut n_left, mut is_cut) = (rows_max, false);
    let spans = bounded(session, sql, &mut n_left, &mut is_cut).await?;
    Ok(RequestRows { spans, is_cut })
}
