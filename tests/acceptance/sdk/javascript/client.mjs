// A shop that reports with the OpenTelemetry SDK for Node: for every order number on standard input one trace, two log
// records and three metrics, flushed before the number is repeated on standard output. Everything about the receiver comes
// from the standard OTEL_… variables; warnings of the SDK go to standard error.
import { createInterface } from 'node:readline';
import { DiagConsoleLogger, DiagLogLevel, SpanKind, SpanStatusCode, diag, metrics, trace } from '@opentelemetry/api';
import { SeverityNumber, logs } from '@opentelemetry/api-logs';
import { NodeSDK } from '@opentelemetry/sdk-node';

// The logger of the SDK writes to both streams; here standard output is for answers.
for (const level of ['log', 'info', 'warn', 'debug']) console[level] = console.error;
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
const sdk = new NodeSDK();
sdk.start();

const tracer = trace.getTracer('shop');
const logger = logs.getLogger('shop');
const meter = metrics.getMeter('shop');
const orders = meter.createCounter('orders', { unit: '{order}', valueType: 0 });
const durations = meter.createHistogram('checkout.duration', { unit: 'ms' });
const queue = meter.createGauge('queue.length', { valueType: 0 });

function sell(order) {
  logger.emit({ severityNumber: SeverityNumber.INFO, body: `order ${order} received` });
  const attributes = { 'order.id': order, 'cart.items': 3, 'cart.total': 59.5, 'customer.returning': true, tags: ['gift', 'express'] };
  tracer.startActiveSpan('checkout', { kind: SpanKind.SERVER, attributes }, (root) => {
    charge(order);
    root.end();
  });
  orders.add(2, { region: 'eu' });
  durations.record(12.5);
  durations.record(40.5);
  queue.record(7);
}

function charge(order) {
  tracer.startActiveSpan('charge card', { kind: SpanKind.CLIENT }, (span) => {
    span.addEvent('card declined', { attempt: 1 });
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'declined' });
    logger.emit({
      severityNumber: SeverityNumber.ERROR,
      severityText: 'ERROR',
      body: `card declined for order ${order}`,
      eventName: 'payment.failed',
      attributes: { 'order.id': order },
    });
    span.end();
  });
}

const providers = [trace.getTracerProvider(), logs.getLoggerProvider(), metrics.getMeterProvider()];
const flush = () => Promise.all(providers.map((provider) => (provider.getDelegate?.() ?? provider._getDelegate?.() ?? provider).forceFlush()));

for await (const line of createInterface({ input: process.stdin })) {
  sell(line.trim());
  await flush();
  process.stdout.write(`${line.trim()}\n`);
}
await sdk.shutdown();
