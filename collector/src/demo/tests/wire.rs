//! What the demo looks like to a receiver: ids, kinds, attributes of both generations, logs and metrics.

use super::super::faults::FaultChoice;
use super::super::otlp::{self, Request};
use super::super::report::Report;
use super::super::send::Tally;
use super::super::span::{Activity, DemoSpan};
use super::{SECOND_NS, START_NS, args, live, script};
use expect_test::expect;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric, metric::Data};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, span::SpanKind};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Scenario: requests of a live tick and of a history step.
/// Guarantees: each request holds one service and at most 512 items, and says how many.
#[test]
fn requests_are_bounded_and_of_one_service() {
    let batch = live(2, FaultChoice::Script, 60.0, 60, 10 * SECOND_NS);
    let mut n_spans = 0;
    for request in otlp::requests(&batch) {
        if let Request::Traces(body, n_items) = request {
            let services: BTreeSet<_> =
                body.resource_spans.iter().map(|one| resource(one, "service.name")).collect();
            let counted: usize = body.resource_spans.iter().map(|one| one.scope_spans[0].spans.len()).sum();
            assert_eq!((services.len(), counted), (1, n_items));
            assert!(n_items <= 512);
            n_spans += n_items;
        }
    }
    assert_eq!(n_spans, batch.spans.len());
}

/// Scenario: one visit each of the kinds of spans there are.
/// Guarantees: kinds, names, flags and keys are those of the conventions, old ones for catalog alone.
#[test]
fn spans_follow_the_conventions() {
    let batch = live(2, FaultChoice::None, 20.0, 60, 10 * SECOND_NS);
    let show = |wanted: &dyn Fn(&DemoSpan) -> bool| {
        let found = otlp::span(batch.spans.iter().find(|span| wanted(span)).unwrap());
        let keys: Vec<_> = found.attributes.iter().map(|one| one.key.as_str()).collect();
        format!("{:?} {} {:#x}: {}\n", found.kind(), found.name, found.flags, keys.join(" "))
    };
    let of = |name: &'static str| move |span: &DemoSpan| span.instance.service.name == name;
    let served = |span: &DemoSpan| matches!(span.activity, Activity::Serve(_));
    let mut text = show(&|span| span.parent.is_none());
    text += &show(&|span| of("pricing")(span) && served(span));
    text += &show(&|span| of("catalog")(span) && served(span));
    text += &show(&|span| of("catalog")(span) && matches!(span.activity, Activity::Query(_)));
    text += &show(&|span| of("order-service")(span) && matches!(span.activity, Activity::Query(_)));
    text += &show(&|span| of("checkout")(span) && matches!(span.activity, Activity::Call(_)));
    text += &show(&|span| matches!(span.activity, Activity::Publish(_)));
    text += &show(&|span| of("email-worker")(span) && matches!(span.activity, Activity::Consume(..)));
    text += &show(&|span| of("payment-api")(span) && matches!(span.activity, Activity::Request(_)));
    expect![[r#"
        Server GET /products/{id} 0x101: http.request.method http.route url.scheme url.path http.response.status_code network.protocol.version server.address server.port client.address user_agent.original shop.tenant.tier shop.region shop.cart.n_items shop.feature.fast_lane
        Server shop.pricing.v1.Pricing/Quote 0x301: rpc.system.name rpc.method rpc.response.status_code shop.tenant.tier shop.region shop.cart.n_items shop.feature.fast_lane
        Server GET /api/products/{id} 0x301: http.method http.route http.scheme http.target http.status_code http.flavor net.host.name net.host.port shop.tenant.tier shop.region shop.cart.n_items shop.feature.fast_lane
        Client SELECT products 0x101: db.system db.name db.operation db.sql.table db.statement net.peer.name net.peer.port
        Client SELECT orders 0x101: db.system.name db.namespace db.operation.name db.collection.name db.query.text server.address server.port
        Client GET 0x101: http.request.method url.full http.response.status_code network.protocol.version server.address server.port
        Producer send order.created 0x101: messaging.system messaging.destination.name messaging.operation.name messaging.operation.type messaging.destination.partition.id messaging.kafka.offset server.address
        Consumer process order.created 0x301: messaging.system messaging.destination.name messaging.operation.name messaging.operation.type messaging.consumer.group.name messaging.destination.partition.id messaging.kafka.offset shop.tenant.tier shop.region shop.cart.n_items shop.feature.fast_lane
        Client POST 0x101: http.request.method url.full server.address server.port http.response.status_code network.protocol.version shop.tenant.tier shop.region shop.cart.n_items shop.feature.fast_lane
    "#]].assert_eq(&text);
}

/// Scenario: consumers of a message.
/// Guarantees: each has its producer as parent and as link.
#[test]
fn consumers_link_to_their_producer() {
    let batch = live(2, FaultChoice::None, 20.0, 60, 10 * SECOND_NS);
    let spans: Vec<_> = batch.spans.iter().map(otlp::span).collect();
    let producers: HashSet<_> =
        spans.iter().filter(|span| span.kind() == SpanKind::Producer).map(|span| &span.span_id).collect();
    let consumers: Vec<_> = spans.iter().filter(|span| span.kind() == SpanKind::Consumer).collect();
    assert!(consumers.len() > 50);
    for consumer in consumers {
        assert_eq!(consumer.links.len(), 1);
        assert_eq!(consumer.links[0].span_id, consumer.parent_span_id);
        assert!(producers.contains(&consumer.parent_span_id));
    }
}

/// Scenario: traces with failures from all faults.
/// Guarantees: the exception is recorded at the deepest failing span and nowhere above, every failing span
/// has a status with a message, and each failing trace says where it began.
#[test]
fn exceptions_stand_where_failures_begin() {
    let batch = live(2, FaultChoice::Script, 40.0, 900, 10 * SECOND_NS);
    let failed: Vec<Span> = batch
        .spans
        .iter()
        .filter(|span| span.is_error())
        .map(otlp::span)
        .filter(|span| !is_refusal(span))
        .collect();
    let parents: HashSet<_> = failed.iter().map(|span| &span.parent_span_id).collect();
    assert!(failed.len() > 1_000);
    for span in &failed {
        let has_failing_child = parents.contains(&span.span_id);
        assert_eq!(span.events.is_empty(), has_failing_child, "{span:?}");
        assert!(!span.status.as_ref().unwrap().message.is_empty());
    }
}

/// A 4xx answer, seen by its client: nobody threw anything.
fn is_refusal(span: &Span) -> bool {
    let refusals = ["402", "404", "409"];
    span.attributes.iter().any(|one| one.key == "error.type" && refusals.contains(&string(one).as_str()))
}

/// Scenario: the release of order-service and its withdrawal.
/// Guarantees: two of three instances change version and pod together, and say so in their logs.
#[test]
fn a_release_shows_in_resources_and_logs() {
    let batch = live(2, FaultChoice::SlowQuery, 40.0, 420, 10 * SECOND_NS);
    let mut pods: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for request in otlp::requests(&batch) {
        let Request::Traces(body, _) = request else { continue };
        for one in body.resource_spans.iter().filter(|one| resource(one, "service.name") == "order-service") {
            pods.entry(resource(one, "service.version")).or_default().insert(resource(one, "k8s.pod.name"));
        }
    }
    let n_pods: Vec<_> = pods.iter().map(|(version, pods)| (version.as_str(), pods.len())).collect();
    assert_eq!(n_pods, [("4.17.2", 5), ("4.18.0", 2)]);
    let started: Vec<_> = batch.logs.iter().filter(|log| log.record.trace_id.is_empty()).collect();
    assert_eq!(started.len(), 4);
}

/// Scenario: fifteen minutes of logs.
/// Guarantees: all but start-up lines belong to a span of the same instance, all severities occur, and some
/// bodies are structured.
#[test]
fn logs_belong_to_spans() {
    let batch = live(2, FaultChoice::Script, 20.0, 900, 10 * SECOND_NS);
    let spans: BTreeMap<_, _> = batch.spans.iter().map(|span| (span.span_id.to_vec(), span)).collect();
    let mut severities = BTreeSet::new();
    let mut n_structured = 0;
    for log in batch.logs.iter().filter(|log| !log.record.span_id.is_empty()) {
        let span = spans[&log.record.span_id];
        assert_eq!(log.record.trace_id, span.trace_id);
        assert_eq!(log.instance.key(), span.instance.key());
        let written_ns = log.record.time_unix_nano as i64;
        assert!((span.start_ns..=span.end_ns).contains(&written_ns));
        severities.insert(log.record.severity_text.clone());
        let body = log.record.body.as_ref().and_then(|body| body.value.as_ref());
        n_structured += usize::from(matches!(body, Some(any_value::Value::KvlistValue(_))));
    }
    assert_eq!(severities.into_iter().collect::<Vec<_>>(), ["DEBUG", "ERROR", "INFO", "WARN"]);
    assert!(n_structured > 500);
}

/// Scenario: five minutes of metrics.
/// Guarantees: cumulative histograms end at the number of requests served, delta histograms add up to the
/// number of queries, exemplars point at spans, and each metric has its unit, type and temporality.
#[test]
fn metrics_agree_with_spans() {
    let batch = live(2, FaultChoice::None, 20.0, 300, SECOND_NS);
    let is_served = |span: &&DemoSpan| matches!(span.activity, Activity::Serve(_));
    let n_served = batch.spans.iter().filter(is_served).count() as u64;
    let n_queries =
        batch.spans.iter().filter(|span| matches!(span.activity, Activity::Query(_))).count() as u64;
    let ids: HashSet<_> = batch.spans.iter().map(|span| span.span_id.to_vec()).collect();
    let end = (START_NS + 300 * SECOND_NS) as u64;
    let (mut last, mut all) = (0, 0);
    let mut kinds = BTreeSet::new();
    for metric in batch.metrics.iter().flat_map(|one| &one.metrics) {
        kinds.insert(format!("{} [{}] {}", metric.name, metric.unit, shape(metric)));
        match &metric.data {
            Some(Data::Histogram(histogram)) => {
                for point in &histogram.data_points {
                    assert_eq!(point.count, point.bucket_counts.iter().sum::<u64>());
                    assert!(point.exemplars.iter().all(|one| ids.contains(&one.span_id)));
                    last += if point.time_unix_nano == end { point.count } else { 0 };
                }
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                for point in &histogram.data_points {
                    let counts = &point.positive.as_ref().unwrap().bucket_counts;
                    assert_eq!(point.count, counts.iter().sum::<u64>() + point.zero_count);
                    all += point.count;
                }
            }
            _ => {}
        }
    }
    assert_eq!((last, all), (n_served, n_queries));
    expect![[r#"
        db.client.connection.count [{connection}] sum Cumulative monotonic=false
        db.client.connection.max [{connection}] sum Cumulative monotonic=false
        db.client.connection.pending_requests [{request}] sum Cumulative monotonic=false
        db.client.operation.duration [s] exponential histogram Delta
        http.server.duration [ms] histogram Cumulative
        http.server.request.duration [s] histogram Cumulative
        kafka.consumer_group.lag [{message}] gauge
        rpc.server.call.duration [s] histogram Cumulative
        shop.db.pool.usage [1] gauge
        shop.orders.placed [{order}] sum Cumulative monotonic=true
    "#]]
    .assert_eq(&kinds.into_iter().map(|kind| kind + "\n").collect::<String>());
}

fn shape(metric: &Metric) -> String {
    match metric.data.as_ref().unwrap() {
        Data::Gauge(_) => "gauge".to_owned(),
        Data::Sum(sum) => format!("sum {:?} monotonic={}", sum.aggregation_temporality(), sum.is_monotonic),
        Data::Histogram(one) => format!("histogram {:?}", one.aggregation_temporality()),
        Data::ExponentialHistogram(one) => {
            assert_eq!(one.aggregation_temporality(), AggregationTemporality::Delta);
            "exponential histogram Delta".to_owned()
        }
        Data::Summary(_) => "summary".to_owned(),
    }
}

/// Scenario: a run with the whole script that is stopped during the third fault.
/// Guarantees: the text announces each begin and end once, and the file holds every fault with its truth, the
/// last one cut at the stop.
#[tokio::test]
async fn the_truth_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.json");
    let mut out = Vec::new();
    let args = args(&format!("--truth-file {}", path.display())).unwrap();
    let mut report = Report::new(&mut out, script(FaultChoice::Script), &args);
    for second in (0..800).step_by(7) {
        report.mark(START_NS + second * SECOND_NS).await.unwrap();
    }
    report
        .close(&Tally { n_spans: 5, n_dropped: 2, ..Tally::default() }, 1, START_NS + 800 * SECOND_NS)
        .await
        .unwrap();
    expect![[r#"
        demo: 2026-09-21T14:15:20Z FAULT begins: slow-query (latency) until 2026-09-21T14:18:20Z
              root cause: order-service POST /orders, edge order-service -> orders-db, resource attribute service.version = 4.18.0
              release 4.18.0 of order-service, on two of three instances, looks up open orders without an index and holds row locks meanwhile
        demo: 2026-09-21T14:18:20Z FAULT ends: slow-query
        demo: 2026-09-21T14:20:20Z FAULT begins: failing-dependency (errors) until 2026-09-21T14:23:20Z
              root cause: payment-api POST /charges, edge payment-api -> api.acquirer.example, span attribute shop.tenant.tier = enterprise
              the external payment provider answers 503 to charges of enterprise tenants
        demo: 2026-09-21T14:23:20Z FAULT ends: failing-dependency
        demo: 2026-09-21T14:25:20Z FAULT begins: retry-storm (errors) until 2026-09-21T14:28:20Z
              root cause: inventory POST /reservations, edge checkout -> inventory, span attribute http.request.resend_count is set
              inventory sheds reservations with 503 and checkout repeats each up to three times, which multiplies the load on inventory and slows it further
        demo: done: 1 traces, 5 spans, 0 logs, 0 points, 2 dropped
    "#]].assert_eq(&String::from_utf8(out).unwrap());
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let expected = json!({
        "name": "slow-query",
        "kind": "latency",
        "started_at": "2026-09-21T14:15:20Z",
        "ended_at": "2026-09-21T14:18:20Z",
        "started_at_unix_ms": 1_790_000_120_000_i64,
        "ended_at_unix_ms": 1_790_000_300_000_i64,
        "root_cause": { "service": "order-service", "operation": "POST /orders" },
        "edge": { "caller": "order-service", "callee": "orders-db" },
        "attribute": { "scope": "resource", "key": "service.version", "value": "4.18.0" },
        "description": truth["faults"][0]["description"],
    });
    assert_eq!(truth["faults"][0], expected);
    let ends = ["2026-09-21T14:18:20Z", "2026-09-21T14:23:20Z", "2026-09-21T14:26:40Z"];
    let found: Vec<_> = truth["faults"].as_array().unwrap().iter().map(|fault| &fault["ended_at"]).collect();
    assert_eq!(found, ends);
    assert_eq!(
        (&truth["format_version"], &truth["seed"], &truth["rate_per_s"]),
        (&json!(1), &json!(1), &json!(20.0))
    );
    assert_eq!((&truth["started_at"], &truth["ended_at"]), (&json!("2026-09-21T14:13:20Z"), &json!(ends[2])));
}

fn resource(one: &ResourceSpans, key: &str) -> String {
    let attributes = &one.resource.as_ref().unwrap().attributes;
    attributes.iter().find(|one| one.key == key).map(string).unwrap()
}

fn string(attribute: &KeyValue) -> String {
    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        other => panic!("{other:?}"),
    }
}
