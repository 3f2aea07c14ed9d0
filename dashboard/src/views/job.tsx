// One run of a job: how it ended, what it did, where it came from, and the way to its trace.

import { urlOf } from "../api/client";
import { useUrl } from "../api/hooks";
import { useTick } from "../api/live";
import { count, duration, plural } from "../format";
import { lengthOf, type Run } from "../jobs/run";
import { RunStatus } from "../jobs/status";
import { Answered } from "../parts/answered";
import { Curl, Figure, Head, Notice, Panel, When } from "../parts/basic";
import { Attributes, Value } from "../parts/values";
import { type Address, link } from "../routing";
import type { Schemas } from "../api/client";

/** What stands in figures of its own. */
const ELSEWHERE = new Set(["job_type", "status", "duration_ms", "items_discovered", "items_succeeded", "items_failed", "items_skipped", "error_summary", "error_details", "metrics_json", "context_json", "commit_url", "repo_url"]);

export default function Job({ address: { path } }: { address: Address }) {
  const id = path[1] ?? "";
  const tick = useTick(true, ["log"], 3000);
  const asked = useUrl<Run>(`/api/v1/runs/${encodeURIComponent(id)}`, tick);
  const spans = useUrl<readonly Schemas["Span"][]>(asked.data && urlOf("/api/spans", { "attr.telemetry.event_id": id, limit: 1 }), tick);
  const span = spans.data?.[0];
  return (
    <>
      <Head title={<><a href={link("jobs")} class="faint">Jobs /</a> {asked.data?.job_type ?? id}</>} tools={<><Curl url={asked.url} /><Curl url={spans.url} what="its span" /></>}>
        {asked.data && <RunStatus run={asked.data} />}
        {span && <a href={link(["traces", span.trace_id], { span: span.span_id })}>Its trace</a>}
        {asked.data && !span && spans.data && <span class="faint" title="A run becomes a span when its end is told">no span before its end</span>}
      </Head>
      <Answered asked={asked}>{(run) => <Whole run={run} />}</Answered>
    </>
  );
}

function Whole({ run }: { run: Run }) {
  const told = Object.fromEntries(Object.entries(run).filter(([name, value]) => !ELSEWHERE.has(name) && value !== null && value !== 0 && value !== false));
  return (
    <>
      <div class="figures">
        <Figure label="Duration" value={duration(lengthOf(run))} note={<When at={run.start_time} />} />
        <Figure label="Items done" value={count(run.items_succeeded)} note={`of ${plural(run.items_discovered, "item")} found`} />
        <Figure label="Items failed" value={<span class={run.items_failed ? "bad" : ""}>{run.items_failed > 0 && "▲ "}{count(run.items_failed)}</span>} note={`${count(run.items_skipped)} skipped`} />
        <Figure label="Program" value={run.agent_name} note={[run.host, run.environment].filter(Boolean).join(", ")} href={link("jobs", { start: "all", agent_name: run.agent_name })} />
        {run.commit_url !== null && <Figure label="Commit" value={<a href={run.commit_url} rel="noreferrer">{run.git_commit_hash?.slice(0, 10)}</a>} note={run.repo_url?.replace(/^https:\/\//, "") ?? ""} />}
      </div>
      {(run.error_summary ?? run.error_details) !== null && <Notice kind="bad" title={`Failed: ${run.error_summary ?? run.status}`}>{run.error_details && <span class="pre">{run.error_details}</span>}</Notice>}
      <div class="columns">
        <Panel title="What was told of it">
          <Attributes attributes={told} />
        </Panel>
        {run.metrics_json !== null && <Panel title="Its metrics"><Value value={run.metrics_json} /></Panel>}
        {run.context_json !== null && <Panel title="Its context"><Value value={run.context_json} /></Panel>}
      </div>
    </>
  );
}
