// A trace as a tree: depth, what hangs below each span, the critical path, and what a span took by itself.
// Everything here goes in loops, not in recursion: a trace may be thousands of spans deep.

import type { Schemas } from "../api/client";

export type Span = Schemas["Span"];
export type Trace = Schemas["Trace"];

export interface Usage {
  readonly input: number;
  readonly output: number;
  /** Null where no call of the subtree has a price. */
  readonly cost: number | null;
}

export interface Node {
  readonly span: Span;
  /** Milliseconds after the start of the trace. */
  readonly start: number;
  readonly end: number;
  readonly depth: number;
  readonly parent: Node | undefined;
  readonly children: readonly Node[];
  /** True where the span names a parent that has not been received. */
  readonly orphan: boolean;
  /** Spans below this one, failed ones among them, and what was used by all of them and this one. */
  below: number;
  failedBelow: number;
  usage: Usage | undefined;
  /** Time in which none of its children ran. */
  self: number;
  /** The parts of the critical path that this span has, in ms after the start of the trace. */
  critical: (readonly [number, number])[];
}

export interface Tree {
  readonly trace: Trace;
  /** Every span, parents before their children, siblings by time. */
  readonly nodes: readonly Node[];
  readonly roots: readonly Node[];
  readonly byId: ReadonlyMap<string, Node>;
  readonly length: number;
  readonly depth: number;
}

type Building = { -readonly [K in Exclude<keyof Node, "parent" | "children">]: Node[K] } & { parent: Building | undefined; children: Building[] };

export function treeOf(trace: Trace, usages: ReadonlyMap<string, Usage> = new Map()): Tree {
  const zero = clockOf(trace.start_time);
  const byId = new Map<string, Building>();
  for (const span of trace.spans) byId.set(span.span_id, nodeOf(span, zero));
  const roots: Building[] = [];
  for (const node of byId.values()) {
    const parent = node.span.parent_span_id === null ? undefined : byId.get(node.span.parent_span_id);
    if (parent === undefined || parent === node) {
      node.orphan = node.span.parent_span_id !== null;
      roots.push(node);
    } else {
      node.parent = parent;
      parent.children.push(node);
    }
  }
  breakCircles(byId, roots);
  const nodes = inOrder(roots);
  sumUp(nodes, usages);
  const longest = roots.reduce((best, root) => (root.end - root.start > best.end - best.start ? root : best), roots[0] as Building);
  if (longest) criticalPath(longest);
  const length = Math.max(trace.duration_ms, ...roots.map((root) => root.end), 0.001);
  return { trace, nodes, roots, byId, length, depth: nodes.reduce((deepest, node) => Math.max(deepest, node.depth), 0) + 1 };
}

/** Seconds and nanoseconds apart: together they are more than a number of JavaScript holds. */
function clockOf(text: string): readonly [number, number] {
  return [Date.parse(`${text.slice(0, 19)}Z`), Number(text.slice(20, 29))];
}

function nodeOf(span: Span, zero: readonly [number, number]): Building {
  const [second, nanosecond] = clockOf(span.start_time);
  const start = second - zero[0] + (nanosecond - zero[1]) / 1e6;
  return {
    span, start, end: start + span.duration_ms, depth: 0, parent: undefined, children: [], orphan: false,
    below: 0, failedBelow: 0, usage: undefined, self: span.duration_ms, critical: [],
  };
}

/** Spans that are each other's parents hang below no root: the first of each circle becomes one. */
function breakCircles(byId: ReadonlyMap<string, Building>, roots: Building[]): void {
  const reached = new Set<Building>();
  const reach = (from: Building) => {
    const waiting = [from];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      reached.add(node);
      waiting.push(...node.children.filter((child) => !reached.has(child)));
    }
  };
  for (const root of roots) reach(root);
  if (reached.size === byId.size) return;
  for (const node of byId.values()) {
    if (reached.has(node)) continue;
    if (node.parent) node.parent.children = node.parent.children.filter((child) => child !== node);
    node.parent = undefined;
    node.orphan = true;
    roots.push(node);
    reach(node);
  }
}

function inOrder(roots: Building[]): Building[] {
  const byTime = (a: Building, b: Building) => a.start - b.start || b.end - a.end;
  const nodes: Building[] = [];
  const waiting = roots.sort(byTime).toReversed();
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    nodes.push(node);
    node.children.sort(byTime);
    for (let place = node.children.length - 1; place >= 0; place -= 1) {
      const child = node.children[place] as Building;
      child.depth = node.depth + 1;
      waiting.push(child);
    }
  }
  return nodes;
}

function sumUp(nodes: readonly Building[], usages: ReadonlyMap<string, Usage>): void {
  for (let place = nodes.length - 1; place >= 0; place -= 1) {
    const node = nodes[place] as Building;
    node.usage = added(node.usage, usages.get(node.span.span_id));
    node.self = node.span.duration_ms - covered(node);
    const { parent } = node;
    if (parent === undefined) continue;
    parent.below += node.below + 1;
    parent.failedBelow += node.failedBelow + (node.span.status.code === "error" ? 1 : 0);
    parent.usage = added(parent.usage, node.usage);
  }
}

function added(a: Usage | undefined, b: Usage | undefined): Usage | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const cost = a.cost === null ? b.cost : b.cost === null ? a.cost : a.cost + b.cost;
  return { input: a.input + b.input, output: a.output + b.output, cost };
}

/** How much of a span's time its children cover; they are in order of their start. */
function covered(node: Building): number {
  let sum = 0;
  let until = node.start;
  for (const child of node.children) {
    const from = Math.max(until, child.start);
    const to = Math.min(node.end, child.end);
    if (to > from) sum += to - from;
    until = Math.max(until, to);
  }
  return sum;
}

/** From the end backwards: always the child that finished last, and where there is none, the span itself. */
function criticalPath(root: Building): void {
  interface Frame { readonly node: Building; readonly waiting: Building[]; cursor: number }
  const frameOf = (node: Building, cursor: number): Frame => ({ node, cursor, waiting: [...node.children].sort((a, b) => a.end - b.end) });
  const stack = [frameOf(root, root.end)];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    let child = frame.waiting.pop();
    while (child !== undefined && child.start >= frame.cursor) child = frame.waiting.pop();
    if (child !== undefined && child.end > frame.node.start) {
      const end = Math.min(child.end, frame.cursor);
      if (frame.cursor > end) frame.node.critical.push([end, frame.cursor]);
      frame.cursor = Math.max(child.start, frame.node.start);
      stack.push(frameOf(child, end));
    } else {
      if (frame.cursor > frame.node.start) frame.node.critical.push([frame.node.start, frame.cursor]);
      stack.pop();
    }
  }
}

/** What to call a span beside its name: the model, the tool, the route, the statement's system. */
export function kindOf(span: Span): string {
  const operation = span.attributes["gen_ai.operation.name"];
  if (typeof operation === "string") return AGENT_KINDS[operation] ?? operation.replaceAll("_", " ");
  const openInference = span.attributes["openinference.span.kind"] ?? span.attributes["traceloop.span.kind"];
  if (typeof openInference === "string") return openInference.toLowerCase();
  if (span.attributes["db.system.name"] ?? span.attributes["db.system"]) return "db";
  return span.kind === "internal" || span.kind === "unspecified" ? "" : span.kind;
}

const AGENT_KINDS: Readonly<Record<string, string>> = {
  chat: "llm", text_completion: "llm", generate_content: "llm", embeddings: "embedding",
  invoke_agent: "agent", create_agent: "agent", execute_tool: "tool", invoke_workflow: "workflow",
};

/** The tokens that a span itself reports, where nothing better is known. */
export function reportedUsage(span: Span): Usage | undefined {
  const number = (...names: readonly string[]): number | undefined => {
    const value = names.map((name) => span.attributes[name]).find((found) => found !== undefined);
    return value === undefined || Number.isNaN(Number(value)) ? undefined : Number(value);
  };
  const input = number("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt");
  const output = number("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion");
  return input === undefined && output === undefined ? undefined : { input: input ?? 0, output: output ?? 0, cost: null };
}
