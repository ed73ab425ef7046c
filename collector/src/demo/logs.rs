//! What the shop's services write down while they work, tied to the span they were working on.
//!
//! Derived from finished spans only, so that the log of a trace is as repeatable as the trace. Levels follow
//! what a careful team would choose: errors where a failure began, warnings where one was coped with.

use super::attributes::{self, double, int, text};
use super::faults::{N_RELEASED, Script};
use super::span::{Activity, Call, DemoSpan, Failure, Instance, Message};
use super::topology::{self, Operation, Query};
use super::unfold::instance_at;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};

#[derive(Clone, Debug)]
pub(super) struct DemoLog {
    pub instance: Instance,
    pub record: LogRecord,
}

/// Statements slower than this are written down.
const SLOW_STATEMENT_NS: i64 = 400_000_000;

pub(super) fn of_span(span: &DemoSpan) -> Vec<DemoLog> {
    let line = match (span.activity, span.failure) {
        (_, Some(failure)) if failure.exception.is_some() => thrown(failure),
        (Activity::Call(call), Some(failure)) => call_failed(&call, failure),
        (Activity::Query(query), None) if span.duration_ns() > SLOW_STATEMENT_NS => {
            slow_statement(query, span)
        }
        (Activity::Serve(operation), failure) => return served(operation, failure, span),
        (Activity::Publish(message), None) => published(&message, span),
        (Activity::Consume(message, _), None) => consumed(&message, span),
        _ => return Vec::new(),
    };
    vec![line.about(span)]
}

/// Lines of instances that start because of a release or its withdrawal after `from_ns` and up to `to_ns`.
pub(super) fn of_rollouts(script: &Script, from_ns: i64, to_ns: i64) -> Vec<DemoLog> {
    let edges =
        script.windows(to_ns.saturating_add(1)).into_iter().flat_map(|window| [window.from_ns, window.to_ns]);
    let new = edges.filter(|at| (from_ns + 1..=to_ns).contains(at));
    let is_rollout = |at: &i64| script.n_rollouts(*at) != script.n_rollouts(at - 1);
    let starts = new.filter(is_rollout).flat_map(|at| (0..N_RELEASED).map(move |number| (at, number)));
    starts.map(|(at, number)| started(instance_at(script, &topology::ORDERS, number, at), at)).collect()
}

/// A log record before it knows its span and time.
struct Line {
    severity: SeverityNumber,
    body: Value,
    event_name: &'static str,
    attributes: Vec<KeyValue>,
}

impl Line {
    fn new(severity: SeverityNumber, body: impl Into<String>) -> Line {
        Line { severity, body: Value::StringValue(body.into()), event_name: "", attributes: Vec::new() }
    }

    fn with(mut self, attributes: impl IntoIterator<Item = KeyValue>) -> Line {
        self.attributes.extend(attributes);
        self
    }

    fn about(self, span: &DemoSpan) -> DemoLog {
        let mut log = self.at(span.instance, span.end_ns - span.duration_ns() / 100);
        log.record.trace_id = span.trace_id.to_vec();
        log.record.span_id = span.span_id.to_vec();
        log.record.flags = 1;
        log
    }

    fn at(self, instance: Instance, at_ns: i64) -> DemoLog {
        let record = LogRecord {
            time_unix_nano: at_ns.unsigned_abs(),
            observed_time_unix_nano: at_ns.unsigned_abs(),
            severity_number: self.severity.into(),
            severity_text: severity_text(self.severity).to_owned(),
            body: Some(AnyValue { value: Some(self.body) }),
            attributes: self.attributes,
            event_name: self.event_name.to_owned(),
            ..LogRecord::default()
        };
        DemoLog { instance, record }
    }
}

fn severity_text(severity: SeverityNumber) -> &'static str {
    match severity {
        SeverityNumber::Debug => "DEBUG",
        SeverityNumber::Warn => "WARN",
        SeverityNumber::Error => "ERROR",
        _ => "INFO",
    }
}

fn thrown(failure: Failure) -> Line {
    let exception = failure.exception.unwrap_or(failure.error_type);
    Line::new(SeverityNumber::Error, format!("{exception}: {}", failure.message))
        .with([text("exception.type", exception), text("exception.message", failure.message)])
}

fn call_failed(call: &Call, failure: Failure) -> Line {
    let (callee, status) = (call.to.service.name, failure.status);
    let (severity, body) = match call.retry_in_ms {
        Some(wait_ms) => {
            let attempt = call.resend + 1;
            (
                SeverityNumber::Warn,
                format!("{callee} answered {status}, attempt {attempt}, retrying in {wait_ms} ms"),
            )
        }
        None if failure.is_fault() => {
            (SeverityNumber::Error, format!("{callee} answered {status}, giving up"))
        }
        None => (SeverityNumber::Info, format!("{callee} refused: {}", failure.message)),
    };
    Line::new(severity, body).with([text("peer", callee), int("status", status)])
}

fn slow_statement(query: &Query, span: &DemoSpan) -> Line {
    let ms = span.duration_ns() / 1_000_000;
    Line::new(
        SeverityNumber::Warn,
        format!("slow statement on {}: {ms} ms: {}", query.store.name, query.text),
    )
    .with([text("server.address", query.store.name), double("duration_ms", span.duration_s() * 1e3)])
}

/// The front door keeps an access log; the others speak up when debugging or on trouble.
fn served(operation: &Operation, failure: Option<Failure>, span: &DemoSpan) -> Vec<DemoLog> {
    let status = failure.map_or(200, |failure| failure.status);
    let ms = span.duration_s() * 1e3;
    let line = if span.parent.is_none() {
        Line::new(SeverityNumber::Info, format!("{} {status} {ms:.1} ms", operation.name())).with([
            text("shop.tenant.tier", span.visitor.tier),
            int("status", status),
            double("duration_ms", ms),
        ])
    } else if std::ptr::eq(operation, &topology::CHARGE) && failure.is_none() {
        charged(span)
    } else if span.is_error() {
        Line::new(SeverityNumber::Error, format!("{} failed with {status}", operation.name()))
    } else if span.visitor.user.is_multiple_of(10) {
        Line::new(SeverityNumber::Debug, format!("{} done in {ms:.1} ms", operation.name()))
    } else {
        return Vec::new();
    };
    vec![line.about(span)]
}

fn charged(span: &DemoSpan) -> Line {
    let visitor = &span.visitor;
    let body = attributes::map(vec![
        text("message", "charge accepted"),
        int("amount_cents", visitor.total_cents),
        text("currency", visitor.currency),
        text("region", visitor.region),
    ]);
    Line { severity: SeverityNumber::Info, body, event_name: "", attributes: Vec::new() }
}

fn published(message: &Message, span: &DemoSpan) -> Line {
    let visitor = &span.visitor;
    let body = attributes::map(vec![
        text("message", "order placed"),
        int("order_id", visitor.order),
        int("total_cents", visitor.total_cents),
        text("currency", visitor.currency),
        attributes::nested("items", vec![int("n", visitor.n_items), int("first_product", visitor.product)]),
    ]);
    Line { severity: SeverityNumber::Info, body, event_name: "shop.order.placed", attributes: Vec::new() }
        .with([text("messaging.destination.name", message.topic.name)])
}

fn consumed(message: &Message, span: &DemoSpan) -> Line {
    let (topic, partition) = (message.topic.name, message.partition);
    Line::new(SeverityNumber::Info, format!("handled {topic} for order {}", span.visitor.order))
        .with([int("messaging.kafka.offset", message.offset), int("partition", partition)])
}

fn started(instance: Instance, at_ns: i64) -> DemoLog {
    let (name, version) = (instance.service.name, instance.version());
    Line::new(SeverityNumber::Info, format!("started {name} {version}"))
        .with([text("service.version", version)])
        .at(instance, at_ns)
}
