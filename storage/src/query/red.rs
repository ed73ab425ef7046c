//! Rate, errors and duration over any window, from the read models.
//!
//! The statement gives rows as they come; `fold` makes groups and points of them.

mod fold;

use super::literals::{interval, text};
use super::parts::Parts;
use super::range::TimeRange;
use super::rows::column;
use super::tally::{RedColumns, RedTotals};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::Table;
use crate::read_models::{OTHERS, Resolution};
use arrow::array::{Array, RecordBatch, UInt64Array};
use fold::Fold;
use std::time::Duration;

/// Any buckets may answer for a whole range.
const DAY: Duration = Duration::from_secs(86_400);

/// Which spans are counted, and what for each group and step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedQuery {
    /// Buckets of ten seconds that start in it; `from` counts from the start of its own bucket.
    pub range: TimeRange,
    /// Only spans with these values; an empty one is that of spans without any.
    pub only: Vec<(RedBy, String)>,
    /// Only entry spans: what the service was asked for or took up by itself.
    pub entry_only: bool,
    /// What groups are told apart by, in any order; with none there is one group of all.
    pub by: Vec<RedBy>,
    pub step: Duration,
}

/// What tells spans apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RedBy {
    Service,
    Operation,
    Kind,
    /// `1xx` to `5xx` of HTTP, else the status of RPC.
    StatusClass,
    Version,
    Environment,
    Instance,
}

/// What all groups are, and how they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedAnswer {
    /// Ordered by what they are grouped by.
    pub groups: Vec<RedGroup>,
    /// The time whose buckets are counted, which `range` lies in.
    pub counted: TimeRange,
    /// Buckets as fine as asked for are gone: ends of the range and steps are those of coarser ones.
    pub is_coarser: bool,
    /// A statement that gives the same numbers, one row a group.
    pub sql: String,
    /// A statement that gives the same numbers, one row a group and step.
    pub points_sql: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedGroup {
    /// Empty unless grouped by it, like those below.
    pub service: String,
    pub operation: String,
    pub kind: String,
    pub status_class: String,
    pub version: String,
    pub environment: String,
    pub instance: String,
    pub total: RedTotals,
    /// Start of each step that has data, counted from 1970, in order.
    pub points: Vec<(i64, RedTotals)>,
    /// Start of the first and the last bucket with data.
    pub first_at: i64,
    pub last_at: i64,
}

impl RedBy {
    pub const ALL: [Self; 7] = [
        Self::Service,
        Self::Operation,
        Self::Kind,
        Self::StatusClass,
        Self::Version,
        Self::Environment,
        Self::Instance,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Operation => "operation",
            Self::Kind => "kind",
            Self::StatusClass => "status_class",
            Self::Version => "version",
            Self::Environment => "environment",
            Self::Instance => "instance",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }

    /// The column that has it, in every table that does.
    pub(super) fn column(self) -> &'static str {
        match self {
            Self::Version => "service_version",
            other => other.name(),
        }
    }

    /// Do the tables of whole services tell it?
    fn is_of_service(self) -> bool {
        matches!(self, Self::Service | Self::Version | Self::Environment)
    }
}

impl RedGroup {
    /// What it has in common by that.
    pub fn value(&self, by: RedBy) -> &str {
        match by {
            RedBy::Service => &self.service,
            RedBy::Operation => &self.operation,
            RedBy::Kind => &self.kind,
            RedBy::StatusClass => &self.status_class,
            RedBy::Version => &self.version,
            RedBy::Environment => &self.environment,
            RedBy::Instance => &self.instance,
        }
    }

    fn value_mut(&mut self, by: RedBy) -> &mut String {
        match by {
            RedBy::Service => &mut self.service,
            RedBy::Operation => &mut self.operation,
            RedBy::Kind => &mut self.kind,
            RedBy::StatusClass => &mut self.status_class,
            RedBy::Version => &mut self.version,
            RedBy::Environment => &mut self.environment,
            RedBy::Instance => &mut self.instance,
        }
    }
}

impl RedQuery {
    /// What groups are told apart by, each once, in the order of their columns.
    fn by(&self) -> Vec<RedBy> {
        let mut by = self.by.clone();
        by.sort_unstable();
        by.dedup();
        by
    }

    /// The tables that have what is asked for: the smallest that do.
    pub(super) fn model(&self) -> fn(Resolution) -> Table {
        let mut told_apart = self.by.iter().chain(self.only.iter().map(|(by, _)| by));
        match self.entry_only && told_apart.all(|by| by.is_of_service()) {
            true => Table::ServiceRed,
            false => Table::Red,
        }
    }

    /// What rows must be, but for their time.
    pub(super) fn conditions(&self) -> Vec<String> {
        let only = self.only.iter().map(|(by, value)| format!("{} = {}", by.column(), text(value)));
        let mut conditions: Vec<String> = only.collect();
        // The tables of whole services have no other rows.
        if self.entry_only && self.model()(Resolution::Hour) == Table::Red(Resolution::Hour) {
            conditions.push("is_entry".to_owned());
        }
        conditions
    }

    /// What rows of others must be, in the tables that answer the query.
    fn conditions_of_others(&self) -> Vec<String> {
        let mut conditions = vec![format!("{} = {}", RedBy::Service.column(), text(OTHERS))];
        conditions.extend(self.conditions().into_iter().filter(|condition| condition == "is_entry"));
        conditions
    }
}

/// A query and the parts of tables that answer it.
struct Statements<'a> {
    query: &'a RedQuery,
    parts: &'a Parts,
    /// Followed by a comma where there are any.
    columns: String,
}

impl<'a> Statements<'a> {
    fn of(query: &'a RedQuery, parts: &'a Parts) -> Self {
        let columns = query.by().into_iter().map(|by| format!("{}, ", by.column()));
        Self { query, parts, columns: columns.collect() }
    }

    /// The rows that count, with these columns.
    fn rows(&self) -> String {
        let columns = format!("{}bucket, {}", self.columns, RedColumns::NAMES);
        self.parts.rows(self.query.model(), &columns, &self.query.conditions())
    }

    fn totals(&self) -> String {
        let rows = self.rows();
        let columns = self.columns.trim_end_matches(", ");
        let grouped = match columns {
            "" => String::new(),
            columns => format!("\nGROUP BY {columns}\nORDER BY {columns}"),
        };
        format!(
            "SELECT {}sum(n_spans) AS n, sum(n_errors) AS n_errors, \
             sum(n_spans_adjusted_q16) / 65536.0 AS n_adjusted, \
             sum(n_errors_adjusted_q16) / 65536.0 AS n_errors_adjusted, sum(sum_ns) AS sum_ns, \
             hdr_quantile(duration_hdr, 0.5) AS p50_ns, hdr_quantile(duration_hdr, 0.9) AS p90_ns, \
             hdr_quantile(duration_hdr, 0.95) AS p95_ns, hdr_quantile(duration_hdr, 0.99) AS p99_ns, \
             hdr_quantile(duration_hdr, 0.999) AS p999_ns\nFROM {rows}{grouped}",
            self.columns
        )
    }

    fn points(&self) -> String {
        let (columns, rows) = (&self.columns, self.rows());
        format!(
            "SELECT {columns}date_bin({}, bucket) AS at, sum(n_spans) AS n, sum(n_errors) AS n_errors, \
             hdr_quantile(duration_hdr, 0.5) AS p50_ns, hdr_quantile(duration_hdr, 0.95) AS p95_ns, \
             hdr_quantile(duration_hdr, 0.99) AS p99_ns\nFROM {rows}\nGROUP BY {columns}at\nORDER BY {columns}at",
            interval(self.query.step),
        )
    }

    fn plain_rows(&self) -> String {
        format!("SELECT {}bucket, {} FROM {}", self.columns, RedColumns::NAMES, self.rows())
    }
}

impl Engine {
    /// Rate, errors and duration of groups and steps.
    pub async fn red(&self, query: &RedQuery) -> Result<RedAnswer, Error> {
        let parts = Parts::of(self, query.model(), query.range, query.step);
        let statements = Statements::of(query, &parts);
        let (rows, sql, points_sql) = (statements.plain_rows(), statements.totals(), statements.points());
        let mut fold = Fold::new(query);
        let groups = self.read(move |session| async move {
            session.for_each(&rows, |batch| fold.batch(batch)).await?;
            fold.finish()
        });
        let groups = groups.await?;
        Ok(RedAnswer { groups, counted: parts.counted(), is_coarser: parts.is_coarser(), sql, points_sql })
    }

    /// Spans of a query's range that are counted under [`OTHERS`], because too many services had a place already.
    pub async fn spans_folded(&self, query: &RedQuery) -> Result<u64, Error> {
        let parts = Parts::of(self, query.model(), query.range, DAY);
        let rows = parts.rows(query.model(), "n_spans", &query.conditions_of_others());
        let sql = format!("SELECT sum(n_spans) AS n FROM {rows}");
        let n_spans = self.read(move |session| async move {
            let mut n_spans = 0_u64;
            session.for_each(&sql, |batch| add_sums(batch, &mut n_spans)).await?;
            Ok(n_spans)
        });
        n_spans.await
    }
}

/// Of no rows the sum is null.
fn add_sums(batch: &RecordBatch, n_spans: &mut u64) -> Result<(), Error> {
    let sums = column::<UInt64Array>(batch, "n")?;
    let valid = (0..batch.num_rows()).filter(|row| sums.is_valid(*row));
    *n_spans += valid.map(|row| sums.value(row)).sum::<u64>();
    Ok(())
}
