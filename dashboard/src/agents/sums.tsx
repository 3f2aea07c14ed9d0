// Sums over models, tools, versions and errors as tables: one set of columns for all of them.

import type { Schemas } from "../api/client";
import { count, duration, short } from "../format";
import { Failures } from "../parts/basic";
import { type Column, Table } from "../parts/table";
import { Cost } from "./shown";

export type Usage = Schemas["Usage"];

export function groupOf(usage: Usage, name: string): string | null {
  return usage.group[name] ?? null;
}

export function named(name: string, title: string, none: string): Column<Usage> {
  const value = (usage: Usage) => groupOf(usage, name);
  return { name, title, cell: (usage) => value(usage) ?? <span class="faint">{none}</span>, value, wide: true };
}

const number = (name: string, title: string, value: (usage: Usage) => number): Column<Usage> => ({ name, title, cell: (usage) => count(value(usage)), value, numeric: true });
const length = (name: string, title: string, value: (usage: Usage) => number | null): Column<Usage> => ({ name, title, cell: (usage) => duration(value(usage)), value, numeric: true });

export const RUNS = number("runs", "Runs", (usage) => usage.runs);
export const LLM_CALLS = number("llm", "Calls", (usage) => usage.llm_calls);
export const TOOL_CALLS = number("calls", "Calls", (usage) => usage.tool_calls);
export const ERRORS = number("errors", "Failures", (usage) => usage.errors);
export const P50 = length("p50", "p50", (usage) => usage.p50_ms);
export const P95 = length("p95", "p95", (usage) => usage.p95_ms);
export const FIRST_TOKEN = length("ttft", "First token p50", (usage) => usage.ttft_p50_ms);
export const LLM_FAILED: Column<Usage> = { name: "failed", title: "Failed", cell: (usage) => <Failures number={usage.llm_errors} of={usage.llm_calls} />, value: (usage) => usage.llm_errors / Math.max(1, usage.llm_calls), numeric: true };
export const TOOL_FAILED: Column<Usage> = { name: "failed", title: "Failed", cell: (usage) => <Failures number={usage.tool_errors} of={usage.tool_calls} />, value: (usage) => usage.tool_errors / Math.max(1, usage.tool_calls), numeric: true };
export const ANY_FAILED: Column<Usage> = { name: "rate", title: "Failed", cell: (usage) => <Failures number={usage.errors} of={usage.runs + usage.llm_calls + usage.tool_calls} />, value: (usage) => usage.error_rate, numeric: true };
export const TOKENS_IN: Column<Usage> = { name: "in", title: "Tokens in", cell: (usage) => short(usage.input_tokens), value: (usage) => usage.input_tokens, numeric: true };
export const TOKENS_OUT: Column<Usage> = { name: "out", title: "out", cell: (usage) => short(usage.output_tokens), value: (usage) => usage.output_tokens, numeric: true };
export const COST: Column<Usage> = { name: "cost", title: "Cost", cell: (usage) => <Cost sums={usage} />, value: (usage) => usage.cost_usd, numeric: true };
export const UNPRICED: Column<Usage> = { name: "unpriced", title: "Unpriced", cell: (usage) => unpriced(usage.unpriced_calls), value: (usage) => usage.unpriced_calls, numeric: true };

export function unpriced(calls: number) {
  return calls === 0 ? <span class="faint">0</span> : <span class="warn" title="Model calls whose model has no known price">△ {count(calls)}</span>;
}

interface UsageTableProps {
  readonly label: string;
  readonly rows: readonly Usage[];
  readonly columns: readonly Column<Usage>[];
  readonly hrefOf?: (usage: Usage) => string | undefined;
  readonly sorted?: string;
}

export function UsageTable({ label, rows, columns, hrefOf, sorted }: UsageTableProps) {
  if (rows.length === 0) return <p class="faint">None in this range.</p>;
  const keyOf = (usage: Usage) => JSON.stringify(usage.group);
  return <Table label={label} columns={columns} items={rows} keyOf={keyOf} {...(hrefOf ? { hrefOf } : {})} {...(sorted ? { sorted } : {})} />;
}
