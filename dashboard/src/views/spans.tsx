// Single spans, as a cell of the heat map or an attribute leads to them; each leads on to its trace.

import type { Question, Schemas } from "../api/client";
import { useList } from "../api/hooks";
import { duration, plural } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Head, Panel, ServiceName, Status, When } from "../parts/basic";
import { Elsewhere } from "../parts/elsewhere";
import { attributeFilters, Chips, Choice, Field, Filters, Search } from "../parts/filters";
import { RangePicker, useRange } from "../parts/range";
import { type Column, More, Table } from "../parts/table";
import { type Address, link } from "../routing";

type Span = Schemas["Span"];

const COLUMNS: readonly Column<Span>[] = [
  { name: "name", title: "Span", cell: (span) => span.name, value: (span) => span.name, wide: true },
  { name: "service", title: "Service", cell: (span) => <ServiceName name={span.service} />, value: (span) => span.service },
  { name: "kind", title: "Kind", cell: (span) => span.kind, value: (span) => span.kind },
  { name: "start", title: "Start", cell: (span) => <When at={span.start_time} />, value: (span) => span.start_time, numeric: true },
  { name: "duration", title: "Duration", cell: (span) => duration(span.duration_ms), value: (span) => span.duration_ms, numeric: true },
  { name: "status", title: "Status", cell: (span) => <Status code={span.status.code} />, value: (span) => span.status.code },
];

export default function Spans({ address: { params } }: { address: Address }) {
  const range = useRange();
  const given = (name: string) => params.get(name) ?? undefined;
  const question: Question<"/api/spans"> = {
    start: range.start,
    end: range.end,
    service: given("service"),
    operation: given("operation"),
    status: given("status"),
    min_duration_ms: given("min_duration_ms"),
    max_duration_ms: given("max_duration_ms"),
    q: given("q"),
    ...attributeFilters(params),
    limit: 100,
  };
  const asked = useList("/api/spans", question);
  return (
    <>
      <Head title="Spans" tools={<><RangePicker /><Curl url={asked.url} /></>}>
        {asked.data && <span class="faint">{plural(asked.data.length, "span")}{asked.more ? ", more follow" : ""}</span>}
      </Head>
      <Filters>
        <Search label="Search in names, status messages and attributes" hint="Search text, or attribute=value" />
        <Field name="service" label="Service" />
        <Field name="operation" label="Operation" size={20} />
        <Choice name="status" label="Status" any="Any status" options={[["error", "Failed"], ["ok", "ok"], ["unset", "unset"]]} />
        <Field name="min_duration_ms" label="min ms" size={8} numeric />
        <Field name="max_duration_ms" label="max ms" size={8} numeric />
      </Filters>
      <Chips />
      <Answered asked={asked} empty={<Elsewhere what="spans" range={range} filtered />}>
        {(spans) => (
          <Panel>
            <Table label="Spans" columns={COLUMNS} items={spans} keyOf={(span) => `${span.trace_id} ${span.span_id}`} hrefOf={(span) => link(["traces", span.trace_id], { span: span.span_id })} />
            <More more={asked.more} waiting={asked.since !== undefined} />
          </Panel>
        )}
      </Answered>
    </>
  );
}
