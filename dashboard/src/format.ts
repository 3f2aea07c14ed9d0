// Figures, times and sizes as people read them. Tables line up because every kind of figure has one form.

const DASH = "–";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? DASH : whole.format(value);
}

export function short(value: number | null | undefined): string {
  if (value === null || value === undefined) return DASH;
  return Math.abs(value) < 10_000 ? (Number.isInteger(value) ? whole.format(value) : significant(value)) : compact.format(value);
}

export function significant(value: number, digits = 3): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1000 ? whole.format(value) : size < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(digits)));
}

/** 0.4 µs, 12.3 ms, 4.56 s, 3 min 12 s. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return DASH;
  if (ms === 0) return "0";
  if (ms < 0.001) return `${significant(ms * 1e6)} ns`;
  if (ms < 1) return `${significant(ms * 1000)} µs`;
  if (ms < 1000) return `${significant(ms)} ms`;
  if (ms < 60_000) return `${significant(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min${seconds % 60 ? ` ${seconds % 60} s` : ""}`;
  const minutes = Math.round(seconds / 60);
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}` : `${significant(minutes / 1440)} d`;
}

export function percent(part: number | null | undefined): string {
  if (part === null || part === undefined) return DASH;
  if (part === 0) return "0 %";
  return part < 0.001 ? "< 0.1 %" : `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return DASH;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 && Number.isInteger(size) ? size : significant(size)} ${units[unit]}`;
}

export function money(value: number | null | undefined, currency = "$"): string {
  if (value === null || value === undefined) return DASH;
  if (value === 0) return `${currency}0`;
  if (value > 0 && value < 0.0001) return `< ${currency}0.0001`;
  return `${currency}${value >= 100 ? whole.format(value) : value >= 0.01 ? value.toFixed(2) : value.toPrecision(2)}`;
}

const two = (value: number): string => String(value).padStart(2, "0");

export function clock(date: Date, withMs = false): string {
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return withMs ? `${text}.${String(date.getMilliseconds()).padStart(3, "0")}` : text;
}

export function day(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Local time; the day is left out when it is today. */
export function time(text: string | null | undefined, withMs = true): string {
  if (text === null || text === undefined) return DASH;
  const date = new Date(text);
  const today = day(date) === day(new Date());
  return today ? clock(date, withMs) : `${day(date)} ${clock(date, withMs)}`;
}

export function ago(text: string | null | undefined): string {
  if (text === null || text === undefined) return DASH;
  const seconds = Math.max(0, (Date.now() - Date.parse(text)) / 1000);
  if (seconds < 5) return "now";
  const steps: readonly (readonly [number, string])[] = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const [size, unit] = steps.find(([step]) => seconds >= step) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

/** Milliseconds since 1970 with the fraction that Date loses. */
export function milliseconds(text: string): number {
  const dot = text.indexOf(".");
  return Date.parse(`${text.slice(0, dot)}Z`) + Number(`0.${text.slice(dot + 1, -1)}`) * 1000;
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function unitOf(unit: string | null): (value: number) => string {
  switch (unit) {
    case "s":
      return (value) => duration(value * 1000);
    case "ms":
      return duration;
    case "us":
      return (value) => duration(value / 1000);
    case "ns":
      return (value) => duration(value / 1e6);
    case "By":
      return bytes;
    case "USD":
      return money;
    case "1":
    case "":
    case null:
      return short;
    default:
      return (value) => `${short(value)} ${unit.replace(/^\{(.*)\}$/, "$1")}`;
  }
}
