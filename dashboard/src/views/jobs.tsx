// Jobs: how each kind fares and how long it takes, then run by run.

import { useMemo } from "preact/hooks";
import { type AnyQuestion, urlOf } from "../api/client";
import { useUrl } from "../api/hooks";
import { useTick } from "../api/live";
import { count, duration, plural } from "../format";
import { hasFailed, type Known, lengthOf, quantile, type Run } from "../jobs/run";
import { RunStatus } from "../jobs/status";
import { Answered } from "../parts/answered";
import { Curl, Failures, Head, Notice, Panel, ServiceName, When } from "../parts/basic";
import { Choice, Filters } from "../parts/filters";
import { RangePicker, toMilliseconds, useRange } from "../parts/range";
import { Spark } from "../parts/spark";
import { type Column, Table } from "../parts/table";
import { type Address, change, link } from "../routing";

const USUAL = "-7d";
const PAGE = 200;
const MOST = 1000;
const MOST_POINTS = 60;
const FILTERS = ["agent_name", "job_type", "status"] as const;
const STATUSES = ["running", "success", "failure", "partial", "timeout", "cancelled"];

export default function Jobs({ address: { params } }: { address: Address }) {
  const range = useRange(USUAL);
  const tick = useTick(range.end === undefined, ["trace", "log"], 5000);
  const filters = Object.fromEntries(FILTERS.map((name) => [name, params.get(name) ?? undefined]));
  const shown = Math.min(MOST, Number(params.get("shown")) || PAGE);
  // Full minutes, so that the question is the same one for a while.
  const minute = (text: string | undefined) => (text === undefined ? undefined : new Date(Math.floor(toMilliseconds(text) / 60_000) * 60_000).toISOString());
  const question: AnyQuestion = { ...filters, start_time_from: minute(range.start), start_time_to: minute(range.end), limit: shown };
  const asked = useUrl<readonly Run[]>(urlOf("/api/v1/runs", question), tick);
  const known = useUrl<Known>("/api/v1/metadata");
  const filtered = Object.values(filters).some((value) => value !== undefined);
  return (
    <>
      <Head title="Jobs" tools={<><RangePicker usual={USUAL} /><Curl url={asked.url} /></>}>
        {asked.data && <span class="faint">{plural(asked.data.length, "run")}{asked.data.length === shown ? ", more may follow" : ""}</span>}
      </Head>
      <Filters>
        <Choice name="agent_name" label="Program" any="Any program" options={known.data?.agent_names ?? []} />
        <Choice name="job_type" label="Job" any="Any job" options={known.data?.job_types ?? []} />
        <Choice name="status" label="Status" any="Any status" options={STATUSES} />
      </Filters>
      <Answered asked={asked} empty={<NoRuns filtered={filtered} bounded={range.start !== undefined} />}>
        {(runs) => (
          <>
            <Panel title={`By job${runs.length === shown ? `, of the newest ${count(shown)} runs` : ""}`}>
              <ByJob runs={runs} around={{ start: params.get("start") ?? USUAL, end: params.get("end") }} />
            </Panel>
            <Panel title="Runs">
              <Table label="Runs of jobs" columns={COLUMNS} items={runs} keyOf={(run) => run.event_id} hrefOf={(run) => link(["jobs", run.event_id])} sorted="start" />
              {runs.length === shown && shown < MOST && <button type="button" class="more" onClick={() => change({ shown: Math.min(MOST, shown * 2) }, true)}>Show more</button>}
              {runs.length === MOST && <p class="faint">Older runs: choose an earlier range of time.</p>}
            </Panel>
          </>
        )}
      </Answered>
    </>
  );
}

function NoRuns({ filtered, bounded }: { filtered: boolean; bounded: boolean }) {
  return (
    <Notice title={filtered ? "No runs fit" : `No runs of jobs${bounded ? " in this range" : ""}`}>
      {bounded && <p><button type="button" class="link" onClick={() => change({ start: "all", end: null })}>Look at all time</button></p>}
      {!filtered && <p>Batch jobs tell of their runs by <code>POST {location.origin}/api/v1/runs</code>: event_id, run_id, agent_name, job_type, start_time, status.</p>}
    </Notice>
  );
}

interface Kind {
  readonly agent: string;
  readonly job: string;
  readonly runs: readonly Run[];
  readonly failed: number;
  readonly p50: number | null;
  readonly p95: number | null;
}

function kindsOf(runs: readonly Run[]): readonly Kind[] {
  return [...Map.groupBy(runs, (run) => `${run.agent_name}\n${run.job_type}`).values()].map((own) => {
    const lengths = own.flatMap((run) => lengthOf(run) ?? []);
    const [first] = own as [Run];
    return { agent: first.agent_name, job: first.job_type, runs: own, failed: own.filter(hasFailed).length, p50: quantile(lengths, 0.5), p95: quantile(lengths, 0.95) };
  });
}

function ByJob({ runs, around }: { runs: readonly Run[]; around: { start: string; end: string | null } }) {
  const kinds = useMemo(() => kindsOf(runs), [runs]);
  const columns: readonly Column<Kind>[] = [
    { name: "job", title: "Job", cell: (kind) => kind.job, value: (kind) => kind.job, wide: true },
    { name: "agent", title: "Program", cell: (kind) => <ServiceName name={kind.agent} />, value: (kind) => kind.agent },
    { name: "runs", title: "Runs", cell: (kind) => count(kind.runs.length), value: (kind) => kind.runs.length, numeric: true },
    { name: "failed", title: "Failed", cell: (kind) => <Failures number={kind.failed} of={kind.runs.length} />, value: (kind) => kind.failed / kind.runs.length, numeric: true },
    { name: "p50", title: "p50", cell: (kind) => duration(kind.p50), value: (kind) => kind.p50, numeric: true },
    { name: "p95", title: "p95", cell: (kind) => duration(kind.p95), value: (kind) => kind.p95, numeric: true },
    { name: "course", title: "Durations, oldest first", cell: (kind) => <Spark points={pointsOf(kind.runs)} />, numeric: true },
    { name: "last", title: "Last", cell: (kind) => <When at={kind.runs[0]?.start_time ?? null} relative />, value: (kind) => kind.runs[0]?.start_time ?? null, numeric: true },
    { name: "latency", title: <span class="hidden">Latency</span>, cell: (kind) => <a class="small" href={link("latency", { ...around, service: kind.agent, operation: kind.job })} aria-label={`Latency of ${kind.job}`}>Latency</a> },
  ];
  return <Table label="Jobs" columns={columns} items={kinds} keyOf={(kind) => `${kind.agent}\n${kind.job}`} hrefOf={(kind) => link("jobs", { ...around, agent_name: kind.agent, job_type: kind.job })} sorted="runs" />;
}

function pointsOf(runs: readonly Run[]) {
  return runs.slice(0, MOST_POINTS).toReversed().map((run) => ({ value: lengthOf(run), marked: hasFailed(run) }));
}

const COLUMNS: readonly Column<Run>[] = [
  { name: "job", title: "Job", cell: (run) => run.job_type, value: (run) => run.job_type, wide: true },
  { name: "status", title: "Status", cell: (run) => <RunStatus run={run} />, value: (run) => run.status },
  { name: "agent", title: "Program", cell: (run) => <ServiceName name={run.agent_name} />, value: (run) => run.agent_name },
  { name: "start", title: "Start", cell: (run) => <When at={run.start_time} />, value: (run) => run.start_time, numeric: true },
  { name: "duration", title: "Duration", cell: (run) => duration(lengthOf(run)), value: lengthOf, numeric: true },
  { name: "items", title: "Items done", cell: (run) => (run.items_discovered || run.items_succeeded ? `${count(run.items_succeeded)} of ${count(Math.max(run.items_discovered, run.items_succeeded))}` : <span class="faint">–</span>), value: (run) => run.items_succeeded, numeric: true },
  { name: "failed", title: "Items failed", cell: (run) => <Failures number={run.items_failed} />, value: (run) => run.items_failed, numeric: true },
  { name: "error", title: "Error", cell: (run) => run.error_summary ?? "", wide: true },
];
