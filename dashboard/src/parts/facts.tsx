// What agents did: model calls, tool calls, runs and turns, in tables and one by one.

import type { Schemas } from "../api/client";
import { duration, money, percent, short } from "../format";
import { link } from "../routing";
import { Failures, When } from "./basic";
import type { Column } from "./table";

export type Fact = Schemas["Fact"];
export type Usage = Schemas["Usage"];

/** A cost is a figure, or the words that there is no price: never a zero that nobody worked out. */
export function Cost({ of }: { of: { readonly cost_usd: number | null; readonly unpriced_calls?: number } }) {
  const { cost_usd: cost, unpriced_calls: unpriced = 0 } = of;
  if (cost === null) return <span class="faint" title="No price is known for the model">no price</span>;
  return (
    <span title={unpriced > 0 ? `${unpriced} calls have no known price and are left out` : undefined}>
      {money(cost)}
      {unpriced > 0 && <span class="warn"> +?</span>}
    </span>
  );
}

export function Outcome({ fact }: { fact: Fact }) {
  if (fact.status === "error") return <span class="badge bad" title={fact.error_message ?? undefined}>▲ {fact.error_type ?? "error"}</span>;
  return <span class="badge">{fact.status}</span>;
}

/** Where a fact is seen whole: its span, else its session. */
export function hrefOfFact(fact: Fact): string | undefined {
  if (fact.trace_id !== null) return link(["traces", fact.trace_id], { span: fact.span_id });
  return fact.session_id === null ? undefined : link(["sessions", fact.session_id], { at: fact.id });
}

export function tokensOf(fact: Fact): string {
  if (fact.input_tokens === null && fact.output_tokens === null) return "–";
  return `${short(fact.input_tokens ?? 0)} → ${short(fact.output_tokens ?? 0)}`;
}

export const factColumns = (what: "llm" | "tool"): readonly Column<Fact>[] => [
  {
    name: "name",
    title: what === "llm" ? "Model" : "Tool",
    cell: (fact) => (what === "llm" ? (fact.model ?? fact.request_model) : fact.tool_name) ?? fact.name,
    value: (fact) => (what === "llm" ? fact.model : fact.tool_name),
    wide: true,
  },
  { name: "agent", title: "Agent", cell: (fact) => fact.agent ?? "–", value: (fact) => fact.agent },
  { name: "time", title: "Time", cell: (fact) => <When at={fact.time} />, value: (fact) => fact.time, numeric: true },
  { name: "duration", title: "Duration", cell: (fact) => duration(fact.duration_ms), value: (fact) => fact.duration_ms, numeric: true },
  ...(what === "llm"
    ? [
        { name: "tokens", title: "Tokens in → out", cell: tokensOf, value: (fact: Fact) => fact.total_tokens, numeric: true },
        { name: "cost", title: "Cost", cell: (fact: Fact) => <Cost of={fact} />, value: (fact: Fact) => fact.cost_usd, numeric: true },
      ]
    : [{ name: "server", title: "MCP server", cell: (fact: Fact) => fact.mcp_server ?? "–", value: (fact: Fact) => fact.mcp_server }]),
  { name: "status", title: "Outcome", cell: (fact) => <Outcome fact={fact} />, value: (fact) => fact.status },
];

/** Sums by model, tool, version: `name` says what the group is called. */
export function usageColumns(title: string, name: (usage: Usage) => string | null, what: "llm" | "tool" | "all" = "all"): readonly Column<Usage>[] {
  const calls = (usage: Usage) => (what === "tool" ? usage.tool_calls : usage.llm_calls);
  const errors = (usage: Usage) => (what === "tool" ? usage.tool_errors : what === "llm" ? usage.llm_errors : usage.errors);
  const tokens: readonly Column<Usage>[] =
    what === "tool"
      ? []
      : [
          { name: "input", title: "Tokens in", cell: (one) => short(one.input_tokens), value: (one) => one.input_tokens, numeric: true },
          { name: "output", title: "out", cell: (one) => short(one.output_tokens), value: (one) => one.output_tokens, numeric: true },
          { name: "cached", title: "cached", cell: (one) => percent(one.cache_hit_ratio), value: (one) => one.cache_hit_ratio, numeric: true },
          { name: "cost", title: "Cost", cell: (one) => <Cost of={one} />, value: (one) => one.cost_usd, numeric: true },
        ];
  return [
    { name: "name", title, cell: (one) => name(one) ?? <span class="faint">none</span>, value: name, wide: true },
    { name: "calls", title: what === "tool" ? "Calls" : "LLM calls", cell: (one) => short(calls(one)), value: calls, numeric: true },
    { name: "errors", title: "Failed", cell: (one) => <Failures number={errors(one)} of={Math.max(1, calls(one), errors(one))} />, value: errors, numeric: true },
    ...tokens,
    { name: "p50", title: "p50", cell: (one) => duration(one.p50_ms), value: (one) => one.p50_ms, numeric: true },
    { name: "p95", title: "p95", cell: (one) => duration(one.p95_ms), value: (one) => one.p95_ms, numeric: true },
  ];
}
