//! A real Prometheus writes what it scraped: its samples are stored as the pages had them, whatever happens to the
//! server meanwhile.

use crate::support::otlp;
use crate::support::prometheus::Prometheus;
use crate::support::server::{Home, Server};
use crate::support::tool;
use crate::support::wait::{eventually, eventually_eq};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prost::Message;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

const CONFIG: &str = "[remote_write]\nenabled = true\n";
/// Prometheus takes some seconds before it writes anything.
const LIMIT: Duration = Duration::from_secs(60);
const N_SPANS: u64 = 7;

/// Scenario: Prometheus scrapes a shop and the server itself every second and writes to the server, with exemplars and
/// metadata; then the shop goes down.
/// Guarantees: every series of the shop is stored with its value, kind, labels and target, exemplars with their spans;
/// the server's own counters lie between what the page said before and after; the end of the shop's series is marked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_writes_what_it_scraped() {
    let Some(binary) = tool("prometheus_writes_what_it_scraped", "FIRSTFAULT_TEST_PROMETHEUS") else {
        return;
    };
    let home = Home::new("prometheus", CONFIG);
    let server = home.start().await;
    send_spans(&server).await;
    let shop = Shop::start().await;
    let own = server.dashboard().trim_start_matches("http://").to_owned();
    let jobs = [("prod/shop", shop.address.as_str()), ("firstfault", own.as_str())];
    let prometheus = Prometheus::start(&binary, "scraped", &jobs, &server.otlp_http());
    check_shop(&server, &shop).await;
    check_exemplars(&server).await;
    check_own_page(&server).await;
    shop.state.is_down.store(true, Ordering::SeqCst);
    let ended =
        "SELECT count(*) FROM metric_points WHERE name = 'shop_stock' AND flags = 1 AND value IS NULL";
    at_least(&server, ended, 1).await;
    let down = "SELECT count(*) FROM metric_points WHERE name = 'up' AND service = 'shop' AND value = 0";
    at_least(&server, down, 1).await;
    prometheus.assert_nothing_dropped();
    server.assert_quiet(&[]);
}

/// Scenario: the server is killed while Prometheus writes, is away for some scrapes, and is started again.
/// Guarantees: of the time between the first and the last stored sample everything is stored that Prometheus has
/// itself, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_loses_and_doubles_nothing() {
    let Some(binary) = tool("a_restart_loses_and_doubles_nothing", "FIRSTFAULT_TEST_PROMETHEUS") else {
        return;
    };
    let home = Home::new("prometheus-restart", CONFIG);
    let server = home.start().await;
    let (shop, relay) = (Shop::start().await, Relay::start(&server).await);
    let prometheus = Prometheus::start(&binary, "restart", &[("shop", shop.address.as_str())], &relay.url);
    let n_stored = "SELECT count(*) FROM metric_points WHERE name = 'shop_scrapes_total'";
    at_least(&server, n_stored, 3).await;
    let n_before = server.number(n_stored).await;
    server.kill();
    shop.scraped_more(3).await;
    let server = home.start().await;
    relay.turn_to(&server);
    at_least(&server, n_stored, n_before + 6).await;
    let stored = stored_samples(&server, "shop_scrapes_total").await;
    let (first, last) = (stored[0].0, stored[stored.len() - 1].0);
    let mut scraped = prometheus.samples("shop_scrapes_total").await;
    scraped.retain(|(at, _)| (first..=last).contains(at));
    assert_eq!(stored, scraped);
    prometheus.assert_nothing_dropped();
}

/// Series of the shop: where they are found, value, type. Those of names with known suffixes are counters.
const SERIES: [(&str, f64, &str); 6] = [
    ("name = 'shop_orders_total' AND attributes['channel'] = 'web'", 17.0, "sum"),
    ("name = 'shop_stock' AND attributes['shelf'] = 'a \"1\"'", -3.5, "gauge"),
    ("name = 'shop_latency_seconds_bucket' AND attributes['le'] = '0.5'", 2.0, "sum"),
    ("name = 'shop_latency_seconds_bucket' AND attributes['le'] = '+Inf'", 5.0, "sum"),
    ("name = 'shop_latency_seconds_count'", 5.0, "sum"),
    ("name = 'shop_latency_seconds_sum'", 7.25, "sum"),
];

async fn check_shop(server: &Server, shop: &Shop) {
    let target = &shop.address;
    for (series, value, kind) in SERIES {
        let as_scraped = format!(
            "value = {value:?} AND type = '{kind}' AND flags = 0 AND service = 'shop' AND service_namespace = 'prod' \
             AND service_instance_id = '{target}' AND NOT has_attribute(attributes, 'job', 'prod/shop')"
        );
        let good = format!("SELECT count(*) FROM metric_points WHERE {series} AND {as_scraped}");
        at_least(server, &good, 2).await;
        // Where a scrape came too late, the marks of an end are in between.
        let other =
            format!("SELECT count(*) FROM metric_points WHERE {series} AND flags = 0 AND NOT ({as_scraped})");
        assert_eq!(server.number(&other).await, 0, "{series}");
    }
    let up = "SELECT count(*) FROM metric_points WHERE name = 'up' AND service = 'shop' AND value = 1";
    at_least(server, up, 2).await;
}

async fn check_exemplars(server: &Server) {
    let good = "SELECT count(*) FROM exemplars WHERE metric_name = 'shop_orders_total' AND value > 0 \
                AND trace_id = X'5b8efff798038103d269b633813fc60c' AND span_id = X'eee19b7ec3c1b174' \
                AND attributes['shelf'] = 'b' AND point_attributes['channel'] = 'web' AND time = point_time";
    at_least(server, good, 1).await;
}

/// Counters only grow: what was stored between two looks at the page lies between what they showed.
async fn check_own_page(server: &Server) {
    let before = counters(server).await;
    let spans = before["firstfault_accepted_items_total{signal=\"traces\"}"];
    assert_eq!(spans, N_SPANS as f64);
    let since = otlp::now();
    let names: Vec<&String> = before.keys().collect();
    let stored =
        eventually("the server's own page is stored", LIMIT, || stored_since(server, since, &names)).await;
    let after = counters(server).await;
    for (series, low) in &before {
        let (values, high) = (&stored[series], after[series]);
        let is_between = values.iter().all(|value| (*low..=high).contains(value));
        assert!(is_between, "{series}: {values:?} are not between {low} and {high}");
    }
}

/// The counters of the server's page, among them those of its histogram.
async fn counters(server: &Server) -> BTreeMap<String, f64> {
    let page = server.http.get(format!("{}/metrics", server.dashboard())).send().await.expect("an answer");
    let page = page.text().await.expect("text");
    let mut counters = BTreeMap::new();
    let mut is_counter = false;
    for line in page.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            is_counter = !family.ends_with(" gauge");
        } else if !line.starts_with('#') && is_counter {
            let (series, value) = line.rsplit_once(' ').expect("a series and its value");
            counters.insert(sorted(series), value.parse().expect("a number"));
        }
    }
    assert!(counters.len() > 20, "{page}");
    counters
}

/// The labels of a series in their order; those of our own page hold no commas.
fn sorted(series: &str) -> String {
    let Some((name, labels)) = series.trim_end_matches('}').split_once('{') else { return series.to_owned() };
    let mut labels: Vec<&str> = labels.split(',').collect();
    labels.sort_unstable();
    format!("{name}{{{}}}", labels.join(","))
}

/// Values of the server's own counters that were scraped since then; `None` until there are some of each.
async fn stored_since(server: &Server, since: u64, names: &[&String]) -> Option<BTreeMap<String, Vec<f64>>> {
    let rows = server
        .sql(&format!(
            "SELECT name, attributes, value FROM metric_points WHERE service = 'firstfault' AND type = 'sum' \
             AND CAST(time AS BIGINT) > {since} LIMIT 10000"
        ))
        .await;
    let mut stored: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in &rows {
        let name = row[0].as_str().expect("a name");
        let attributes = row[1].as_object().expect("attributes");
        let labels: Vec<String> = attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let series =
            if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) };
        stored.entry(sorted(&series)).or_default().push(row[2].as_f64().expect("a value"));
    }
    names.iter().all(|name| stored.contains_key(*name)).then_some(stored)
}

/// Milliseconds since 1970 and values, oldest first.
async fn stored_samples(server: &Server, name: &str) -> Vec<(i64, f64)> {
    let sql = format!(
        "SELECT CAST(time AS BIGINT) / 1000000, value FROM metric_points WHERE name = '{name}' AND flags = 0 \
         ORDER BY time LIMIT 10000"
    );
    let rows = server.sql(&sql).await;
    let sample = |row: &Vec<Value>| (row[0].as_i64().expect("a time"), row[1].as_f64().expect("a value"));
    rows.iter().map(sample).collect()
}

async fn at_least(server: &Server, sql: &str, n: i64) {
    eventually(&format!("at least {n}: {sql}"), LIMIT, || async move {
        (server.number(sql).await >= n).then_some(())
    })
    .await;
}

async fn send_spans(server: &Server) {
    let spans = (0..N_SPANS).map(|number| otlp::span(number, false)).collect();
    let request = server.http.post(format!("{}/v1/traces", server.otlp_http()));
    let request = request.header("content-type", "application/x-protobuf");
    let answer = request.body(otlp::traces("sender", spans).encode_to_vec()).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

/// A target with a page of its own.
struct Shop {
    address: String,
    state: Arc<ShopState>,
}

#[derive(Default)]
struct ShopState {
    n_scrapes: AtomicU64,
    is_down: AtomicBool,
}

impl Shop {
    async fn start() -> Self {
        let state = Arc::new(ShopState::default());
        let app = Router::new().route("/metrics", get(page)).with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("address").to_string();
        tokio::spawn(async move { axum::serve(listener, app).await.expect("the shop serves") });
        Self { address, state }
    }

    async fn scraped_more(&self, n: u64) {
        let n_wanted = self.state.n_scrapes.load(Ordering::SeqCst) + n;
        eventually_eq("the shop is scraped", LIMIT, true, || async {
            self.state.n_scrapes.load(Ordering::SeqCst) >= n_wanted
        })
        .await;
    }
}

/// OpenMetrics: the exemplar is another one at each scrape, or Prometheus would take it once.
async fn page(State(shop): State<Arc<ShopState>>) -> Response {
    if shop.is_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let n = shop.n_scrapes.fetch_add(1, Ordering::SeqCst) + 1;
    let exemplar = format!(
        "{{trace_id=\"5b8efff798038103d269b633813fc60c\",span_id=\"eee19b7ec3c1b174\",shelf=\"b\"}} {n}"
    );
    let page = format!(
        "# TYPE shop_orders counter\n# HELP shop_orders Orders taken.\n\
         shop_orders_total{{channel=\"web\"}} 17 # {exemplar}\n\
         # TYPE shop_scrapes counter\nshop_scrapes_total {n}\n\
         # TYPE shop_stock gauge\nshop_stock{{shelf=\"a \\\"1\\\"\"}} -3.5\n\
         # TYPE shop_latency_seconds histogram\n# UNIT shop_latency_seconds seconds\n\
         shop_latency_seconds_bucket{{le=\"0.5\"}} 2\nshop_latency_seconds_bucket{{le=\"+Inf\"}} 5\n\
         shop_latency_seconds_count 5\nshop_latency_seconds_sum 7.25\n# EOF\n"
    );
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([("content-type", content_type)], page).into_response()
}

/// One address for a server whose own one changes with each start.
struct Relay {
    url: String,
    target: Arc<Mutex<String>>,
}

impl Relay {
    async fn start(server: &Server) -> Self {
        let target = Arc::new(Mutex::new(address_of(server)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        tokio::spawn(relay(listener, Arc::clone(&target)));
        Self { url, target }
    }

    fn turn_to(&self, server: &Server) {
        *self.target.lock().expect("lock") = address_of(server);
    }
}

fn address_of(server: &Server) -> String {
    server.otlp_http().trim_start_matches("http://").to_owned()
}

async fn relay(listener: TcpListener, target: Arc<Mutex<String>>) {
    loop {
        let (mut inbound, _) = listener.accept().await.expect("a connection");
        let target = target.lock().expect("lock").clone();
        tokio::spawn(async move {
            // Nobody there: the sender sees its connection closed.
            if let Ok(mut outbound) = TcpStream::connect(target).await {
                tokio::io::copy_bidirectional(&mut inbound, &mut outbound).await.ok();
            }
        });
    }
}
