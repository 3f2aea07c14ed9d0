// Users: who uses the agents, how much, and what that costs.

import type { Schemas } from "../api/client";
import { useAnswer } from "../api/hooks";
import { useTick } from "../api/live";
import { NoAgents } from "../agents/nothing";
import { Cost, Missing, missingOf } from "../agents/shown";
import { lineOf, timesOf } from "../agents/series";
import { count, money, plural, short } from "../format";
import { Answered } from "../parts/answered";
import { Bar, Curl, Failures, Head, Panel, When } from "../parts/basic";
import { Chart } from "../parts/chart";
import { RangePicker, useRange } from "../parts/range";
import { type Column, Table } from "../parts/table";
import { type Address, change, link } from "../routing";
import "../agents/agents.css";

type User = Schemas["User"];
const USUAL = "-7d";
const FIRST = 200;
const MOST = 1000; // as many as the API gives
const EVERY = { text: "1d", ms: 86_400_000 }; // users are counted by the day

export default function Users({ address: { params } }: { address: Address }) {
  const range = useRange(USUAL);
  const tick = useTick(range.end === undefined, ["trace", "log"], 5000);
  const shown = Math.min(MOST, Number(params.get("shown")) || FIRST);
  const asked = useAnswer("/api/users", { ...range, limit: shown }, tick);
  const overTime = useAnswer("/api/usage", { ...range, interval: EVERY.text, limit: 1000 }, tick);
  const dearest = Math.max(...(asked.data?.map((user) => user.cost_usd ?? 0) ?? []), 0);
  const around = { start: range.start ?? "all", end: range.end };
  const first = asked.data?.reduce((earliest, user) => (user.first_seen < earliest ? user.first_seen : earliest), "9999");
  const times = first === undefined || first === "9999" ? [] : timesOf(range, first, EVERY);
  const edges = { from: times[0] ?? 0, to: (times.at(-1) ?? 0) + EVERY.ms / 1000 };
  const line = (label: string, colour: string, value: (usage: Schemas["Usage"]) => number | null) => lineOf(overTime.data ?? [], times, { label, colour, kind: "bars" }, value, 0);
  return (
    <>
      <Head title="Users" tools={<><RangePicker usual={USUAL} /><Curl url={asked.url} /></>}>
        {asked.data && <span class="faint">{plural(asked.data.length, "user")}{asked.data.length === shown ? ", the dearest; there may be more" : ""}</span>}
      </Head>
      <Answered asked={asked} empty={<NoAgents what="users" range={range} />}>
        {(users) => (
          <>
            <div class="columns">
              <Panel title="Active users per day" tools={<Curl url={overTime.url} />}>
                <Chart label="Active users over time" times={times} lines={[line("Users", "--hue-6", (usage) => usage.users), line("of them new", "--hue-2", (usage) => usage.new_users)]} format={short} {...edges} />
              </Panel>
              <Panel title="Their cost per day">
                <Chart label="Cost over time" times={times} lines={[line("Cost", "--hue-0", (usage) => usage.cost_usd)]} format={money} {...edges} />
              </Panel>
            </div>
            <Panel>
              <Table label="Users" columns={columnsOf(dearest)} items={users} keyOf={(user) => user.user} hrefOf={(user) => link("sessions", { ...around, user: user.user })} />
              {users.length === shown && shown < MOST && <button type="button" class="more" onClick={() => change({ shown: MOST }, true)}>Show up to {count(MOST)}</button>}
              <Missing told={missingOf(sumsOf(users))} />
            </Panel>
          </>
        )}
      </Answered>
    </>
  );
}

function sumsOf(users: readonly User[]): Parameters<typeof missingOf>[0] {
  const sum = (name: keyof Parameters<typeof missingOf>[0]) => users.reduce((before, user) => before + user[name], 0);
  return { unpriced_calls: sum("unpriced_calls"), calls_without_usage: sum("calls_without_usage"), without_content: sum("without_content"), without_session: sum("without_session") };
}

function columnsOf(dearest: number): readonly Column<User>[] {
  return [
    { name: "user", title: "User", cell: (user) => user.user, value: (user) => user.user, wide: true },
    { name: "cost", title: "Cost", cell: (user) => <><Cost sums={user} /> <Bar part={dearest > 0 ? (user.cost_usd ?? 0) / dearest : 0} /></>, value: (user) => user.cost_usd, numeric: true },
    { name: "sessions", title: "Sessions", cell: (user) => count(user.sessions), value: (user) => user.sessions, numeric: true },
    { name: "turns", title: "Turns", cell: (user) => count(user.turns), value: (user) => user.turns, numeric: true },
    { name: "llm", title: "LLM calls", cell: (user) => count(user.llm_calls), value: (user) => user.llm_calls, numeric: true },
    { name: "tools", title: "Tool calls", cell: (user) => count(user.tool_calls), value: (user) => user.tool_calls, numeric: true },
    { name: "tokens", title: "Tokens", cell: (user) => short(user.total_tokens), value: (user) => user.total_tokens, numeric: true },
    { name: "failed", title: "Failed", cell: (user) => <Failures number={user.errors} />, value: (user) => user.errors, numeric: true },
    { name: "agents", title: "Agents", cell: (user) => <span title={user.agents.join(", ")}>{user.agents.slice(0, 2).join(", ")}{user.agents.length > 2 && <span class="faint"> +{user.agents.length - 2}</span>}</span>, value: (user) => user.agents.join() },
    { name: "last", title: "Active last", cell: (user) => <When at={user.last_seen} relative />, value: (user) => user.last_seen, numeric: true },
  ];
}
