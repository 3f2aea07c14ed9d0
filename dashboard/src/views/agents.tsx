// Agents: what each did, what it cost, how often it failed, and who calls whom.

import { useMemo } from "preact/hooks";
import type { Schemas } from "../api/client";
import { useAnswer } from "../api/hooks";
import { useTick } from "../api/live";
import { AgentName, Cost, Missing, missingOf } from "../agents/shown";
import { columnsOf, Graph, type GraphEdge, type GraphNode } from "../agents/graph";
import { NoAgents } from "../agents/nothing";
import { unpriced } from "../agents/sums";
import { count, duration, money, percent, plural, short } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Failures, Figure, Head, Panel, When } from "../parts/basic";
import { Choice, Filters } from "../parts/filters";
import { type Range, RangePicker, useRange } from "../parts/range";
import { type Column, Table } from "../parts/table";
import { type Address, link } from "../routing";
import "../agents/agents.css";

type Agent = Schemas["Agent"];
const USUAL = "-7d";

export default function Agents({ address: { params } }: { address: Address }) {
  const range = useRange(USUAL);
  const tick = useTick(range.end === undefined, ["trace", "log"], 3000);
  const service = params.get("service") ?? undefined;
  const asked = useAnswer("/api/agents", { ...range, service, limit: 1000 }, tick);
  const services = useAnswer("/api/services", { start: range.start });
  return (
    <>
      <Head title="Agents" tools={<><RangePicker usual={USUAL} /><Curl url={asked.url} /></>}>
        {asked.data && <span class="faint">{plural(asked.data.length, "agent")}</span>}
      </Head>
      <Filters>
        <Choice name="service" label="Service" any="Any service" options={services.data?.flatMap(({ name }) => (name === null ? [] : [name])) ?? []} />
      </Filters>
      <Answered asked={asked} empty={<NoAgents what="agents" range={range} filtered={service !== undefined} />}>
        {(agents) => (
          <>
            <Totals range={range} service={service} tick={tick} />
            <Panel>
              <AgentTable agents={agents} range={range} />
            </Panel>
            <CallGraph range={range} service={service} tick={tick} />
            <LeftOut range={range} tick={tick} />
          </>
        )}
      </Answered>
    </>
  );
}

function Totals({ range, service, tick }: { range: Range; service: string | undefined; tick: number }) {
  const asked = useAnswer("/api/usage", { ...range, service }, tick);
  const sums = asked.data?.[0];
  if (sums === undefined) return null;
  const around = { start: range.start ?? "all", end: range.end };
  return (
    <>
      <div class="figures">
        <Figure label="Runs of agents" value={short(sums.runs)} note={`${short(sums.turns)} turns of users`} />
        <Figure label="LLM calls" value={short(sums.llm_calls)} note={`${short(sums.llm_errors)} failed`} href={link("llm-calls", around)} />
        <Figure label="Tool calls" value={short(sums.tool_calls)} note={`${short(sums.tool_errors)} failed`} href={link("tools", around)} />
        <Figure label="Failed" value={<span class={sums.errors ? "bad" : ""}>{percent(sums.error_rate)}</span>} note={`${count(sums.errors)}, ${count(sums.rate_limited)} rate limited`} href={link("errors", around)} />
        <Figure label="Tokens" value={short(sums.total_tokens)} note={`${short(sums.input_tokens)} in (${percent(sums.cache_hit_ratio)} cached), ${short(sums.output_tokens)} out`} />
        <Figure label="Cost" value={<Cost sums={sums} />} note={`${money(sums.reported_cost_usd)} reported, ${money(sums.computed_cost_usd)} worked out`} href={link("sessions", { ...around, order: "cost" })} />
      </div>
      <div class="beside">
        <Missing told={missingOf(sums)} />
        <Curl url={asked.url} what="sums" />
      </div>
    </>
  );
}

const byMetrics = (agent: Agent): boolean => agent.told_by === "metrics";

/** A figure of calls; agents that only metrics tell of have none. */
function figure(name: string, title: string, value: (agent: Agent) => number): Column<Agent> {
  return { name, title, cell: (agent) => (byMetrics(agent) ? <span class="faint">–</span> : count(value(agent))), value: (agent) => (byMetrics(agent) ? null : value(agent)), numeric: true };
}

const COLUMNS: readonly Column<Agent>[] = [
  { name: "agent", title: "Agent", cell: (agent) => <><AgentName name={agent.name} /> {byMetrics(agent) && <span class="badge" title="No span and no log tells of its calls; its page shows what the metrics say">metrics only</span>}</>, value: (agent) => agent.name, wide: true },
  figure("runs", "Runs", (agent) => agent.runs),
  figure("sessions", "Sessions", (agent) => agent.sessions),
  figure("llm", "LLM calls", (agent) => agent.llm_calls),
  figure("tools", "Tool calls", (agent) => agent.tool_calls),
  { name: "failed", title: "Failed", cell: (agent) => <Failures number={agent.errors} of={agent.runs + agent.llm_calls + agent.tool_calls} />, value: (agent) => agent.error_rate, numeric: true },
  { name: "p50", title: "p50", cell: (agent) => duration(agent.p50_ms), value: (agent) => agent.p50_ms, numeric: true },
  { name: "p95", title: "p95", cell: (agent) => duration(agent.p95_ms), value: (agent) => agent.p95_ms, numeric: true },
  { name: "tokens", title: "Tokens", cell: (agent) => (byMetrics(agent) ? <span class="faint">–</span> : short(agent.total_tokens)), value: (agent) => agent.total_tokens, numeric: true },
  { name: "cost", title: "Cost", cell: (agent) => (byMetrics(agent) ? <span class="faint">–</span> : <Cost sums={agent} />), value: (agent) => agent.cost_usd, numeric: true },
  { name: "unpriced", title: "Unpriced", cell: (agent) => unpriced(agent.unpriced_calls), value: (agent) => agent.unpriced_calls, numeric: true },
  { name: "seen", title: "Last seen", cell: (agent) => <When at={agent.last_seen} relative />, value: (agent) => agent.last_seen, numeric: true },
];

function AgentTable({ agents, range }: { agents: readonly Agent[]; range: Range }) {
  return (
    <Table
      label="Agents"
      columns={COLUMNS}
      items={agents}
      keyOf={(agent) => agent.agent_id}
      hrefOf={(agent) => link(["agents", agent.agent_id], { start: range.start === USUAL ? null : (range.start ?? "all"), end: range.end })}
    />
  );
}

/** Only agents that call others, or are called by one: the others stand in the table. */
function CallGraph({ range, service, tick }: { range: Range; service: string | undefined; tick: number }) {
  const asked = useAnswer("/api/agent-graph", { ...range, service, limit: 200 }, tick);
  const drawn = useMemo(() => draw(asked.data ?? [], range), [asked.data]);
  if (drawn.edges.length === 0) return null;
  return (
    <Panel title="Who calls whom" tools={<Curl url={asked.url} />}>
      <Graph label="Agents that call other agents" {...drawn} />
    </Panel>
  );
}

function draw(edges: readonly Schemas["AgentEdge"][], range: Range): { nodes: GraphNode[]; edges: GraphEdge[] } {
  const calls = edges.flatMap((edge) => (edge.from === null || edge.to === null || edge.from === edge.to ? [] : [{ ...edge, from: edge.from, to: edge.to }]));
  const names = [...new Set(calls.flatMap(({ from, to }) => [from, to]))];
  const columns = columnsOf(names, calls.map(({ from, to }) => [from, to] as const));
  const nodes = names.map((name): GraphNode => {
    const own = edges.filter((edge) => edge.to === name);
    const runs = own.reduce((sum, one) => sum + one.runs, 0);
    const failed = own.some((one) => one.errors > 0);
    return { id: name, label: name, note: plural(runs, "run") + (failed ? ", ▲ failures" : ""), kind: "agent", column: columns.get(name) ?? 0, failed, href: link(["agents", name], { start: range.start ?? "all", end: range.end }) };
  });
  return { nodes, edges: calls.map(({ from, to, runs, llm_calls, total_tokens }) => ({ from, to, times: runs, title: `${from} calls ${to}: ${plural(runs, "run")}, ${plural(llm_calls, "LLM call")}, ${short(total_tokens)} tokens` })) };
}

function LeftOut({ range, tick }: { range: Range; tick: number }) {
  const asked = useAnswer("/api/completeness", { ...range }, tick);
  const known = asked.data;
  if (known === undefined) return null;
  const models = known.unpriced_models.map(({ model, calls }) => `${model} (${plural(calls, "call")})`);
  const rows: readonly (readonly [string, string])[] = [
    ["Cost", `${plural(known.reported_calls, "call")} with a cost that the sender said, ${count(known.computed_calls)} worked out from list prices, ${count(known.unpriced_calls)} without a price${models.length ? `: ${models.join(", ")}` : ""}`],
    ["Tokens", `${count(known.calls_without_usage)} of ${plural(known.llm_calls, "LLM call")} told none`],
    ["Text", `of ${plural(known.without_content, "call")} it is not known: the sender did not record it${known.all_text_searchable ? "" : "; not all stored text can be searched yet"}`],
    ["Sessions", `${count(known.inferred_sessions)} of ${count(known.sessions)} are single traces that name none`],
    ["Told twice", `${plural(known.facts_told_more_than_once, "event")} came by more than one record and count once; ${plural(known.nested_calls_not_counted, "call")} around another call of the same kind do not count`],
    ["Waiting", `${plural(known.additions_without_their_event, "record")} add to an event that has not come`],
    ["Metrics only", known.agents_told_only_by_metrics.length ? `${known.agents_told_only_by_metrics.join(", ")}: their sums stand apart` : "no agent"],
  ];
  return (
    <Panel title="What these figures leave out" tools={<Curl url={asked.url} />}>
      <dl class="facts-list">
        {rows.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
