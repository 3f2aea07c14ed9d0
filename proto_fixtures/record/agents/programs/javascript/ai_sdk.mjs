// Vercel's AI SDK: a tool call and its answer, a stream with a failing tool, an embedding, a refusal.
// The argument: v6 (spans of its own names, by experimental_telemetry), v7 (spans of the conventions, by @ai-sdk/otel), or
// v7-legacy (v7 with the old names).
import { createOpenAI } from '@ai-sdk/openai'
import { metrics } from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { detectResources, envDetector } from '@opentelemetry/resources'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { embed, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'

const which = process.argv[2]
const resource = detectResources({ detectors: [envDetector] })
const spans = new BatchSpanProcessor(new OTLPTraceExporter(), { maxExportBatchSize: 6 })
const tracerProvider = new NodeTracerProvider({ resource, spanProcessors: [spans] })
tracerProvider.register()
const reader = new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(), exportIntervalMillis: 60000 })
const meterProvider = new MeterProvider({ resource, readers: [reader] })
metrics.setGlobalMeterProvider(meterProvider)

const context = { sessionId: 'session-paris', userId: 'user-7' }
let telling = { experimental_telemetry: { isEnabled: true, functionId: 'weather_agent', metadata: context } }
if (which !== 'v6') {
  const { registerTelemetry } = await import('ai')
  const { LegacyOpenTelemetry, OpenTelemetry } = await import('@ai-sdk/otel')
  registerTelemetry(which === 'v7' ? new OpenTelemetry({ runtimeContext: true }) : new LegacyOpenTelemetry())
  const included = { includeRuntimeContext: { sessionId: true, userId: true } }
  telling = { telemetry: { isEnabled: true, functionId: 'weather_agent', ...included }, runtimeContext: context }
}

const openai = createOpenAI({})
const model = openai.chat('gpt-5-mini')
const inputSchema = jsonSchema({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'] })
const getWeather = tool({
  description: 'Tell the weather of a city.',
  inputSchema,
  execute: async ({ city }) => {
    if (city === 'Rome') throw new Error('no station in Rome')
    return `21 degrees in ${city}`
  },
})
const common = { model, tools: { get_weather: getWeather }, stopWhen: stepCountIs(3), maxRetries: 0, ...telling }

console.log((await generateText({ ...common, prompt: 'What is the weather in Paris?' })).text)
const streamed = streamText({ ...common, prompt: 'And the weather in Rome?' })
for await (const _ of streamed.textStream);
console.log(await streamed.text)
const embeddingModel = (openai.embeddingModel ?? openai.textEmbeddingModel)('text-embedding-3-small')
await embed({ model: embeddingModel, value: 'Paris', maxRetries: 0, ...telling })
try {
  await generateText({ ...common, prompt: 'Please overload: the weather in Oslo?' })
} catch (error) {
  console.log('refused:', error.name)
}
await tracerProvider.shutdown()
await meterProvider.shutdown()
