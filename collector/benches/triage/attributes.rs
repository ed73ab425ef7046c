//! Fifty attributes, as a shop of some years has them: segments, flags, places, sizes, and ids of everything.
//!
//! Values follow from the numbers of the trace and of the span alone, so that every run has the same ones.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};

pub(crate) const N_ATTRIBUTES: usize = ATTRIBUTES.len();
/// Places of the two that tell, together, who is hit.
pub(crate) const TIER: usize = 0;
pub(crate) const REGION: usize = 1;

/// What values an attribute has.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// One of so many words, the same for all spans of a trace.
    OfTrace(u64),
    /// One of so many words, drawn for each span.
    OfSpan(u64),
    Flag,
    /// A number below this one, drawn for each span.
    Number(u64),
    /// Of each trace its own, or of each span.
    TraceId,
    SpanId,
}

const ATTRIBUTES: [(&str, Kind); 50] = [
    ("tenant.tier", Kind::OfTrace(4)),
    ("customer.region", Kind::OfTrace(4)),
    ("customer.country", Kind::OfTrace(40)),
    ("customer.locale", Kind::OfTrace(20)),
    ("customer.currency", Kind::OfTrace(10)),
    ("tenant.id", Kind::OfTrace(900)),
    ("user.id", Kind::OfTrace(50_000)),
    ("session.id", Kind::TraceId),
    ("request.id", Kind::SpanId),
    ("order.id", Kind::TraceId),
    ("cart.id", Kind::TraceId),
    ("device.type", Kind::OfTrace(3)),
    ("device.model", Kind::OfTrace(300)),
    ("app.version", Kind::OfTrace(12)),
    ("app.build", Kind::OfTrace(60)),
    ("experiment.bucket", Kind::OfTrace(10)),
    ("campaign", Kind::OfTrace(25)),
    ("payment.method", Kind::OfTrace(4)),
    ("shipping.carrier", Kind::OfTrace(5)),
    ("warehouse", Kind::OfTrace(9)),
    ("flag.new_cart", Kind::Flag),
    ("flag.fast_path", Kind::Flag),
    ("flag.dark_mode", Kind::Flag),
    ("flag.bulk_prices", Kind::Flag),
    ("flag.express", Kind::Flag),
    ("flag.gift_cards", Kind::Flag),
    ("flag.loyalty", Kind::Flag),
    ("flag.split_orders", Kind::Flag),
    ("cache.hit", Kind::Flag),
    ("client.is_bot", Kind::Flag),
    ("network.protocol.version", Kind::OfSpan(3)),
    ("user_agent.name", Kind::OfTrace(8)),
    ("thread.name", Kind::OfSpan(32)),
    ("pool.name", Kind::OfSpan(3)),
    ("shard", Kind::OfSpan(16)),
    ("code.function.name", Kind::OfSpan(120)),
    ("code.file.path", Kind::OfSpan(60)),
    ("code.line.number", Kind::Number(900)),
    ("cart.items", Kind::Number(40)),
    ("cart.value", Kind::Number(90_000)),
    ("request.size", Kind::Number(20_000)),
    ("response.size", Kind::Number(400_000)),
    ("queue.depth", Kind::Number(64)),
    ("db.rows", Kind::Number(5_000)),
    ("retry.count", Kind::Number(2)),
    ("cpu.time_us", Kind::Number(30_000)),
    ("gc.pause_us", Kind::Number(4_000)),
    ("alloc.bytes", Kind::Number(9_000_000)),
    ("worker.id", Kind::OfSpan(200)),
    ("lease.id", Kind::SpanId),
];

/// All of a span; `trace` and `span` are numbers of their own.
pub(crate) fn attributes(trace: u64, span: u64) -> Vec<KeyValue> {
    let of = |(place, (key, kind)): (usize, &(&str, Kind))| pair(key, value(place, *kind, trace, span));
    ATTRIBUTES.iter().enumerate().map(of).collect()
}

/// Which of its words an attribute of a whole trace has.
pub(crate) fn word_of_trace(place: usize, trace: u64) -> u64 {
    match ATTRIBUTES[place].1 {
        Kind::OfTrace(n) => drawn(trace, place) % n,
        _ => 0,
    }
}

pub(crate) fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn value(place: usize, kind: Kind, trace: u64, span: u64) -> Value {
    let word = |number: u64| Value::StringValue(format!("value-{number}"));
    match kind {
        Kind::OfTrace(n) => word(drawn(trace, place) % n),
        Kind::OfSpan(n) => word(drawn(span, place) % n),
        Kind::Flag => Value::BoolValue(drawn(span, place) & 1 == 1),
        Kind::Number(n) => Value::IntValue((drawn(span, place) % n).cast_signed()),
        Kind::TraceId => Value::StringValue(format!("{:016x}", drawn(trace, place))),
        Kind::SpanId => Value::StringValue(format!("{:016x}", drawn(span, place))),
    }
}

fn drawn(number: u64, place: usize) -> u64 {
    mixed(number.wrapping_mul(64).wrapping_add(place as u64))
}

/// Spreads a number over all 64 bits.
pub(crate) fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
