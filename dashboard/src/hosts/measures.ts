// What is shown of hosts and devices: which metrics, cut how, and how several series of a host become one figure.

import { type AnyQuestion, type Schemas, urlOf } from "../api/client";
import { bytes, duration, percent, short, significant } from "../format";
import type { Range } from "../parts/range";

export type Series = Schemas["MetricSeries"];

/** Values by time in ms since 1970. */
export type Course = ReadonlyMap<number, number>;

export interface Measure {
  readonly name: string;
  readonly title: string;
  readonly metric: string;
  readonly aggregate: string;
  readonly by: readonly string[];
  readonly format: (value: number) => string;
  /** The greatest that there can be, where there is one. */
  readonly most?: number;
  readonly combine: (series: readonly Series[]) => Course;
}

export const HOST = "host.name";
export const DEVICE = "device_metrics.device_name";
export const DEVICE_METRICS = "device_metrics.";
const MODES = ["cpu.mode", "state"];
const MEMORY_STATES = ["system.memory.state", "state"];
const DISK_STATES = ["system.filesystem.mountpoint", "mountpoint", "system.filesystem.state", "state"];

/** What a host's table shows of each host. Names of both the older and the newer conventions are read. */
export const MEASURES: readonly Measure[] = [
  { name: "cpu", title: "Processors", metric: "system.cpu.utilization", aggregate: "avg", by: MODES, format: percent, most: 1, combine: busy },
  { name: "memory", title: "Memory", metric: "system.memory.utilization", aggregate: "avg", by: MEMORY_STATES, format: percent, most: 1, combine: used },
  { name: "disk", title: "Fullest disk", metric: "system.filesystem.utilization", aggregate: "avg", by: DISK_STATES, format: percent, most: 1, combine: used },
  { name: "load", title: "Load, 1 min", metric: "system.cpu.load_average.1m", aggregate: "avg", by: [], format: (value) => significant(value), combine: greatest },
  { name: "network", title: "Network", metric: "system.network.io", aggregate: "rate", by: [], format: (value) => `${bytes(value)}/s`, combine: greatest },
];

export interface Drawn {
  readonly title: string;
  readonly metric: string;
  readonly aggregate: string;
  readonly by: readonly string[];
  readonly format: (value: number) => string;
}

/** What the page of one host draws, as far as it has it. */
export const DRAWN: readonly Drawn[] = [
  { title: "Processors by mode", metric: "system.cpu.utilization", aggregate: "avg", by: MODES, format: percent },
  { title: "Memory by state", metric: "system.memory.usage", aggregate: "avg", by: MEMORY_STATES, format: bytes },
  { title: "Memory", metric: "system.memory.utilization", aggregate: "avg", by: MEMORY_STATES, format: percent },
  { title: "Load, 1 min", metric: "system.cpu.load_average.1m", aggregate: "avg", by: [], format: (value) => significant(value) },
  { title: "File systems", metric: "system.filesystem.utilization", aggregate: "avg", by: DISK_STATES, format: percent },
  { title: "Disk traffic", metric: "system.disk.io", aggregate: "rate", by: ["disk.io.direction", "direction"], format: (value) => `${bytes(value)}/s` },
  { title: "Network traffic", metric: "system.network.io", aggregate: "rate", by: ["network.io.direction", "direction"], format: (value) => `${bytes(value)}/s` },
  { title: "Network errors", metric: "system.network.errors", aggregate: "rate", by: ["network.io.direction", "direction"], format: (value) => `${short(value)}/s` },
  { title: "Processes", metric: "system.process.count", aggregate: "avg", by: [], format: short },
  { title: "Up for", metric: "system.uptime", aggregate: "max", by: [], format: (value) => duration(value * 1000) },
];

export function urlOfMetric(metric: string, aggregate: string, by: readonly string[], range: Range, interval: string | undefined, filter: Readonly<Record<`attr.${string}`, string>> = {}): string {
  const question: AnyQuestion = { name: metric, aggregate, start: range.start ?? "-30d", end: range.end, group_by: by.join(",") || undefined, interval, limit: 1000, ...filter };
  return urlOf("/api/metrics/query", question);
}

export function valuesOf({ points }: Series): Course {
  return new Map(points.flatMap(({ time, value }) => (typeof value === "number" ? [[Date.parse(time), value] as const] : [])));
}

export function lastOf(course: Course | undefined): number | undefined {
  let latest: number | undefined;
  let at = -Infinity;
  for (const [time, value] of course ?? []) if (time > at) [at, latest] = [time, value];
  return latest;
}

/** The series of each host, by its name; series of no host are left out. */
export function byHost(series: readonly Series[], key: string): ReadonlyMap<string, readonly Series[]> {
  const named = series.filter(({ group }) => group[key] !== null && group[key] !== undefined);
  return Map.groupBy(named, ({ group }) => group[key] ?? "");
}

function label({ group }: Series, names: readonly string[]): string | null {
  return names.map((name) => group[name] ?? null).find((value) => value !== null) ?? null;
}

function joined(series: readonly Series[], join: (a: number, b: number) => number): Course {
  const found = new Map<number, number>();
  for (const one of series) {
    for (const [time, value] of valuesOf(one)) {
      const before = found.get(time);
      found.set(time, before === undefined ? value : join(before, value));
    }
  }
  return found;
}

/** What is not idle; where no mode is told, the figure itself. */
function busy(series: readonly Series[]): Course {
  const idle = series.filter((one) => label(one, MODES) === "idle");
  if (idle.length > 0) return new Map([...joined(idle, Math.min)].map(([time, value]) => [time, Math.max(0, 1 - value)]));
  const untold = series.filter((one) => label(one, MODES) === null);
  return untold.length > 0 ? joined(untold, Math.max) : joined(series, (a, b) => a + b);
}

/** The greatest of what is used, whatever else is told. */
function used(series: readonly Series[]): Course {
  return joined(series.filter((one) => ["used", null].includes(label(one, ["system.memory.state", "system.filesystem.state", "state"]))), Math.max);
}

function greatest(series: readonly Series[]): Course {
  return joined(series, Math.max);
}
