// Latency: percentiles by service, operation, agent, model or tool, over time and as a heat map down to the traces.

import { useMemo } from "preact/hooks";
import type { Schemas } from "../api/client";
import { useAnswer } from "../api/hooks";
import { useTick } from "../api/live";
import { count, duration } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Failures, Head, Panel, ServiceName, Tabs } from "../parts/basic";
import { Chart, COLOURS, type Line, steps } from "../parts/chart";
import { Elsewhere } from "../parts/elsewhere";
import { attributeFilters, Chips, Choice, Field, Filters, Search } from "../parts/filters";
import { type Cell, Heat } from "../parts/heat";
import { intervalOf, type Range, RangePicker, toMilliseconds, useRange } from "../parts/range";
import { type Column, Table } from "../parts/table";
import { type Address, change, link } from "../routing";

type Latency = Schemas["Latency"];

const GROUPS: readonly (readonly [string, string])[] = [
  ["operation", "Operation"],
  ["service", "Service"],
  ["gen_ai.agent.name", "Agent"],
  ["gen_ai.request.model", "Model"],
  ["gen_ai.tool.name", "Tool"],
];
const SHOWN_LINES = 6;

export default function LatencyView({ address: { params } }: { address: Address }) {
  const range = useRange("-1h");
  const tick = useTick(range.end === undefined, ["trace"], 5000);
  const group = params.get("group_by") ?? "operation";
  const interval = intervalOf(range, 80);
  const filters = { service: params.get("service") ?? undefined, operation: params.get("operation") ?? undefined };
  const times = { start: range.start ?? "1970-01-01", end: range.end };
  const groups = useAnswer("/api/latency", { ...times, ...filters, group_by: group, limit: 200 }, tick);
  const bounded = range.start !== undefined;
  const series = useAnswer("/api/latency", bounded ? { ...times, ...filters, group_by: group, interval: interval.text, limit: SHOWN_LINES } : undefined, tick);
  const heat = useAnswer("/api/latency/histogram", bounded ? { ...times, ...filters, ...attributeFilters(params), interval: interval.text } : undefined, tick);
  const edges = { fromMs: toMilliseconds(range.start), toMs: toMilliseconds(range.end), everyMs: interval.ms };
  const inside = (cell: Cell) =>
    link("spans", { ...filters, ...attributeFilters(params), start: new Date(cell.startMs).toISOString(), end: new Date(cell.endMs).toISOString(), min_duration_ms: cell.minMs, max_duration_ms: cell.maxMs });
  return (
    <>
      <Head title="Latency" tools={<><RangePicker usual="-1h" /><Curl url={groups.url} /></>} />
      <Filters>
        <Tabs label="Group by" tabs={GROUPS} chosen={group} onChoose={(next) => change({ group_by: next === "operation" ? null : next })} />
        <Field name="group_by" label="or by attribute" size={20} />
        <ServiceChoice start={range.start} />
        <Field name="operation" label="Operation" size={20} />
        <Search label="Filter the heat map by attribute" hint="Heat map only: attribute=value" />
      </Filters>
      <Chips />
      <Answered asked={groups} empty={<Elsewhere what="spans" range={range} filtered={Boolean(filters.service ?? filters.operation)} />}>
        {(found) => (
          <>
            {bounded && (
              <div class="columns">
                <Panel title="All durations" tools={<><span class="faint">click a cell for the spans in it</span><Curl url={heat.url} /></>}>
                  <Answered asked={heat}>{(histograms) => <Heat histograms={histograms} {...edges} hrefOf={inside} />}</Answered>
                </Panel>
                <Panel title={`p95 by ${nameOf(group)}`} tools={<Curl url={series.url} />}>{series.data && <Percentiles latencies={series.data} range={range} everyMs={interval.ms} />}</Panel>
              </div>
            )}
            <Panel>
              <Groups latencies={found} group={group} params={params} />
            </Panel>
          </>
        )}
      </Answered>
    </>
  );
}

function nameOf(group: string): string {
  return GROUPS.find(([key]) => key === group)?.[1].toLowerCase() ?? group;
}

function ServiceChoice({ start }: { start: string | undefined }) {
  const services = useAnswer("/api/services", { start });
  return <Choice name="service" label="Service" any="Any service" options={services.data?.flatMap(({ name }) => (name === null ? [] : [name])) ?? []} />;
}

function Percentiles({ latencies, range, everyMs }: { latencies: readonly Latency[]; range: Range; everyMs: number }) {
  const shown = useMemo(() => {
    const times = steps(toMilliseconds(range.start), toMilliseconds(range.end), everyMs);
    const place = new Map(times.map((second, index) => [second, index]));
    const groups = new Map<string, (number | null)[]>();
    for (const one of latencies) {
      const index = place.get(Date.parse(one.interval_start ?? "") / 1000);
      const name = one.group ?? "none";
      const values = groups.get(name) ?? times.map(() => null);
      if (index !== undefined) values[index] = one.p95_ms;
      groups.set(name, values);
    }
    const lines = [...groups].map(([label, values], index): Line => ({ label, values, colour: COLOURS[index % COLOURS.length] ?? "--hue-0" }));
    return { times, lines };
  }, [latencies]);
  return <Chart label="95th percentile over time" times={shown.times} lines={shown.lines} format={duration} height={220} from={toMilliseconds(range.start) / 1000} to={toMilliseconds(range.end) / 1000} />;
}

function Groups({ latencies, group, params }: { latencies: readonly Latency[]; group: string; params: URLSearchParams }) {
  const name = (one: Latency) => (group === "service" ? <ServiceName name={one.group} /> : (one.group ?? <span class="faint">none</span>));
  const of = (title: string, value: (one: Latency) => number): Column<Latency> => ({ name: title, title, value, cell: (one) => duration(value(one)), numeric: true });
  const columns: readonly Column<Latency>[] = [
    { name: "group", title: GROUPS.find(([key]) => key === group)?.[1] ?? group, cell: name, value: (one) => one.group, wide: true },
    { name: "spans", title: "Spans", cell: (one) => count(one.count), value: (one) => one.count, numeric: true },
    { name: "errors", title: "Failed", cell: (one) => <Failures number={one.error_count} of={one.count} />, value: (one) => one.error_rate, numeric: true },
    of("mean", (one) => one.mean_ms),
    of("p50", (one) => one.p50_ms),
    of("p90", (one) => one.p90_ms),
    of("p95", (one) => one.p95_ms),
    of("p99", (one) => one.p99_ms),
    of("max", (one) => one.max_ms),
  ];
  const into = (one: Latency): string | undefined => {
    if (one.group === null) return undefined;
    const range = { start: params.get("start"), end: params.get("end") };
    if (group === "service") return link("latency", { ...range, service: one.group });
    const kept = { start: range.start ?? "-1h", end: range.end, service: params.get("service") };
    return link("traces", group === "operation" ? { ...kept, operation: one.group } : { ...kept, [`attr.${group}`]: one.group });
  };
  return <Table label={`Latency by ${nameOf(group)}`} columns={columns} items={latencies} keyOf={(one) => one.group ?? ""} hrefOf={into} sorted="spans" />;
}
