// Lines and bars over time. uPlot draws them; this gives it the page's colours, sizes and words.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock, day } from "../format";
import { zoom } from "./range";

export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** The name of a custom property of the style sheet. */
  readonly colour: string;
  readonly kind?: "line" | "bars" | "area";
  /** What the legend says where that is not what is drawn, as in stacks. */
  readonly own?: readonly (number | null)[];
}

interface ChartProps {
  readonly label: string;
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  readonly height?: number;
  /** Seconds since 1970; what is shown even where there is nothing. */
  readonly from?: number;
  readonly to?: number;
}

export const COLOURS = Array.from({ length: 12 }, (_, hue) => `--hue-${hue}`);

export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme = useTheme();
  const shape = `${theme} ${props.height} ${props.lines.map((line) => `${line.label}/${line.colour}/${line.kind}/${isSparse(line.values)}`).join()}${props.lines.some((line) => line.own) ? props.times.length : ""}`;
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const made = new uPlot(options(latest, element), data(latest.current), element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      const width = element.clientWidth;
      if (width > 0 && width !== made.width) made.setSize({ width, height: latest.current.height ?? 160 });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(data(props)), [props.times, props.lines, props.from, props.to]);
  return <div class="chart" role="img" aria-label={`${props.label}. ${summary(props)}`} ref={place} />;
}

function summary({ lines, format }: ChartProps): string {
  return lines
    .slice(0, 8)
    .map((line) => {
      const values = (line.own ?? line.values).filter((value) => value !== null);
      if (values.length === 0) return `${line.label}: nothing`;
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return `${line.label}: ${format(low)} to ${format(high)}, last ${format(values.at(-1) ?? 0)}`;
    })
    .join("; ");
}

function data({ times, lines }: ChartProps): uPlot.AlignedData {
  return [[...times], ...lines.map((line) => [...line.values])] as uPlot.AlignedData;
}

function colourOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888";
}

function options(latest: { current: ChartProps }, element: HTMLElement): uPlot.Options {
  const { lines, height = 160 } = latest.current;
  const faint = colourOf("--faint");
  const grid = { stroke: colourOf("--line"), width: 1 };
  const font = "11px system-ui, sans-serif";
  const format = (value: number) => latest.current.format(value);
  return {
    width: Math.max(120, element.clientWidth),
    height,
    padding: [8, 18, 0, 0],
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
    legend: { show: true, live: true },
    scales: { x: { time: true, range: (_plot, low, high) => [latest.current.from ?? low, latest.current.to ?? Math.max(high, low + 1)] }, y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [
      { stroke: faint, grid: { show: false }, ticks: { ...grid, size: 4 }, font, space: 70, size: 28, values: moments },
      { stroke: faint, grid, ticks: { show: false }, font, size: 64, space: 34, values: (_plot, splits) => splits.map(format) },
    ],
    series: [{ value: (_plot, at) => (at === null ? "last" : moment(at * 1000)) }, ...lines.map((line) => seriesOf(line, latest))],
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width > 3) zoom(plot.posToVal(left, "x") * 1000, plot.posToVal(left + width, "x") * 1000);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

function seriesOf(line: Line, latest: { current: ChartProps }): uPlot.Series {
  const format = (value: number) => latest.current.format(value);
  const stroke = colourOf(line.colour);
  const bars = line.kind === "bars";
  const paths = bars ? uPlot.paths.bars?.({ size: [0.8, 40], align: 1 }) : undefined;
  return {
    label: line.label,
    stroke,
    width: bars ? 0 : 1.5,
    ...(line.kind === undefined || line.kind === "line" ? {} : { fill: bars ? stroke : `${stroke}22` }),
    ...(paths ? { paths } : {}),
    points: { show: !bars && isSparse(line.values), size: 4 },
    value: (_plot, drawn, series, place) => {
      // Where nobody points, the last value there is.
      const value = place === null ? (latest.current.lines[series - 1]?.own ?? latest.current.lines[series - 1]?.values)?.findLast((one) => one !== null) : line.own ? line.own[place] : drawn;
      return value === null || value === undefined ? "–" : format(value);
    },
  };
}

/** Whether lines alone would hide values: one that stands between two gaps has no line. */
function isSparse(values: readonly (number | null)[]): boolean {
  return values.some((value, place) => value !== null && (values[place - 1] ?? null) === null && (values[place + 1] ?? null) === null);
}

function moment(ms: number): string {
  const date = new Date(ms);
  return `${day(date)} ${clock(date)}`;
}

/** Times of day; the day itself where it changes, and the seconds where minutes do not tell the ticks apart. */
function moments(_plot: uPlot, splits: number[]): string[] {
  const apart = (splits[1] ?? 0) - (splits[0] ?? 0);
  return splits.map((second, place) => {
    const date = new Date(second * 1000);
    const before = splits[place - 1];
    const newDay = before !== undefined && day(new Date(before * 1000)) !== day(date);
    if (apart >= 86_400 || newDay) return day(date).slice(5);
    return apart < 60 ? clock(date) : clock(date).slice(0, 5);
  });
}

/** Changes when the page turns dark or light. */
export function useTheme(): string {
  const read = () => document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const [theme, setTheme] = useState(read);
  useEffect(() => {
    const update = () => setTheme(read());
    const media = matchMedia("(prefers-color-scheme: dark)");
    const observer = new MutationObserver(update);
    observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    media.addEventListener("change", update);
    return () => {
      observer.disconnect();
      media.removeEventListener("change", update);
    };
  }, []);
  return theme;
}

/** The times of a range from the first interval to the last, in seconds, so that gaps are seen as gaps. */
export function steps(fromMs: number, toMs: number, everyMs: number): number[] {
  const first = Math.floor(fromMs / everyMs) * everyMs;
  const number = Math.min(2000, Math.max(1, Math.ceil((toMs - first) / everyMs)));
  return Array.from({ length: number }, (_, place) => (first + place * everyMs) / 1000);
}
