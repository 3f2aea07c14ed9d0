// Who calls whom, in columns from left to right. The tables beside it say the same in words.

import { hueOf } from "../parts/basic";

export interface GraphNode {
  readonly id: string;
  readonly label: string;
  readonly note: string;
  readonly kind: "agent" | "tool" | "model";
  readonly column: number;
  readonly href?: string;
  readonly failed?: boolean;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly times: number;
  readonly title: string;
}

const WIDTH = 190;
const HEIGHT = 40;
const GAP_X = 90;
const GAP_Y = 12;
const LETTERS = 23;
const SIGNS: Readonly<Record<GraphNode["kind"], string>> = { agent: "", tool: "tool", model: "model" };

interface Placed extends GraphNode {
  readonly x: number;
  readonly y: number;
}

/** The nodes of a column one below the other, columns in the middle of the tallest. */
function place(nodes: readonly GraphNode[]): { placed: Map<string, Placed>; width: number; height: number } {
  const columns = Map.groupBy(nodes, ({ column }) => column);
  const tallest = Math.max(...[...columns.values()].map((column) => column.length));
  const placed = new Map<string, Placed>();
  [...columns.keys()].sort((a, b) => a - b).forEach((name, index) => {
    const column = columns.get(name) ?? [];
    const top = ((tallest - column.length) * (HEIGHT + GAP_Y)) / 2;
    column.forEach((node, row) => placed.set(node.id, { ...node, x: index * (WIDTH + GAP_X) + 1, y: top + row * (HEIGHT + GAP_Y) + 1 }));
  });
  return { placed, width: columns.size * (WIDTH + GAP_X) - GAP_X + 2, height: tallest * (HEIGHT + GAP_Y) - GAP_Y + 2 };
}

export function Graph({ label, nodes, edges }: { label: string; nodes: readonly GraphNode[]; edges: readonly GraphEdge[] }) {
  if (nodes.length === 0) return null;
  const { placed, width, height } = place(nodes);
  const most = Math.max(1, ...edges.map(({ times }) => times));
  return (
    <div class="agent-graph" role="region" aria-label={label} tabIndex={0}>
      <svg width={width} height={height} role="group" aria-label={label}>
        {edges.map((edge) => (
          <Arrow key={`${edge.from} ${edge.to}`} from={placed.get(edge.from)} to={placed.get(edge.to)} edge={edge} part={edge.times / most} />
        ))}
        {[...placed.values()].map((node) => (
          <Box key={node.id} node={node} />
        ))}
      </svg>
    </div>
  );
}

function Arrow({ from, to, edge, part }: { from: Placed | undefined; to: Placed | undefined; edge: GraphEdge; part: number }) {
  if (!from || !to || from === to) return null;
  const [x1, y1, x2, y2] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
  const bend = Math.max(30, (x2 - x1) / 2);
  return (
    <g class="arrow">
      <path d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend - 6} ${y2} ${x2 - 6} ${y2}`} stroke-width={1 + 3 * Math.sqrt(part)}>
        <title>{edge.title}</title>
      </path>
      <path class="tip" d={`M${x2} ${y2}l-8 -4.5v9z`} />
    </g>
  );
}

function Box({ node }: { node: Placed }) {
  const label = node.label.length > LETTERS ? `${node.label.slice(0, LETTERS - 1)}…` : node.label;
  const said = `${SIGNS[node.kind]} ${node.label}: ${node.note}`.trim();
  const content = (
    <>
      {label !== node.label && <title>{said}</title>}
      <rect x={node.x} y={node.y} width={WIDTH} height={HEIGHT} rx={node.kind === "agent" ? 8 : 3} class={`box ${node.failed ? "failed" : ""}`} />
      <rect x={node.x + 8} y={node.y + 9} width={9} height={9} rx={node.kind === "agent" ? 2.5 : 5} class={`mark hue-${hueOf(node.label)}`} />
      <text x={node.x + 23} y={node.y + 17} class="label">{label}</text>
      <text x={node.x + 23} y={node.y + 32} class="note">{`${SIGNS[node.kind]} ${node.note}`.trim()}</text>
    </>
  );
  return node.href ? <a href={node.href}>{content}</a> : <g>{content}</g>;
}

/** The column of each agent: one behind the last that calls it; circles are cut where they close. */
export function columnsOf(names: readonly string[], calls: readonly (readonly [string, string])[]): ReadonlyMap<string, number> {
  const columns = new Map<string, number>();
  const callers = Map.groupBy(calls.filter(([from, to]) => from !== to), ([, to]) => to);
  const depth = (name: string, below: ReadonlySet<string>): number => {
    const known = columns.get(name);
    if (known !== undefined) return known;
    const around = new Set(below).add(name);
    const before = (callers.get(name) ?? []).map(([from]) => from).filter((from) => !around.has(from));
    const column = before.length === 0 ? 0 : 1 + Math.max(...before.map((from) => depth(from, around)));
    columns.set(name, column);
    return column;
  };
  for (const name of names) depth(name, new Set());
  return columns;
}
