// Sessions: conversations, newest or dearest first; and the search for something that was said.

import { useState } from "preact/hooks";
import type { Schemas } from "../api/client";
import { useAnswer, useList } from "../api/hooks";
import { useTick } from "../api/live";
import { NoAgents } from "../agents/nothing";
import { AgentName, Cost } from "../agents/shown";
import { count, duration, plural, short } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Failures, Head, Panel, When } from "../parts/basic";
import { Choice, Field, Filters, Search } from "../parts/filters";
import { type Range, RangePicker, useRange } from "../parts/range";
import { type Column, More, Table } from "../parts/table";
import { type Address, link } from "../routing";
import "../agents/agents.css";

type Session = Schemas["Session"];
const USUAL = "-7d";

export default function Sessions({ address: { params } }: { address: Address }) {
  const range = useRange(USUAL);
  const tick = useTick(range.end === undefined, ["trace", "log"], 3000);
  const filters = Object.fromEntries(["agent", "user", "status", "min_cost", "order"].map((name) => [name, params.get(name) ?? undefined]));
  const asked = useList("/api/sessions", { ...range, ...filters, limit: 100 }, tick);
  const q = params.get("q");
  const agents = useAnswer("/api/agents", { ...range, limit: 200 });
  const [choosing, setChoosing] = useState(false); // sums of all users are asked for only by whom it helps
  const users = useAnswer("/api/users", choosing ? { ...range, limit: 200 } : undefined);
  return (
    <>
      <Head title="Sessions" tools={<><RangePicker usual={USUAL} /><Curl url={asked.url} /></>}>
        {asked.data && <span class="faint">{plural(asked.data.length, "session")}{asked.more ? ", more follow" : ""}</span>}
      </Head>
      <Filters>
        <Search label="Search in prompts, answers, arguments and results" hint="Search what was said" />
        <Choice name="agent" label="Agent" any="Any agent" options={agents.data?.map(({ name }) => name) ?? []} />
        <Field name="user" label="User" options={users.data?.map(({ user }) => user) ?? []} size={14} onFocus={() => setChoosing(true)} />
        <Choice name="status" label="Status" any="Any status" options={[["error", "With failures"], ["ok", "Without failure"]]} />
        <Field name="min_cost" label="min $" size={6} numeric />
        <Choice name="order" label="Order" any="Active last first" options={[["cost", "Dearest first"]]} />
      </Filters>
      {q && <Found q={q} range={range} agent={filters.agent} user={filters.user} />}
      <Answered asked={asked} empty={<NoAgents what="sessions" range={range} filtered={Object.values(filters).some((value) => value !== undefined)} />}>
        {(sessions) => (
          <Panel>
            <Table label="Sessions" columns={COLUMNS} items={sessions} keyOf={(session) => session.session_id} hrefOf={(session) => link(["sessions", session.session_id])} />
            <More more={asked.more} waiting={asked.since !== undefined} />
          </Panel>
        )}
      </Answered>
    </>
  );
}

const COLUMNS: readonly Column<Session>[] = [
  { name: "session", title: "Session", cell: (session) => <Name session={session} />, wide: true },
  { name: "agents", title: "Agents", cell: (session) => <Names session={session} /> },
  { name: "user", title: "User", cell: (session) => session.user ?? <span class="faint">–</span> },
  { name: "last", title: "Active last", cell: (session) => <When at={session.last_time} relative />, numeric: true },
  { name: "length", title: "Length", cell: (session) => duration(session.duration_ms), numeric: true },
  { name: "turns", title: "Turns", cell: (session) => count(session.turns), numeric: true },
  { name: "llm", title: "LLM calls", cell: (session) => count(session.llm_calls), numeric: true },
  { name: "tools", title: "Tool calls", cell: (session) => count(session.tool_calls), numeric: true },
  { name: "failed", title: "Failed", cell: (session) => <Failures number={session.errors} />, numeric: true },
  { name: "tokens", title: "Tokens", cell: (session) => short(session.total_tokens), numeric: true },
  { name: "cost", title: "Cost", cell: (session) => <Cost sums={session} />, numeric: true },
];

function Name({ session }: { session: Session }) {
  return (
    <>
      <span class="mono">{session.session_id}</span>{" "}
      {session.inferred && <span class="badge" title="Nothing named a session: this is one trace by itself">one trace</span>}
    </>
  );
}

function Names({ session }: { session: Session }) {
  return (
    <span title={session.agents.join(", ")}>
      <AgentName name={session.agent} />
      {session.agents.length > 1 && <span class="faint"> +{session.agents.length - 1}</span>}
    </span>
  );
}

const HIT_COLUMNS: readonly Column<Schemas["SearchHit"]>[] = [
  { name: "snippet", title: "What was said", cell: (hit) => hit.snippet, wide: true },
  { name: "where", title: "Where", cell: (hit) => `${hit.part.role ?? hit.part.direction} · ${hit.fact.tool_name ?? hit.fact.model ?? hit.fact.name}` },
  { name: "agent", title: "Agent", cell: (hit) => <AgentName name={hit.fact.agent} /> },
  { name: "time", title: "Time", cell: (hit) => <When at={hit.fact.time} />, numeric: true },
];

function Found({ q, range, agent, user }: { q: string; range: Range; agent: string | undefined; user: string | undefined }) {
  const asked = useAnswer("/api/search", { q, ...range, agent, user, limit: 20 });
  const hrefOf = ({ fact }: Schemas["SearchHit"]) => (fact.session_id === null ? undefined : link(["sessions", fact.session_id], { at: fact.id }));
  return (
    <Panel title={`Where “${q}” was said`} tools={<Curl url={asked.url} />}>
      <Answered asked={asked} empty={<p class="faint">Nowhere in the text that is known. What senders did not record cannot be found.</p>}>
        {(hits) => <Table label="Where it was said" columns={HIT_COLUMNS} items={hits} keyOf={({ fact, part }) => `${fact.id} ${part.direction} ${part.message} ${part.part}`} hrefOf={hrefOf} />}
      </Answered>
    </Panel>
  );
}
