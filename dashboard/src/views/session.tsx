// One session as it happened: user, agent, model, tools, with what was said, what it cost and how long it took.

import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Schemas } from "../api/client";
import { Repeated, SaidAll } from "../agents/content";
import { conversation, isTalk, type Turn } from "../agents/conversation";
import { useTick } from "../api/live";
import { useSession } from "../agents/pages";
import { AgentName, Cost, type Fact, FactCost, FactStatus, FactTokens, Missing, ToTrace } from "../agents/shown";
import { count, duration, money, plural, short } from "../format";
import { Answered } from "../parts/answered";
import { Curl, Figure, Head, Panel, Tabs, When } from "../parts/basic";
import { More } from "../parts/table";
import { type Address, change, link } from "../routing";
import "../agents/agents.css";

type Session = Schemas["SessionDetail"];

export default function SessionView({ address: { path, params } }: { address: Address }) {
  const id = path[1] ?? "";
  const tick = useTick(true, ["trace", "log"], 2000);
  const asked = useSession(id, tick);
  const at = params.get("at");
  // What a link leads to may be on a later page.
  const further = at !== null && asked.data !== undefined && asked.since === undefined && !asked.error && !asked.data.facts.some((fact) => fact.id === at) ? asked.more : undefined;
  useEffect(() => further?.(), [further === undefined, asked.data?.facts.length]);
  return (
    <>
      <Head title={<><a href={link("sessions")} class="faint">Sessions /</a> <span class="mono">{id}</span></>} tools={<Curl url={asked.url} />}>
        {asked.data && <Who session={asked.data} />}
      </Head>
      <Answered asked={asked}>
        {(session) => (
          <>
            <Figures session={session} />
            <Missing told={missing(session)} />
            <Talk session={session} all={params.get("show") === "all"} at={at} more={asked.more !== undefined} />
            <More more={asked.more} waiting={asked.since !== undefined} />
          </>
        )}
      </Answered>
    </>
  );
}

function Who({ session }: { session: Session }) {
  return (
    <span class="faint">
      <When at={session.start_time} /> · {session.agents.map((name, place) => <span key={name}>{place > 0 && ", "}<a class="told" href={link(["agents", name])}>{name}</a></span>)}
      {session.users.length > 0 && ` · ${session.users.join(", ")}`}
    </span>
  );
}

function Figures({ session }: { session: Session }) {
  return (
    <div class="figures">
      <Figure label="Length" value={duration(session.duration_ms)} note={`${plural(session.turns, "turn")}, ${plural(session.traces, "trace")}`} />
      <Figure label="LLM calls" value={count(session.llm_calls)} note={`in ${plural(session.runs, "run")}`} />
      <Figure label="Tool calls" value={count(session.tool_calls)} />
      <Figure label="Failures" value={<span class={session.errors ? "bad" : ""}>{session.errors > 0 && "▲ "}{count(session.errors)}</span>} />
      <Figure label="Tokens" value={short(session.total_tokens)} note={`${short(session.input_tokens)} in, ${short(session.output_tokens)} out`} />
      <Figure label="Cost" value={<Cost sums={session} />} note={`${money(session.reported_cost_usd)} reported, ${money(session.computed_cost_usd)} worked out`} />
    </div>
  );
}

function missing(session: Session): readonly (string | false)[] {
  const silent = session.facts.filter((fact) => (fact.fact === "llm_call" || fact.fact === "tool_call") && !fact.has_content).length;
  const untold = session.facts.filter((fact) => fact.fact === "llm_call" && fact.input_tokens === null && fact.output_tokens === null).length;
  return [
    session.inferred && "nothing names a session here, so this is one trace by itself",
    session.unpriced_calls > 0 && `${plural(session.unpriced_calls, "model call")} without a known price (not in the cost)`,
    untold > 0 && `${plural(untold, "model call")} that told no tokens`,
    silent > 0 && `the text of ${plural(silent, "call")}, which the sender did not record`,
  ];
}

function Talk({ session, all, at, more }: { session: Session; all: boolean; at: string | null; more: boolean }) {
  const shown = useMemo(() => conversation(session, session.facts, (fact) => all || isTalk(fact) || fact.id === at), [session, all, at]);
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const wanted = at === null ? null : (list.current?.querySelector<HTMLElement>(`#fact-${CSS.escape(at)}`) ?? null);
    wanted?.scrollIntoView({ block: "center" });
    wanted?.querySelector<HTMLElement>("[data-row]")?.focus({ preventScroll: true });
  }, [at, shown.some(({ fact }) => fact.id === at)]);
  const tabs = [["talk", "Conversation"], ["all", "With steps and events"]] as const;
  const hidden = session.facts.length - shown.length;
  return (
    <Panel
      title="What happened"
      tools={<>{hidden > 0 && <span class="faint">{plural(hidden, "step or event", "steps and events")} not shown</span>}<Tabs label="What is shown" tabs={tabs} chosen={all ? "all" : "talk"} onChoose={(tab) => change({ show: tab === "all" ? "all" : null }, true)} /></>}
    >
      {shown.length === 0 && <p class="faint">{hidden > 0 ? "Nobody spoke in this session: only steps and events were told." : "Nothing was told of it but its sums."}</p>}
      <ol class="talk" ref={list}>
        {shown.map((turn) => (
          <Step key={turn.fact.id} turn={turn} here={turn.fact.id === at} />
        ))}
      </ol>
      {more && <p class="faint">More follows.</p>}
    </Panel>
  );
}

const WHO: Readonly<Record<string, readonly [string, string]>> = {
  user_turn: ["●", "User"],
  agent_run: ["◆", "Agent"],
  llm_call: ["✦", "LLM"],
  tool_call: ["⚙", "Tool"],
  step: ["›", "Step"],
  event: ["·", "Event"],
};

function nameOf(fact: Fact): string {
  const names: Readonly<Record<string, string | null>> = { user_turn: fact.user ?? "", agent_run: fact.agent, llm_call: fact.model, tool_call: fact.tool_name };
  return names[fact.fact] ?? fact.name;
}

function Step({ turn: { fact, depth, offset, fresh, repeated }, here }: { turn: Turn; here: boolean }) {
  const [sign, who] = WHO[fact.fact] ?? ["·", fact.fact];
  return (
    <li id={`fact-${fact.id}`} class={`step ${fact.fact} ${here ? "here" : ""}`} style={{ marginLeft: `${depth * 22}px` }}>
      <header>
        <a class="what" data-row href={pageOf(fact)} aria-label={`${who} ${nameOf(fact)}`}>
          <span aria-hidden="true" class="sign">{sign}</span> <strong>{who}</strong> {nameOf(fact)}
        </a>
        {fact.fact !== "agent_run" && fact.agent !== null && fact.fact !== "user_turn" && <AgentName name={fact.agent} />}
        {fact.status !== "ok" && <FactStatus status={fact.status} />}
        {!fact.counted && <span class="badge" title="It repeats another record of the same event, and is in no sum">not counted</span>}
        {fact.decision !== null && <span class="badge">decision: {fact.decision}</span>}
        <span class="figures-of">
          {fact.fact === "llm_call" && <FactTokens fact={fact} />}
          {fact.fact === "agent_run" && fact.run_llm_calls !== null && <span>{plural(fact.run_llm_calls, "LLM call")}, {plural(fact.run_tool_calls ?? 0, "tool call")}</span>}
          <FactCost fact={fact} />
          <span title="How long it took">{duration(fact.duration_ms)}</span>
          <span class="faint" title={fact.time}>+{duration(offset)}</span>
          <ToTrace fact={fact} />
        </span>
      </header>
      {(fact.error_type !== null || fact.error_message !== null) && (
        <p class="bad failure"><span aria-hidden="true">▲ </span>{[fact.error_type, fact.error_message].filter(Boolean).join(": ")}</p>
      )}
      <Repeated parts={repeated} />
      <SaidAll parts={fresh} />
      {isDetailed(fact) && !fact.has_content && <p class="faint silent">The sender did not record what was said.</p>}
    </li>
  );
}

function pageOf(fact: Fact): string {
  if (!isDetailed(fact)) return link(["sessions", fact.session_id ?? ""], { at: fact.id });
  return link([fact.fact === "tool_call" ? "tools" : "llm-calls", fact.id]);
}

/** Calls have a page of their own. */
function isDetailed(fact: Fact): boolean {
  return fact.fact === "llm_call" || fact.fact === "tool_call";
}
