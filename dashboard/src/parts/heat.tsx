// The heat map: time to the right, duration upwards, the darker the more spans. A click on a cell asks for what is inside.

import { useMemo } from "preact/hooks";
import type { Schemas } from "../api/client";
import { clock, count, day, duration } from "../format";
import { useWidth } from "./width";

type Histogram = Schemas["LatencyHistogram"];

export interface Cell {
  readonly startMs: number;
  readonly endMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly count: number;
}

const HEIGHT = 260;
const TALLEST_ROW = 10;
const LEFT = 64;
const TOP = 8;
const BOTTOM = 18;
const GAP_FROM = 4; // pixels; between lower rows a gap would look like a stripe
const LABEL_EVERY = 36; // pixels

export function Heat({ histograms, fromMs, toMs, everyMs, hrefOf }: { histograms: readonly Histogram[]; fromMs: number; toMs: number; everyMs: number; hrefOf: (cell: Cell) => string }) {
  const [place, width] = useWidth<HTMLDivElement>();
  const { cells, rows, most } = useMemo(() => cellsOf(histograms, everyMs), [histograms]);
  const first = Math.floor(fromMs / everyMs) * everyMs;
  const columns = Math.max(1, Math.ceil((toMs - first) / everyMs));
  const wide = (width - LEFT - 4) / columns;
  const tall = Math.min(TALLEST_ROW, HEIGHT / Math.max(1, rows.length));
  const height = TOP + rows.length * tall;
  const gap = tall < GAP_FROM ? 0 : 0.5;
  const labelled = Math.ceil(LABEL_EVERY / tall);
  const rowOf = new Map(rows.map((minMs, row) => [minMs, row]));
  const total = cells.reduce((sum, cell) => sum + cell.count, 0);
  return (
    <div class="heat" ref={place}>
      <svg width={width} height={height + BOTTOM} role="group" aria-label={`Durations of ${count(total)} spans over time; the table has their percentiles`}>
        {rows.map((minMs, row) =>
          row % labelled === 0 ? (
            <text key={minMs} x={LEFT - 6} y={height - row * tall + 1} text-anchor="end">
              {duration(Number(minMs.toPrecision(2)))}
            </text>
          ) : null,
        )}
        {cells.map((cell) => (
          <a key={`${cell.startMs} ${cell.minMs}`} href={hrefOf(cell)} tabindex={-1} aria-hidden="true">
            <rect
              x={LEFT + ((cell.startMs - first) / everyMs) * wide}
              y={height - ((rowOf.get(cell.minMs) ?? 0) + 1) * tall}
              width={Math.max(1, wide - 0.5)}
              height={Math.max(1, tall - gap)}
              fill-opacity={0.12 + 0.88 * (Math.log1p(cell.count) / Math.log1p(most))}
            >
              <title>{`${clock(new Date(cell.startMs))}, ${duration(cell.minMs)} to ${duration(cell.maxMs)}: ${count(cell.count)} spans`}</title>
            </rect>
          </a>
        ))}
        {[0, 0.25, 0.5, 0.75].map((part) => (
          <text key={part} x={LEFT + part * (width - LEFT)} y={height + 13}>
            {label(first + part * columns * everyMs, toMs - fromMs)}
          </text>
        ))}
      </svg>
    </div>
  );
}

function label(ms: number, length: number): string {
  const date = new Date(ms);
  return length > 2 * 86_400_000 ? day(date) : clock(date).slice(0, 5);
}

/** Rows go from the shortest to the longest bucket that holds something, empty ones between them included. */
function cellsOf(histograms: readonly Histogram[], everyMs: number) {
  const cells = histograms.flatMap(({ interval_start, buckets }) =>
    buckets.map((bucket): Cell => {
      const startMs = Date.parse(interval_start);
      return { startMs, endMs: startMs + everyMs, minMs: bucket.min_ms, maxMs: bucket.max_ms, count: bucket.count };
    }),
  );
  const edges = new Set(cells.map((cell) => cell.minMs));
  const lows = [...edges].filter((low) => low > 0).sort((a, b) => a - b);
  const rows: number[] = edges.has(0) ? [0] : [];
  let next = 0;
  for (const low of lows) {
    for (let between = next; next > 0 && between < low * 0.95; between *= 2 ** 0.25) rows.push(between);
    rows.push(low);
    next = low * 2 ** 0.25;
  }
  return { cells, rows, most: cells.reduce((highest, cell) => Math.max(highest, cell.count), 1) };
}
