//! Tests of what is asked of the read models: groups, graph, heatmap.

use super::*;

const HOUR_MS: i64 = 3_600_000;

/// A span by its number and that of its parent, or 0 for none; its kind in OTLP; start and end in milliseconds
/// from `AT`.
fn span(id: u64, parent: u64, kind: i32, (start, end): (i64, i64), attributes: &[(&str, &str)]) -> Value {
    let attribute = |(key, value): &(&str, &str)| json!({"key": key, "value": {"stringValue": value}});
    json!({
        "traceId": TRACE, "spanId": format!("{id:016x}"), "name": format!("op {kind}"), "kind": kind,
        "parentSpanId": if parent == 0 { String::new() } else { format!("{parent:016x}") },
        "startTimeUnixNano": (AT + start * MILLI_NS).to_string(), "endTimeUnixNano": (AT + end * MILLI_NS).to_string(),
        "attributes": attributes.iter().map(attribute).collect::<Vec<_>>(),
    })
}

fn failed(mut span: Value) -> Value {
    span["status"] = json!({"code": 2});
    span
}

fn of_service(service: &str, version: &str, spans: Vec<Value>) -> Value {
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let attributes = [attribute("service.name", service), attribute("service.version", version)];
    json!({"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": spans}]}]})
}

async fn with(requests: &[Value]) -> Server {
    let server = Server::open_empty(|_| ()).await;
    for request in requests {
        store(server.api.engine().expect("open"), Signal::Traces, request).await;
    }
    server
}

/// Two requests of `cart` now, one of them failed, and three an hour ago, in another version; `mail` was there an hour
/// ago only.
async fn with_two_windows() -> Server {
    let then = |id: u64| span(id, 0, 2, (-HOUR_MS, 200 - HOUR_MS), &[]);
    with(&[
        of_service("cart", "2", vec![span(1, 0, 2, (0, 100), &[]), failed(span(2, 0, 2, (0, 300), &[]))]),
        of_service("cart", "1", vec![then(3), then(4), then(5), span(6, 3, 3, (-HOUR_MS, 1 - HOUR_MS), &[])]),
        of_service("mail", "1", vec![then(7)]),
    ])
    .await
}

const NOW: &str = "from=2026-01-31T11:50:00Z&to=2026-01-31T12:10:00Z";

/// Scenario: two windows an hour apart, compared by service; one window by version and kind, of all spans.
/// Guarantees: both windows' figures stand side by side, what is gone is listed with nothing now, groups are those
/// asked for in the order asked for, and every step has its point.
#[tokio::test]
async fn groups_stand_beside_an_earlier_window() {
    let server = with_two_windows().await;
    let answer: wire::RedAnswer = server.read(&format!("/api/v1/red?{NOW}&by=service&compare=1h")).await;
    let window = answer.before.expect("asked for");
    assert_eq!(
        (answer.from.0 - window.from.0, answer.to.0 - window.to.0),
        (HOUR_MS * MILLI_NS, HOUR_MS * MILLI_NS)
    );
    let [cart, mail] = answer.groups.as_slice() else { panic!("{answer:?}") };
    assert_eq!((&cart.key, &mail.key), (&vec!["cart".to_owned()], &vec!["mail".to_owned()]));
    let before = cart.before.as_ref().expect("asked for");
    assert_eq!((cart.red.n_requests, cart.red.n_errors, cart.red.error_ratio), (2, 1, Some(0.5)));
    assert_eq!((before.n_requests, before.n_errors, before.error_ratio), (3, 0, Some(0.0)));
    assert_eq!((cart.red.mean_ns, before.mean_ns), (Some(200 * MILLI_NS), Some(200 * MILLI_NS)));
    for (quantile, wanted) in [(cart.red.p50_ns, 100), (cart.red.p90_ns, 300), (cart.red.p999_ns, 300)] {
        let off = (quantile.expect("measured") - wanted * MILLI_NS).abs();
        assert!(off * 100 <= wanted * MILLI_NS, "{quantile:?} is not {wanted} ms");
    }
    assert!((cart.red.rate_per_s * 1_200.0 - 2.0).abs() < 1e-9 && cart.red.estimate.is_none());
    assert_eq!(cart.points.len() as u32, 20 * 60 / answer.step_s);
    assert_eq!(cart.points.iter().map(|point| point.n_requests).sum::<u64>(), 2);
    assert_eq!((mail.red.n_requests, mail.before.as_ref().map(|before| before.n_requests)), (0, Some(1)));
    assert_eq!((answer.n_groups, answer.truncated), (2, false));

    let long = "from=2026-01-31T10:30:00Z&to=2026-01-31T12:10:00Z";
    let answer: wire::RedAnswer =
        server.read(&format!("/api/v1/red?{long}&service=cart&by=version,kind&spans=all&step=10m")).await;
    let keys: Vec<_> =
        answer.groups.iter().map(|group| (group.key.join(" "), group.red.n_requests)).collect();
    let key = |key: &str, n: u64| (key.to_owned(), n);
    assert_eq!(keys, [key("1 server", 3), key("2 server", 2), key("1 client", 1)]);
    assert_eq!(
        (answer.step_s, answer.by, answer.before),
        (600, vec!["version".to_owned(), "kind".to_owned()], None)
    );
    let filtered = format!("/api/v1/red?{long}&version=1&operation=op%202&kind=server&limit=1");
    let answer: wire::RedAnswer = server.read(&filtered).await;
    assert_eq!((answer.groups[0].key[0].as_str(), answer.groups[0].red.n_requests), ("cart", 3));
    assert_eq!((answer.groups.len(), answer.n_groups, answer.truncated), (1, 2, true));
}

/// Scenario: spans that were sampled at one in four, beside one that was not.
/// Guarantees: counts stay exact, the estimate is told apart, and rates are of the estimate.
#[tokio::test]
async fn estimates_are_told_apart() {
    let mut sampled = failed(span(1, 0, 2, (0, 100), &[]));
    sampled["traceState"] = json!("ot=th:c");
    let server = with(&[of_service("cart", "1", vec![sampled, span(2, 0, 2, (0, 100), &[])])]).await;
    let answer: wire::RedAnswer = server.read(&format!("/api/v1/red?{NOW}")).await;
    let red = &answer.groups[0].red;
    assert_eq!((red.n_requests, red.n_errors), (2, 1));
    assert_eq!(red.estimate, Some(wire::Estimate { n_requests: 5.0, n_errors: 4.0 }));
    assert_eq!(red.error_ratio, Some(0.8));
    assert!((red.rate_per_s * 1_200.0 - 5.0).abs() < 1e-9, "{}", red.rate_per_s);
}

/// Scenario: a failed request that stands for sixteen beside one that stands for itself; a service that failed three
/// requests, all of them stored; a list of all services, of the worst one, and the page of the sampled one.
/// Guarantees: rates and shares of errors are those of what spans stand for, marked as estimates, in every row and
/// point; the worst one is found by them; counts stay exact.
#[tokio::test]
async fn services_count_what_spans_stand_for() {
    let mut sampled = failed(span(1, 0, 2, (0, 100), &[]));
    sampled["traceState"] = json!("ot=th:f");
    let three = [3, 4, 5].map(|id| failed(span(id, 0, 2, (0, 100), &[]))).to_vec();
    let server = with(&[
        of_service("cart", "1", vec![sampled, span(2, 0, 2, (0, 100), &[])]),
        of_service("mail", "1", three),
    ])
    .await;
    let estimate = Some(wire::Estimate { n_requests: 17.0, n_errors: 16.0 });
    let check = |red: &wire::Figures| {
        assert_eq!((red.n_requests, red.n_errors, red.estimate), (2, 1, estimate));
        assert_eq!(red.error_ratio, Some(16.0 / 17.0));
        assert!((red.rate_per_s * 1_200.0 - 17.0).abs() < 1e-9, "{}", red.rate_per_s);
    };
    let list: wire::ServiceList = server.read(&format!("/api/v1/services?{NOW}")).await;
    let [cart, mail] = list.services.as_slice() else { panic!("{list:?}") };
    check(&cart.red);
    assert_eq!((mail.red.n_requests, mail.red.estimate), (3, None));
    let told =
        |points: &[wire::RedPoint]| points.iter().filter_map(|point| point.estimate).collect::<Vec<_>>();
    assert_eq!((told(&cart.points), told(&mail.points)), (Vec::from_iter(estimate), Vec::new()));
    let worst: wire::ServiceList = server.read(&format!("/api/v1/services?{NOW}&limit=1")).await;
    assert_eq!(worst.services[0].service, "cart");
    let detail: wire::ServiceDetail = server.read(&format!("/api/v1/services/cart?{NOW}")).await;
    check(&detail.red);
    check(&detail.operations[0].red);
    check(&detail.versions[0].red);
    check(detail.instances[0].red.as_ref().expect("requests"));
    assert_eq!(told(&detail.points), Vec::from_iter(estimate));
}

/// Scenario: only hours are still kept of a request; a range of twenty seconds around it.
/// Guarantees: the list of services, and the page of one with its operations, versions and instances, say that wider
/// buckets stand in, and divide by the time that was counted.
#[tokio::test]
async fn services_say_that_hours_stand_in() {
    let server = Server::open().await;
    let range = "from=2026-01-31T11:59:50Z&to=2026-01-31T12:00:10Z";
    let read = async || -> (wire::ServiceList, wire::ServiceDetail) {
        let list = server.read(&format!("/api/v1/services?{range}")).await;
        (list, server.read(&format!("/api/v1/services/cart?{range}")).await)
    };
    let per_second = |list: &wire::ServiceList, detail: &wire::ServiceDetail| {
        let instance = detail.instances[0].red.clone().expect("requests");
        let (operation, version) = (detail.operations[0].red.clone(), detail.versions[0].red.clone());
        let all = [list.services[0].red.clone(), detail.red.clone(), operation, version, instance];
        all.map(|red| red.rate_per_s)
    };
    let (list, detail) = read().await;
    assert_eq!((list.is_coarser, detail.is_coarser), (false, false));
    assert_eq!(per_second(&list, &detail), [1.0 / 20.0; 5]);
    let engine = server.api.engine().expect("open");
    engine.flush().await.expect("flushes");
    engine.tick(AT + 41 * 24 * HOUR_MS * MILLI_NS).await.expect("expires");
    let (list, detail) = read().await;
    assert_eq!((list.is_coarser, detail.is_coarser), (true, true));
    assert_eq!(per_second(&list, &detail), [1.0 / 7_200.0; 5]);
}

/// Scenario: the statements shown beside both windows are run.
/// Guarantees: they give the numbers that were shown.
#[tokio::test]
async fn shown_statements_give_both_windows() {
    let server = with_two_windows().await;
    let answer: wire::RedAnswer = server.read(&format!("/api/v1/red?{NOW}&service=cart&compare=1h")).await;
    let before = answer.groups[0].before.clone().expect("asked for");
    for (sql, red) in [(Some(answer.sql), &answer.groups[0].red), (answer.before_sql, &before)] {
        let told = server.sql(&sql.expect("a statement"), "application/json").await;
        let told: wire::SqlAnswer = serde_json::from_slice(&told.body).expect("JSON");
        let place = |name: &str| told.columns.iter().position(|column| column.name == name).expect(name);
        assert_eq!(told.rows.len(), 1);
        assert_eq!(told.rows[0][place("n")], json!(red.n_requests));
        assert_eq!(told.rows[0][place("n_errors")], json!(red.n_errors));
    }
}

/// Scenario: a browser's call, answered by a shop that asks a database; and a service that nobody calls.
fn calls() -> [Value; 3] {
    let database = [("db.system.name", "postgresql"), ("db.namespace", "orders"), ("server.address", "db")];
    let shop = vec![span(3, 2, 2, (30, 70), &[]), span(4, 3, 3, (40, 50), &database)];
    [
        of_service("web", "1", vec![span(1, 0, 2, (0, 100), &[]), failed(span(2, 1, 3, (10, 90), &[]))]),
        of_service("shop", "1", shop),
        of_service("alone", "1", vec![span(9, 0, 2, (0, 1), &[])]),
    ]
}

fn ids(graph: &wire::Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.id.as_str()).collect()
}

/// Scenario: the whole graph, the neighbourhoods of services at several depths, and one that leaves nodes out.
/// Guarantees: one node for each peer with what it served, edges with both sides' figures and the time between them,
/// always in the same order; what is left out is told.
#[tokio::test]
async fn the_graph_has_a_node_for_each_peer() {
    let server = with(&calls()).await;
    let graph: wire::Graph = server.read(&format!("/api/v1/graph?{NOW}")).await;
    let all = ["database/postgresql/orders/db", "service/alone", "service/shop", "service/web"];
    assert_eq!(ids(&graph), all);
    assert_eq!((graph.n_nodes, graph.truncated), (4, false));
    let database = &graph.nodes[0];
    assert_eq!((database.name.as_str(), database.detail.as_str()), ("postgresql", "orders"));
    assert_eq!((database.address.as_str(), database.is_instrumented), ("db", false));
    assert!(graph.nodes[1..].iter().all(|node| node.is_instrumented && node.red.n_requests == 1));
    let [query, call] = graph.edges.as_slice() else { panic!("{graph:?}") };
    assert_eq!(
        (query.caller.as_str(), query.callee.as_str()),
        ("service/shop", "database/postgresql/orders/db")
    );
    assert_eq!((query.red.n_requests, &query.callee_red, query.gap), (1, &None, None));
    assert_eq!((call.caller.as_str(), call.callee.as_str()), ("service/web", "service/shop"));
    assert_eq!((call.red.n_requests, call.red.n_errors, call.red.mean_ns), (1, 1, Some(80 * MILLI_NS)));
    let callee = call.callee_red.as_ref().expect("both sides are stored");
    assert_eq!((callee.n_requests, callee.n_errors, callee.mean_ns), (1, 0, Some(40 * MILLI_NS)));
    let gap = call.gap.expect("both sides are stored");
    assert_eq!((gap.n, gap.mean_ns), (1, Some(40 * MILLI_NS)));
    assert_eq!(call.errors.iter().map(|error| error.n).sum::<u64>(), 1);

    let near: wire::Graph = server.read(&format!("/api/v1/graph?{NOW}&service=web&depth=1")).await;
    assert_eq!(ids(&near), ["service/shop", "service/web"]);
    assert_eq!(near.nodes.iter().map(|node| node.distance).collect::<Vec<_>>(), [Some(1), Some(0)]);
    let far: wire::Graph = server.read(&format!("/api/v1/graph?{NOW}&service=web&depth=2")).await;
    assert_eq!((ids(&far), &far.edges), (vec![all[0], all[2], all[3]], &graph.edges));
    let cut: wire::Graph = server.read(&format!("/api/v1/graph?{NOW}&service=web&limit=2")).await;
    assert_eq!((ids(&cut), cut.n_nodes, cut.truncated), (vec!["service/shop", "service/web"], 3, true));
    assert_eq!(cut.edges.len(), 1);
    let alone: wire::Graph = server.read(&format!("/api/v1/graph?{NOW}&service=alone")).await;
    assert_eq!((ids(&alone), alone.edges.len()), (vec!["service/alone"], 0));
}

/// Scenario: heatmaps with filters that the read model knows and that it does not.
/// Guarantees: both have the cells of what matched, each with its trace; the answer says where it comes from.
#[tokio::test]
async fn the_heatmap_says_where_it_comes_from() {
    let server = with(&calls()).await;
    let model: wire::Heatmap = server.read(&format!("/api/v1/heatmap?{NOW}&service=web")).await;
    assert_eq!((model.source, model.n_spans, model.n_cell_max), (wire::HeatmapSource::ReadModel, 1, 1));
    let [cell] = model.cells.as_slice() else { panic!("{model:?}") };
    let row = model.rows[cell.row as usize];
    assert!((row.from_ns..row.to_ns).contains(&(100 * MILLI_NS)), "{row:?}");
    assert_eq!(cell.trace_id.as_deref(), Some(TRACE));
    assert_eq!((model.columns.len(), model.step_s), (60, 20));
    let at = model.columns[cell.column as usize].0;
    assert!((at..at + 20_000 * MILLI_NS).contains(&(AT + 100 * MILLI_NS)));

    let failed: wire::Heatmap =
        server.read(&format!("/api/v1/heatmap?{NOW}&spans=all&status=error&columns=10&rows=6")).await;
    assert_eq!((failed.source, failed.n_spans, failed.columns.len()), (wire::HeatmapSource::Spans, 1, 10));
    let attr = "attr=db.namespace%3Dorders&min=1ms&max=1s";
    let found: wire::Heatmap = server.read(&format!("/api/v1/heatmap?{NOW}&spans=all&{attr}")).await;
    assert_eq!((found.n_spans, found.exemplars_partial), (1, false));
    let nothing: wire::Heatmap = server.read(&format!("/api/v1/heatmap?{NOW}&service=nobody")).await;
    assert_eq!((nothing.n_spans, nothing.rows.len(), nothing.cells.len()), (0, 0, 0));
    let told = server.sql(&model.sql, "application/json").await;
    let told: wire::SqlAnswer = serde_json::from_slice(&told.body).expect("JSON");
    assert_eq!(told.rows[0][3], json!(1));
}

/// Scenario: requests that cannot be answered.
/// Guarantees: each is refused in the one shape, with what to do instead.
#[tokio::test]
async fn impossible_questions_are_refused() {
    let server = with(&calls()).await;
    for (path, status, hint) in [
        ("red?by=colour", 400, "write some of service, operation"),
        ("red?step=1s", 400, "multiple of 10s"),
        ("red?compare=later", 400, "such as 1h"),
        ("red?limit=1000&from=now-12h&step=1m", 400, "fewer groups"),
        ("red?depth=1", 400, "step"),
        ("graph?service=wab&from=2026-02-07T10:00:00Z&to=2026-02-07T11:00:00Z", 404, "did you mean \"web\"?"),
        ("graph?service=wab&from=2026-02-07T12:00:00Z&to=2026-02-07T13:00:00Z", 404, "without service"),
        ("graph?service=web&depth=11", 400, ""),
        ("graph?depth=2", 400, "service"),
        ("graph?limit=100000", 400, ""),
        ("heatmap?columns=1000", 400, ""),
        ("heatmap?rows=5", 400, ""),
        ("heatmap?attr=x", 400, "attr=http.route"),
        ("heatmap?min=2s&max=1s", 400, ""),
        ("heatmap?spans=some", 400, "entry, all"),
    ] {
        let answer = server.get(&format!("/api/v1/{path}")).await;
        let (got, _, told) = answer.failure();
        assert_eq!(got, status, "{path}: {}", answer.text());
        assert!(told.unwrap_or_default().contains(hint), "{path}: {}", answer.text());
    }
}
