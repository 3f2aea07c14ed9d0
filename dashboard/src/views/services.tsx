// Who calls whom: a map from the left, where calls begin, to what is called, and the same as a table.

import { useMemo } from "preact/hooks";
import type { Schemas } from "../api/client";
import { useAnswer } from "../api/hooks";
import { useTick } from "../api/live";
import { count, duration, percent, short } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Failures, Head, hueOf, Panel, ServiceName } from "../parts/basic";
import { Elsewhere } from "../parts/elsewhere";
import { type Range, RangePicker, toMilliseconds, useRange } from "../parts/range";
import { type Column, Table } from "../parts/table";
import { useWidth } from "../parts/width";
import { link } from "../routing";

type Calls = Schemas["ServiceCalls"];
type Latency = Schemas["Latency"];

interface Box {
  readonly key: string;
  readonly name: string | null;
  readonly kind: string;
  column: number;
  x: number;
  y: number;
}

const HEIGHT = 40;
const GAP = 16;
const MOST_CALLS = 300;

export default function Services() {
  const range = useRange("-1h");
  const tick = useTick(range.end === undefined, ["trace"], 5000);
  const times = { start: range.start ?? "1970-01-01", end: range.end };
  const calls = useAnswer("/api/services/map", times, tick);
  const latencies = useAnswer("/api/latency", { ...times, group_by: "service" }, tick);
  return (
    <>
      <Head title="Services" tools={<><RangePicker usual="-1h" /><Curl url={calls.url} /></>} />
      <Answered asked={latencies} empty={<Elsewhere what="spans" range={range} />}>
        {(found) => (
          <>
            <Panel title="Calls" tools={<span class="faint">point at an arrow for its figures</span>}>
              <Answered asked={calls}>{(list) => <CallMap calls={list.slice(0, MOST_CALLS)} latencies={found} range={range} />}</Answered>
            </Panel>
            <Panel title="Services" tools={<Curl url={latencies.url} />}>
              <ServiceTable latencies={found} range={range} />
            </Panel>
            {calls.data && calls.data.length > 0 && <Panel title="Calls as a table"><CallTable calls={calls.data} /></Panel>}
          </>
        )}
      </Answered>
    </>
  );
}

const keyOf = (name: string | null, kind: string): string => `${kind === "service" ? "service" : kind} ${name}`;

/** Services in columns: one stands right of whatever calls it, as far as calls do not go in circles. */
function layout(calls: readonly Calls[], latencies: readonly Latency[]): ReadonlyMap<string, Box> {
  const boxes = new Map<string, Box>();
  const box = (name: string | null, kind: string) => {
    const key = keyOf(name, kind);
    if (!boxes.has(key)) boxes.set(key, { key, name, kind, column: 0, x: 0, y: 0 });
  };
  for (const call of calls) {
    box(call.source, "service");
    box(call.target, call.kind);
  }
  for (const one of latencies) box(one.group, "service");
  for (let round = 0; round < Math.min(boxes.size, 8); round += 1) {
    for (const call of calls) {
      const [from, to] = [boxes.get(keyOf(call.source, "service")), boxes.get(keyOf(call.target, call.kind))];
      const back = calls.some((other) => other.source === call.target && other.target === call.source && other.count > call.count);
      if (from && to && from !== to && !back && to.column <= from.column && from.column < 6) to.column = from.column + 1;
    }
  }
  // What only is called stands at the right edge.
  const last = Math.max(1, ...[...boxes.values()].map((one) => one.column));
  for (const one of boxes.values()) if (one.kind !== "service") one.column = last + (calls.some((call) => boxes.get(keyOf(call.source, "service"))?.column === last) ? 1 : 0);
  return boxes;
}

function rate(perSecond: number): string {
  return perSecond >= 1 ? `${short(perSecond)}/s` : perSecond >= 1 / 60 ? `${short(Number((perSecond * 60).toPrecision(2)))}/min` : `${short(Number((perSecond * 3600).toPrecision(2)))}/h`;
}

function place(boxes: ReadonlyMap<string, Box>, width: number) {
  const columns = Map.groupBy(boxes.values(), (box) => box.column);
  const last = Math.max(...columns.keys(), 0);
  const wide = Math.min(215, (width - 20) / (last + 1) - 40);
  for (const [column, members] of columns) {
    members.forEach((box, row) => {
      box.x = 4 + (last === 0 ? 0 : (column / last) * (width - wide - 8));
      box.y = 4 + row * (HEIGHT + GAP);
    });
  }
  const tallest = Math.max(...[...columns.values()].map((members) => members.length), 1);
  return { wide, height: tallest * (HEIGHT + GAP) };
}

function CallMap({ calls, latencies, range }: { calls: readonly Calls[]; latencies: readonly Latency[]; range: Range }) {
  const [element, width] = useWidth<HTMLDivElement>();
  const boxes = useMemo(() => layout(calls, latencies), [calls, latencies]);
  const { wide, height } = place(boxes, width);
  const most = Math.max(...calls.map((call) => call.count), 1);
  const seconds = Math.max(1, (toMilliseconds(range.end) - toMilliseconds(range.start ?? "-30d")) / 1000);
  const figures = new Map(latencies.map((one) => [keyOf(one.group, "service"), one]));
  return (
    <div class="map" ref={element}>
      <svg width={width} height={height} role="group" aria-label={`${boxes.size} services and what they call; the tables below list them`}>
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse" markerUnits="userSpaceOnUse">
            <path d="M0 0L8 4L0 8z" />
          </marker>
        </defs>
        {calls.map((call) => {
          const from = boxes.get(keyOf(call.source, "service"));
          const to = boxes.get(keyOf(call.target, call.kind));
          return from && to && <Edge key={`${call.source} ${call.kind} ${call.target}`} call={call} from={from} to={to} wide={wide} most={most} labelled={calls.filter((other) => other.source === call.source).length === 1} />;
        })}
        {[...boxes.values()].map((box) => (
          <Node key={box.key} box={box} wide={wide} latency={figures.get(box.key)} seconds={seconds} range={range} />
        ))}
      </svg>
    </div>
  );
}

function Edge({ call, from, to, wide, most, labelled }: { call: Calls; from: Box; to: Box; wide: number; most: number; labelled: boolean }) {
  const forward = to.x > from.x;
  const [x1, x2] = forward ? [from.x + wide, to.x] : [from.x, to.x + wide];
  const [y1, y2] = [from.y + HEIGHT / 2, to.y + HEIGHT / 2];
  const bend = Math.max(30, Math.abs(x2 - x1) / 2) * (forward ? 1 : -1);
  const path = from.x === to.x ? `M${from.x + wide} ${y1}C${from.x + wide + 40} ${y1} ${from.x + wide + 40} ${y2} ${from.x + wide} ${y2}` : `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  return (
    <g class={`edge ${call.error_rate > 0.05 ? "failing" : ""}`}>
      <path d={path} stroke-width={1 + 3 * (Math.log1p(call.count) / Math.log1p(most))} marker-end="url(#arrow)">
        <title>{`${call.source ?? "no service name"} → ${call.target}: ${count(call.count)} calls, ${percent(call.error_rate)} failed, ${duration(call.mean_ms)} on average`}</title>
      </path>
      {labelled && forward && (
        <text x={x1 + 8} y={y1 - 5}>
          {short(call.count)}{call.error_count > 0 && ` · ▲ ${percent(call.error_rate)}`} · {duration(call.mean_ms)}
        </text>
      )}
    </g>
  );
}

function Node({ box, wide, latency, seconds, range }: { box: Box; wide: number; latency: Latency | undefined; seconds: number; range: Range }) {
  const name = box.name ?? "no service name";
  const cut = Math.max(6, Math.floor(wide / 7.2) - 3);
  const content = (
    <>
      <rect x={box.x} y={box.y} width={wide} height={HEIGHT} rx={box.kind === "service" ? 7 : 20} />
      <circle class={`hue-${hueOf(name)}`} cx={box.x + 14} cy={box.y + 14} r={4.5} />
      <text class="name" x={box.x + 24} y={box.y + 18}>
        {name.length > cut ? `${name.slice(0, cut)}…` : name}
      </text>
      <text x={box.x + 24} y={box.y + 33}>
        {latency ? `${rate(latency.count / seconds)} · ${latency.error_count ? `▲ ${percent(latency.error_rate)} · ` : ""}p95 ${duration(latency.p95_ms)}` : box.kind}
      </text>
      <title>{name}</title>
    </>
  );
  if (box.kind !== "service") return <g class="box outside">{content}</g>;
  return (
    <a class={`box ${latency && latency.error_rate > 0.05 ? "failing" : ""}`} href={link("traces", { service: box.name, start: range.start ?? "all", end: range.end })}>
      {content}
    </a>
  );
}

function ServiceTable({ latencies, range }: { latencies: readonly Latency[]; range: Range }) {
  const columns: readonly Column<Latency>[] = [
    { name: "service", title: "Service", cell: (one) => <ServiceName name={one.group} />, value: (one) => one.group, wide: true },
    { name: "spans", title: "Spans", cell: (one) => count(one.count), value: (one) => one.count, numeric: true },
    { name: "errors", title: "Failed", cell: (one) => <Failures number={one.error_count} of={one.count} />, value: (one) => one.error_rate, numeric: true },
    { name: "p50", title: "p50", cell: (one) => duration(one.p50_ms), value: (one) => one.p50_ms, numeric: true },
    { name: "p95", title: "p95", cell: (one) => duration(one.p95_ms), value: (one) => one.p95_ms, numeric: true },
    { name: "latency", title: "", cell: (one) => <a href={link("latency", { service: one.group, start: range.start ?? "all", end: range.end })}>Latency</a> },
    { name: "logs", title: "", cell: (one) => <a href={link("logs", { service: one.group, start: range.start ?? "all", end: range.end })}>Logs</a> },
  ];
  return <Table label="Services" columns={columns} items={latencies} keyOf={(one) => one.group ?? ""} hrefOf={(one) => link("traces", { service: one.group, start: range.start ?? "all", end: range.end })} />;
}

function CallTable({ calls }: { calls: readonly Calls[] }) {
  const columns: readonly Column<Calls>[] = [
    { name: "source", title: "From", cell: (one) => <ServiceName name={one.source} />, value: (one) => one.source },
    { name: "target", title: "To", cell: (one) => <>{one.kind === "service" ? <ServiceName name={one.target} /> : one.target} {one.kind !== "service" && <span class="badge">{one.kind}</span>}</>, value: (one) => one.target, wide: true },
    { name: "count", title: "Calls", cell: (one) => count(one.count), value: (one) => one.count, numeric: true },
    { name: "errors", title: "Failed", cell: (one) => <Failures number={one.error_count} of={one.count} />, value: (one) => one.error_rate, numeric: true },
    { name: "mean", title: "Mean", cell: (one) => duration(one.mean_ms), value: (one) => one.mean_ms, numeric: true },
    { name: "max", title: "Max", cell: (one) => duration(one.max_ms), value: (one) => one.max_ms, numeric: true },
  ];
  return <Table label="Calls between services" columns={columns} items={calls} keyOf={(one) => `${one.source} ${one.kind} ${one.target}`} />;
}
