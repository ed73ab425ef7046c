//! Search for traces: which match, then what each of them is as a whole.
//!
//! The first statement finds ids and orders them; the second reads a few columns of all spans of those
//! traces, also of spans somewhat outside the range, and folds each trace into a summary. Whole traces
//! never leave the engine here.

use super::literals::{binary, one_of, text, within};
use super::range::TimeRange;
use super::rows::{self, column};
use super::session::Session;
use crate::engine::Engine;
use crate::error::Error;
use arrow::array::{
    Array, BooleanArray, FixedSizeBinaryArray, RecordBatch, StringArray, TimestampNanosecondArray,
};
use std::collections::HashMap;
use std::time::Duration;

/// How far outside the searched range the other spans of a matching trace are looked for. Traces that
/// last longer are summed up from what lies within.
const TRACE_SLACK: Duration = Duration::from_secs(60 * 60);

/// What to look for. One span must satisfy all of it; its trace is the hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSearch {
    /// Of the span's start.
    pub range: TimeRange,
    pub service: Option<String>,
    /// The span's name.
    pub operation: Option<String>,
    pub is_error: Option<bool>,
    pub duration_ns_min: Option<i64>,
    pub duration_ns_max: Option<i64>,
    /// Each pair is found among the attributes of the span, its resource, its scope, or one of its
    /// events or links.
    pub attributes: Vec<(String, String)>,
    pub order: TraceOrder,
    pub limit: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TraceOrder {
    /// The traces with the newest matching spans, by their own start.
    Newest,
    /// By the duration of the whole trace.
    Slowest,
    /// By failed spans in the whole trace.
    MostErrors,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceHits {
    /// In the order asked for.
    pub traces: Vec<TraceSummary>,
    /// More traces matched than the limit lets through.
    pub truncated: bool,
    /// A statement that finds the same traces.
    pub sql: String,
}

/// A trace in a line, over all its spans near the range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSummary {
    pub trace_id: [u8; 16],
    /// Of the first span without a parent, else of the earliest span.
    pub root_service: String,
    pub root_operation: String,
    /// No span without a parent was found.
    pub root_missing: bool,
    pub started_at: i64,
    /// From the first start to the last end.
    pub duration_ns: i64,
    pub n_spans: u64,
    pub n_errors: u64,
    /// By number of spans, largest first.
    pub services: Vec<ServiceSpans>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpans {
    pub service: String,
    pub n_spans: u64,
    pub n_errors: u64,
}

impl Engine {
    pub async fn search_traces(&self, search: &TraceSearch) -> Result<TraceHits, Error> {
        let search = search.clone();
        self.read(move |session| async move { find(&session, &search).await }).await
    }
}

async fn find(session: &Session, search: &TraceSearch) -> Result<TraceHits, Error> {
    let mut ids = Vec::new();
    session
        .for_each(&ids_sql(search, search.limit.saturating_add(1)), |batch| {
            let found = column::<FixedSizeBinaryArray>(batch, "trace_id")?;
            for row in 0..found.len() {
                ids.push(rows::trace_id(found, row)?);
            }
            Ok(())
        })
        .await?;
    let truncated = ids.len() > search.limit;
    ids.truncate(search.limit);
    let mut traces = summarise(session, &ids, search.range).await?;
    sort(&mut traces, search.order);
    Ok(TraceHits { traces, truncated, sql: shown_sql(search) })
}

async fn summarise(
    session: &Session,
    ids: &[[u8; 16]],
    range: TimeRange,
) -> Result<Vec<TraceSummary>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT trace_id, parent_span_id, service, name, start_time, end_time, is_error FROM spans WHERE {} AND {}",
        one_of("trace_id", ids.iter().map(|id| binary(id))),
        within("start_time", range.widened(TRACE_SLACK)),
    );
    let mut folds: HashMap<[u8; 16], Fold> = HashMap::new();
    session.for_each(&sql, |batch| fold(&mut folds, batch)).await?;
    let summaries = ids.iter().filter_map(|id| folds.remove(id).map(|fold| fold.summary(*id)));
    Ok(summaries.collect())
}

fn fold(folds: &mut HashMap<[u8; 16], Fold>, batch: &RecordBatch) -> Result<(), Error> {
    let ids = column::<FixedSizeBinaryArray>(batch, "trace_id")?;
    let parents = column::<FixedSizeBinaryArray>(batch, "parent_span_id")?;
    let services = column::<StringArray>(batch, "service")?;
    let names = column::<StringArray>(batch, "name")?;
    let starts = column::<TimestampNanosecondArray>(batch, "start_time")?;
    let ends = column::<TimestampNanosecondArray>(batch, "end_time")?;
    let errors = column::<BooleanArray>(batch, "is_error")?;
    for row in 0..batch.num_rows() {
        folds.entry(rows::trace_id(ids, row)?).or_default().span(Span {
            has_parent: parents.is_valid(row),
            service: services.value(row),
            name: names.value(row),
            start: starts.value(row),
            end: ends.value(row),
            is_error: errors.value(row),
        });
    }
    Ok(())
}

fn sort(traces: &mut [TraceSummary], order: TraceOrder) {
    traces.sort_by(|a, b| {
        let by_time = b.started_at.cmp(&a.started_at).then(a.trace_id.cmp(&b.trace_id));
        match order {
            TraceOrder::Newest => by_time,
            TraceOrder::Slowest => b.duration_ns.cmp(&a.duration_ns).then(by_time),
            TraceOrder::MostErrors => b.n_errors.cmp(&a.n_errors).then(by_time),
        }
    });
}

struct Span<'a> {
    has_parent: bool,
    service: &'a str,
    name: &'a str,
    start: i64,
    end: i64,
    is_error: bool,
}

/// A trace while its spans come in, in any order.
#[derive(Default)]
struct Fold {
    /// Whether it has a parent, its start, service and name; the smallest of all is the root.
    root: Option<(bool, i64, String, String)>,
    start: i64,
    end: i64,
    services: HashMap<String, (u64, u64)>,
}

impl Fold {
    fn span(&mut self, span: Span<'_>) {
        let rank = (span.has_parent, span.start, span.service, span.name);
        let known = self
            .root
            .as_ref()
            .map(|(has_parent, start, service, name)| (*has_parent, *start, service.as_str(), name.as_str()));
        let is_first = known.is_none();
        if known.is_none_or(|known| rank < known) {
            let (service, name) = (span.service.to_owned(), span.name.to_owned());
            self.root = Some((span.has_parent, span.start, service, name));
        }
        self.start = if is_first { span.start } else { self.start.min(span.start) };
        self.end = if is_first { span.end } else { self.end.max(span.end) };
        let counts = match self.services.get_mut(span.service) {
            Some(counts) => counts,
            None => self.services.entry(span.service.to_owned()).or_default(),
        };
        counts.0 += 1;
        counts.1 += u64::from(span.is_error);
    }

    fn summary(self, trace_id: [u8; 16]) -> TraceSummary {
        let (root_missing, _, root_service, root_operation) = self.root.unwrap_or_default();
        let mut services: Vec<ServiceSpans> = self
            .services
            .into_iter()
            .map(|(service, (n_spans, n_errors))| ServiceSpans { service, n_spans, n_errors })
            .collect();
        services.sort_by(|a, b| b.n_spans.cmp(&a.n_spans).then_with(|| a.service.cmp(&b.service)));
        TraceSummary {
            trace_id,
            root_service,
            root_operation,
            root_missing,
            started_at: self.start,
            duration_ns: self.end.saturating_sub(self.start).max(0),
            n_spans: services.iter().map(|service| service.n_spans).sum(),
            n_errors: services.iter().map(|service| service.n_errors).sum(),
            services,
        }
    }
}

/// The ids, best first. `Newest` needs the matching spans only; the other orders need every span of
/// the matching traces.
fn ids_sql(search: &TraceSearch, limit: usize) -> String {
    let matching = matching(search);
    if search.order == TraceOrder::Newest {
        return format!("{} LIMIT {limit}", newest(&matching));
    }
    format!(
        "SELECT trace_id FROM spans WHERE {} AND trace_id IN (SELECT trace_id FROM spans WHERE {matching}) \
         GROUP BY trace_id ORDER BY {} LIMIT {limit}",
        within("start_time", search.range.widened(TRACE_SLACK)),
        order_by(search.order),
    )
}

fn newest(matching: &str) -> String {
    format!(
        "SELECT trace_id FROM spans WHERE {matching} GROUP BY trace_id ORDER BY max(start_time) DESC, trace_id"
    )
}

/// One statement for people: the same traces in the same order, with what can be said in SQL.
fn shown_sql(search: &TraceSearch) -> String {
    let matching = matching(search);
    let hits = match search.order {
        TraceOrder::Newest => format!("{} LIMIT {}", newest(&matching), search.limit),
        TraceOrder::Slowest | TraceOrder::MostErrors => {
            format!("SELECT trace_id FROM spans WHERE {matching}")
        }
    };
    let order_by = match search.order {
        TraceOrder::Newest => "",
        TraceOrder::Slowest => "duration_ns DESC, ",
        TraceOrder::MostErrors => "n_errors DESC, ",
    };
    format!(
        "SELECT trace_id, min(start_time) AS started_at, {TRACE_DURATION} AS duration_ns, \
         count(*) AS n_spans, {TRACE_ERRORS} AS n_errors\nFROM spans\nWHERE {}\n  AND trace_id IN ({hits})\n\
         GROUP BY trace_id\nORDER BY {order_by}started_at DESC, trace_id\nLIMIT {}",
        within("start_time", search.range.widened(TRACE_SLACK)),
        search.limit,
    )
}

const TRACE_DURATION: &str = "CAST(max(end_time) - min(start_time) AS BIGINT)";
const TRACE_ERRORS: &str = "count(*) FILTER (WHERE is_error)";

fn order_by(order: TraceOrder) -> String {
    let by_time = "min(start_time) DESC, trace_id";
    match order {
        TraceOrder::Newest => by_time.to_owned(),
        TraceOrder::Slowest => format!("{TRACE_DURATION} DESC, {by_time}"),
        TraceOrder::MostErrors => format!("{TRACE_ERRORS} DESC, {by_time}"),
    }
}

/// What one span must satisfy.
fn matching(search: &TraceSearch) -> String {
    let mut conditions = vec![within("start_time", search.range)];
    conditions.extend(search.service.iter().map(|service| format!("service = {}", text(service))));
    conditions.extend(search.operation.iter().map(|name| format!("name = {}", text(name))));
    conditions.extend(search.is_error.map(|is_error| format!("is_error = {is_error}")));
    conditions.extend(search.duration_ns_min.map(|min| format!("duration_ns >= {min}")));
    conditions.extend(search.duration_ns_max.map(|max| format!("duration_ns <= {max}")));
    conditions.extend(search.attributes.iter().map(|(key, value)| attribute(key, value)));
    conditions.join(" AND ")
}

/// That the pair is found in a span.
pub(super) fn attribute(key: &str, value: &str) -> String {
    attribute_in(&["attributes", "resource", "scope", "events", "links"], key, value)
}

/// That a span has an attribute in one of these columns, under its current name or an older one.
pub(super) fn attribute_in(columns: &[&str], key: &str, value: &str) -> String {
    let pair = format!("{}, {}", text(key), text(value));
    let found: Vec<String> = columns
        .iter()
        .map(|column| format!("has_attribute({column}, {pair})"))
        .chain(promoted(key, value))
        .collect();
    format!("({})", found.join(" OR "))
}

/// The promoted column of a key, for spans whose client spoke an older convention: their attribute has
/// another name, the column does not.
fn promoted(key: &str, value: &str) -> Option<String> {
    let column = match key {
        "http.request.method" => "http_request_method",
        "http.route" => "http_route",
        "url.path" => "url_path",
        "db.system.name" => "db_system_name",
        "db.namespace" => "db_namespace",
        "db.operation.name" => "db_operation_name",
        "rpc.system.name" => "rpc_system_name",
        "rpc.method" => "rpc_method",
        "messaging.system" => "messaging_system",
        "messaging.destination.name" => "messaging_destination_name",
        "server.address" => "server_address",
        "error.type" => "error_type",
        "service.version" => "service_version",
        "deployment.environment.name" => "environment",
        "http.response.status_code" => {
            return value.parse::<i64>().ok().map(|code| format!("http_response_status_code = {code}"));
        }
        _ => return None,
    };
    Some(format!("{column} = {}", text(value)))
}
