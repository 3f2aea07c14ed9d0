// A session as a conversation: who did what, how deep below what, and what each said that was not said before.

import type { Schemas } from "../api/client";
import type { Content } from "./content";
import type { Fact } from "./shown";

export interface Turn {
  readonly fact: Fact;
  readonly depth: number;
  /** Milliseconds since the session began. */
  readonly offset: number;
  readonly fresh: readonly Content[];
  readonly repeated: readonly Content[];
}

const DEEPEST = 6;
const MOST_STEPS = 1000; // parents that go in a circle end here
const TALK: ReadonlySet<string> = new Set(["user_turn", "agent_run", "llm_call", "tool_call"]);

/** Users, agents, models and tools; the steps and events around them are shown when asked for, and when they failed. */
export function isTalk(fact: Fact): boolean {
  return TALK.has(fact.fact);
}

/** `isShown` says what is listed: only that makes what is below it stand deeper. */
export function conversation(session: Pick<Schemas["SessionDetail"], "start_time">, facts: readonly Fact[], isShown: (fact: Fact) => boolean): readonly Turn[] {
  const known = new Map(facts.map((fact) => [fact.id, fact]));
  const start = Date.parse(session.start_time);
  const said = new Set<string>();
  return facts.filter(isShown).map((fact) => {
    const [fresh, repeated] = split(fact, said);
    return { fact, depth: depthOf(fact, known, isShown), offset: Math.max(0, Date.parse(fact.time) - start), fresh, repeated };
  });
}

function depthOf(fact: Fact, known: ReadonlyMap<string, Fact>, isShown: (fact: Fact) => boolean): number {
  let depth = 0;
  let above = fact.parent_id === null ? undefined : known.get(fact.parent_id);
  for (let step = 0; above !== undefined && depth < DEEPEST && step < MOST_STEPS; step += 1) {
    if (isShown(above)) depth += 1;
    above = above.parent_id === null ? undefined : known.get(above.parent_id);
  }
  return depth;
}

/** Only what went into a model or an agent can be a repetition: what a user says twice, or a model answers twice, was said twice. */
function split({ fact, content }: Fact, said: Set<string>): readonly [readonly Content[], readonly Content[]] {
  const fresh: Content[] = [];
  const repeated: Content[] = [];
  for (const part of content) {
    const key = `${part.kind} ${part.text}`;
    const goesIn = fact !== "user_turn" && ["system", "input", "tools"].includes(part.direction);
    (goesIn && said.has(key) ? repeated : fresh).push(part);
    said.add(key);
  }
  return [fresh, repeated];
}
