// Two agents, versions, models or stretches of time side by side, figure by figure.

import { useMemo } from "preact/hooks";
import type { AnyQuestion, Schemas } from "../api/client";
import { urlOf } from "../api/client";
import { useAnswer, useUrls } from "../api/hooks";
import { groupOf } from "../agents/sums";
import { count, duration, money, percent, short, significant } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Head, Notice, Panel, Tabs } from "../parts/basic";
import { Choice, Filters } from "../parts/filters";
import { type Range, RangePicker, useRange } from "../parts/range";
import { type Column, Table } from "../parts/table";
import { type Address, change } from "../routing";
import "../agents/agents.css";

type By = "time" | "version" | "model" | "agent";
type Sums = Schemas["Comparison"]["current"];
const USUAL = "-7d";
const BY: readonly (readonly [By, string])[] = [["time", "With the time before"], ["version", "Two versions"], ["model", "Two models"], ["agent", "Two agents"]];

interface Row {
  readonly name: string;
  readonly value: (sums: Sums) => number | null;
  readonly format: (value: number) => string;
  /** Whether more of it is worse (1), better (-1) or neither. */
  readonly worse: 1 | 0 | -1;
}

const share = (part: number, of: number): number | null => (of > 0 ? part / of : null);
const ROWS: readonly Row[] = [
  { name: "Runs", value: (sums) => sums.runs, format: count, worse: 0 },
  { name: "LLM calls", value: (sums) => sums.llm_calls, format: count, worse: 0 },
  { name: "Tool calls", value: (sums) => sums.tool_calls, format: count, worse: 0 },
  { name: "Failed, of all", value: (sums) => sums.error_rate, format: percent, worse: 1 },
  { name: "LLM calls that failed", value: (sums) => share(sums.llm_errors, sums.llm_calls), format: percent, worse: 1 },
  { name: "Tool calls that failed", value: (sums) => share(sums.tool_errors, sums.tool_calls), format: percent, worse: 1 },
  { name: "Duration p50", value: (sums) => sums.p50_ms, format: duration, worse: 1 },
  { name: "Duration p95", value: (sums) => sums.p95_ms, format: duration, worse: 1 },
  { name: "First token p50", value: (sums) => sums.ttft_p50_ms, format: duration, worse: 1 },
  { name: "Tokens out per second", value: (sums) => sums.output_tokens_per_second, format: (value) => significant(value), worse: -1 },
  { name: "Tokens in", value: (sums) => sums.input_tokens, format: short, worse: 0 },
  { name: "Tokens out", value: (sums) => sums.output_tokens, format: short, worse: 0 },
  { name: "Tokens per LLM call", value: (sums) => share(sums.total_tokens, sums.llm_calls), format: short, worse: 1 },
  { name: "Input from cache", value: (sums) => sums.cache_hit_ratio, format: percent, worse: -1 },
  { name: "Cost", value: (sums) => sums.cost_usd, format: money, worse: 0 },
  { name: "Cost per LLM call", value: (sums) => (sums.cost_usd === null ? null : share(sums.cost_usd, sums.llm_calls - sums.unpriced_calls)), format: money, worse: 1 },
  { name: "LLM calls per run", value: (sums) => sums.llm_calls_per_run, format: (value) => significant(value), worse: 1 },
  { name: "Tool calls per run", value: (sums) => sums.tool_calls_per_run, format: (value) => significant(value), worse: 1 },
  { name: "Without a known price", value: (sums) => sums.unpriced_calls, format: count, worse: 1 },
];

export default function ComparisonView({ address: { params } }: { address: Address }) {
  const range = useRange(USUAL);
  const by = (params.get("by") ?? "time") as By;
  const agents = useAnswer("/api/agents", { ...range, limit: 200 });
  const names = agents.data?.filter(({ told_by }) => told_by === "events").map(({ name }) => name) ?? [];
  return (
    <>
      <Head title="Compare" tools={<RangePicker usual={USUAL} />} />
      <Filters>
        <Tabs<By> label="What is compared" tabs={BY} chosen={by} onChoose={(next) => change({ by: next === "time" ? null : next, a: null, b: null })} />
        {by !== "agent" && <Choice name="agent" label="Agent" any="All agents" options={names} />}
      </Filters>
      {by === "time" ? <Times range={range} agent={params.get("agent")} /> : <Named by={by} params={params} range={range} names={by === "agent" ? names : undefined} />}
    </>
  );
}

function Times({ range, agent }: { range: Range; agent: string | null }) {
  const bounded = range.start !== undefined;
  const asked = useAnswer("/api/compare", bounded ? { start: range.start, end: range.end ?? "now", agent: agent ?? undefined } : undefined);
  if (!bounded) return <Notice title="All time has no time before it">Choose a range of time.</Notice>;
  return <Answered asked={asked}>{(found) => <Both a={found.baseline} b={found.current} nameA="Before" nameB="Now" url={asked.url} />}</Answered>;
}

/** Two of a kind, by name. Agents are asked for one by one, as each has its own versions and models. */
function Named({ by, params, range, names }: { by: Exclude<By, "time">; params: URLSearchParams; range: Range; names: readonly string[] | undefined }) {
  const agent = params.get("agent") ?? undefined;
  const known = useAnswer("/api/usage", by === "agent" ? undefined : { ...range, agent, group_by: by, limit: 200 });
  const options = names ?? known.data?.flatMap((usage) => groupOf(usage, by) ?? []) ?? [];
  const [a, b] = [params.get("a") ?? options[0], params.get("b") ?? options[1]];
  const question = (value: string): AnyQuestion => ({ start: range.start ?? "1970-01-01", end: range.end ?? "now", agent, [by]: value, baseline_start: range.start ?? "1970-01-01", baseline_end: range.end ?? "now" });
  const urls = a === undefined || b === undefined ? [] : [a, b].map((value) => urlOf("/api/compare", question(value)));
  const asked = useUrls<Schemas["Comparison"]>(urls);
  return (
    <>
      <Filters>
        <Choice name="a" label="First" any={a ?? "First"} options={options} />
        <span class="faint">against</span>
        <Choice name="b" label="Second" any={b ?? "Second"} options={options} />
        <Curl url={known.url} what={`all ${by}s`} />
      </Filters>
      {urls.length === 0 && options.length < 2 ? (
        <Notice title={`There are no two ${by}s to compare`}>{by === "version" ? "Agents tell their version as service.version or gen_ai.agent.version. " : ""}Choose a longer range of time{agent === undefined ? "" : ", or all agents"}.</Notice>
      ) : (
        <Answered asked={asked}>{([first, second]) => first && second && <Both a={first.current} b={second.current} nameA={a ?? ""} nameB={b ?? ""} url={asked.url} />}</Answered>
      )}
    </>
  );
}

function Both({ a, b, nameA, nameB, url }: { a: Sums; b: Sums; nameA: string; nameB: string; url: string | undefined }) {
  const rows = useMemo(() => ROWS.filter(({ value }) => Boolean(value(a)) || Boolean(value(b))), [a, b]);
  const change = (row: Row): number | null => {
    const [then, now] = [row.value(a), row.value(b)];
    return then === null || now === null || then === 0 ? null : (now - then) / then;
  };
  const shown = (row: Row, sums: Sums) => {
    const value = row.value(sums);
    return value === null ? <span class="faint">–</span> : row.format(value);
  };
  const columns: readonly Column<Row>[] = [
    { name: "name", title: "Figure", cell: (row) => row.name, wide: true },
    { name: "a", title: nameA, cell: (row) => shown(row, a), numeric: true },
    { name: "b", title: nameB, cell: (row) => shown(row, b), numeric: true },
    { name: "change", title: "Change", cell: (row) => <Change part={change(row)} worse={row.worse} />, value: (row) => Math.abs(change(row) ?? 0), numeric: true },
  ];
  const nothing = a.llm_calls + a.tool_calls + a.runs === 0;
  return (
    <>
      {nothing && <Notice title={`Nothing is known of ${nameA.toLowerCase() === "before" ? "the time before" : nameA} in this range`} />}
      <Panel tools={<Curl url={url} />}>
        <Table label="Figures of both" columns={columns} items={rows} keyOf={(row) => row.name} />
      </Panel>
    </>
  );
}

/** A word beside the colour: better or worse, where it is one of them. */
function Change({ part, worse }: { part: number | null; worse: Row["worse"] }) {
  if (part === null) return <span class="faint">–</span>;
  if (Math.abs(part) < 0.0005) return <span class="faint">same</span>;
  const verdict = worse === 0 ? "" : part * worse > 0 ? "worse" : "better";
  const text = `${part > 0 ? "+" : "−"}${Math.abs(part) >= 10 ? `${significant(Math.abs(part))} ×` : percent(Math.abs(part))}`;
  return <span class={verdict === "worse" ? "bad" : verdict === "better" ? "good" : ""}>{text}{verdict && ` ${verdict}`}</span>;
}
