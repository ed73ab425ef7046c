"""The OTLP exporters that OTEL_EXPORTER_OTLP_PROTOCOL asks for; everything else they read themselves."""

import os

PROTOCOL = os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"]

if PROTOCOL == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
elif PROTOCOL == "http/protobuf":
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
else:
    raise SystemExit(f"no exporter for {PROTOCOL}")

__all__ = ["OTLPLogExporter", "OTLPMetricExporter", "OTLPSpanExporter"]
