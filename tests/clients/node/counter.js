// Counts through the SDK, as tests/clients/python/counter.py does.
'use strict';

const readline = require('readline');
const { diag, DiagLogLevel, ROOT_CONTEXT, ValueType } = require('@opentelemetry/api');
const { SeverityNumber } = require('@opentelemetry/api-logs');
const { BatchLogRecordProcessor, LoggerProvider } = require('@opentelemetry/sdk-logs');
const { MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
const { BatchSpanProcessor, TracerProvider } = require('@opentelemetry/sdk-trace');
const { defaultResource, detectResources, envDetector } = require('@opentelemetry/resources');

const kind = { 'http/protobuf': 'proto', 'http/json': 'http' }[process.env.OTEL_EXPORTER_OTLP_PROTOCOL];
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${kind}`);
const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${kind}`);
const { OTLPMetricExporter } = require(`@opentelemetry/exporter-metrics-otlp-${kind}`);

const perRequest = 5;
const patience = 120000;
const outcomes = {};

// The exporter, which remembers what became of each item.
function recorded(exporter, signal, numbers) {
  outcomes[signal] = { delivered: new Set(), failed: new Set() };
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) => send(items, (result) => {
    const outcome = result.code === 0 ? 'delivered' : 'failed';
    numbers(items).forEach((number) => outcomes[signal][outcome].add(number));
    done(result);
  });
  return exporter;
}

function numbersOfPoints(data) {
  const metrics = data.scopeMetrics.flatMap((scope) => scope.metrics);
  return metrics.flatMap((metric) => metric.dataPoints.map((point) => point.value));
}

function providers() {
  const resource = defaultResource().merge(detectResources({ detectors: [envDetector] }));
  const ofItem = (items) => items.map((item) => item.attributes.number);
  const spans = recorded(new OTLPTraceExporter(), 'spans', ofItem);
  const logs = recorded(new OTLPLogExporter(), 'logs', ofItem);
  const metrics = recorded(new OTLPMetricExporter(), 'metrics', numbersOfPoints);
  const batch = (exporter) => ({ exporter, exportTimeoutMillis: patience });
  const periods = { exportIntervalMillis: 10 * patience, exportTimeoutMillis: patience };
  const reader = new PeriodicExportingMetricReader({ exporter: metrics, ...periods });
  return {
    tracers: new TracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(batch(spans))] }),
    loggers: new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor(batch(logs))] }),
    meters: new MeterProvider({ resource, readers: [reader] }),
  };
}

function hearOfRetries() {
  const silent = () => {};
  const verbose = (message) => message.startsWith('Scheduling export retry') && console.log('RETRY');
  diag.setLogger({ error: silent, warn: silent, info: silent, debug: silent, verbose }, DiagLogLevel.ALL);
}

async function main() {
  const { tracers, loggers, meters } = providers();
  const [tracer, logger] = [tracers.getTracer('counter'), loggers.getLogger('counter')];
  const gauge = meters.getMeter('counter').createGauge('counter.number', { valueType: ValueType.INT });
  hearOfRetries();
  let stopped = false;
  const lines = readline.createInterface({ input: process.stdin });
  const go = new Promise((resolve) => { lines.once('line', resolve); });
  lines.once('close', () => { stopped = true; });
  console.log('READY');
  await go;
  let counted = 0;
  while (!stopped) {
    for (let number = counted; number < counted + perRequest; number += 1) {
      const attributes = { number };
      tracer.startSpan('counted', { attributes }, ROOT_CONTEXT).end();
      logger.emit({ severityNumber: SeverityNumber.INFO, body: 'counted', attributes, context: ROOT_CONTEXT });
      gauge.record(number, { slot: number % perRequest });
    }
    counted += perRequest;
    await tracers.forceFlush().catch(() => {});
    await loggers.forceFlush().catch(() => {});
    await meters.forceFlush({ timeoutMillis: patience }).catch(() => {});
  }
  await Promise.all([tracers.shutdown(), loggers.shutdown(), meters.shutdown()]);
  const account = { counted };
  for (const [signal, { delivered, failed }] of Object.entries(outcomes)) {
    account[signal] = { delivered: [...delivered], failed: [...failed] };
  }
  console.log('DID ' + JSON.stringify(account));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
