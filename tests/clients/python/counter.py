"""Counts through the SDK: numbered spans, log records and points, one request at a time, until standard input ends.

Says READY, waits for a line, and says RETRY whenever an exporter is about to try again. In the end it prints as one
JSON line how far it counted, and the numbers that the exporters reported as delivered and as failed.
Node and Rust count likewise; `tests/clients/counter.rs` listens.
"""

import json
import logging
import sys
import threading

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from exporters import OTLPLogExporter, OTLPMetricExporter, OTLPSpanExporter

PER_REQUEST = 5
outcomes = {signal: {"delivered": set(), "failed": set()} for signal in ("spans", "logs", "metrics")}


class Notice(logging.Handler):
    """Passes on that an exporter tries again."""

    def emit(self, record):
        if str(record.msg).startswith("Transient error"):
            print("RETRY", flush=True)


def hear_of_retries():
    logging.getLogger("opentelemetry.exporter").addHandler(Notice())
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("opentelemetry.exporter"):
            # They say what repeats only every 20 seconds.
            logging.getLogger(name).filters.clear()


def recorded(exporter, signal, numbers):
    """The exporter, which remembers what became of each item."""

    class Recorded(exporter):
        def export(self, items, *args, **kwargs):
            result = super().export(items, *args, **kwargs)
            outcome = "delivered" if result.name == "SUCCESS" else "failed"
            outcomes[signal][outcome].update(numbers(items))
            return result

    return Recorded()


def numbers_of_points(data):
    metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
    return [point.value for metric in metrics for point in metric.data.data_points]


def providers():
    tracers, loggers = TracerProvider(), LoggerProvider()
    spans = recorded(OTLPSpanExporter, "spans", lambda spans: [span.attributes["number"] for span in spans])
    tracers.add_span_processor(BatchSpanProcessor(spans))
    logs = recorded(OTLPLogExporter, "logs", lambda logs: [log.log_record.attributes["number"] for log in logs])
    loggers.add_log_record_processor(BatchLogRecordProcessor(logs))
    metrics = recorded(OTLPMetricExporter, "metrics", numbers_of_points)
    return tracers, loggers, MeterProvider([PeriodicExportingMetricReader(metrics)])


def main():
    tracers, loggers, meters = providers()
    tracer, logger = tracers.get_tracer("counter"), loggers.get_logger("counter")
    gauge = meters.get_meter("counter").create_gauge("counter.number")
    hear_of_retries()
    print("READY", flush=True)
    sys.stdin.readline()
    stopped = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
    counted = 0
    while not stopped.is_set():
        for number in range(counted, counted + PER_REQUEST):
            tracer.start_span("counted", attributes={"number": number}).end()
            logger.emit(LogRecord(severity_number=SeverityNumber.INFO, body="counted", attributes={"number": number}))
            gauge.set(number, {"slot": number % PER_REQUEST})
        counted += PER_REQUEST
        for provider in (tracers, loggers, meters):
            provider.force_flush(120_000)
    for provider in (tracers, loggers, meters):
        provider.shutdown()
    sorted_outcomes = {signal: {k: sorted(v) for k, v in each.items()} for signal, each in outcomes.items()}
    print("DID " + json.dumps({"counted": counted, **sorted_outcomes}), flush=True)


main()
