// The spans of a trace by operation: where the time went, in figures.

import { useMemo } from "preact/hooks";
import { count, duration, percent } from "../format";
import { Bar, Failures, ServiceName } from "../parts/basic";
import { type Column, Table } from "../parts/table";
import type { Node, Tree } from "./model";

interface Operation {
  readonly name: string;
  readonly service: string | null;
  spans: number;
  failed: number;
  total: number;
  self: number;
  longest: number;
  critical: number;
  first: Node;
}

export function operationsOf(tree: Tree): readonly Operation[] {
  const found = new Map<string, Operation>();
  for (const node of tree.nodes) {
    const { name, service, status, duration_ms } = node.span;
    const key = `${service}\n${name}`;
    const one = found.get(key) ?? { name, service, spans: 0, failed: 0, total: 0, self: 0, longest: 0, critical: 0, first: node };
    one.spans += 1;
    one.failed += status.code === "error" ? 1 : 0;
    one.total += duration_ms;
    one.self += node.self;
    one.critical += node.critical.reduce((sum, [from, to]) => sum + to - from, 0);
    if (duration_ms >= one.longest) {
      one.longest = duration_ms;
      one.first = node;
    }
    found.set(key, one);
  }
  return [...found.values()];
}

export function Operations({ tree, onChoose }: { tree: Tree; onChoose: (id: string) => void }) {
  const operations = useMemo(() => operationsOf(tree), [tree]);
  const columns: readonly Column<Operation>[] = [
    { name: "name", title: "Operation", value: (one) => one.name, wide: true, cell: (one) => <button type="button" class="link" data-row title="To its longest span" onClick={() => onChoose(one.first.span.span_id)}>{one.name}</button> },
    { name: "service", title: "Service", value: (one) => one.service, cell: (one) => <ServiceName name={one.service} /> },
    { name: "spans", title: "Spans", value: (one) => one.spans, cell: (one) => count(one.spans), numeric: true },
    { name: "failed", title: "Failed", value: (one) => one.failed, cell: (one) => <Failures number={one.failed} />, numeric: true },
    { name: "self", title: "By itself", value: (one) => one.self, cell: (one) => <>{duration(one.self)} <Bar part={one.self / tree.length} /></>, numeric: true },
    { name: "critical", title: "Critical path", value: (one) => one.critical, cell: (one) => percent(one.critical / tree.length), numeric: true },
    { name: "total", title: "Total", value: (one) => one.total, cell: (one) => duration(one.total), numeric: true },
    { name: "longest", title: "Longest", value: (one) => one.longest, cell: (one) => duration(one.longest), numeric: true },
  ];
  return <Table label="Operations of the trace" columns={columns} items={operations} keyOf={(one) => `${one.service}\n${one.name}`} sorted="self" />;
}
