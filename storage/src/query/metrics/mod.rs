//! Metrics: what there is, and the series of one of them, ready to draw.

mod explicit;
mod exponential;
mod growth;
mod increase;
mod labels;
mod points;
mod streams;

use super::literals::{text, within};
use super::range::{TimeRange, step_nanos};
use super::rows::{self, column};
use super::session::Session;
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::{Array, AsArray, BooleanArray, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::array::{TimestampNanosecondArray, UInt64Array};
use increase::Temporality;
use std::time::Duration;

pub use growth::{GrowthAnswer, GrowthQuery};
pub use streams::{Figure, MetricStream, MetricStreams, ServiceStreams, StreamsQuery};

/// Rows of the catalogue; a client that makes up metric names would otherwise have no bound.
const METRICS_MAX: usize = 10_000;

/// A metric: points of one name, unit and type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricInfo {
    pub name: String,
    pub unit: String,
    /// `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`.
    pub metric_type: String,
    /// `delta` or `cumulative`.
    pub temporality: Option<String>,
    pub is_monotonic: Option<bool>,
    pub description: String,
    /// In order of name.
    pub services: Vec<String>,
    pub n_series: u64,
    pub n_points: u64,
    pub last_at: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricQuery {
    pub range: TimeRange,
    pub name: String,
    pub service: Option<String>,
    pub step: Duration,
    /// Series drawn; those with the most points are kept.
    pub series_max: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetricData {
    pub info: MetricInfo,
    pub view: MetricView,
    pub series: Vec<MetricSeries>,
    /// There are more series than `series_max`. Quantiles are made from all series, always.
    pub truncated: bool,
    /// The points behind the series.
    pub sql: String,
}

/// What the numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetricView {
    /// The last value of each step; the sum of each step where a sum that can fall comes in deltas.
    Value,
    /// Increase per second, resets taken into account.
    Rate,
    /// p50, p95 and p99 of all series together, estimated from buckets.
    Quantiles,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetricSeries {
    /// What tells this series from its neighbours.
    pub labels: Vec<(String, String)>,
    /// Start of the step, counted from 1970, and a finite value; in order, only where there is one.
    pub points: Vec<(i64, f64)>,
}

impl Engine {
    /// The metrics that have points in a range, by name.
    pub async fn metrics(&self, range: TimeRange) -> Result<Vec<MetricInfo>, Error> {
        self.read(move |session| async move { catalogue(&session, &Self::metrics_sql(range)).await }).await
    }

    /// The statement behind [`Engine::metrics`].
    pub fn metrics_sql(range: TimeRange) -> String {
        catalogue_sql(&within("time", range))
    }

    /// One metric; none where it has no points in the range. Of several with one name (a client changed
    /// the unit or the type) the one with the most points.
    pub async fn metric(&self, query: &MetricQuery) -> Result<Option<MetricData>, Error> {
        let query = query.clone();
        self.read(move |session| async move { data(&session, &query).await }).await
    }
}

/// Grouping by series first keeps the counting of series exact and cheap.
fn catalogue_sql(matching: &str) -> String {
    format!(
        "SELECT name, unit, type, temporality, is_monotonic, max(description) AS description, \
         array_agg(DISTINCT service) AS services, count(*) AS n_series, sum(n) AS n_points, max(last_at) AS last_at\n\
         FROM (\n  SELECT name, unit, type, temporality, is_monotonic, service, series_id, \
         max(description) AS description, count(*) AS n, max(time) AS last_at\n  FROM metric_points\n  WHERE {matching}\n  \
         GROUP BY name, unit, type, temporality, is_monotonic, service, series_id\n)\n\
         GROUP BY name, unit, type, temporality, is_monotonic\n\
         ORDER BY name, n_points DESC, unit, type, temporality, is_monotonic\nLIMIT {METRICS_MAX}"
    )
}

async fn catalogue(session: &Session, sql: &str) -> Result<Vec<MetricInfo>, Error> {
    let mut infos = Vec::new();
    session.for_each(sql, |batch| read_infos(batch, &mut infos)).await?;
    Ok(infos)
}

fn read_infos(batch: &RecordBatch, infos: &mut Vec<MetricInfo>) -> Result<(), Error> {
    let texts = |name| column::<StringArray>(batch, name);
    let (names, units, types) = (texts("name")?, texts("unit")?, texts("type")?);
    let (temporalities, descriptions) = (texts("temporality")?, texts("description")?);
    let monotonic = column::<BooleanArray>(batch, "is_monotonic")?;
    let services = column::<ListArray>(batch, "services")?;
    let n_series = column::<Int64Array>(batch, "n_series")?;
    let n_points = column::<Int64Array>(batch, "n_points")?;
    let last_at = column::<TimestampNanosecondArray>(batch, "last_at")?;
    for row in 0..batch.num_rows() {
        infos.push(MetricInfo {
            name: names.value(row).to_owned(),
            unit: units.value(row).to_owned(),
            metric_type: types.value(row).to_owned(),
            temporality: temporalities.is_valid(row).then(|| temporalities.value(row).to_owned()),
            is_monotonic: monotonic.is_valid(row).then(|| monotonic.value(row)),
            description: rows::text(descriptions, row).to_owned(),
            services: sorted(services, row),
            n_series: n_series.value(row).unsigned_abs(),
            n_points: n_points.value(row).unsigned_abs(),
            last_at: last_at.value(row),
        });
    }
    Ok(())
}

fn sorted(lists: &ListArray, row: usize) -> Vec<String> {
    let items = lists.value(row);
    let Some(items) = items.as_string_opt::<i32>() else { return Vec::new() };
    let mut names: Vec<String> = items.iter().flatten().map(str::to_owned).collect();
    names.sort();
    names
}

async fn data(session: &Session, query: &MetricQuery) -> Result<Option<MetricData>, Error> {
    let named = format!("{} AND name = {}", within("time", query.range), text(&query.name));
    let infos = catalogue(session, &catalogue_sql(&named)).await?;
    let Some(info) = infos.into_iter().max_by_key(|info| info.n_points) else { return Ok(None) };
    let selection = Selection::new(query, &info);
    let view = view(&info);
    let (series, truncated) = match (view, info.metric_type.as_str()) {
        (MetricView::Quantiles, "histogram") => (points::explicit(session, &selection).await?, false),
        (MetricView::Quantiles, _) => (points::exponential(session, &selection).await?, false),
        (_, "summary") => points::summary(session, &selection).await?,
        _ => points::numbers(session, &selection).await?,
    };
    let sql = selection.shown_sql(&info.metric_type);
    Ok(Some(MetricData { info, view, series, truncated, sql }))
}

fn view(info: &MetricInfo) -> MetricView {
    match info.metric_type.as_str() {
        "sum" if info.is_monotonic == Some(true) => MetricView::Rate,
        "histogram" | "exponential_histogram" => MetricView::Quantiles,
        _ => MetricView::Value,
    }
}

/// The points of one metric that a query wants.
struct Selection {
    range: TimeRange,
    step_ns: i64,
    series_max: usize,
    /// Of a sum that only grows.
    is_counter: bool,
    is_sum: bool,
    temporality: Temporality,
    /// Everything but the time.
    matching: String,
}

impl Selection {
    fn new(query: &MetricQuery, info: &MetricInfo) -> Self {
        let is_sum = info.metric_type == "sum";
        Self {
            range: query.range,
            step_ns: step_nanos(query.step),
            series_max: query.series_max,
            is_counter: is_sum && info.is_monotonic == Some(true),
            is_sum,
            temporality: Temporality::named(info.temporality.as_deref()),
            matching: matching(query, info),
        }
    }

    /// Also points before the range: the first increase is counted from the last one of them.
    fn with_baseline(&self, columns: &str) -> String {
        self.points_sql(columns, self.range.widened_back(increase::BASELINE))
    }

    fn points_sql(&self, columns: &str, range: TimeRange) -> String {
        format!(
            "SELECT {columns} FROM metric_points\nWHERE {} AND {}\nORDER BY series_id, time",
            self.matching,
            within("time", range)
        )
    }

    fn shown_sql(&self, metric_type: &str) -> String {
        let values = match metric_type {
            "histogram" => "count, sum, explicit_bounds, bucket_counts",
            "exponential_histogram" => {
                "count, sum, scale, zero_count, positive_offset, positive_counts, negative_offset, negative_counts"
            }
            "summary" => "count, sum, quantiles",
            _ => "value",
        };
        self.points_sql(&format!("time, service, attributes, {values}"), self.range)
    }

    /// The series with the most points, and whether there are more than `series_max`.
    async fn series(&self, session: &Session) -> Result<(Vec<u64>, bool), Error> {
        let sql = format!(
            "SELECT series_id, count(*) AS n FROM metric_points WHERE {} AND {} GROUP BY series_id \
             ORDER BY n DESC, series_id LIMIT {}",
            self.matching,
            within("time", self.range),
            self.series_max.saturating_add(1),
        );
        let mut ids = Vec::new();
        session
            .for_each(&sql, |batch| {
                ids.extend(column::<UInt64Array>(batch, "series_id")?.values());
                Ok(())
            })
            .await?;
        let truncated = ids.len() > self.series_max;
        ids.truncate(self.series_max);
        Ok((ids, truncated))
    }
}

/// Points without a recorded value say that a series ended; they carry no number.
fn matching(query: &MetricQuery, info: &MetricInfo) -> String {
    let mut conditions = vec![
        format!("name = {}", text(&info.name)),
        format!("unit = {}", text(&info.unit)),
        format!("type = {}", text(&info.metric_type)),
        match &info.temporality {
            Some(temporality) => format!("temporality = {}", text(temporality)),
            None => "temporality IS NULL".to_owned(),
        },
        match info.is_monotonic {
            Some(is_monotonic) => format!("is_monotonic = {is_monotonic}"),
            None => "is_monotonic IS NULL".to_owned(),
        },
        "flags & 1 = 0".to_owned(),
    ];
    conditions.extend(query.service.iter().map(|service| format!("service = {}", text(service))));
    conditions.join(" AND ")
}
