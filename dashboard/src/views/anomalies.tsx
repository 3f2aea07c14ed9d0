// Anomalies: series that left their usual course, each with the series that shows it.

import { useMemo } from "preact/hooks";
import type { Answer, AnyQuestion } from "../api/client";
import { urlOf } from "../api/client";
import { useUrl } from "../api/hooks";
import { count, duration, percent, plural, short, significant } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Head, Notice, Panel, Tabs, When } from "../parts/basic";
import { Chart, type Line } from "../parts/chart";
import { Choice, Field, Filters } from "../parts/filters";
import { intervalOf, type Range, RangePicker, toMilliseconds, useRange } from "../parts/range";
import { Spark } from "../parts/spark";
import { type Column, Table } from "../parts/table";
import { type Address, change, link } from "../routing";

type Anomaly = Answer<"/api/anomalies">[number];

const USUAL = "-24h";
const HOUR_MS = 3_600_000;
const PARTS = 72;
const GROUPS: readonly (readonly [string, string])[] = [
  ["operation", "Operations"],
  ["service", "Services"],
  ["agent", "Agents"],
  ["model", "Models"],
  ["tool", "Tools"],
];
const MEASURES: readonly (readonly [string, string])[] = [
  ["latency", "Latency"],
  ["error_rate", "Error rate"],
  ["volume", "Volume"],
  ["tokens", "Tokens"],
];
const OF_AGENTS = new Set(["agent", "model", "tool"]);
const NAMES = new Map(MEASURES);

export default function Anomalies({ address: { params } }: { address: Address }) {
  const range = useRange(USUAL);
  const group = params.get("group_by") ?? "operation";
  const every = everyOf(range, group);
  const question: AnyQuestion = {
    start: range.start ?? "-30d",
    end: range.end,
    interval: every.text,
    group_by: group,
    measure: params.get("measure") ?? undefined,
    service: params.get("service") ?? undefined,
    threshold: params.get("threshold") ?? undefined,
    limit: 100,
  };
  const asked = useUrl<readonly Anomaly[]>(urlOf("/api/anomalies", question));
  return (
    <>
      <Head title="Anomalies" tools={<><RangePicker usual={USUAL} /><Curl url={asked.url} /></>}>
        {asked.data && <span class="faint">{plural(asked.data.length, "series left its course", "series left their course")}, seen by {every.ms < HOUR_MS ? "every " : ""}{duration(every.ms)}</span>}
      </Head>
      <Filters>
        <Tabs label="Whose series" tabs={GROUPS} chosen={group} onChoose={(next) => change({ group_by: next === "operation" ? null : next, of: null })} />
        <Choice name="measure" label="Measure" any="Every measure" options={MEASURES} />
        <Field name="service" label="Service" />
        <Field name="threshold" label="least score" size={9} numeric />
      </Filters>
      <Answered asked={asked} empty={<NothingUnusual range={range} />}>
        {(found) => <Found anomalies={found} chosen={params.get("of")} range={range} everyMs={every.ms} />}
      </Answered>
    </>
  );
}

/** Sums of agents are kept by the hour, latencies by the minute. */
function everyOf(range: Range, group: string): { readonly text: string; readonly ms: number } {
  const interval = intervalOf(range, PARTS);
  const ms = OF_AGENTS.has(group) ? Math.max(HOUR_MS, Math.ceil(interval.ms / HOUR_MS) * HOUR_MS) : interval.ms;
  return { text: `${ms / 60_000}m`, ms };
}

function NothingUnusual({ range }: { range: Range }) {
  return (
    <Notice title="Nothing unusual">
      <p>A series is judged when it has eight intervals or more, and told when one of them is far from their median. {range.start === undefined ? "" : "A longer range shows slower changes."}</p>
    </Notice>
  );
}

const keyOf = (one: Anomaly): string => `${one.measure} ${one.group ?? ""}`;

function formatOf({ measure }: Anomaly): (value: number) => string {
  if (measure === "latency") return duration;
  return measure === "error_rate" ? percent : short;
}

function Found({ anomalies, chosen, range, everyMs }: { anomalies: readonly Anomaly[]; chosen: string | null; range: Range; everyMs: number }) {
  const one = anomalies.find((anomaly) => keyOf(anomaly) === chosen) ?? anomalies[0];
  return (
    <>
      {one && <Shown anomaly={one} range={range} everyMs={everyMs} />}
      <Panel>
        <Table label="Anomalies" columns={COLUMNS} items={anomalies} keyOf={keyOf} chosen={one && keyOf(one)} hrefOf={(anomaly) => withParam("of", keyOf(anomaly))} />
      </Panel>
    </>
  );
}

/** This view with another series chosen. */
function withParam(name: string, value: string): string {
  const [path = "", query = ""] = location.hash.slice(2).split("?", 2);
  const params = new URLSearchParams(query);
  params.set(name, value);
  return link(path, Object.fromEntries(params));
}

function Shown({ anomaly, range, everyMs }: { anomaly: Anomaly; range: Range; everyMs: number }) {
  const { times, lines } = useMemo(() => drawn(anomaly), [anomaly]);
  const at = Date.parse(anomaly.time);
  return (
    <Panel
      title={<>{NAMES.get(anomaly.measure)} of {anomaly.group ?? "what has no name"}</>}
      tools={<a href={intoIt(anomaly, at, everyMs)}>Look into it</a>}
    >
      <p class="facts">
        <span class={anomaly.direction === "above" ? "bad" : "warn"}>{anomaly.direction === "above" ? "▲" : "▼"} {formatOf(anomaly)(anomaly.value)} at <When at={anomaly.time} /></span>
        <span>usually {formatOf(anomaly)(anomaly.expected)}</span>
        {anomaly.unusual_count > 1 && <span class="faint">{plural(anomaly.unusual_count, "interval")} unusual</span>}
      </p>
      <Chart label={`${anomaly.measure} of ${anomaly.group ?? ""}`} times={times} lines={lines} format={formatOf(anomaly)} height={190} to={toMilliseconds(range.end) / 1000} {...(range.start === undefined ? {} : { from: toMilliseconds(range.start) / 1000 })} />
    </Panel>
  );
}

function drawn(anomaly: Anomaly): { times: readonly number[]; lines: readonly Line[] } {
  const { series, expected } = anomaly;
  return {
    times: series.map(({ time }) => Date.parse(time) / 1000),
    lines: [
      { label: "Value", values: series.map(({ value }) => value), colour: "--hue-0" },
      { label: "Unusual", values: series.map(({ value, unusual }) => (unusual ? value : null)), colour: "--bad", kind: "bars" },
      { label: "Usual", values: series.map(() => expected), colour: "--hue-6" },
    ],
  };
}

/** Where the single spans and calls of that time are. */
function intoIt({ group_by, group, measure }: Anomaly, at: number, everyMs: number): string {
  const around = { start: new Date(at - (measure === "latency" ? everyMs : 0)).toISOString(), end: new Date(at + 2 * everyMs).toISOString() };
  const failed = measure === "error_rate" ? "error" : null;
  if (group_by === "tool") return link("tools", { ...around, tool: group, status: failed });
  if (group_by === "agent" || group_by === "model") return link("llm-calls", { ...around, [group_by]: group, status: failed, order: measure === "tokens" ? "input_tokens" : null });
  const of = { [group_by]: group };
  return measure === "latency" ? link("latency", { ...around, ...of }) : link("traces", { ...around, ...of, status: failed });
}

const COLUMNS: readonly Column<Anomaly>[] = [
  { name: "group", title: "Of", cell: (one) => one.group ?? <span class="faint">none</span>, value: (one) => one.group, wide: true },
  { name: "measure", title: "Measure", cell: (one) => NAMES.get(one.measure) ?? one.measure, value: (one) => one.measure },
  { name: "course", title: "Course", cell: (one) => <Spark points={one.series.map(({ value, unusual }) => ({ value, marked: unusual }))} /> },
  { name: "value", title: "Value", cell: (one) => <span class={one.direction === "above" ? "bad" : "warn"}>{one.direction === "above" ? "▲ " : "▼ "}{formatOf(one)(one.value)}</span>, value: (one) => one.value, numeric: true },
  { name: "expected", title: "Usually", cell: (one) => formatOf(one)(one.expected), value: (one) => one.expected, numeric: true },
  { name: "score", title: "Score", cell: (one) => <span title="Distance from the median, in robust standard deviations">{significant(one.score)}</span>, value: (one) => Math.abs(one.score), numeric: true },
  { name: "times", title: "Intervals", cell: (one) => count(one.unusual_count), value: (one) => one.unusual_count, numeric: true },
  { name: "time", title: "Most at", cell: (one) => <When at={one.time} />, value: (one) => one.time, numeric: true },
];
