// Two traces side by side, operation by operation: what one has more of, and what took longer.

import { useMemo } from "preact/hooks";
import { useUrl } from "../api/hooks";
import { count, duration, time } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Head, Notice, ServiceName } from "../parts/basic";
import { type Column, Table } from "../parts/table";
import { type Address, link } from "../routing";
import { type Trace, treeOf } from "../trace/model";
import { operationsOf } from "../trace/table";

interface Pair {
  readonly name: string;
  readonly service: string | null;
  readonly left: Side;
  readonly right: Side;
}

interface Side {
  readonly spans: number;
  readonly failed: number;
  readonly total: number;
}

const NONE: Side = { spans: 0, failed: 0, total: 0 };

export default function Compare({ address }: { address: Address }) {
  const [, left = "", right = ""] = address.path;
  const first = useUrl<Trace>(`/api/traces/${encodeURIComponent(left)}`);
  const second = useUrl<Trace>(`/api/traces/${encodeURIComponent(right)}`);
  return (
    <>
      <Head title="Two traces compared" tools={<><a class="button" href={link(["compare", right, left])}>Swap</a><Curl url={first.url} /><Curl url={second.url} /></>} />
      <Answered asked={first}>
        {(a) => <Answered asked={second}>{(b) => <Both a={a} b={b} />}</Answered>}
      </Answered>
    </>
  );
}

function pairsOf(a: Trace, b: Trace): readonly Pair[] {
  const pairs = new Map<string, { name: string; service: string | null; left: Side; right: Side }>();
  for (const [side, trace] of [["left", a], ["right", b]] as const) {
    for (const one of operationsOf(treeOf(trace))) {
      const key = `${one.service}\n${one.name}`;
      const pair = pairs.get(key) ?? { name: one.name, service: one.service, left: NONE, right: NONE };
      pair[side] = one;
      pairs.set(key, pair);
    }
  }
  return [...pairs.values()];
}

function Both({ a, b }: { a: Trace; b: Trace }) {
  const pairs = useMemo(() => pairsOf(a, b), [a, b]);
  const difference = (pair: Pair) => pair.right.total - pair.left.total;
  const most = Math.max(...pairs.map((pair) => Math.abs(difference(pair))), 0.001);
  const columns: readonly Column<Pair>[] = [
    { name: "name", title: "Operation", cell: (pair) => pair.name, value: (pair) => pair.name, wide: true },
    { name: "service", title: "Service", cell: (pair) => <ServiceName name={pair.service} />, value: (pair) => pair.service },
    { name: "left", title: "Spans A", cell: (pair) => <Count side={pair.left} />, value: (pair) => pair.left.spans, numeric: true },
    { name: "right", title: "Spans B", cell: (pair) => <Count side={pair.right} />, value: (pair) => pair.right.spans, numeric: true },
    { name: "left-time", title: "Time A", cell: (pair) => (pair.left.spans ? duration(pair.left.total) : "–"), value: (pair) => pair.left.total, numeric: true },
    { name: "right-time", title: "Time B", cell: (pair) => (pair.right.spans ? duration(pair.right.total) : "–"), value: (pair) => pair.right.total, numeric: true },
    { name: "difference", title: "B against A", cell: (pair) => <Difference ms={difference(pair)} most={most} />, value: (pair) => Math.abs(difference(pair)), numeric: true },
  ];
  return (
    <>
      <div class="columns">
        <Card letter="A" trace={a} />
        <Card letter="B" trace={b} />
      </div>
      {a.root_name !== b.root_name && <Notice>They begin with different operations; equal names further down may still mean different things.</Notice>}
      <section class="panel">
        <Table label="Operations of both traces" columns={columns} items={pairs} keyOf={(pair) => `${pair.service}\n${pair.name}`} sorted="difference" />
      </section>
    </>
  );
}

function Count({ side }: { side: Side }) {
  if (side.spans === 0) return <span class="faint">none</span>;
  return <>{count(side.spans)}{side.failed > 0 && <span class="bad"> ▲ {side.failed}</span>}</>;
}

function Difference({ ms, most }: { ms: number; most: number }) {
  const width = `${(Math.abs(ms) / most) * 50}%`;
  return (
    <span class="difference">
      <span class="scale" aria-hidden="true">
        <span class={ms > 0 ? "more" : "less"} style={ms > 0 ? { left: "50%", width } : { right: "50%", width }} />
      </span>
      {ms === 0 ? "same" : `${ms > 0 ? "+" : "−"}${duration(Math.abs(ms))}`}
    </span>
  );
}

function Card({ letter, trace }: { letter: string; trace: Trace }) {
  return (
    <section class="panel">
      <h2>
        {letter}: <a href={link(["traces", trace.trace_id])}>{trace.root_name ?? "Root span not received"}</a>
      </h2>
      <p class="facts">
        <ServiceName name={trace.service} /> <span>{time(trace.start_time)}</span> <strong>{duration(trace.duration_ms)}</strong> <span>{count(trace.span_count)} spans</span>
        {trace.error_count > 0 && <span class="bad">▲ {trace.error_count} failed</span>}
      </p>
    </section>
  );
}
