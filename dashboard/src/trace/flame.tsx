// The flame graph: depth downwards, time to the right. Drawn on a canvas; the waterfall says the same to a screen reader.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { duration } from "../format";
import { hueOf } from "../parts/basic";
import { useTheme } from "../parts/chart";
import { useWidth } from "../parts/width";
import type { Node, Tree } from "./model";

const ROW = 18;
const MOST_ROWS = 400;

export function Flame({ tree, chosen, onChoose }: { tree: Tree; chosen: string | undefined; onChoose: (id: string) => void }) {
  const [place, width] = useWidth<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [root, setRoot] = useState<Node>();
  const [over, setOver] = useState<Node>();
  const theme = useTheme();
  const from = root?.start ?? 0;
  const length = root ? Math.max(0.000001, root.end - root.start) : tree.length;
  const lanes = useMemo(() => lanesOf(tree, root), [tree, root]);
  const height = Math.min(MOST_ROWS, lanes.length) * ROW;
  useEffect(() => {
    if (canvas.current) draw(canvas.current, lanes, { from, length, width, height, chosen });
  }, [lanes, width, theme, chosen]);
  const at = (event: MouseEvent): Node | undefined => {
    const box = canvas.current?.getBoundingClientRect();
    if (!box) return undefined;
    const ms = from + ((event.clientX - box.left) / width) * length;
    const slack = (2 / width) * length;
    return lanes[Math.floor((event.clientY - box.top) / ROW)]?.find((node) => node.start - slack <= ms && ms <= node.end + slack);
  };
  const choose = (event: MouseEvent) => {
    const node = at(event);
    if (node) onChoose(node.span.span_id);
  };
  return (
    <div class="flame">
      <p class="faint">
        {over ? `${over.span.name}: ${duration(over.span.duration_ms)}, ${duration(over.self)} of it by itself` : "Click a span for its detail, twice to fill the width with it."}{" "}
        {root && <button type="button" class="link" onClick={() => setRoot(undefined)}>Whole trace</button>}
      </p>
      <div ref={place} class="canvas">
        <canvas
          ref={canvas}
          role="img"
          aria-label={`Flame graph of ${tree.nodes.length} spans, ${lanes.length} deep; the waterfall lists them`}
          onClick={choose}
          onDblClick={(event) => setRoot(at(event))}
          onMouseMove={(event) => setOver(at(event))}
          onMouseLeave={() => setOver(undefined)}
        />
      </div>
      {lanes.length > MOST_ROWS && <p class="faint">{lanes.length - MOST_ROWS} deeper rows are not drawn; the waterfall has them.</p>}
    </div>
  );
}

/** Spans by row. Siblings that run at the same time take rows of their own, below each other. */
function lanesOf(tree: Tree, root: Node | undefined): readonly (readonly Node[])[] {
  const lanes: Node[][] = [];
  const ends: number[] = [];
  const rowOf = new Map<Node, number>();
  for (const node of tree.nodes) {
    if (root && !isWithin(node, root)) continue;
    const above = node.parent === undefined ? -1 : (rowOf.get(node.parent) ?? -1);
    let row = above + 1;
    while ((ends[row] ?? -1) > node.start + 1e-9) row += 1;
    rowOf.set(node, row);
    ends[row] = Math.max(ends[row] ?? -1, node.end);
    (lanes[row] ??= []).push(node);
  }
  return Array.from(lanes, (lane) => lane ?? []);
}

function isWithin(node: Node, root: Node): boolean {
  for (let one: Node | undefined = node; one !== undefined; one = one.parent) if (one === root) return true;
  return false;
}

interface Sizes {
  readonly from: number;
  readonly length: number;
  readonly width: number;
  readonly height: number;
  readonly chosen: string | undefined;
}

function draw(canvas: HTMLCanvasElement, lanes: readonly (readonly Node[])[], { from, length, width, height, chosen }: Sizes): void {
  const scale = devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = height * scale;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (context === null) return;
  const style = getComputedStyle(document.documentElement);
  const colours = Array.from({ length: 12 }, (_, hue) => style.getPropertyValue(`--hue-${hue}`));
  const [bad, text, surface] = ["--bad", "--text", "--surface"].map((name) => style.getPropertyValue(name));
  context.scale(scale, scale);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  lanes.slice(0, MOST_ROWS).forEach((lane, row) => {
    let drawnTo = -1;
    for (const node of lane) {
      const left = ((node.start - from) / length) * width;
      const right = ((node.end - from) / length) * width;
      if (right < drawnTo + 0.5 && node.span.span_id !== chosen) continue; // nothing to see beside what is there
      drawnTo = right;
      const wide = Math.max(1, right - left);
      const failed = node.span.status.code === "error";
      context.globalAlpha = node.span.span_id === chosen ? 0.9 : 0.42;
      context.fillStyle = failed ? (bad ?? "red") : (colours[hueOf(node.span.service ?? "")] ?? "grey");
      context.fillRect(left, row * ROW, wide, ROW - 1);
      context.globalAlpha = 1;
      if (wide > 40) {
        context.fillStyle = (node.span.span_id === chosen ? surface : text) ?? "black";
        context.save();
        context.beginPath();
        context.rect(left, row * ROW, wide - 4, ROW);
        context.clip();
        context.fillText(`${failed ? "▲ " : ""}${node.span.name}  ${duration(node.span.duration_ms)}`, Math.max(0, left) + 4, row * ROW + ROW / 2);
        context.restore();
      }
    }
  });
}
