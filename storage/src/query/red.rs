//! Rate, errors and duration over any window, from the read model.
//!
//! The statement sorts the rows by group and bucket; one pass over them then holds two histograms, of
//! the group and of the step, however many groups and steps there are.

use super::literals::{interval, text, timestamp, within};
use super::range::{TimeRange, floor_to, step_nanos};
use super::rows::column;
use super::tally::{RedColumns, RedTotals, Tally};
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::{RecordBatch, StringArray, TimestampNanosecondArray};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedQuery {
    /// Buckets of ten seconds that start in it; `from` counts from the start of its own bucket.
    pub range: TimeRange,
    pub service: Option<String>,
    /// Only entry spans: what the service was asked for or took up by itself.
    pub entry_only: bool,
    pub by: RedBy,
    pub step: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RedBy {
    Service,
    /// Service, operation and kind.
    Operation,
    /// Service and version.
    Version,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedGroup {
    pub service: String,
    /// Empty unless by operation, like the kind.
    pub operation: String,
    pub kind: String,
    /// Empty unless by version.
    pub version: String,
    pub total: RedTotals,
    /// Start of each step that has data, counted from 1970, in order.
    pub points: Vec<(i64, RedTotals)>,
    /// Start of the first and the last bucket with data.
    pub first_at: i64,
    pub last_at: i64,
}

impl RedBy {
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Service => &["service"],
            Self::Operation => &["service", "operation", "kind"],
            Self::Version => &["service", "service_version"],
        }
    }
}

impl RedQuery {
    /// A statement that gives the same numbers, one row a group.
    pub fn sql(&self) -> String {
        let columns = self.by.columns().join(", ");
        format!(
            "SELECT {columns}, sum(n_spans) AS n, sum(n_errors) AS n_errors, \
             sum(sum_ns) AS sum_ns, hdr_quantile(duration_hdr, 0.5) AS p50_ns, \
             hdr_quantile(duration_hdr, 0.95) AS p95_ns, hdr_quantile(duration_hdr, 0.99) AS p99_ns\nFROM red\nWHERE {}\nGROUP BY {columns}\nORDER BY {columns}",
            self.matching()
        )
    }

    /// A statement that gives the same numbers, one row a group and step.
    pub fn points_sql(&self) -> String {
        let columns = self.by.columns().join(", ");
        format!(
            "SELECT {columns}, date_bin({}, bucket) AS at, sum(n_spans) AS n, sum(n_errors) AS n_errors, \
             hdr_quantile(duration_hdr, 0.95) AS p95_ns\nFROM red\nWHERE {}\nGROUP BY {columns}, at\n\
             ORDER BY {columns}, at",
            interval(self.step),
            self.matching()
        )
    }

    fn rows_sql(&self) -> String {
        let columns = self.by.columns().join(", ");
        format!(
            "SELECT {columns}, bucket, {} FROM red WHERE {} ORDER BY {columns}, bucket",
            RedColumns::NAMES,
            self.matching()
        )
    }

    fn matching(&self) -> String {
        let mut conditions = vec![within("bucket", self.range.whole_buckets())];
        conditions.extend(self.service.iter().map(|service| format!("service = {}", text(service))));
        if self.entry_only {
            conditions.push("is_entry".to_owned());
        }
        conditions.join(" AND ")
    }
}

impl Engine {
    /// Groups ordered by what they are grouped by.
    pub async fn red(&self, query: &RedQuery) -> Result<Vec<RedGroup>, Error> {
        let query = query.clone();
        self.read(move |session| async move {
            let mut fold = Fold::new(&query);
            session.for_each(&query.rows_sql(), |batch| fold.batch(batch)).await?;
            Ok(fold.finish())
        })
        .await
    }

    /// Each service and the start of the newest bucket it has spans in, by name; with `since` (unix nanos) only
    /// those with a bucket that starts then or later.
    pub async fn last_seen(&self, since: Option<i64>) -> Result<Vec<(String, i64)>, Error> {
        let newer = since.map(|at| format!("WHERE bucket >= {} ", timestamp(at))).unwrap_or_default();
        let sql =
            format!("SELECT service, max(bucket) AS at FROM red {newer}GROUP BY service ORDER BY service");
        self.read(move |session| async move {
            let mut seen = Vec::new();
            session.for_each(&sql, |batch| read_seen(batch, &mut seen)).await?;
            Ok(seen)
        })
        .await
    }
}

fn read_seen(batch: &RecordBatch, seen: &mut Vec<(String, i64)>) -> Result<(), Error> {
    let services = column::<StringArray>(batch, "service")?;
    let at = column::<TimestampNanosecondArray>(batch, "at")?;
    seen.extend((0..batch.num_rows()).map(|row| (services.value(row).to_owned(), at.value(row))));
    Ok(())
}

/// Rows in order of group and bucket, on their way to groups and points.
struct Fold {
    by: RedBy,
    step_ns: i64,
    finished: Vec<RedGroup>,
    open: Option<OpenGroup>,
}

struct OpenGroup {
    group: RedGroup,
    total: Tally,
    point_at: i64,
    point: Tally,
}

impl Fold {
    fn new(query: &RedQuery) -> Self {
        Self { by: query.by, step_ns: step_nanos(query.step), finished: Vec::new(), open: None }
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let columns = self.by.columns().iter().map(|name| column::<StringArray>(batch, name));
        let columns = columns.collect::<Result<Vec<_>, Error>>()?;
        let buckets = column::<TimestampNanosecondArray>(batch, "bucket")?;
        let numbers = RedColumns::of(batch)?;
        for row in 0..batch.num_rows() {
            let key: Vec<&str> = columns.iter().map(|column| column.value(row)).collect();
            let open = self.open(&key, buckets.value(row));
            open.total.row(&numbers, row)?;
            open.point.row(&numbers, row)?;
        }
        Ok(())
    }

    /// The group and point that a row belongs to; closes the ones before.
    fn open(&mut self, key: &[&str], bucket: i64) -> &mut OpenGroup {
        let at = floor_to(bucket, self.step_ns);
        if self.open.as_ref().is_some_and(|open| !open.is(self.by, key)) {
            self.close();
        }
        let by = self.by;
        let open = self.open.get_or_insert_with(|| OpenGroup::new(by, key, bucket, at));
        if open.point_at != at {
            open.close_point();
            open.point_at = at;
        }
        open.group.last_at = bucket;
        open
    }

    fn close(&mut self) {
        if let Some(mut open) = self.open.take() {
            open.close_point();
            open.group.total = open.total.totals();
            self.finished.push(open.group);
        }
    }

    fn finish(mut self) -> Vec<RedGroup> {
        self.close();
        self.finished
    }
}

impl OpenGroup {
    fn new(by: RedBy, key: &[&str], bucket: i64, point_at: i64) -> Self {
        let cell = |name: &str| {
            let place = by.columns().iter().position(|column| *column == name);
            place.map(|place| key[place].to_owned()).unwrap_or_default()
        };
        let group = RedGroup {
            service: cell("service"),
            operation: cell("operation"),
            kind: cell("kind"),
            version: cell("service_version"),
            total: RedTotals::default(),
            points: Vec::new(),
            first_at: bucket,
            last_at: bucket,
        };
        Self { group, total: Tally::default(), point_at, point: Tally::default() }
    }

    fn is(&self, by: RedBy, key: &[&str]) -> bool {
        let RedGroup { service, operation, kind, version, .. } = &self.group;
        match by {
            RedBy::Service => key == [service],
            RedBy::Operation => key == [service, operation, kind],
            RedBy::Version => key == [service, version],
        }
    }

    fn close_point(&mut self) {
        let point = std::mem::take(&mut self.point);
        self.group.points.push((self.point_at, point.totals()));
    }
}
