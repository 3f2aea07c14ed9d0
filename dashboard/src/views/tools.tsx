// Tools: how often each is used, how long it takes and how often it fails, then call by call; one of them whole.

import type { Question } from "../api/client";
import { useAnswer, useList } from "../api/hooks";
import { useTick } from "../api/live";
import { CallDetail } from "../agents/call";
import { FACT_FILTERS, factFilters, LinkedChips, summed } from "../agents/filters";
import { NoAgents } from "../agents/nothing";
import { AgentName, type Fact, FactStatus, ToTrace } from "../agents/shown";
import { groupOf, named, P50, P95, TOOL_CALLS, TOOL_FAILED, UsageTable } from "../agents/sums";
import { count, duration, plural } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Head, Panel, Tabs, When } from "../parts/basic";
import { Choice, Field, Filters } from "../parts/filters";
import { type Range, RangePicker, useRange } from "../parts/range";
import { type Column, More, Table } from "../parts/table";
import { type Address, change, link } from "../routing";
import "../agents/agents.css";

const USUAL = "-7d";

export default function Tools({ address }: { address: Address }) {
  const id = address.path[1];
  return id === undefined ? <List params={address.params} /> : <CallDetail path="/api/tool-calls" id={id} back="tools" title="Tools" />;
}

function List({ params }: { params: URLSearchParams }) {
  const range = useRange(USUAL);
  const tick = useTick(range.end === undefined, ["trace", "log"], 3000);
  const filters = factFilters(params, FACT_FILTERS);
  const question = { ...range, ...filters, order: params.get("order") ?? undefined, limit: 100 } as Question<"/api/tool-calls">;
  const asked = useList("/api/tool-calls", question, tick);
  const group = params.get("group_by") ?? "tool";
  const usages = useAnswer("/api/usage", { ...range, ...summed(filters), group_by: group, percentiles_of: "tool_call", limit: 200 } as Question<"/api/usage">, tick);
  const tools = useAnswer("/api/tools", { ...range, limit: 200 });
  const agents = useAnswer("/api/agents", { ...range, limit: 200 });
  const filtered = Object.values(filters).some((value) => value !== undefined);
  const names = [...new Set(tools.data?.flatMap((usage) => groupOf(usage, "tool") ?? []))];
  return (
    <>
      <Head title="Tools" tools={<><RangePicker usual={USUAL} /><Curl url={asked.url} /></>}>
        {asked.data && <span class="faint">{plural(asked.data.length, "call")}{asked.more ? ", more follow" : ""}</span>}
      </Head>
      <Filters>
        <Field name="tool" label="Tool" options={names} size={20} />
        <Choice name="agent" label="Agent" any="Any agent" options={agents.data?.map(({ name }) => name) ?? []} />
        <Choice name="status" label="Status" any="Any status" options={[["error", "Failed"], ["ok", "Without failure"]]} />
        <Field name="error_type" label="Error type" size={12} />
        <Field name="mcp_server" label="MCP server" size={12} />
        <Field name="decision" label="Decision" size={10} />
        <Choice name="order" label="Order" any="Newest first" options={[["duration", "Longest first"]]} />
      </Filters>
      <LinkedChips params={params} />
      <Answered asked={{ ...usages, data: usages.data?.filter((usage) => usage.tool_calls > 0) }} empty={null}>
        {(rows) => (
          <Panel title="Summed up" tools={<><Tabs label="Sum up by" tabs={GROUPS} chosen={group} onChoose={(next) => change({ group_by: next === "tool" ? null : next }, true)} /><Curl url={usages.url} /></>}>
            <UsageTable label="Tools summed up" rows={rows} columns={[named(group, titleOf(group), "none told"), ...SUM_COLUMNS]} hrefOf={(usage) => drillDown(params, group, groupOf(usage, group))} />
          </Panel>
        )}
      </Answered>
      {!filtered && <Loops range={range} />}
      <Answered asked={asked} empty={<NoAgents what="tool calls" range={range} filtered={filtered} />}>
        {(calls) => (
          <Panel title="One by one">
            <Table label="Tool calls" columns={COLUMNS} items={calls} keyOf={(fact) => fact.id} hrefOf={(fact) => link(["tools", fact.id])} />
            <More more={asked.more} waiting={asked.since !== undefined} />
          </Panel>
        )}
      </Answered>
    </>
  );
}

const GROUPS: readonly (readonly [string, string])[] = [["tool", "Tool"], ["mcp_server", "MCP server"], ["agent", "Agent"], ["decision", "Decision"], ["error_type", "Error type"]];
const titleOf = (group: string): string => GROUPS.find(([name]) => name === group)?.[1] ?? group;
const drillDown = (params: URLSearchParams, group: string, value: string | null): string | undefined =>
  value === null ? undefined : link("tools", { ...Object.fromEntries(params), [group]: value });

const SUM_COLUMNS = [TOOL_CALLS, TOOL_FAILED, P50, P95];

const COLUMNS: readonly Column<Fact>[] = [
  { name: "tool", title: "Tool", cell: (fact) => fact.tool_name ?? <span class="faint">no tool name</span>, wide: true },
  { name: "agent", title: "Agent", cell: (fact) => <AgentName name={fact.agent} /> },
  { name: "server", title: "MCP server", cell: (fact) => fact.mcp_server ?? <span class="faint">–</span> },
  { name: "time", title: "Time", cell: (fact) => <When at={fact.time} />, numeric: true },
  { name: "status", title: "Status", cell: (fact) => (fact.status === "error" ? <span class="badge bad" title={fact.error_message ?? undefined}>▲ {fact.error_type ?? "failed"}</span> : <FactStatus status={fact.status} />) },
  { name: "decision", title: "Decision", cell: (fact) => fact.decision ?? <span class="faint">–</span> },
  { name: "duration", title: "Duration", cell: (fact) => duration(fact.duration_ms), numeric: true },
  { name: "text", title: "Text", cell: (fact) => (fact.has_content ? "yes" : <span class="faint" title="The sender did not record it">not told</span>) },
  { name: "trace", title: <span class="hidden">Trace</span>, cell: (fact) => <ToTrace fact={fact}>Trace</ToTrace> },
];

/** An agent that does the same again and again is often one that is lost. */
function Loops({ range }: { range: Range }) {
  const asked = useAnswer("/api/loops", { ...range });
  if (asked.data === undefined || asked.data.length === 0) return null;
  return (
    <Panel title="Called with the same arguments again and again" tools={<Curl url={asked.url} />}>
      <Table
        label="Repeated tool calls"
        columns={[
          { name: "tool", title: "Tool", cell: (loop) => loop.tool, wide: true },
          { name: "agent", title: "Agent", cell: (loop) => <AgentName name={loop.agent} /> },
          { name: "times", title: "Times", cell: (loop) => count(loop.count), value: (loop) => loop.count, numeric: true },
          { name: "last", title: "Last", cell: (loop) => <When at={loop.last_time} relative />, numeric: true },
        ]}
        items={asked.data}
        keyOf={(loop) => loop.example_id}
        hrefOf={(loop) => link(["tools", loop.example_id])}
      />
    </Panel>
  );
}
