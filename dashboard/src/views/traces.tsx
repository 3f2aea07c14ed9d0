// Traces: searched by anything, seen as points over time and as a list.

import { useState } from "preact/hooks";
import type { Question } from "../api/client";
import { useAnswer, useList } from "../api/hooks";
import { useTick } from "../api/live";
import { plural } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Head, Panel } from "../parts/basic";
import { Elsewhere } from "../parts/elsewhere";
import { attributeFilters, Chips, Choice, Field, Filters, Search } from "../parts/filters";
import { RangePicker, useRange } from "../parts/range";
import { Scatter } from "../parts/scatter";
import { type Column, More } from "../parts/table";
import { type TraceSummary, TraceTable } from "../parts/traces";
import { type Address, link } from "../routing";

export default function Traces({ address: { params } }: { address: Address }) {
  const range = useRange();
  const tick = useTick(range.end === undefined, ["trace"], 2000);
  const question: Question<"/api/traces"> = {
    start: range.start,
    end: range.end,
    service: params.get("service") ?? undefined,
    operation: params.get("operation") ?? undefined,
    status: params.get("status") ?? undefined,
    min_duration_ms: params.get("min_duration_ms") ?? undefined,
    max_duration_ms: params.get("max_duration_ms") ?? undefined,
    q: params.get("q") ?? undefined,
    ...attributeFilters(params),
    limit: 100,
  };
  const asked = useList("/api/traces", question, tick);
  const filtered = [...params.keys()].some((name) => name !== "start" && name !== "end");
  return (
    <>
      <Head title="Traces" tools={<><RangePicker /><Curl url={asked.url} /></>}>
        {asked.data && <span class="faint">{plural(asked.data.length, "trace")}{asked.more ? ", more follow" : ""}</span>}
      </Head>
      <TraceFilters service={params.get("service") ?? undefined} start={range.start} />
      <Answered asked={asked} empty={<Elsewhere what="spans" range={range} filtered={filtered} />}>
        {(traces) => <Found traces={traces} more={asked.more} waiting={asked.since !== undefined} />}
      </Answered>
    </>
  );
}

function TraceFilters({ service, start }: { service: string | undefined; start: string | undefined }) {
  const services = useAnswer("/api/services", { start });
  const operations = useAnswer("/api/operations", { service, start });
  const names = [...new Set(operations.data?.map(({ name }) => name))].slice(0, 500);
  return (
    <>
      <Filters>
        <Search label="Search in span names, status messages and attributes" hint="Search text, or attribute=value" />
        <Choice name="service" label="Service" any="Any service" options={services.data?.flatMap(({ name }) => (name === null ? [] : [name])) ?? []} />
        <Field name="operation" label="Operation" options={names} size={20} />
        <Choice name="status" label="Status" any="Any status" options={[["error", "Failed"], ["ok", "Without failure"]]} />
        <Field name="min_duration_ms" label="min ms" size={6} numeric />
        <Field name="max_duration_ms" label="max ms" size={6} numeric />
      </Filters>
      <Chips />
    </>
  );
}

function Found({ traces, more, waiting }: { traces: readonly TraceSummary[]; more: (() => void) | undefined; waiting: boolean }) {
  const [picked, setPicked] = useState<readonly string[]>([]);
  const pick = (id: string) => setPicked((before) => (before.includes(id) ? before.filter((one) => one !== id) : [...before, id].slice(-2)));
  const compare: Column<TraceSummary> = {
    name: "compare",
    title: <span class="hidden">Compare</span>,
    cell: (trace) => (
      <input type="checkbox" aria-label={`Compare ${trace.root_name ?? trace.trace_id}`} checked={picked.includes(trace.trace_id)} onChange={() => pick(trace.trace_id)} />
    ),
  };
  return (
    <>
      <Panel>
        <Scatter traces={traces} />
      </Panel>
      <Panel
        tools={picked.length > 0 && (picked.length === 2 ? <a class="button" href={link(["compare", ...picked])}>Compare these two</a> : <span class="faint">Choose another trace to compare with</span>)}
      >
        <TraceTable label="Traces" traces={traces} extra={[compare]} />
        <More more={more} waiting={waiting} />
      </Panel>
    </>
  );
}
