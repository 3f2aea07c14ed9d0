// Errors: what failed, by type and place, with the newest example of each.

import type { Question, Schemas } from "../api/client";
import { useAnswer, useList } from "../api/hooks";
import { useTick } from "../api/live";
import { factFilters } from "../agents/filters";
import { NoAgents } from "../agents/nothing";
import { AgentName, ToTrace } from "../agents/shown";
import { count, plural } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Head, Panel, When } from "../parts/basic";
import { Choice, Field, Filters } from "../parts/filters";
import { type Range, RangePicker, useRange } from "../parts/range";
import { type Column, More, Table } from "../parts/table";
import { TraceTable } from "../parts/traces";
import { type Address, link } from "../routing";
import "../agents/agents.css";

type Group = Schemas["ErrorGroup"];
const USUAL = "-7d";
const FILTERS = ["agent", "service", "model", "tool", "error_type", "kind"] as const;
const KINDS: Readonly<Record<string, string>> = { llm_call: "LLM call", tool_call: "Tool call", agent_run: "Agent run", user_turn: "User turn", step: "Step", event: "Event" };

export default function Errors({ address: { params } }: { address: Address }) {
  const range = useRange(USUAL);
  const tick = useTick(range.end === undefined, ["trace", "log"], 3000);
  const filters = factFilters(params, FILTERS);
  const asked = useAnswer("/api/errors", { ...range, ...filters, limit: 500 } as Question<"/api/errors">, tick);
  const agents = useAnswer("/api/agents", { ...range, limit: 200 });
  const types = [...new Set(asked.data?.map(({ error_type }) => error_type))];
  const total = asked.data?.reduce((sum, group) => sum + group.count, 0);
  return (
    <>
      <Head title="Errors" tools={<><RangePicker usual={USUAL} /><Curl url={asked.url} /></>}>
        {total !== undefined && <span class="faint">{plural(total, "failure")} in {plural(asked.data?.length ?? 0, "group")}; a failed run counts beside the call that made it fail</span>}
      </Head>
      <Filters>
        <Choice name="agent" label="Agent" any="Any agent" options={agents.data?.map(({ name }) => name) ?? []} />
        <Field name="error_type" label="Type" options={types} />
        <Field name="model" label="Model" />
        <Field name="tool" label="Tool" />
        <Field name="service" label="Service" />
      </Filters>
      <Answered asked={asked} empty={<NoAgents what="failures" range={range} filtered={Object.values(filters).some((value) => value !== undefined)} />}>
        {(groups) => (
          <Panel>
            <Table label="Errors" sorted="count" most={100} columns={COLUMNS} items={groups} keyOf={keyOf} hrefOf={(group) => pageOf(group, range)} />
          </Panel>
        )}
      </Answered>
      <FailedTraces range={range} tick={tick} />
    </>
  );
}

/** What failed outside of agents is seen here too. */
function FailedTraces({ range, tick }: { range: Range; tick: number }) {
  const asked = useList("/api/traces", { ...range, status: "error", limit: 25 }, tick);
  return (
    <Panel title="Traces with a failed span" tools={<Curl url={asked.url} />}>
      <Answered asked={asked} empty={<p class="faint">None in this range.</p>}>
        {(found) => (
          <>
            <TraceTable label="Traces with a failed span" traces={found} />
            <More more={asked.more} waiting={asked.since !== undefined} />
          </>
        )}
      </Answered>
    </Panel>
  );
}

const keyOf = (group: Group): string => JSON.stringify([group.fact, group.error_type, group.agent, group.model, group.tool]);

/** The calls of the group where calls have a list, else the newest example in its session. */
function pageOf(group: Group, range: Range): string | undefined {
  const around = { start: range.start ?? "all", end: range.end, status: "error", agent: group.agent, error_type: group.error_type };
  if (group.fact === "llm_call") return link("llm-calls", { ...around, model: group.model });
  if (group.fact === "tool_call") return link("tools", { ...around, tool: group.tool });
  return group.newest?.session_id ? link(["sessions", group.newest.session_id], { at: group.newest.id }) : undefined;
}

const COLUMNS: readonly Column<Group>[] = [
  { name: "type", title: "Type", cell: (group) => <span class="bad"><span aria-hidden="true">▲ </span>{group.error_type}</span>, value: (group) => group.error_type },
  { name: "count", title: "Times", cell: (group) => count(group.count), value: (group) => group.count, numeric: true },
  { name: "fact", title: "What", cell: (group) => KINDS[group.fact] ?? group.fact, value: (group) => group.fact },
  { name: "where", title: "Model or tool", cell: (group) => group.tool ?? group.model ?? <span class="faint">–</span>, value: (group) => group.tool ?? group.model },
  { name: "agent", title: "Agent", cell: (group) => <AgentName name={group.agent} />, value: (group) => group.agent },
  { name: "message", title: "Newest message", cell: (group) => group.newest?.error_message ?? <span class="faint">no message told</span>, wide: true },
  { name: "newest", title: "Newest", cell: (group) => <When at={group.newest?.time ?? null} relative />, value: (group) => group.newest?.time ?? null, numeric: true },
  { name: "trace", title: <span class="hidden">Trace</span>, cell: (group) => group.newest && <ToTrace fact={group.newest}>Trace</ToTrace> },
];
