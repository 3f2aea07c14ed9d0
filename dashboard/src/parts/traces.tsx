// Traces in a table, as several views list them.

import type { Schemas } from "../api/client";
import { count, duration } from "../format";
import { link } from "../routing";
import { Failures, ServiceName, When } from "./basic";
import { type Column, Table } from "./table";

export type TraceSummary = Schemas["TraceSummary"];

const name = (trace: TraceSummary): string => trace.root_name ?? "root span not received";

const NAME: Column<TraceSummary> = {
  name: "name",
  title: "Trace",
  cell: (trace) => <span class={trace.root_name === null ? "faint" : ""}>{name(trace)}</span>,
  value: name,
  wide: true,
};
const SERVICE: Column<TraceSummary> = { name: "service", title: "Service", cell: (trace) => <Services trace={trace} />, value: (trace) => trace.service };
const START: Column<TraceSummary> = { name: "start", title: "Start", cell: (trace) => <When at={trace.start_time} />, value: (trace) => trace.start_time, numeric: true };
const LENGTH: Column<TraceSummary> = { name: "duration", title: "Duration", cell: (trace) => duration(trace.duration_ms), value: (trace) => trace.duration_ms, numeric: true };
const SPANS: Column<TraceSummary> = { name: "spans", title: "Spans", cell: (trace) => count(trace.span_count), value: (trace) => trace.span_count, numeric: true };
const FAILED: Column<TraceSummary> = {
  name: "failed",
  title: "Failed",
  cell: (trace) => <Failures number={trace.error_count} />,
  value: (trace) => trace.error_count,
  numeric: true,
};

function Services({ trace }: { trace: TraceSummary }) {
  const others = trace.services.length - (trace.service === null ? 0 : 1);
  return (
    <span title={trace.services.join(", ")}>
      <ServiceName name={trace.service} />
      {others > 0 && <span class="faint"> +{others}</span>}
    </span>
  );
}

export function TraceTable({ label, traces, few = false, extra = [] }: { label: string; traces: readonly TraceSummary[]; few?: boolean; extra?: readonly Column<TraceSummary>[] }) {
  const columns = few ? [NAME, SERVICE, START, LENGTH] : [NAME, SERVICE, START, LENGTH, SPANS, FAILED];
  return <Table label={label} columns={[...columns, ...extra]} items={traces} keyOf={(trace) => trace.trace_id} hrefOf={(trace) => link(["traces", trace.trace_id])} />;
}
