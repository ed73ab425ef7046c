//! One visit becomes one trace: walks the shop's tables from the front door and draws the times.
//!
//! Pure: the same seed, number, time and state of the shop give the same spans. Every child lies within its
//! parent, except what consumers do later. `world` decides when visits happen.

use super::faults::{self, Fault, N_RELEASED, Script};
use super::rng::Rng;
use super::span::{Activity, Call, DemoSpan, Failure, Instance, Message, Parent, Visitor};
use super::topology::{self, Consumer, External, Operation, Query, Refusal, Service, Step, Topic};
use std::sync::Arc;

/// What the shop is like when the visit begins.
#[derive(Debug)]
pub(super) struct Shop<'a> {
    pub seed: u64,
    pub script: &'a Script,
    /// How many times slower inventory answers because of the load on it; 1 when it is well.
    pub inventory_slowdown: f64,
}

/// All spans of visit `number`, which begins at `at_ns`, in the order in which they end in the walk.
pub(super) fn unfold(shop: &Shop<'_>, number: u64, at_ns: i64) -> Vec<DemoSpan> {
    let mut rng = Rng::new(&[shop.seed, number]);
    let entry = *rng.weighted(&topology::JOURNEYS);
    let trace_id = rng.trace_id();
    let visitor = Arc::new(draw_visitor(&mut rng, number));
    let mut walk = Walk { shop, number, rng, trace_id, visitor, spans: Vec::new() };
    walk.serve(entry, None, at_ns);
    walk.spans
}

/// Retries after the first attempt, and the first wait before one; each further wait is twice as long.
const N_RETRIES: u32 = 3;
const BACKOFF_MS: f64 = 100.0;
/// One query in 40,000 and one outside request in 8,000 fail on an ordinary day.
const QUERY_FAILURE_CHANCE: f64 = 1.0 / 40_000.0;
const REQUEST_FAILURE_CHANCE: f64 = 1.0 / 8_000.0;
const CACHE_MISS_CHANCE: f64 = 0.1;
const N_PARTITIONS: u64 = 6;
/// No step takes longer: a bound on how long a trace can last.
const STEP_US_MAX: f64 = 4_000_000.0;

const RESET: Failure = Failure {
    status: 500,
    error_type: "ECONNRESET",
    message: "connection reset by peer",
    exception: Some("ConnectionResetError"),
};
const UNREACHABLE: Failure = Failure {
    status: 503,
    error_type: "503",
    message: "upstream answered 503 Service Unavailable",
    exception: Some("UpstreamUnavailableError"),
};
const SHED: Failure = Failure {
    status: 503,
    error_type: "com.shop.inventory.OverloadException",
    message: "worker pool exhausted, reservation shed",
    exception: Some("com.shop.inventory.OverloadException"),
};

/// A trace in the making.
struct Walk<'a> {
    shop: &'a Shop<'a>,
    number: u64,
    rng: Rng,
    trace_id: [u8; 16],
    visitor: Arc<Visitor>,
    spans: Vec<DemoSpan>,
}

/// Where a step runs: in which process, and under which span.
#[derive(Clone, Copy)]
struct Place {
    instance: Instance,
    span_id: [u8; 8],
    slowdown: f64,
}

/// When something ended, and how.
#[derive(Clone, Copy)]
struct Answer {
    end_ns: i64,
    failure: Option<Failure>,
}

impl Walk<'_> {
    fn serve(&mut self, operation: &'static Operation, caller: Option<[u8; 8]>, start_ns: i64) -> Answer {
        let place = self.place(operation.service, start_ns, self.slowdown_of(operation));
        let mut answer = if faults::sheds_load(self.fault_at(start_ns), operation, &mut self.rng) {
            Answer { end_ns: start_ns + self.draw_ns(60_000.0 * place.slowdown), failure: Some(SHED) }
        } else {
            self.steps(operation.steps, place, start_ns + 30_000)
        };
        if answer.failure.is_none() {
            answer.failure = operation.refusal.as_ref().and_then(|refusal| self.refuse(refusal));
        }
        answer.end_ns += 20_000;
        let parent = caller.map(|span_id| Parent { span_id, is_remote: true });
        self.push(place, place.span_id, parent, Activity::Serve(operation), start_ns, answer);
        answer
    }

    fn steps(&mut self, steps: &'static [Step], place: Place, start_ns: i64) -> Answer {
        let mut answer = Answer { end_ns: start_ns, failure: None };
        for step in steps {
            answer = self.step(step, place, answer.end_ns);
            if answer.failure.is_some() {
                break;
            }
        }
        answer
    }

    fn step(&mut self, step: &'static Step, place: Place, start_ns: i64) -> Answer {
        match step {
            Step::Work(us) => Answer { end_ns: start_ns + self.draw_ns(us * place.slowdown), failure: None },
            Step::Inside(name, us) => {
                let end_ns = start_ns + self.draw_ns(*us);
                self.child(place, Activity::Inside(name), start_ns, Answer { end_ns, failure: None })
            }
            Step::Call(to) => self.call(to, place, start_ns, 0).passed_on(),
            Step::CallWithRetries(to) => self.call_with_retries(to, place, start_ns).passed_on(),
            Step::Together(steps) => self.together(steps, place, start_ns),
            Step::Query(query) => self.query(query, place, start_ns),
            Step::Cached(query, otherwise) => self.cached(query, otherwise, place, start_ns),
            Step::Publish(topic) => self.publish(topic, place, start_ns),
            Step::Request(external) => self.request(external, place, start_ns).passed_on(),
        }
    }

    fn together(&mut self, steps: &'static [Step], place: Place, start_ns: i64) -> Answer {
        let mut slowest = Answer { end_ns: start_ns, failure: None };
        for (n_started, step) in (0..).zip(steps) {
            let answer = self.step(step, place, start_ns + n_started * 40_000);
            slowest.end_ns = slowest.end_ns.max(answer.end_ns);
            slowest.failure = slowest.failure.or(answer.failure);
        }
        slowest
    }

    fn call_with_retries(&mut self, to: &'static Operation, place: Place, start_ns: i64) -> Answer {
        let mut answer = self.call(to, place, start_ns, 0);
        for resend in 1..=N_RETRIES {
            if answer.failure.is_none_or(|failure| failure.status != 503) {
                break;
            }
            let wait_ms = BACKOFF_MS * f64::from(1 << (resend - 1)) * (0.5 + self.rng.unit());
            self.mark_retry(wait_ms as u32);
            answer = self.call(to, place, answer.end_ns + (wait_ms * 1e6) as i64, resend);
        }
        answer
    }

    /// The call just made is the last span; only now is it known that another attempt follows.
    fn mark_retry(&mut self, wait_ms: u32) {
        if let Some(DemoSpan { activity: Activity::Call(call), .. }) = self.spans.last_mut() {
            call.retry_in_ms = Some(wait_ms);
        }
    }

    /// The time on the network lies between the two spans, on both ways.
    fn call(&mut self, to: &'static Operation, place: Place, start_ns: i64, resend: u32) -> Answer {
        let span_id = self.rng.span_id();
        let arrival_ns = start_ns + self.draw_ns(250.0);
        let served = self.serve(to, Some(span_id), arrival_ns);
        let seen = served.failure.map(|failure| Failure { exception: None, ..failure });
        let answer = Answer { end_ns: served.end_ns + self.draw_ns(250.0), failure: seen };
        let activity = Activity::Call(Call { to, resend, retry_in_ms: None });
        self.push(place, span_id, Some(within(place)), activity, start_ns, answer);
        answer
    }

    fn query(&mut self, query: &'static Query, place: Place, start_ns: i64) -> Answer {
        let median_us = faults::query_latency_us(query, place.instance.is_released()) * place.slowdown;
        let end_ns = start_ns + self.draw_ns(median_us);
        let failure = self.rng.is_hit(QUERY_FAILURE_CHANCE).then_some(RESET);
        let answer = self.child(place, Activity::Query(query), start_ns, Answer { end_ns, failure });
        Answer { failure: answer.failure.map(|failure| Failure { exception: None, ..failure }), ..answer }
    }

    fn cached(
        &mut self,
        query: &'static Query,
        otherwise: &'static [Step],
        place: Place,
        start_ns: i64,
    ) -> Answer {
        let answer = self.query(query, place, start_ns);
        if answer.failure.is_none() && self.rng.is_hit(CACHE_MISS_CHANCE) {
            return self.steps(otherwise, place, answer.end_ns);
        }
        answer
    }

    fn request(&mut self, external: &'static External, place: Place, start_ns: i64) -> Answer {
        let tier = self.visitor.tier;
        let fails = faults::fails_outside(self.fault_at(start_ns), external, tier, &mut self.rng)
            || self.rng.is_hit(REQUEST_FAILURE_CHANCE);
        let end_ns = start_ns + self.draw_ns(external.latency_us);
        let failure = fails.then_some(UNREACHABLE);
        self.child(place, Activity::Request(external), start_ns, Answer { end_ns, failure })
    }

    /// Returns when the message is handed over; consumers take it up later and hold nobody up.
    fn publish(&mut self, topic: &'static Topic, place: Place, start_ns: i64) -> Answer {
        let message = Message { topic, partition: self.rng.below(N_PARTITIONS), offset: self.number };
        let answer = Answer { end_ns: start_ns + self.draw_ns(900.0), failure: None };
        let span_id = self.rng.span_id();
        self.push(place, span_id, Some(within(place)), Activity::Publish(message), start_ns, answer);
        for consumer in topic.consumers {
            let taken_up_ns = answer.end_ns + self.draw_ns(35_000.0);
            self.consume(message, consumer, span_id, taken_up_ns);
        }
        answer
    }

    fn consume(&mut self, message: Message, consumer: &'static Consumer, producer: [u8; 8], start_ns: i64) {
        let place = self.place(consumer.service, start_ns, 1.0);
        let mut answer = self.steps(consumer.steps, place, start_ns + 50_000);
        answer.end_ns += 50_000;
        let parent = Some(Parent { span_id: producer, is_remote: true });
        self.push(place, place.span_id, parent, Activity::Consume(message, consumer), start_ns, answer);
    }

    fn child(&mut self, place: Place, activity: Activity, start_ns: i64, answer: Answer) -> Answer {
        let span_id = self.rng.span_id();
        self.push(place, span_id, Some(within(place)), activity, start_ns, answer);
        answer
    }

    fn push(
        &mut self,
        place: Place,
        span_id: [u8; 8],
        parent: Option<Parent>,
        activity: Activity,
        start_ns: i64,
        answer: Answer,
    ) {
        self.spans.push(DemoSpan {
            trace_id: self.trace_id,
            span_id,
            parent,
            instance: place.instance,
            activity,
            start_ns,
            end_ns: answer.end_ns,
            failure: answer.failure,
            visitor: Arc::clone(&self.visitor),
        });
    }

    fn place(&mut self, service: &'static Service, at_ns: i64, slowdown: f64) -> Place {
        let number = self.rng.below(u64::from(service.n_instances)) as u32;
        let instance = instance_at(self.shop.script, service, number, at_ns);
        Place { instance, span_id: self.rng.span_id(), slowdown }
    }

    fn refuse(&mut self, refusal: &Refusal) -> Option<Failure> {
        let Refusal { chance, status, error_type, message } = *refusal;
        self.rng.is_hit(chance).then_some(Failure { status, error_type, message, exception: None })
    }

    fn slowdown_of(&self, operation: &Operation) -> f64 {
        if std::ptr::eq(operation, &topology::RESERVE) { self.shop.inventory_slowdown } else { 1.0 }
    }

    fn fault_at(&self, at_ns: i64) -> Option<Fault> {
        self.shop.script.active_at(at_ns)
    }

    /// A duration around a median given in microseconds; at least one microsecond.
    fn draw_ns(&mut self, median_us: f64) -> i64 {
        (self.rng.lognormal(median_us, 0.35).clamp(1.0, STEP_US_MAX) * 1_000.0) as i64
    }
}

impl Answer {
    fn passed_on(self) -> Answer {
        Answer { failure: self.failure.map(Failure::passed_on), ..self }
    }
}

fn within(place: Place) -> Parent {
    Parent { span_id: place.span_id, is_remote: false }
}

/// The copy of the service that runs as number `number` at that time.
pub(super) fn instance_at(script: &Script, service: &'static Service, number: u32, at_ns: i64) -> Instance {
    let is_rolled_out = std::ptr::eq(service, &topology::ORDERS) && number < N_RELEASED;
    let generation = if is_rolled_out { script.n_rollouts(at_ns) } else { 0 };
    Instance { service, number, generation }
}

fn draw_visitor(rng: &mut Rng, number: u64) -> Visitor {
    let tier = *rng.weighted(&[(55, "free"), (25, "pro"), (20, faults::FAILING_TIER)]);
    let (region, currency) =
        *rng.weighted(&[(45, ("eu-west", "EUR")), (35, ("us-east", "USD")), (20, ("ap-south", "INR"))]);
    let agent = *rng.weighted(&[
        (40, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        (45, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"),
        (15, "shop-android/6.1.0"),
    ]);
    Visitor {
        tier,
        region,
        user: rng.below(5_000),
        product: rng.below(400),
        order: 700_000 + number,
        n_items: 1 + rng.below(5),
        total_cents: 900 + rng.below(30_000),
        currency,
        address: format!("198.51.100.{}", 1 + rng.below(254)),
        agent,
    }
}
