// The waterfall. Only the rows in sight are drawn, so that 30,000 spans scroll like thirty.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { count, duration, money, short } from "../format";
import { hueOf } from "../parts/basic";
import { kindOf, type Node, type Tree } from "./model";

const ROW = 25;
const AROUND = 6;

interface WaterfallProps {
  readonly tree: Tree;
  readonly chosen: string | undefined;
  readonly onChoose: (id: string) => void;
  readonly matching: ReadonlySet<string> | undefined;
}

/** Whether a span is folded: small traces begin open, large ones with what is deep or plentiful folded. */
function foldedAtFirst(tree: Tree): Set<string> {
  if (tree.nodes.length <= 1000) return new Set();
  return new Set(tree.nodes.filter((node) => node.depth >= 2 && node.children.length > 0).map((node) => node.span.span_id));
}

function visible(tree: Tree, folded: ReadonlySet<string>): readonly Node[] {
  const rows: Node[] = [];
  let skipBelow = Infinity;
  for (const node of tree.nodes) {
    if (node.depth > skipBelow) continue;
    skipBelow = folded.has(node.span.span_id) ? node.depth : Infinity;
    rows.push(node);
  }
  return rows;
}

export function Waterfall({ tree, chosen, onChoose, matching }: WaterfallProps) {
  const [folded, setFolded] = useState(() => foldedAtFirst(tree));
  useEffect(() => setFolded(unfold(foldedAtFirst(tree), tree, chosen)), [tree.trace.trace_id]);
  const rows = useMemo(() => visible(tree, folded), [tree, folded]);
  const { place, first, last } = useWindow(rows.length);
  useEffect(() => {
    if (chosen === undefined) return;
    setFolded((before) => unfold(before, tree, chosen));
  }, [chosen, tree]);
  useReveal(place, rows, chosen);
  const turn = (node: Node, fold?: boolean) =>
    setFolded((before) => {
      const next = new Set(before);
      if (fold ?? !next.has(node.span.span_id)) next.add(node.span.span_id);
      else next.delete(node.span.span_id);
      return next;
    });
  const foldAll = (depth: number) => setFolded(new Set(tree.nodes.filter((node) => node.depth >= depth && node.children.length > 0).map((node) => node.span.span_id)));
  const focusable = chosen !== undefined && rows.some((node) => node.span.span_id === chosen) ? chosen : rows[0]?.span.span_id;
  return (
    <div class="waterfall">
      <Ruler tree={tree} tools={<><button type="button" class="quiet small" onClick={() => setFolded(new Set())}>Unfold all</button><button type="button" class="quiet small" onClick={() => foldAll(1)}>Fold</button></>} />
      <div class="rows" role="tree" aria-label="Spans" ref={place}>
        <div class="height" role="presentation" style={{ height: `${rows.length * ROW}px` }}>
          {rows.slice(first, last).map((node, index) => (
            <Row
              key={node.span.span_id}
              node={node}
              tree={tree}
              top={(first + index) * ROW}
              folded={folded.has(node.span.span_id)}
              chosen={node.span.span_id === chosen}
              focusable={node.span.span_id === focusable || (focusable !== undefined && index === 0 && !rows.slice(first, last).some((one) => one.span.span_id === focusable))}
              pale={matching !== undefined && !matching.has(node.span.span_id)}
              onTurn={turn}
              onChoose={onChoose}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

function unfold(before: ReadonlySet<string>, tree: Tree, chosen: string | undefined): Set<string> {
  const next = new Set(before);
  for (let node = chosen === undefined ? undefined : tree.byId.get(chosen)?.parent; node !== undefined; node = node.parent) next.delete(node.span.span_id);
  return next;
}

/** The rows in sight, and some around them. */
function useWindow(length: number) {
  const place = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ top: 0, height: 800 });
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return;
    const look = () => setSight({ top: element.scrollTop, height: element.clientHeight });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);
  const first = Math.max(0, Math.min(length - 1, Math.floor(sight.top / ROW)) - AROUND);
  const last = Math.min(length, Math.ceil((sight.top + sight.height) / ROW) + AROUND);
  return { place, first, last };
}

/** Scrolls to the chosen span when it comes from an address or another tab. */
function useReveal(place: { current: HTMLDivElement | null }, rows: readonly Node[], chosen: string | undefined): void {
  const revealed = useRef<string | undefined>(undefined);
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null || chosen === undefined || revealed.current === chosen) return;
    const index = rows.findIndex((node) => node.span.span_id === chosen);
    if (index < 0) return;
    revealed.current = chosen;
    const top = index * ROW;
    if (top < element.scrollTop || top + ROW > element.scrollTop + element.clientHeight) element.scrollTop = top - element.clientHeight / 2;
  }, [chosen, rows]);
}

function Ruler({ tree, tools }: { tree: Tree; tools: preact.ComponentChildren }) {
  return (
    <div class="ruler">
      <div class="name">
        Span <span class="tools">{tools}</span>
      </div>
      <div class="time" aria-hidden="true">
        {[0, 0.25, 0.5, 0.75].map((part) => (
          <span key={part} style={{ left: `${part * 100}%` }}>
            {duration(tree.length * part)}
          </span>
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  readonly node: Node;
  readonly tree: Tree;
  readonly top: number;
  readonly folded: boolean;
  readonly chosen: boolean;
  readonly focusable: boolean;
  readonly pale: boolean;
  readonly onTurn: (node: Node, fold?: boolean) => void;
  readonly onChoose: (id: string) => void;
}

function Row({ node, tree, top, folded, chosen, focusable, pale, onTurn, onChoose }: RowProps) {
  const { span } = node;
  const failed = span.status.code === "error";
  const parent = node.children.length > 0;
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" || event.key === " ") onChoose(span.span_id);
    else if (event.key === "ArrowRight" && parent) onTurn(node, false);
    else if (event.key === "ArrowLeft" && parent) onTurn(node, true);
    else if (event.key === "ArrowDown") (event.currentTarget as HTMLElement).nextElementSibling?.closest<HTMLElement>("[data-row]")?.focus();
    else if (event.key === "ArrowUp") (event.currentTarget as HTMLElement).previousElementSibling?.closest<HTMLElement>("[data-row]")?.focus();
    else return;
    event.preventDefault();
  };
  return (
    <div
      class={`row hue-${hueOf(span.service ?? "")} ${chosen ? "chosen" : ""} ${pale ? "pale" : ""}`}
      style={{ top: `${top}px` }}
      role="treeitem"
      aria-level={node.depth + 1}
      aria-expanded={parent ? !folded : undefined}
      aria-selected={chosen}
      tabIndex={focusable ? 0 : -1}
      data-row
      onClick={() => onChoose(span.span_id)}
      onKeyDown={onKey}
    >
      <div class="name" style={{ paddingLeft: `${6 + Math.min(node.depth, 24) * 13}px` }}>
        <span
          class="fold"
          aria-hidden="true"
          onClick={(event) => {
            if (!parent) return;
            event.stopPropagation();
            onTurn(node);
          }}
        >
          {parent ? (folded ? "▸" : "▾") : ""}
        </span>
        <i class="dot" />
        {failed && <span class="bad">▲<span class="hidden">failed</span> </span>}
        {node.orphan && <span class="warn" title={`The parent ${span.parent_span_id} has not been received`}>⋯ </span>}
        <span class="text" title={span.name}>{span.name}</span>
        <span class="hidden">of {span.service ?? "no service"}</span>
        <Marks node={node} folded={folded} />
      </div>
      <Time node={node} length={tree.length} failed={failed} />
    </div>
  );
}

function Marks({ node, folded }: { node: Node; folded: boolean }) {
  const kind = kindOf(node.span);
  return (
    <>
      {kind && <span class="badge">{kind}</span>}
      {folded && node.below > 0 && <span class="badge">{count(node.below)}</span>}
      {folded && node.failedBelow > 0 && <span class="badge bad">▲ {node.failedBelow}</span>}
      {node.usage && (
        <span class="usage" title={`${count(node.usage.input)} tokens in, ${count(node.usage.output)} out${node.children.length ? ", this span and all below" : ""}`}>
          {node.usage.cost === null ? `${short(node.usage.input + node.usage.output)} tok` : money(node.usage.cost)}
        </span>
      )}
    </>
  );
}

function Time({ node, length, failed }: { node: Node; length: number; failed: boolean }) {
  const left = (node.start / length) * 100;
  const width = ((node.end - node.start) / length) * 100;
  const place = left + width < 82 ? { left: `${left + width}%` } : { right: left > 20 ? `${100 - left}%` : "2%" };
  return (
    <div class="time">
      <span class={`span ${failed ? "failed" : ""}`} style={{ left: `${left}%`, width: `max(2px, ${width}%)` }} />
      {node.critical.map(([from, to]) => (
        <span class="critical" key={from} style={{ left: `${(from / length) * 100}%`, width: `max(1px, ${((to - from) / length) * 100}%)` }} />
      ))}
      <span class={`length ${left + width < 82 || left > 20 ? "" : "inside"}`} style={place}>
        {duration(node.span.duration_ms)}
      </span>
    </div>
  );
}
