// Durations over time, one point a trace; a click opens it. The table below says the same in words.

import { clock, duration } from "../format";
import { link } from "../routing";
import type { TraceSummary } from "./traces";
import { useWidth } from "./width";

const HEIGHT = 150;
const LEFT = 74;
const BOTTOM = 20;
const TOP = 8;

export function Scatter({ traces }: { traces: readonly TraceSummary[] }) {
  const [place, width] = useWidth<HTMLDivElement>();
  const starts = traces.map((trace) => Date.parse(trace.start_time));
  const durations = traces.map((trace) => Math.max(0.001, trace.duration_ms));
  const [first, last] = [Math.min(...starts), Math.max(...starts)];
  const low = 10 ** Math.floor(Math.log10(Math.min(...durations)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...durations) * 1.0001));
  const x = (at: number) => LEFT + 8 + ((at - first) / Math.max(1, last - first)) * Math.max(1, width - LEFT - 24);
  const y = (ms: number) => TOP + (1 - Math.log(ms / low) / Math.log(high / low || 10)) * (HEIGHT - TOP - BOTTOM);
  const lines = Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, power) => low * 10 ** power);
  const every = Math.ceil(lines.length / 5);
  return (
    <div class="scatter" ref={place}>
      <svg width={width} height={HEIGHT} role="group" aria-label={`Durations of ${traces.length} traces over time; the table lists them`}>
        {lines
          .filter((_, power) => power % every === 0)
          .map((ms) => (
            <g key={ms}>
              <line class="grid" x1={LEFT} x2={width} y1={y(ms)} y2={y(ms)} />
              <text x={LEFT - 6} y={y(ms) + 4} text-anchor="end">
                {duration(ms)}
              </text>
            </g>
          ))}
        {[0, 0.5, 1].map((part) => (
          <text key={part} x={x(first + part * (last - first))} y={HEIGHT - 5} text-anchor={part === 0 ? "start" : part === 1 ? "end" : "middle"}>
            {clock(new Date(first + part * (last - first)))}
          </text>
        ))}
        {traces.map((trace, index) => (
          <a key={trace.trace_id} href={link(["traces", trace.trace_id])} tabindex={-1} aria-hidden="true">
            <Point x={x(starts[index] ?? first)} y={y(durations[index] ?? low)} trace={trace} />
          </a>
        ))}
      </svg>
    </div>
  );
}

/** A failed trace is a triangle, the others are circles. */
function Point({ x, y, trace }: { x: number; y: number; trace: TraceSummary }) {
  const title = <title>{`${trace.root_name ?? "root span not received"}\n${duration(trace.duration_ms)}, ${trace.span_count} spans`}</title>;
  if (trace.error_count > 0) {
    return (
      <path class="point failed" d={`M${x} ${y - 5.5}l5 9h-10z`}>
        {title}
      </path>
    );
  }
  return (
    <circle class="point" cx={x} cy={y} r={3 + Math.min(4, Math.log10(trace.span_count))}>
      {title}
    </circle>
  );
}
