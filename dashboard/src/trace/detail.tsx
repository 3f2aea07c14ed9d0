// One span whole: what it was, what it carried, what happened in it, what was logged meanwhile.

import type { Schemas } from "../api/client";
import { count, duration, money, percent } from "../format";
import { Attributes } from "../parts/values";
import { Copy, Curl, Notice, ServiceName, Status, When } from "../parts/basic";
import { LogLine } from "../parts/logs";
import { link } from "../routing";
import type { Node, Tree } from "./model";

export function Detail({ node, tree, onChoose, onClose }: { node: Node; tree: Tree; onChoose: (id: string) => void; onClose: () => void }) {
  const { span } = node;
  const logs = tree.trace.logs.filter((log) => log.span_id === span.span_id);
  return (
    <aside class="detail" aria-label={`Span ${span.name}`}>
      <header>
        <h2>{span.name}</h2>
        <button type="button" class="quiet small" onClick={onClose} aria-label="Close the span">
          ✕
        </button>
      </header>
      <p class="facts">
        <ServiceName name={span.service} /> <Status code={span.status.code} /> <span class="badge">{span.kind}</span>
      </p>
      {span.status.message && <Notice kind={span.status.code === "error" ? "bad" : "note"}>{span.status.message}</Notice>}
      {node.orphan && <Notice kind="warn">Its parent {span.parent_span_id} has not been received: it was not sampled, is still running, or was sent elsewhere.</Notice>}
      <Facts node={node} tree={tree} onChoose={onChoose} />
      <Section title="Attributes" number={Object.keys(span.attributes).length} dropped={span.dropped_attributes_count} open>
        <Attributes attributes={span.attributes} onFilter={(key, value) => link("traces", { [`attr.${key}`]: value, start: "all" })} />
      </Section>
      <Section title="Events" number={span.events.length} dropped={span.dropped_events_count} open>
        <Events node={node} />
      </Section>
      <Section title="Logs of this span" number={logs.length} open>
        {logs.map((log) => (
          <LogLine key={log.id} log={log} here />
        ))}
      </Section>
      <Section title="Links" number={span.links.length} dropped={span.dropped_links_count} open>
        <Links links={span.links} />
      </Section>
      <Section title="Resource" number={Object.keys(span.resource.attributes).length} dropped={span.resource.dropped_attributes_count}>
        <Attributes attributes={span.resource.attributes} onFilter={(key, value) => link("traces", { [`attr.${key}`]: value, start: "all" })} />
      </Section>
      <Section title={`Scope ${span.scope.name ?? ""} ${span.scope.version ?? ""}`} number={Object.keys(span.scope.attributes).length} dropped={span.scope.dropped_attributes_count}>
        <Attributes attributes={span.scope.attributes} />
      </Section>
    </aside>
  );
}

function Facts({ node, tree, onChoose }: { node: Node; tree: Tree; onChoose: (id: string) => void }) {
  const { span, usage } = node;
  const critical = node.critical.reduce((sum, [from, to]) => sum + to - from, 0);
  const around = { trace_id: span.trace_id };
  return (
    <>
      <dl class="facts-list">
        <div><dt>Start</dt><dd><When at={span.start_time} /> <span class="faint">+{duration(node.start)}</span></dd></div>
        <div><dt>Duration</dt><dd>{duration(span.duration_ms)} <span class="faint">{percent(span.duration_ms / tree.length)} of the trace</span></dd></div>
        <div><dt>By itself</dt><dd>{duration(node.self)}</dd></div>
        <div><dt>Critical path</dt><dd>{critical > 0 ? duration(critical) : "not on it"}</dd></div>
        {node.below > 0 && <div><dt>Below</dt><dd>{count(node.below)} spans{node.failedBelow > 0 && <span class="bad">, ▲ {node.failedBelow} failed</span>}</dd></div>}
        {usage && <div><dt>{node.children.length ? "Tokens, with all below" : "Tokens"}</dt><dd>{count(usage.input)} in, {count(usage.output)} out{usage.cost !== null && `, ${money(usage.cost)}`}</dd></div>}
        {node.parent && <div><dt>Parent</dt><dd><button type="button" class="link" onClick={() => node.parent && onChoose(node.parent.span.span_id)}>{node.parent.span.name}</button></dd></div>}
        <div><dt>Ids</dt><dd class="mono">{span.span_id}{span.trace_state && ` · ${span.trace_state}`}</dd></div>
      </dl>
      <div class="tools">
        <Copy text={span.span_id} label="Copy id" />
        <Copy text={() => JSON.stringify(span, null, 2)} label="Copy JSON" />
        <Curl url={`/api/spans?trace_id=${span.trace_id}&operation=${encodeURIComponent(span.name)}`} />
        <a class="small" href={link("logs", { ...around, start: "all" })}>Logs of the trace</a>
        <a class="small" href={link("traces", { service: span.service, operation: span.name })}>Others like it</a>
      </div>
    </>
  );
}

function Section({ title, number, dropped = 0, open = false, children }: { title: string; number: number; dropped?: number; open?: boolean; children: preact.ComponentChildren }) {
  if (number === 0 && dropped === 0) return null;
  return (
    <details class="section" open={open}>
      <summary>
        {title} <span class="faint">{number}</span>
        {dropped > 0 && <span class="warn"> · {count(dropped)} dropped by the sender</span>}
      </summary>
      {children}
    </details>
  );
}

function Events({ node }: { node: Node }) {
  const start = Date.parse(node.span.start_time);
  return (
    <ul class="events">
      {node.span.events.map((event, place) => (
        <li key={place}>
          <div>
            <strong class={event.name === "exception" ? "bad" : ""}>{event.name === "exception" && "▲ "}{event.name}</strong>{" "}
            <span class="faint" title={event.time}>+{duration(Math.max(0, Date.parse(event.time) - start))}</span>
          </div>
          {Object.keys(event.attributes).length > 0 && <Attributes attributes={event.attributes} />}
        </li>
      ))}
    </ul>
  );
}

function Links({ links }: { links: readonly Schemas["SpanLink"][] }) {
  return (
    <ul class="events">
      {links.map((one, place) => (
        <li key={place}>
          <a class="mono" href={link(["traces", one.trace_id], { span: one.span_id })}>
            {one.trace_id} / {one.span_id}
          </a>
          {Object.keys(one.attributes).length > 0 && <Attributes attributes={one.attributes} />}
        </li>
      ))}
    </ul>
  );
}
