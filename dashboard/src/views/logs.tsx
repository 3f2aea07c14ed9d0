// Logs: the newest on top as they come, searched by words, severity, service and attributes.

import { useState } from "preact/hooks";
import type { Question } from "../api/client";
import { useAnswer, useList } from "../api/hooks";
import { useTick } from "../api/live";
import { plural, short } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Head, Panel } from "../parts/basic";
import { Chart, type Line, steps } from "../parts/chart";
import { Elsewhere } from "../parts/elsewhere";
import { attributeFilters, Chips, Choice, Field, Filters, Search } from "../parts/filters";
import { type Log, LogLine, SEVERITIES, severityOf } from "../parts/logs";
import { intervalOf, RangePicker, useRange } from "../parts/range";
import { More } from "../parts/table";
import type { Address } from "../routing";

const COLOURS: Readonly<Record<string, string>> = { trace: "--hue-9", debug: "--hue-6", info: "--hue-0", warn: "--hue-7", error: "--bad", fatal: "--hue-5" };

export default function Logs({ address: { params } }: { address: Address }) {
  const range = useRange();
  const [following, setFollowing] = useState(true);
  const tick = useTick(following && range.end === undefined, ["log", "dropped"], 1000);
  const question: Question<"/api/logs"> = {
    start: range.start,
    end: range.end,
    service: params.get("service") ?? undefined,
    severity: params.get("severity") ?? undefined,
    event: params.get("event") ?? undefined,
    trace_id: params.get("trace_id") ?? undefined,
    span_id: params.get("span_id") ?? undefined,
    q: params.get("q") ?? undefined,
    ...attributeFilters(params),
    limit: 200,
  };
  const asked = useList("/api/logs", question, tick);
  const filtered = [...params.keys()].some((name) => name !== "start" && name !== "end");
  return (
    <>
      <Head
        title="Logs"
        tools={
          <>
            {range.end === undefined && (
              <button type="button" aria-pressed={following} onClick={() => setFollowing(!following)}>
                {following ? "❚❚ Following" : "▶ Follow"}
              </button>
            )}
            <RangePicker />
            <Curl url={asked.url} />
          </>
        }
      >
        {asked.data && <span class="faint">{plural(asked.data.length, "record")}{asked.more ? ", more follow" : ""}</span>}
      </Head>
      <LogFilters start={range.start} traceId={params.get("trace_id")} />
      <Answered asked={asked} empty={<Elsewhere what="logs" range={range} filtered={filtered} />}>
        {(logs) => (
          <>
            <Panel title={<>Severity of {asked.more ? `the newest ${logs.length}` : "these"}</>}>
              <Histogram logs={logs} />
            </Panel>
            <Panel>
              <div class="logs">
                {logs.map((log) => (
                  <LogLine key={log.id} log={log} />
                ))}
              </div>
              <More more={asked.more} waiting={asked.since !== undefined} />
            </Panel>
          </>
        )}
      </Answered>
    </>
  );
}

function LogFilters({ start, traceId }: { start: string | undefined; traceId: string | null }) {
  // Services are known by their spans; a service that only logs can be typed.
  const services = useAnswer("/api/services", { start });
  return (
    <>
      <Filters>
        <Search label="Search for words and “quoted phrases” in bodies" hint={'Words, "quoted phrases", or attribute=value'} />
        <Choice name="severity" label="Least severity" any="Any severity" options={SEVERITIES.map((name) => [name, `${name} and above`] as const)} />
        <Field name="service" label="Service" options={services.data?.flatMap(({ name }) => (name === null ? [] : [name])) ?? []} />
        <Field name="event" label="Event name" />
        {traceId && <Field name="trace_id" label="Trace id" size={34} />}
      </Filters>
      <Chips />
    </>
  );
}

/** How many of the records that are shown came when, by severity. */
function Histogram({ logs }: { logs: readonly Log[] }) {
  const moments = logs.map((log) => Date.parse(log.time));
  const [from, to] = [Math.min(...moments), Math.max(...moments)];
  const every = Math.max(1000, intervalOf({ start: new Date(from).toISOString(), end: new Date(to).toISOString() }, 80).ms);
  const step = to - from < 3_600_000 ? Math.max(1000, Math.ceil((to - from) / 80 / 1000) * 1000) : every;
  const times = steps(from, to + 1, step);
  const first = (times[0] ?? 0) * 1000;
  const found = [...SEVERITIES, ""].map((severity) => ({ severity, values: times.map(() => 0) }));
  logs.forEach((log, index) => {
    const place = Math.floor(((moments[index] ?? first) - first) / step);
    const values = found.find(({ severity }) => severity === severityOf(log))?.values;
    if (values?.[place] !== undefined) values[place] += 1;
  });
  const lines = stacked(found.filter(({ values }) => values.some((value) => value > 0)));
  return <Chart label="Log records over time by severity" times={times} lines={lines} format={short} height={110} from={from / 1000 - step / 2000} to={(to + step) / 1000} />;
}

/** Bars on top of each other: each line is drawn with what stands below it, the highest first. */
function stacked(found: readonly { readonly severity: string; readonly values: readonly number[] }[]): readonly Line[] {
  let below: readonly number[] = [];
  const lines = found.map(({ severity, values }): Line => {
    below = values.map((value, place) => value + (below[place] ?? 0));
    return { label: severity || "none", values: below, own: values, colour: COLOURS[severity] ?? "--hue-10", kind: "bars" };
  });
  return lines.reverse();
}
