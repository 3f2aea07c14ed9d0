// What agents did, in the words and signs that their views share: money with where it comes from, and what is not known.

import type { Schemas } from "../api/client";
import { count, money, plural, short } from "../format";
import { hueOf } from "../parts/basic";
import { link } from "../routing";

export type Fact = Schemas["Fact"];
export type Sums = Pick<
  Schemas["Usage"],
  "llm_calls" | "cost_usd" | "unpriced_calls" | "calls_without_usage" | "input_tokens" | "output_tokens" | "total_tokens" | "reported_cost_usd" | "computed_cost_usd"
>;

export function AgentName({ name }: { name: string | null }) {
  if (name === null) return <span class="faint">no agent name</span>;
  return (
    <span class="service">
      <i class={`dot hue-${hueOf(name)}`} aria-hidden="true" />
      {name}
    </span>
  );
}

/** A sum of money, and how many calls are not in it. */
export function Cost({ sums }: { sums: Pick<Sums, "cost_usd" | "unpriced_calls"> }) {
  const missing = sums.unpriced_calls > 0 && `${plural(sums.unpriced_calls, "call")} without a known price left out`;
  if (sums.cost_usd === null) return <span class="faint" title={missing || "Nothing has a price"}>no price</span>;
  return (
    <span title={missing || undefined}>
      {money(sums.cost_usd)}
      {missing && <span class="warn"> +?</span>}
    </span>
  );
}

const SOURCES: Readonly<Record<Fact["cost_source"], string>> = {
  reported: "as the sender said",
  computed: "worked out from list prices",
  unpriced: "no price is known for this model",
};

/** What one call cost. Only model calls, and what sums them up, have a price at all. */
export function FactCost({ fact }: { fact: Fact }) {
  if (fact.cost_usd !== null) return <span title={SOURCES[fact.cost_source]}>{money(fact.cost_usd)}</span>;
  if (fact.run_cost_usd !== null) return <span title="All model calls of the run">{money(fact.run_cost_usd)}</span>;
  if (fact.fact !== "llm_call") return null;
  return <span class="faint">{hasUsage(fact) ? "no price" : "no usage told"}</span>;
}

const hasUsage = (fact: Fact): boolean => fact.input_tokens !== null || fact.output_tokens !== null;

export function FactTokens({ fact }: { fact: Fact }) {
  if (!hasUsage(fact)) return <span class="faint">–</span>;
  const parts = [
    fact.cache_read_tokens ? `${count(fact.cache_read_tokens)} from cache` : "",
    fact.cache_write_tokens ? `${count(fact.cache_write_tokens)} into cache` : "",
    fact.reasoning_tokens ? `${count(fact.reasoning_tokens)} for reasoning` : "",
  ].filter(Boolean);
  return (
    <span title={parts.join(", ") || undefined}>
      {short(fact.input_tokens)} in, {short(fact.output_tokens)} out
    </span>
  );
}

export function FactStatus({ status }: { status: Fact["status"] }) {
  if (status === "error") return <span class="badge bad">▲ failed</span>;
  if (status === "running") return <span class="badge warn">◌ no end yet</span>;
  return <span class="badge">ok</span>;
}

/** The span that told of it, in its trace; undefined where only logs did. */
export function traceOf(fact: Pick<Fact, "trace_id" | "span_id">): string | undefined {
  return fact.trace_id === null ? undefined : link(["traces", fact.trace_id], { span: fact.span_id });
}

export function ToTrace({ fact, children = "Span" }: { fact: Fact; children?: string }) {
  const href = traceOf(fact);
  if (href === undefined) return <span class="faint" title="Told by logs that name no trace">no trace</span>;
  return <a class="small" href={href} aria-label={`${children} of ${fact.name}`}>{children}</a>;
}

/** Sentences about what the figures beside them leave out; nothing where they leave out nothing. */
export function Missing({ told }: { told: readonly (string | false | 0)[] }) {
  const known = told.filter((one): one is string => typeof one === "string" && one !== "");
  if (known.length === 0) return null;
  return (
    <p class="left-out" role="note">
      <span aria-hidden="true">△ </span>Left out: {known.join("; ")}.
    </p>
  );
}

export function missingOf(sums: Pick<Schemas["Usage"], "unpriced_calls" | "calls_without_usage" | "without_content" | "without_session">): readonly (string | false)[] {
  return [
    sums.unpriced_calls > 0 && `${plural(sums.unpriced_calls, "model call")} without a known price (not in the cost)`,
    sums.calls_without_usage > 0 && `${plural(sums.calls_without_usage, "model call")} that told no tokens (neither in tokens nor in cost)`,
    sums.without_content > 0 && `the text of ${plural(sums.without_content, "call")}, which the sender did not record`,
    sums.without_session > 0 && `the session of ${plural(sums.without_session, "record")} (each trace stands in for one)`,
  ];
}
