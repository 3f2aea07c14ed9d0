// Sums over time as lines over the same times.

import type { Line } from "../parts/chart";
import { steps } from "../parts/chart";
import { intervalOf, type Range, toMilliseconds } from "../parts/range";
import type { Usage } from "./sums";

const HOUR_MS = 3_600_000;

export interface Steps {
  readonly text: string;
  readonly ms: number;
}

/** A whole number of hours, as sums over time have them. */
export function hoursOf(range: Range): Steps {
  const hours = Math.max(1, Math.ceil(intervalOf(range).ms / HOUR_MS));
  return { text: `${hours}h`, ms: hours * HOUR_MS };
}

export function timesOf(range: Range, firstSeen: string, every: Steps): readonly number[] {
  return steps(range.start === undefined ? Date.parse(firstSeen) : toMilliseconds(range.start), toMilliseconds(range.end), every.ms);
}

/** `none` is what stands where nothing was: 0 for counts, a gap for durations. */
export function lineOf(usages: readonly Usage[], times: readonly number[], line: Omit<Line, "values">, value: (usage: Usage) => number | null, none: number | null): Line {
  const found = new Map(usages.map((usage) => [Date.parse(usage.interval_start ?? "") / 1000, value(usage)]));
  return { ...line, values: times.map((second) => found.get(second) ?? none) };
}
