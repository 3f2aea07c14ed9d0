// Errors of agents: grouped by what failed where, each with its newest example; and the spans that failed.

import type { Schemas } from "../api/client";
import { useAnswer, useList } from "../api/hooks";
import { useTick } from "../api/live";
import { count } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Head, Panel, When } from "../parts/basic";
import { hrefOfFact } from "../parts/facts";
import { Field, Filters } from "../parts/filters";
import { RangePicker, useRange } from "../parts/range";
import { type Column, More, Table } from "../parts/table";
import { TraceTable } from "../parts/traces";
import type { Address } from "../routing";

type Group = Schemas["ErrorGroup"];

export default function Errors({ address: { params } }: { address: Address }) {
  const range = useRange("-24h");
  const tick = useTick(range.end === undefined, ["trace", "log", "dropped"], 4000);
  const given = (name: string) => params.get(name) ?? undefined;
  const groups = useAnswer("/api/errors", { start: range.start, end: range.end, agent: given("agent"), error_type: given("error_type"), model: given("model"), tool: given("tool") }, tick);
  const traces = useList("/api/traces", { start: range.start, end: range.end, status: "error", limit: 50 }, tick);
  const columns: readonly Column<Group>[] = [
    { name: "type", title: "Error", cell: (one) => <span class="bad">▲ {one.error_type}</span>, value: (one) => one.error_type },
    { name: "message", title: "Newest message", cell: (one) => one.newest?.error_message ?? "–", wide: true },
    { name: "at", title: "At", cell: (one) => one.fact.replace("_", " "), value: (one) => one.fact },
    { name: "agent", title: "Agent", cell: (one) => one.agent ?? "–", value: (one) => one.agent },
    { name: "what", title: "Model or tool", cell: (one) => one.model ?? one.tool ?? "–", value: (one) => one.model ?? one.tool },
    { name: "count", title: "Times", cell: (one) => count(one.count), value: (one) => one.count, numeric: true },
    { name: "newest", title: "Newest", cell: (one) => <When at={one.newest?.time ?? null} relative />, value: (one) => one.newest?.time ?? null, numeric: true },
  ];
  return (
    <>
      <Head title="Errors" tools={<><RangePicker /><Curl url={groups.url} /></>} />
      <Filters>
        <Field name="agent" label="Agent" />
        <Field name="error_type" label="Error" />
        <Field name="model" label="Model" />
        <Field name="tool" label="Tool" />
      </Filters>
      <Panel title="What failed">
        <Answered asked={groups} empty={<p class="faint">No run, model call or tool call of an agent failed.</p>}>
          {(found) => <Table label="Errors" columns={columns} items={found} keyOf={(one) => JSON.stringify([one.fact, one.error_type, one.agent, one.model, one.tool])} hrefOf={(one) => (one.newest ? hrefOfFact(one.newest) : undefined)} />}
        </Answered>
      </Panel>
      <Panel title="Traces with a failed span">
        <Answered asked={traces} empty={<p class="faint">None in this range.</p>}>
          {(found) => (
            <>
              <TraceTable label="Traces with a failed span" traces={found} />
              <More more={traces.more} waiting={traces.since !== undefined} />
            </>
          )}
        </Answered>
      </Panel>
    </>
  );
}
