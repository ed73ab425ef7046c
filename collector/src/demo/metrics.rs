//! What the shop's services measure about themselves, derived from the spans that end.
//!
//! `world` records each span once and collects at fixed times. Temporalities differ on purpose: durations of
//! requests are cumulative, durations of queries are delta, as fleets with mixed SDK settings send them.

use super::attributes::{self, text};
use super::histogram::{Explicit, Exponential, Interval};
use super::span::{Activity, DemoSpan, Failure, Instance};
use super::topology::{Consumer, Operation, Protocol, Query, Semconv, Store};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, Gauge, Histogram, Metric, NumberDataPoint, Sum,
    metric::Data, number_data_point::Value,
};
use std::collections::BTreeMap;

/// All metrics of one instance at one collection.
#[derive(Clone, Debug)]
pub(super) struct ServiceMetrics {
    pub instance: Instance,
    pub metrics: Vec<Metric>,
    pub n_points: usize,
}

#[derive(Debug)]
pub(super) struct Meter {
    collected_ns: i64,
    instances: BTreeMap<(&'static str, u32, u32), InstanceMeter>,
    n_published: u64,
    n_consumed: BTreeMap<&'static str, u64>,
}

/// An instance that did nothing for so long is taken to be gone.
const GONE_AFTER_NS: i64 = 300 * super::SECOND_NS;

#[derive(Debug)]
struct InstanceMeter {
    instance: Instance,
    started_ns: i64,
    seen_ns: i64,
    served: BTreeMap<(String, u16, &'static str), Served>,
    queried: BTreeMap<String, Queried>,
    pools: BTreeMap<&'static str, Pool>,
    n_orders: BTreeMap<&'static str, u64>,
    n_resends: BTreeMap<&'static str, u64>,
    groups: BTreeMap<&'static str, &'static Consumer>,
}

#[derive(Debug)]
struct Served {
    operation: &'static Operation,
    failure: Option<Failure>,
    durations: Explicit,
}

#[derive(Debug)]
struct Queried {
    query: &'static Query,
    durations: Exponential,
}

/// Connections to a store, and for how long they were in use since the last collection.
#[derive(Debug)]
struct Pool {
    store: &'static Store,
    busy_ns: i64,
}

impl Meter {
    pub(super) fn new(start_ns: i64) -> Meter {
        Meter {
            collected_ns: start_ns,
            instances: BTreeMap::new(),
            n_published: 0,
            n_consumed: BTreeMap::new(),
        }
    }

    pub(super) fn record(&mut self, span: &DemoSpan) {
        match span.activity {
            Activity::Publish(_) => self.n_published += 1,
            Activity::Consume(_, consumer) => *self.n_consumed.entry(consumer.group).or_default() += 1,
            _ => {}
        }
        let started_ns = self.collected_ns;
        let meter = self.instances.entry(span.instance.key());
        meter.or_insert_with(|| InstanceMeter::new(span.instance, started_ns)).record(span);
    }

    pub(super) fn collect(&mut self, at_ns: i64) -> Vec<ServiceMetrics> {
        let interval = Interval { from_ns: self.collected_ns, to_ns: at_ns };
        self.collected_ns = at_ns;
        self.instances.retain(|_, meter| at_ns - meter.seen_ns < GONE_AFTER_NS);
        let lags = self.lags();
        self.instances.values_mut().map(|meter| meter.collect(interval, &lags)).collect()
    }

    /// Messages that a group has not handled yet.
    fn lags(&self) -> BTreeMap<&'static str, u64> {
        let lag = |(group, n): (&&'static str, &u64)| (*group, self.n_published.saturating_sub(*n));
        self.n_consumed.iter().map(lag).collect()
    }
}

impl InstanceMeter {
    fn new(instance: Instance, started_ns: i64) -> InstanceMeter {
        InstanceMeter {
            instance,
            started_ns,
            seen_ns: started_ns,
            served: BTreeMap::new(),
            queried: BTreeMap::new(),
            pools: BTreeMap::new(),
            n_orders: BTreeMap::new(),
            n_resends: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    fn record(&mut self, span: &DemoSpan) {
        self.seen_ns = self.seen_ns.max(span.end_ns);
        match span.activity {
            Activity::Serve(operation) => self.record_served(operation, span),
            Activity::Query(query) => self.record_query(query, span),
            Activity::Publish(_) => *self.n_orders.entry(span.visitor.currency).or_default() += 1,
            Activity::Call(call) if call.resend > 0 => {
                *self.n_resends.entry(call.to.service.name).or_default() += 1;
            }
            Activity::Consume(_, consumer) => {
                self.groups.insert(consumer.group, consumer);
            }
            Activity::Call(_) | Activity::Inside(_) | Activity::Request(_) => {}
        }
    }

    fn record_served(&mut self, operation: &'static Operation, span: &DemoSpan) {
        let (status, error_type) =
            span.failure.map_or((200, ""), |failure| (failure.status, failure.error_type));
        let per_second = per_second(self.instance);
        let served = self.served.entry((operation.name(), status, error_type)).or_insert_with(|| Served {
            operation,
            failure: span.failure,
            durations: Explicit::new(per_second),
        });
        served.durations.record(span.duration_s() * per_second, span);
    }

    fn record_query(&mut self, query: &'static Query, span: &DemoSpan) {
        let queried = self.queried.entry(format!("{} {}", query.store.name, query.name()));
        let queried = queried.or_insert_with(|| Queried { query, durations: Exponential::default() });
        queried.durations.record(span.duration_s());
        let pool = self.pools.entry(query.store.name);
        pool.or_insert(Pool { store: query.store, busy_ns: 0 }).busy_ns += span.duration_ns();
    }

    fn collect(&mut self, interval: Interval, lags: &BTreeMap<&'static str, u64>) -> ServiceMetrics {
        let since_start = Interval { from_ns: self.started_ns, ..interval };
        let mut metrics = self.served_metrics(since_start);
        metrics.extend(self.query_metrics(interval));
        metrics.extend(self.pool_metrics(interval, since_start));
        metrics.extend(self.counter_metrics(since_start));
        metrics.extend(self.lag_metric(interval, lags));
        let n_points = metrics.iter().map(n_points).sum();
        ServiceMetrics { instance: self.instance, metrics, n_points }
    }

    fn served_metrics(&mut self, since_start: Interval) -> Vec<Metric> {
        let semconv = self.instance.service.semconv;
        let (mut over_http, mut over_grpc) = (Vec::new(), Vec::new());
        for Served { operation, failure, durations } in self.served.values_mut() {
            let attributes = attributes::of_server_metric(operation, *failure, semconv);
            let points = match operation.protocol {
                Protocol::Http { .. } => &mut over_http,
                Protocol::Grpc { .. } => &mut over_grpc,
            };
            points.push(durations.collect(attributes, since_start));
        }
        let (name, unit) = match semconv {
            Semconv::Current => ("http.server.request.duration", "s"),
            Semconv::Old => ("http.server.duration", "ms"),
        };
        let about = "Duration of serving requests.";
        let named = [(name, unit, over_http), ("rpc.server.call.duration", "s", over_grpc)];
        let filled = named.into_iter().filter(|(_, _, points)| !points.is_empty());
        filled.map(|(name, unit, data_points)| metric(name, unit, about, histogram(data_points))).collect()
    }

    fn query_metrics(&mut self, interval: Interval) -> Option<Metric> {
        let semconv = self.instance.service.semconv;
        let filled = self.queried.values_mut().filter(|queried| !queried.durations.is_empty());
        let data_points: Vec<_> = filled
            .map(|queried| {
                queried.durations.collect(attributes::of_query_metric(queried.query, semconv), interval)
            })
            .collect();
        let aggregation_temporality = AggregationTemporality::Delta.into();
        let data = Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality });
        let metric =
            metric("db.client.operation.duration", "s", "Duration of database client operations.", data);
        (!self.queried.is_empty()).then_some(metric).filter(|metric| n_points(metric) > 0)
    }

    /// Busy time over elapsed time is the mean number of connections in use, and of those that were missing.
    fn pool_metrics(&mut self, interval: Interval, since_start: Interval) -> Vec<Metric> {
        let elapsed_ns = (interval.to_ns - interval.from_ns).max(1) as f64;
        let (mut counts, mut sizes, mut pending, mut usages) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for Pool { store, busy_ns } in self.pools.values_mut() {
            let size = f64::from(store.pool_size);
            let wanted = std::mem::take(busy_ns) as f64 / elapsed_ns;
            let used = wanted.min(size);
            let pool = text("db.client.connection.pool.name", store.name);
            for (state, n) in [("used", used.ceil()), ("idle", size - used.ceil())] {
                let attributes = vec![pool.clone(), text("db.client.connection.state", state)];
                counts.push(point(attributes, since_start, Value::AsInt(n as i64)));
            }
            let n_pending = (wanted - used).ceil();
            sizes.push(point(vec![pool.clone()], since_start, Value::AsInt(i64::from(store.pool_size))));
            pending.push(point(vec![pool.clone()], since_start, Value::AsInt(n_pending as i64)));
            usages.push(point(vec![pool], interval, Value::AsDouble(used / size)));
        }
        if usages.is_empty() {
            return Vec::new();
        }
        let level = |name, unit, about, points| metric(name, unit, about, sum(points, false));
        let usage = Data::Gauge(Gauge { data_points: usages });
        vec![
            level("db.client.connection.count", "{connection}", "Connections by state.", counts),
            level("db.client.connection.max", "{connection}", "Connections that there may be.", sizes),
            level(
                "db.client.connection.pending_requests",
                "{request}",
                "Requests that wait for a connection.",
                pending,
            ),
            metric("shop.db.pool.usage", "1", "Share of the connections in use.", usage),
        ]
    }

    fn counter_metrics(&self, since_start: Interval) -> Vec<Metric> {
        let counted = |counts: &BTreeMap<&'static str, u64>, key: &str| -> Vec<NumberDataPoint> {
            let value = |n: &u64| Value::AsInt(i64::try_from(*n).unwrap_or(i64::MAX));
            counts.iter().map(|(label, n)| point(vec![text(key, *label)], since_start, value(n))).collect()
        };
        let orders = counted(&self.n_orders, "shop.currency");
        let resends = counted(&self.n_resends, "server.address");
        let named = [
            ("shop.orders.placed", "{order}", "Orders placed.", orders),
            ("shop.client.resends", "{request}", "Requests repeated after a failure.", resends),
        ];
        let filled = named.into_iter().filter(|(_, _, _, points)| !points.is_empty());
        filled.map(|(name, unit, about, points)| metric(name, unit, about, sum(points, true))).collect()
    }

    /// The first instance speaks for its group, so that the lag is not counted twice.
    fn lag_metric(&self, interval: Interval, lags: &BTreeMap<&'static str, u64>) -> Option<Metric> {
        let groups = self.groups.keys().filter(|_| self.instance.number == 0);
        let data_points: Vec<_> = groups.map(|group| lag_point(group, lags, interval)).collect();
        let data = Data::Gauge(Gauge { data_points });
        let lag = metric("kafka.consumer_group.lag", "{message}", "Messages not handled yet.", data);
        Some(lag).filter(|metric| n_points(metric) > 0)
    }
}

fn lag_point(group: &'static str, lags: &BTreeMap<&'static str, u64>, interval: Interval) -> NumberDataPoint {
    let lag = lags.get(group).copied().unwrap_or(0);
    let attributes = vec![text("messaging.consumer.group.name", group)];
    point(attributes, interval, Value::AsInt(i64::try_from(lag).unwrap_or(i64::MAX)))
}

/// Old conventions count in milliseconds.
fn per_second(instance: Instance) -> f64 {
    match instance.service.semconv {
        Semconv::Current => 1.0,
        Semconv::Old => 1_000.0,
    }
}

fn metric(name: &str, unit: &str, about: &str, data: Data) -> Metric {
    Metric {
        name: name.to_owned(),
        description: about.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn histogram(data_points: Vec<opentelemetry_proto::tonic::metrics::v1::HistogramDataPoint>) -> Data {
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    Data::Histogram(Histogram { data_points, aggregation_temporality })
}

fn sum(data_points: Vec<NumberDataPoint>, is_monotonic: bool) -> Data {
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic })
}

fn point(attributes: Vec<KeyValue>, interval: Interval, value: Value) -> NumberDataPoint {
    NumberDataPoint {
        attributes,
        start_time_unix_nano: interval.from_ns.unsigned_abs(),
        time_unix_nano: interval.to_ns.unsigned_abs(),
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn n_points(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
        None => 0,
    }
}
