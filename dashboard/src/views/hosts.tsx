// Hosts and devices: what each is doing now, from the metrics that Collectors, agents on hosts and devices send.

import { useMemo } from "preact/hooks";
import type { Schemas } from "../api/client";
import { useAnswer, useUrls } from "../api/hooks";
import { useTick } from "../api/live";
import { count, duration, plural, short } from "../format";
import { byHost, type Course, DEVICE, DEVICE_METRICS, HOST, lastOf, type Measure, MEASURES, type Series, urlOfMetric } from "../hosts/measures";
import { Answered } from "../parts/answered";
import { Bar, Curl, Failures, Head, Notice, Panel } from "../parts/basic";
import { steps } from "../parts/chart";
import { intervalOf, type Range, RangePicker, toMilliseconds, useRange } from "../parts/range";
import { Spark } from "../parts/spark";
import { type Column, Table } from "../parts/table";
import { type Address, change, link } from "../routing";

interface Host {
  readonly name: string;
  readonly courses: Readonly<Record<string, Course>>;
  readonly spans: Schemas["Latency"] | undefined;
}

interface Reading {
  readonly device: string;
  readonly metric: string;
  readonly course: Course;
}

const PARTS = 40;
const MOST_DEVICE_METRICS = 24;

export default function Hosts({ address: { params } }: { address: Address }) {
  const range = useRange("-1h");
  const tick = useTick(range.end === undefined, ["trace", "log", "dropped"], 10_000);
  const interval = intervalOf(range, PARTS);
  const asked = useUrls<readonly Series[]>(MEASURES.map(({ metric, aggregate, by }) => urlOfMetric(metric, aggregate, [HOST, ...by], range, interval.text)), tick);
  const spans = useAnswer("/api/latency", { start: range.start ?? "1970-01-01", end: range.end, group_by: HOST, limit: 1000 }, tick);
  const hosts = useMemo(() => asked.data && hostsOf(asked.data, spans.data ?? []), [asked.data, spans.data]);
  const times = useMemo(() => steps(toMilliseconds(range.start ?? "-30d"), toMilliseconds(range.end), interval.ms), [asked.data]);
  const around = { start: params.get("start"), end: params.get("end") };
  return (
    <>
      <Head title="Hosts and devices" tools={<><RangePicker usual="-1h" /><Curl url={asked.url} /></>}>
        {hosts && <span class="faint">{plural(hosts.length, "host")}</span>}
      </Head>
      <Answered asked={{ ...asked, data: hosts }} empty={<NoHosts />}>
        {(found) => (
          <Panel title="Hosts" tools={<Curl url={spans.url} />}>
            <Table label="Hosts" columns={COLUMNS} items={found} keyOf={(host) => host.name} hrefOf={(host) => link(["hosts", host.name], around)} />
          </Panel>
        )}
      </Answered>
      <Devices range={range} tick={tick} interval={interval.text} times={times} />
    </>
  );
}

function hostsOf(answers: readonly (readonly Series[])[], spans: readonly Schemas["Latency"][]): readonly Host[] {
  const found = new Map<string, Record<string, Course>>();
  answers.forEach((series, place) => {
    const measure = MEASURES[place] as Measure;
    for (const [name, own] of byHost(series, HOST)) {
      const courses = found.get(name) ?? {};
      courses[measure.name] = measure.combine(own);
      found.set(name, courses);
    }
  });
  const named = new Map(spans.flatMap((one) => (one.group === null ? [] : [[one.group, one] as const])));
  for (const name of named.keys()) if (!found.has(name)) found.set(name, {});
  return [...found].map(([name, courses]) => ({ name, courses, spans: named.get(name) })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

const COLUMNS: readonly Column<Host>[] = [
  { name: "host", title: "Host", cell: ({ name }) => name, value: ({ name }) => name, wide: true },
  ...MEASURES.map((measure): Column<Host> => {
    const last = (host: Host) => lastOf(host.courses[measure.name]);
    return { name: measure.name, title: measure.title, cell: (host) => <Now measure={measure} course={host.courses[measure.name]} />, value: (host) => last(host) ?? null, numeric: true };
  }),
  { name: "spans", title: "Spans", cell: ({ spans }) => (spans ? count(spans.count) : <span class="faint">–</span>), value: ({ spans }) => spans?.count ?? null, numeric: true },
  { name: "failed", title: "Failed", cell: ({ spans }) => (spans ? <Failures number={spans.error_count} of={spans.count} /> : <span class="faint">–</span>), value: ({ spans }) => spans?.error_rate ?? null, numeric: true },
  { name: "p95", title: "Span p95", cell: ({ spans }) => duration(spans?.p95_ms), value: ({ spans }) => spans?.p95_ms ?? null, numeric: true },
];
function Now({ measure, course }: { measure: Measure; course: Course | undefined }) {
  const last = lastOf(course);
  if (course === undefined || last === undefined) return <span class="faint">–</span>;
  if (measure.most !== undefined) return <>{measure.format(last)} <Bar part={last / measure.most} kind={last > 0.9 * measure.most ? "bad" : ""} /></>;
  return <>{measure.format(last)}</>;
}

function pointsOf(course: Course, times: readonly number[]) {
  return times.map((second) => ({ value: course.get(second * 1000) ?? null }));
}

function NoHosts() {
  return (
    <Notice title="No figures of hosts in this range">
      <p>
        <code>otlpd collect --forward {location.origin}</code> sends those of the machine that it runs on, and so does the host metrics receiver of a Collector.
      </p>
      <p>
        <button type="button" class="link" onClick={() => change({ start: "-30d", end: null })}>Look at the last 30 days</button>
      </p>
    </Notice>
  );
}

function Devices({ range, tick, interval, times }: { range: Range; tick: number; interval: string; times: readonly number[] }) {
  const metrics = useAnswer("/api/metrics", { q: DEVICE_METRICS }, tick);
  const names = metrics.data?.filter(({ name }) => name.startsWith(DEVICE_METRICS)).map(({ name }) => name) ?? [];
  const asked = useUrls<readonly Series[]>(names.slice(0, MOST_DEVICE_METRICS).map((name) => urlOfMetric(name, "avg", [DEVICE], range, interval)), tick);
  const readings = useMemo(() => asked.data?.flatMap((series, place) => readingsOf(series, names[place] ?? "")), [asked.data]);
  if (names.length === 0) return null;
  const columns: readonly Column<Reading>[] = [
    { name: "device", title: "Device", cell: ({ device }) => device, value: ({ device }) => device, wide: true },
    { name: "metric", title: "What", cell: ({ metric }) => metric, value: ({ metric }) => metric },
    { name: "last", title: "Last", cell: ({ course }) => short(lastOf(course)), value: ({ course }) => lastOf(course) ?? null, numeric: true },
    { name: "least", title: "Least", cell: ({ course }) => short(Math.min(...course.values())), value: ({ course }) => Math.min(...course.values()), numeric: true },
    { name: "greatest", title: "Greatest", cell: ({ course }) => short(Math.max(...course.values())), value: ({ course }) => Math.max(...course.values()), numeric: true },
    { name: "course", title: <span class="hidden">Over time</span>, cell: ({ course }) => <Spark points={pointsOf(course, times)} />, numeric: true },
  ];
  return (
    <Panel title="Devices" tools={<Curl url={asked.url} />}>
      <Answered asked={{ ...asked, data: readings }} empty={<p class="faint">No device reported in this range.</p>}>
        {(found) => <Table label="Devices" columns={columns} items={found} keyOf={(one) => `${one.device} ${one.metric}`} hrefOf={(one) => link(["hosts", one.device], { kind: "device", start: range.start, end: range.end })} />}
      </Answered>
      {names.length > MOST_DEVICE_METRICS && <p class="faint">The first {MOST_DEVICE_METRICS} of {names.length} metrics of devices; the others are under <a href={link("metrics", { q: DEVICE_METRICS })}>Metrics</a>.</p>}
    </Panel>
  );
}

function readingsOf(series: readonly Series[], metric: string): readonly Reading[] {
  return [...byHost(series, DEVICE)].flatMap(([device, own]) => {
    const course = new Map(own.flatMap((one) => one.points.flatMap(({ time, value }) => (typeof value === "number" ? [[Date.parse(time), value] as const] : []))));
    return course.size === 0 ? [] : [{ device, metric: metric.slice(DEVICE_METRICS.length), course }];
  });
}
