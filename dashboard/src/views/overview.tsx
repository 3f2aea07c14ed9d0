// What came in lately, how much of it failed, how long it took: the first thing anybody sees.

import { useMemo } from "preact/hooks";
import type { Schemas } from "../api/client";
import { type Asked, useAnswer, useList } from "../api/hooks";
import { useTick } from "../api/live";
import { bytes, count, duration, money, percent, plural, short } from "../format";
import { Answered } from "../parts/answered";
import { Cost } from "../agents/shown";
import { Curl, Failures, Figure, Head, hueOf, Panel, ServiceName, When } from "../parts/basic";
import { Chart, type Line, steps } from "../parts/chart";
import { intervalOf, type Range, RangePicker, toMilliseconds, useRange } from "../parts/range";
import { type Column, Table } from "../parts/table";
import { Elsewhere } from "../parts/elsewhere";
import { link } from "../routing";
import { TraceTable } from "../parts/traces";
import { Welcome } from "./welcome";

const SHOWN_LINES = 6;

export default function Overview() {
  const tick = useTick(true, ["trace", "log", "dropped"], 2000);
  const statistics = useAnswer("/api/stats", {}, tick);
  const empty = statistics.data !== undefined && statistics.data.spans + statistics.data.logs + statistics.data.metric_points === 0;
  if (empty) return <Welcome />;
  return <Filled tick={tick} statistics={statistics.data} url={statistics.url} />;
}

function Filled({ tick, statistics, url }: { tick: number; statistics: Schemas["Statistics"] | undefined; url: string | undefined }) {
  const range = useRange("-1h");
  const interval = intervalOf(range);
  const times = { start: range.start ?? "1970-01-01", end: range.end };
  const overall = useAnswer("/api/latency", { ...times, group_by: "service" }, tick);
  const series = useAnswer("/api/latency", range.start === undefined ? undefined : { ...times, group_by: "service", interval: interval.text }, tick);
  const failures = useList("/api/traces", { start: range.start, end: range.end, status: "error", limit: 8 }, tick);
  const cost = useCost();
  const newest = useList("/api/traces", { start: range.start, end: range.end, limit: 8 }, tick);
  return (
    <>
      <Head title="Overview" tools={<><RangePicker usual="-1h" /><Curl url={url} /><Curl url={cost[0].url} what="cost" /></>} />
      <Figures latencies={overall.data} statistics={statistics} range={range} cost={cost} />
      <Answered asked={overall} empty={<Elsewhere what="spans" range={range} />}>
        {(latencies) => (
          <>
            {series.data && <Charts latencies={series.data} range={range} everyMs={interval.ms} url={series.url} />}
            <Panel title="Services" wide tools={<Curl url={overall.url} />}>
              <ServiceTable latencies={latencies} range={range} />
            </Panel>
          </>
        )}
      </Answered>
      <div class="columns">
        <Panel title="Newest traces" tools={<><a href={link("traces", { start: range.start ?? "all", end: range.end })}>All traces</a><Curl url={newest.url} /></>}>
          <Answered asked={newest} empty={<p class="faint">No traces in this range.</p>}>
            {(traces) => <TraceTable label="Newest traces" traces={traces} few />}
          </Answered>
        </Panel>
        <Panel title="Newest failures" tools={<><a href={link("traces", { start: range.start ?? "all", end: range.end, status: "error" })}>All failures</a><Curl url={failures.url} /></>}>
          <Answered asked={failures} empty={<p class="faint">No trace with a failed span in this range.</p>}>
            {(traces) => <TraceTable label="Newest failures" traces={traces} few />}
          </Answered>
        </Panel>
      </div>
    </>
  );
}

function Figures({ latencies, statistics, range, cost }: { latencies: readonly Schemas["Latency"][] | undefined; statistics: Schemas["Statistics"] | undefined; range: Range; cost: ReturnType<typeof useCost> }) {
  const spans = latencies?.reduce((sum, one) => sum + one.count, 0);
  const failed = latencies?.reduce((sum, one) => sum + one.error_count, 0);
  const slowest = latencies && [...latencies].sort((a, b) => b.p95_ms - a.p95_ms)[0];
  const span = { start: range.start ?? "all", end: range.end };
  return (
    <div class="figures">
      <Figure label="Spans in the range" value={short(spans)} note={latencies && plural(latencies.length, "service")} href={link("services", span)} />
      <Figure
        label="Failed spans"
        value={spans ? <span class={failed ? "bad" : ""}>{percent((failed ?? 0) / spans)}</span> : "–"}
        note={failed === undefined ? "" : count(failed)}
        href={link("traces", { ...span, status: "error" })}
      />
      <Figure label="Highest p95" value={slowest ? duration(slowest.p95_ms) : "–"} note={slowest?.group ?? ""} href={link("latency", span)} />
      <CostToday cost={cost} />
      <Figure label="Traces stored" value={short(statistics?.traces)} note={statistics && `${short(statistics.spans)} spans`} href={link("traces", { start: "all" })} />
      <Figure label="Logs stored" value={short(statistics?.logs)} note={statistics && `${short(statistics.metric_points)} metric points`} href={link("logs", { start: "all" })} />
      <Figure label="On disk" value={bytes(statistics?.size_bytes)} note={statistics && (statistics.queue_rows ? `${count(statistics.queue_rows)} rows wait` : "nothing waits")} href={link("status")} />
    </div>
  );
}

type AskedUsage = Asked<readonly Schemas["Usage"][]>;

/** What model calls cost today, and until the same time of the day before. */
function useCost(): readonly [AskedUsage, AskedUsage, string] {
  const tick = useTick(true, ["trace", "log", "dropped"], 10_000);
  const minute = Math.floor(Date.now() / 60_000); // the question is the same one for a minute
  const [yesterday, now, today] = useMemo(() => {
    const midnight = new Date();
    midnight.setHours(0, 0, 0, 0);
    const before = new Date(midnight);
    before.setDate(before.getDate() - 1);
    const texts = [before, new Date(minute * 60_000 - (midnight.getTime() - before.getTime())), midnight].map((at) => at.toISOString());
    return texts as [string, string, string];
  }, [minute]);
  return [useAnswer("/api/usage", { start: today }, tick), useAnswer("/api/usage", { start: yesterday, end: now }, tick), today];
}

function CostToday({ cost: [today, yesterday, start] }: { cost: ReturnType<typeof useCost> }) {
  const [spent, then] = [today.data?.[0], yesterday.data?.[0]];
  return (
    <Figure
      label="LLM cost today"
      value={spent ? <Cost sums={spent} /> : money(0)}
      note={then?.llm_calls ? <>yesterday by now <Cost sums={then} />{changeOf(spent?.cost_usd ?? 0, then.cost_usd)}</> : spent?.llm_calls ? `${short(spent.llm_calls)} calls, none yesterday by now` : "no model calls"}
      href={link("llm-calls", { start })}
    />
  );
}

function changeOf(now: number, then: number | null): string {
  if (!then) return "";
  const change = (now - then) / then;
  return Math.abs(change) < 0.01 ? "" : ` (${change > 0 ? "+" : "−"}${percent(Math.abs(change))})`;
}

function Charts({ latencies, range, everyMs, url }: { latencies: readonly Schemas["Latency"][]; range: Range; everyMs: number; url: string | undefined }) {
  const shown = useMemo(() => over(latencies, range, everyMs), [latencies]);
  return (
    <div class="columns">
      <Panel title={`Spans per ${duration(everyMs).replace(/^1 /, "")}`} tools={<Curl url={url} />}>
        <Chart label="Spans and failed spans over time" times={shown.times} lines={shown.rate} format={short} {...shown.edges} />
      </Panel>
      <Panel title="p95 by service" tools={<Curl url={url} />}>
        <Chart label="95th percentile of span durations by service" times={shown.times} lines={shown.slow} format={duration} {...shown.edges} />
      </Panel>
    </div>
  );
}

/** The answers as lines over the same times, a gap where there were no spans. */
function over(latencies: readonly Schemas["Latency"][], range: Range, everyMs: number) {
  const [from, to] = [toMilliseconds(range.start), toMilliseconds(range.end)];
  const times = steps(from, to, everyMs);
  const place = new Map(times.map((second, index) => [second, index]));
  const blank = (fill: number | null) => times.map((): number | null => fill);
  const [all, failed] = [blank(0), blank(0)];
  const groups = new Map<string, { total: number; values: (number | null)[] }>();
  for (const one of latencies) {
    const index = place.get(Date.parse(one.interval_start ?? "") / 1000);
    if (index === undefined) continue;
    all[index] = (all[index] ?? 0) + one.count;
    failed[index] = (failed[index] ?? 0) + one.error_count;
    const name = one.group ?? "no service name";
    const group = groups.get(name) ?? { total: 0, values: blank(null) };
    group.total += one.count;
    group.values[index] = one.p95_ms;
    groups.set(name, group);
  }
  const busiest = [...groups].sort(([, a], [, b]) => b.total - a.total).slice(0, SHOWN_LINES);
  const rate: Line[] = [
    { label: "All", values: all, colour: "--hue-6", kind: "bars" },
    { label: "Failed", values: failed, colour: "--bad", kind: "bars" },
  ];
  const slow = busiest.map(([label, { values }]): Line => ({ label, values, colour: `--hue-${hueOf(label)}` }));
  return { times, rate, slow, edges: { from: from / 1000, to: to / 1000 } };
}

function ServiceTable({ latencies, range }: { latencies: readonly Schemas["Latency"][]; range: Range }) {
  const last = useAnswer("/api/services", { start: range.start, end: range.end });
  const seen = new Map(last.data?.map((service) => [service.name, service.last_seen]));
  const columns: readonly Column<Schemas["Latency"]>[] = [
    { name: "service", title: "Service", cell: (one) => <ServiceName name={one.group} />, value: (one) => one.group, wide: true },
    { name: "spans", title: "Spans", cell: (one) => count(one.count), value: (one) => one.count, numeric: true },
    { name: "errors", title: "Failed", cell: (one) => <Failures number={one.error_count} of={one.count} />, value: (one) => one.error_rate, numeric: true },
    { name: "p50", title: "p50", cell: (one) => duration(one.p50_ms), value: (one) => one.p50_ms, numeric: true },
    { name: "p95", title: "p95", cell: (one) => duration(one.p95_ms), value: (one) => one.p95_ms, numeric: true },
    { name: "p99", title: "p99", cell: (one) => duration(one.p99_ms), value: (one) => one.p99_ms, numeric: true },
    { name: "seen", title: "Last seen", cell: (one) => <When at={seen.get(one.group) ?? null} relative />, numeric: true },
  ];
  return (
    <Table
      label="Services"
      columns={columns}
      items={latencies}
      keyOf={(one) => one.group ?? ""}
      hrefOf={(one) => link("traces", { service: one.group, start: range.start ?? "all", end: range.end })}
    />
  );
}
