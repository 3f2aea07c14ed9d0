// Metrics: found by name, charted by attribute, each type in the way that is right for it.

import { useMemo } from "preact/hooks";
import type { Schemas } from "../api/client";
import { useAnswer } from "../api/hooks";
import { useTick } from "../api/live";
import { plural, unitOf } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Head, Notice, Panel } from "../parts/basic";
import { Chart, COLOURS, type Line, steps } from "../parts/chart";
import { attributeFilters, Chips, Choice, Field, Filters, Search } from "../parts/filters";
import { intervalOf, type Range, RangePicker, toMilliseconds, useRange } from "../parts/range";
import { type Column, Table } from "../parts/table";
import { type Address, change, link } from "../routing";

type Metric = Schemas["Metric"];
type Series = Schemas["MetricSeries"];

const MOST_LINES = 12;
/** What can be made of the points of each type; the first is what one looks at first. */
const AGGREGATES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  gauge: [["avg", "average"], ["min", "least"], ["max", "greatest"], ["last", "last"], ["sum", "sum"]],
  sum: [["rate", "per second"], ["sum", "increase"]],
  histogram: [["p95", "p95"], ["p50", "p50"], ["p90", "p90"], ["p99", "p99"], ["avg", "average"], ["count", "count"], ["rate", "per second"], ["sum", "sum"]],
  exponential_histogram: [["p95", "p95"], ["p50", "p50"], ["p90", "p90"], ["p99", "p99"], ["avg", "average"], ["count", "count"], ["rate", "per second"], ["sum", "sum"]],
  summary: [["avg", "average"], ["count", "count"], ["sum", "sum"], ["rate", "per second"]],
};

export function choicesOf(metric: Metric): readonly (readonly [string, string])[] {
  const choices = AGGREGATES[metric.type] ?? [["last", "last"] as const];
  return metric.type === "sum" && metric.monotonic === false ? [["last", "last"], ["avg", "average"], ["max", "greatest"]] : choices;
}

export default function Metrics({ address: { params } }: { address: Address }) {
  const name = params.get("name");
  const metrics = useAnswer("/api/metrics", { q: name ? undefined : (params.get("q") ?? undefined), service: params.get("service") ?? undefined });
  const metric = name === null ? undefined : metrics.data?.find((one) => one.name === name && (params.get("type") ?? one.type) === one.type);
  if (name !== null && metric) return <One metric={metric} params={params} />;
  return (
    <>
      <Head title="Metrics" tools={<Curl url={metrics.url} />}>
        {metrics.data && <span class="faint">{plural(metrics.data.length, "metric")}</span>}
      </Head>
      <Filters>
        <Search label="Find metrics by name" hint="Part of a metric's name" />
        <Field name="service" label="Service" />
      </Filters>
      {name !== null && metrics.data && <Notice title={`There is no metric ${name}`}><a href={link("metrics")}>All metrics</a></Notice>}
      <Answered asked={metrics} empty={<Notice title="No metrics">No metric {params.get("q") ? "has this in its name" : "has come in yet"}.</Notice>}>
        {(found) => (
          <Panel>
            <MetricTable metrics={found} />
          </Panel>
        )}
      </Answered>
    </>
  );
}

function MetricTable({ metrics }: { metrics: readonly Metric[] }) {
  const columns: readonly Column<Metric>[] = [
    { name: "name", title: "Metric", cell: (one) => <>{one.name} <span class="faint">{one.description}</span></>, value: (one) => one.name, wide: true },
    { name: "type", title: "Type", cell: (one) => <>{one.type.replace("_", " ")} {one.monotonic && <span class="badge">counter</span>}</>, value: (one) => one.type },
    { name: "temporality", title: "Temporality", cell: (one) => one.temporalities.join(", ") || "–", value: (one) => one.temporalities.join() },
    { name: "unit", title: "Unit", cell: (one) => one.unit || "–", value: (one) => one.unit },
    { name: "services", title: "Services", cell: (one) => <span title={one.services.join(", ")}>{one.services.length > 2 ? plural(one.services.length, "service") : one.services.join(", ")}</span>, value: (one) => one.services.join() },
    { name: "series", title: "Series", cell: (one) => one.series_count, value: (one) => one.series_count, numeric: true },
  ];
  return <Table label="Metrics" columns={columns} items={metrics} keyOf={(one) => `${one.name} ${one.type}`} hrefOf={(one) => link("metrics", { name: one.name, type: one.type })} />;
}

function One({ metric, params }: { metric: Metric; params: URLSearchParams }) {
  const range = useRange("-1h");
  const tick = useTick(range.end === undefined, ["trace", "log", "dropped"], 10_000);
  const choices = choicesOf(metric);
  const aggregate = params.get("aggregate") ?? choices[0]?.[0] ?? "last";
  const interval = intervalOf(range, 90);
  const group = params.get("group_by") ?? undefined;
  const question = {
    name: metric.name,
    aggregate,
    start: range.start ?? "1970-01-01",
    end: range.end,
    group_by: group,
    service: params.get("service") ?? undefined,
    ...attributeFilters(params),
  };
  const asked = useAnswer("/api/metrics/query", { ...question, interval: range.start === undefined ? undefined : interval.text, limit: MOST_LINES * 4 }, tick);
  return (
    <>
      <Head title={metric.name} tools={<><RangePicker usual="-1h" /><Curl url={asked.url} /></>}>
        <a href={link("metrics")}>All metrics</a>
      </Head>
      <p class="facts">
        {metric.description && <span>{metric.description}</span>}
        <span class="faint">{metric.type.replace("_", " ")}{metric.monotonic ? ", counter" : ""}{metric.unit ? `, in ${metric.unit}` : ""}, {plural(metric.series_count, "series", "series")}</span>
      </p>
      <Filters>
        <Choice name="aggregate" label="What to make of its points" any={choices[0]?.[1] ?? "last"} options={choices.slice(1)} />
        <Field name="group_by" label="Group by attribute" options={[]} size={26} />
        <Choice name="service" label="Service" any="Any service" options={metric.services} />
        <Search label="Filter by attribute" hint="attribute=value" />
      </Filters>
      <Chips />
      <Answered asked={asked} empty={<NoPoints />}>
        {(series) => <Lines series={series} metric={metric} aggregate={aggregate} range={range} everyMs={interval.ms} />}
      </Answered>
    </>
  );
}

function NoPoints() {
  return (
    <Notice title="No points in this range">
      <button type="button" class="link" onClick={() => change({ start: "-30d", end: null })}>Look at the last 30 days</button>
    </Notice>
  );
}

const nameOf = (series: Series): string => Object.values(series.group).map((value) => value ?? "–").join(" · ") || "all";

function Lines({ series, metric, aggregate, range, everyMs }: { series: readonly Series[]; metric: Metric; aggregate: string; range: Range; everyMs: number }) {
  const unit = aggregate === "count" ? "" : metric.unit;
  const format = aggregate === "rate" ? (value: number) => `${unitOf(metric.type === "sum" ? unit : "")(value)}/s` : unitOf(unit);
  const times = useMemo(() => steps(toMilliseconds(range.start ?? "-30d"), toMilliseconds(range.end), everyMs), [series]);
  const lines = useMemo(() => series.slice(0, MOST_LINES).map((one, place): Line => lineOf(one, times, place)), [series]);
  const columns: readonly Column<Series>[] = [
    { name: "group", title: "Series", cell: nameOf, value: nameOf, wide: true },
    { name: "last", title: "Last", cell: (one) => shown(last(one), format), value: last, numeric: true },
    { name: "points", title: "Values", cell: (one) => one.points.filter((point) => point.value !== null).length, value: (one) => one.points.length, numeric: true },
  ];
  return (
    <>
      {range.start !== undefined && (
        <Panel>
          <Chart label={`${metric.name}, ${aggregate}`} times={times} lines={lines} format={format} height={280} from={times[0] ?? 0} to={toMilliseconds(range.end) / 1000} />
        </Panel>
      )}
      {series.length > MOST_LINES && <p class="faint">The first {MOST_LINES} of {series.length} series are drawn; the table has the others.</p>}
      <Panel>
        <Table label="Series" columns={columns} items={series} keyOf={(one) => JSON.stringify(one.group)} />
      </Panel>
    </>
  );
}

function lineOf(series: Series, times: readonly number[], place: number): Line {
  const values = new Map(series.points.map((point) => [Date.parse(point.time) / 1000, typeof point.value === "number" ? point.value : null]));
  return { label: nameOf(series), values: times.map((time) => values.get(time) ?? null), colour: COLOURS[place % COLOURS.length] ?? "--hue-0" };
}

function last(series: Series): number | null {
  const value = series.points.findLast((point) => point.value !== null)?.value;
  return typeof value === "number" ? value : null;
}

function shown(value: number | null, format: (value: number) => string): string {
  return value === null ? "–" : format(value);
}
