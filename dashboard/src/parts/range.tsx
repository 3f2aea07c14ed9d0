// The range of time that a view looks at: in the address, so that a link shows the same.

import { change, useAddress } from "../routing";
import { clock, day } from "../format";

export interface Range {
  readonly start: string | undefined;
  readonly end: string | undefined;
}

const PRESETS: readonly (readonly [string, string])[] = [
  ["-15m", "15 min"],
  ["-1h", "1 h"],
  ["-6h", "6 h"],
  ["-24h", "24 h"],
  ["-7d", "7 d"],
  ["-30d", "30 d"],
  ["all", "All"],
];
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

export function useRange(usual = "-24h"): Range {
  const { params } = useAddress();
  const start = params.get("start") ?? usual;
  return { start: start === "all" ? undefined : start, end: params.get("end") ?? undefined };
}

/** A time of a range in ms since 1970; what is not given is now. */
export function toMilliseconds(text: string | undefined): number {
  const before = /^-(\d+)([smhdw])$/.exec(text ?? "now");
  if (before) return Date.now() - Number(before[1]) * (UNITS[before[2] ?? "s"] ?? 1000);
  return text === undefined || text === "now" ? Date.now() : Date.parse(text);
}

/** A whole number of minutes that divides the range into about `parts`; an hour when the range has no start. */
export function intervalOf(range: Range, parts = 60): { readonly text: string; readonly ms: number } {
  const length = range.start === undefined ? 30 * 86_400_000 : toMilliseconds(range.end) - toMilliseconds(range.start);
  const minutes = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080];
  const chosen = minutes.find((one) => one * 60_000 * parts >= length) ?? 43_200;
  return { text: `${chosen}m`, ms: chosen * 60_000 };
}

export function RangePicker({ usual = "-24h" }: { usual?: string }) {
  const { params } = useAddress();
  const start = params.get("start") ?? usual;
  const end = params.get("end");
  const own = end !== null || !PRESETS.some(([value]) => value === start);
  return (
    <label class="range">
      <span class="hidden">Range of time</span>
      <select value={own ? "own" : start} onChange={(event) => pick(event.currentTarget.value, usual)}>
        {PRESETS.map(([value, text]) => (
          <option key={value} value={value}>
            {value === "all" ? "All time" : `Last ${text}`}
          </option>
        ))}
        {own && <option value="own">{describe(start, end)}</option>}
      </select>
    </label>
  );
}

function pick(value: string, usual: string): void {
  if (value !== "own") change({ start: value === usual ? null : value, end: null });
}

function describe(start: string, end: string | null): string {
  const from = new Date(toMilliseconds(start));
  const to = new Date(toMilliseconds(end ?? "now"));
  const until = day(from) === day(to) ? clock(to) : `${day(to)} ${clock(to)}`;
  return `${day(from)} ${clock(from)} – ${until}`;
}

export function zoom(startMs: number, endMs: number): void {
  change({ start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString() });
}
