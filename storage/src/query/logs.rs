//! Search for log records.

use super::literals::{binary, contains_pattern, interval, text, within};
use super::range::TimeRange;
use super::rows::column;
use super::session::Session;
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::{Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSearch {
    pub range: TimeRange,
    /// Found anywhere in the body, whatever the case.
    pub text: Option<String>,
    /// Each is found in the body as a whole word, whatever the case: cheaper than text, since segments know
    /// which words they hold.
    pub words: Vec<String>,
    /// A regular expression that is found anywhere in the body.
    pub pattern: Option<String>,
    pub service: Option<String>,
    /// Lowest severity number; records without a severity never match it.
    pub severity_min: Option<i32>,
    pub trace_id: Option<[u8; 16]>,
    pub span_id: Option<[u8; 8]>,
    /// Each pair is found among the attributes of the record, its resource or its scope.
    pub attributes: Vec<(String, String)>,
    pub limit: usize,
    /// Width of the histogram's buckets.
    pub step: Duration,
}

#[derive(Debug, Clone)]
pub struct LogHits {
    /// Rows of the `logs` table, newest first.
    pub rows: Vec<RecordBatch>,
    /// All that matched, also beyond the limit.
    pub n_matched: u64,
    /// Start of the bucket, severity, number of records; in this order, only where there are any.
    pub histogram: Vec<(i64, String, u64)>,
    pub truncated: bool,
    pub sql: String,
}

impl Engine {
    pub async fn search_logs(&self, search: &LogSearch) -> Result<LogHits, Error> {
        let search = search.clone();
        self.read(move |session| async move { find(&session, &search).await }).await
    }
}

async fn find(session: &Session, search: &LogSearch) -> Result<LogHits, Error> {
    if let Some(pattern) = &search.pattern {
        check_pattern(session, pattern).await?;
    }
    let matching = matching(search);
    let histogram = histogram(session, search, &matching).await?;
    let n_matched = histogram.iter().map(|(_, _, n)| n).sum();
    let sql = format!(
        "SELECT * FROM logs\nWHERE {matching}\nORDER BY time DESC, received_at DESC\nLIMIT {}",
        search.limit
    );
    let rows = if n_matched == 0 { Vec::new() } else { session.collect(&sql).await? };
    let truncated = n_matched > search.limit as u64;
    Ok(LogHits { rows, n_matched, histogram, truncated, sql })
}

/// Tells a mistake in the pattern, which is the asker's, from faults of ours.
async fn check_pattern(session: &Session, pattern: &str) -> Result<(), Error> {
    let tried = session.collect(&format!("SELECT '' ~ {}", text(pattern))).await;
    tried.map(|_| ()).map_err(|error| match error {
        Error::BadQuery { message } => Error::BadPattern { message },
        other => other,
    })
}

async fn histogram(
    session: &Session,
    search: &LogSearch,
    matching: &str,
) -> Result<Vec<(i64, String, u64)>, Error> {
    let sql = format!(
        "SELECT date_bin({}, time) AS at, severity, count(*) AS n FROM logs WHERE {matching} \
         GROUP BY 1, 2 ORDER BY 1, 2",
        interval(search.step),
    );
    let mut buckets = Vec::new();
    session
        .for_each(&sql, |batch| {
            let at = column::<TimestampNanosecondArray>(batch, "at")?;
            let severities = column::<StringArray>(batch, "severity")?;
            let counts = column::<Int64Array>(batch, "n")?;
            buckets.extend((0..batch.num_rows()).map(|row| {
                (at.value(row), severities.value(row).to_owned(), counts.value(row).unsigned_abs())
            }));
            Ok(())
        })
        .await?;
    Ok(buckets)
}

fn matching(search: &LogSearch) -> String {
    let mut conditions = vec![within("time", search.range)];
    conditions.extend(search.service.iter().map(|service| format!("service = {}", text(service))));
    conditions.extend(search.severity_min.map(|min| format!("severity_number >= {}", min.max(1))));
    conditions.extend(search.trace_id.map(|id| format!("trace_id = {}", binary(&id))));
    conditions.extend(search.span_id.map(|id| format!("span_id = {}", binary(&id))));
    let found = search.text.iter().filter(|text| !text.is_empty());
    conditions.extend(found.map(|text| format!("body ILIKE {}", contains_pattern(text))));
    let words = search.words.iter().filter(|word| !word.is_empty());
    conditions.extend(words.map(|word| format!("has_word(body, {})", text(word))));
    let pattern = search.pattern.iter().filter(|pattern| !pattern.is_empty());
    conditions.extend(pattern.map(|pattern| format!("body ~ {}", text(pattern))));
    conditions.extend(search.attributes.iter().map(|(key, value)| attribute(key, value)));
    conditions.join(" AND ")
}

fn attribute(key: &str, value: &str) -> String {
    let pair = format!("{}, {}", text(key), text(value));
    let found = ["attributes", "resource", "scope"].map(|column| format!("has_attribute({column}, {pair})"));
    format!("({})", found.join(" OR "))
}
