// One host or device: its figures over time, its processes, and what ran on it.

import { useMemo } from "preact/hooks";
import { useAnswer, useUrls } from "../api/hooks";
import { useTick } from "../api/live";
import { bytes, short } from "../format";
import { DEVICE, DEVICE_METRICS, type Drawn, DRAWN, HOST, type Series, urlOfMetric, valuesOf } from "../hosts/measures";
import { Answered } from "../parts/answered";
import { Curl, Head, Notice, Panel } from "../parts/basic";
import { Chart, COLOURS, type Line, steps } from "../parts/chart";
import { intervalOf, type Range, RangePicker, toMilliseconds, useRange } from "../parts/range";
import { type Column, Table } from "../parts/table";
import { type Address, change, link } from "../routing";

const PARTS = 90;
const MOST_LINES = 10;
const MOST_DRAWN = 24;

export default function HostView({ address: { path, params } }: { address: Address }) {
  const name = path[1] ?? "";
  const isDevice = params.get("kind") === "device";
  const range = useRange("-1h");
  const tick = useTick(range.end === undefined, ["trace", "log", "dropped"], 10_000);
  return (
    <>
      <Head title={<><a href={link("hosts")} class="faint">{isDevice ? "Devices" : "Hosts"} /</a> {name}</>} tools={<RangePicker usual="-1h" />}>
        {!isDevice && <a href={link("traces", { "attr.host.name": name, start: params.get("start"), end: params.get("end") })}>Traces of this host</a>}
      </Head>
      {isDevice ? <Device name={name} range={range} tick={tick} /> : <Charts drawn={DRAWN} filter={{ [`attr.${HOST}`]: name }} range={range} tick={tick} />}
      {!isDevice && <Processes name={name} range={range} tick={tick} />}
    </>
  );
}

function Device({ name, range, tick }: { name: string; range: Range; tick: number }) {
  const metrics = useAnswer("/api/metrics", { q: DEVICE_METRICS });
  const drawn = useMemo(() => metrics.data?.slice(0, MOST_DRAWN).map(({ name: metric }): Drawn => ({ title: metric.slice(DEVICE_METRICS.length), metric, aggregate: "avg", by: [], format: short })), [metrics.data]);
  return <Answered asked={metrics}>{() => drawn && <Charts drawn={drawn} filter={{ [`attr.${DEVICE}`]: name }} range={range} tick={tick} />}</Answered>;
}

function Charts({ drawn, filter, range, tick }: { drawn: readonly Drawn[]; filter: Readonly<Record<`attr.${string}`, string>>; range: Range; tick: number }) {
  const interval = intervalOf(range, PARTS);
  const urls = drawn.map(({ metric, aggregate, by }) => urlOfMetric(metric, aggregate, by, range, interval.text, filter));
  const asked = useUrls<readonly Series[]>(urls, tick);
  const times = useMemo(() => steps(toMilliseconds(range.start ?? "-30d"), toMilliseconds(range.end), interval.ms), [asked.data]);
  const lines = useMemo(() => asked.data?.map((series) => linesOf(series, times)) ?? [], [asked.data]);
  const shown = drawn.map((one, place) => ({ ...one, lines: lines[place] ?? [], url: urls[place] })).filter((one) => one.lines.length > 0);
  return (
    <Answered asked={{ ...asked, data: asked.data && shown }} empty={<Nothing />}>
      {(found) => (
        <div class="columns">
          {found.map((one) => (
            <Panel key={one.metric} title={one.title} tools={<><a class="small" href={link("metrics", { name: one.metric, ...filter })}>Metric</a><Curl url={one.url} /></>}>
              <Chart label={one.title} times={times} lines={one.lines} format={one.format} from={times[0] ?? 0} to={toMilliseconds(range.end) / 1000} />
            </Panel>
          ))}
        </div>
      )}
    </Answered>
  );
}

function linesOf(series: readonly Series[], times: readonly number[]): readonly Line[] {
  return series.slice(0, MOST_LINES).flatMap((one, place) => {
    const values = valuesOf(one);
    const label = Object.values(one.group).filter((value) => value !== null).join(" · ") || "value";
    return values.size === 0 ? [] : [{ label, values: times.map((second) => values.get(second * 1000) ?? null), colour: COLOURS[place % COLOURS.length] ?? "--hue-0" }];
  });
}

function Nothing() {
  return (
    <Notice title="Nothing of it in this range">
      <button type="button" class="link" onClick={() => change({ start: "-30d", end: null })}>Look at the last 30 days</button>
    </Notice>
  );
}

interface Process {
  readonly pid: string;
  readonly program: string;
  readonly owner: string;
  readonly memory: number;
}

function Processes({ name, range, tick }: { name: string; range: Range; tick: number }) {
  const by = ["process.pid", "process.executable.name", "process.owner"];
  const asked = useUrls<readonly Series[]>([urlOfMetric("process.memory.usage", "last", by, range, undefined, { [`attr.${HOST}`]: name })], tick);
  const processes = asked.data?.[0]?.map((one): Process => {
    const [pid, program, owner] = by.map((key) => one.group[key] ?? "–");
    return { pid: pid ?? "–", program: program ?? "–", owner: owner ?? "–", memory: [...valuesOf(one).values()].at(-1) ?? 0 };
  });
  if (!processes?.length) return null;
  const columns: readonly Column<Process>[] = [
    { name: "program", title: "Program", cell: (one) => one.program, value: (one) => one.program, wide: true },
    { name: "pid", title: "Process", cell: (one) => one.pid, value: (one) => Number(one.pid), numeric: true },
    { name: "owner", title: "User", cell: (one) => one.owner, value: (one) => one.owner },
    { name: "memory", title: "Memory", cell: (one) => bytes(one.memory), value: (one) => one.memory, numeric: true },
  ];
  return (
    <Panel title="Largest processes" tools={<Curl url={asked.url} />}>
      <Table label="Largest processes" columns={columns} items={processes} keyOf={(one) => `${one.pid} ${one.program}`} sorted="memory" />
    </Panel>
  );
}
