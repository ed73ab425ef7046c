//! The graph over other people's traces, some with clocks that disagree, against a pairing of their spans by ids.

use super::*;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use wire::EdgeDirection::{self, Call, Deliver};

/// Covers all recordings, the oldest of 2016.
const ALL: &str = "from=2010-01-01T00:00:00Z&to=2040-01-01T00:00:00Z&limit=2000";

/// Few enough that most calls are in another request than their answers.
const SPANS_AT_ONCE: usize = 7;

/// What the test's own reading takes of a span.
struct Seen {
    service: String,
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    kind: i64,
    attributes: HashMap<String, String>,
}

/// Calls and those of them that have both sides, by the ids of both ends.
type Edges = BTreeMap<(String, String, EdgeDirection), (u64, u64)>;

/// The requests of a folder's traces, or nothing after saying that the test is skipped.
#[allow(clippy::print_stdout, reason = "a skipped test says so on its output")]
fn requests(test: &str, folder: &str) -> Option<Vec<(String, Value)>> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures");
    let root = std::env::var_os("FIRSTFAULT_FIXTURES").map_or_else(|| PathBuf::from(default), PathBuf::from);
    let Ok(files) = std::fs::read_dir(root.join(folder)) else {
        println!("SKIPPED {test}: {} not found", root.join(folder).display());
        return None;
    };
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("an entry").path()).collect();
    paths.sort();
    let requests = paths.into_iter().filter_map(|path| {
        let bytes = std::fs::read(&path).expect("readable");
        let json: Value = serde_json::from_slice(&bytes).expect("JSON");
        json.get("resourceSpans").is_some().then(|| (path.display().to_string(), json))
    });
    let requests: Vec<_> = requests.collect();
    assert!(!requests.is_empty(), "no trace in {}", root.join(folder).display());
    Some(requests)
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

/// Each span in a request of its own.
fn one_by_one(request: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    for resource in list(request, "resourceSpans") {
        for scope in list(resource, "scopeSpans") {
            for span in list(scope, "spans") {
                let scope_spans = json!([{"scope": scope["scope"], "spans": [span]}]);
                let of_resource = json!([{"resource": resource["resource"], "scopeSpans": scope_spans}]);
                all.push(json!({ "resourceSpans": of_resource }));
            }
        }
    }
    all
}

fn texts(attributes: &Value) -> HashMap<String, String> {
    let pair = |attribute: &Value| {
        let text = attribute["value"].as_object()?.values().next()?;
        let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
        Some((attribute["key"].as_str()?.to_owned(), text))
    };
    attributes.as_array().into_iter().flatten().filter_map(pair).collect()
}

fn seen(requests: &[Value]) -> Vec<Seen> {
    let id = |span: &Value, name: &str| span[name].as_str().unwrap_or_default().to_ascii_lowercase();
    let read = |request: &Value| {
        let resource = &request["resourceSpans"][0];
        let span = &resource["scopeSpans"][0]["spans"][0];
        let service = texts(&resource["resource"]["attributes"]).remove("service.name");
        Seen {
            service: service.unwrap_or_else(|| "unknown_service".to_owned()),
            trace_id: id(span, "traceId"),
            span_id: id(span, "spanId"),
            parent_span_id: id(span, "parentSpanId"),
            kind: span["kind"].as_i64().unwrap_or(0),
            attributes: texts(&span["attributes"]),
        }
    };
    requests.iter().map(read).collect()
}

impl Seen {
    fn is_call(&self) -> bool {
        matches!(self.kind, 3 | 4)
    }

    /// Servers and consumers.
    fn is_answer(&self) -> bool {
        matches!(self.kind, 2 | 5) && !self.parent_span_id.is_empty() && self.parent_span_id != self.span_id
    }

    fn text(&self, names: [&str; 2]) -> Option<&str> {
        names.iter().find_map(|name| self.attributes.get(*name)).map(String::as_str)
    }

    fn database(&self) -> Option<String> {
        self.text(["db.system.name", "db.system"]).map(|system| format!("database/{system}"))
    }

    /// None of these queues has a name.
    fn queue(&self) -> Option<String> {
        self.text(["messaging.system", ""]).map(|system| format!("messaging/{system}/{system}"))
    }

    fn peer(&self) -> Option<String> {
        self.text(["peer.service", "service.peer.name"]).map(|name| format!("service/{}", in_id(name)))
    }

    fn id(&self) -> String {
        format!("service/{}", in_id(&self.service))
    }
}

/// A name as a part of a node's id.
fn in_id(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Each call with each span that answered it, by going through all spans for each.
fn paired(spans: &[Seen]) -> Edges {
    let mut edges = Edges::new();
    let mut count = |caller: String, callee: String, direction, n_answered| {
        let edge = edges.entry((caller, callee, direction)).or_default();
        *edge = (edge.0 + 1, edge.1 + n_answered);
    };
    let mut asked = HashSet::new();
    for call in spans.iter().filter(|span| span.is_call()) {
        if let Some(peer) = call.database().or_else(|| call.queue()) {
            count(call.id(), peer, Call, 0);
        }
        // A second span with the same ids is the same span to whoever answers.
        let is_first = asked.insert((&call.trace_id, &call.span_id));
        if call.database().is_some() || !is_first {
            continue;
        }
        let is_of_call = |span: &&Seen| {
            span.is_answer() && span.trace_id == call.trace_id && span.parent_span_id == call.span_id
        };
        let answers: Vec<&Seen> = spans.iter().filter(is_of_call).collect();
        for answer in &answers {
            match call.queue() {
                Some(queue) => count(queue, answer.id(), Deliver, 1),
                None if answer.service != call.service => count(call.id(), answer.id(), Call, 1),
                None => {}
            }
        }
        if let (None, Some(peer), true) = (call.queue(), call.peer(), answers.is_empty()) {
            count(call.id(), peer, Call, 0);
        }
    }
    edges
}

fn drawn(graph: &wire::Graph) -> Edges {
    let edge = |edge: &wire::GraphEdge| {
        let n_both = edge.gap.map_or(0, |gap| gap.n);
        ((edge.caller.clone(), edge.callee.clone(), edge.direction), (edge.red.n_requests, n_both))
    };
    graph.edges.iter().map(edge).collect()
}

async fn check(name: &str, requests: Vec<Value>) {
    let spans = seen(&requests);
    let server = Server::open_empty(|_| ()).await;
    for some in requests.chunks(SPANS_AT_ONCE) {
        let all: Vec<&Value> = some.iter().flat_map(|request| list(request, "resourceSpans")).collect();
        let request = json!({ "resourceSpans": all });
        store(server.api.engine().expect("open"), Signal::Traces, &request).await;
    }
    let graph: wire::Graph = server.read(&format!("/api/v1/graph?{ALL}")).await;
    let edges = drawn(&graph);
    assert_eq!(edges.len(), graph.edges.len(), "{name}: two edges between the same nodes");
    assert_eq!(edges, paired(&spans), "{name}");
    let ids: HashSet<&str> = graph.nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!((ids.len(), graph.truncated), (graph.nodes.len(), false), "{name}: two nodes of one peer");
    let names: BTreeSet<_> =
        graph.nodes.iter().map(|node| (node.kind, &node.name, &node.detail, &node.address)).collect();
    assert_eq!(names.len(), graph.nodes.len(), "{name}: two nodes of one peer");
    for edge in &graph.edges {
        assert!(ids.contains(edge.caller.as_str()) && ids.contains(edge.callee.as_str()), "{name}: {edge:?}");
        let gap = edge.gap.unwrap_or_default();
        let gaps = [gap.mean_ns, gap.p50_ns, gap.p95_ns, gap.p99_ns];
        assert!(gaps.iter().flatten().all(|gap| *gap >= 0), "{name}: {edge:?}");
    }
    let serving = spans.iter().filter(|span| matches!(span.kind, 2 | 5)).map(Seen::id);
    for id in serving.collect::<HashSet<_>>() {
        let node = graph.nodes.iter().find(|node| node.id == id);
        assert!(node.is_some_and(|node| node.is_instrumented), "{name}: {id}");
    }
}

/// Scenario: each trace of two collections, a few spans at a time, in the order recorded and backwards; among them traces with
/// clocks that disagree, missing parents and ids that several spans share.
/// Guarantees: the edges and their numbers are those of a pairing by ids, no gap is negative, no peer has two nodes.
#[tokio::test]
async fn graphs_are_those_of_a_pairing_by_ids() {
    for folder in ["traces", "jaeger/traces"] {
        let Some(requests) = requests("graphs_are_those_of_a_pairing_by_ids", folder) else { continue };
        for (name, request) in requests {
            let mut spans = one_by_one(&request);
            check(&name, spans.clone()).await;
            spans.reverse();
            check(&format!("{name} backwards"), spans).await;
        }
    }
}

/// Scenario: all traces of the search collection in one place.
/// Guarantees: they do not get into each other's way: the edges are those of a pairing by ids.
#[tokio::test]
async fn traces_do_not_mix() {
    let Some(requests) = requests("traces_do_not_mix", "jaeger/traces") else { return };
    let spans = requests.iter().flat_map(|(_, request)| one_by_one(request)).collect();
    check("all of jaeger/traces", spans).await;
}
