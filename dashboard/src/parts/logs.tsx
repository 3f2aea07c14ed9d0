// A log record as a line that unfolds.

import { useState } from "preact/hooks";
import type { Schemas } from "../api/client";
import { link } from "../routing";
import { Copy, ServiceName, When } from "./basic";
import { Attributes, Value } from "./values";

export type Log = Schemas["Log"];

export const SEVERITIES = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
const SIGNS: Readonly<Record<string, string>> = { warn: "△", error: "▲", fatal: "▲" };

/** info for info2, info3, info4; nothing where the sender gave none. */
export function severityOf(log: Log): string {
  return log.severity?.replace(/\d$/, "") ?? "";
}

export function Severity({ log }: { log: Log }) {
  const name = severityOf(log);
  const kind = name === "error" || name === "fatal" ? "bad" : name === "warn" ? "warn" : "";
  return (
    <span class={`severity ${kind}`} title={log.severity_text ?? log.severity ?? "no severity"}>
      {SIGNS[name] ?? ""} {name || "–"}
    </span>
  );
}

export function bodyText(body: unknown): string {
  return typeof body === "string" ? body : body === null || body === undefined ? "" : JSON.stringify(body);
}

export function LogLine({ log, here = false }: { log: Log; here?: boolean }) {
  const [open, setOpen] = useState(false);
  const text = bodyText(log.body);
  return (
    <div class={`log ${open ? "open" : ""}`}>
      <button type="button" class="line" aria-expanded={open} data-row={here ? undefined : true} onClick={() => setOpen(!open)}>
        <When at={log.time} />
        <Severity log={log} />
        {!here && <ServiceName name={log.service} />}
        <span class="body">
          {log.event_name && <span class="badge">{log.event_name}</span>} {text.slice(0, 600)}
        </span>
      </button>
      {open && <LogDetail log={log} here={here} />}
    </div>
  );
}

function LogDetail({ log, here }: { log: Log; here: boolean }) {
  const at = Date.parse(log.time);
  const around = { start: new Date(at - 5000).toISOString(), end: new Date(at + 5000).toISOString(), service: log.service };
  return (
    <div class="log-detail">
      <div class="tools">
        {log.trace_id && !here && <a class="small" href={link(["traces", log.trace_id], { span: log.span_id })}>Trace</a>}
        {!here && <a class="small" href={link("logs", around)}>Lines around it</a>}
        <Copy text={() => JSON.stringify(log, null, 2)} label="Copy JSON" />
      </div>
      <div class="log-body"><Value value={log.body} /></div>
      <Attributes attributes={log.attributes} onFilter={(key, value) => link("logs", { [`attr.${key}`]: value, start: "all" })} />
      <details class="section">
        <summary>Resource and scope <span class="faint">{log.scope.name}</span></summary>
        <Attributes attributes={log.resource.attributes} />
      </details>
    </div>
  );
}
