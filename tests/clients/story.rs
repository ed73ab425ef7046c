//! The story that every client of the matrix tells, as rows: what SQL must give after it was told once.
//!
//! `python/story.py`, `node/story.js` and `rust_story.rs` tell it. Whatever a row shows was decided by the program,
//! but for random ids, which are followed from row to row instead.

use super::case::{Case, Language};
use crate::support::server::Server;
use crate::support::wait::eventually_eq;
use serde_json::{Value, json};
use std::time::Duration;

/// Enough for each kind of span, each status, and every bucket of a histogram.
pub(crate) const N_ORDERS: i64 = 12;
pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.40.0";
/// A request with data in it is visible at once; the wait is for agents, which send on what they have gathered.
const VISIBLE: Duration = Duration::from_secs(10);
/// A letter beyond ASCII, one beyond 16 bits, quotes and a line break.
pub(crate) const NOTE: &str = "caf\u{e9} \u{1f980} \"quoted\"\n";

type Row = Vec<Value>;

/// The stored story of one case.
struct Told<'a> {
    server: &'a Server,
    case: Case,
    /// When it began, by the client's clock.
    start: u64,
}

/// Compares everything that is stored of a case with the story. `did` is the program's account of itself.
pub(crate) async fn check(server: &Server, case: Case, start: u64, did: &Value) {
    let told = Told { server, case, start };
    told.check_spans(did).await;
    told.check_events_and_links().await;
    told.check_logs().await;
    told.check_metrics().await;
    told.check_resources().await;
}

impl Told<'_> {
    /// Waits until a query has these rows. `{service}` and `{start}` stand for those of the case.
    async fn expect(&self, sql: &str, expected: Vec<Row>) {
        let name = self.case.name();
        let sql = sql.replace("{service}", &format!("'{name}'")).replace("{start}", &self.start.to_string());
        let what = format!("{name}: {sql}");
        eventually_eq(&what, VISIBLE, expected, || self.server.sql(&sql)).await;
    }

    async fn check_spans(&self, did: &Value) {
        let sql = "SELECT name, kind, CAST(start_time AS BIGINT) - {start}, duration_ns, status_code, \
                   status_message, attributes, attributes_types, http_request_method, http_route, \
                   http_response_status_code, parent_span_id IS NULL, trace_state, scope_name, scope_version, \
                   scope_schema_url, dropped_attributes_count + dropped_events_count + dropped_links_count \
                   FROM spans WHERE service = {service} ORDER BY start_time";
        self.expect(sql, (1..=N_ORDERS).flat_map(|number| [request(number), step(number)]).collect()).await;
        let mut trace_ids: Vec<_> = did["trace_ids"].as_array().expect("trace ids").clone();
        trace_ids.sort_by_key(Value::to_string);
        let sql = "SELECT DISTINCT hex(trace_id) FROM spans WHERE service = {service} ORDER BY 1";
        self.expect(sql, trace_ids.into_iter().map(|id| vec![id]).collect()).await;
        let sql = "SELECT child.name, parent.name, parent.attributes['order.number'] FROM spans child \
                   JOIN spans parent ON child.trace_id = parent.trace_id AND child.parent_span_id = parent.span_id \
                   WHERE child.service = {service} AND parent.service = {service} ORDER BY child.start_time";
        self.expect(sql, per_order(|n| json!([format!("step {n}"), REQUEST, text(n)]))).await;
    }

    async fn check_events_and_links(&self) {
        let sql = "SELECT name, span_name, CAST(time AS BIGINT) - {start}, attributes, attributes_types \
                   FROM span_events WHERE service = {service} ORDER BY time";
        self.expect(sql, (1..=N_ORDERS).flat_map(events).collect()).await;
        let sql = "SELECT l.span_name, named.name, named.attributes['order.number'], l.attributes, \
                   l.attributes_types FROM span_links l JOIN spans named \
                   ON named.trace_id = l.linked_trace_id AND named.span_id = l.linked_span_id \
                   WHERE l.service = {service} ORDER BY l.span_start_time";
        let link =
            |n: i64| json!([format!("step {n}"), REQUEST, text(n - 1), { "link.reason": "after" }, "s"]);
        self.expect(sql, (2..=N_ORDERS).map(|number| cells(link(number))).collect()).await;
    }

    async fn check_logs(&self) {
        let sql = "SELECT body, body_type, severity_number, severity_text, severity, event_name, \
                   CAST(time AS BIGINT) - {start}, CAST(observed_time AS BIGINT) - {start}, attributes, \
                   attributes_types, trace_id IS NULL, scope_name, scope_version, scope_schema_url, \
                   dropped_attributes_count FROM logs WHERE service = {service} ORDER BY time";
        self.expect(sql, [closing()].into_iter().chain((1..=N_ORDERS).map(log)).collect()).await;
        let sql = "SELECT l.attributes['order.number'], s.name, s.attributes['order.number'] FROM logs l \
                   JOIN spans s ON l.trace_id = s.trace_id AND l.span_id = s.span_id \
                   WHERE l.service = {service} ORDER BY l.time";
        self.expect(sql, per_order(|n| json!([text(n), REQUEST, text(n)]))).await;
    }

    async fn check_metrics(&self) {
        let sql = "SELECT name, description, unit, type, temporality, is_monotonic, value, value_int, \
                   attributes, attributes_types, scope_name, scope_version, scope_schema_url, \
                   dropped_attributes_count FROM metric_points WHERE service = {service} ORDER BY name";
        self.expect(sql, points(self.case.temporality())).await;
        let sql = "SELECT count, sum, min, max, bucket_counts, explicit_bounds, scale, zero_count \
                   FROM metric_points WHERE service = {service} AND type LIKE '%histogram' ORDER BY name";
        self.expect(sql, histograms()).await;
        self.check_exponential_buckets().await;
        self.check_exemplars().await;
    }

    /// Only Python keeps exemplars. Each tells of the measurement that was made in the span it names.
    async fn check_exemplars(&self) {
        let sql = "SELECT count(*) > 0, count(*) = count(*) FILTER \
                   (WHERE e.value = 10.0 * attribute_int(s.attributes, 'order.number')) FROM exemplars e \
                   LEFT JOIN spans s ON e.trace_id = s.trace_id AND e.span_id = s.span_id \
                   WHERE e.service = {service} AND e.metric_name = 'shop.value'";
        let has_some = self.case.language == Language::Python;
        self.expect(sql, vec![cells(json!([has_some, true]))]).await;
    }

    /// Clients pad the list of buckets as they like; what matters is which of them hold a value.
    async fn check_exponential_buckets(&self) {
        let sql = format!(
            "SELECT positive_offset, positive_counts FROM metric_points \
             WHERE service = '{}' AND name = 'shop.latency'",
            self.case.name()
        );
        let rows = self.server.sql(&sql).await;
        let offset = rows[0][0].as_i64().expect("an offset");
        let counts =
            rows[0][1].as_array().expect("counts").iter().map(|count| count.as_i64().expect("a count"));
        let filled = (offset..).zip(counts).filter(|(_, count)| *count > 0);
        let index = |number: i64| ((number as f64).log2() * f64::from(SCALE).exp2()).ceil() as i64 - 1;
        let expected: Vec<_> = (1..=N_ORDERS).map(|number| (index(number), 1_i64)).collect();
        assert_eq!(filled.collect::<Vec<_>>(), expected, "{}: buckets", self.case.name());
    }

    async fn check_resources(&self) {
        for table in ["spans", "logs", "metric_points"] {
            let sql = format!(
                "SELECT DISTINCT service_version, environment, resource['shop.city'], \
                 resource['telemetry.sdk.language'], resource['telemetry.sdk.name'] \
                 FROM {table} WHERE service = {{service}}"
            );
            let language = self.case.sdk_language();
            let row = ["9.8.7", "test", "M\u{fc}nchen, Ost", language, "opentelemetry"].map(Value::from);
            self.expect(&sql, vec![row.to_vec()]).await;
        }
    }
}

const REQUEST: &str = "POST /orders";

/// With 160 buckets the finest scale that 1 to `N_ORDERS` fit in.
const SCALE: i32 = 5;

fn per_order(row: impl Fn(i64) -> Value) -> Vec<Row> {
    (1..=N_ORDERS).map(|number| cells(row(number))).collect()
}

fn cells(row: Value) -> Row {
    match row {
        Value::Array(cells) => cells,
        other => panic!("{other} is no row"),
    }
}

/// A row of what came from the scope of the story, with nothing dropped.
fn in_scope(row: Value) -> Row {
    let scope = ["shop", "1.2.3", SCHEMA_URL].map(Value::from);
    cells(row).into_iter().chain(scope).chain([json!(0)]).collect()
}

/// Attributes are shown as text.
fn text(number: i64) -> String {
    number.to_string()
}

fn is_failed(number: i64) -> bool {
    number % 5 == 0
}

fn request(number: i64) -> Row {
    let (status, message) = match number % 5 {
        0 => ("error", "no price"),
        1 => ("ok", ""),
        _ => ("unset", ""),
    };
    let response = if is_failed(number) { 500 } else { 201 };
    let tags = json!({"arrayValue": {"values": [{"stringValue": "blue"}, {"stringValue": "fragile"}]}});
    let sizes = json!({"arrayValue": {"values": [{"intValue": "1"}, {"intValue": "2"}]}});
    let attributes = json!({
        "order.number": text(number),
        "order.big": "9007199254740991",
        "order.weight": format!("{number}.5"),
        "order.express": (number % 2 == 0).to_string(),
        "order.note": NOTE,
        "order.tags": tags.to_string(),
        "order.sizes": sizes.to_string(),
        "http.request.method": "POST",
        "http.route": "/orders",
        "http.response.status_code": text(response),
    });
    let (at, took) = (number * 1_000_000, 1_000 + number);
    in_scope(json!([
        REQUEST,
        "server",
        at,
        took,
        status,
        message,
        attributes,
        "iidbsaassi",
        "POST",
        "/orders",
        response,
        true,
        ""
    ]))
}

fn step(number: i64) -> Row {
    let kind = ["internal", "client", "producer", "consumer"][number as usize % 4];
    let (name, at, took) = (format!("step {number}"), number * 1_000_000 + 100, 100 + number);
    let attributes = json!({ "order.number": text(number) });
    in_scope(json!([name, kind, at, took, "unset", "", attributes, "i", null, null, null, false, ""]))
}

fn events(number: i64) -> Vec<Row> {
    let at = number * 1_000_000;
    let priced = json!({ "price.cents": text(100 * number) });
    let mut events = vec![cells(json!(["priced", REQUEST, at + 500, priced, "i"]))];
    if is_failed(number) {
        let thrown = json!({ "exception.type": "NoPrice", "exception.message": "none" });
        events.push(cells(json!(["exception", REQUEST, at + 600, thrown, "ss"])));
    }
    events
}

fn log(number: i64) -> Row {
    let (body, severity_number, severity_text, severity) = match is_failed(number) {
        true => (format!("order {number} failed"), 17, "ERROR", "error"),
        false => (format!("order {number} accepted"), 9, "INFO", "info"),
    };
    let at = number * 1_000_000 + 700;
    let attributes = json!({
        "order.number": text(number),
        "order.weight": format!("{number}.5"),
        "order.express": (number % 2 == 0).to_string(),
    });
    let written = at + 50;
    in_scope(json!([
        body,
        "s",
        severity_number,
        severity_text,
        severity,
        "",
        at,
        written,
        attributes,
        "idb",
        false
    ]))
}

fn closing() -> Row {
    let doors = json!([{ "stringValue": "a" }, { "intValue": "2" }, { "boolValue": true }]);
    let doors = json!({ "key": "doors", "value": { "arrayValue": { "values": doors } } });
    let body = json!({ "kvlistValue": { "values": [doors] } }).to_string();
    in_scope(json!([body, "m", 13, "WARN", "warn", "shop.closed", 0, 50, { "raw": "AAH+/w==" }, "x", true]))
}

/// Of 1 to `N_ORDERS`.
const SUM: i64 = N_ORDERS * (N_ORDERS + 1) / 2;

/// By name. What goes up and down is cumulative whatever is preferred.
fn points(preferred: &str) -> Vec<Row> {
    let (n, half) = (N_ORDERS as f64, N_ORDERS as f64 / 2.0);
    let (revenue, stock) = (SUM as f64 + half, -2 * N_ORDERS);
    let web = json!({ "channel": "web" });
    let express = json!({ "channel": "web", "express": "true" });
    let (north, shelf, cellar) = (json!({"door": "north"}), json!({"shelf": "a"}), json!({"room": "cellar"}));
    let points = [
        json!(["shop.latency", "", "s", "exponential_histogram", preferred, null, null, null, web, "s"]),
        json!(["shop.open", "", "", "gauge", null, null, 3.0, 3, north, "s"]),
        json!(["shop.orders", "Orders taken", "{order}", "sum", preferred, true, n, N_ORDERS, web, "s"]),
        json!(["shop.revenue", "", "EUR", "sum", preferred, true, revenue, null, web, "s"]),
        json!(["shop.stock", "", "{item}", "sum", "cumulative", false, -2.0 * n, stock, shelf, "s"]),
        json!(["shop.temperature", "", "Cel", "gauge", null, null, 20.0 + half, null, cellar, "s"]),
        json!(["shop.value", "", "EUR", "histogram", preferred, null, null, null, express, "sb"]),
    ];
    points.map(in_scope).into()
}

/// Of latencies 1 to N, and of values 10 to 10 N with bounds 10, 50 and 100.
fn histograms() -> Vec<Row> {
    let (n, sum) = (N_ORDERS as f64, SUM as f64);
    let (counts, bounds) = (json!([1, 4, 5, N_ORDERS - 10]), json!([10.0, 50.0, 100.0]));
    let histograms = [
        json!([N_ORDERS, sum, 1.0, n, null, null, SCALE, 0]),
        json!([N_ORDERS, 10.0 * sum, 10.0, 10.0 * n, counts, bounds, null, null]),
    ];
    histograms.map(cells).into()
}
