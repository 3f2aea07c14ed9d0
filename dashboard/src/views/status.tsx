// otlpd itself: whether it is well, what it takes in and refuses, what it stores, and what waits.

import { useEffect, useState } from "preact/hooks";
import type { Schemas } from "../api/client";
import { useAnswer } from "../api/hooks";
import { ago, bytes, count, duration, plural, short, time } from "../format";
import { Answered, Refused } from "../parts/answered";
import { Bar, Curl, Failures, Figure, Head, Notice, Panel } from "../parts/basic";
import { type Column, Table } from "../parts/table";

const EVERY_MS = 3000;

interface Row {
  readonly name: string;
  readonly description: string;
  readonly labels: string;
  readonly signal: string | undefined;
  readonly value: number;
  readonly perSecond: number | null;
}

function useEvery(ms: number): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && setTick((before) => before + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return tick;
}

export default function Status() {
  const tick = useEvery(EVERY_MS);
  const health = useAnswer("/health", {}, tick);
  const statistics = useAnswer("/api/stats", {}, tick);
  const measured = useAnswer("/metrics", {}, tick);
  const exporters = useAnswer("/api/exporters", {}, tick);
  return (
    <>
      <Head title="Status" tools={<Curl url={health.url} />}>
        {health.data && <span class={health.data.status === "ok" ? "good" : "bad"}>{health.data.status === "ok" ? "● Ready" : "▲ Not ready"} · {health.data.version}</span>}
      </Head>
      {health.error && <Refused error={health.error} again={health.again} />}
      {health.data?.reason && <Notice kind="bad" title="otlpd cannot take telemetry now">{health.data.reason}</Notice>}
      <Answered asked={statistics}>{(found) => <Held statistics={found} url={statistics.url} />}</Answered>
      <Answered asked={exporters}>
        {(found) => (
          <Panel title="Forwarding" tools={<Curl url={exporters.url} />}>
            {found.length === 0 && <p class="faint">Nothing is forwarded: <code>otlpd serve --forward URL</code> sends all that is stored to another OTLP receiver as well.</p>}
            {found.map((one) => <Exporter key={one.name} exporter={one} />)}
          </Panel>
        )}
      </Answered>
      <Answered asked={measured}>{(found) => <Figures measured={found} url={measured.url} />}</Answered>
    </>
  );
}

type ExporterState = Schemas["Exporter"];
type Queue = readonly [string, ExporterState["queues"][string]];

const QUEUE_COLUMNS: readonly Column<Queue>[] = [
  { name: "queue", title: "What", cell: ([name]) => name, wide: true },
  { name: "sent", title: "Sent", cell: ([, queue]) => count(queue.sent), value: ([, queue]) => queue.sent, numeric: true },
  { name: "pending", title: "Waits", cell: ([, queue]) => <>{count(queue.pending)} <Bar part={queue.pending / Math.max(1, queue.pending + queue.sent)} /></>, value: ([, queue]) => queue.pending, numeric: true },
  { name: "rejected", title: "Rejected", cell: ([, queue]) => <Failures number={queue.rejected} />, value: ([, queue]) => queue.rejected, numeric: true },
  { name: "lost", title: "Expired unsent", cell: ([, queue]) => <Failures number={queue.lost} />, value: ([, queue]) => queue.lost, numeric: true },
];

/** How far the store has come on its way to another receiver. */
function Exporter({ exporter }: { exporter: ExporterState }) {
  const seconds = exporter.next_attempt_seconds;
  const signs: Readonly<Record<ExporterState["state"], string>> = { idle: "● all is sent", sending: "● sending", retrying: `▲ trying again${seconds === null ? "" : ` in ${duration(seconds * 1000)}`}` };
  return (
    <>
      <p class="facts">
        <strong>{exporter.name}</strong> <span class="mono">{exporter.url}</span> <span class="faint">{exporter.protocol}</span>
        <span class={exporter.state === "retrying" ? "bad" : "good"}>{signs[exporter.state]}</span>
        <span class="faint">{plural(exporter.requests, "request")}, {plural(exporter.retries, "retry", "retries")}, last taken {momentOf(exporter.last_success)}</span>
      </p>
      {exporter.last_error !== null && <Notice kind="warn" title={`Last error, ${momentOf(exporter.last_error_time)}`}>{exporter.last_error}</Notice>}
      <Table label={`Progress of ${exporter.name}`} columns={QUEUE_COLUMNS} items={Object.entries(exporter.queues)} keyOf={([name]) => name} />
    </>
  );
}

/** Seconds since 1970. */
function momentOf(seconds: number | null): string {
  return seconds === null ? "never" : ago(new Date(seconds * 1000).toISOString());
}

function Held({ statistics, url }: { statistics: Schemas["Statistics"]; url: string | undefined }) {
  const commit = statistics.commits ? (statistics.commit_seconds / statistics.commits) * 1000 : null;
  return (
    <Panel title="Stored" tools={<Curl url={url} />}>
    <div class="figures">
      <Figure label="Spans" value={short(statistics.spans)} note={`${short(statistics.traces)} traces`} />
      <Figure label="Log records" value={short(statistics.logs)} />
      <Figure label="Metric points" value={short(statistics.metric_points)} />
      <Figure label="Database" value={bytes(statistics.size_bytes)} note={`${bytes(statistics.wal_bytes)} write-ahead log`} />
      <Figure label="Waiting" value={`${count(statistics.queue_rows)} rows`} note={bytes(statistics.queue_bytes)} />
      <Figure label="Commit" value={duration(commit)} note={`on average, ${short(statistics.commits)} so far`} />
    </div>
    </Panel>
  );
}

/** The figures of two moments make a rate. */
function Figures({ measured, url }: { measured: Schemas["Measurements"]; url: string | undefined }) {
  const [pair, setPair] = useState<readonly [{ at: number; measured: Schemas["Measurements"] } | undefined, { at: number; measured: Schemas["Measurements"] } | undefined]>([undefined, undefined]);
  useEffect(() => setPair(([, before]) => [before, { at: performance.now(), measured }]), [measured]);
  const [before, now] = pair;
  const rows = Object.entries(measured.metrics).flatMap(([name, { description, samples }]) =>
    samples.map(({ labels, value }): Row => {
      const text = Object.entries(labels).map(([label, one]) => `${label}=${one}`).join(", ");
      const old = before?.measured.metrics[name]?.samples.find((sample) => JSON.stringify(sample.labels) === JSON.stringify(labels));
      const seconds = before && now ? (now.at - before.at) / 1000 : 0;
      return { name, description, labels: text, signal: labels.signal, value, perSecond: name.endsWith("_total") && old && seconds > 0.5 ? (value - old.value) / seconds : null };
    }),
  );
  const byPath = rows.filter((row) => row.signal !== undefined && row.name.startsWith("otlpd_receiver_"));
  const others = rows.filter((row) => !byPath.includes(row));
  const groups = Map.groupBy(others, (row): string => (/export/.test(row.name) ? "Exporter" : /^otlpd_stored?_/.test(row.name) ? "Store" : "Program"));
  const columns: readonly Column<Row>[] = [
    { name: "name", title: "Figure", cell: (row) => <span title={row.description}>{wordsOf(row.name)}</span>, value: (row) => row.name },
    { name: "labels", title: "Of", cell: (row) => row.labels || "–", value: (row) => row.labels, wide: true },
    { name: "value", title: "Value", cell: valueOf, value: (row) => row.value, numeric: true },
    { name: "rate", title: "Per second", cell: (row) => (row.perSecond === null ? "" : short(row.perSecond)), value: (row) => row.perSecond, numeric: true },
  ];
  return (
    <>
      <Panel title="Received" tools={<Curl url={url} />}>
        <Received rows={byPath} />
      </Panel>
      <div class="columns">
        {[...groups].sort(([a], [b]) => (a < b ? 1 : -1)).map(([title, found]) => (
          <Panel key={title} title={title}>
            <Table label={title} columns={columns} items={found} keyOf={(row) => `${row.name} ${row.labels}`} />
          </Panel>
        ))}
      </div>
    </>
  );
}

function wordsOf(name: string): string {
  return name.replace(/^otlpd_/, "").replace(/_total$/, "").replaceAll("_", " ");
}

function valueOf(row: Row): string {
  if (row.name.endsWith("bytes")) return bytes(row.value);
  if (row.name.endsWith("start_time_seconds")) return time(new Date(row.value * 1000).toISOString(), false);
  return Number.isInteger(row.value) ? count(row.value) : row.value.toPrecision(4);
}

/** A line for each way in, a column for each figure. */
function Received({ rows }: { rows: readonly Row[] }) {
  const names = [...new Set(rows.map((row) => row.name))];
  const ways = [...Map.groupBy(rows, (row) => row.labels)];
  const refused = (name: string) => /rejected|refused|dropped|failed/.test(name);
  const columns: readonly Column<(typeof ways)[number]>[] = [
    { name: "way", title: "Signal and transport", cell: ([labels]) => labels.replaceAll(/\w+=/g, ""), wide: true },
    ...names.map((name): Column<(typeof ways)[number]> => {
      const of = (found: readonly Row[]) => found.find((row) => row.name === name);
      return {
        name,
        title: wordsOf(name).replace(/^receiver /, ""),
        cell: ([, found]) => {
          const row = of(found);
          if (!row) return "–";
          const text = name.includes("bytes") ? bytes(row.value) : count(row.value);
          return <span class={refused(name) && row.value > 0 ? "bad" : ""} title={row.description}>{refused(name) && row.value > 0 && "▲ "}{text}{row.perSecond ? <span class="faint"> {short(row.perSecond)}/s</span> : null}</span>;
        },
        value: ([, found]) => of(found)?.value ?? null,
        numeric: true,
      };
    }),
  ];
  return <Table label="What was received" columns={columns} items={ways} keyOf={([labels]) => labels} />;
}
