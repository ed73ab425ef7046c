"""The story of the client matrix: N orders, told in spans, log records and metrics that are known to the last value.

Takes N and the start in Unix nanoseconds, exports once, and prints as one JSON line the ids of its traces.
Node and Rust tell the same story; `tests/clients/story.rs` has the rows that it makes.
"""

import json
import sys

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from exporters import OTLPLogExporter, OTLPMetricExporter, OTLPSpanExporter

N_ORDERS, START = int(sys.argv[1]), int(sys.argv[2])
SCOPE = ("shop", "1.2.3")
SCHEMA = "https://opentelemetry.io/schemas/1.40.0"
KINDS = [SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER]

tracers, loggers = TracerProvider(), LoggerProvider()
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
exponential = View(instrument_name="shop.latency", aggregation=ExponentialBucketHistogramAggregation())
meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], views=[exponential])
tracer = tracers.get_tracer(*SCOPE, schema_url=SCHEMA)
logger = loggers.get_logger(*SCOPE, schema_url=SCHEMA)
meter = meters.get_meter(*SCOPE, schema_url=SCHEMA)

orders = meter.create_counter("shop.orders", unit="{order}", description="Orders taken")
revenue = meter.create_counter("shop.revenue", unit="EUR")
stock = meter.create_up_down_counter("shop.stock", unit="{item}")
temperature = meter.create_gauge("shop.temperature", unit="Cel")
value = meter.create_histogram("shop.value", unit="EUR", explicit_bucket_boundaries_advisory=[10.0, 50.0, 100.0])
latency = meter.create_histogram("shop.latency", unit="s")
meter.create_observable_gauge("shop.open", [lambda _: [Observation(3, {"door": "north"})]])


def order(number, previous):
    """One order: a request, a step of it that names the order before, a log record, and measurements."""
    at = START + number * 1_000_000
    attributes = {
        "order.number": number,
        "order.big": 9007199254740991,
        "order.weight": number + 0.5,
        "order.express": number % 2 == 0,
        "order.note": 'caf\u00e9 \U0001f980 "quoted"\n',
        "order.tags": ["blue", "fragile"],
        "order.sizes": [1, 2],
        "http.request.method": "POST",
        "http.route": "/orders",
        "http.response.status_code": 500 if number % 5 == 0 else 201,
    }
    span = tracer.start_span("POST /orders", kind=SpanKind.SERVER, attributes=attributes, start_time=at)
    context = trace.set_span_in_context(span)
    span.add_event("priced", {"price.cents": 100 * number}, timestamp=at + 500)
    if number % 5 == 0:
        span.add_event("exception", {"exception.type": "NoPrice", "exception.message": "none"}, timestamp=at + 600)
        span.set_status(Status(StatusCode.ERROR, "no price"))
    elif number % 5 == 1:
        span.set_status(Status(StatusCode.OK))
    links = [Link(previous, {"link.reason": "after"})] if previous else []
    step = tracer.start_span(
        f"step {number}", context, KINDS[number % 4], {"order.number": number}, links, start_time=at + 100
    )
    step.end(at + 200 + number)
    log(number, at + 700, context)
    measure(number, context)
    span.end(at + 1_000 + number)
    return span.get_span_context()


def log(number, at, context):
    failed = number % 5 == 0
    logger.emit(
        LogRecord(
            timestamp=at,
            observed_timestamp=at + 50,
            context=context,
            severity_number=SeverityNumber.ERROR if failed else SeverityNumber.INFO,
            severity_text="ERROR" if failed else "INFO",
            body=f"order {number} failed" if failed else f"order {number} accepted",
            attributes={"order.number": number, "order.weight": number + 0.5, "order.express": number % 2 == 0},
        )
    )


def measure(number, context):
    orders.add(1, {"channel": "web"}, context)
    revenue.add(number + 0.5, {"channel": "web"}, context)
    stock.add(-2, {"shelf": "a"}, context)
    temperature.set(20 + number / 2, {"room": "cellar"}, context)
    value.record(10.0 * number, {"channel": "web", "express": True}, context)
    latency.record(float(number), {"channel": "web"}, context)


def closing():
    """An event that belongs to no span, with a body that is a map and an attribute that is bytes."""
    logger.emit(
        LogRecord(
            timestamp=START,
            observed_timestamp=START + 50,
            severity_number=SeverityNumber.WARN,
            severity_text="WARN",
            event_name="shop.closed",
            body={"doors": ["a", 2, True]},
            attributes={"raw": b"\x00\x01\xfe\xff"},
        )
    )


def main():
    previous, trace_ids = None, []
    for number in range(1, N_ORDERS + 1):
        previous = order(number, previous)
        trace_ids.append(format(previous.trace_id, "032x"))
    closing()
    tracers.shutdown()
    loggers.shutdown()
    meters.shutdown()
    print("DID " + json.dumps({"trace_ids": trace_ids}), flush=True)


main()
