"""Spans for Zipkin, as real clients write them.

Takes N orders with OpenTelemetry's SDK and its Zipkin exporter, every fifth fails; then makes one call with
py_zipkin, whose server takes up the client's span under the client's id, as B3 headers have it. Prints as one
JSON line what it did, so that the test can compare each number with what arrived.
"""

import json
import sys
import threading

import requests
from opentelemetry import trace
from opentelemetry.exporter.zipkin.json import ZipkinExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode
from py_zipkin import Kind
from py_zipkin.zipkin import create_attrs_for_span, zipkin_span

ENDPOINT, N_ORDERS = sys.argv[1], int(sys.argv[2])

done = {"orders": 0, "failed": 0, "spans": [], "exports_failed": 0}


class Exporter(ZipkinExporter):
    """Counts what the server refused."""

    def export(self, spans):
        result = super().export(spans)
        done["exports_failed"] += result is not SpanExportResult.SUCCESS
        return result


def micros(nanos):
    """As the exporter rounds."""
    return (nanos + 500) // 1000


def account(span, name):
    context = span.get_span_context()
    done["spans"].append(
        {
            "name": name,
            "trace_id": format(context.trace_id, "032x"),
            "span_id": format(context.span_id, "016x"),
            "start_us": micros(span.start_time),
            "duration_us": micros(span.end_time - span.start_time),
        }
    )


def take_order(tracer, number):
    with tracer.start_as_current_span("POST /orders", kind=SpanKind.SERVER) as entry:
        entry.set_attribute("http.request.method", "POST")
        with tracer.start_as_current_span("charge", kind=SpanKind.CLIENT) as call:
            call.set_attribute("peer.service", "payments")
            call.set_attribute("order.number", number)
            call.set_attribute("order.express", number % 2 == 0)
            call.add_event("charged", {"cents": 100 * number, "currency": "EUR"})
            if number % 5 == 0:
                call.set_status(Status(StatusCode.ERROR, f"card of order {number} expired"))
                done["failed"] += 1
            else:
                done["orders"] += 1
    account(entry, "POST /orders")
    account(call, "charge")


def with_opentelemetry():
    resource = Resource.create(
        {"service.name": "zipkin-otel", "service.version": "9.8.7", "deployment.environment.name": "test"}
    )
    provider = TracerProvider(resource=resource)
    exporter = Exporter(endpoint=ENDPOINT, local_node_ipv4="127.0.0.1", local_node_port=8080)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    tracer = trace.get_tracer("shop.orders", "1.2.3")
    for number in range(1, N_ORDERS + 1):
        take_order(tracer, number)
    provider.shutdown()


def send(body):
    answer = requests.post(ENDPOINT, data=body, headers={"content-type": "application/json"}, timeout=10)
    assert (answer.status_code, answer.content) == (202, b""), answer.text


def serve(attrs):
    """The other side of the call, which knows what the headers say."""
    with zipkin_span("zipkin-stock", "serve", zipkin_attrs=attrs, transport_handler=send, kind=Kind.SERVER):
        with zipkin_span("zipkin-stock", "look up", binary_annotations={"shelf": "a"}) as span:
            span.add_annotation("found")


def with_py_zipkin():
    attrs = create_attrs_for_span(sample_rate=100.0)
    done["shared"] = {"trace_id": attrs.trace_id, "span_id": attrs.span_id}
    with zipkin_span(
        "zipkin-shop", "call", zipkin_attrs=attrs, transport_handler=send, kind=Kind.CLIENT, report_root_timestamp=True
    ) as call:
        call.add_sa_binary_annotation(port=443, service_name="zipkin-stock", host="10.1.2.3")
        server = threading.Thread(target=serve, args=(attrs,))
        server.start()
        server.join()


with_opentelemetry()
with_py_zipkin()
print("DID " + json.dumps(done), flush=True)
