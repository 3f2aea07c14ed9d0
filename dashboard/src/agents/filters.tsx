// The filters on facts that the address holds, as the API takes them.

import { change } from "../routing";

export const FACT_FILTERS = [
  "agent", "parent_agent", "version", "service", "workflow", "provider", "model", "tool", "mcp_server", "status", "error_type", "finish_reason", "decision", "kind", "user", "session", "trace_id", "min_cost",
] as const;

export const ORDERS: readonly (readonly [string, string])[] = [
  ["duration", "Longest first"],
  ["cost", "Dearest first"],
  ["input_tokens", "Most tokens in first"],
  ["output_tokens", "Most tokens out first"],
];

type Found<N extends string> = Readonly<Record<N, string | undefined>>;

export function factFilters<N extends string>(params: URLSearchParams, names: readonly N[]): Found<N> {
  return Object.fromEntries(names.map((name) => [name, params.get(name) ?? undefined])) as Found<N>;
}

/** The filters that sums take: those of lists without what only single facts have. */
export function summed(filters: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> {
  const { session: _session, trace_id: _trace, min_cost: _cost, ...taken } = filters;
  return taken;
}

const CHIPS = ["session", "trace_id", "version", "provider", "workflow", "kind", "parent_agent", "service"] as const;

/** Filters that come by a link and have no field of their own. */
export function LinkedChips({ params }: { params: URLSearchParams }) {
  const found = CHIPS.flatMap((name) => {
    const value = params.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  if (found.length === 0) return null;
  return (
    <div class="chips">
      {found.map(([name, value]) => (
        <span class="chip" key={name}>
          <span>{name} = {value}</span>
          <button type="button" aria-label={`Remove the filter on ${name}`} onClick={() => change({ [name]: null })}>
            ✕
          </button>
        </span>
      ))}
    </div>
  );
}
