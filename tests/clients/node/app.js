// A small HTTP service under @opentelemetry/sdk-node, configured by the usual environment variables.
// Serves N requests to itself, every fourth fails, and prints as one JSON line what it did.
'use strict';

const { NodeSDK } = require('@opentelemetry/sdk-node');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');

const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation()] });
sdk.start();

const http = require('http');
const { trace, metrics, SpanStatusCode } = require('@opentelemetry/api');
const { logs, SeverityNumber } = require('@opentelemetry/api-logs');

const nRequests = Number(process.argv[2]);
const tracer = trace.getTracer('quotes', '2.0.0');
const logger = logs.getLogger('quotes', '2.0.0');
const meter = metrics.getMeter('quotes', '2.0.0');
const quotes = meter.createCounter('quotes.served', { unit: '{quote}' });
const length = meter.createHistogram('quotes.length', { unit: 'By' });
const did = { served: 0, failed: 0, length_sum: 0, logs: 0, trace_ids: [], statuses: {} };

function quote(number, response) {
  tracer.startActiveSpan('pick quote', (span) => {
    did.trace_ids.push(span.spanContext().traceId);
    span.setAttributes({ 'quote.number': number, 'quote.big': 9007199254740991, 'quote.rare': number % 2 === 1 });
    span.setAttribute('quote.words', ['one', 'two']);
    span.addEvent('picked', { shelf: 'b' });
    if (number % 4 === 0) {
      did.failed += 1;
      span.recordException(new Error(`quote ${number} is missing`));
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'missing' });
      response.statusCode = 500;
    } else {
      did.served += 1;
      did.length_sum += 10 * number;
      quotes.add(1, { kind: 'short' });
      length.record(10 * number, { kind: 'short' });
      logger.emit({
        severityNumber: SeverityNumber.WARN,
        severityText: 'WARN',
        body: { quote: number, text: 'served' },
        attributes: { 'quote.number': number },
      });
      did.logs += 1;
    }
    span.end();
    response.end(String(number));
  });
}

function get(port, number) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, path: `/quotes/${number}` }, (response) => {
      did.statuses[response.statusCode] = (did.statuses[response.statusCode] || 0) + 1;
      response.resume();
      response.on('end', resolve);
    }).on('error', reject);
  });
}

async function main() {
  const server = http.createServer((request, response) => {
    quote(Number(request.url.split('/').pop()), response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  for (let number = 1; number <= nRequests; number += 1) {
    await get(server.address().port, number);
  }
  await new Promise((resolve) => server.close(resolve));
  await sdk.shutdown();
  console.log('DID ' + JSON.stringify(did));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
