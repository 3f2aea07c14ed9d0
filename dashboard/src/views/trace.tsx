// One trace: as waterfall, flame graph, table or logs, with the chosen span beside it.

import { useMemo, useState } from "preact/hooks";
import type { Schemas } from "../api/client";
import { type Asked, useUrl } from "../api/hooks";
import { count, duration, money, plural, time } from "../format";
import { Answered } from "../parts/answered";
import { Copy, Curl, Head, Notice, ServiceName, Tabs } from "../parts/basic";
import { LogLine } from "../parts/logs";
import { type Address, change, link } from "../routing";
import { Detail } from "../trace/detail";
import { Flame } from "../trace/flame";
import { reportedUsage, type Span, type Trace, type Tree, treeOf, type Usage } from "../trace/model";
import { Operations } from "../trace/table";
import { Waterfall } from "../trace/waterfall";

type Fact = Schemas["Fact"];
const MOST_CALLS = 1000; // in one answer; beyond it, the tree of the trace has them all

type Tab = "waterfall" | "flame" | "table" | "logs";

export default function TraceView({ address }: { address: Address }) {
  const id = address.path[1] ?? "";
  const asked = useUrl<Trace>(`/api/traces/${encodeURIComponent(id)}`);
  // What model calls cost comes a moment later than the spans, which do not wait for it.
  const calls = useUrl<readonly Fact[]>(asked.data && `/api/llm-calls?trace_id=${encodeURIComponent(id)}&limit=${MOST_CALLS}`);
  const tree = useUrl<Schemas["FactTree"]>(calls.data?.length === MOST_CALLS ? `/api/traces/${encodeURIComponent(id)}/agents` : undefined);
  const facts = calls.data?.length === MOST_CALLS ? tree.data && !tree.data.truncated && tree.data.facts : calls.data;
  return (
    <Answered asked={asked}>{(trace) => <Shown trace={trace} facts={facts || undefined} asked={asked} params={address.params} />}</Answered>
  );
}

/** Tokens and cost of each span: as the API counts them, else as spans report them. Sums for the spans above follow from it. */
function usagesOf(trace: Trace, facts: readonly Fact[] | undefined): ReadonlyMap<string, Usage> {
  if (facts) {
    const calls = facts.filter((fact) => fact.span_id !== null && fact.counted && fact.counts_usage && fact.total_tokens);
    return new Map(calls.map((fact) => [fact.span_id as string, { input: fact.input_tokens ?? 0, output: fact.output_tokens ?? 0, cost: fact.cost_usd }]));
  }
  const found = new Map<string, Usage>();
  for (const span of trace.spans) {
    const usage = reportedUsage(span);
    if (usage) found.set(span.span_id, usage);
  }
  // Agents and workflows repeat the totals of the calls below them: only calls without such a call below count.
  const parents = new Map(trace.spans.map((span) => [span.span_id, span.parent_span_id]));
  const passed = new Set<string>();
  for (const id of [...found.keys()]) {
    for (let above = parents.get(id); above && !passed.has(above); above = parents.get(above)) {
      passed.add(above);
      found.delete(above);
    }
  }
  return found;
}

function Shown({ trace, facts, asked, params }: { trace: Trace; facts: readonly Fact[] | undefined; asked: Asked<Trace>; params: URLSearchParams }) {
  const tree = useMemo(() => treeOf(trace, usagesOf(trace, facts)), [trace, facts]);
  const [search, setSearch] = useState("");
  const tab = (params.get("tab") ?? "waterfall") as Tab;
  const chosen = params.get("span") ?? undefined;
  const node = chosen === undefined ? undefined : tree.byId.get(chosen);
  const matching = useMemo(() => (search.length < 2 ? undefined : matches(trace, search)), [trace, search]);
  const choose = (span: string | null) => change({ span }, true);
  return (
    <div class="trace">
      <Summary trace={trace} tree={tree} url={asked.url} />
      {trace.truncated && <Notice kind="warn" title="Not all of it">This trace has more spans or logs than one answer holds. What is missing is not shown: the spans that began last.</Notice>}
      <div class="filters">
        <Tabs<Tab> label="How the trace is shown" chosen={tab} onChoose={(next) => change({ tab: next === "waterfall" ? null : next }, true)} tabs={[["waterfall", "Waterfall"], ["flame", "Flame graph"], ["table", "Table"], ["logs", `Logs ${trace.logs.length}`]]} />
        {tab === "waterfall" && <SpanSearch trace={trace} matching={matching} search={search} onSearch={setSearch} chosen={chosen} onChoose={choose} />}
      </div>
      <div class={node ? "shown split" : "shown"}>
        <div class="left">
          {tab === "waterfall" && <Waterfall tree={tree} chosen={chosen} onChoose={choose} matching={matching} />}
          {tab === "flame" && <Flame tree={tree} chosen={chosen} onChoose={choose} />}
          {tab === "table" && <Operations tree={tree} onChoose={choose} />}
          {tab === "logs" && <Logs trace={trace} />}
        </div>
        {node && <Detail key={node.span.span_id} node={node} tree={tree} onChoose={choose} onClose={() => choose(null)} />}
      </div>
    </div>
  );
}

function matches(trace: Trace, search: string): ReadonlySet<string> {
  const wanted = search.toLowerCase();
  const fits = (span: Span) => span.name.toLowerCase().includes(wanted) || span.status.message.toLowerCase().includes(wanted) || JSON.stringify(span.attributes).toLowerCase().includes(wanted);
  return new Set(trace.spans.filter(fits).map((span) => span.span_id));
}

interface SearchProps {
  readonly trace: Trace;
  readonly matching: ReadonlySet<string> | undefined;
  readonly search: string;
  readonly onSearch: (text: string) => void;
  readonly chosen: string | undefined;
  readonly onChoose: (id: string) => void;
}

function SpanSearch({ matching, search, onSearch, chosen, onChoose, trace }: SearchProps) {
  const step = (list: readonly string[]) => {
    const next = list[(list.indexOf(chosen ?? "") + 1) % list.length];
    if (next !== undefined) onChoose(next);
  };
  const failed = trace.error_count === 0 ? [] : trace.spans.filter((span) => span.status.code === "error").map((span) => span.span_id);
  return (
    <>
      <form class="search" role="search" onSubmit={(event) => { event.preventDefault(); step([...(matching ?? [])]); }}>
        <input data-search type="search" aria-label="Find spans by name, message or attribute" placeholder="Find in this trace; Enter to the next" value={search} onInput={(event) => onSearch(event.currentTarget.value)} />
      </form>
      <span class="faint" role="status">{matching && plural(matching.size, "span fits", "spans fit")}</span>
      {failed.length > 0 && <button type="button" class="bad" onClick={() => step(failed)}>▲ Next of {failed.length} failed</button>}
    </>
  );
}

function Summary({ trace, tree, url }: { trace: Trace; tree: Tree; url: string | undefined }) {
  const usage = tree.roots.reduce<Usage | undefined>((sum, { usage: one }) => (sum && one ? { input: sum.input + one.input, output: sum.output + one.output, cost: sum.cost === null && one.cost === null ? null : (sum.cost ?? 0) + (one.cost ?? 0) } : (sum ?? one)), undefined);
  const orphans = tree.roots.filter((root) => root.orphan).length;
  return (
    <>
      <Head
        title={trace.root_name ?? "Root span not received"}
        tools={
          <>
            <Copy text={trace.trace_id} label="Copy id" />
            <Copy text={() => location.href} label="Copy link" />
            <Download trace={trace} />
            <Curl url={url} />
          </>
        }
      />
      <p class="facts">
        {trace.services.map((name) => <ServiceName key={name} name={name} />)}
        <span>{time(trace.start_time)}</span>
        <strong>{duration(trace.duration_ms)}</strong>
        <span>{plural(trace.span_count, "span")}</span>
        {trace.error_count > 0 ? <span class="bad">▲ {count(trace.error_count)} failed</span> : <span class="faint">none failed</span>}
        {usage && <span>{count(usage.input)} tokens in, {count(usage.output)} out{usage.cost !== null && `, ${money(usage.cost)}`}</span>}
        {orphans > 0 && <span class="warn" title="Spans whose parent has not been received stand at the top level">⋯ {plural(orphans, "span")} without their parent</span>}
        <a href={link("logs", { trace_id: trace.trace_id, start: "all" })}>Logs</a>
      </p>
    </>
  );
}

/** OTLP/JSON that any receiver takes, this one included. */
function Download({ trace }: { trace: Schemas["TraceSummary"] }) {
  const save = async () => {
    const { request } = await import("../api/client");
    const response = await request(`/api/traces/${trace.trace_id}?format=otlp`);
    const anchor = document.createElement("a");
    anchor.href = URL.createObjectURL(await response.blob());
    anchor.download = `trace-${trace.trace_id}.json`;
    anchor.click();
    URL.revokeObjectURL(anchor.href);
  };
  return <button type="button" class="quiet small" onClick={() => void save()} title="The spans as OTLP/JSON, to send elsewhere or attach to a report">Save as OTLP</button>;
}

function Logs({ trace }: { trace: Trace }) {
  if (trace.logs.length === 0) return <Notice title="No logs name this trace">Logs belong to a trace when they carry its trace id.</Notice>;
  return (
    <div class="logs panel">
      {trace.logs.map((log) => <LogLine key={log.id} log={log} />)}
    </div>
  );
}
