// One agent: how it runs over time, what it spends by model, its tools, failures and versions, and whom it works with.

import { useMemo } from "preact/hooks";
import { type AnyQuestion, type Schemas, urlOf } from "../api/client";
import { useAnswer, useList, useUrl } from "../api/hooks";
import { useTick } from "../api/live";
import { Graph, type GraphEdge, type GraphNode } from "../agents/graph";
import { NoAgents } from "../agents/nothing";
import { hoursOf, lineOf, type Steps, timesOf } from "../agents/series";
import { AgentName, Cost, FactCost, FactStatus, Missing, missingOf, type Fact, ToTrace } from "../agents/shown";
import { ANY_FAILED, COST, ERRORS, FIRST_TOKEN, groupOf, LLM_CALLS, LLM_FAILED, named, P50, P95, RUNS, TOKENS_IN, TOKENS_OUT, TOOL_CALLS, TOOL_FAILED, UNPRICED, UsageTable } from "../agents/sums";
import { count, duration, money, percent, plural, short } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Figure, Head, Notice, Panel, When } from "../parts/basic";
import { Chart } from "../parts/chart";
import { type Range, RangePicker, useRange } from "../parts/range";
import { type Column, Table } from "../parts/table";
import { type Address, link } from "../routing";
import "../agents/agents.css";

type Detail = Schemas["AgentDetail"];
const USUAL = "-7d";
const MOST_DRAWN = 7;
/** Lines beside each other differ more than the colours that names happen to have. */
const HUES = [0, 2, 11, 3, 7, 5, 8].map((hue) => `--hue-${hue}`);

export default function Agent({ address: { path } }: { address: Address }) {
  const name = path[1] ?? "";
  const range = useRange(USUAL);
  const tick = useTick(range.end === undefined, ["trace", "log"], 3000);
  const asked = useUrl<Detail>(urlOf(`/api/agents/${encodeURIComponent(name)}/summary`, { ...range } as AnyQuestion), tick);
  const around = { start: range.start ?? "all", end: range.end, agent: name };
  return (
    <>
      <Head
        title={<><a href={link("agents")} class="faint">Agents /</a> <AgentName name={name} /></>}
        tools={<><RangePicker usual={USUAL} /><Curl url={asked.url} /></>}
      >
        {asked.data && <Origin agent={asked.data} />}
      </Head>
      {asked.error?.status === 404 ? (
        <NoAgents what={`activity of ${name}`} range={range} />
      ) : (
        <Answered asked={asked}>{(agent) => <Whole agent={agent} range={range} around={around} tick={tick} />}</Answered>
      )}
    </>
  );
}

function Origin({ agent }: { agent: Detail }) {
  return (
    <span class="faint">
      {agent.version !== null && `version ${agent.version} · `}
      {agent.services.length > 0 && `${agent.services.join(", ")} · `}
      {agent.environment !== null && `${agent.environment} · `}
      last seen <When at={agent.last_seen} relative />
    </span>
  );
}

interface Part {
  readonly agent: Detail;
  readonly range: Range;
  readonly around: Readonly<{ start: string; end: string | undefined; agent: string }>;
  readonly tick: number;
}

function Whole(part: Part) {
  const { agent } = part;
  if (agent.told_by === "metrics") return <ByMetrics agent={agent} />;
  return (
    <>
      <Figures {...part} />
      <Missing told={missingOf(agent)} />
      <OverTime {...part} />
      <div class="columns">
        <Panel title="Models: tokens and cost" wide>
          <UsageTable label="Models" rows={agent.models} columns={[named("model", "Model", "no model name"), LLM_CALLS, LLM_FAILED, P50, P95, FIRST_TOKEN, TOKENS_IN, TOKENS_OUT, COST, UNPRICED]} hrefOf={(usage) => link("llm-calls", { ...part.around, model: groupOf(usage, "model") })} />
        </Panel>
        <Panel title="Tools">
          <UsageTable label="Tools" rows={agent.tools} columns={[named("tool", "Tool", "no tool name"), TOOL_CALLS, TOOL_FAILED, P50, P95]} hrefOf={(usage) => link("tools", { ...part.around, tool: groupOf(usage, "tool") })} />
        </Panel>
        <Panel title="Failures">
          <UsageTable label="Failures" rows={agent.errors_by_type} columns={[named("error_type", "Type", "no type told"), ERRORS, { ...RUNS, title: "of runs" }, { ...LLM_CALLS, title: "of calls", cell: (usage) => count(usage.llm_errors + usage.tool_errors) }]} hrefOf={(usage) => link("errors", { ...part.around, error_type: groupOf(usage, "error_type") })} />
        </Panel>
      </div>
      <Company {...part} />
      <div class="columns">
        <Versions {...part} />
        <Runs {...part} />
      </div>
    </>
  );
}

function ByMetrics({ agent }: { agent: Detail }) {
  return (
    <>
      <Notice title="Only metrics tell of this agent">
        <p>No span and no log of its calls has come, so there are no runs, sessions or conversations to show. Its metrics say:</p>
      </Notice>
      <Panel title="What its metrics count">
        <Table
          label="Metrics of the agent"
          columns={[
            { name: "measure", title: "Measure", cell: ([measure]) => measure, value: ([measure]) => measure, wide: true },
            { name: "value", title: "Sum", cell: ([, value]) => short(value), value: ([, value]) => value, numeric: true },
          ]}
          items={Object.entries(agent.metrics)}
          keyOf={([measure]) => measure}
        />
      </Panel>
    </>
  );
}

function Figures({ agent, around }: Part) {
  return (
    <div class="figures">
      <Figure label="Runs" value={short(agent.runs)} note={plural(agent.sessions, "session")} href={link("sessions", around)} />
      <Figure label="Failed" value={<span class={agent.errors ? "bad" : ""}>{percent(agent.error_rate)}</span>} note={`${count(agent.run_errors)} runs, ${count(agent.llm_errors)} LLM, ${count(agent.tool_errors)} tool`} href={link("errors", around)} />
      <Figure label={agent.runs ? "Run p50" : "LLM call p50"} value={duration(agent.p50_ms)} note={`p95 ${duration(agent.p95_ms)}`} />
      <Figure label="LLM calls" value={short(agent.llm_calls)} note={agent.llm_calls_per_run === null ? "" : `${short(agent.llm_calls_per_run)} a run`} href={link("llm-calls", around)} />
      <Figure label="Tool calls" value={short(agent.tool_calls)} note={agent.tool_calls_per_run === null ? "" : `${short(agent.tool_calls_per_run)} a run`} href={link("tools", around)} />
      <Figure label="Tokens" value={short(agent.total_tokens)} note={`${percent(agent.cache_hit_ratio)} of input cached`} />
      <Figure label="Cost" value={<Cost sums={agent} />} note={agent.cache_saving_usd > 0 ? `${money(agent.cache_saving_usd)} saved by caching` : `${money(agent.reported_cost_usd)} reported`} />
    </div>
  );
}

function OverTime({ agent, range, around, tick }: Part) {
  const every = hoursOf(range);
  const asked = useAnswer("/api/usage", { ...range, agent: around.agent, interval: every.text, percentiles_of: agent.runs ? "agent_run" : "llm_call", limit: 1000 }, tick);
  const byModel = useAnswer("/api/usage", { ...range, agent: around.agent, interval: every.text, group_by: "model", limit: 1000 }, tick);
  const shown = useMemo(() => lines(asked.data ?? [], byModel.data ?? [], timesOf(range, agent.first_seen, every), agent.runs > 0), [asked.data, byModel.data]);
  const edges = { from: shown.times[0] ?? 0, to: (shown.times.at(-1) ?? 0) + every.ms / 1000 };
  return (
    <div class="columns">
      <Panel title={`${agent.runs ? "Runs" : "LLM calls"} and failures ${perHours(every)}`} tools={<Curl url={asked.url} />}>
        <Chart label="Runs and failures over time" times={shown.times} lines={shown.rate} format={short} {...edges} />
      </Panel>
      <Panel title={`How long ${agent.runs ? "runs" : "LLM calls"} take`}>
        <Chart label="Percentiles of durations over time" times={shown.times} lines={shown.slow} format={duration} {...edges} />
      </Panel>
      <Panel title={`Tokens by model ${perHours(every)}`} tools={<Curl url={byModel.url} />}>
        <Chart label="Tokens by model over time" times={shown.times} lines={shown.tokens} format={short} {...edges} />
      </Panel>
      <Panel title={`Cost by model ${perHours(every)}`}>
        <Chart label="Cost by model over time" times={shown.times} lines={shown.cost} format={money} {...edges} />
      </Panel>
    </div>
  );
}

const perHours = (every: Steps): string => `per ${every.ms === 3_600_000 ? "hour" : duration(every.ms)}`;

function lines(all: readonly Schemas["Usage"][], byModel: readonly Schemas["Usage"][], times: readonly number[], runs: boolean) {
  const models = [...Map.groupBy(byModel.filter((usage) => groupOf(usage, "model") !== null), (usage) => groupOf(usage, "model") ?? "")]
    .sort(([, a], [, b]) => b.reduce((sum, one) => sum + one.total_tokens, 0) - a.reduce((sum, one) => sum + one.total_tokens, 0))
    .slice(0, MOST_DRAWN);
  const each = (value: (usage: Schemas["Usage"]) => number | null) =>
    models.map(([label, usages], place) => lineOf(usages, times, { label, colour: HUES[place] ?? "--hue-6" }, value, null));
  return {
    times,
    rate: [
      lineOf(all, times, { label: runs ? "Runs" : "LLM calls", colour: "--hue-6", kind: "bars" }, (usage) => (runs ? usage.runs : usage.llm_calls), 0),
      lineOf(all, times, { label: "Failed", colour: "--bad", kind: "bars" }, (usage) => (runs ? usage.run_errors : usage.llm_errors), 0),
    ],
    slow: [
      lineOf(all, times, { label: "p50", colour: "--hue-0" }, (usage) => usage.p50_ms, null),
      lineOf(all, times, { label: "p95", colour: "--hue-2" }, (usage) => usage.p95_ms, null),
    ],
    tokens: each((usage) => usage.total_tokens),
    cost: each((usage) => usage.cost_usd),
  };
}

/** Callers to the left, what it calls to the right. */
function Company({ agent, around }: Part) {
  const to = { start: around.start, end: around.end };
  const page = (name: string | null) => (name === null ? {} : { href: link(["agents", name], to) });
  const callers = agent.called_by.flatMap((usage) => other(usage, "parent_agent", agent.name));
  const callees = agent.calls.flatMap((usage) => other(usage, "agent", agent.name));
  const nodes: GraphNode[] = [
    ...callers.map(([name, usage]): GraphNode => ({ id: `from ${name}`, label: name, note: `calls it, ${plural(usage.runs, "run")}`, kind: "agent", column: 0, ...page(name) })),
    { id: "self", label: agent.name, note: plural(agent.runs, "run"), kind: "agent", column: 1, failed: agent.run_errors > 0 },
    ...callees.map(([name, usage]): GraphNode => ({ id: `to ${name}`, label: name, note: plural(usage.runs, "run"), kind: "agent", column: 2, failed: usage.errors > 0, ...page(name) })),
    ...agent.tools.slice(0, MOST_DRAWN).flatMap((usage) => other(usage, "tool", null)).map(([name, usage]): GraphNode => ({ id: `tool ${name}`, label: name, note: `· ${plural(usage.tool_calls, "call")}${usage.tool_errors ? ` · ▲ ${usage.tool_errors}` : ""}`, kind: "tool", column: 2, failed: usage.tool_errors > 0, href: link("tools", { ...around, tool: name }) })),
    ...agent.models.slice(0, MOST_DRAWN).flatMap((usage) => other(usage, "model", null)).map(([name, usage]): GraphNode => ({ id: `model ${name}`, label: name, note: `· ${plural(usage.llm_calls, "call")}${usage.llm_errors ? ` · ▲ ${usage.llm_errors}` : ""}`, kind: "model", column: 2, failed: usage.llm_errors > 0, href: link("llm-calls", { ...around, model: name }) })),
  ];
  const times = new Map<string, number>([
    ...callers.map(([name, usage]) => [`from ${name}`, usage.runs] as const),
    ...callees.map(([name, usage]) => [`to ${name}`, usage.runs] as const),
    ...agent.tools.map((usage) => [`tool ${groupOf(usage, "tool")}`, usage.tool_calls] as const),
    ...agent.models.map((usage) => [`model ${groupOf(usage, "model")}`, usage.llm_calls] as const),
  ]);
  const edges = nodes.filter(({ id }) => id !== "self").map(({ id, label, note, column }): GraphEdge => ({ from: column === 0 ? id : "self", to: column === 0 ? "self" : id, times: times.get(id) ?? 1, title: `${label} ${note}` }));
  return (
    <Panel title="Works with">
      <Graph label={`What ${agent.name} works with`} nodes={nodes} edges={edges} />
    </Panel>
  );
}

function other(usage: Schemas["Usage"], key: string, self: string | null): readonly (readonly [string, Schemas["Usage"]])[] {
  const name = groupOf(usage, key);
  return name === null || name === self ? [] : [[name, usage]];
}

function Versions({ around, range, tick }: Part) {
  const asked = useAnswer("/api/usage", { ...range, agent: around.agent, group_by: "version", percentiles_of: "agent_run" }, tick);
  return (
    <Panel title="Versions" tools={<Curl url={asked.url} />}>
      <Answered asked={asked} empty={<p class="faint">None in this range.</p>}>
        {(rows) => <UsageTable label="Versions" rows={rows} columns={[named("version", "Version", "no version told"), RUNS, ANY_FAILED, P50, P95, COST]} />}
      </Answered>
    </Panel>
  );
}

const RUN_COLUMNS: readonly Column<Fact>[] = [
  { name: "time", title: "Start", cell: (fact) => <When at={fact.time} /> },
  { name: "status", title: "Status", cell: (fact) => <FactStatus status={fact.status} /> },
  { name: "duration", title: "Duration", cell: (fact) => duration(fact.duration_ms), numeric: true },
  { name: "did", title: "LLM, tools", cell: (fact) => `${count(fact.run_llm_calls)}, ${count(fact.run_tool_calls)}`, numeric: true },
  { name: "cost", title: "Cost", cell: (fact) => <FactCost fact={fact} />, numeric: true },
  { name: "span", title: <span class="hidden">Span</span>, cell: (fact) => <ToTrace fact={fact} /> },
];

function Runs({ around, range, tick }: Part) {
  const asked = useList("/api/agent-runs", { ...range, agent: around.agent, limit: 10 }, tick);
  return (
    <Panel title="Newest runs" tools={<Curl url={asked.url} />}>
      <Answered asked={asked} empty={<p class="faint">No runs in this range: its calls name no run around them.</p>}>
        {(runs) => <Table label="Newest runs" columns={RUN_COLUMNS} items={runs} keyOf={(fact) => fact.id} hrefOf={(fact) => (fact.session_id === null ? undefined : link(["sessions", fact.session_id], { at: fact.id }))} />}
      </Answered>
    </Panel>
  );
}
