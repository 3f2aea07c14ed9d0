// One model call or tool call whole: what went in and came out, its figures, and all that its records said of it.

import { type Schemas, urlOf } from "../api/client";
import { useUrl } from "../api/hooks";
import { count, duration, money, plural, significant } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Head, Notice, Panel, When } from "../parts/basic";
import { Attributes } from "../parts/values";
import { link } from "../routing";
import { SaidAll } from "./content";
import { AgentName, FactCost, FactStatus, FactTokens, traceOf } from "./shown";

type Detail = Schemas["FactDetail"];

export function CallDetail({ path, id, back, title }: { path: "/api/llm-calls" | "/api/tool-calls"; id: string; back: string; title: string }) {
  const asked = useUrl<Detail>(urlOf(`${path}/${encodeURIComponent(id)}`));
  const name = asked.data && (asked.data.tool_name ?? asked.data.model ?? asked.data.name);
  return (
    <>
      <Head title={<><a href={link(back)} class="faint">{title} /</a> {name ?? id}</>} tools={<Curl url={asked.url} />}>
        {asked.data && <FactStatus status={asked.data.status} />}
      </Head>
      <Answered asked={asked}>{(fact) => <Whole fact={fact} />}</Answered>
    </>
  );
}

function Whole({ fact }: { fact: Detail }) {
  const trace = traceOf(fact);
  return (
    <div class="call">
      <div>
        {fact.status === "error" && <Notice kind="bad" title={`Failed: ${fact.error_type ?? "no type told"}${fact.status_code === null ? "" : ` (${fact.status_code})`}`}>{fact.error_message}</Notice>}
        <Panel title={fact.fact === "tool_call" ? "Arguments and result" : "Prompt and answer"}>
          {fact.content.length > 0 ? <SaidAll parts={fact.content} /> : <p class="faint">The sender did not record what was said.</p>}
        </Panel>
      </div>
      <div>
        <Panel title="Figures" tools={<>{trace ? <a class="small" href={trace}>Its span</a> : <span class="faint">No trace: logs told of it</span>}{fact.session_id && <a class="small" href={link(["sessions", fact.session_id], { at: fact.id })}>Its session</a>}</>}>
          <Figures fact={fact} />
        </Panel>
        <Panel title="All that its records said">
          <Attributes attributes={fact.attributes} />
        </Panel>
      </div>
    </div>
  );
}

function Figures({ fact }: { fact: Detail }) {
  const rows: readonly (readonly [string, preact.ComponentChildren])[] = [
    ["Agent", <AgentName name={fact.agent} />],
    ["Begin", <When at={fact.time} />],
    ["Duration", duration(fact.duration_ms)],
    ...optional("First token", fact.time_to_first_token_ms, duration),
    ...optional("Speed", fact.output_tokens_per_second, (value) => `${significant(value)} tokens/s`),
    ...(fact.fact === "llm_call" ? ([["Tokens", <FactTokens fact={fact} />], ["Cost", <FactCost fact={fact} />], ["Cost is", fact.cost_source === "computed" ? `worked out, prices of ${fact.price_version ?? "an unknown day"}` : fact.cost_source]] as const) : []),
    ...optional("From cache", fact.cache_read_tokens, count),
    ...optional("Saved by caching", fact.cache_saving_usd || null, money),
    ...optional("Provider", fact.provider),
    ...optional("Model asked for", fact.request_model === fact.model ? null : fact.request_model),
    ...optional("Ended for", fact.finish_reasons.map(String).join(", ") || null),
    ...optional("Attempt", fact.attempt, count),
    ...optional("Kind of tool", fact.tool_type),
    ...optional("MCP server", fact.mcp_server),
    ...optional("Decision", fact.decision),
    ...optional("User", fact.user),
    ...optional("Service", fact.service),
    ["Session", fact.session_inferred ? "none named: its trace stands in" : (fact.session_id ?? "none")],
    ["Told by", told(fact) || "nothing that is still stored"],
    ["In the sums", fact.counted ? (fact.counts_usage ? "yes" : "as a call; its tokens and cost are told elsewhere too") : "no: it repeats another record"],
  ];
  return (
    <dl class="facts-list">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function told({ sources }: Detail): string {
  const spans = sources.filter(({ signal }) => signal === "span").length;
  const logs = sources.length - spans;
  return [spans && plural(spans, "span"), logs && plural(logs, "log")].filter(Boolean).join(", ");
}

function optional<T>(name: string, value: T | null, shown: (value: T) => string = String): readonly (readonly [string, string])[] {
  return value === null ? [] : [[name, shown(value)]];
}
