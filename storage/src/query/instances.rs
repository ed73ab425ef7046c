//! Who is there: services, their versions and their instances, with when each was seen first and last, by any signal.
//!
//! The read model has a row for each hour of an instance, so that a range is read by whole hours; what was seen in
//! them but not in the range is left out again by its first and last moments.

use super::literals::{text, timestamp};
use super::range::TimeRange;
use super::rows::column;
use crate::engine::Engine;
use crate::error::Error;
use crate::read_models::Resolution;
use arrow::array::{Array, RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array};

/// Instances of one answer: the ones seen last.
const INSTANCES_MAX: usize = 10_000;
/// Versions of one answer: the ones that came last.
const VERSIONS_MAX: usize = 10_000;
/// Environments, and languages, of one service that are told.
const FACTS_MAX: usize = 16;

/// One process, or as much of one as it says of itself. What it does not say is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenInstance {
    pub service: String,
    pub namespace: String,
    pub environment: String,
    pub version: String,
    /// `service.instance.id`; `other` stands for those beyond the bounds of the read model.
    pub instance: String,
    /// `telemetry.sdk.language`, and the SDK's name and version.
    pub language: String,
    pub sdk_name: String,
    pub sdk_version: String,
    pub n_spans: u64,
    pub n_logs: u64,
    pub n_points: u64,
    /// Event times, of what was seen in the range's hours.
    pub first_at: i64,
    pub last_at: i64,
}

/// A version of a service in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenVersion {
    pub service: String,
    pub environment: String,
    pub version: String,
    pub n_items: u64,
    pub first_at: i64,
    pub last_at: i64,
}

/// A service as a catalogue lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenService {
    pub service: String,
    /// In order of names, without the empty one; at most 16, like the languages.
    pub environments: Vec<String>,
    pub languages: Vec<String>,
    pub first_at: i64,
    pub last_at: i64,
}

impl Engine {
    /// Instances seen in the range, the one seen last first; of one service, where one is named.
    pub async fn service_instances(
        &self,
        range: TimeRange,
        service: Option<&str>,
    ) -> Result<Vec<SeenInstance>, Error> {
        let sql = instances_sql(range, service);
        self.read(move |session| async move {
            let mut instances = Vec::new();
            session.for_each(&sql, |batch| read_instances(batch, &mut instances)).await?;
            Ok(instances)
        })
        .await
    }

    /// Versions seen in the range, the one that came last first; of one service, where one is named.
    pub async fn service_versions(
        &self,
        range: TimeRange,
        service: Option<&str>,
    ) -> Result<Vec<SeenVersion>, Error> {
        let sql = versions_sql(range, service);
        self.read(move |session| async move {
            let mut versions = Vec::new();
            session.for_each(&sql, |batch| read_versions(batch, &mut versions)).await?;
            Ok(versions)
        })
        .await
    }

    /// Services seen in the range, by name.
    pub async fn services_seen(&self, range: TimeRange) -> Result<Vec<SeenService>, Error> {
        let sql = services_sql(range);
        self.read(move |session| async move {
            let mut services = Vec::new();
            session.for_each(&sql, |batch| read_services(batch, &mut services)).await?;
            Ok(services)
        })
        .await
    }
}

const SEEN: &str = "min(first_at) AS seen_first_at, max(last_at) AS seen_last_at";

fn instances_sql(range: TimeRange, service: Option<&str>) -> String {
    let columns = "service, service_namespace, environment, service_version, instance, language, sdk_name, \
                   sdk_version";
    let n_of = |signal: &str| format!("sum(n_items) FILTER (WHERE signal = '{signal}')");
    format!(
        "SELECT {columns}, {} AS n_spans, {} AS n_logs, {} AS n_points, {SEEN} FROM service_instances {} \
         GROUP BY {columns} {} ORDER BY seen_last_at DESC, {columns} LIMIT {INSTANCES_MAX}",
        n_of("traces"),
        n_of("logs"),
        n_of("metrics"),
        hours(range, service),
        touching(range),
    )
}

fn versions_sql(range: TimeRange, service: Option<&str>) -> String {
    let columns = "service, environment, service_version";
    format!(
        "SELECT {columns}, sum(n_items) AS n_items_seen, {SEEN} FROM service_instances {} GROUP BY {columns} \
         {} ORDER BY seen_first_at DESC, {columns} LIMIT {VERSIONS_MAX}",
        hours(range, service),
        touching(range),
    )
}

fn services_sql(range: TimeRange) -> String {
    let columns = "service, environment, language";
    format!(
        "SELECT {columns}, {SEEN} FROM service_instances {} GROUP BY {columns} {} ORDER BY {columns}",
        hours(range, None),
        touching(range),
    )
}

/// The rows of the hours that the range touches.
fn hours(range: TimeRange, service: Option<&str>) -> String {
    let (from, to) = (timestamp(Resolution::Hour.bucket_of(range.from)), timestamp(range.to));
    let of_service = service.map(|service| format!(" AND service = {}", text(service)));
    format!("WHERE bucket >= {from} AND bucket < {to}{}", of_service.unwrap_or_default())
}

/// The groups that were there before the range's end, and still at its start.
fn touching(range: TimeRange) -> String {
    format!("HAVING max(last_at) >= {} AND min(first_at) < {}", timestamp(range.from), timestamp(range.to))
}

/// The columns that every statement here has.
struct Seen<'a> {
    first_at: &'a TimestampNanosecondArray,
    last_at: &'a TimestampNanosecondArray,
}

impl<'a> Seen<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, Error> {
        Ok(Self { first_at: column(batch, "seen_first_at")?, last_at: column(batch, "seen_last_at")? })
    }
}

fn read_instances(batch: &RecordBatch, instances: &mut Vec<SeenInstance>) -> Result<(), Error> {
    let texts = |name| column::<StringArray>(batch, name);
    let (service, namespace) = (texts("service")?, texts("service_namespace")?);
    let (environment, version) = (texts("environment")?, texts("service_version")?);
    let (instance, language) = (texts("instance")?, texts("language")?);
    let (sdk_name, sdk_version) = (texts("sdk_name")?, texts("sdk_version")?);
    let counts = |name| column::<UInt64Array>(batch, name);
    let (n_spans, n_logs, n_points) = (counts("n_spans")?, counts("n_logs")?, counts("n_points")?);
    let seen = Seen::of(batch)?;
    let row = |row: usize| SeenInstance {
        service: service.value(row).to_owned(),
        namespace: namespace.value(row).to_owned(),
        environment: environment.value(row).to_owned(),
        version: version.value(row).to_owned(),
        instance: instance.value(row).to_owned(),
        language: language.value(row).to_owned(),
        sdk_name: sdk_name.value(row).to_owned(),
        sdk_version: sdk_version.value(row).to_owned(),
        n_spans: count(n_spans, row),
        n_logs: count(n_logs, row),
        n_points: count(n_points, row),
        first_at: seen.first_at.value(row),
        last_at: seen.last_at.value(row),
    };
    instances.extend((0..batch.num_rows()).map(row));
    Ok(())
}

/// A sum of no rows is null.
fn count(counts: &UInt64Array, row: usize) -> u64 {
    if counts.is_null(row) { 0 } else { counts.value(row) }
}

fn read_versions(batch: &RecordBatch, versions: &mut Vec<SeenVersion>) -> Result<(), Error> {
    let texts = |name| column::<StringArray>(batch, name);
    let (service, environment) = (texts("service")?, texts("environment")?);
    let version = texts("service_version")?;
    let n_items = column::<UInt64Array>(batch, "n_items_seen")?;
    let seen = Seen::of(batch)?;
    let row = |row: usize| SeenVersion {
        service: service.value(row).to_owned(),
        environment: environment.value(row).to_owned(),
        version: version.value(row).to_owned(),
        n_items: count(n_items, row),
        first_at: seen.first_at.value(row),
        last_at: seen.last_at.value(row),
    };
    versions.extend((0..batch.num_rows()).map(row));
    Ok(())
}

/// Rows of one service follow one another.
fn read_services(batch: &RecordBatch, services: &mut Vec<SeenService>) -> Result<(), Error> {
    let texts = |name| column::<StringArray>(batch, name);
    let (service, environment, language) = (texts("service")?, texts("environment")?, texts("language")?);
    let seen = Seen::of(batch)?;
    for row in 0..batch.num_rows() {
        let (name, first_at, last_at) =
            (service.value(row), seen.first_at.value(row), seen.last_at.value(row));
        if services.last().is_none_or(|last| last.service != name) {
            let (environments, languages) = (Vec::new(), Vec::new());
            services.push(SeenService {
                service: name.to_owned(),
                environments,
                languages,
                first_at,
                last_at,
            });
        }
        let Some(last) = services.last_mut() else { continue };
        last.first_at = last.first_at.min(first_at);
        last.last_at = last.last_at.max(last_at);
        add_fact(&mut last.environments, environment.value(row));
        add_fact(&mut last.languages, language.value(row));
    }
    Ok(())
}

fn add_fact(facts: &mut Vec<String>, fact: &str) {
    if fact.is_empty() || facts.len() >= FACTS_MAX {
        return;
    }
    if let Err(place) = facts.binary_search_by(|known| known.as_str().cmp(fact)) {
        facts.insert(place, fact.to_owned());
    }
}
