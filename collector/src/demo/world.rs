//! The shop over time: visitors arrive at random, spans end, metrics are collected on the ten seconds.
//!
//! Open loop: arrivals do not wait for answers, so a slow shop has more requests in flight. Advancing in
//! small or large steps gives the same spans, logs and metrics; only their batches differ. It must never
//! look at the real time: `to_ns` is all it knows.

use super::faults::Script;
use super::logs::{self, DemoLog};
use super::metrics::{Meter, ServiceMetrics};
use super::rng::Rng;
use super::span::{Activity, DemoSpan};
use super::topology;
use super::unfold::{Shop, unfold};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// How often metrics are collected.
pub(super) const COLLECTION_NS: i64 = 10 * super::SECOND_NS;

#[derive(Debug)]
pub(super) struct World {
    seed: u64,
    rate_per_s: f64,
    script: Script,
    arrivals: Rng,
    next_arrival_ns: i64,
    n_arrived: u64,
    is_open: bool,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    n_begun: u64,
    inventory: Load,
    meter: Meter,
    next_collection_ns: i64,
    advanced_to_ns: i64,
}

/// What ended in one step.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// In the order of their ends.
    pub spans: Vec<DemoSpan>,
    pub logs: Vec<DemoLog>,
    pub metrics: Vec<ServiceMetrics>,
}

/// A span that has not ended yet, ordered by its end.
#[derive(Debug)]
struct InFlight {
    number: u64,
    span: DemoSpan,
}

/// Reservations per second, forgetting with a time constant of `MEMORY_S`.
#[derive(Debug)]
struct Load {
    capacity_per_s: f64,
    per_s: f64,
    updated_ns: i64,
}

/// Long enough that ordinary chance does not look like overload at a few requests per second.
const MEMORY_S: f64 = 10.0;
/// Inventory bears this many times its usual load, and at least `CAPACITY_PER_S_MIN`, without slowing down.
const SPARE: f64 = 1.6;
const CAPACITY_PER_S_MIN: f64 = 3.0;
const SLOWDOWN_MAX: f64 = 6.0;

impl World {
    pub(super) fn new(seed: u64, rate_per_s: f64, script: Script) -> World {
        let start_ns = script.start_ns;
        let mut world = World {
            seed,
            rate_per_s,
            arrivals: Rng::new(&[seed, u64::MAX]),
            next_arrival_ns: start_ns,
            n_arrived: 0,
            is_open: true,
            in_flight: BinaryHeap::new(),
            n_begun: 0,
            inventory: Load::new(rate_per_s, start_ns),
            meter: Meter::new(start_ns),
            next_collection_ns: start_ns + COLLECTION_NS,
            advanced_to_ns: start_ns,
            script,
        };
        world.draw_arrival();
        world
    }

    /// Everything that ends after the last step and up to `to_ns`.
    pub(super) fn advance(&mut self, to_ns: i64) -> Batch {
        let mut batch = Batch::default();
        while self.is_open && self.next_arrival_ns < to_ns {
            self.arrive();
        }
        batch.logs.extend(logs::of_rollouts(&self.script, self.advanced_to_ns, to_ns));
        while let Some(span) = self.next_ended(to_ns) {
            self.collect_until(span.end_ns, &mut batch);
            self.meter.record(&span);
            batch.logs.extend(logs::of_span(&span));
            batch.spans.push(span);
        }
        self.collect_until(to_ns, &mut batch);
        self.advanced_to_ns = self.advanced_to_ns.max(to_ns);
        batch
    }

    /// The metrics since the last collection, for a shop that closes down.
    pub(super) fn collect_rest(&mut self) -> Batch {
        Batch { metrics: self.meter.collect(self.advanced_to_ns), ..Batch::default() }
    }

    /// No visitor comes any more; those who are in the shop finish.
    pub(super) fn close(&mut self) {
        self.is_open = false;
    }

    pub(super) fn is_closed(&self) -> bool {
        !self.is_open
    }

    pub(super) fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }

    pub(super) fn advanced_to_ns(&self) -> i64 {
        self.advanced_to_ns
    }

    pub(super) fn n_arrived(&self) -> u64 {
        self.n_arrived
    }

    fn arrive(&mut self) {
        let at_ns = self.next_arrival_ns;
        let inventory_slowdown = self.inventory.slowdown(at_ns);
        let shop = Shop { seed: self.seed, script: &self.script, inventory_slowdown };
        let spans = unfold(&shop, self.n_arrived, at_ns);
        self.inventory.add(spans.iter().filter(|span| is_reservation(span)).count());
        for span in spans {
            self.in_flight.push(Reverse(InFlight { number: self.n_begun, span }));
            self.n_begun += 1;
        }
        self.n_arrived += 1;
        self.draw_arrival();
    }

    fn draw_arrival(&mut self) {
        let gap_s = self.arrivals.exponential(1.0 / self.rate_per_s);
        self.next_arrival_ns += (gap_s * 1e9) as i64 + 1;
    }

    fn next_ended(&mut self, to_ns: i64) -> Option<DemoSpan> {
        let Reverse(next) = self.in_flight.peek()?;
        if next.span.end_ns > to_ns {
            return None;
        }
        self.in_flight.pop().map(|Reverse(ended)| ended.span)
    }

    fn collect_until(&mut self, at_ns: i64, batch: &mut Batch) {
        while self.next_collection_ns <= at_ns {
            batch.metrics.extend(self.meter.collect(self.next_collection_ns));
            self.next_collection_ns += COLLECTION_NS;
        }
    }
}

fn is_reservation(span: &DemoSpan) -> bool {
    matches!(span.activity, Activity::Serve(operation) if std::ptr::eq(operation, &topology::RESERVE))
}

impl Load {
    fn new(rate_per_s: f64, now_ns: i64) -> Load {
        let total: u32 = topology::JOURNEYS.iter().map(|(weight, _)| weight).sum();
        let checkouts: u32 = topology::JOURNEYS
            .iter()
            .filter(|(_, operation)| operation.name() == "POST /checkout")
            .map(|(weight, _)| weight)
            .sum();
        let nominal_per_s = rate_per_s * f64::from(checkouts) / f64::from(total);
        let capacity_per_s = (nominal_per_s * SPARE).max(CAPACITY_PER_S_MIN);
        Load { capacity_per_s, per_s: nominal_per_s, updated_ns: now_ns }
    }

    fn slowdown(&mut self, now_ns: i64) -> f64 {
        let passed_s = (now_ns - self.updated_ns) as f64 / 1e9;
        self.per_s *= (-passed_s / MEMORY_S).exp();
        self.updated_ns = now_ns;
        let over = self.per_s / self.capacity_per_s - 1.0;
        (1.0 + 3.0 * over.max(0.0)).min(SLOWDOWN_MAX)
    }

    fn add(&mut self, n_reservations: usize) {
        self.per_s += n_reservations as f64 / MEMORY_S;
    }
}

impl PartialEq for InFlight {
    fn eq(&self, other: &InFlight) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for InFlight {}

impl PartialOrd for InFlight {
    fn partial_cmp(&self, other: &InFlight) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for InFlight {
    fn cmp(&self, other: &InFlight) -> Ordering {
        (self.span.end_ns, self.number).cmp(&(other.span.end_ns, other.number))
    }
}
