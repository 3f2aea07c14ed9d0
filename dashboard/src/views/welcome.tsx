// Nothing has come in yet: how to send the first telemetry, ready to paste, with the address that this page came from.

import { useState } from "preact/hooks";
import { Copy, Head, Panel, Tabs } from "../parts/basic";

interface Recipe {
  readonly name: string;
  readonly where: string;
  readonly text: (address: string) => string;
}

const environment = (address: string): string => `export OTEL_EXPORTER_OTLP_ENDPOINT=${address}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_SERVICE_NAME=my-agent`;

const RECIPES: readonly Recipe[] = [
  {
    name: "Python",
    where: "In a shell; no change to the program is needed.",
    text: (address) => `${environment(address)}
pip install opentelemetry-distro opentelemetry-exporter-otlp
opentelemetry-bootstrap -a install
opentelemetry-instrument python my_agent.py`,
  },
  {
    name: "JavaScript",
    where: "In a shell; no change to the program is needed.",
    text: (address) => `${environment(address)}
npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node
node --require @opentelemetry/auto-instrumentations-node/register my_agent.js`,
  },
  {
    name: "Go",
    where: "The exporter reads the environment:",
    text: (address) => `${environment(address)}

// go get go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp
exporter, err := otlptracehttp.New(ctx)
if err != nil {
    log.Fatal(err)
}
provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
defer provider.Shutdown(ctx)
otel.SetTracerProvider(provider)`,
  },
  {
    name: "Java",
    where: "In a shell, with the OpenTelemetry agent beside the program:",
    text: (address) => `${environment(address)}
java -javaagent:opentelemetry-javaagent.jar -jar my-agent.jar`,
  },
  {
    name: "Rust",
    where: "The exporter reads the environment:",
    text: (address) => `${environment(address)}

// cargo add opentelemetry opentelemetry_sdk
// cargo add opentelemetry-otlp --features http-proto,reqwest-blocking-client
let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder()
    .with_batch_exporter(exporter)
    .build();
opentelemetry::global::set_tracer_provider(provider.clone());`,
  },
  {
    name: "Collector",
    where: "In the Collector's configuration:",
    text: (address) => `exporters:
  otlphttp/otlpd:
    endpoint: ${address}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [otlphttp/otlpd]}
    metrics: {receivers: [otlp], exporters: [otlphttp/otlpd]}
    logs: {receivers: [otlp], exporters: [otlphttp/otlpd]}`,
  },
  {
    name: "Claude Code",
    where: "In the shell that starts claude:",
    text: (address) => `export CLAUDE_CODE_ENABLE_TELEMETRY=1
export OTEL_METRICS_EXPORTER=otlp
export OTEL_LOGS_EXPORTER=otlp
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_ENDPOINT=${address}
# Spans, and what was asked and answered:
export CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1
export OTEL_TRACES_EXPORTER=otlp
export OTEL_LOG_USER_PROMPTS=1
export OTEL_LOG_TOOL_DETAILS=1
claude`,
  },
  {
    name: "Codex",
    where: "In ~/.codex/config.toml:",
    text: (address) => `[otel]
log_user_prompt = true
exporter = { otlp-http = { endpoint = "${address}/v1/logs", protocol = "binary" } }
trace_exporter = { otlp-http = { endpoint = "${address}/v1/traces", protocol = "binary" } }
metrics_exporter = { otlp-http = { endpoint = "${address}/v1/metrics", protocol = "binary" } }`,
  },
  {
    name: "Gemini CLI",
    where: "In the shell that starts gemini:",
    text: (address) => `export GEMINI_TELEMETRY_ENABLED=true
export GEMINI_TELEMETRY_TARGET=local
export GEMINI_TELEMETRY_OTLP_PROTOCOL=http
export GEMINI_TELEMETRY_OTLP_ENDPOINT=${address}
export GEMINI_TELEMETRY_TRACES_ENABLED=true
gemini`,
  },
];

export function Welcome() {
  const [chosen, setChosen] = useState("Python");
  const recipe = RECIPES.find(({ name }) => name === chosen);
  const text = recipe?.text(location.origin) ?? "";
  return (
    <>
      <Head title="Nothing has come in yet" />
      <p class="lead">
        otlpd takes OTLP at this very address, over HTTP as protobuf or JSON. This page shows the first trace, log or metric as soon as it is stored.
      </p>
      <Panel>
        <Tabs label="What sends" tabs={RECIPES.map(({ name }) => [name, name] as const)} chosen={chosen} onChoose={setChosen} />
        <div class="recipe">
          <div class="panel-head">
            <span class="faint">{recipe?.where}</span>
            <div class="tools">
              <Copy text={text} />
            </div>
          </div>
          <pre tabIndex={0}>{text}</pre>
        </div>
      </Panel>
      <p class="faint">
        gRPC has a port of its own, 4317 unless it was set otherwise; where keys are in use, senders need{" "}
        <code>OTEL_EXPORTER_OTLP_HEADERS="x-api-key=…"</code>.
      </p>
    </>
  );
}
