// LLM calls: by model, then one by one, filtered and ordered as the API does; one of them whole.

import type { Question } from "../api/client";
import { useAnswer, useList } from "../api/hooks";
import { useTick } from "../api/live";
import { CallDetail } from "../agents/call";
import { FACT_FILTERS, factFilters, ORDERS, LinkedChips, summed } from "../agents/filters";
import { NoAgents } from "../agents/nothing";
import { AgentName, type Fact, FactCost, FactStatus, FactTokens, ToTrace } from "../agents/shown";
import { COST, FIRST_TOKEN, groupOf, LLM_CALLS, LLM_FAILED, named, P50, P95, TOKENS_IN, TOKENS_OUT, UNPRICED, UsageTable } from "../agents/sums";
import { duration, plural } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Head, Panel, Tabs, When } from "../parts/basic";
import { Choice, Field, Filters } from "../parts/filters";
import { RangePicker, useRange } from "../parts/range";
import { type Column, More, Table } from "../parts/table";
import { type Address, change, link } from "../routing";
import "../agents/agents.css";

const USUAL = "-7d";

export default function Calls({ address }: { address: Address }) {
  const id = address.path[1];
  return id === undefined ? <List params={address.params} /> : <CallDetail path="/api/llm-calls" id={id} back="llm-calls" title="LLM calls" />;
}

function List({ params }: { params: URLSearchParams }) {
  const range = useRange(USUAL);
  const tick = useTick(range.end === undefined, ["trace", "log"], 3000);
  const filters = factFilters(params, FACT_FILTERS);
  const question = { ...range, ...filters, order: params.get("order") ?? undefined, limit: 100 } as Question<"/api/llm-calls">;
  const asked = useList("/api/llm-calls", question, tick);
  const group = params.get("group_by") ?? "model";
  const usages = useAnswer("/api/usage", { ...range, ...summed(filters), group_by: group, percentiles_of: "llm_call", limit: 200 } as Question<"/api/usage">, tick);
  const models = useAnswer("/api/models", { ...range, limit: 200 });
  const agents = useAnswer("/api/agents", { ...range, limit: 200 });
  const filtered = Object.values(filters).some((value) => value !== undefined);
  const names = [...new Set(models.data?.flatMap((usage) => groupOf(usage, "model") ?? []))];
  return (
    <>
      <Head title="LLM calls" tools={<><RangePicker usual={USUAL} /><Curl url={asked.url} /></>}>
        {asked.data && <span class="faint">{plural(asked.data.length, "call")}{asked.more ? ", more follow" : ""}</span>}
      </Head>
      <Filters>
        <Field name="model" label="Model" options={names} size={22} />
        <Choice name="agent" label="Agent" any="Any agent" options={agents.data?.map(({ name }) => name) ?? []} />
        <Choice name="status" label="Status" any="Any status" options={[["error", "Failed"], ["ok", "Without failure"]]} />
        <Field name="error_type" label="Error type" size={12} />
        <Field name="finish_reason" label="Finish reason" options={["length", "content_filter", "refusal"]} size={12} />
        <Field name="user" label="User" size={10} />
        <Field name="min_cost" label="min $" size={6} numeric />
        <Choice name="order" label="Order" any="Newest first" options={ORDERS} />
      </Filters>
      <LinkedChips params={params} />
      <Answered asked={{ ...usages, data: usages.data?.filter((usage) => usage.llm_calls > 0) }} empty={null}>
        {(rows) => (
          <Panel title="Summed up" tools={<><Tabs label="Sum up by" tabs={GROUPS} chosen={group} onChoose={(next) => change({ group_by: next === "model" ? null : next }, true)} /><Curl url={usages.url} /></>}>
            <UsageTable label="LLM calls summed up" rows={rows} columns={[named(group, titleOf(group), "none told"), ...SUM_COLUMNS]} hrefOf={(usage) => drillDown(params, group, groupOf(usage, group))} />
          </Panel>
        )}
      </Answered>
      <Answered asked={asked} empty={<NoAgents what="LLM calls" range={range} filtered={filtered} />}>
        {(calls) => (
          <Panel title="One by one">
            <Table label="LLM calls" columns={COLUMNS} items={calls} keyOf={(fact) => fact.id} hrefOf={(fact) => link(["llm-calls", fact.id])} />
            <More more={asked.more} waiting={asked.since !== undefined} />
          </Panel>
        )}
      </Answered>
    </>
  );
}

const GROUPS: readonly (readonly [string, string])[] = [["model", "Model"], ["provider", "Provider"], ["agent", "Agent"], ["finish_reason", "Finish reason"], ["error_type", "Error type"]];
const titleOf = (group: string): string => GROUPS.find(([name]) => name === group)?.[1] ?? group;
const drillDown = (params: URLSearchParams, group: string, value: string | null): string | undefined =>
  value === null ? undefined : link("llm-calls", { ...Object.fromEntries(params), [group]: value });

const SUM_COLUMNS = [LLM_CALLS, LLM_FAILED, P50, P95, FIRST_TOKEN, TOKENS_IN, TOKENS_OUT, COST, UNPRICED];

const COLUMNS: readonly Column<Fact>[] = [
  { name: "model", title: "Model", cell: (fact) => fact.model ?? <span class="faint">no model name</span>, wide: true },
  { name: "agent", title: "Agent", cell: (fact) => <AgentName name={fact.agent} /> },
  { name: "time", title: "Time", cell: (fact) => <When at={fact.time} />, numeric: true },
  { name: "status", title: "Status", cell: (fact) => (fact.status === "error" ? <span class="badge bad" title={fact.error_message ?? undefined}>▲ {fact.error_type ?? "failed"}</span> : <FactStatus status={fact.status} />) },
  { name: "duration", title: "Duration", cell: (fact) => duration(fact.duration_ms), numeric: true },
  { name: "tokens", title: "Tokens", cell: (fact) => <FactTokens fact={fact} />, numeric: true },
  { name: "cost", title: "Cost", cell: (fact) => <FactCost fact={fact} />, numeric: true },
  { name: "text", title: "Text", cell: (fact) => (fact.has_content ? "yes" : <span class="faint" title="The sender did not record it">not told</span>) },
  { name: "trace", title: <span class="hidden">Trace</span>, cell: (fact) => <ToTrace fact={fact}>Trace</ToTrace> },
];
