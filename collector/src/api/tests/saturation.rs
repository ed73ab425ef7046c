//! Resource metrics as instrumentations send them, and what the API makes of them.

use super::{AT, Server, store};
use serde_json::{Value, json};
use storage::Signal;

const MINUTE_NS: i64 = 60 * 1_000_000_000;
const RANGE: &str = "from=2026-01-31T11:50:00Z&to=2026-01-31T12:01:00Z";

type Labels<'a> = &'a [(&'a str, &'a str)];

/// Values of a series at two collections, a minute apart; it began a minute before the first.
type Series<'a> = (Labels<'a>, [f64; 2]);

/// The resource of a service with one instance.
const ONE: Labels<'static> = &[("service.instance.id", "one")];

/// One service, what it sends, and a line for each metric that is found.
struct Case {
    service: &'static str,
    resource: Labels<'static>,
    sent: Vec<Value>,
    found: &'static [&'static str],
}

fn attributes(labels: Labels<'_>) -> Value {
    labels.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect()
}

/// The points of some series; `fill` adds what the type of the metric needs.
fn points(series: &[Series<'_>], fill: impl Fn(usize, f64) -> Value) -> Value {
    let mut points = Vec::new();
    for (labels, values) in series {
        for (n, value) in values.iter().enumerate() {
            let mut point = fill(n, *value);
            let at = if n == 0 { AT - MINUTE_NS } else { AT };
            point["attributes"] = attributes(labels);
            point["startTimeUnixNano"] = json!((AT - 2 * MINUTE_NS).to_string());
            point["timeUnixNano"] = json!(at.to_string());
            points.push(point);
        }
    }
    points.into()
}

fn gauge(name: &str, unit: &str, series: &[Series<'_>]) -> Value {
    json!({"name": name, "unit": unit, "gauge": {"dataPoints": points(series, |_, value| json!({"asDouble": value}))}})
}

fn sum(name: &str, unit: &str, is_monotonic: bool, series: &[Series<'_>]) -> Value {
    let points = points(series, |_, value| json!({"asDouble": value}));
    let sum = json!({"aggregationTemporality": 2, "isMonotonic": is_monotonic, "dataPoints": points});
    json!({"name": name, "unit": unit, "sum": sum})
}

fn counter(name: &str, unit: &str, series: &[Series<'_>]) -> Value {
    sum(name, unit, true, series)
}

fn level(name: &str, unit: &str, series: &[Series<'_>]) -> Value {
    sum(name, unit, false, series)
}

/// The values are what was added up, of ten measurements more each time.
fn histogram(name: &str, unit: &str, series: &[Series<'_>]) -> Value {
    let points = points(series, |n, value| {
        let count = (10 * (n + 1)).to_string();
        json!({"count": count, "sum": value, "explicitBounds": [], "bucketCounts": [count]})
    });
    json!({"name": name, "unit": unit, "histogram": {"aggregationTemporality": 2, "dataPoints": points}})
}

/// The same sums as a summary, as the Collector makes one of Prometheus' summaries.
fn summary(name: &str, series: &[Series<'_>]) -> Value {
    let points = points(series, |n, value| json!({"count": (10 * (n + 1)).to_string(), "sum": value}));
    json!({"name": name, "summary": {"dataPoints": points}})
}

fn request(service: &str, resource: Labels<'_>, metrics: &[Value]) -> Value {
    let mut all = vec![("service.name", service)];
    all.extend_from_slice(resource);
    let resource = json!({"attributes": attributes(&all)});
    json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]})
}

async fn read(server: &Server, service: &str) -> wire::Saturation {
    server.read(&format!("/api/v1/services/{service}/saturation?{RANGE}")).await
}

/// Kind, name and newest value of the first series, its bound, and whether it is marked.
fn line(metric: &wire::SaturationMetric) -> String {
    let first = &metric.series[0];
    let limit = first.limit.map(|limit| format!(" of {limit:.2}")).unwrap_or_default();
    let mark = if first.is_marked { " !" } else { "" };
    format!("{} {} {:.2} {}{limit}{mark}", metric.kind, metric.name, first.newest, metric.unit)
}

fn processes() -> Vec<Case> {
    let (user, system): (Labels<'_>, Labels<'_>) = (&[("cpu.mode", "user")], &[("cpu.mode", "system")]);
    vec![
        Case {
            service: "process",
            resource: ONE,
            sent: vec![
                gauge("process.cpu.utilization", "1", &[(user, [0.1, 0.5]), (system, [0.1, 0.45])]),
                counter("process.cpu.time", "s", &[(user, [30.0, 60.0]), (system, [6.0, 12.0])]),
                level("process.memory.usage", "By", &[(&[], [1e6, 2e6])]),
                level("process.thread.count", "{thread}", &[(&[], [8.0, 9.0])]),
                level("http.server.active_requests", "{request}", &[(&[], [3.0, 4.0])]),
                level(
                    "http.client.open_connections",
                    "{connection}",
                    &[(&[("server.address", "db")], [1.0, 2.0])],
                ),
                gauge("shop.fun", "1", &[(&[], [1.0, 1.0])]),
            ],
            found: &[
                "cpu process.cpu.utilization 0.95 1 of 1.00 !",
                "cpu process.cpu.time 0.60 {cpu}",
                "memory process.memory.usage 2000000.00 By",
                "threads process.thread.count 9.00 {thread}",
                "in_flight http.server.active_requests 4.00 {request}",
                "pool http.client.open_connections 2.00 {connection}",
            ],
        },
        Case {
            service: "prometheus",
            resource: ONE,
            sent: vec![
                counter("process_cpu_seconds_total", "", &[(&[], [30.0, 60.0])]),
                gauge("process_resident_memory_bytes", "", &[(&[], [1e6, 2e6])]),
                gauge("process_open_fds", "", &[(&[], [10.0, 1000.0])]),
                gauge("process_max_fds", "", &[(&[], [1024.0, 1024.0])]),
                gauge("go_goroutines", "", &[(&[], [10.0, 11.0])]),
                counter("go_gc_duration_seconds_sum", "", &[(&[], [3.0, 6.0])]),
                gauge("jvm_memory_bytes_used", "", &[(&[("area", "heap")], [10.0, 20.0])]),
                gauge("jvm_memory_bytes_max", "", &[(&[("area", "heap")], [40.0, 40.0])]),
                summary("jvm_gc_collection_seconds", &[(&[("gc", "G1")], [3.0, 6.0])]),
            ],
            found: &[
                "cpu process_cpu_seconds_total 0.50 {cpu}",
                "memory process_resident_memory_bytes 2000000.00 By",
                "memory jvm_memory_bytes_used 20.00 By of 40.00",
                "gc jvm_gc_collection_seconds 0.05 1",
                "gc go_gc_duration_seconds_sum 0.05 1",
                "threads go_goroutines 11.00 {goroutine}",
                "pool process_open_fds 1000.00 {file} of 1024.00 !",
            ],
        },
        Case {
            service: "pod",
            resource: &[("k8s.pod.name", "cart-7")],
            sent: vec![
                gauge("container.cpu.usage", "{cpu}", &[(&[], [0.5, 1.0])]),
                level("k8s.container.cpu.limit", "{cpu}", &[(&[], [4.0, 4.0])]),
                gauge("container.memory.working_set", "By", &[(&[], [1e6, 1.9e6])]),
                gauge("k8s.container.memory_limit", "By", &[(&[], [2e6, 2e6])]),
                gauge("k8s.pod.memory_limit_utilization", "1", &[(&[], [0.2, 0.3])]),
            ],
            found: &[
                "cpu container.cpu.usage 1.00 {cpu} of 4.00",
                "memory container.memory.working_set 1900000.00 By of 2000000.00 !",
                "memory k8s.pod.memory_limit_utilization 0.30 1 of 1.00",
            ],
        },
    ]
}

fn runtimes() -> Vec<Case> {
    let old_gen: Labels<'_> = &[("jvm.memory.type", "heap"), ("jvm.memory.pool.name", "G1 Old Gen")];
    let pool: Labels<'_> = &[("type", "heap"), ("pool", "G1 Old Gen")];
    vec![
        Case {
            service: "jvm",
            resource: ONE,
            sent: vec![
                level("jvm.memory.used", "By", &[(old_gen, [50.0, 95.0])]),
                level("jvm.memory.limit", "By", &[(old_gen, [100.0, 100.0])]),
                histogram("jvm.gc.duration", "s", &[(&[("jvm.gc.name", "G1")], [3.0, 6.0])]),
                level("jvm.thread.count", "{thread}", &[(&[("jvm.thread.daemon", "true")], [20.0, 21.0])]),
                gauge("jvm.cpu.recent_utilization", "1", &[(&[], [0.2, 0.25])]),
                // A fleet between two generations sends both.
                level("process.runtime.jvm.threads.count", "1", &[(&[], [20.0, 21.0])]),
            ],
            found: &[
                "cpu jvm.cpu.recent_utilization 0.25 1 of 1.00",
                "memory jvm.memory.used 95.00 By of 100.00 !",
                "gc jvm.gc.duration 0.05 1",
                "threads jvm.thread.count 21.00 {thread}",
            ],
        },
        Case {
            service: "jvm-old",
            resource: ONE,
            sent: vec![
                level("process.runtime.jvm.memory.usage", "By", &[(pool, [50.0, 60.0])]),
                level("process.runtime.jvm.memory.limit", "By", &[(pool, [100.0, 100.0])]),
                histogram("process.runtime.jvm.gc.duration", "ms", &[(&[("gc", "G1")], [3000.0, 6000.0])]),
                gauge("process.runtime.jvm.cpu.utilization", "1", &[(&[], [0.2, 0.25])]),
            ],
            found: &[
                "cpu process.runtime.jvm.cpu.utilization 0.25 1 of 1.00",
                "memory process.runtime.jvm.memory.usage 60.00 By of 100.00",
                "gc process.runtime.jvm.gc.duration 0.05 1",
            ],
        },
        Case {
            service: "dotnet",
            resource: ONE,
            sent: vec![
                counter("dotnet.process.cpu.time", "s", &[(&[("cpu.mode", "user")], [30.0, 60.0])]),
                level("dotnet.process.cpu.count", "{cpu}", &[(&[], [2.0, 2.0])]),
                counter("dotnet.gc.pause.time", "s", &[(&[], [3.0, 6.0])]),
                level("dotnet.thread_pool.queue.length", "{work_item}", &[(&[], [0.0, 7.0])]),
                counter("process.runtime.dotnet.gc.duration", "ns", &[(&[], [3e9, 6e9])]),
                level("process.runtime.dotnet.gc.heap.size", "By", &[(&[], [5.0, 6.0])]),
                level("kestrel.queued_requests", "{request}", &[(&[], [0.0, 2.0])]),
            ],
            found: &[
                "cpu dotnet.process.cpu.time 0.50 {cpu} of 2.00",
                "memory process.runtime.dotnet.gc.heap.size 6.00 By",
                "gc dotnet.gc.pause.time 0.05 1",
                "queue dotnet.thread_pool.queue.length 7.00 {work_item}",
                "queue kestrel.queued_requests 2.00 {request}",
            ],
        },
        Case {
            service: "node",
            resource: ONE,
            sent: vec![
                gauge("nodejs.eventloop.utilization", "1", &[(&[], [0.5, 0.92])]),
                gauge("nodejs.eventloop.delay.p99", "s", &[(&[], [0.01, 0.02])]),
                level(
                    "v8js.memory.heap.used",
                    "By",
                    &[(&[("v8js.heap.space.name", "new_space")], [5.0, 6.0])],
                ),
                histogram("v8js.gc.duration", "s", &[(&[("v8js.gc.type", "minor")], [3.0, 6.0])]),
            ],
            found: &[
                "memory v8js.memory.heap.used 6.00 By",
                "gc v8js.gc.duration 0.05 1",
                "event_loop nodejs.eventloop.utilization 0.92 1 of 1.00 !",
                "event_loop nodejs.eventloop.delay.p99 0.02 s",
            ],
        },
        Case {
            service: "go",
            resource: ONE,
            sent: vec![
                level(
                    "go.memory.used",
                    "By",
                    &[
                        (&[("go.memory.type", "stack")], [1.0, 2.0]),
                        (&[("go.memory.type", "other")], [3.0, 4.0]),
                    ],
                ),
                level("go.memory.limit", "By", &[(&[], [12.0, 12.0])]),
                level("go.goroutine.count", "{goroutine}", &[(&[], [9.0, 8.0])]),
                histogram("go.schedule.duration", "s", &[(&[], [1.0, 2.0])]),
                counter("process.runtime.go.gc.pause_total_ns", "", &[(&[], [3e9, 6e9])]),
            ],
            found: &[
                "cpu go.schedule.duration 0.10 s",
                "memory go.memory.used 6.00 By of 12.00",
                "gc process.runtime.go.gc.pause_total_ns 0.05 1",
                "threads go.goroutine.count 8.00 {goroutine}",
            ],
        },
        Case {
            service: "python",
            resource: ONE,
            sent: vec![
                level(
                    "process.runtime.cpython.memory",
                    "By",
                    &[(&[("type", "rss")], [1.0, 2.0]), (&[("type", "vms")], [30.0, 40.0])],
                ),
                counter(
                    "cpython.gc.collections",
                    "{collection}",
                    &[(&[("cpython.gc.generation", "0")], [60.0, 120.0])],
                ),
                gauge("system.cpu.utilization", "1", &[(&[("cpu", "0"), ("state", "idle")], [0.5, 0.75])]),
            ],
            found: &[
                "cpu system.cpu.utilization 0.25 1 of 1.00",
                "memory process.runtime.cpython.memory 2.00 By",
                "gc cpython.gc.collections 1.00 1/s",
            ],
        },
    ]
}

fn pools_and_queues() -> Vec<Case> {
    let pool: Labels<'_> = &[("db.client.connection.pool.name", "main")];
    vec![
        Case {
            service: "pools",
            resource: ONE,
            sent: vec![
                level(
                    "db.client.connection.count",
                    "{connection}",
                    &[
                        (
                            &[
                                ("db.client.connection.pool.name", "main"),
                                ("db.client.connection.state", "used"),
                            ],
                            [5.0, 9.0],
                        ),
                        (
                            &[
                                ("db.client.connection.pool.name", "main"),
                                ("db.client.connection.state", "idle"),
                            ],
                            [5.0, 1.0],
                        ),
                    ],
                ),
                level("db.client.connection.max", "{connection}", &[(pool, [10.0, 10.0])]),
                level("db.client.connection.pending_requests", "{request}", &[(pool, [0.0, 3.0])]),
                histogram("db.client.connection.wait_time", "s", &[(pool, [1.0, 3.0])]),
            ],
            found: &[
                "pool db.client.connection.count 9.00 {connection} of 10.00 !",
                "pool db.client.connection.pending_requests 3.00 {request}",
                "pool db.client.connection.wait_time 0.20 s",
            ],
        },
        Case {
            service: "pools-old",
            resource: ONE,
            sent: vec![
                level(
                    "db.client.connections.usage",
                    "{connections}",
                    &[(&[("pool.name", "p"), ("state", "used")], [1.0, 2.0])],
                ),
                level("db.client.connections.max", "{connections}", &[(&[("pool.name", "p")], [8.0, 8.0])]),
                gauge("hikaricp_connections_active", "", &[(&[("pool", "p")], [1.0, 2.0])]),
                gauge("hikaricp_connections_max", "", &[(&[("pool", "p")], [8.0, 8.0])]),
                histogram(
                    "hikaricp.connections.acquire",
                    "milliseconds",
                    &[(&[("pool", "p")], [1000.0, 3000.0])],
                ),
            ],
            found: &[
                "pool db.client.connections.usage 2.00 {connection} of 8.00",
                "pool hikaricp.connections.acquire 0.20 s",
                "pool hikaricp_connections_active 2.00 {connection} of 8.00",
            ],
        },
        Case {
            service: "queues",
            resource: ONE,
            sent: vec![
                gauge("rabbitmq_queue_messages", "", &[(&[("queue", "mail")], [1.0, 2.0])]),
                gauge(
                    "kafka.consumer_group.lag",
                    "1",
                    &[
                        (&[("group", "g"), ("topic", "t"), ("partition", "0")], [1.0, 2.0]),
                        (&[("group", "g"), ("topic", "t"), ("partition", "1")], [1.0, 3.0]),
                    ],
                ),
                gauge(
                    "kafka.consumer_group.lag_sum",
                    "1",
                    &[(&[("group", "g"), ("topic", "t")], [2.0, 5.0])],
                ),
                gauge(
                    "kafka.consumer.records_lag_max",
                    "",
                    &[
                        (&[("client-id", "c"), ("topic", "t")], [1.0, 4.0]),
                        (&[("client-id", "c")], [0.0, 1.0]),
                    ],
                ),
            ],
            found: &[
                "queue rabbitmq_queue_messages 2.00 {message}",
                "lag kafka.consumer_group.lag 5.00 {message}",
                "lag kafka.consumer.records_lag_max 4.00 {record}",
            ],
        },
    ]
}

/// Scenario: services of every family send their resource metrics, old names and new ones, beside metrics of others.
/// Guarantees: each service has its own, by kind, in the table's units, with bounds and marks where there are such.
#[tokio::test]
async fn each_family_is_recognised() {
    let server = Server::open_empty(|_| ()).await;
    let cases: Vec<Case> = [processes(), runtimes(), pools_and_queues()].into_iter().flatten().collect();
    for case in &cases {
        let request = request(case.service, case.resource, &case.sent);
        store(server.api.engine().expect("open"), Signal::Metrics, &request).await;
    }
    for case in &cases {
        let answer = read(&server, case.service).await;
        let lines: Vec<String> = answer.metrics.iter().map(line).collect();
        assert_eq!(lines, case.found, "{}", case.service);
        assert!(answer.recognised.is_empty() && !answer.truncated, "{}", case.service);
        assert_eq!(answer.step_s, 60);
        let rows = server.sql(&answer.sql, "text/csv").await;
        assert_eq!(rows.status, 200, "{}: {}", answer.sql, rows.text());
    }
    let pod = read(&server, "pod").await;
    assert_eq!(pod.metrics[0].series[0].instance, "cart-7");
    assert_eq!(pod.metrics[0].limit_name.as_deref(), Some("k8s.container.cpu.limit"));
}

/// Scenario: two instances of a service; one service that sends nothing; a parameter that does not exist.
/// Guarantees: lines are told apart by instance, points are those of the steps, the empty answer says which metrics
/// would be shown, and the parameter is refused.
#[tokio::test]
async fn lines_points_and_nothing() {
    let server = Server::open_empty(|_| ()).await;
    for (instance, value) in [("a", 1.0), ("b", 5.0)] {
        let sent = [level("process.memory.usage", "By", &[(&[], [value, value + 1.0])])];
        let request = request("cart", &[("service.instance.id", instance)], &sent);
        store(server.api.engine().expect("open"), Signal::Metrics, &request).await;
    }
    let answer = read(&server, "cart").await;
    let [metric] = answer.metrics.as_slice() else { panic!("{answer:?}") };
    assert_eq!((metric.title.as_str(), metric.reading.as_str()), ("Memory of the process", "value"));
    assert_eq!((metric.marked_from, metric.more_is_worse, metric.truncated), (None, true, false));
    let lines = metric.series.iter().map(|series| {
        let labels = series.labels.iter().map(|label| (label.key.as_str(), label.value.as_str()));
        let points = series.points.iter().map(|point| (point.at.0 - AT, point.value));
        (labels.collect::<Vec<_>>(), points.collect::<Vec<_>>())
    });
    let line = |instance: &'static str, first: f64| {
        (vec![("service.instance.id", instance)], vec![(-MINUTE_NS, first), (0, first + 1.0)])
    };
    assert_eq!(lines.collect::<Vec<_>>(), [line("b", 5.0), line("a", 1.0)]);

    let nothing = read(&server, "elsewhere").await;
    assert!(nothing.metrics.is_empty());
    let kinds: Vec<&str> = nothing.recognised.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds, ["cpu", "memory", "gc", "threads", "event_loop", "in_flight", "pool", "queue", "lag"]);
    assert!(nothing.recognised[0].names.iter().any(|name| name == "process.cpu.time"));
    let rows = server.sql(&nothing.sql, "text/csv").await;
    assert_eq!(rows.status, 200, "{}: {}", nothing.sql, rows.text());
    let refused = server.get("/api/v1/services/cart/saturation?instance=a").await;
    assert_eq!(refused.failure().0, 400);
}
