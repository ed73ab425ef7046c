// The story of the client matrix, as tests/clients/python/story.py tells it. NodeSDK takes exporters, protocol and
// compression from the environment.
'use strict';

const { NodeSDK, metrics: sdkMetrics } = require('@opentelemetry/sdk-node');
const { context, metrics, trace, ROOT_CONTEXT, SpanKind, SpanStatusCode, ValueType } = require('@opentelemetry/api');
const { logs, SeverityNumber } = require('@opentelemetry/api-logs');

const nOrders = Number(process.argv[2]);
const start = BigInt(process.argv[3]);
const schemaUrl = 'https://opentelemetry.io/schemas/1.40.0';
const kinds = [SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER];

const exponential = {
  instrumentName: 'shop.latency',
  aggregation: { type: sdkMetrics.AggregationType.EXPONENTIAL_HISTOGRAM },
};
const sdk = new NodeSDK({ views: [exponential] });
sdk.start();

// The shortcut `trace.getTracer` leaves the schema out.
const tracer = trace.getTracerProvider().getTracer('shop', '1.2.3', { schemaUrl });
const logger = logs.getLogger('shop', '1.2.3', { schemaUrl });
const meter = metrics.getMeter('shop', '1.2.3', { schemaUrl });
const whole = { valueType: ValueType.INT };
const orders = meter.createCounter('shop.orders', { unit: '{order}', description: 'Orders taken', ...whole });
const revenue = meter.createCounter('shop.revenue', { unit: 'EUR' });
const stock = meter.createUpDownCounter('shop.stock', { unit: '{item}', ...whole });
const temperature = meter.createGauge('shop.temperature', { unit: 'Cel' });
const bounds = { explicitBucketBoundaries: [10, 50, 100] };
const value = meter.createHistogram('shop.value', { unit: 'EUR', advice: bounds });
const latency = meter.createHistogram('shop.latency', { unit: 's' });
const open = meter.createObservableGauge('shop.open', whole);
open.addCallback((result) => result.observe(3, { door: 'north' }));

// Seconds and nanoseconds, because a number cannot hold both.
function at(nanos) {
  const time = start + BigInt(nanos);
  return [Number(time / 1000000000n), Number(time % 1000000000n)];
}

// One order: a request, a step of it that names the order before, a log record, and measurements.
function order(number, previous) {
  const began = number * 1000000;
  const attributes = {
    'order.number': number,
    'order.big': 9007199254740991,
    'order.weight': number + 0.5,
    'order.express': number % 2 === 0,
    'order.note': 'caf\u00e9 \u{1f980} "quoted"\n',
    'order.tags': ['blue', 'fragile'],
    'order.sizes': [1, 2],
    'http.request.method': 'POST',
    'http.route': '/orders',
    'http.response.status_code': number % 5 === 0 ? 500 : 201,
  };
  const options = { kind: SpanKind.SERVER, attributes, startTime: at(began) };
  const span = tracer.startSpan('POST /orders', options, ROOT_CONTEXT);
  const within = trace.setSpan(ROOT_CONTEXT, span);
  span.addEvent('priced', { 'price.cents': 100 * number }, at(began + 500));
  if (number % 5 === 0) {
    span.addEvent('exception', { 'exception.type': 'NoPrice', 'exception.message': 'none' }, at(began + 600));
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no price' });
  } else if (number % 5 === 1) {
    span.setStatus({ code: SpanStatusCode.OK });
  }
  const links = previous ? [{ context: previous, attributes: { 'link.reason': 'after' } }] : [];
  const ofStep = { kind: kinds[number % 4], attributes: { 'order.number': number }, links, startTime: at(began + 100) };
  tracer.startSpan(`step ${number}`, ofStep, within).end(at(began + 200 + number));
  log(number, began + 700, within);
  context.with(within, () => measure(number));
  span.end(at(began + 1000 + number));
  return span.spanContext();
}

function log(number, time, within) {
  const failed = number % 5 === 0;
  logger.emit({
    timestamp: at(time),
    observedTimestamp: at(time + 50),
    context: within,
    severityNumber: failed ? SeverityNumber.ERROR : SeverityNumber.INFO,
    severityText: failed ? 'ERROR' : 'INFO',
    body: failed ? `order ${number} failed` : `order ${number} accepted`,
    attributes: { 'order.number': number, 'order.weight': number + 0.5, 'order.express': number % 2 === 0 },
  });
}

function measure(number) {
  orders.add(1, { channel: 'web' });
  revenue.add(number + 0.5, { channel: 'web' });
  stock.add(-2, { shelf: 'a' });
  temperature.record(20 + number / 2, { room: 'cellar' });
  value.record(10 * number, { channel: 'web', express: true });
  latency.record(number, { channel: 'web' });
}

// An event that belongs to no span, with a body that is a map and an attribute that is bytes.
function closing() {
  logger.emit({
    timestamp: at(0),
    observedTimestamp: at(50),
    context: ROOT_CONTEXT,
    severityNumber: SeverityNumber.WARN,
    severityText: 'WARN',
    eventName: 'shop.closed',
    body: { doors: ['a', 2, true] },
    attributes: { raw: new Uint8Array([0, 1, 254, 255]) },
  });
}

async function main() {
  const traceIds = [];
  let previous = null;
  for (let number = 1; number <= nOrders; number += 1) {
    previous = order(number, previous);
    traceIds.push(previous.traceId);
  }
  closing();
  await sdk.shutdown();
  console.log('DID ' + JSON.stringify({ trace_ids: traceIds }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
