// Tells the story with the OpenTelemetry SDK for JavaScript, through its own OTLP exporters.
// `node client.mjs TRANSPORT PART STORY`; the endpoint, the compression and the temporality come from the standard
// OTEL_EXPORTER_OTLP_… variables and nothing else does.
import { readFileSync } from 'node:fs';
import vm from 'node:vm';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, createTraceState, diag, DiagConsoleLogger, DiagLogLevel, trace } from '@opentelemetry/api';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { AggregationType, MeterProvider, PeriodicExportingMetricReader, createAllowListAttributesProcessor } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';

const PACKAGES = { grpc: 'grpc', 'http-protobuf': 'proto', 'http-json': 'http' };
const NEVER_MS = 2 ** 31 - 1;

const [transport, part, path] = process.argv.slice(2);
const story = JSON.parse(readFileSync(path, 'utf8'));
const resource = defaultResource().merge(resourceFromAttributes(story.resource));

async function exporter(signal, name) {
  const module = await import(`@opentelemetry/exporter-${signal}-otlp-${PACKAGES[transport]}`);
  return new module[name]();
}

// Bytes are written {"$hex": hex} in the story; all else stands for itself.
function native(value) {
  if (Array.isArray(value)) return value.map(native);
  if (value === null || typeof value !== 'object') return value;
  if ('$hex' in value) return new Uint8Array(Buffer.from(value.$hex, 'hex'));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, native(item)]));
}

function time(offset) {
  return [story.epoch_seconds + Math.floor(offset / 1e9), offset % 1e9];
}

function spanContext(span) {
  const traceState = span.trace_state ? createTraceState(span.trace_state) : undefined;
  return { traceId: span.trace_id, spanId: span.span_id, traceFlags: TraceFlags.SAMPLED, traceState };
}

function within(index) {
  return index == null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContext(story.spans[index]));
}

// The stack is part of what is recorded, and must not hold the path of the machine that recorded it.
function declined() {
  Error.stackTraceLimit = 1;
  const pay = vm.runInThisContext("(function pay() { throw new RangeError('card declined'); })", { filename: 'checkout.js' });
  try {
    return pay();
  } catch (error) {
    return error;
  }
}

async function sendTraces() {
  const spanIds = story.spans.map((span) => span.span_id);
  const traceIds = story.spans.filter((span) => !span.parent_span_id).map((span) => span.trace_id);
  const idGenerator = { generateSpanId: () => spanIds.shift(), generateTraceId: () => traceIds.shift() };
  const processor = new BatchSpanProcessor(await exporter('trace', 'OTLPTraceExporter'), { scheduledDelayMillis: NEVER_MS });
  const provider = new BasicTracerProvider({ resource, idGenerator, spanProcessors: [processor] });
  const started = new Map();
  for (const span of story.spans) {
    const scope = story.scopes[span.scope];
    const tracer = provider.getTracer(span.scope, scope.version, { schemaUrl: scope.schema_url });
    const parent = started.get(span.parent_span_id);
    let parentContext = parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    if (!parent && span.parent_span_id) {
      parentContext = trace.setSpanContext(ROOT_CONTEXT, { ...spanContext(span), spanId: span.parent_span_id, isRemote: true });
    }
    const options = {
      kind: SpanKind[span.kind.toUpperCase()],
      attributes: native(span.attributes),
      links: span.links.map((link) => ({ context: spanContext(link), attributes: native(link.attributes) })),
      startTime: time(span.start),
    };
    started.set(span.span_id, tracer.startSpan(span.name, options, parentContext));
  }
  for (const span of story.spans.toReversed()) finish(started.get(span.span_id), span);
  await provider.forceFlush();
}

function finish(live, span) {
  for (const event of span.events) live.addEvent(event.name, native(event.attributes), time(event.at));
  if ('exception_at' in span) live.recordException(declined(), time(span.exception_at));
  if (span.status.code !== 'unset') {
    live.setStatus({ code: SpanStatusCode[span.status.code.toUpperCase()], message: span.status.message || undefined });
  }
  live.end(time(span.start + span.duration));
}

async function sendLogs() {
  const processor = new BatchLogRecordProcessor({ exporter: await exporter('logs', 'OTLPLogExporter'), scheduledDelayMillis: NEVER_MS });
  const provider = new LoggerProvider({ resource, processors: [processor] });
  for (const log of story.logs) {
    const scope = story.scopes[log.scope];
    provider.getLogger(log.scope, scope.version, { schemaUrl: scope.schema_url }).emit({
      timestamp: time(log.at),
      observedTimestamp: time(log.observed_at),
      context: within(log.span),
      severityNumber: log.severity_number,
      severityText: log.severity_text || undefined,
      body: native(log.body) ?? undefined,
      attributes: native(log.attributes),
      eventName: log.event_name || undefined,
      exception: log.exception ? declined() : undefined,
    });
  }
  await provider.forceFlush();
}

function view(instrument) {
  if (instrument.kind === 'exponential_histogram') {
    return { instrumentName: instrument.name, aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } };
  }
  return instrument.keep && { instrumentName: instrument.name, attributesProcessors: [createAllowListAttributesProcessor(instrument.keep)] };
}

async function sendMetrics() {
  const reader = new PeriodicExportingMetricReader({
    exporter: await exporter('metrics', 'OTLPMetricExporter'),
    exportIntervalMillis: NEVER_MS,
  });
  const provider = new MeterProvider({ resource, readers: [reader], views: story.instruments.map(view).filter(Boolean) });
  const [name, scope] = Object.entries(story.scopes)[0];
  const meter = provider.getMeter(name, scope.version, { schemaUrl: scope.schema_url });
  let round = 0;
  const recorders = story.instruments.map((one) => [one, instrument(meter, one, () => one.rounds[round])]);
  for (round = 0; round < 2; round += 1) {
    for (const [one, record] of recorders) {
      for (const point of record ? one.rounds[round] : []) record(point.value, point.attributes, within(point.span));
    }
    await provider.forceFlush();
  }
}

// Makes the instrument; gives the function that records into it, or undefined where the SDK asks (observable ones).
function instrument(meter, one, points) {
  const kind = one.kind.replace('exponential_', '');
  const method = `create${kind.split('_').map((word) => word[0].toUpperCase() + word.slice(1)).join('')}`;
  const made = meter[method](one.name, {
    unit: one.unit,
    description: one.description,
    valueType: one.number === 'int' ? 0 : 1,
    advice: one.bounds ? { explicitBucketBoundaries: one.bounds } : undefined,
  });
  if (kind.startsWith('observable')) {
    made.addCallback((result) => points().forEach((point) => result.observe(point.value, point.attributes)));
    return undefined;
  }
  return (made.record ?? made.add).bind(made);
}

diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
await ({ traces: sendTraces, logs: sendLogs }[part] ?? sendMetrics)();
process.exit(0);
