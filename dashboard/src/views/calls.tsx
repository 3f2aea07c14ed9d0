// LLM calls and tools: first summed up by model, tool or agent, below one by one, down to the span.

import type { Question } from "../api/client";
import { useAnswer, useList } from "../api/hooks";
import { useTick } from "../api/live";
import { Answered } from "../parts/answered";
import { Curl, Head, Notice, Panel, Tabs } from "../parts/basic";
import { factColumns, hrefOfFact, type Usage, usageColumns } from "../parts/facts";
import { Choice, Field, Filters } from "../parts/filters";
import { RangePicker, useRange } from "../parts/range";
import { More, Table } from "../parts/table";
import { change, link } from "../routing";

interface Kind {
  readonly what: "llm" | "tool";
  readonly title: string;
  readonly view: string;
  readonly path: "/api/llm-calls" | "/api/tool-calls";
  readonly groups: readonly (readonly [string, string])[];
}

export const LLM: Kind = { what: "llm", title: "LLM calls", view: "llm-calls", path: "/api/llm-calls", groups: [["model", "Model"], ["provider", "Provider"], ["agent", "Agent"], ["finish_reason", "Finish"]] };
export const TOOL: Kind = { what: "tool", title: "Tools", view: "tools", path: "/api/tool-calls", groups: [["tool", "Tool"], ["mcp_server", "MCP server"], ["agent", "Agent"], ["decision", "Decision"]] };

export function Calls({ kind, params }: { kind: Kind; params: URLSearchParams }) {
  const range = useRange("-24h");
  const tick = useTick(range.end === undefined, ["trace", "log", "dropped"], 4000);
  const group = params.get("group_by") ?? kind.groups[0]?.[0] ?? "agent";
  const given = (name: string) => params.get(name) ?? undefined;
  const filters = {
    start: range.start, end: range.end, agent: given("agent"), model: given("model"), tool: given("tool"),
    provider: given("provider"), mcp_server: given("mcp_server"), status: given("status"), finish_reason: given("finish_reason"), decision: given("decision"),
  };
  const sums: Question<"/api/usage"> = { ...filters, group_by: group, limit: 200 };
  const usage = useAnswer("/api/usage", { ...sums, percentiles_of: kind.what === "llm" ? "llm_call" : "tool_call" }, tick);
  const asked = useList(kind.path, { ...filters, order: given("order"), limit: 100 }, tick);
  const name = (one: Usage) => one.group[group] ?? null;
  const shown = usage.data?.filter((one) => (kind.what === "llm" ? one.llm_calls : one.tool_calls) > 0);
  return (
    <>
      <Head title={kind.title} tools={<><RangePicker /><Curl url={usage.url} /><Curl url={asked.url} /></>} />
      <Filters>
        <Tabs label="Sum up by" tabs={kind.groups} chosen={group} onChoose={(next) => change({ group_by: next === kind.groups[0]?.[0] ? null : next })} />
        <Field name="agent" label="Agent" />
        {kind.what === "llm" ? <Field name="model" label="Model" /> : <Field name="tool" label="Tool" />}
        <Choice name="status" label="Outcome" any="Any outcome" options={[["error", "Failed"], ["ok", "Without failure"]]} />
        <Choice name="order" label="Order" any="Newest first" options={kind.what === "llm" ? [["duration", "Slowest first"], ["cost", "Most expensive first"], ["input_tokens", "Most input first"], ["output_tokens", "Most output first"]] : [["duration", "Slowest first"]]} />
      </Filters>
      <Answered asked={{ ...usage, data: shown }} empty={<Notice title={`No ${kind.title.toLowerCase()} in this range`}>Nothing fits all filters in this time.</Notice>}>
        {(usages) => (
          <Panel>
            <Table label={`${kind.title} by ${group}`} columns={usageColumns(kind.groups.find(([key]) => key === group)?.[1] ?? group, name, kind.what)} items={usages} keyOf={(one) => JSON.stringify(one.group)} sorted="calls" hrefOf={(one) => (name(one) === null ? undefined : link(kind.view, { ...Object.fromEntries(params), [group]: name(one) }))} />
          </Panel>
        )}
      </Answered>
      <Answered asked={asked}>
        {(facts) =>
          facts.length === 0 ? null : (
            <Panel title="Calls">
              <Table label="Calls" columns={factColumns(kind.what)} items={facts} keyOf={(one) => one.id} hrefOf={hrefOfFact} />
              <More more={asked.more} waiting={asked.since !== undefined} />
            </Panel>
          )
        }
      </Answered>
    </>
  );
}
