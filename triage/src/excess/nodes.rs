//! Nodes with their requests, latencies and availabilities, and who calls whom.

use crate::input::{Stretch, Symptom, TriageInput};
use crate::series::{Series, Shape, median};
use crate::strings::Strings;
use crate::tables::Tables;
use std::collections::{BTreeMap, BTreeSet};

/// Points of a baseline without which it has no usual value.
const N_USUAL_MIN: usize = 5;
/// Makes the median of absolute deviations a standard deviation.
const DEVIATION_OF_MEDIAN: f64 = 1.4826;
/// Standard deviations beyond the usual value that are nobody's fault.
const DEVIATIONS: f64 = 2.0;
/// Metric whose series name an edge in their attributes `client` and `server`.
const GRAPH_METRIC: &str = "traces_service_graph_request_total";

/// All nodes by name, and the edges between them.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: BTreeMap<String, Node>,
    callees: BTreeMap<String, BTreeSet<String>>,
    called: BTreeSet<String>,
}

/// What is known of a node.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) n_requests: f64,
    pub(super) n_requests_before: f64,
    latency: Values,
    availability: Values,
    requests: BTreeMap<i64, f64>,
}

/// Values over time: of the window by moment, of the baselines as they come.
#[derive(Debug, Default)]
struct Values {
    window: BTreeMap<i64, Mean>,
    before: BTreeMap<i64, Mean>,
}

/// Several series of a node are one: their mean.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    n: f64,
}

/// What a metric tells, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Requests,
    Latency,
    /// In percent; the other way round where it counts errors.
    Availability {
        of_errors: bool,
    },
}

impl Graph {
    pub(super) fn of(input: &TriageInput<'_>, tables: &Tables) -> Self {
        let mut graph = Self::default();
        for call in input.calls {
            graph.call(&call.caller, &call.callee);
        }
        for series in tables.metrics.series() {
            match edge(series, &tables.strings) {
                Some((caller, callee)) => graph.call(caller, callee),
                None => graph.read(input, tables, series),
            }
        }
        for node in graph.nodes.values_mut() {
            node.settle();
        }
        graph
    }

    fn call(&mut self, caller: &str, callee: &str) {
        if caller != callee {
            self.callees.entry(caller.to_owned()).or_default().insert(callee.to_owned());
            self.called.insert(callee.to_owned());
        }
    }

    fn read(&mut self, input: &TriageInput<'_>, tables: &Tables, series: &Series) {
        let strings = &tables.strings;
        let Some(meaning) = meaning(series, strings) else { return };
        if is_nobody(strings.text(series.service)) {
            return;
        }
        let scale = match meaning {
            Meaning::Requests => 1.0,
            Meaning::Latency => seconds(series, strings),
            Meaning::Availability { .. } => tables.metrics.percent_scale(series, strings),
        };
        let node = self.nodes.entry(strings.text(series.service).to_owned()).or_default();
        for point in tables.metrics.points(series) {
            let stretch = input.stretch(point.time_ns);
            let value = point.value * scale;
            match meaning {
                Meaning::Requests => node.add_requests(stretch, point.time_ns, value),
                Meaning::Latency => {
                    node.latency.add(stretch, point.time_ns, value);
                    if series.shape == Shape::Mean {
                        node.add_requests(stretch, point.time_ns, point.count);
                    }
                }
                Meaning::Availability { of_errors } => {
                    let value = if of_errors { 100.0 - value } else { value };
                    node.availability.add(stretch, point.time_ns, value);
                }
            }
        }
    }

    /// Nodes with series, and those that are only known from calls.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let mut names: BTreeSet<&str> = self.nodes.keys().map(String::as_str).collect();
        names.extend(self.callees.keys().map(String::as_str));
        names.extend(self.called.iter().map(String::as_str));
        names.into_iter()
    }

    pub(super) fn callees(&self, name: &str) -> impl Iterator<Item = &str> {
        self.callees.get(name).into_iter().flatten().map(String::as_str)
    }

    /// The target and all that it calls, directly or not; everything where there is no target.
    pub(super) fn reach(&self, target: Option<&str>) -> BTreeSet<String> {
        let Some(target) = target else { return self.names().map(str::to_owned).collect() };
        let mut reach = BTreeSet::from([target.to_owned()]);
        let mut open = vec![target.to_owned()];
        while let Some(name) = open.pop() {
            for callee in self.callees(&name) {
                if reach.insert(callee.to_owned()) {
                    open.push(callee.to_owned());
                }
            }
        }
        reach
    }

    /// Where requests come in.
    pub(super) fn uncalled(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|(name, _)| !self.called.contains(*name)).map(|(_, node)| node)
    }
}

/// Sent without a name, which SDKs replace by one that begins like this: it may be any number of services.
fn is_nobody(service: &str) -> bool {
    let rest = service.strip_prefix("unknown_service");
    service.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

impl Node {
    fn add_requests(&mut self, stretch: Stretch, time_ns: i64, n_requests: f64) {
        match stretch {
            Stretch::Window => *self.requests.entry(time_ns).or_default() += n_requests,
            Stretch::Baseline => self.n_requests_before += n_requests,
            Stretch::Outside => {}
        }
    }

    fn settle(&mut self) {
        self.n_requests = self.requests.values().sum();
    }

    fn values(&self, symptom: Symptom) -> &Values {
        match symptom {
            Symptom::Latency => &self.latency,
            Symptom::Availability => &self.availability,
        }
    }

    /// Was anything measured in the window?
    pub(super) fn has_values(&self, symptom: Symptom) -> bool {
        !self.values(symptom).window.is_empty()
    }

    /// Seconds or requests beyond the usual. A node without a usual latency has none; without a usual availability
    /// every request is expected to succeed.
    pub(super) fn excess(&self, symptom: Symptom) -> f64 {
        let usual = self.values(symptom).usual();
        let lost = |value: f64| match (symptom, usual) {
            (Symptom::Latency, None) => 0.0,
            (Symptom::Latency, Some((middle, slack))) => (value - middle - slack).max(0.0),
            (Symptom::Availability, usual) => {
                let (middle, slack) = usual.unwrap_or((100.0, 0.0));
                (middle - slack - value).max(0.0) / 100.0
            }
        };
        let window = self.values(symptom).window.iter();
        window.map(|(time_ns, value)| lost(value.get()) * self.requests.get(time_ns).unwrap_or(&0.0)).sum()
    }

    /// 0 where it is not known.
    pub(super) fn usual_latency_s(&self) -> f64 {
        self.latency.usual().map_or(0.0, |(middle, _)| middle)
    }
}

impl Values {
    fn add(&mut self, stretch: Stretch, time_ns: i64, value: f64) {
        let side = match stretch {
            Stretch::Window => &mut self.window,
            Stretch::Baseline => &mut self.before,
            Stretch::Outside => return,
        };
        let mean = side.entry(time_ns).or_default();
        mean.sum += value;
        mean.n += 1.0;
    }

    /// Median of the baselines, and what a value may be off.
    fn usual(&self) -> Option<(f64, f64)> {
        if self.before.len() < N_USUAL_MIN {
            return None;
        }
        let mut values: Vec<f64> = self.before.values().map(|mean| mean.get()).collect();
        let middle = median(&mut values);
        let mut deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
        Some((middle, DEVIATIONS * DEVIATION_OF_MEDIAN * median(&mut deviations)))
    }
}

impl Mean {
    fn get(self) -> f64 {
        self.sum / self.n
    }
}

/// Caller and callee, where a series counts calls between them.
fn edge<'a>(series: &Series, strings: &'a Strings) -> Option<(&'a str, &'a str)> {
    let attribute = |wanted: &str| {
        let found = series.attributes.iter().find(|(key, _)| strings.text(*key) == wanted);
        found.map(|(_, value)| strings.text(*value))
    };
    let is_graph = strings.text(series.metric) == GRAPH_METRIC;
    Some((attribute("client")?, attribute("server")?)).filter(|_| is_graph)
}

/// By the words in its name. Quantiles and extremes are not what totals are made of.
fn meaning(series: &Series, strings: &Strings) -> Option<Meaning> {
    let name = strings.text(series.metric).to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let meaning = if has(&["latency", "duration", "response_time"]) {
        (series.shape != Shape::Amount).then_some(Meaning::Latency)?
    } else if has(&["availability", "success"]) {
        (series.shape == Shape::Level).then_some(Meaning::Availability { of_errors: false })?
    } else if has(&["error", "fault"]) {
        (series.shape == Shape::Level).then_some(Meaning::Availability { of_errors: true })?
    } else if has(&["request", "call", "count"]) {
        (series.shape != Shape::Mean).then_some(Meaning::Requests)?
    } else {
        return None;
    };
    let wanted: &[&str] = match meaning {
        Meaning::Requests => &["sum", "count"],
        Meaning::Latency | Meaning::Availability { .. } => &["average", "avg", "mean"],
    };
    let mut statistics = series.attributes.iter().filter(|(key, _)| strings.text(*key) == "statistic");
    let fits = statistics.all(|(_, value)| wanted.contains(&strings.text(*value).to_lowercase().as_str()));
    (fits && !is_quantile(&name)).then_some(meaning)
}

/// `p` and two digits.
fn is_quantile(name: &str) -> bool {
    let mut triples = name.as_bytes().windows(3);
    triples.any(|bytes| bytes[0] == b'p' && bytes[1].is_ascii_digit() && bytes[2].is_ascii_digit())
}

/// Seconds per unit of a latency; seconds where it does not say.
fn seconds(series: &Series, strings: &Strings) -> f64 {
    match strings.text(series.unit) {
        "ms" => 1e-3,
        "us" => 1e-6,
        "ns" => 1e-9,
        _ => 1.0,
    }
}
