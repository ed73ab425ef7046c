//! Edges as one would write them down, with all spans at hand.

use crate::read_models::{Resolution, SparseHistogram};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampNanosecondType, UInt64Type};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Bucket; caller, callee, its kind and detail, address, direction, type of error.
pub(crate) type EdgeKey = (i64, [String; 7]);

/// Counts in the order of the columns, sums, histograms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EdgeValue {
    counts: [u64; 6],
    sums: [i64; 3],
    histograms: [Vec<u8>; 3],
}

#[derive(Default)]
struct Tally {
    counts: [u64; 6],
    sums: [i64; 3],
    histograms: [SparseHistogram; 3],
}

const N_CALLS: usize = 0;
const N_CALLEE_SPANS: usize = 1;
const N_ERRORS: usize = 2;
const N_CALLEE_ERRORS: usize = 3;
const N_BYTES: usize = 4;
const N_SIZED: usize = 5;
const COUNTS: [&str; 6] =
    ["n_calls", "n_callee_spans", "n_errors", "n_callee_errors", "n_bytes_request", "n_sized"];
const SUMS: [&str; 3] = ["sum_ns", "callee_sum_ns", "gap_sum_ns"];
const HISTOGRAMS: [&str; 3] = ["duration_hdr", "callee_duration_hdr", "gap_hdr"];

impl Tally {
    fn time(&mut self, idx: usize, ns: i64) {
        self.sums[idx] += ns;
        self.histograms[idx].record(ns);
    }

    fn value(self) -> EdgeValue {
        EdgeValue {
            counts: self.counts,
            sums: self.sums,
            histograms: self.histograms.map(|histogram| histogram.encode()),
        }
    }
}

struct Seen {
    kind: String,
    service: String,
    /// Trace and span.
    id: (Vec<u8>, Vec<u8>),
    parent: Option<Vec<u8>>,
    links: Vec<(Vec<u8>, Vec<u8>)>,
    start: i64,
    end: i64,
    duration: i64,
    error: String,
    texts: BTreeMap<&'static str, String>,
    attributes: BTreeMap<String, String>,
}

const TEXTS: [&str; 6] = [
    "db_system_name",
    "db_namespace",
    "messaging_system",
    "messaging_destination_name",
    "server_address",
    "peer_service",
];

impl Seen {
    fn text(&self, name: &str) -> &str {
        &self.texts[name]
    }

    fn attribute(&self, names: [&str; 2]) -> Option<&String> {
        names.iter().find_map(|name| self.attributes.get(*name))
    }

    fn is_call(&self) -> bool {
        ["client", "producer"].contains(&self.kind.as_str()) && !(self.queue().is_some() && self.is_fetch())
    }

    fn is_answer(&self) -> bool {
        ["server", "consumer"].contains(&self.kind.as_str())
    }

    fn is_fetch(&self) -> bool {
        let operation = self.attribute(["messaging.operation.type", "messaging.operation"]);
        operation.is_some_and(|operation| ["receive", "settle"].contains(&operation.as_str()))
    }

    /// Destination and system.
    fn queue(&self) -> Option<(String, String)> {
        let system = self.text("messaging_system").to_owned();
        // Of calls that name both, the database is meant.
        let is_other =
            self.kind == "server" || (self.kind != "consumer" && !self.text("db_system_name").is_empty());
        let is_told = !system.is_empty() && !is_other;
        let name = self.text("messaging_destination_name");
        is_told.then(|| (if name.is_empty() { system.clone() } else { name.to_owned() }, system))
    }

    fn address(&self) -> String {
        let host = self.text("server_address");
        match self.attribute(["server.port", "net.peer.port"]) {
            Some(port) if !host.is_empty() && !host.contains(':') => format!("{host}:{port}"),
            _ => host.to_owned(),
        }
    }

    /// Callee, its kind and detail.
    fn peer(&self) -> Option<[String; 3]> {
        let of = |callee: &str, kind: &str, detail: &str| Some([callee, kind, detail].map(str::to_owned));
        let (database, service) = (self.text("db_system_name"), self.text("peer_service"));
        match self.queue() {
            _ if !database.is_empty() => of(database, "database", self.text("db_namespace")),
            Some((name, system)) => of(&name, "messaging", &system),
            None if !service.is_empty() => of(service, "service", ""),
            None if !self.text("server_address").is_empty() => of(&self.address(), "external", ""),
            None => None,
        }
    }

    /// The ids of whom it answers.
    fn asked_by(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let links = self.links.iter().filter(|_| self.kind == "consumer").cloned();
        let parent = self.parent.clone().filter(|parent| *parent != self.id.1);
        let parent = parent.map(|parent| (self.id.0.clone(), parent));
        links.chain(parent).find(is_id)
    }

    fn call(&self, tally: &mut Tally) {
        tally.counts[N_CALLS] += 1;
        tally.counts[N_ERRORS] += u64::from(!self.error.is_empty());
        tally.time(0, self.duration);
        let size = self.attribute(["http.request.body.size", "messaging.message.body.size"]);
        if let (Some(size), true) = (size, self.is_call()) {
            tally.counts[N_BYTES] += size.parse::<u64>().expect("a number");
            tally.counts[N_SIZED] += 1;
        }
    }
}

fn is_id((trace, span): &(Vec<u8>, Vec<u8>)) -> bool {
    trace.iter().any(|byte| *byte != 0) && span.iter().any(|byte| *byte != 0)
}

/// Rows that stand for all calls of these spans, those that may still be answered included.
pub(crate) fn brute_force(spans: &[RecordBatch], resolution: Resolution) -> BTreeMap<EdgeKey, EdgeValue> {
    let seen: Vec<Seen> = spans.iter().flat_map(seen).collect();
    let mut tallies: BTreeMap<EdgeKey, Tally> = BTreeMap::new();
    let mut answers: HashMap<(Vec<u8>, Vec<u8>), Vec<&Seen>> = HashMap::new();
    for answer in seen.iter().filter(|span| span.is_answer()) {
        if let Some(asked_by) = answer.asked_by() {
            answers.entry(asked_by).or_default().push(answer);
        }
    }
    let mut asked = HashSet::new();
    for call in seen.iter().filter(|span| span.is_call()) {
        let is_database = !call.text("db_system_name").is_empty();
        let is_counted = is_database || call.queue().is_some();
        let is_held = !is_database && is_id(&call.id);
        let is_repeated = is_held && !asked.insert(&call.id);
        let (mut is_answered, mut edges) = (false, Vec::new());
        let its_answers = answers.get(&call.id).filter(|_| is_held && !is_repeated);
        for answer in its_answers.into_iter().flatten() {
            let lay = (answer.start - call.end).max(0);
            match (answer.queue(), call.queue()) {
                (Some(_), _) => edges.push(delivery(answer, None, Some(lay), false)),
                (None, Some(queue)) => edges.push(delivery(answer, Some(queue), Some(lay), true)),
                (None, None) => {
                    is_answered = true;
                    edges.extend((call.service != answer.service).then(|| answered(call, answer)));
                }
            }
        }
        let is_told = is_counted || (!is_answered && !is_repeated);
        if let (Some(peer), true) = (call.peer(), is_told) {
            let mut unanswered = Tally::default();
            call.call(&mut unanswered);
            edges.push((call.end, edge_names(call, peer), unanswered));
        }
        edges.into_iter().for_each(|edge| add(&mut tallies, resolution, edge));
    }
    for consumer in seen.iter().filter(|span| span.kind == "consumer" && span.queue().is_some()) {
        if !(consumer.is_fetch() && consumer.asked_by().is_none()) {
            add(&mut tallies, resolution, delivery(consumer, None, None, true));
        }
    }
    tallies.into_iter().map(|(key, tally)| (key, tally.value())).collect()
}

/// When, whose, and what is counted of it.
type Counted = (i64, [String; 7], Tally);

fn add(tallies: &mut BTreeMap<EdgeKey, Tally>, resolution: Resolution, (at, names, counted): Counted) {
    let tally = tallies.entry((resolution.bucket_of(at), names)).or_default();
    for idx in 0..COUNTS.len() {
        tally.counts[idx] += counted.counts[idx];
    }
    for idx in 0..SUMS.len() {
        tally.sums[idx] += counted.sums[idx];
        tally.histograms[idx].add(&counted.histograms[idx]);
    }
}

fn edge_names(call: &Seen, [callee, kind, detail]: [String; 3]) -> [String; 7] {
    [call.service.clone(), callee, kind, detail, call.address(), "call".to_owned(), call.error.clone()]
}

fn answered(call: &Seen, answer: &Seen) -> Counted {
    let mut tally = Tally::default();
    call.call(&mut tally);
    tally.counts[N_CALLEE_SPANS] += 1;
    tally.counts[N_CALLEE_ERRORS] += u64::from(!answer.error.is_empty());
    tally.time(1, answer.duration);
    tally.time(2, (call.duration - answer.duration).max(0));
    let callee = [answer.service.clone(), "service".to_owned(), String::new()];
    (call.end, edge_names(call, callee), tally)
}

/// What a queue handed on: the consumer's own word for it, unless another is given.
fn delivery(answer: &Seen, queue: Option<(String, String)>, lay: Option<i64>, is_call: bool) -> Counted {
    let (name, system) = queue.or_else(|| answer.queue()).expect("one of them names it");
    let mut tally = Tally::default();
    if is_call {
        answer.call(&mut tally);
    }
    if let Some(lay) = lay {
        tally.counts[N_CALLEE_SPANS] += 1;
        tally.time(2, lay);
    }
    let [service, deliver] = ["service", "deliver"].map(str::to_owned);
    (
        answer.end,
        [name, answer.service.clone(), service, system, String::new(), deliver, answer.error.clone()],
        tally,
    )
}

/// Rows of a table of edges, those of equal key as one.
pub(crate) fn folded(edges: &[RecordBatch]) -> BTreeMap<EdgeKey, EdgeValue> {
    let mut tallies: BTreeMap<EdgeKey, Tally> = BTreeMap::new();
    for batch in edges {
        let names =
            ["caller", "callee", "callee_kind", "callee_detail", "address", "direction", "error_type"];
        for row in 0..batch.num_rows() {
            let bucket = column(batch, "bucket").as_primitive::<TimestampNanosecondType>().value(row);
            let names = names.map(|name| text(batch, name, row));
            let tally = tallies.entry((bucket, names)).or_default();
            for (idx, name) in COUNTS.iter().enumerate() {
                tally.counts[idx] += column(batch, name).as_primitive::<UInt64Type>().value(row);
            }
            for idx in 0..SUMS.len() {
                tally.sums[idx] += column(batch, SUMS[idx]).as_primitive::<Int64Type>().value(row);
                let histogram = column(batch, HISTOGRAMS[idx]).as_binary::<i32>().value(row);
                tally.histograms[idx].add_encoded(histogram).expect("own encoding");
            }
        }
    }
    tallies.into_iter().map(|(key, tally)| (key, tally.value())).collect()
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch.column_by_name(name).expect("a column of the table")
}

fn text(batch: &RecordBatch, name: &str, row: usize) -> String {
    let column = column(batch, name).as_string::<i32>();
    if column.is_null(row) { String::new() } else { column.value(row).to_owned() }
}

fn seen(batch: &RecordBatch) -> Vec<Seen> {
    let bytes = |name, row: usize| column(batch, name).as_fixed_size_binary().value(row).to_vec();
    let time = |name, row: usize| column(batch, name).as_primitive::<TimestampNanosecondType>().value(row);
    let attributes = |row: usize| {
        let entries = column(batch, "attributes").as_map().value(row);
        let (keys, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
        let texts = keys.iter().zip(values.iter());
        texts
            .map(|(key, value)| (key.unwrap_or_default().to_owned(), value.unwrap_or_default().to_owned()))
            .collect()
    };
    let links = |row: usize| {
        let items = column(batch, "links").as_list::<i32>().value(row);
        let items = items.as_struct();
        let id = |name: &str, idx: usize| {
            items.column_by_name(name).expect("ids").as_fixed_size_binary().value(idx).to_vec()
        };
        (0..items.len()).map(|idx| (id("trace_id", idx), id("span_id", idx))).collect()
    };
    let row = |row: usize| Seen {
        kind: text(batch, "kind", row),
        service: text(batch, "service", row),
        id: (bytes("trace_id", row), bytes("span_id", row)),
        parent: column(batch, "parent_span_id").is_valid(row).then(|| bytes("parent_span_id", row)),
        links: links(row),
        start: time("start_time", row),
        end: time("end_time", row),
        duration: column(batch, "duration_ns").as_primitive::<Int64Type>().value(row),
        error: error(batch, row),
        texts: TEXTS.into_iter().map(|name| (name, text(batch, name, row))).collect(),
        attributes: attributes(row),
    };
    (0..batch.num_rows()).map(row).collect()
}

fn error(batch: &RecordBatch, row: usize) -> String {
    if !column(batch, "is_error").as_boolean().value(row) {
        return String::new();
    }
    let statuses = column(batch, "http_response_status_code").as_primitive::<Int64Type>();
    let status = statuses.is_valid(row).then(|| statuses.value(row)).filter(|status| *status >= 400);
    let told = [
        text(batch, "error_type", row),
        status.map(|status| status.to_string()).unwrap_or_default(),
        text(batch, "rpc_response_status_code", row),
    ];
    told.into_iter().find(|told| !told.is_empty()).unwrap_or_else(|| "_OTHER".to_owned())
}
